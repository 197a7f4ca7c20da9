import { decodeUtf8 } from './bytes.ts'
import { fail } from './error.ts'
import { LIMITS } from './limits.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/**
 * Parses strict JSON (RFC 8259): valid UTF-8 without a byte order mark, no duplicate keys, at most `LIMITS.jsonDepth` deep.
 * Two parsers that pick different values of a duplicate key let one document mean two things (13-adversary 21).
 * @throws `core/json-malformed`
 */
export function parseJson(bytes: Uint8Array | string, what: string): Json {
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes)
  if (text === undefined) throw malformed(what, 'bytes that are not UTF-8')
  checkStructure(text, what)
  try {
    return JSON.parse(text) as Json
  } catch {
    throw malformed(what, 'a syntax error')
  }
}

/** As `parseJson`, and the document must be an object. */
export function parseJsonObject(bytes: Uint8Array | string, what: string): JsonObject {
  const value = parseJson(bytes, what)
  if (!isObject(value)) throw malformed(what, 'something other than an object')
  return value
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(what: string, found: string): Error {
  return fail('core/json-malformed', `The ${what} is not acceptable JSON: ${found}`, { expected: 'strict JSON', found })
}

/** Finds duplicate keys and excessive depth. Assumes nothing about validity: `JSON.parse` judges the syntax afterwards. */
function checkStructure(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = []
  let expectKey = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      const end = endOfString(text, i)
      const keys = open.at(-1)
      if (expectKey && keys !== undefined) {
        const key = keyText(text.slice(i, end + 1))
        if (keys.has(key)) throw malformed(what, `the key ${JSON.stringify(key).slice(0, 80)} twice`)
        keys.add(key)
        expectKey = false
      }
      i = end
    } else if (c === 0x7b || c === 0x5b) {
      if (open.length >= LIMITS.jsonDepth) throw malformed(what, `nesting deeper than ${LIMITS.jsonDepth}`)
      open.push(c === 0x7b ? new Set() : undefined)
      expectKey = c === 0x7b
    } else if (c === 0x7d || c === 0x5d) {
      open.pop()
      expectKey = false
    } else if (c === 0x2c) {
      expectKey = open.at(-1) !== undefined
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5c) i++
    else if (c === 0x22) return i
  }
  return text.length
}

function keyText(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}

/** Any value as text for a message; `String()` calls what a document may have put in the place of `toString`. */
export function jsonText(value: Json | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
}
