import { type CommitId, parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { integerAt, objectAt, stringAt } from '../core/shape.ts'
import type { Account } from '../policy/evidence.ts'

/**
 * Readers of the API's own types. All throw `core/shape`, which the callers turn into `github/api-malformed`.
 * REST and GraphQL spell an account differently: an app is `{login: "renovate[bot]", id}` in the one and
 * `{__typename: "Bot", login: "renovate", databaseId}` in the other; the number is the same.
 */

/** A field that is always there, but may be null. */
export function nullable<T>(
  value: Json | undefined,
  read: (value: Json, path: string) => T,
  path: string,
): T | undefined {
  if (value === undefined) throw shape(path, 'something or null', 'nothing')
  return value === null ? undefined : read(value, path)
}

export function booleanAt(value: Json | undefined, path: string): boolean {
  if (typeof value !== 'boolean') throw shape(path, 'true or false', JSON.stringify(value) ?? 'nothing')
  return value
}

/** RFC 3339 in UTC or with an offset, as both APIs write it. */
export function dateAt(value: Json | undefined, path: string): Date {
  const text = stringAt(value, path)
  const date = new Date(text)
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(date.getTime()))
    return date
  throw shape(path, 'a time', text)
}

export function commitIdAt(value: Json | undefined, path: string): CommitId {
  return parseCommitId(stringAt(value, path))
}

/** Database ids begin at 1; 0 stands for "none" in some old records and must not become somebody. */
export function idAt(value: Json | undefined, path: string): number {
  const id = integerAt(value, path)
  if (id === 0) throw shape(path, 'a number above 0', '0')
  return id
}

/** `User` of GraphQL, which has no `__typename` asked for. */
export function userAt(value: Json, path: string): Account {
  const user = objectAt(value, path)
  return { id: idAt(user.databaseId, `${path}.databaseId`), login: loginAt(user.login, `${path}.login`) }
}

/** `Actor` of GraphQL, asked for with `__typename`. @returns undefined for kinds that have no number (enterprise accounts). */
export function actorAt(value: Json, path: string): Account | undefined {
  const actor = objectAt(value, path)
  if (actor.databaseId === undefined || actor.databaseId === null) return undefined
  const { id, login } = userAt(actor, path)
  const isApp = stringAt(actor.__typename, `${path}.__typename`) === 'Bot'
  return { id, login: isApp && !login.endsWith('[bot]') ? `${login}[bot]` : login }
}

/** `simple-user` of REST. */
export function simpleUserAt(value: Json, path: string): Account {
  const user = objectAt(value, path)
  return { id: idAt(user.id, `${path}.id`), login: loginAt(user.login, `${path}.login`) }
}

function loginAt(value: Json | undefined, path: string): string {
  const login = stringAt(value, path)
  if (!/^[A-Za-z0-9_.[\]-]{1,100}$/.test(login)) throw shape(path, 'a login', login)
  return login
}

/** A branch as the API names it, in full. Names that no ref may have would be matched as something else later. */
export function branchRefAt(value: Json | undefined, path: string): string {
  const name = stringAt(value, path)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in refs
  if (name === '' || name.length > 1000 || /[\u0000- ~^:?*[\\\u007f]|\.\.|@\{/.test(name))
    throw shape(path, 'a branch', name)
  return `refs/heads/${name}`
}

function shape(path: string, expected: string, found: string): Error {
  return fail('core/shape', `${path} is not ${expected}`, {
    expected: `${expected} at ${path}`,
    found: found.slice(0, 200),
  })
}
