import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { CATALOGUE } from '../../core/catalogue.ts'
import { asWaybillError, fail } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import type { Door } from '../../io/door.ts'
import type { Environment } from '../../io/environment.ts'
import type { Progress } from '../../pipeline/progress.ts'
import { watched } from '../progress.ts'

/** What a command may use of its process. */
export interface Desk {
  readonly world: Door
  readonly env: Environment
  /** Absent: nobody watches, or nothing may be told. */
  readonly progress?: Progress
  /** What even `--quiet` says: why a part of what was asked could not be done. Absent: as `world.err`. */
  readonly alarm?: Door['err']
}

/** One command of `waybill`, as the table lists it. */
export interface Command {
  /** The words that call it: `verify image`. */
  readonly words: string
  /** Its lines in `waybill --help`, without indentation. */
  readonly synopsis: string
  /** What `waybill <words> --help` prints. */
  readonly usage: string
  /**
   * Reads everything behind the words; nothing is done until the returned function is called with a desk.
   * @throws `entry/usage`, `entry/input-contradiction`
   */
  prepare(args: readonly string[]): Wish
}

/** `help`, or what was asked for; it resolves to the exit code. */
export type Wish = 'help' | ((desk: Desk) => Promise<number>)

type Options = ParseArgsOptionsConfig

/** Options and other words of one command line; options are as node:util reads them. */
export interface CommandLine<O extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: O; strict: true; allowPositionals: true }>>['values']
  readonly references: readonly string[]
}

export interface CommandSpec<O extends Options, T> extends Pick<Command, 'words' | 'synopsis' | 'usage'> {
  /**
   * What `--quiet` leaves: of a `report` nothing but the exit code; `data`, default, is printed all the same, and a command that
   * prints a verdict and knows `--quiet` itself decides.
   */
  readonly prints?: 'report' | 'data'
  /** Programs that it starts may ask a person for a password: no line is written again meanwhile. */
  readonly asks?: true
  /** Beside `--help`, `--json` and `--quiet`, which every command has. */
  readonly options: O
  /** Pure. @throws `entry/usage` */
  read(line: CommandLine<O & typeof COMMON>): T
  run(wish: T, desk: Desk): Promise<number>
}

const COMMON = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
} as const satisfies Options

/** A command from its parts: the types of its options reach `read`, what `read` returns reaches `run`. */
export function command<const O extends Options, T>(spec: CommandSpec<O, T>): Command {
  const { words, synopsis } = spec
  const usage = withQuiet(spec.usage, spec.prints ?? 'data')
  return {
    words,
    synopsis,
    usage,
    prepare: args => {
      const wish = inWords(words, () => {
        const line = parsed(args, { ...spec.options, ...COMMON }, words)
        if (line.values.help === true) return 'help'
        requireNoneEmpty(line)
        const { json = false, quiet = false, format } = line.values
        const how = { what: words, quiet: quiet === true, machine: json === true || format !== undefined }
        return { how, of: spec.read(line as CommandLine<O & typeof COMMON>) }
      })
      if (wish === 'help') return wish
      const { asks = false, prints = 'data' } = spec
      return desk => watched(desk, { ...wish.how, asks, prints }, watching => spec.run(wish.of, watching))
    },
  }
}

/** Below the line of `--json`, where the command itself has nothing to say about it. */
function withQuiet(usage: string, prints: 'report' | 'data'): string {
  if (usage.includes('\n  --quiet ')) return usage
  const what =
    prints === 'report'
      ? 'only the exit code; mistakes of the command line still go to stderr'
      : 'what was asked for on stdout, no notes beside it'
  return usage.replace(/^ {2}--json .*\n/m, line => `${line}  --quiet                             ${what}\n`)
}

/** A mistake in a command line leads to the help of that very command. */
function inWords<T>(words: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code !== 'entry/usage' || known.remedy !== CATALOGUE['entry/usage'].remedy) throw error
    const { message, expected, found } = known
    const facts = { ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) }
    throw fail('entry/usage', message, { ...facts, remedy: `See: waybill ${words} --help` })
  }
}

/** A variable of a script that is not set must not become "not given", which may ask for less. */
function requireNoneEmpty({ values, references }: Line): void {
  const empty = Object.entries(values).find(([, value]) => [value].flat().includes(''))
  if (empty !== undefined) throw usage(`--${empty[0]} has no value`, `a value behind --${empty[0]}`, 'an empty text')
  if (references.includes('')) throw usage('One of the words is empty', 'a value in each', 'an empty text')
}

interface Line {
  readonly values: Readonly<Record<string, unknown>>
  readonly references: readonly string[]
}

function parsed(args: readonly string[], options: Options, words: string): Line {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return { values, references: positionals }
  } catch (error) {
    // The first sentence names the option; what follows is about positional arguments that begin with a dash.
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('. ', 1)
    const [, lacking] = /^Option '(--[a-z-]+) .*argument missing/.exec(sentence) ?? []
    if (lacking !== undefined) throw usage(`${lacking} has no value`, `a value behind ${lacking}`)
    throw usage(printable(sentence), `an option of waybill ${words} --help`)
  }
}

/** @throws `entry/usage` when there are words that the command does not take. */
export function noMore(references: readonly string[], words: string, at = 0): void {
  const more = references[at]
  if (more !== undefined) throw usage(`${printable(more, 80)} is one word too many`, `waybill ${words} --help`, more)
}

export function usage(sentence: string, expected: string, found?: string): Error {
  return fail('entry/usage', sentence, { expected, ...(found === undefined ? {} : { found }) })
}
