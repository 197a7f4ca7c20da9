/**
 * Text that came from outside is shown only through `printable`.
 * An attacker would put terminal escapes, bidi overrides (Trojan Source) or zero-width characters into a commit
 * subject or a file name so that a person reads something else than what the machine compared; so would letters that show
 * nothing (Unicode's default ignorable ones, fillers, blanks). Only behind a picture a variation selector stays: it belongs to it.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb]|\u034f|[\u17b4\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0e]|(?<![\u2190-\u2bff\udc00-\udfff])\ufe0f|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\ud82f[\udca0-\udca3]|\ud834[\udd73-\udd7a]|[\udb40-\udb43][\udc00-\udfff]/g

/** Escapes control, bidi, zero-width and unpaired surrogate characters as `\u{…}`; cuts after `max` characters. */
export function printable(text: string, max = 300): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text
  return cut.replace(UNSAFE, c => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`)
}

/** True when showing `text` unescaped would show exactly its characters on one line. */
export function isPrintable(text: string): boolean {
  UNSAFE.lastIndex = 0
  return !UNSAFE.test(text)
}

/** First line of a commit message, printable, at most `max` characters. */
export function subjectLine(message: string, max = 72): string {
  return printable(message.split('\n', 1)[0] ?? '', max)
}
