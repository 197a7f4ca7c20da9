import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { interpolate, type Lookup } from './compose-variables.ts'
import { SUBJECT_LIMITS } from './limits.ts'

/**
 * Reads a `.env` file: `NAME=value`, `NAME: value`, `export NAME=value`, comments, values in single quotes (as they are) or
 * double quotes (with escapes and variables), and `NAME` alone, which takes the value the caller knows. docs.docker.com, "Env file
 * syntax", and what docker compose 2.40 does.
 * @param outer values that the caller gives; they win over the file, also inside it.
 * @returns names with their values. A value that could not be understood is not in it, so an image that needs it is unknown.
 * @throws `verify/manifest-unreadable` when the lines themselves cannot be told apart.
 */
export function readEnvFile(bytes: Uint8Array, file: string, outer: Lookup): ReadonlyMap<string, string> {
  const text = decodeUtf8(bytes)
  if (text === undefined || bytes.byteLength > SUBJECT_LIMITS.envFileBytes)
    throw refused(file, 1, 'not UTF-8 or too large')
  const values = new Map<string, string>()
  const lookup: Lookup = name => outer(name) ?? values.get(name)
  const source = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
  for (let at = 0, line = 1; at < source.length; ) {
    const { name, value, end } = statement(source, at, lookup, () => refused(file, line, 'no NAME=value'))
    if (name !== undefined) {
      if (value === undefined) values.delete(name)
      else values.set(name, value)
    }
    line += source.slice(at, end).split('\n').length - 1
    at = end
  }
  return values
}

interface Statement {
  readonly name?: string
  readonly value?: string | undefined
  readonly end: number
}

const BLANK = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y
const NAME = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:([=:])[ \t]*|(?=\n|$))/y
const QUOTED = /(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)")[ \t]*(?:#[^\n]*)?(?:\n|$)/y
const PLAIN = /([^\n]*)(?:\n|$)/y

function statement(source: string, at: number, lookup: Lookup, wrong: () => Error): Statement {
  const blank = exec(BLANK, source, at)
  if (blank !== undefined) return { end: at + Math.max(blank[0].length, 1) }
  const head = exec(NAME, source, at)
  if (head === undefined) throw wrong()
  const [whole, name = '', sign] = head
  const from = at + whole.length
  if (sign === undefined) return { name, value: lookup(name), end: from }
  const quoted = /['"]/.test(source[from] ?? '')
  const match = exec(quoted ? QUOTED : PLAIN, source, from)
  if (match === undefined) throw wrong()
  const end = from + match[0].length
  if (!quoted) return { name, value: expanded((match[1] ?? '').replace(/ #.*$/, '').trim(), lookup), end }
  const [, single, double] = match
  return { name, value: single === undefined ? doubleQuoted(double ?? '', lookup) : singleQuoted(single), end }
}

/** Only `\'` is an escape there; before anything else a backslash stays. */
function singleQuoted(inside: string): string {
  return inside.replaceAll("\\'", "'")
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', $: '$$' }

function doubleQuoted(inside: string, lookup: Lookup): string | undefined {
  const odd = [...inside.matchAll(/\\([\s\S])/g)].some(([, c = '']) => !Object.hasOwn(ESCAPES, c))
  if (odd) return undefined
  return expanded(
    inside.replace(/\\([\s\S])/g, (_, c: string) => ESCAPES[c] ?? ''),
    lookup,
  )
}

function expanded(text: string, lookup: Lookup): string | undefined {
  const value = interpolate(text, lookup)
  return value.kind === 'text' ? value.text : undefined
}

function exec(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(source) ?? undefined
}

function refused(file: string, line: number, found: string): Error {
  return fail('verify/manifest-unreadable', `Cannot read ${printable(file)}:${line}: ${found}`, {
    expected: 'lines of NAME=value',
    found,
  })
}
