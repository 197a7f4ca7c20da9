import fc from 'fast-check'
import { hexOf, isCommitId, isDigest, parseCommitId, parseDigest, sha256 } from '../../src/core/digest.ts'

const HEX = 'ab'.repeat(32)

test('sha256() of nothing is the known digest, as bytes and as text', () => {
  const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  expect(sha256(new Uint8Array())).toBe(empty)
  expect(sha256('')).toBe(empty)
})

test('parseDigest() gives back the one spelling it accepts', () => {
  expect(parseDigest(`sha256:${HEX}`)).toBe(`sha256:${HEX}`)
  expect(hexOf(parseDigest(`sha256:${HEX}`))).toBe(HEX)
})

test.each([
  '',
  HEX,
  `SHA256:${HEX}`,
  `sha256:${HEX.toUpperCase()}`,
  `sha256:${HEX}0`,
  `sha256:${HEX.slice(1)}`,
  `sha256:${HEX}\n`,
  ` sha256:${HEX}`,
  `sha512:${HEX}${HEX}`,
])('parseDigest() refuses %j', text => {
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'core/digest-malformed' }))
  expect(isDigest(text)).toBe(false)
})

test('parseDigest() and isDigest() agree on every text', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
      .map(hex => `sha256:${hex}`),
  )
  fc.assert(
    fc.property(text, value => {
      if (isDigest(value)) expect(parseDigest(value)).toBe(value)
      else expect(() => parseDigest(value)).toThrow(expect.objectContaining({ code: 'core/digest-malformed' }))
    }),
  )
})

test.each(['', 'abc1234', 'A'.repeat(40), 'a'.repeat(41), `${'a'.repeat(40)}\n`, 'HEAD'])(
  'parseCommitId() refuses %j',
  text => {
    expect(() => parseCommitId(text)).toThrow(expect.objectContaining({ code: 'core/commit-malformed' }))
    expect(isCommitId(text)).toBe(false)
  },
)

test('parseCommitId() says that SHA-256 repositories are not supported', () => {
  expect(() => parseCommitId('a'.repeat(64))).toThrow(
    expect.objectContaining({ found: expect.stringContaining('SHA-256 repository') }),
  )
})

test('isDigest() and isCommitId() of what is no text are false', () => {
  expect([isDigest(1), isDigest(undefined), isCommitId(null)]).toEqual([false, false, false])
})
