import { fail } from '../core/error.ts'
import { parseBuildSigner } from './build-signer.ts'
import { signerText } from './changes.ts'
import { maxAge, onlyTrue, parseAllow, parseDeny, parseTrust } from './deploy.ts'
import type { ExpectedSigner } from './expected.ts'
import { KEYS } from './keys.ts'
import type { BaseImageRule, SignedBase } from './material-rules.ts'
import { orderedRules } from './ordered-rules.ts'
import type { FileReading } from './paths.ts'
import { subjectPatterns } from './patterns.ts'
import {
  asciiOf,
  booleanOf,
  type Field,
  type Fields,
  fieldsOf,
  oneOrMore,
  onlyKey,
  required,
  siteOf,
  textOf,
  wrong,
} from './read.ts'
import { isVerdictType } from './statement-kind.ts'

/** Signers of one rule. */
const MAX_SIGNERS = 20

/** Ways to trust an image, of which a rule has exactly one; `deny` is none. */
const WAYS = ['signers', 'docker', 'waybill', 'digest-lock'] as const

type Match = BaseImageRule['match']

/** `base-images:` is read top down and the first match decides, so the order of the file is kept. */
export function parseBaseImages(reading: FileReading, field: Field): readonly BaseImageRule[] {
  return orderedRules(reading, field, parseRule)
}

function parseRule(reading: FileReading, field: Field): BaseImageRule {
  const fields = fieldsOf(reading, field, KEYS.baseImageRule)
  const named = required(reading, field, fields, 'match')
  const match = subjectPatterns(reading, named)
  if (match.some(({ of }) => of === 'file'))
    throw wrong(reading, named, 'names a file, and a base image is none', 'docker.io/library/**')
  if (parseDeny(reading, field, fields)) return { kind: 'deny', match }
  const ways = WAYS.filter(name => fields.has(name))
  const [way, second] = ways
  if (way === undefined || second !== undefined) {
    const found = ways.length === 0 ? 'none' : ways.join(' and ')
    throw wrong(reading, field, `must say exactly one way to trust: it says ${found}`, [...WAYS, 'deny'].join(', '))
  }
  if (way !== 'signers') refuseStray(reading, fields, way)
  const terms = { match, private: parsePrivate(reading, fields) }
  if (way === 'signers') return { kind: 'signers', ...terms, ...parseSigned(reading, field, fields) }
  if (way === 'waybill') return { kind: 'waybill', ...terms, chain: parseChain(reading, field, fields, terms) }
  onlyTrue(reading, fields.get(way))
  return { kind: way, ...terms }
}

/** What narrows a signature would look like a rule and be none where no signature is asked for. */
function refuseStray(reading: FileReading, fields: Fields, way: string): void {
  for (const key of ['predicate', 'trust', 'max-age']) {
    const field = fields.get(key)
    const place = way === 'waybill' && key !== 'predicate' ? `waybill: {…, ${key}: …}` : 'signers: […]'
    if (field !== undefined) throw wrong(reading, field, `is about signers, and the rule says ${way}`, place)
  }
}

function parsePrivate(reading: FileReading, fields: Fields): boolean {
  const field = fields.get('private')
  return field !== undefined && booleanOf(reading, field)
}

function parseSigned(
  reading: FileReading,
  rule: Field,
  fields: Fields,
): Pick<SignedBase, 'trust' | 'signers' | 'predicate' | 'maxAgeSeconds'> {
  const list = required(reading, rule, fields, 'signers')
  const items = oneOrMore(reading, list)
  if (items.length > MAX_SIGNERS) throw wrong(reading, list, `has more than ${MAX_SIGNERS} signers`)
  const seen = new Set<string>()
  const [first, ...more] = items.map(item => parseSigner(reading, item, seen))
  const predicate = fields.get('predicate')
  if (first === undefined) throw wrong(reading, list, 'is an empty list')
  return {
    trust: parseTrust(reading, fields),
    signers: [first, ...more],
    ...(predicate === undefined ? {} : { predicate: parsePredicate(reading, predicate) }),
    ...maxAge('maxAgeSeconds', reading, fields.get('max-age')),
  }
}

function parseSigner(reading: FileReading, field: Field, seen: Set<string>): ExpectedSigner {
  if (field.node.kind === 'text' && field.node.text.startsWith('@')) throw role(reading, field)
  const { key, value } = onlyKey(reading, field, KEYS.baseSigner)
  const signer = parseBuildSigner(reading, key, value)
  refuseRunner(reading, value, signer)
  const text = signerText(signer)
  if (seen.has(text)) throw wrong(reading, field, 'stands here twice')
  seen.add(text)
  return signer
}

function role(reading: FileReading, field: Field): Error {
  const { path, at } = siteOf(reading, field)
  const text = textOf(reading, field)
  return fail(
    'policy/unsupported',
    `${path}:${at}: ${field.name} cannot be ${text}: roles are of people, who sign commits and tags`,
    {
      expected: `one of: ${KEYS.baseSigner.judged.join(', ')}`,
      found: text,
      remedy: `Name at line ${at.split(':')[0]} the workflow, identity or key that signs the image.`,
    },
  )
}

/** 13-adversary 40: the certificate describes the job that signed, only a provenance says where the build ran. */
export function refuseRunner(reading: FileReading, field: Field, signer: ExpectedSigner): void {
  if (signer.kind === 'github' && signer.runner === 'github-hosted')
    throw wrong(reading, field, 'asks for a runner, which only the provenance of a whole chain tells', 'no runner')
}

/** As `--predicate-type`: a type is a URI, and a verdict about an image is no statement of whoever made it. */
function parsePredicate(reading: FileReading, field: Field): string {
  const type = asciiOf(reading, field)
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(type))
    throw wrong(reading, field, 'is not a URI', 'https://slsa.dev/provenance/v1', type)
  if (isVerdictType(type))
    throw wrong(reading, field, 'is a kind of verdict', 'a statement about what was signed', type)
  return type
}

function parseChain(
  reading: FileReading,
  rule: Field,
  all: Fields,
  terms: { readonly match: Match; readonly private: boolean },
) {
  const field = required(reading, rule, all, 'waybill')
  const fields = fieldsOf(reading, field, KEYS.waybillBase)
  const asked = required(reading, field, fields, 'require')
  const deployed = oneOrMore(reading, asked).find(item => textOf(reading, item) === 'deploy-verified')
  if (deployed !== undefined)
    throw wrong(reading, deployed, 'is about a deploy, and a base image is judged before it is built upon')
  return { ...parseAllow(reading, field, fields, terms.match), private: terms.private }
}
