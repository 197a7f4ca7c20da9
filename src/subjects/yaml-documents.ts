import { Composer, type Document, LineCounter, Parser } from 'yaml'
import { printable } from '../core/text.ts'
import { SUBJECT_LIMITS } from './limits.ts'
import { Tree, type YamlSlot } from './yaml.ts'
import { RENDER_FIRST, unreadable, yamlText } from './yaml-text.ts'

/** One document of a file; `root` is absent when nothing stands in it. */
export interface YamlDocument {
  /** From 1, empty ones counted. */
  readonly number: number
  readonly root?: YamlSlot
}

export interface YamlFile {
  readonly text: string
  /** Line of an offset, from 1. */
  lineOf(offset: number): number
  /** One after the other, so that ten thousand never lie in memory. @throws `verify/manifest-unreadable` */
  documents(): Generator<YamlDocument>
}

/**
 * Reads YAML or JSON (which is YAML here: strict about keys that stand twice, as everywhere).
 * @param file as the caller names it, for messages.
 * @throws `verify/manifest-unreadable` naming the line: not UTF-8, too large, a syntax error, a key twice, an unknown tag, an alias
 * bomb, too deep, more than `SUBJECT_LIMITS.documents` documents, or a spelling that two readers read differently.
 */
export function readYamlFile(bytes: Uint8Array, file: string): YamlFile {
  const text = yamlText(bytes, file)
  const counter = new LineCounter()
  const lineOf = (offset: number) => Math.max(counter.linePos(offset).line, 1)
  return { text, lineOf, documents: () => documentsOf(text, file, counter, lineOf) }
}

function* documentsOf(
  text: string,
  file: string,
  counter: LineCounter,
  lineOf: (offset: number) => number,
): Generator<YamlDocument> {
  counter.lineStarts.length = 0
  let number = 0
  try {
    for (const document of composed(text, counter)) {
      number++
      if (number > SUBJECT_LIMITS.documents)
        throw unreadable(file, lineOf(document.range[0]), `it has more than ${SUBJECT_LIMITS.documents} documents`)
      const [problem] = [...document.errors, ...document.warnings].filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')
      if (problem !== undefined) throw syntax(text, file, lineOf(problem.pos[0]), problem.message)
      const root = document.contents === null ? undefined : new Tree(file, lineOf).slot(document.contents, 0)
      const empty = root === undefined || (root.node.kind === 'text' && !root.node.string && root.node.text === '')
      yield { number, ...(empty ? {} : { root }) }
    }
  } catch (error) {
    // The library recurses: thousands of open brackets end in a RangeError.
    if (error instanceof RangeError) throw unreadable(file, 1, 'nesting too deep')
    throw error
  }
}

/** Uniqueness of keys is checked in `Tree`: the library compares every pair, half a minute for a hostile file. */
function composed(text: string, counter: LineCounter): Generator<Document.Parsed> {
  const parser = new Parser(counter.addNewLine)
  const composer = new Composer({
    schema: 'failsafe',
    version: '1.2',
    merge: false,
    strict: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  return composer.compose(parser.parse(text)) as Generator<Document.Parsed>
}

function syntax(text: string, file: string, line: number, message: string): Error {
  if (/call stack/i.test(message)) return unreadable(file, line, 'nesting too deep')
  const template = /\{\{|<%|\[\[/.test(text)
  return unreadable(file, line, printable(message, 200), template ? RENDER_FIRST : undefined)
}
