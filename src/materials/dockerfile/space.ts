/** What the builder takes for white space at the ends of a line and between flags and words: Unicode's, but no byte order mark. */
const SPACE = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const ONE = new RegExp(`^[${SPACE}]$`)
const LEADING = new RegExp(`^[${SPACE}]+`)

export function isSpace(character: string): boolean {
  return ONE.test(character)
}

export function isAsciiSpace(character: string): boolean {
  return /^[\t\n\v\f\r ]$/.test(character)
}

export function trimStart(text: string): string {
  return text.replace(LEADING, '')
}

export function trim(text: string): string {
  return trimStart(withoutEnd(text, isSpace))
}

/** No pattern: one that is tried at every character of a long run of spaces takes the square of its length. */
export function withoutEnd(text: string, drops: (character: string) => boolean): string {
  let end = text.length
  while (end > 0 && drops(text[end - 1] ?? '')) end--
  return text.slice(0, end)
}

/** A line without its end, of which `\r` may stand there several times. */
export function withoutLineEnd(line: string): string {
  return withoutEnd(line, character => character === '\r')
}

/** Words of the plain forms: here only ASCII separates, and neither quotes nor escapes hold words together. */
export function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(/[\t\v\f\r ]+/)
}
