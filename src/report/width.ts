/** Letters that a terminal shows two columns wide: East Asian scripts and most pictures. Unicode 15, EastAsianWidth W and F. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
/** Marks that stand on the letter before them. */
const NONE = /\p{M}/u

function widthOf(letter: string): number {
  return NONE.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1
}

/** Columns that printable text takes. */
export function columnsOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + widthOf(letter), 0)
}

/** The text in at most so many columns; what is cut ends with `…`. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  let shown = ''
  let used = 1
  for (const letter of text) {
    used += widthOf(letter)
    if (used > columns) break
    shown += letter
  }
  return `${shown}…`
}

/** As `cut`, filled with blanks to exactly so many columns. */
export function padded(text: string, columns: number): string {
  const shown = cut(text, columns)
  return `${shown}${' '.repeat(Math.max(0, columns - columnsOf(shown)))}`
}
