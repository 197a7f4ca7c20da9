import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { parseChallenges } from '../../src/registry/challenge.ts'
import { codeOf } from './support.ts'

const plain = (header: string): unknown =>
  parseChallenges(header).map(({ scheme, parameters }) => ({ scheme, ...Object.fromEntries(parameters) }))

test.each([
  ['', []],
  ['Basic', [{ scheme: 'basic' }]],
  ['BASIC REALM="x"', [{ scheme: 'basic', realm: 'x' }]],
  [
    'Bearer realm="https://a.example/t",service="s",scope="repository:a/b:pull,push"',
    [{ scheme: 'bearer', realm: 'https://a.example/t', service: 's', scope: 'repository:a/b:pull,push' }],
  ],
  [
    'Basic realm="x", Bearer realm="https://a.example/t", service=s',
    [
      { scheme: 'basic', realm: 'x' },
      { scheme: 'bearer', realm: 'https://a.example/t', service: 's' },
    ],
  ],
  ['Negotiate, Basic realm="x"', [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'x' }]],
  ['Negotiate YWJj==, Basic realm="x"', [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'x' }]],
  ['Negotiate YWJj, Basic realm="x"', [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'x' }]],
  [
    'Basic realm="a \\"quoted\\", Bearer realm=\\"no\\""',
    [{ scheme: 'basic', realm: 'a "quoted", Bearer realm="no"' }],
  ],
  [', ,Basic realm = "x" , charset=UTF-8,', [{ scheme: 'basic', realm: 'x', charset: 'UTF-8' }]],
])('parseChallenges(%j)', (header, expected) => {
  expect(plain(header)).toEqual(expected)
})

test.each([
  'Bearer realm="open',
  'Bearer realm="a" realm="b"',
  'Bearer realm="a",realm="b"',
  '"x"',
  'Basic=',
  'Bearer realm="a"x',
  'x'.repeat(20_000),
])('parseChallenges(%j) refuses, never half a list', async header => {
  expect(await codeOf(() => parseChallenges(header))).toBe('registry/challenge-malformed')
})

test('parseChallenges() given any text returns challenges or a typed error, quickly', () => {
  const piece = fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'a', '==', '\t')
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 60 }).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, header => {
      try {
        expect(Array.isArray(parseChallenges(header))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
    { numRuns: 3000 },
  )
  const started = performance.now()
  for (const header of [
    `Bearer realm="${'\\"'.repeat(8000)}`,
    ','.repeat(16_000),
    'a '.repeat(8000),
    'a=b,'.repeat(4000),
  ])
    expect(() => {
      try {
        parseChallenges(header)
      } catch (error) {
        if (!(error instanceof WaybillError)) throw error
      }
    }).not.toThrow()
  expect(performance.now() - started).toBeLessThan(20_000)
})
