import { notExpressible } from './refused.ts'

/** Expressions of the Common Expression Language as Kubernetes and Kyverno evaluate them. Source: CEL language definition § Syntax. */

/**
 * A text as a literal. Values come out of policies: one that could end its literal would add a condition of its own, so
 * whatever is not plain ASCII is escaped, also what only some readers of YAML take for the end of a line.
 * @throws `policy/not-expressible` for half a surrogate pair, which no literal can hold.
 */
export function celText(text: string): string {
  if (!text.isWellFormed())
    throw notExpressible(
      'A value of the policy is no text that a cluster could compare',
      'text without half surrogate pairs',
      text,
      'Write the value without it.',
    )
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

/** Alternatives in parentheses; one alone without; none is false. */
export function anyOf(tests: readonly string[]): string {
  return tests.length > 1 ? `(${tests.join(' || ')})` : (tests[0] ?? 'false')
}
