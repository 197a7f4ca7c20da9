import type { StageState } from '../core/stage.ts'
import { printable } from '../core/text.ts'
import { bytes, duration } from './text.ts'
import { columnsOf, cut } from './width.ts'

export interface Counted {
  readonly done: number
  readonly all?: number
  readonly unit: string
}

/** A piece of work while it lasts. */
export interface Lasting {
  readonly what: string
  /** Milliseconds since it began. */
  readonly ms: number
  readonly counted?: Counted
}

/** Cells of the bar, and columns below which there is none. */
const BAR = 20
const BAR_COLUMNS = 60

/**
 * One line of a terminal, never as wide as the terminal, which would begin another:
 *
 *     judging [########------------] 12 of 30 subjects, 4 s
 */
export function progressBar({ what, ms, counted }: Lasting, columns: number): string {
  const share = counted?.all === undefined || counted.all <= 0 ? undefined : Math.min(1, counted.done / counted.all)
  const full = Math.floor((share ?? 0) * BAR)
  const bar = share === undefined || columns < BAR_COLUMNS ? '' : ` [${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`
  const count = counted === undefined ? '' : ` ${countText(counted)},`
  const tail = `${bar}${count} ${seconds(ms)}`
  const name = cut(printable(what, 100), Math.max(1, columns - 1 - columnsOf(tail)))
  return cut(`${name}${tail}`, Math.max(1, columns - 1))
}

export type ProgressText =
  | { readonly kind: 'begun'; readonly what: string }
  | { readonly kind: 'ended'; readonly what: string; readonly state: StageState; readonly ms: number }
  | ({ readonly kind: 'lasts' } & Lasting)

/** The same for a log: `source …`, `judging: 12 of 30 subjects, 4 s`, `source: passed, 4.2 s`. */
export function progressLine(text: ProgressText): string {
  const what = printable(text.what, 100)
  if (text.kind === 'begun') return `${what} …`
  if (text.kind === 'ended') return `${what}: ${text.state.replace('-', ' ')}, ${duration(text.ms)}`
  const count = text.counted === undefined ? '' : ` ${countText(text.counted)},`
  return `${what}:${count} ${seconds(text.ms)}`
}

function countText({ done, all, unit }: Counted): string {
  if (unit === 'bytes') return `${bytes(done)}${all === undefined ? '' : ` of ${bytes(all)}`}`
  return `${done}${all === undefined ? '' : ` of ${all}`} ${printable(unit, 20)}`
}

/** Whole seconds: what is written again and again should not flicker. */
function seconds(ms: number): string {
  return ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(Math.floor(ms / 1000) * 1000)
}
