import { LIMITS } from '../../core/limits.ts'
import type { Instruction, ReadDockerfile } from './instructions.ts'
import { malformed } from './malformed.ts'
import type { PullOptions } from './pull.ts'
import { expandWord } from './words.ts'

/** One FROM with what follows it. */
export interface Stage {
  readonly index: number
  /** Lower case. */
  readonly name?: string
  readonly line: number
  readonly written: string
  /** Resolved: variables that nobody sets are empty, as they are to the builder, which knows all of them here. */
  readonly base: string
  readonly platform?: string
  readonly instructions: readonly Instruction[]
}

export interface Stages {
  readonly stages: readonly Stage[]
  /** `ARG` before the first FROM, and the platform's own names: what FROM sees, and what `ARG name` in a stage inherits. */
  readonly globals: ReadonlyMap<string, string>
}

/** @throws `materials/dockerfile-malformed` for no stage, too many of them, or a word that cannot be resolved. */
export function stagesOf(file: ReadDockerfile, options: PullOptions): Stages {
  const start = file.instructions.findIndex(({ keyword }) => keyword === 'FROM')
  if (start === -1) throw malformed('names no base image', 'FROM')
  const before = file.instructions.slice(0, start)
  const stray = before.find(({ keyword }) => keyword !== 'ARG')
  if (stray !== undefined)
    throw malformed(`has an instruction before the first FROM in line ${stray.line}`, 'ARG', stray.keyword)
  const globals = globalsOf(file, before, { ...options, target: options.target || lastName(file.instructions) })
  const groups: Instruction[][] = []
  for (const instruction of file.instructions.slice(start)) {
    if (instruction.keyword === 'FROM') groups.push([])
    groups.at(-1)?.push(instruction)
  }
  if (groups.length > LIMITS.dockerfileStages)
    throw malformed('has too many stages', `at most ${LIMITS.dockerfileStages}`, String(groups.length))
  return { globals, stages: groups.map((group, index) => stageOf(group, index, file, globals)) }
}

/** A build without a target is one of the last stage, and called so. */
function lastName(instructions: readonly Instruction[]): string {
  const { words = [] } = instructions.findLast(({ keyword }) => keyword === 'FROM') ?? {}
  return words[2]?.toLowerCase() || 'default'
}

function stageOf(
  [from, ...instructions]: readonly Instruction[],
  index: number,
  { mark }: ReadDockerfile,
  globals: ReadonlyMap<string, string>,
): Stage {
  const { line = 0, words = [], flags = [] } = from ?? {}
  const [written = '', as, name] = words
  if (written === '') throw malformed(`has a FROM without an image in line ${line}`, 'FROM image')
  const named = as?.toUpperCase() === 'AS' && name !== undefined && words.length === 3
  if (words.length > 1 && !named)
    throw malformed(`has a FROM in line ${line} that cannot be read`, 'FROM image AS name', words.join(' '))
  if (named && !/^[a-z][a-z0-9_.-]*$/i.test(name))
    throw malformed(`has a stage in line ${line} of such a name`, 'letters, digits, -, _ and .', name)
  const base = expandWord(written, globals, mark)
  if (base.text === '')
    throw malformed(
      `has a FROM in line ${line} whose image nobody names`,
      `a value of ${base.unset.join(', ')}`,
      written,
    )
  const platform = platformOf(flags, line, word => expandWord(word, globals, mark).text)
  return {
    index,
    ...(named ? { name: name.toLowerCase() } : {}),
    line,
    written,
    base: base.text,
    ...(platform === undefined ? {} : { platform }),
    instructions,
  }
}

function platformOf(flags: Instruction['flags'], line: number, expand: (word: string) => string): string | undefined {
  const written = flags.find(flag => flag.name === 'platform')?.value ?? ''
  if (written === '') return undefined
  const platform = expand(written)
  if (platform === '') throw malformed(`has a FROM in line ${line} for no platform`, 'os/arch', written)
  return platform
}

/** Names that BuildKit sets before the first FROM; a build argument of the same name wins. */
function predefined({ buildPlatform, targetPlatform, target }: PullOptions): Map<string, string> {
  const named = (prefix: string, platform: string): [string, string][] => {
    const [os = '', architecture = '', variant = ''] = platform.split('/')
    return [
      [`${prefix}PLATFORM`, platform],
      [`${prefix}OS`, os],
      [`${prefix}OSVERSION`, ''],
      [`${prefix}ARCH`, architecture],
      [`${prefix}VARIANT`, variant],
    ]
  }
  return new Map([
    ...named('BUILD', buildPlatform),
    ...named('TARGET', targetPlatform),
    ['TARGETSTAGE', target ?? 'default'],
  ])
}

function globalsOf(
  { mark }: ReadDockerfile,
  before: readonly Instruction[],
  options: PullOptions,
): ReadonlyMap<string, string> {
  const globals = predefined(options)
  for (const name of globals.keys()) globals.set(name, options.buildArgs.get(name) ?? globals.get(name) ?? '')
  for (const { keyword, words } of before) {
    if (keyword !== 'ARG') continue
    for (const [name, value] of argumentsOf(words)) {
      const given = options.buildArgs.get(name)
      const text = given ?? (value === undefined ? undefined : expandWord(value, globals, mark).text)
      if (text !== undefined) globals.set(name, text)
    }
  }
  return globals
}

/** `ARG a=1 b`: names with their default, if they have one. */
export function argumentsOf(words: readonly string[]): readonly (readonly [string, string | undefined])[] {
  return words.map(word => {
    const at = word.indexOf('=')
    return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
  })
}
