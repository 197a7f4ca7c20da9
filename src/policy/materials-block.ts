import { type Budget, COVER_BUDGET } from './cover.ts'
import { parseDeny } from './deploy.ts'
import { KEYS } from './keys.ts'
import type { MaterialKey, MaterialRule, UriPattern } from './material-rules.ts'
import type { FileReading } from './paths.ts'
import { booleanOf, distinctList, type Field, type Fields, fieldsOf, listOf, required, textOf, wrong } from './read.ts'
import { isUriCovered } from './uri-cover.ts'
import { uriPatterns } from './uri-patterns.ts'

const MAX_RULES = 500

type Keys = ReadonlyMap<string, MaterialKey>

/** `materials:` is read top down and the first match decides, so the order of the file is kept. */
export function parseMaterials(reading: FileReading, field: Field, keys: Keys): readonly MaterialRule[] {
  const items = listOf(reading, field)
  if (items.length > MAX_RULES) throw wrong(reading, field, `has more than ${MAX_RULES} rules`)
  const earlier: MaterialRule[] = []
  const budget: Budget = { left: COVER_BUDGET }
  for (const item of items) {
    const rule = parseRule(reading, item, keys)
    if (rule.match.every(pattern => isUriCovered(pattern, earlier, budget)))
      throw wrong(
        reading,
        item,
        'can never be reached: rules above it match everything it matches',
        'the narrower rule first',
      )
    earlier.push(rule)
  }
  return earlier
}

function parseRule(reading: FileReading, field: Field, known: Keys): MaterialRule {
  const fields = fieldsOf(reading, field, KEYS.materialRule)
  const match = uriPatterns(reading, required(reading, field, fields, 'match'))
  if (parseDeny(reading, field, fields)) return { match, keys: [], deny: true, private: false }
  const named = fields.get('keys')
  const keys = named === undefined ? [] : distinctList(reading, named).map(item => keyName(reading, item, known))
  if (named !== undefined) refuseUnprovable(reading, named, match, keys, known)
  return { match, keys, deny: false, private: parsePrivate(reading, fields, match) }
}

function keyName(reading: FileReading, field: Field, known: Keys): string {
  const name = textOf(reading, field)
  if (known.has(name)) return name
  const expected = known.size === 0 ? 'a material-keys block' : `one of: ${[...known.keys()].join(', ')}`
  throw wrong(reading, field, 'is no name in material-keys', expected, name)
}

/** What can sign each kind of material; a rule whose keys cannot would allow nothing and look as if it did. */
const PROVERS = [
  { scheme: 'artifact://', what: 'an artifact of a workflow', by: ['github'] },
  { scheme: 'git+https://', what: 'a git repository', by: ['openpgp', 'ssh', 'sigstore'] },
] as const

function refuseUnprovable(
  reading: FileReading,
  field: Field,
  match: readonly UriPattern[],
  names: readonly string[],
  known: Keys,
): void {
  const keys = names.flatMap(name => known.get(name) ?? [])
  const kinds = keys.map(key => (key.kind === 'signer' ? key.signer.kind : key.kind))
  for (const { scheme, what, by } of PROVERS) {
    const asked = match.some(({ text }) => text.startsWith(scheme))
    if (asked && !kinds.some(kind => by.some(word => word === kind)))
      throw wrong(reading, field, `names no key that can sign ${what}`, by.join(', '), kinds.join(', '))
    if (asked && scheme === 'artifact://') for (const key of keys) refuseOpenWorkflow(reading, field, key)
  }
}

/** 13-adversary 20: an artifact is pinned to repository id, ref and event, or somebody else's run could have made it. */
function refuseOpenWorkflow(reading: FileReading, field: Field, key: MaterialKey): void {
  if (key.kind !== 'signer' || key.signer.kind !== 'github') return
  const { repositoryId, sourceRef, trigger } = key.signer
  if (repositoryId === 'any' || sourceRef === 'any' || trigger === undefined || trigger.some(event => event !== 'push'))
    throw wrong(
      reading,
      field,
      'names a workflow whose artifacts are not pinned to one repository, its refs and the event push',
      'repository-id: NUMBER, source-ref: [refs/heads/main], trigger: [push] in material-keys',
    )
}

/** It speaks of addresses of hosts, and an artifact is fetched from the platform alone. */
function parsePrivate(reading: FileReading, fields: Fields, match: readonly UriPattern[]): boolean {
  const field = fields.get('private')
  if (field === undefined) return false
  if (match.every(({ text }) => text.startsWith('artifact://')))
    throw wrong(reading, field, 'is about hosts, and the rule matches artifacts of workflows alone')
  return booleanOf(reading, field)
}
