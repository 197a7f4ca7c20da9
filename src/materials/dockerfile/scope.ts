import type { Instruction } from './instructions.ts'
import { malformed } from './malformed.ts'
import type { PullOptions } from './pull.ts'
import { argumentsOf } from './stages.ts'
import type { BaseConfig } from './triggers.ts'
import { type Escape, expandWord } from './words.ts'

/**
 * Variables of a stage at one instruction. What a base image from elsewhere sets is not known before its config is read, so
 * there a variable that nobody here sets is unresolved, not empty.
 */
export interface Scope {
  readonly values: ReadonlyMap<string, string>
  /** Every environment variable is known: it began from scratch, or the base image's config is known. */
  readonly complete: boolean
}

/** BuildKit sets it in every stage whose base does not. */
const PATH: readonly [string, string] = ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']

export const EMPTY_SCOPE: Scope = { values: new Map([PATH]), complete: true }
export const FOREIGN_SCOPE: Scope = { values: new Map(), complete: false }

export function scopeOf(base: BaseConfig | undefined): Scope {
  return base === undefined ? FOREIGN_SCOPE : { values: new Map([PATH, ...base.environment]), complete: true }
}

/**
 * The scope after one more instruction; other instructions than ARG and ENV change nothing. Each name of one ARG sees those
 * before it, those of one ENV do not; and an ARG, with a value, changes what an ENV of that name said (run with BuildKit 0.26.3).
 */
export function scopeAfter(
  scope: Scope,
  instruction: Instruction,
  { globals, options, mark }: { globals: ReadonlyMap<string, string>; options: PullOptions; mark: Escape },
): Scope {
  const { keyword, words } = instruction
  if (keyword !== 'ARG' && keyword !== 'ENV') return scope
  const values = new Map(scope.values)
  if (keyword === 'ENV') {
    const expand = (word: string) => expandWord(word, scope.values, mark).text
    for (const [name, value] of environmentOf(instruction)) values.set(expand(name), expand(value))
  } else
    for (const [name, value] of argumentsOf(words)) {
      const given =
        options.buildArgs.get(name) ?? (value === undefined ? globals.get(name) : expandWord(value, values, mark).text)
      if (given !== undefined) values.set(name, given)
    }
  return { ...scope, values }
}

/** `ENV a=1 b=2`, or the old `ENV a the rest`. */
function environmentOf({ words, rest, line }: Instruction): readonly (readonly [string, string])[] {
  if (!words[0]?.includes('=')) {
    const [, name, value] = /^([^\t\v\f\r ]*)[\t\v\f\r ]+([\s\S]*)$/.exec(rest) ?? []
    if (name === undefined || value === undefined)
      throw malformed(`has an ENV in line ${line} without a value`, 'NAME=value')
    return [[name, value]]
  }
  return argumentsOf(words).map(([name, value]) => {
    if (value === undefined) throw malformed(`has an ENV in line ${line} that cannot be read`, 'NAME=value', name)
    return [name, value]
  })
}
