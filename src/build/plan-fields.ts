import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { arrayAt, stringAt } from '../core/shape.ts'
import { isPrintable, printable } from '../core/text.ts'

/** How plan and parts are read: every field in one form, none more. What is thrown here is `build/plan-unusable`. */

/** Id of a run. */
export const NUMBER = /^[1-9][0-9]{0,19}$/

/** A key that nobody reads could be one that another version would have judged by. */
export function exactly(object: JsonObject, keys: readonly string[]): JsonObject {
  const other = Object.keys(object).find(key => !keys.includes(key))
  if (other !== undefined) throw unusable(`the key ${other}`)
  return object
}

export function list(value: Json | undefined, name: string, most: number): readonly Json[] {
  const items = arrayAt(value, name)
  if (items.length > most) throw unusable(`${items.length} items of ${name}`)
  return items
}

export function textAt(value: Json | undefined, name: string, grammar: RegExp): string {
  const text = stringAt(value, name)
  if (!grammar.test(text) || !isPrintable(text)) throw unusable(`${name} ${text.slice(0, 200)}`)
  return text
}

export function flag(object: JsonObject, name: string): boolean {
  const value = object[name]
  if (typeof value !== 'boolean') throw unusable(`${name} that is neither true nor false`)
  return value
}

export function choice<const T extends string>(value: Json | undefined, name: string, choices: readonly T[]): T {
  const found = choices.find(one => one === value)
  if (found === undefined) throw unusable(`${name} that is none of ${choices.join(', ')}`)
  return found
}

export function unusable(found: string, cause?: unknown): Error {
  return fail('build/plan-unusable', 'The plan of the job that prepares cannot be read', {
    expected: 'what the door prepare writes',
    found: printable(found),
    ...(cause === undefined ? {} : { cause }),
  })
}
