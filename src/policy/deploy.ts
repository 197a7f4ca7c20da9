import { parseBuild } from './build-signer.ts'
import { type Budget, COVER_BUDGET } from './cover.ts'
import { parseDeploySource } from './deploy-source.ts'
import { KEYS, REQUIREMENTS, TRUST_NAMES } from './keys.ts'
import type { Pattern } from './match.ts'
import { type FileReading, namedFile } from './paths.ts'
import { referencePatterns, refuseUnreachable } from './patterns.ts'
import type { DeployRule, Requirement, TrustName } from './policy.ts'
import {
  booleanOf,
  type Field,
  type Fields,
  fieldsOf,
  listOf,
  oneOrMore,
  required,
  secondsOf,
  wordOf,
  wrong,
} from './read.ts'

/** Deploy rules of one file. */
const MAX_RULES = 500

/** `deploy:` is read top down and the first match decides, so the order of the file is kept. */
export function parseDeploy(reading: FileReading, field: Field | undefined): readonly DeployRule[] {
  if (field === undefined) return []
  const items = listOf(reading, field)
  if (items.length > MAX_RULES) throw wrong(reading, field, `has more than ${MAX_RULES} rules`)
  const earlier: Pattern[] = []
  const budget: Budget = { left: COVER_BUDGET }
  return items.map(item => {
    const rule = parseRule(reading, item)
    refuseUnreachable(reading, item, rule.match, earlier, budget)
    earlier.push(...rule.match)
    return rule
  })
}

function parseRule(reading: FileReading, field: Field): DeployRule {
  const fields = fieldsOf(reading, field, KEYS.deployRule)
  const match = referencePatterns(reading, required(reading, field, fields, 'match'))
  const deny = fields.get('deny')
  if (deny !== undefined) {
    if (!booleanOf(reading, deny)) throw wrong(reading, deny, 'can only be true; leave it out otherwise', 'true')
    if (fields.size > 2) throw wrong(reading, field, 'denies, so it can have no key but match and deny')
    return { kind: 'deny', match }
  }
  const age = fields.get('max-age')
  const audit = fields.get('allow-audit')
  const build = parseBuild(reading, required(reading, field, fields, 'build'))
  const require = parseRequire(reading, required(reading, field, fields, 'require'))
  // 13-adversary 40: the certificate describes the job that signed, only the provenance says where the build ran.
  const hosted = build.build.kind === 'github' && build.build.runner === 'github-hosted'
  if (hosted && !require.includes('provenance'))
    throw wrong(reading, field, 'asks for a runner, which only provenance tells', 'require: [signature, provenance]')
  const source = parseDeploySource(reading, field, fields.get('source'), { build: build.build, require })
  return {
    kind: 'allow',
    match,
    trust: parseTrust(reading, fields),
    ...build,
    require,
    allowAudit: audit !== undefined && booleanOf(reading, audit),
    ...(age === undefined ? {} : { maxAgeSeconds: secondsOf(reading, age, 'an age') }),
    ...(source === undefined ? {} : { source }),
  }
}

/** 13-adversary 29: exactly one root, never a bag of them. */
function parseTrust(reading: FileReading, fields: Fields): TrustName {
  const field = fields.get('trust')
  if (field === undefined) return 'public-good'
  if (field.node.kind !== 'map') return wordOf(reading, field, TRUST_NAMES)
  const file = required(reading, field, fieldsOf(reading, field, KEYS.trust), 'file')
  return { file: namedFile(reading, file, 'trust') }
}

function parseRequire(reading: FileReading, field: Field): readonly [Requirement, ...Requirement[]] {
  const [first, ...more] = oneOrMore(reading, field)
  const list: [Requirement, ...Requirement[]] = [wordOf(reading, first, REQUIREMENTS)]
  for (const item of more) {
    const word = wordOf(reading, item, REQUIREMENTS)
    if (list.includes(word)) throw wrong(reading, item, `names ${word} twice`)
    list.push(word)
  }
  return list
}
