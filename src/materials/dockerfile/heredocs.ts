import { malformed } from './malformed.ts'
import { isSpace } from './space.ts'
import { expandWord } from './words.ts'

/** The end of one here-document. */
export interface Heredoc {
  readonly name: string
  /** `<<-`: tabs before the name are passed over. */
  readonly tabs: boolean
}

/**
 * The here-documents that an instruction begins, in order. `<<` inside quotes or behind a backslash begins none, and a line
 * whose quotes are left open has none: BuildKit gives up on the line, not on the file. To see one where the builder sees none
 * would hide all instructions up to its end.
 * @throws `materials/dockerfile-malformed` for a name that cannot be read.
 */
export function heredocsOf(line: string): readonly Heredoc[] {
  if (!line.includes('<<')) return []
  const words = rawWords(line)
  return (words ?? []).flatMap(word => {
    const [, dash, rest] = /^[0-9]*<<(-?)[\t\n\f\r ]*([^<]+)$/.exec(word) ?? []
    if (rest === undefined || /[\t\n\v\f\r ]/.test(unquoted(rest))) return []
    return [{ name: nameOf(rest), tabs: dash === '-' }]
  })
}

/** Quotes and escapes resolved; a variable stands for itself. */
function nameOf(rest: string): string {
  if (rest.includes('${')) throw malformed('has a variable in the name of a here-document', 'a word', rest)
  return expandWord(rest.replaceAll('$', '\\$'), new Map(), '\\').text
}

function unquoted(text: string): string {
  return text.replace(/"[^"]*"|'[^']*'|\\[\s\S]/g, '')
}

/** Words with their quotes and escapes kept, or undefined where a quote stays open. */
function rawWords(line: string): readonly string[] | undefined {
  const words: string[] = []
  let word = ''
  for (let at = 0; at < line.length; ) {
    const end = pieceEnd(line, at)
    if (end === undefined) return undefined
    const piece = line.slice(at, end)
    at = end
    if (!isSpace(piece)) word += piece
    else if (word !== '') {
      words.push(word)
      word = ''
    }
  }
  return word === '' ? words : [...words, word]
}

/** Behind one character, or behind all that a quote, a backslash, or `<<` with the spaces after it holds together. */
function pieceEnd(line: string, at: number): number | undefined {
  const character = line[at]
  if (character === '\\') return at + 2
  if (character === '$') return at + variableLength(line, at)
  if (character === '<' && line[at + 1] === '<')
    return at + (/^<<[\t\r\n ]*/.exec(line.slice(at, at + 65_536))?.[0].length ?? 2)
  return character === '"' || character === "'" ? quoteEnd(line, at, character) : at + 1
}

function quoteEnd(line: string, at: number, quote: string): number | undefined {
  for (let end = at + 1; end < line.length; end++) {
    if (line[end] === quote) return end + 1
    if (quote === '"' && line[end] === '\\') end++
    else if (quote === '"' && line[end] === '$') end += variableLength(line, end) - 1
  }
  return undefined
}

const PLAIN_VARIABLE = /\$\{\w+(?::?[-+?][^{}'"\\$<\s]*)?\}/y

/**
 * `${…}` of the plainest forms. Of others BuildKit may refuse to read the line on, or cut them at spaces, and then sees a
 * here-document elsewhere or none.
 */
function variableLength(line: string, at: number): number {
  if (line[at + 1] !== '{') return 1
  PLAIN_VARIABLE.lastIndex = at
  const [found] = PLAIN_VARIABLE.exec(line) ?? []
  if (found !== undefined) return found.length
  throw malformed('has a here-document and a variable of such a form in one line', 'a plain variable', line.slice(at))
}
