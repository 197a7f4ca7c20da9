import { fail } from './error.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/**
 * Typed reading of foreign JSON. Each reader takes the value and the path it stands at (`"manifest.layers[0].size"`)
 * and throws `core/shape` naming that path, what was wanted and what stood there.
 */
export function objectAt(value: Json | undefined, path: string): JsonObject {
  if (!isObject(value)) throw wrong(path, 'an object', value)
  return value
}

export function arrayAt(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(path, 'a list', value)
  return value
}

export function stringAt(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw wrong(path, 'a string', value)
  return value
}

export function integerAt(value: Json | undefined, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(path, 'a non-negative integer', value)
  return value
}

export function optional<T>(
  value: Json | undefined,
  read: (value: Json, path: string) => T,
  path: string,
): T | undefined {
  return value === undefined ? undefined : read(value, path)
}

/** An object whose values are all strings; `{}` when absent. */
export function stringMapAt(value: Json | undefined, path: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  const entries = Object.entries(objectAt(value, path)).map(
    ([key, item]) => [key, stringAt(item, `${path}.${key}`)] as const,
  )
  return Object.fromEntries(entries)
}

function wrong(path: string, expected: string, value: Json | undefined): Error {
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100)
  return fail('core/shape', `${path} is not ${expected}`, { expected: `${expected} at ${path}`, found })
}
