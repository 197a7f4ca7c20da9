import { printable } from '../../core/text.ts'
import { type Field, unusable } from './yaml.ts'

/** Texts of one value: names, URLs, patterns. */
const MAX_TEXT = 4_096

/** Typed reading of the manifest; every failure is `materials/manifest-unusable` with file, line and column. */
export class FieldReader {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  wrong(field: Field, sentence: string, expected?: string, found?: string): Error {
    return unusable(this.#path, field.at, `${field.name || 'The manifest'} ${sentence}`, expected, found)
  }

  /** Fields by key; a key that is not in the list is an error, never ignored. */
  map(field: Field, keys: readonly string[]): ReadonlyMap<string, Field> {
    const { value } = field
    if (!(value instanceof Map)) throw this.wrong(field, 'is not a map of keys', keys.join(', '))
    for (const [key, inner] of value as ReadonlyMap<string, Field>)
      if (!keys.includes(key)) throw this.wrong(inner, 'is not a key of a manifest', `one of: ${keys.join(', ')}`, key)
    return value
  }

  required(parent: Field, fields: ReadonlyMap<string, Field>, key: string): Field {
    const field = fields.get(key)
    if (field === undefined) throw this.wrong(parent, `has no ${key}`, `${key}: …`)
    return field
  }

  /** The single entry of a map such as `{openpgp: {…}}`. */
  onlyEntry(field: Field, keys: readonly string[]): readonly [string, Field] {
    const [entry, second] = [...this.map(field, keys)]
    if (entry === undefined || second !== undefined)
      throw this.wrong(field, 'must have exactly one key', `one of: ${keys.join(', ')}`)
    return entry
  }

  list(field: Field, max: number): readonly Field[] {
    const { value } = field
    if (!Array.isArray(value)) throw this.wrong(field, 'is not a list', '[…]')
    if (value.length === 0) throw this.wrong(field, 'is an empty list')
    if (value.length > max) throw this.wrong(field, `has more than ${max} entries`, `at most ${max}`, `${value.length}`)
    return value as readonly Field[]
  }

  /** Printable ASCII without spaces at its ends: look-alike letters cannot enter names and addresses. */
  text(field: Field): string {
    const { value, plain } = field
    if (typeof value !== 'string') throw this.wrong(field, 'is not a text', 'one value')
    if (value === '' || (plain && /^(?:~|null)$/i.test(value))) throw this.wrong(field, 'is empty')
    if (value.length > MAX_TEXT) throw this.wrong(field, `has more than ${MAX_TEXT} characters`)
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
      throw this.wrong(field, 'holds a character outside ASCII, or begins or ends with a space', 'ASCII', value)
    return value
  }

  matching(field: Field, pattern: RegExp, expected: string): string {
    const text = this.text(field)
    if (!pattern.test(text)) throw this.wrong(field, 'cannot be read', expected, printable(text, 100))
    return text
  }

  true(field: Field): true {
    if (field.plain && field.value === 'true') return true
    throw this.wrong(field, 'can only be true', 'true, or no such key')
  }

  integer(field: Field, max: number): number {
    const { value, plain } = field
    const number = typeof value === 'string' && plain && /^[1-9][0-9]{0,15}$/.test(value) ? Number(value) : 0
    if (number < 1 || number > max) throw this.wrong(field, `is not a number from 1 to ${max}`, 'digits')
    return number
  }
}
