import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** One way to log in that a server offers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Characters of one header that are looked at; real ones have about 200. */
const MAX_LENGTH = 16 * 1024
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const SPACES = /[ \t]*/y
const LIST_GAP = /[ \t]*(?:,[ \t]*)*/y
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y

/**
 * Reads a WWW-Authenticate header (RFC 9110 § 11.6.1), which may hold several challenges, each with several parameters,
 * all separated by commas:
 *
 *     Basic realm="x", Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"
 *
 * Trap: the comma inside the quoted scope, and that `name=` after a comma continues a challenge while `name ` begins one.
 * @returns the challenges in header order; empty for an empty header.
 * @throws `registry/challenge-malformed`, never half a list: a half-read realm would be asked for a token.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > MAX_LENGTH) throw malformed(header)
  const scanner = new Scanner(header)
  const challenges: Challenge[] = []
  scanner.take(LIST_GAP)
  while (!scanner.atEnd()) {
    const scheme = scanner.take(TOKEN)
    if (scheme === undefined) throw malformed(header)
    challenges.push({ scheme: scheme.toLowerCase(), parameters: readParameters(scanner, header) })
  }
  return challenges
}

function readParameters(scanner: Scanner, header: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const gap = scanner.take(SPACES) ?? ''
  if (scanner.atEnd() || scanner.take(/,/y) !== undefined) {
    scanner.take(LIST_GAP)
    return parameters
  }
  if (gap === '') throw malformed(header)
  for (;;) {
    const start = scanner.position
    const name = scanner.take(TOKEN)?.toLowerCase()
    scanner.take(SPACES)
    if (name === undefined || scanner.take(/=/y) === undefined) {
      scanner.position = start
      // The first word was a token68 blob (`Negotiate abc==`), or the next challenge begins here.
      if (parameters.size === 0 && scanner.take(TOKEN68) === undefined) throw malformed(header)
      break
    }
    scanner.take(SPACES)
    const value = scanner.take(QUOTED)?.slice(1, -1).replace(/\\(.)/g, '$1') ?? scanner.take(TOKEN)
    if (value === undefined) {
      scanner.position = start
      if (parameters.size > 0 || scanner.take(TOKEN68) === undefined) throw malformed(header)
      break
    }
    if (parameters.has(name)) throw malformed(header)
    parameters.set(name, value)
    if (!endOfItem(scanner, header)) break
  }
  scanner.take(LIST_GAP)
  return parameters
}

/** True when another item follows the comma. */
function endOfItem(scanner: Scanner, header: string): boolean {
  scanner.take(SPACES)
  if (scanner.atEnd()) return false
  if (scanner.take(/,/y) === undefined) throw malformed(header)
  scanner.take(LIST_GAP)
  return !scanner.atEnd()
}

class Scanner {
  position = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.position += found.length
    return found
  }

  atEnd(): boolean {
    return this.position >= this.#text.length
  }
}

function malformed(header: string): Error {
  return fail('registry/challenge-malformed', 'The registry’s WWW-Authenticate header cannot be read', {
    expected: 'Basic or Bearer challenges as in RFC 9110',
    found: printable(header, 200),
  })
}
