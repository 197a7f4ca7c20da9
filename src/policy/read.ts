import { fail } from '../core/error.ts'
import { isPrintable, printable } from '../core/text.ts'
import type { Keys } from './keys.ts'
import { type Site, unusable, type YamlList, type YamlMap, type YamlNode } from './yaml.ts'

/**
 * Typed reading of the policy's YAML. Each reader names the place (`roles.maintainers`) and throws `policy/unusable` with
 * file, line and column; keys that are not judged throw `policy/unsupported`.
 */
export interface Reading {
  /** Of the policy file, as shown in messages. */
  readonly path: string
}

export interface Field {
  readonly node: YamlNode
  /** `deploy[0].build.github` */
  readonly name: string
}

/** The fields of a map by key. */
export type Fields = ReadonlyMap<string, Field>

/** Texts of one value. Names, patterns and keys are far below (an RSA-16384 SSH key has under 3,000). */
const MAX_TEXT = 8_192

export function siteOf(reading: Reading, field: Field): Site {
  return { path: reading.path, at: field.node.at }
}

export function wrong(reading: Reading, field: Field, sentence: string, expected?: string, found?: string): Error {
  return unusable(siteOf(reading, field), `${field.name} ${sentence}`, expected, found)
}

/** @throws `policy/unsupported` for a key that is not in `keys.judged`. */
export function fieldsOf(reading: Reading, field: Field, keys: Keys): Fields {
  const map = mapOf(reading, field)
  for (const { key, at } of map.entries) {
    if (!keys.judged.includes(key)) throw unsupportedKey({ path: reading.path, at }, field.name, key, keys)
  }
  return entriesOf(map, field.name)
}

/** A map whose keys are names chosen by whoever wrote the policy. */
export function namedFields(reading: Reading, field: Field): Fields {
  return entriesOf(mapOf(reading, field), field.name)
}

function mapOf(reading: Reading, field: Field): YamlMap {
  const { node } = field
  if (node.kind !== 'map') throw wrong(reading, field, 'is not a map of keys', 'key: value', describe(node))
  return node
}

function entriesOf(map: YamlMap, parent: string): Fields {
  const prefix = parent === '' ? '' : `${parent}.`
  return new Map(map.entries.map(({ key, value }) => [key, { node: value, name: `${prefix}${printable(key, 80)}` }]))
}

export function unsupportedKey(site: Site, parent: string, key: string, keys: Keys): Error {
  const later = keys.later.includes(key)
  const name = `${parent === '' ? '' : `${parent}.`}${printable(key, 60)}`
  const never = Object.hasOwn(keys.never ?? {}, key) ? keys.never?.[key] : undefined
  const unknown =
    never === undefined ? `${name} is not a key of a policy` : `${name} cannot stand here: ${key} ${never}`
  const sentence = later ? `This version does not judge ${name} yet` : unknown
  return fail('policy/unsupported', `${site.path}:${site.at}: ${sentence}`, {
    expected: `one of: ${keys.judged.join(', ')}`,
    found: key,
    remedy: later
      ? `Remove ${name} at line ${site.at.split(':')[0]}, or use a version of Waybill that judges it. It is never ignored.`
      : `Correct or remove ${name} at line ${site.at.split(':')[0]}; if a newer Waybill knows it, use that version.`,
  })
}

/** One of a closed list of words. @throws `policy/unsupported` for every other one. */
export function wordOf<T extends string>(
  reading: Reading,
  field: Field,
  words: { readonly judged: readonly T[]; readonly later: readonly string[] },
): T {
  const text = textOf(reading, field)
  const word = words.judged.find(known => known === text)
  if (word !== undefined) return word
  if (words.later.includes(text)) throw unsupportedKey(siteOf(reading, field), field.name, text, words)
  const { path, at } = siteOf(reading, field)
  throw fail('policy/unsupported', `${path}:${at}: ${field.name} cannot be ${printable(text, 60)}`, {
    expected: `one of: ${words.judged.join(', ')}`,
    found: text,
    remedy: `Correct ${field.name} at line ${at.split(':')[0]}; if a newer Waybill knows ${printable(text, 60)}, use that version.`,
  })
}

export function required(reading: Reading, parent: Field, fields: Fields, key: string): Field {
  const field = fields.get(key)
  if (field === undefined) throw wrong(reading, parent, `has no ${key}`, `${key}: …`)
  return field
}

/** A text that is not empty and shows exactly its characters. A plain `null` or `~` is nothing, not a name. */
export function textOf(reading: Reading, field: Field): string {
  const { node } = field
  if (node.kind !== 'text') throw wrong(reading, field, 'is not a text', 'one value', describe(node))
  if (node.text === '' || (node.plain && /^(~|null)$/i.test(node.text))) throw wrong(reading, field, 'is empty')
  if (node.text.length > MAX_TEXT) throw wrong(reading, field, `has more than ${MAX_TEXT} characters`)
  if (!isPrintable(node.text)) throw wrong(reading, field, 'holds a line break or an invisible character')
  return node.text
}

/** As `textOf`, printable ASCII only: look-alike letters of other alphabets cannot enter identities. */
export function asciiOf(reading: Reading, field: Field): string {
  const text = textOf(reading, field)
  if (!/^[\x20-\x7e]*$/.test(text)) throw wrong(reading, field, 'holds a character outside ASCII', 'ASCII', text)
  if (text !== text.trim()) throw wrong(reading, field, 'begins or ends with a space', text.trim(), `"${text}"`)
  return text
}

/** `true` or `false` without quotes. */
export function booleanOf(reading: Reading, field: Field): boolean {
  const { node } = field
  if (node.kind === 'text' && node.plain && (node.text === 'true' || node.text === 'false')) return node.text === 'true'
  throw wrong(reading, field, 'is neither true nor false', 'true or false', describe(node))
}

/** Decimal digits without quotes, at least 1. */
export function integerOf(reading: Reading, field: Field, max = Number.MAX_SAFE_INTEGER): number {
  const { node } = field
  const number = node.kind === 'text' && node.plain && /^[1-9][0-9]{0,15}$/.test(node.text) ? Number(node.text) : 0
  if (number < 1 || number > max)
    throw wrong(reading, field, `is not a number from 1 to ${max}`, 'digits', describe(node))
  return number
}

/** `2026-05-01` (midnight UTC) or `2026-05-01T12:00:00Z`. */
export function dateOf(reading: Reading, field: Field): Date {
  const text = textOf(reading, field)
  const shape = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/.test(text)
  const date = new Date(shape ? text : Number.NaN)
  // `2026-02-31` parses in some engines as the 3rd of March.
  const exact = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.replace(/Z$/, ''))
  if (!exact) throw wrong(reading, field, 'is not a date', '2026-05-01 or 2026-05-01T12:00:00Z', text)
  return date
}

/**
 * `90d`, `12h`: whole days or hours.
 * @param what it is called when it is none, "an age".
 * @returns seconds.
 */
export function secondsOf(reading: Reading, field: Field, what: string): number {
  const text = asciiOf(reading, field)
  const [, digits, unit] = /^([1-9][0-9]{0,4})([dh])$/.exec(text) ?? []
  if (digits === undefined) throw wrong(reading, field, `is not ${what}`, '90d or 12h', text)
  return Number(digits) * (unit === 'd' ? 86_400 : 3_600)
}

/** A list with at least one item. */
export function listOf(reading: Reading, field: Field): readonly [Field, ...Field[]] {
  const { node } = field
  if (node.kind !== 'list') throw wrong(reading, field, 'is not a list', `[…]`, describe(node))
  return nonEmpty(reading, field, node)
}

/** A list, or one value that stands for a list of itself. */
export function oneOrMore(reading: Reading, field: Field): readonly [Field, ...Field[]] {
  return field.node.kind === 'list' ? nonEmpty(reading, field, field.node) : [field]
}

/** As `oneOrMore`; a text that stands there twice is refused: one of the two was meant to be another. */
export function distinctList(reading: Reading, field: Field): readonly [Field, ...Field[]] {
  const items = oneOrMore(reading, field)
  const seen = new Set<string>()
  for (const item of items) {
    const text = textOf(reading, item)
    if (seen.has(text)) throw wrong(reading, item, `names ${text} twice`)
    seen.add(text)
  }
  return items
}

/** Whole fingerprint of an OpenPGP key, upper-case hex. A key id (8 or 16 digits) can be made to order. */
export function fingerprintOf(reading: Reading, field: Field): string {
  const hex = asciiOf(reading, field).replaceAll(' ', '').toUpperCase()
  if (/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(hex)) return hex
  throw wrong(
    reading,
    field,
    'is not a whole fingerprint',
    '40 or 64 hex digits, as printed by: gpg --fingerprint',
    hex,
  )
}

function nonEmpty(reading: Reading, field: Field, list: YamlList): readonly [Field, ...Field[]] {
  const [first, ...more] = list.items.map((node, index) => ({ node, name: `${field.name}[${index}]` }))
  if (first === undefined) throw wrong(reading, field, 'is an empty list; leave the key out, or name something')
  return [first, ...more]
}

export function describe(node: YamlNode): string {
  if (node.kind === 'text') return node.text === '' ? 'nothing' : printable(node.text, 100)
  return node.kind === 'map' ? 'a map' : 'a list'
}

/** The single key of a map such as `{openpgp: {…}}`. */
export function onlyKey(reading: Reading, field: Field, keys: Keys): { readonly key: string; readonly value: Field } {
  const entries = [...fieldsOf(reading, field, keys)]
  const [entry, second] = entries
  if (entry === undefined || second !== undefined)
    throw wrong(reading, field, 'must have exactly one key', `one of: ${keys.judged.join(', ')}`)
  return { key: entry[0], value: entry[1] }
}
