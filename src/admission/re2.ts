import { compilePattern, ONE, type Token } from '../policy/match.ts'
import { notExpressible } from './refused.ts'

/**
 * One expression of RE2 that matches, whole, exactly what one of the policy's patterns matches (policy/match.ts). RE2 takes time
 * linear in the text, as our own matcher does. Without flags `^` and `$` are the ends of the text.
 * @throws `policy/not-expressible` for a text that is no pattern.
 */
export function wholeText(patterns: readonly string[]): string {
  return `^(?:${patterns.map(bodyOf).join('|')})$`
}

/** Every character by itself; of punctuation nothing is special behind a backslash. */
export function literal(text: string): string {
  return text.replace(/[^A-Za-z0-9_/@:#-]/g, c => (/^[ -~]$/.test(c) ? `\\${c}` : c))
}

function bodyOf(text: string): string {
  const pattern = compilePattern(text)
  if (pattern === undefined)
    throw notExpressible('A pattern is too long', 'at most 512 characters', text, 'Write a shorter pattern.')
  return pattern.tokens.map(partOf).join('')
}

function partOf(token: Token): string {
  if (typeof token === 'string') return literal(token)
  return token === ONE ? '[^/]*' : '(?s:.*)'
}
