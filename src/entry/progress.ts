import type { Door } from '../io/door.ts'
import { PROGRESS_CLOCK, type ProgressClock } from '../io/progress-clock.ts'
import type { Progress, ProgressStep } from '../pipeline/progress.ts'
import { progressBar, progressLine } from '../report/progress.ts'
import type { Desk } from './commands/command.ts'

/**
 * How progress is shown. `bar`: one line of a terminal, written again and again. `lines`: for a file or a pipe, at most a line a
 * second, and only of what lasts. `log`: as `lines`, and a line for each piece of work that begins and ends.
 */
export type ProgressManner = 'bar' | 'lines' | 'log'

export interface ProgressPlace {
  readonly manner: ProgressManner
  readonly columns: number
  readonly clock: ProgressClock
  /** A whole line with its end, or what rewrites the line of a bar. */
  write(text: string): void
}

/** Milliseconds between two looks at the clock; a bar is written again no more often. */
const TICK_MS = { bar: 125, lines: 250, log: 250 } as const
/** Milliseconds that work may last before anything is said of it. */
const PATIENCE_MS = { bar: 500, lines: 5_000, log: 5_000 } as const
/** Milliseconds between two lines, while something changes, and while nothing does. */
const LINE_MS = 1_000
const STILL_MS = 10_000
/** Carriage return, and erase to the end of the line. ECMA-48 § 8.3.41 EL */
const REWRITE = '\r\u001b[K'

interface Work {
  readonly what: string
  readonly since: number
  readonly counted?: Extract<ProgressStep, { readonly kind: 'counted' }>
}

/** Shows the progress of one run in one place, from its making until `end`. Never throws. */
export class ProgressTeller {
  readonly #place: ProgressPlace
  readonly #stop: () => void
  readonly #whole: Work
  /** Undefined between two pieces of work in a log, which says only what lasts. */
  #work: Work | undefined
  #shown = ''
  #changed = true
  #last: number | undefined
  #over = false

  /** @param what the run as a whole: what is told until a piece of it begins. */
  constructor(what: string, place: ProgressPlace) {
    this.#place = place
    this.#whole = { what, since: place.clock.now() }
    this.#work = this.#idle
    this.#stop = place.clock.every(TICK_MS[place.manner], () => this.#look())
  }

  readonly progress: Progress = step => {
    if (this.#over) return
    if (step.kind === 'begun') this.#work = { what: step.what, since: this.#place.clock.now() }
    else if (step.kind === 'ended') this.#work = this.#idle
    else if (this.#work !== undefined) this.#work = { ...this.#work, counted: step }
    if (step.kind !== 'counted' && this.#place.manner === 'log') {
      this.#place.write(`${progressLine(step)}\n`)
      this.#last = this.#place.clock.now()
    }
    this.#changed = true
    this.#look()
  }

  /** Takes the bar away, so that something else can be written; the next look at the clock brings it back. */
  clear(): void {
    if (this.#shown === '') return
    this.#place.write(REWRITE)
    this.#shown = ''
    this.#last = undefined
  }

  end(): void {
    this.#over = true
    this.#stop()
    if (this.#place.manner === 'bar') this.clear()
  }

  get #idle(): Work | undefined {
    return this.#place.manner === 'log' ? undefined : this.#whole
  }

  #look(): void {
    const { manner, clock } = this.#place
    const [now, work] = [clock.now(), this.#work]
    if (this.#over || work === undefined) return
    if (now - (manner === 'log' ? work : this.#whole).since < PATIENCE_MS[manner]) return
    if (manner === 'bar') this.#rewrite(work, now)
    else this.#line(work, now)
  }

  #rewrite(work: Work, now: number): void {
    if (this.#last !== undefined && now - this.#last < TICK_MS.bar) return
    const text = progressBar({ ...work, ms: now - work.since }, this.#place.columns)
    if (text !== this.#shown) this.#place.write(`${REWRITE}${text}`)
    this.#shown = text
    this.#last = now
  }

  #line({ what, counted, since }: Work, now: number): void {
    const rest = this.#changed ? LINE_MS : STILL_MS
    if (this.#last !== undefined && now - this.#last < rest) return
    this.#place.write(`${progressLine({ kind: 'lasts', what, ms: now - since, ...(counted && { counted }) })}\n`)
    this.#last = now
    this.#changed = false
  }
}

/** For the log of a step: each stage as it begins and ends, and what lasts. */
export function logProgress(log: { info(text: string): void }, clock: ProgressClock = PROGRESS_CLOCK): Progress {
  const write = (text: string): void => log.info(text.trimEnd())
  return new ProgressTeller('waybill', { manner: 'log', columns: 120, clock, write }).progress
}

/** How one command line wants to be told. */
export interface Watching {
  /** Its words. */
  readonly what: string
  readonly quiet: boolean
  /** A program reads standard output. */
  readonly machine: boolean
  readonly asks: boolean
  readonly prints: 'report' | 'data'
}

/** Does a command's work while its progress is shown on standard error, and keeps silent what `--quiet` silences. */
export async function watched<T>(
  desk: Desk,
  how: Watching,
  work: (desk: Desk) => Promise<T>,
  clock: ProgressClock = PROGRESS_CLOCK,
): Promise<T> {
  const { world, env } = desk
  const { what, quiet, machine, asks, prints } = how
  if (quiet) return work({ ...desk, world: { ...world, ...silenced(machine || prints === 'data') }, alarm: world.err })
  if (machine || asks) return work(desk)
  const { isTerminal = false, columns = 80 } = world.talk ?? {}
  const manner = isTerminal && env.TERM !== 'dumb' ? 'bar' : 'lines'
  const teller = new ProgressTeller(what, { manner, columns, clock, write: text => world.err(text) })
  const clear = <A>(write: (text: A) => void) => {
    return (text: A): void => {
      teller.clear()
      write(text)
    }
  }
  try {
    const tidy = { ...world, out: clear<Uint8Array | string>(world.out), err: clear<string>(world.err) }
    return await work({ ...desk, world: tidy, progress: teller.progress })
  } finally {
    teller.end()
  }
}

function silenced(data: boolean): Partial<Door> {
  const nothing = (): void => {}
  return data ? { err: nothing } : { out: nothing, err: nothing }
}
