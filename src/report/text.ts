import { isPrintable, printable } from '../core/text.ts'

/**
 * What a person may see, and how. Everything Waybill prints is put together from these functions.
 *
 * 1. Data goes to stdout, talk to stderr; the entry decides, this room only makes strings.
 * 2. Text from outside (commits, file names, labels, image names, messages that quote them) goes through `printable`:
 *    control, bidi and zero-width characters appear as escapes, never as themselves.
 * 3. In Markdown it stands in a code span or a fenced block. Inside these no Markdown, HTML, @mention, #123 or link is
 *    alive, so there is nothing to forget; only backtick, pipe and line break need care, and they get it here.
 * 4. In a command it is single-quoted by `shellQuote`, or the command is not printed.
 * 5. Mermaid labels are fixed words: no outside text ever enters a graph.
 */

/** A code span with exactly this text, or a dash for blank text. */
export function codeSpan(text: string, max = 300): string {
  const shown = printable(text, max)
  if (shown.trim() === '') return '–'
  const fence = '`'.repeat(longestRun(shown) + 1)
  // A span that begins or ends with a backtick or space is padded; CommonMark strips one space on both sides.
  const pad = /^[` ]|[` ]$/.test(shown) ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

/**
 * A table cell. Cells are cut before code spans are read, so a pipe would end the span and wake up what follows it; and
 * `\|` does not help, because text that brings its own backslash makes it an escaped backslash and a live pipe.
 */
export function cell(text: string | undefined, max?: number): string {
  return text === undefined ? '–' : codeSpan(text.replaceAll('\n', ' '), max).replaceAll('|', '\\u{7c}')
}

/** A fenced block of these lines; the fence is longer than any run of backticks inside. */
export function fenced(language: 'sh' | 'text' | 'yaml' | 'mermaid', lines: readonly string[]): string {
  const body = lines.map(line => printable(line, 4000)).join('\n')
  const fence = '`'.repeat(Math.max(3, longestRun(body) + 1))
  return `${fence}${language}\n${body}\n${fence}`
}

/** Letters, digits and punctuation that no Markdown dialect gives a meaning within a line. */
const TAME = /^[\p{L}\p{N} .,;:'"()–—…?!%=+/-]*$/u
/** Tame characters that still make a link or picture in GitHub's Markdown; digits of a commit's id, too. */
const AUTOLINK = /:\/\/|www\.|:[\w+-]+:|\b(?:GH|GHSA|CVE)-\w|\b[0-9a-f]{7,40}\b/i

/** A sentence of ours as plain text; if it quotes anything that Markdown could read, all of it as a code span. */
export function sentence(text: string, max = 1000): string {
  const shown = printable(text, max)
  return TAME.test(shown) && !AUTOLINK.test(shown) ? shown : codeSpan(shown, max + 1)
}

/**
 * One word for a POSIX shell: single quotes, in which nothing is special but the single quote itself.
 * @returns undefined for text with control, bidi or newline characters: such a value is not put into a command
 * (13-adversary 37), because what is pasted would not be what is read.
 */
export function shellQuote(text: string): string | undefined {
  return isPrintable(text) ? `'${text.replaceAll("'", "'\\''")}'` : undefined
}

/** `→ remedy`. Some hold lines to paste; these are indented, so that no line of a remedy can look like a line of ours. */
export function remedyLines(remedy: string): readonly string[] {
  return remedy.split('\n').map((line, at) => (at === 0 ? `→ ${line}` : `  ${line}`))
}

/** Short form for tables: `sha256:` and twelve digits, or twelve digits of a commit. */
export function shortDigest(digest: string): string {
  const shown = digest.startsWith('sha256:') ? digest.slice(0, 'sha256:'.length + 12) : digest.slice(0, 12)
  return printable(shown)
}

/** Bytes for people: `812 B`, `4.2 kB`, `31.0 MB`. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = size < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3))
  const value = size / 1000 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

/** How a size changed: `+4.2 kB`, `−1.0 MB`, `the same`; a dash where there is nothing to compare with. */
export function growth(size: number, before: number | undefined): string {
  if (before === undefined) return '–'
  const by = size - before
  return by === 0 ? 'the same' : `${by > 0 ? '+' : '−'}${bytes(Math.abs(by))}`
}

/** Milliseconds for people: `340 ms`, `4.2 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(run => run.length))
}
