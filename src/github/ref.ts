import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/**
 * Checks a full ref name by git's own rules (git-check-ref-format), which allow `$`, `;`, quotes and backticks: a ref
 * is compared whole and passed as one argument, and never becomes part of a shell line.
 * @throws `github/context-malformed`
 */
export function parseRef(text: string): string {
  if (!isRef(text))
    throw fail('github/context-malformed', `${printable(text, 120)} is not the full name of a ref`, {
      expected: 'refs/heads/…, refs/tags/… or refs/pull/…',
      found: text,
    })
  return text
}

function isRef(text: string): boolean {
  if (text.length > 1024 || text.endsWith('.') || !/^refs\/[^/]+\/./.test(text)) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(text) || text.includes('..') || text.includes('@{')) return false
  return text.split('/').every(part => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}
