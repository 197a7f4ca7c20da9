import type { Principal } from './policy.ts'
import { asciiOf, type Field, listOf, namedFields, oneOrMore, type Reading, wrong } from './read.ts'

export type Roles = ReadonlyMap<string, readonly string[]>
type Principals = ReadonlyMap<string, Principal>

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Roles of one file, and how deep they may nest: unfolding multiplies, and a hostile file would make it take minutes. */
const MAX_ROLES = 200
const MAX_NESTING = 16

/**
 * Roles unfolded to names of principals, in the order of the file, each once. Cycles and dangling names are refused.
 * @param imported members that snapshots give to a role, which need not be written out itself.
 */
export function parseRoles(
  reading: Reading,
  field: Field | undefined,
  principals: Principals,
  imported: Roles = new Map(),
): Roles {
  const written = field === undefined ? new Map<string, Field>() : namedFields(reading, field)
  if (field !== undefined && written.size > MAX_ROLES) throw wrong(reading, field, `has more than ${MAX_ROLES} roles`)
  const done = new Map<string, readonly string[]>()
  const open = new Set<string>()
  const unfold = (name: string, from: Field): readonly string[] => {
    const known = done.get(name)
    if (known !== undefined) return known
    const role = written.get(name)
    const more = imported.get(name) ?? []
    if (role === undefined) {
      if (more.length > 0) return more
      throw wrong(
        reading,
        from,
        `names "@${name}", which is no role`,
        listed(new Map<string, unknown>([...written, ...imported]), '@'),
      )
    }
    if (open.has(name)) throw wrong(reading, from, `closes a cycle: @${name} contains itself`, 'roles without a cycle')
    if (open.size >= MAX_NESTING) throw wrong(reading, from, `nests roles deeper than ${MAX_NESTING}`)
    open.add(name)
    const members = distinct(reading, listOf(reading, role)).flatMap(([text, item]) =>
      text.startsWith('@') ? unfold(text.slice(1), item) : [principalName(reading, item, text, principals)],
    )
    open.delete(name)
    const unique = [...new Set([...members, ...more])]
    done.set(name, unique)
    return unique
  }
  for (const [name, role] of written) {
    if (!NAME.test(name)) throw wrong(reading, role, 'is not a usable name', 'letters, digits, ".", "_", "-"', name)
    unfold(name, role)
  }
  for (const [name, members] of imported) if (!written.has(name)) done.set(name, members)
  return done
}

/** The name of a role that may not exist yet. */
export function roleName(reading: Reading, field: Field): string {
  const name = asciiOf(reading, field)
  if (!NAME.test(name)) throw wrong(reading, field, 'is not a usable name', 'maintainers, without "@"', name)
  return name
}

/** `"@role"` or the name of one principal, or a list of them, as names of principals. */
export function parseMembers(
  reading: Reading,
  field: Field,
  roles: Roles,
  principals: Principals,
): ReadonlySet<string> {
  const names = distinct(reading, oneOrMore(reading, field)).flatMap(([text, item]) => {
    if (!text.startsWith('@')) return [principalName(reading, item, text, principals)]
    const role = roles.get(text.slice(1))
    if (role === undefined) throw wrong(reading, item, `names "${text}", which is no role`, listed(roles, '@'))
    return role
  })
  return new Set(names)
}

/** Texts with the field they stand in first; a name written twice counts once. */
function distinct(reading: Reading, items: readonly Field[]): readonly (readonly [string, Field])[] {
  const seen = new Map<string, Field>()
  for (const item of items) {
    const text = asciiOf(reading, item)
    if (!seen.has(text)) seen.set(text, item)
  }
  return [...seen]
}

export function principalName(reading: Reading, field: Field, text: string, principals: Principals): string {
  if (principals.has(text)) return text
  throw wrong(reading, field, `names "${text}", who is no principal`, listed(principals, ''))
}

function listed(names: ReadonlyMap<string, unknown>, prefix: string): string {
  return names.size === 0
    ? 'none is declared'
    : [...names.keys()]
        .map(name => prefix + name)
        .slice(0, 20)
        .join(', ')
}
