import { fail } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { compilePattern, ONE, type Pattern, type Token } from '../policy/match.ts'
import type { AdmissionCondition } from './link.ts'

/**
 * Expressions of the Common Expression Language as Kubernetes and Kyverno evaluate them. Source: CEL language definition
 * § Syntax, and RE2's syntax for what `matches` takes.
 */

/**
 * A text as a literal. Values come out of policies: one that could end its literal would add a condition of its own, so
 * whatever is not plain ASCII is escaped, also what only some readers of YAML take for the end of a line.
 * @throws `policy/not-expressible` for half a surrogate pair, which no literal can hold.
 */
export function celText(text: string): string {
  if (!text.isWellFormed())
    throw fail('policy/not-expressible', 'A value of the policy is no text that a cluster could compare', {
      found: text,
    })
  return `"${[...text].map(escaped).join('')}"`
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  const code = character.codePointAt(0) ?? 0
  if (code >= 0x20 && code < 0x7f) return character
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}

/** A text in a regular expression, meaning itself. */
export function literalRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

/** The texts that one of the patterns matches (policy/match.ts), whole; RE2 takes linear time, so nobody's name is slow. */
export function patternsRegex(patterns: readonly Pattern[]): string {
  return `^(?:${patterns.map(({ tokens }) => tokensRegex(tokens)).join('|')})$`
}

/** Without anchors, to be put into a longer one. */
export function tokensRegex(tokens: readonly Token[]): string {
  return tokens
    .map(token => (typeof token === 'string' ? literalRegex(token) : token === ONE ? '[^/]*' : '[\\s\\S]*'))
    .join('')
}

/**
 * What a predicate must say. Only optional steps lead to a value, so that a missing one is false and not an error.
 * @param predicate an expression that gives it as an optional value.
 * @throws `policy/not-expressible` for a value that CEL does not compare as JSON means it.
 */
export function conditionCel(predicate: string, condition: AdmissionCondition): string {
  const found = predicate + condition.path.map(step).join('')
  if (condition.is === 'equal') return equals(found, condition.value)
  if (condition.is === 'one-of') return anyOf(condition.values.map(value => equals(found, value)))
  // `in` and `exists` would take a key of a map for an item, and `matches` is an error on what is no text.
  if (condition.is === 'containing')
    return `(type(${found}.orValue(null)) == list && ${found}.orValue([]).exists(item, item == ${celText(condition.value)}))`
  const regex = patternsRegex(condition.patterns.map(compiled))
  return `(type(${found}.orValue(null)) == string && ${found}.orValue("").matches(${celText(regex)}))`
}

/** Alternatives in parentheses; one alone without; none is false. */
export function anyOf(tests: readonly string[]): string {
  return tests.length > 1 ? `(${tests.join(' || ')})` : (tests[0] ?? 'false')
}

function compiled(text: string): Pattern {
  const pattern = compilePattern(text)
  if (pattern !== undefined) return pattern
  throw fail('policy/not-expressible', 'A condition of the policy holds what is no pattern', { found: text })
}

function equals(found: string, value: Json): string {
  if (typeof value === 'string') return `${found} == optional.of(${celText(value)})`
  if (typeof value === 'boolean') return `${found} == optional.of(${value})`
  if (typeof value === 'number' && Number.isSafeInteger(value)) return `${found} == optional.of(${value})`
  throw fail('policy/not-expressible', 'A cluster cannot compare this value exactly', {
    expected: 'a text, a whole number, true or false',
    found: JSON.stringify(value),
  })
}

/** Words that the language keeps for itself, and whatever is no identifier, are asked for as keys. */
function step(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !RESERVED.has(name) ? `.?${name}` : `[?${celText(name)}]`
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)
