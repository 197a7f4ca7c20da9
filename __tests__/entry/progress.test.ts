import { logProgress, ProgressTeller, type Watching, watched } from '../../src/entry/progress.ts'
import type { Door } from '../../src/io/door.ts'
import type { ProgressClock } from '../../src/io/progress-clock.ts'
import type { ProgressStep } from '../../src/pipeline/progress.ts'
import { columnsOf } from '../../src/report/width.ts'

const REWRITE = '\r\u001b[K'
const judging: ProgressStep = { kind: 'begun', what: 'judging' }
const counted = (done: number): ProgressStep => ({ kind: 'counted', done, all: 30, unit: 'subjects' })

/** Time that passes when a test says so; ticks are made as it passes. */
function fakeClock(): ProgressClock & { pass(ms: number): void; ticking(): boolean } {
  let now = 1_000_000
  let tick: { readonly ms: number; readonly act: () => void; next: number } | undefined
  return {
    now: () => now,
    every: (ms, act) => {
      tick = { ms, act, next: now + ms }
      return () => {
        tick = undefined
      }
    },
    pass: ms => {
      const end = now + ms
      while (tick !== undefined && tick.next <= end) {
        now = tick.next
        tick.next += tick.ms
        tick.act()
      }
      now = end
    },
    ticking: () => tick !== undefined,
  }
}

function place(manner: 'bar' | 'lines' | 'log', columns = 80) {
  const clock = fakeClock()
  const written: string[] = []
  const teller = new ProgressTeller('verify image', { manner, columns, clock, write: text => written.push(text) })
  return { clock, written, teller }
}

test('ProgressTeller says nothing of work that is over at once', () => {
  for (const manner of ['bar', 'lines'] as const) {
    const { clock, written, teller } = place(manner)
    teller.progress(judging)
    teller.progress(counted(30))
    clock.pass(400)
    teller.end()
    clock.pass(60_000)
    expect(written).toEqual([])
    expect(clock.ticking()).toBe(false)
  }
})

test('a bar is one line that is written again, and is gone at the end', () => {
  const { clock, written, teller } = place('bar')
  clock.pass(600)
  expect(written).toEqual([`${REWRITE}verify image 0 s`])
  teller.progress(judging)
  teller.progress(counted(12))
  clock.pass(1_200)
  expect(written.at(-1)).toBe(`${REWRITE}judging [########------------] 12 of 30 subjects, 1 s`)
  for (const text of written) expect(text).not.toContain('\n')
  teller.end()
  expect(written.at(-1)).toBe(REWRITE)
})

test('a bar is written at most eight times a second, however much is told, and not at all when nothing changes', () => {
  const { clock, written, teller } = place('bar')
  clock.pass(500)
  for (let done = 0; done < 1_000; done++) {
    teller.progress({ kind: 'counted', done, unit: 'commits' })
    clock.pass(1)
  }
  expect(written.length).toBeLessThanOrEqual(10)
  const before = written.length
  clock.pass(900)
  expect(written.length - before).toBeLessThanOrEqual(2)
})

test('a file gets a line a second while something changes, and one in ten seconds while nothing does', () => {
  const { clock, written, teller } = place('lines')
  teller.progress(judging)
  clock.pass(4_900)
  expect(written).toEqual([])
  for (let done = 0; done < 30; done++) {
    teller.progress(counted(done))
    clock.pass(100)
  }
  expect(written).toEqual([
    'judging: 0 of 30 subjects, 5 s\n',
    'judging: 10 of 30 subjects, 6 s\n',
    'judging: 20 of 30 subjects, 7 s\n',
  ])
  clock.pass(65_000)
  expect(written.length).toBeLessThanOrEqual(10)
  expect(written.at(-1)).toMatch(/^judging: 29 of 30 subjects, 1 min \d s\n$/)
})

test('a server that does not answer for fifteen seconds is not fifteen seconds of silence', () => {
  const { clock, written, teller } = place('lines')
  teller.progress(judging)
  teller.progress(counted(0))
  clock.pass(15_500)
  expect(written).toEqual(['judging: 0 of 30 subjects, 5 s\n', 'judging: 0 of 30 subjects, 15 s\n'])
})

test('the log of a step names each stage as it begins and ends, and nothing between two of them', () => {
  const clock = fakeClock()
  const lines: string[] = []
  const progress = logProgress({ info: text => lines.push(text) }, clock)
  clock.pass(60_000)
  progress({ kind: 'begun', what: 'source' })
  progress({ kind: 'counted', done: 10, unit: 'commits' })
  clock.pass(5_500)
  progress({ kind: 'ended', what: 'source', state: 'passed', ms: 5_500 })
  progress({ kind: 'begun', what: 'build' })
  progress({ kind: 'ended', what: 'build', state: 'not-asked', ms: 3 })
  clock.pass(60_000)
  expect(lines).toEqual([
    'source …',
    'source: 10 commits, 5 s',
    'source: passed, 5.5 s',
    'build …',
    'build: not asked, 3 ms',
  ])
})

test('bytes are told in units', () => {
  const { clock, written, teller } = place('lines')
  teller.progress({ kind: 'begun', what: 'publish' })
  teller.progress({ kind: 'counted', done: 31_000_000, all: 62_000_000, unit: 'bytes' })
  clock.pass(5_000)
  expect(written).toEqual(['publish: 31.0 MB of 62.0 MB, 5 s\n'])
})

test.each([1, 5, 20, 40, 80, 300])('a bar never fills the last of %i columns, whatever is told', columns => {
  const { clock, written, teller } = place('bar', columns)
  teller.progress({ kind: 'begun', what: '世界\u202e\u001b[2J'.repeat(5_000) })
  teller.progress({ kind: 'counted', done: 7_000_000, all: 3, unit: 'subjects' })
  clock.pass(2_000)
  expect(written.length).toBeGreaterThan(0)
  for (const text of written) {
    const shown = text.slice(REWRITE.length)
    expect(columnsOf(shown)).toBeLessThanOrEqual(Math.max(1, columns - 1))
    expect(shown).toMatch(/^[^\p{C}]*$/u)
  }
})

interface Heard {
  readonly out: string[]
  readonly err: string[]
}

async function watching(given: Partial<Watching>, terminal = true, env: Record<string, string> = {}): Promise<Heard> {
  const clock = fakeClock()
  const heard: Heard = { out: [], err: [] }
  const world: Door = {
    args: [],
    script: '/waybill/dist/cli.js',
    workingFolder: '/',
    isTerminal: terminal,
    columns: 80,
    talk: { isTerminal: terminal, columns: 80 },
    out: bytes => heard.out.push(bytes.toString()),
    err: text => heard.err.push(text),
    exit: () => {},
  }
  const how: Watching = { what: 'verify image', quiet: false, machine: false, asks: false, prints: 'data', ...given }
  const work = async (desk: Parameters<Parameters<typeof watched>[2]>[0]): Promise<void> => {
    desk.progress?.(judging)
    clock.pass(5_200)
    desk.world.err('a note\n')
    desk.world.out('the data\n')
    if (given.quiet === true) desk.alarm?.('why\n')
    clock.pass(700)
  }
  await watched({ world, env }, how, work, clock)
  return heard
}

test('watched() takes the bar away before anything else is written, and at the end', async () => {
  const { out, err } = await watching({})
  expect(out).toEqual(['the data\n'])
  const note = err.indexOf('a note\n')
  expect(err[note - 1]).toBe(REWRITE)
  expect(err.at(-2)).toMatch(/judging 5 s$/)
  expect(err.at(-1)).toBe(REWRITE)
})

test.each([
  ['standard error is no terminal', false, {}],
  ['the terminal knows no escapes', true, { TERM: 'dumb' }],
])('watched() writes lines where %s', async (_, terminal, env) => {
  const { err } = await watching({}, terminal, env)
  expect(err).toEqual(['judging: 5 s\n', 'a note\n'])
})

test.each([
  ['--json', { machine: true }],
  ['a program that may ask for a password', { asks: true }],
])('watched() shows no progress with %s', async (_, given) => {
  expect(await watching(given)).toEqual({ out: ['the data\n'], err: ['a note\n'] })
})

test('--quiet leaves the data that was asked for, of a report nothing, and always why something could not be done', async () => {
  expect(await watching({ quiet: true })).toEqual({ out: ['the data\n'], err: ['why\n'] })
  expect(await watching({ quiet: true, prints: 'report' })).toEqual({ out: [], err: ['why\n'] })
  expect(await watching({ quiet: true, prints: 'report', machine: true })).toEqual({
    out: ['the data\n'],
    err: ['why\n'],
  })
})

test('watched() ends the telling when the work fails', async () => {
  const clock = fakeClock()
  const world = { ...({} as Door), err: () => {}, out: () => {} }
  const how = { what: 'x', quiet: false, machine: false, asks: false, prints: 'data' } as const
  await expect(watched({ world, env: {} }, how, () => Promise.reject(new Error('no')), clock)).rejects.toThrow('no')
  expect(clock.ticking()).toBe(false)
})
