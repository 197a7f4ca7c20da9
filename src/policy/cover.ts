import { DEEP, ONE, type Pattern, startOf, step } from './match.ts'

/**
 * Steps left for all questions about one file. Only a file with hundreds of many-starred patterns uses them up; giving
 * up means "not covered": a rule that can never be reached then goes unnoticed, which changes no verdict.
 */
export interface Budget {
  left: number
}

export const COVER_BUDGET = 500_000

/** Where the pattern and each earlier one that is still possible could be after the same text. */
interface State {
  readonly mine: readonly number[]
  readonly theirs: readonly { readonly pattern: Pattern; readonly places: readonly number[] }[]
}

/**
 * Whether everything that `pattern` matches is matched by at least one of `earlier`: then a rule for it, below rules for
 * those, could never be reached. Walks both as automata over the letters that occur in them, "/", and one that does not.
 */
export function isCovered(pattern: Pattern, earlier: readonly Pattern[], budget: Budget): boolean {
  const theirs = earlier.map(p => ({ pattern: p, places: startOf(p.tokens) }))
  const letters = alphabet([pattern, ...earlier])
  const queue: State[] = [{ mine: startOf(pattern.tokens), theirs }]
  const seen = new Set<string>()
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const escaped = ends(pattern, state.mine) && !state.theirs.some(t => ends(t.pattern, t.places))
    if (escaped || state.theirs.length === 0) return false
    for (const letter of lettersFrom(pattern, state.mine, letters)) {
      budget.left -= state.theirs.length + 1
      if (budget.left < 0) return false
      const next = advance(pattern, state, letter)
      const key = keyOf(next)
      if (next.mine.length > 0 && !seen.has(key)) queue.push(next)
      seen.add(key)
    }
  }
  return true
}

function advance(pattern: Pattern, state: State, letter: string): State {
  return {
    mine: step(pattern.tokens, state.mine, letter),
    theirs: state.theirs
      .map(t => ({ pattern: t.pattern, places: step(t.pattern.tokens, t.places, letter) }))
      .filter(t => t.places.length > 0),
  }
}

function ends(pattern: Pattern, places: readonly number[]): boolean {
  return places.at(-1) === pattern.tokens.length
}

function keyOf(state: State): string {
  return `${state.mine.join()};${state.theirs.map(t => `${t.pattern.text} ${t.places.join()}`).join(';')}`
}

/** The letters on which the pattern can go on at all; a star goes on with every one. */
function lettersFrom(pattern: Pattern, places: readonly number[], letters: readonly string[]): readonly string[] {
  const tokens = places.map(place => pattern.tokens[place])
  if (tokens.includes(ONE) || tokens.includes(DEEP)) return letters
  return [...new Set(tokens.filter(token => typeof token === 'string'))]
}

/** Letters the patterns can tell apart, plus one for all others (a private-use character that no name may hold). */
function alphabet(patterns: readonly Pattern[]): readonly string[] {
  const literal = patterns.flatMap(p => p.tokens).filter(token => typeof token === 'string')
  return [...new Set(['/', '\ue000', ...literal])]
}
