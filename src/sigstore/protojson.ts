import { decodeBase64 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { isObject } from '../core/json.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../core/shape.ts'

/**
 * What a protobuf message looks like in JSON. The library's own readers accept snake_case, base64url, numbers for
 * strings and any unknown field, so one document could mean different things to two programs; this refuses all that.
 */
export type Shape =
  | 'string'
  | 'bytes'
  | 'int64'
  | 'uint32'
  | 'enum'
  | 'time'
  | readonly [Shape]
  | { readonly [field: string]: Shape }

const INT64 = /^(0|[1-9]\d{0,18})$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

/**
 * Checks that `value` has only the fields of `shape`, each of its type; every field may be absent or null (proto3 JSON).
 * @throws `core/shape` or `core/base64-malformed`, naming the path.
 */
export function checkShape(value: Json, shape: Shape, path: string): void {
  if (typeof shape === 'string') checkScalar(value, shape, path)
  else if (isList(shape)) checkList(value, shape[0], path)
  else checkMessage(value, shape, path)
}

function checkList(value: Json, item: Shape, path: string): void {
  for (const [i, element] of arrayAt(value, path).entries()) checkShape(element, item, `${path}[${i}]`)
}

function checkMessage(value: Json, shape: { readonly [field: string]: Shape }, path: string): void {
  for (const [field, item] of Object.entries(objectAt(value, path))) {
    const wanted = Object.hasOwn(shape, field) ? shape[field] : undefined
    if (wanted === undefined) {
      throw fail('core/shape', `${path} has a field that its format does not know`, {
        expected: Object.keys(shape).join(', '),
        found: field,
      })
    }
    if (item !== null) checkShape(item, wanted, `${path}.${field}`)
  }
}

function checkScalar(value: Json, type: string, path: string): void {
  if (type === 'uint32') integerAt(value, path)
  else if (type === 'bytes') decodeBase64(stringAt(value, path), path)
  else if (type === 'int64' && !INT64.test(stringAt(value, path))) throw wrong(path, 'a decimal number in quotes')
  else if (type === 'time' && !isTime(stringAt(value, path))) throw wrong(path, 'an RFC 3339 time')
  else stringAt(value, path)
}

function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text))
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape)
}

function wrong(path: string, expected: string): Error {
  return fail('core/shape', `${path} is not ${expected}`, { expected: `${expected} at ${path}` })
}

/** True when the object has the field and it is not null. */
export function has(value: Json | undefined, field: string): boolean {
  return isObject(value) && Object.hasOwn(value, field) && value[field] !== null
}
