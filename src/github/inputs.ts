import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import type { InputRow } from './input-table.ts'

/**
 * The inputs of one step, as the runner hands them over: `INPUT_<NAME>`, upper case, spaces as `_`, dashes kept.
 * Empty and unset are the same: an unset input of an action is the empty string.
 */
export class Inputs {
  readonly #values: ReadonlyMap<string, string>

  /** @throws `entry/input-unsupported` for a name that is in no table, or a set one that is not served. */
  constructor(env: Environment, table: readonly InputRow[]) {
    const values = new Map<string, string>()
    for (const [variable, raw] of Object.entries(env)) {
      if (!variable.startsWith('INPUT_')) continue
      const name = variable.slice('INPUT_'.length).toLowerCase()
      const row = table.find(entry => entry.name === name)
      const value = (raw ?? '').trim()
      if (row === undefined) throw unknownInput(name, table)
      if (value === '') continue
      if (!row.served) throw notServed(row)
      values.set(name, value)
    }
    for (const row of table)
      if (row.served && row.default !== undefined && !values.has(row.name) && !row.default.startsWith('${{'))
        values.set(row.name, row.default)
    this.#values = values
  }

  text(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** One item a line; white space around items and empty lines are dropped. */
  list(name: string): readonly string[] {
    return (this.text(name) ?? '')
      .split(/\r\n|\r|\n/)
      .map(line => line.trim())
      .filter(line => line !== '')
  }

  /** `key=value`, one a line. @throws `entry/input-malformed` for a line without `=` or a key given twice. */
  pairs(name: string): Readonly<Record<string, string>> {
    const found = new Map<string, string>()
    for (const line of this.list(name)) {
      const at = line.indexOf('=')
      // The line is not shown: it may be a secret that somebody pasted.
      if (at < 1) throw malformed(name, 'key=value on each line', 'a line without key=')
      const key = line.slice(0, at)
      if (found.has(key)) throw malformed(name, 'each key once', `${printable(key, 60)} twice`)
      found.set(key, line.slice(at + 1))
    }
    return Object.fromEntries(found)
  }

  choice<const T extends string>(name: string, choices: readonly T[]): T {
    const value = this.text(name) ?? ''
    const found = choices.find(choice => choice === value)
    if (found === undefined) throw malformed(name, choices.join(', '), value)
    return found
  }

  /** `true` or `false` in the spellings of YAML 1.2; `undefined` when not set. */
  flag(name: string): boolean | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^(true|True|TRUE)$/.test(value)) return true
    if (/^(false|False|FALSE)$/.test(value)) return false
    throw malformed(name, 'true or false', value)
  }

  /** Text of the given form. */
  matching(name: string, grammar: RegExp, expected: string): string | undefined {
    const value = this.text(name)
    if (value !== undefined && !grammar.test(value)) throw malformed(name, expected, value)
    return value
  }
}

/** `{[key]: value}`, or nothing when there is no value: optional fields are absent, never `undefined`. */
export function maybe<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V }
}

export function malformed(name: string, expected: string, found: string): Error {
  return fail('entry/input-malformed', `The input ${name} is not acceptable`, { expected, found })
}

/** Two inputs that cannot both hold, or one that needs another. */
export function contradiction(sentence: string, expected: string, found: string): Error {
  return fail('entry/input-contradiction', sentence, { expected, found, remedy: `Set: ${expected}` })
}

function unknownInput(name: string, table: readonly InputRow[]): Error {
  const near = table.find(row => row.served && distance(row.name, name) <= 2)
  return fail('entry/input-unsupported', `There is no input ${printable(name, 60)}`, {
    expected: near === undefined ? 'an input of action.yml' : near.name,
    found: name,
    ...(near === undefined ? {} : { remedy: `Write ${near.name}.` }),
  })
}

function notServed(row: InputRow): Error {
  if (row.why !== undefined)
    return fail('entry/input-unsupported', `The input ${row.name} does not go with this action: ${row.why}`, {
      expected: 'an input of action.yml',
      found: row.name,
      remedy: `Remove ${row.name} from the step.`,
    })
  return fail('entry/input-unsupported', `The input ${row.name} is not served by this version`, {
    expected: 'an input of action.yml',
    found: row.name,
    remedy: `Remove ${row.name} from the step; it is refused rather than ignored.`,
  })
}

/** Levenshtein distance, for short names. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change))
    }
    row = next
  }
  return row[b.length] ?? 0
}
