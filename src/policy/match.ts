/**
 * The one pattern language of the policy (12-policy § 2).
 *
 *     *    any characters of one segment, also none: never "/"
 *     **   any characters, "/" too, also none
 *     else literal, case-sensitive, the whole text from first to last character
 *
 * Trap: users must not be able to write a slow pattern, and nobody may steer a name into a backtracking one. So there is
 * no regular expression: the matcher walks the text once and keeps the set of places in the pattern where it could be,
 * `text × pattern` steps at most whatever is asked.
 */
export interface Pattern {
  /** As written. */
  readonly text: string
  readonly tokens: readonly Token[]
}

/** A literal UTF-16 unit, or one of the two stars. */
export type Token = string | typeof ONE | typeof DEEP

/** `*` */
export const ONE = { star: 1 } as const
/** `**` */
export const DEEP = { star: 2 } as const

/** Characters of one pattern. Refs and repository names are far below. */
export const MAX_PATTERN = 512

/** Undefined for a text that is no pattern: empty, too long, or three stars in a row (whoever writes that means something else). */
export function compilePattern(text: string): Pattern | undefined {
  if (text === '' || text.length > MAX_PATTERN || text.includes('***')) return undefined
  const tokens: Token[] = []
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c !== '*') tokens.push(c)
    else if (text.charAt(i + 1) === '*') {
      tokens.push(DEEP)
      i++
    } else tokens.push(ONE)
  }
  return { text, tokens }
}

/** Whether the whole text matches. */
export function matches(pattern: Pattern, text: string): boolean {
  const { tokens } = pattern
  let places = startOf(tokens)
  for (let i = 0; i < text.length; i++) {
    places = step(tokens, places, text.charAt(i))
    if (places.length === 0) return false
  }
  return places.at(-1) === tokens.length
}

/** Places in the pattern before the first character, ascending. */
export function startOf(tokens: readonly Token[]): readonly number[] {
  return spread(tokens, [0])
}

/** Places after one more character, ascending, each once. */
export function step(tokens: readonly Token[], places: readonly number[], c: string): readonly number[] {
  const next: number[] = []
  for (const place of places) {
    const token = tokens[place]
    if (token === undefined) continue
    if (token === DEEP || (token === ONE && c !== '/')) push(next, place)
    else if (token === c) push(next, place + 1)
  }
  return spread(tokens, next)
}

/** A star may also match nothing: from its place the next one is reachable at no cost. */
function spread(tokens: readonly Token[], places: readonly number[]): readonly number[] {
  const all: number[] = []
  for (const start of places) {
    let place = start
    push(all, place)
    while (typeof tokens[place] === 'object') push(all, ++place)
  }
  return all
}

/** Places arrive almost sorted; an insertion keeps the list ascending and free of doubles. */
function push(places: number[], place: number): void {
  let at = places.length
  while (at > 0 && (places[at - 1] ?? -1) > place) at--
  if (places[at - 1] !== place) places.splice(at, 0, place)
}

/**
 * A pull request's ref holds a merge that nobody reviewed or pushed, so no pattern, not even `any`, ever matches one
 * (13-adversary 28).
 */
export function isPullRef(ref: string): boolean {
  return ref === 'refs/pull' || ref.startsWith('refs/pull/')
}

/** Whether one of the patterns matches this full ref name. Short names never match: `main` could be a tag as well. */
export function matchesRef(patterns: readonly Pattern[], ref: string): boolean {
  const last = LAST.get(patterns)
  if (last?.ref === ref) return last.matched
  const matched = ref.startsWith('refs/') && !isPullRef(ref) && patterns.some(pattern => matches(pattern, ref))
  LAST.set(patterns, { ref, matched })
  return matched
}

/** A fold asks the same question for each of many thousand commits: the last answer of each list is kept. */
const LAST = new WeakMap<readonly Pattern[], { readonly ref: string; readonly matched: boolean }>()
