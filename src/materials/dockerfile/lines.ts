import { type Command, parseCommand } from './command.ts'
import { heredocsOf } from './heredocs.ts'
import { malformed } from './malformed.ts'
import { trimStart, withoutLineEnd } from './space.ts'
import type { Escape } from './words.ts'

/** A command with the line it begins on, from 1; of ONBUILD with the one that it keeps for later. */
export interface Numbered extends Command {
  readonly line: number
  readonly trigger?: Numbered
}

/** Bytes of one line with its end; BuildKit refuses more. */
const MAX_LINE = 65_535

/**
 * The instructions of a Dockerfile: comments dropped, continued lines joined, here-documents passed over.
 * Source: run with BuildKit 0.26.3, whose parser differs from what the Dockerfile reference lets one think: a line that ends in
 * two escape characters is not continued, comments and empty lines inside a continued one vanish.
 */
export function readLines(text: string, mark: Escape): readonly Numbered[] {
  const source = new Lines(text)
  const commands: Numbered[] = []
  for (let raw = source.next(); raw !== undefined; raw = source.next()) {
    const line = source.number
    const first = withoutMark(isComment(raw) ? '' : trimStart(raw), mark)
    if (!first.continued && first.text === '') continue
    const joined = first.continued ? first.text + continuation(source, mark) : first.text
    const command = numbered(parseCommand(joined, mark, line), line)
    commands.push(command)
    if (mayHoldDocuments(command)) for (const document of heredocsOf(joined)) skipDocument(source, document)
  }
  return commands
}

/** What ONBUILD keeps is read once more when it runs, with the default escape character. */
function numbered(command: Command, line: number): Numbered {
  if (command.keyword !== 'ONBUILD') return { ...command, line }
  const trigger = parseCommand(command.rest, '\\', line)
  if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(trigger.keyword))
    throw malformed(`has an ONBUILD in line ${line} that no builder takes`, 'another instruction', trigger.keyword)
  return { ...command, line, trigger: { ...trigger, line } }
}

function mayHoldDocuments({ trigger, ...command }: Numbered): boolean {
  const { keyword, json } = trigger ?? command
  return (keyword === 'RUN' || keyword === 'COPY' || keyword === 'ADD') && !json
}

function continuation(source: Lines, mark: Escape): string {
  let out = ''
  for (let raw = source.next(); raw !== undefined; raw = source.next()) {
    if (isComment(raw) || trimStart(raw) === '') continue
    const { text, continued } = withoutMark(raw, mark)
    out += text
    if (!continued) break
  }
  return out
}

function skipDocument(source: Lines, { name, tabs }: { readonly name: string; readonly tabs: boolean }): void {
  const { number } = source
  for (let raw = source.next(); raw !== undefined; raw = source.next())
    if ((tabs ? raw.replace(/^\t+/, '') : raw) === name) return
  throw malformed(`has a here-document in line ${number} that does not end`, `a line ${name}`)
}

function isComment(raw: string): boolean {
  return trimStart(raw).startsWith('#')
}

/** The escape character at the end of a line, spaces and tabs behind it or not, but none before it. */
function withoutMark(line: string, mark: Escape): { text: string; continued: boolean } {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  if (line[end - 1] !== mark || line[end - 2] === mark) return { text: line, continued: false }
  return { text: line.slice(0, end - 1), continued: true }
}

class Lines {
  readonly #lines: readonly string[]
  /** Of the line that `next` gave last, from 1. */
  number = 0

  constructor(text: string) {
    this.#lines = text.split('\n')
  }

  next(): string | undefined {
    const line = this.#lines[this.number]
    // Behind the last line end is no line.
    if (line === undefined || (line === '' && this.number === this.#lines.length - 1)) return undefined
    this.number++
    if (Buffer.byteLength(line) >= MAX_LINE)
      throw malformed(`has a line ${this.number} that is too long`, `${MAX_LINE} bytes`)
    return withoutLineEnd(line)
  }
}
