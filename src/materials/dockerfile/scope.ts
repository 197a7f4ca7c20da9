import type { Instruction } from './instructions.ts'
import type { PullOptions } from './pull.ts'
import { argumentsOf, type Stage } from './stages.ts'
import { type Escape, expandWord } from './words.ts'

/**
 * Variables of a stage at one instruction. What a base image from elsewhere sets is not known before its config is read, so
 * there a variable that nobody here sets is unresolved, not empty.
 */
export interface Scope {
  readonly values: ReadonlyMap<string, string>
  /** Every environment variable is known: it began from scratch. */
  readonly complete: boolean
}

export const EMPTY_SCOPE: Scope = { values: new Map(), complete: true }
export const FOREIGN_SCOPE: Scope = { values: new Map(), complete: false }

/** The scope after one more instruction; other instructions than ARG and ENV change nothing. */
export function scopeAfter(
  scope: Scope,
  instruction: Instruction,
  { globals, options, mark }: { globals: ReadonlyMap<string, string>; options: PullOptions; mark: Escape },
): Scope {
  const { keyword, words } = instruction
  if (keyword !== 'ARG' && keyword !== 'ENV') return scope
  const values = new Map(scope.values)
  const expand = (word: string) => expandWord(word, scope.values, mark).text
  if (keyword === 'ENV') for (const [name, value] of environmentOf(words)) values.set(name, expand(value))
  else
    for (const [name, value] of argumentsOf(words)) {
      const given = options.buildArgs.get(name) ?? (value === undefined ? globals.get(name) : expand(value))
      if (given !== undefined) values.set(name, given)
    }
  return { ...scope, values }
}

/** `ENV a=1 b=2`, or the old `ENV a the rest`. */
function environmentOf(words: readonly string[]): readonly (readonly [string, string])[] {
  const [first = '', ...rest] = words
  if (!first.includes('=')) return [[first, rest.join(' ')]]
  return argumentsOf(words).map(([name, value]) => [name, value ?? ''])
}

/** The scope in which a stage begins. */
export function scopeOfBase(base: Stage | 'scratch' | 'elsewhere', ended: ReadonlyMap<number, Scope>): Scope {
  if (base === 'scratch') return EMPTY_SCOPE
  return base === 'elsewhere' ? FOREIGN_SCOPE : (ended.get(base.index) ?? FOREIGN_SCOPE)
}
