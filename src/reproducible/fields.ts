import { isObject, type Json, type JsonObject } from '../core/json.ts'

export interface FieldDifference {
  /** `config.Env[2]`; empty: the documents hold the same and are spelled in another way. */
  readonly path: string
  readonly first: string
  readonly second: string
}

/** The first field in which two documents differ, those of the first in its order before what only the second has. Pure. */
export function firstField(first: Json | undefined, second: Json | undefined, path = ''): FieldDifference | undefined {
  if (isObject(first) && isObject(second)) return firstOf([...keysOf(first, second)], first, second, path)
  if (Array.isArray(first) && Array.isArray(second)) {
    for (let at = 0; at < Math.max(first.length, second.length); at++) {
      const found = firstField(first[at] as Json | undefined, second[at] as Json | undefined, `${path}[${at}]`)
      if (found !== undefined) return found
    }
    return undefined
  }
  const [x, y] = [wordOf(first), wordOf(second)]
  return x === y ? undefined : { path, first: x, second: y }
}

function firstOf(
  keys: readonly string[],
  first: JsonObject,
  second: JsonObject,
  path: string,
): FieldDifference | undefined {
  for (const key of keys) {
    const name = path === '' ? key : `${path}.${key}`
    const found = firstField(own(first, key), own(second, key), name)
    if (found !== undefined) return found
  }
  return undefined
}

function keysOf(first: JsonObject, second: JsonObject): ReadonlySet<string> {
  return new Set([...Object.keys(first), ...Object.keys(second)])
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Keys in the order of the alphabet: their order in a document says nothing. */
function wordOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
