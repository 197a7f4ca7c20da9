import { readFileSync } from 'node:fs'

/** Something on a page that is carried out, and what the page says comes of it. */
export interface Action {
  /** `file`: the text is written there. */
  readonly kind: 'sh' | 'workflow' | 'file'
  /** Of a file: where it is written. */
  readonly path?: string
  readonly line: number
  readonly text: string
  /** The exit code that the page claims. */
  readonly exit: number
  /** What happened to the world before, by the name of a situation. */
  readonly when?: string
  /** What the page shows of the output. */
  readonly shown?: string
}

export interface Page {
  /** Deploy rules that the page tells to write into the policy. */
  readonly policy: string
  readonly actions: readonly Action[]
}

interface Fence {
  readonly line: number
  readonly info: string
  readonly text: string
}

/**
 * Reads a recipe. Its fenced blocks are of a closed list, by the words behind the three ticks: `yaml policy`, `yaml workflow exit=N`,
 * `sh exit=N`, `LANGUAGE file=PATH` and `text`, which shows what the block before it prints. Commands and workflows may say
 * `when=SITUATION`; a text that does, or says `exit=N`, is what comes when the block before it is carried out once more.
 * @param read blocks that another test reads, by their words.
 * @throws for any other block: nothing stands on these pages that no test has run.
 */
export function readRecipe(path: string, read: readonly string[] = []): Page {
  const policies: string[] = []
  const actions: Action[] = []
  let mayShow = false
  for (const { line, info, text } of fencesOf(readFileSync(path, 'utf8'))) {
    const last = actions.findLast(({ kind }) => kind !== 'file')
    if (read.includes(info)) continue
    if (info === 'yaml policy') policies.push(text)
    else if (info === 'text' && mayShow && last !== undefined) actions.splice(-1, 1, { ...last, shown: text })
    else if (/ file=/.test(info)) actions.push(fileOf(path, { line, info, text }))
    else actions.push(actionOf(path, { line, info, text }, last))
    mayShow = /^(?:sh|yaml workflow) /.test(info)
  }
  if (policies.length !== 1) throw new Error(`${path} has ${policies.length} policies`)
  return { policy: policies[0] ?? '', actions }
}

function fileOf(page: string, { line, info, text }: Fence): Action {
  const [, path] = /^[a-z]+ file=([A-Za-z0-9._/-]+)$/.exec(info) ?? []
  if (path === undefined || path.includes('..')) throw new Error(`${page}:${line}: ${info} names no file`)
  return { kind: 'file', line, text, exit: 0, path }
}

function actionOf(path: string, { line, info, text }: Fence, last: Action | undefined): Action {
  const [, kind, exit, when] = /^(sh|yaml workflow|text) exit=([0-3])(?: when=([a-z-]+))?$/.exec(info) ?? []
  if (kind === 'text' && last !== undefined) {
    const again = { kind: last.kind, text: last.text, line, exit: Number(exit), shown: text }
    return { ...again, ...(when === undefined ? {} : { when }) }
  }
  if (kind === undefined || kind === 'text')
    throw new Error(`${path}:${line}: nothing carries out a block of ${info || 'no language'}`)
  return {
    kind: kind === 'sh' ? 'sh' : 'workflow',
    line,
    text,
    exit: Number(exit),
    ...(when === undefined ? {} : { when }),
  }
}

/** @throws for a block that is not closed, or indented so that no reader of this kind sees it. */
function fencesOf(markdown: string): readonly Fence[] {
  const found: Fence[] = []
  let open: { line: number; info: string; lines: string[] } | undefined
  for (const [at, line] of markdown.split('\n').entries()) {
    const [, indent = '', info] = /^(\s*)(?:```|~~~)(.*)$/.exec(line) ?? []
    if (info === undefined) open?.lines.push(line)
    else if (indent !== '') throw new Error(`line ${at + 1}: an indented block`)
    else if (open === undefined) open = { line: at + 1, info: info.trim(), lines: [] }
    else {
      found.push({ line: open.line, info: open.info, text: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: a block without an end`)
  return found
}

/**
 * Whether a page shows what really came: its first line is the first line, and all of its lines come in this order. A line that
 * is only `…` stands for any number of lines.
 * @returns the first line that does not hold; undefined when all do.
 */
export function missingLine(shown: string, actual: string): string | undefined {
  const lines = actual.split('\n').map(line => line.trimEnd())
  let [at, free] = [0, false]
  for (const line of shown.trimEnd().split('\n')) {
    if (line === '…') {
      free = true
      continue
    }
    const found = free ? lines.indexOf(line, at) : lines[at] === line ? at : -1
    if (found < 0) return line
    ;[at, free] = [found + 1, false]
  }
  return undefined
}
