import { fail } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import { parsePattern, replaceMatches, trimPrefix, trimSuffix } from './pattern.ts'

export type Escape = '\\' | '`'

export interface Expanded {
  readonly text: string
  /** Variables that nobody set; BuildKit reads them as empty. */
  readonly unset: readonly string[]
}

/** Characters that one word may become: `ARG a=$b$b`, twenty times over, is a bomb. */
const MAX_EXPANDED = 64 * 1024
/** `${a:-${b:-…}}` inside each other. */
const MAX_DEPTH = 32

/**
 * A word of a Dockerfile with its quotes and variables resolved as BuildKit resolves them: `$name`, `${name}`, the modifiers
 * `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`, single and double quotes, and the escape character of the file.
 * Source: Dockerfile reference § Environment replacement; moby/buildkit `frontend/dockerfile/shell`.
 * @throws `materials/dockerfile-malformed` where BuildKit refuses the word too.
 */
export function expandWord(word: string, values: ReadonlyMap<string, string>, mark: Escape): Expanded {
  const reader = new WordReader(word, values, mark)
  const text = reader.until(undefined, false)
  return { text, unset: [...reader.unset] }
}

class WordReader {
  readonly unset = new Set<string>()
  readonly #characters: readonly string[]
  readonly #word: string
  readonly #values: ReadonlyMap<string, string>
  readonly #escape: Escape
  #at = 0
  #depth = 0
  #written = 0

  constructor(word: string, values: ReadonlyMap<string, string>, mark: Escape) {
    this.#word = word
    this.#characters = [...word]
    this.#values = values
    this.#escape = mark
  }

  /** Reads to the stop character, or to the end where there is none. @param raw keep escape characters, for patterns. */
  until(stop: string | undefined, raw: boolean): string {
    if (++this.#depth > MAX_DEPTH) throw this.#refused(`at most ${MAX_DEPTH} levels`)
    let out = ''
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next === stop) {
        this.#at++
        this.#depth--
        return out
      }
      out += this.#piece(next, raw)
      if (out.length > MAX_EXPANDED) throw this.#refused(`at most ${MAX_EXPANDED} characters`)
    }
    if (stop !== undefined) throw this.#refused(`a closing ${stop}`)
    this.#depth--
    return out
  }

  #piece(next: string, raw: boolean): string {
    if (next === '$') return this.#dollar()
    if (next === "'") return this.#single()
    if (next === '"') return this.#double(raw)
    this.#at++
    if (next !== this.#escape) return next
    const escaped = this.#next()
    return `${raw ? next : ''}${escaped ?? ''}`
  }

  #single(): string {
    const end = this.#characters.indexOf("'", this.#at + 1)
    if (end === -1) throw this.#refused("a closing '")
    const text = this.#characters.slice(this.#at + 1, end).join('')
    this.#at = end + 1
    return text
  }

  #double(raw: boolean): string {
    this.#at++
    let out = ''
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next === '"') {
        this.#at++
        return out
      }
      if (next === '$') out += this.#dollar()
      else {
        this.#at++
        out += next === this.#escape ? this.#escapedInQuotes(raw) : next
      }
    }
    throw this.#refused('a closing "')
  }

  /** Inside double quotes only the quote, the dollar and the escape itself can be escaped. */
  #escapedInQuotes(raw: boolean): string {
    const next = this.#peek()
    const kept = raw ? this.#escape : ''
    if (next === undefined) return kept
    if (next !== '"' && next !== '$' && next !== this.#escape) return `${kept}${this.#escape}`
    this.#at++
    return `${kept}${next}`
  }

  #dollar(): string {
    this.#at++
    if (this.#peek() !== '{') {
      const name = this.#name()
      return name === '' ? '$' : this.#counted(this.#valueOf(name) ?? '')
    }
    this.#at++
    const first = this.#peek()
    if (first === undefined || first === '{' || first === '}' || first === ':')
      throw this.#refused('a name between the braces')
    const name = this.#name()
    return this.#counted(this.#modified(name))
  }

  /** All that was put in, not only what is left: `${a:+$b}` may drop what it made. */
  #counted(text: string): string {
    this.#written += text.length
    if (this.#written > MAX_EXPANDED) throw this.#refused(`at most ${MAX_EXPANDED} characters`)
    return text
  }

  #modified(name: string): string {
    const operator = this.#next()
    if (operator === '}') return this.#valueOf(name) ?? ''
    if (operator === '/') return this.#replaced(name)
    const emptyCounts = operator !== ':'
    const kind = emptyCounts ? operator : this.#next()
    if (kind === '#' || kind === '%') return this.#trimmed(name, kind)
    if (kind !== '-' && kind !== '+' && kind !== '?') throw this.#refused('a modifier that BuildKit knows')
    const word = this.until('}', false)
    const value = this.#valueOf(name, false)
    const isSet = value !== undefined && (emptyCounts || value !== '')
    if (kind === '+') return isSet ? word : ''
    if (isSet) return value
    if (kind === '?') throw this.#refused(`a value of ${name}`)
    return word
  }

  #trimmed(name: string, kind: '#' | '%'): string {
    const word = this.until('}', true)
    const longest = word.startsWith(kind)
    const pattern = this.#pattern(longest ? word.slice(1) : word)
    const value = this.#valueOf(name) ?? ''
    return kind === '#' ? trimPrefix(pattern, value, longest) : trimSuffix(pattern, value, longest)
  }

  #replaced(name: string): string {
    const all = this.#peek() === '/'
    if (all) this.#at++
    const pattern = this.#pattern(this.until('/', true))
    const replacement = this.until('}', true)
    // BuildKit's engine would read it as a group of the pattern, of which there is none.
    if (all && replacement.includes('$')) throw this.#refused('a replacement without $')
    return replaceMatches(pattern, this.#valueOf(name) ?? '', replacement, all)
  }

  #pattern(text: string): NonNullable<ReturnType<typeof parsePattern>> {
    const pattern = parsePattern(text)
    if (pattern === undefined) throw this.#refused('a pattern whose escapes BuildKit knows')
    return pattern
  }

  /** @param noted false where an unset variable is not read as empty. */
  #valueOf(name: string, noted = true): string | undefined {
    const value = this.#values.get(name)
    if (value === undefined && noted) this.unset.add(name)
    return value
  }

  /** Letters, digits and `_`; a number or one of the shell's special parameters, of which none has a value here. */
  #name(): string {
    const rest = this.#characters.slice(this.#at, this.#at + 256).join('')
    const [found = ''] = /^(?:\p{Nd}+|[@*#?\-$!]|[\p{L}\p{Nd}_]+)/u.exec(rest) ?? []
    this.#at += [...found].length
    return found
  }

  #peek(): string | undefined {
    return this.#characters[this.#at]
  }

  #next(): string | undefined {
    return this.#characters[this.#at++]
  }

  #refused(expected: string): Error {
    return fail('materials/dockerfile-malformed', `The Dockerfile has a word that cannot be resolved`, {
      expected,
      found: printable(this.#word, 200),
    })
  }
}
