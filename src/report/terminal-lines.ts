import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { remedyLines } from './text.ts'
import { columnsOf } from './width.ts'

/** What every text for a terminal is put together from: colour, line breaks, findings, trees. */

export interface TerminalOptions {
  /** False when `NO_COLOR` is set or the output is no terminal; the caller knows. no-color.org */
  readonly colour: boolean
  /** Columns to fit; lines that hold a command or an id are never broken. */
  readonly columns?: number
  /** What the process ends with, where that is told: the last line then says why it is not 0. */
  readonly exitCode?: number
}

const SGR = { passed: 32, rejected: 31, unknown: 33, 'not-asked': 90, 'not-reached': 90 } as const

const COLUMNS = 80
/** Below this many columns nothing fits any more; the terminal breaks what is longer. */
const NARROWEST = 20

export function columnsFor({ columns = COLUMNS }: Pick<TerminalOptions, 'columns'>): number {
  return Math.max(NARROWEST, columns)
}

type Part = { readonly code: string; readonly message: string } & Pick<Finding, 'expected' | 'found' | 'remedy'>

export type Paint = (state: keyof typeof SGR, text: string) => string

export function painter({ colour }: TerminalOptions): Paint {
  return (state, text) => (colour ? `\u001b[${SGR[state]}m${text}\u001b[0m` : text)
}

/** One finding or error: sentence, what was expected, what was found, what to do. */
export function describe(part: LoosePart, columns: number): readonly string[] {
  return [...headline(part, columns), ...factLines(part)]
}

type LoosePart = { readonly [K in keyof Part]: Part[K] | undefined }

function headline({ code, message }: LoosePart, columns: number): readonly string[] {
  const text = printable(message ?? '', 2000)
  return wrap(`${code}: ${/[.!?…]$/.test(text) ? text : `${text}.`}`, columns, '', '')
}

function factLines({ expected, found, remedy }: LoosePart): readonly string[] {
  return [
    ...(expected === undefined ? [] : [`  expected: ${printable(expected, 1000)}`]),
    ...(found === undefined ? [] : [`  found:    ${printable(found, 1000)}`]),
    ...remedyLines(remedy ?? '').map(line => printable(line, 2000)),
  ]
}

/** Breaks at spaces so that lines fit; a word longer than the line stays whole, for it may be copied. */
export function wrap(text: string, columns: number, first: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = first
  let used = columnsOf(first)
  let empty = true
  for (const word of text.split(' ')) {
    const width = columnsOf(word)
    if (!empty && used + 1 + width > columns) {
      lines.push(line)
      line = indent
      used = columnsOf(indent)
      empty = true
    }
    line += empty ? word : ` ${word}`
    used += empty ? width : width + 1
    empty = false
  }
  return [...lines, line]
}

/** A thing with things below it; `lines` are those of the thing itself, for so many columns. */
export interface Branch {
  readonly lines: (columns: number) => readonly string[]
  readonly below: readonly Branch[]
}

/** Findings as branches; what is expected, found and to be done is said once of those that share it. */
export function findingBranches(findings: readonly Finding[]): readonly Branch[] {
  const groups = Map.groupBy(findings, ({ severity, code, expected, found, remedy }) =>
    JSON.stringify([severity, code, expected, found, remedy]),
  )
  return [...groups.values()].map(group => ({
    lines: columns => [
      ...group.flatMap(finding => headline(finding, columns)),
      ...group.slice(0, 1).flatMap(factLines),
    ],
    below: [],
  }))
}

/**
 * Branches under a line that the caller has printed:
 *
 *     ├─ provenance  passed
 *     │  └─ commit  passed
 *     └─ verify/too-old: The statement …
 */
export function treeLines(branches: readonly Branch[], columns: number): readonly string[] {
  return branches.flatMap(({ lines, below }, at) => {
    const last = at === branches.length - 1
    const [first = '', ...more] = [...lines(columns - 3)]
    // What is said of a thing stands beside the line that leads to what is below it.
    const beside = below.length === 0 ? more : more.map(line => line.replace(/^ {2}/, '│ '))
    const rest = [...beside, ...treeLines(below, columns - 3)]
    return [`${last ? '└─ ' : '├─ '}${first}`, ...rest.map(line => `${last ? '   ' : '│  '}${line}`)]
  })
}
