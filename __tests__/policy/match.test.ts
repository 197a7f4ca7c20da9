import fc from 'fast-check'
import { isCovered } from '../../src/policy/cover.ts'
import { compilePattern, matches, matchesRef, type Pattern } from '../../src/policy/match.ts'

function pattern(text: string): Pattern {
  const compiled = compilePattern(text)
  if (compiled === undefined) throw new Error(`no pattern: ${text}`)
  return compiled
}

describe('matches()', () => {
  test.each([
    ['refs/heads/main', 'refs/heads/main', true],
    ['refs/heads/main', 'refs/heads/main2', false],
    ['refs/heads/main', 'xrefs/heads/main', false],
    ['refs/heads/*', 'refs/heads/a', true],
    ['refs/heads/*', 'refs/heads/a/b', false],
    ['refs/heads/**', 'refs/heads/a/b', true],
    ['refs/tags/v*', 'refs/tags/v1.2.3', true],
    ['refs/tags/v*', 'refs/tags/v1/evil', false],
    ['refs/tags/v*.*', 'refs/tags/v1', false],
    ['ghcr.io/acme/**', 'ghcr.io/acme/a/b', true],
    ['ghcr.io/acme/**', 'ghcr.io/acme-evil/a', false],
    ['ghcr.io/acme/*/app', 'ghcr.io/acme/x/app', true],
    ['**/app', 'ghcr.io/acme/app', true],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
    ['[ab]', 'a', false],
    ['**', '', true],
    ['Main', 'main', false],
  ])('%s on %s is %s', (text, name, expected) => expect(matches(pattern(text), name)).toBe(expected))

  test('agrees with a regular expression made by hand, for every pattern', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '.'), minLength: 1, maxLength: 8 })
    const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 8 })
    fc.assert(
      fc.property(texts, names, (text, name) => {
        const compiled = compilePattern(text)
        fc.pre(compiled !== undefined)
        const source = text.replace(/\./g, '\\.').replace(/\*\*|\*/g, star => (star === '**' ? '.*' : '[^/]*'))
        expect(matches(compiled as Pattern, name)).toBe(new RegExp(`^${source}$`).test(name))
      }),
      { numRuns: 2000 },
    )
  })

  test('takes time in proportion to the text, whatever the pattern', () => {
    const evil = pattern(`${'*a'.repeat(120)}**${'a*'.repeat(120)}b`)
    const time = (length: number) => {
      const begin = performance.now()
      expect(matches(evil, 'a'.repeat(length))).toBe(false)
      return performance.now() - begin
    }
    time(1000)
    expect(time(8000) / Math.max(time(1000), 1)).toBeLessThan(60)
  })
})

test('compilePattern() refuses what is no pattern', () => {
  for (const text of ['', '***', 'a****b', 'a'.repeat(513)]) expect(compilePattern(text)).toBeUndefined()
})

test('13-adversary 28: matchesRef() never matches a pull request, nor a short name', () => {
  const all = [pattern('refs/**'), pattern('**')]
  for (const ref of ['refs/pull/1/merge', 'refs/pull/1/head', 'refs/pull', 'main', 'heads/main', ''])
    expect(matchesRef(all, ref)).toBe(false)
  expect(matchesRef(all, 'refs/heads/pull/1')).toBe(true)
})

describe('isCovered()', () => {
  const covered = (text: string, ...earlier: readonly string[]) =>
    isCovered(pattern(text), earlier.map(pattern), { left: 1_000_000 })
  test.each([
    ['a/b', ['a/*'], true],
    ['a/b/c', ['a/*'], false],
    ['a/*', ['a/**'], true],
    ['a/**', ['a/*'], false],
    ['a/*', ['a/*'], true],
    ['a/x*', ['a/*x'], false],
    ['a/**', ['**'], true],
    ['**', ['a/**', 'b/**'], false],
    ['x*', ['xa*', 'xb*'], false],
    ['a/xyz', ['a/x*', 'b'], true],
    ['a', [], false],
  ] as const)('%s below %j: %s', (text, earlier, expected) => expect(covered(text, ...earlier)).toBe(expected))

  test('means that no text matches the pattern and none of the earlier ones', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), minLength: 1, maxLength: 5 })
    const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'c'), maxLength: 6 })
    fc.assert(
      fc.property(
        texts,
        fc.array(texts, { maxLength: 3 }),
        fc.array(names, { maxLength: 30 }),
        (text, earlier, list) => {
          const one = compilePattern(text)
          const others = earlier.map(compilePattern).filter(p => p !== undefined)
          fc.pre(one !== undefined)
          if (!isCovered(one as Pattern, others, { left: 1_000_000 })) return
          for (const name of list)
            if (matches(one as Pattern, name)) expect(others.some(other => matches(other, name))).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
