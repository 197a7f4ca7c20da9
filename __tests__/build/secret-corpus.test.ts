import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { looksLikeSecret, namedLikeSecret } from '../../src/build/secret-detector.ts'

const FOLDER = join(import.meta.dirname, '../vectors/secrets')

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as T
}

interface Token {
  readonly issuer: string
  readonly what: string
  readonly name: string
  readonly pieces: readonly string[]
}
interface Harmless {
  readonly what: string
  readonly name: string
  readonly value: string
}

const { tokens } = read<{ readonly tokens: readonly Token[] }>('tokens.json')
const { harmless } = read<{ readonly harmless: readonly Harmless[] }>('harmless.json')
const found = (name: string, value: string) => looksLikeSecret(value) ?? namedLikeSecret(name, value)
/** Those that have a form of their own, whatever they are called. */
const formed = tokens.filter(({ name }) => name === 'VALUE')

test.each(tokens)('13-adversary 42: finds $issuer: $what', ({ name, pieces }) => {
  expect(found(name, pieces.join(''))).toEqual(expect.any(String))
})

// One layer of base64 is looked under.
const plain = formed.filter(({ what }) => !what.includes('base64'))

test.each(plain)('13-adversary 42: finds $issuer: $what in the middle of a line and in base64', ({ pieces }) => {
  const value = pieces.join('')
  expect(looksLikeSecret(`--flag="${value}" -x`)).toEqual(expect.any(String))
  expect(looksLikeSecret(`DATA=${Buffer.from(`a: "${value}"\n`).toString('base64')}`)).toEqual(expect.any(String))
})

test.each(harmless)('lets $what pass', ({ name, value }) => {
  expect(found(name, value)).toBeUndefined()
})

test.each(harmless.filter(({ value }) => value.length > 16))('lets $what pass in base64', ({ value }) => {
  expect(looksLikeSecret(Buffer.from(value).toString('base64'))).toBeUndefined()
})

test('the corpus has thirty issuers and more, and the rates are whole: everything found, nothing harmless', () => {
  const hits = tokens.filter(({ name, pieces }) => found(name, pieces.join('')) !== undefined).length
  const false_ = harmless.filter(({ name, value }) => found(name, value) !== undefined).length
  expect(new Set(tokens.map(({ issuer }) => issuer)).size).toBeGreaterThanOrEqual(30)
  expect(harmless.length).toBeGreaterThanOrEqual(30)
  expect({ found: `${hits} of ${tokens.length}`, harmless: `${false_} of ${harmless.length}` }).toEqual({
    found: `${tokens.length} of ${tokens.length}`,
    harmless: `0 of ${harmless.length}`,
  })
})

test('the corpus holds no token in one piece, so that no scanner takes it for a leak', () => {
  for (const { pieces } of tokens) for (const piece of pieces) expect(looksLikeSecret(piece)).toBeUndefined()
})

test('looksLikeSecret() is linear: twenty times the text takes no more than a hundred times as long', () => {
  const starts = formed.map(({ pieces }) => pieces.join('').slice(0, 24))
  for (const part of [...starts, '://a:', 'eyJaaaaaaaa.', 'Basic YTpi', 'A', 'M-', 'a.', '-----BEGIN A']) {
    const time = (length: number): number => {
      const text = part.repeat(Math.ceil(length / part.length))
      const started = performance.now()
      looksLikeSecret(text)
      return performance.now() - started
    }
    time(1_000)
    expect(time(200_000)).toBeLessThan(100 * Math.max(time(10_000), 20))
  }
})
