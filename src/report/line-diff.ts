/** Lines shown around a change. */
const CONTEXT = 3
/** Pairs of lines compared at most, four bytes each. */
const PAIRS = 16 * 1024 * 1024

interface Edit {
  readonly kind: ' ' | '-' | '+'
  readonly text: string
  /** Of the line in the old and in the new text, from 1. */
  readonly old: number
  readonly next: number
}

/**
 * What changed between two texts, in the unified form that `git apply` takes; empty when nothing did. It is meant for texts that
 * differ in few places: what is not equal from the front and the back is compared line by line; very much of it is told whole.
 * @param path as it stands in the first two lines; `before` undefined: the file is new.
 */
export function unifiedDiff(path: string, before: string | undefined, after: string): string {
  if (before === after) return ''
  const old = linesOf(before ?? '')
  const next = linesOf(after)
  const hunks = hunksOf(editsOf(old, next))
  const head = before === undefined ? '--- /dev/null' : `--- a/${path}`
  return [head, `+++ b/${path}`, ...hunks.flatMap(hunkLines), ''].join('\n')
}

/** A last line without an end is another line than the same with one. */
function linesOf(text: string): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n')
  return lines.at(-1) === ''
    ? lines.slice(0, -1)
    : [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`]
}

function editsOf(old: readonly string[], next: readonly string[]): readonly Edit[] {
  let front = 0
  while (front < old.length && front < next.length && old[front] === next[front]) front++
  let back = 0
  while (back < Math.min(old.length, next.length) - front && old.at(-1 - back) === next.at(-1 - back)) back++
  const edits: Edit[] = []
  const add = (kind: Edit['kind'], a: number, b: number) =>
    edits.push({ kind, text: (kind === '+' ? next[b] : old[a]) ?? '', old: a + 1, next: b + 1 })
  for (let at = 0; at < front; at++) add(' ', at, at)
  middle(old.slice(front, old.length - back), next.slice(front, next.length - back), (kind, a, b) =>
    add(kind, front + a, front + b),
  )
  for (let at = back; at > 0; at--) add(' ', old.length - at, next.length - at)
  return edits
}

/** The longest common lines, walked from the front; a removed line comes before the one that takes its place. */
function middle(
  old: readonly string[],
  next: readonly string[],
  add: (kind: Edit['kind'], a: number, b: number) => void,
): void {
  const width = next.length + 1
  const size = (old.length + 1) * width
  const common = new Uint32Array(size > PAIRS ? 0 : size)
  for (let a = size > PAIRS ? -1 : old.length - 1; a >= 0; a--)
    for (let b = next.length - 1; b >= 0; b--)
      common[a * width + b] =
        old[a] === next[b]
          ? (common[(a + 1) * width + b + 1] ?? 0) + 1
          : Math.max(common[(a + 1) * width + b] ?? 0, common[a * width + b + 1] ?? 0)
  let a = 0
  let b = 0
  while (a < old.length || b < next.length) {
    if (a < old.length && b < next.length && old[a] === next[b]) add(' ', a++, b++)
    else if (
      a < old.length &&
      (common[(a + 1) * width + b] ?? 0) >= (b < next.length ? (common[a * width + b + 1] ?? 0) : 0)
    )
      add('-', a++, b)
    else add('+', a, b++)
  }
}

/** Changes with the lines around them; two that share such lines are one. */
function hunksOf(edits: readonly Edit[]): readonly (readonly Edit[])[] {
  const changed = edits.flatMap(({ kind }, at) => (kind === ' ' ? [] : [at]))
  const spans: { from: number; to: number }[] = []
  for (const at of changed) {
    const from = Math.max(0, at - CONTEXT)
    const to = Math.min(edits.length, at + CONTEXT + 1)
    const last = spans.at(-1)
    if (last !== undefined && from <= last.to) last.to = to
    else spans.push({ from, to })
  }
  return spans.map(({ from, to }) => edits.slice(from, to))
}

function hunkLines(hunk: readonly Edit[]): readonly string[] {
  const [first] = hunk
  const old = hunk.filter(({ kind }) => kind !== '+').length
  const next = hunk.filter(({ kind }) => kind !== '-').length
  // Of nothing the line before it is named.
  const start = (line: number, count: number) => `${count === 0 ? line - 1 : line},${count}`
  const range = `@@ -${start(first?.old ?? 1, old)} +${start(first?.next ?? 1, next)} @@`
  return [range, ...hunk.map(({ kind, text }) => `${kind}${text}`)]
}
