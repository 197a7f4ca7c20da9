import { LIMITS } from '../core/limits.ts'
import type { FileAspect, FileDifference } from './difference.ts'

/** What a layer says of one file, each in words that two builds can be compared by. */
export interface LayerEntry {
  /** The bytes of its name, as Latin-1: two names are the same only when their bytes are. */
  readonly id: string
  readonly path: string
  readonly facts: Readonly<Record<FileFact, string>>
}

export type FileFact = Exclude<FileAspect, 'presence' | 'order'>

/** In the order in which a reader wants to know them: what the file holds before what stands beside it. */
const FACTS: readonly FileFact[] = ['type', 'content', 'target', 'mode', 'owner', 'time', 'xattrs', 'device']

export interface ComparedEntries {
  readonly files: readonly FileDifference[]
  /** True: it was read no further. */
  readonly more: boolean
}

/**
 * The files in which two layers part, in the order of the layers. Both are read side by side, so that of layers of any size no more is
 * kept than one entry each; only where they name different files, the names of what is left are, up to `LIMITS.comparedPaths`.
 */
export async function compareEntries(
  first: AsyncIterable<LayerEntry>,
  second: AsyncIterable<LayerEntry>,
): Promise<ComparedEntries> {
  const [one, other] = [first[Symbol.asyncIterator](), second[Symbol.asyncIterator]()]
  const files: FileDifference[] = []
  try {
    for (;;) {
      const [a, b] = await both(one.next(), other.next())
      const [x, y] = [entryIn(a), entryIn(b)]
      if (x === undefined && y === undefined) return { files, more: false }
      if (x === undefined || y === undefined || x.id !== y.id)
        return { files: [...files, await parting({ entry: x, rest: one }, { entry: y, rest: other })], more: true }
      const difference = factDifference(x, y)
      if (difference !== undefined) files.push(difference)
      if (files.length >= LIMITS.comparedFiles) return { files, more: true }
    }
  } finally {
    await both(one.return?.(), other.return?.()).catch(() => undefined)
  }
}

/** The first fact in which two entries of one name differ. */
export function factDifference(x: LayerEntry, y: LayerEntry): FileDifference | undefined {
  const what = FACTS.find(fact => x.facts[fact] !== y.facts[fact])
  return what === undefined ? undefined : { path: x.path, what, first: x.facts[what], second: y.facts[what] }
}

interface Side {
  readonly entry: LayerEntry | undefined
  readonly rest: AsyncIterator<LayerEntry>
}

/** Two names at one place: one build lacks a file, or has it elsewhere. */
async function parting(first: Side, second: Side): Promise<FileDifference> {
  const [left, right] = await both(namesOf(first), namesOf(second))
  const { entry: x } = first
  const { entry: y } = second
  if (x !== undefined && right !== undefined && !right.has(x.id))
    return { path: x.path, what: 'presence', first: 'there', second: 'missing' }
  if (y !== undefined && left !== undefined && !left.has(y.id))
    return { path: y.path, what: 'presence', first: 'missing', second: 'there' }
  return { path: (x ?? y)?.path ?? '', what: 'order', first: x?.path ?? 'the end', second: y?.path ?? 'the end' }
}

/** undefined: too many to be kept. */
async function namesOf({ entry, rest }: Side): Promise<ReadonlySet<string> | undefined> {
  const names = new Set(entry === undefined ? [] : [entry.id])
  for (let next = entryIn(await rest.next()); next !== undefined; next = entryIn(await rest.next())) {
    names.add(next.id)
    if (names.size > LIMITS.comparedPaths) return undefined
  }
  return names
}

function entryIn(result: IteratorResult<LayerEntry>): LayerEntry | undefined {
  return result.done === true ? undefined : result.value
}

/** Waits for both also when one fails: nothing is left running behind an error. */
async function both<A, B>(a: A, b: B): Promise<[Awaited<A>, Awaited<B>]> {
  const [x, y] = await Promise.allSettled([a, b])
  if (x.status === 'rejected') throw x.reason
  if (y.status === 'rejected') throw y.reason
  return [x.value, y.value]
}
