/** One step of a wildcard pattern: a literal character, any one character, or any number of them. */
type Step = { readonly one: string } | 'any' | 'many'

/**
 * A wildcard pattern as `${name#…}` and `${name/…/…}` take it: `*` and `?` match anything but a line end, `\*`, `\?` and `\\` are
 * themselves, `\}` and `\/` lose their mark; there are no brackets. undefined: an escape that BuildKit refuses.
 */
export function parsePattern(text: string): readonly Step[] | undefined {
  const steps: Step[] = []
  const characters = [...text]
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*') steps.push('many')
    else if (character === '?') steps.push('any')
    else if (character !== '\\') steps.push({ one: character })
    else {
      const next = characters[at + 1] ?? ''
      if (next === '}' || next === '/') continue
      if (next !== '*' && next !== '?' && next !== '\\') return undefined
      steps.push({ one: next })
      at++
    }
  }
  return steps
}

/**
 * Where a match that begins at `from` may end. All ends at once in one walk: a regular expression of a pattern with many
 * stars could be made to run for years.
 */
function endsOf(pattern: readonly Step[], value: readonly string[], from: number): readonly number[] {
  let places = new Set([from])
  for (const step of pattern) {
    const next = new Set<number>()
    for (const place of places) {
      if (step === 'many') {
        for (let at = place; !next.has(at); at++) {
          next.add(at)
          if (at >= value.length || value[at] === '\n') break
        }
      } else if (place < value.length && (step === 'any' ? value[place] !== '\n' : value[place] === step.one))
        next.add(place + 1)
    }
    places = next
  }
  return [...places].sort((a, b) => a - b)
}

export function trimPrefix(pattern: readonly Step[], value: string, longest: boolean): string {
  const characters = [...value]
  const ends = endsOf(pattern, characters, 0)
  const end = longest ? ends.at(-1) : ends[0]
  return end === undefined ? value : characters.slice(end).join('')
}

export function trimSuffix(pattern: readonly Step[], value: string, longest: boolean): string {
  const backwards = trimPrefix([...pattern].reverse(), [...value].reverse().join(''), longest)
  return [...backwards].reverse().join('')
}

/** The leftmost match and there the longest; with `all`, every one after the other. */
export function replaceMatches(pattern: readonly Step[], value: string, replacement: string, all: boolean): string {
  const characters = [...value]
  let out = ''
  let from = 0
  let afterMatch = false
  while (from <= characters.length) {
    const end = endsOf(pattern, characters, from).at(-1)
    // An empty match right behind another one is none.
    if (end !== undefined && !(end === from && afterMatch)) {
      out += replacement
      if (!all) return out + characters.slice(end).join('')
      afterMatch = true
      if (end > from) {
        from = end
        continue
      }
    }
    if (from < characters.length) out += characters[from]
    afterMatch = false
    from++
  }
  return out
}
