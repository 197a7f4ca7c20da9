import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { STATEMENT_TYPE } from '../../src/statements/statement.ts'

const HEX = 'ab'.repeat(32)
const GOOD = {
  _type: STATEMENT_TYPE,
  subject: [{ name: 'app', digest: { sha256: HEX } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: { a: 1 },
}

function codeOf(document: unknown): string | undefined {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  try {
    parseStatement(utf8(text))
    return undefined
  } catch (error) {
    return error instanceof WaybillError ? error.code : `not typed: ${String(error)}`
  }
}

test('parseStatement() takes a predicate that is left out for an empty one', () => {
  const { predicate: _, ...without } = GOOD
  expect(parseStatement(Buffer.from(JSON.stringify(without))).predicate).toEqual({})
})

test('parseStatement() gives subject, predicate type and predicate of a good statement', () => {
  expect(parseStatement(utf8(JSON.stringify(GOOD)))).toEqual({
    subject: [{ name: 'app', digest: { sha256: HEX } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: { a: 1 },
  })
})

test.each([
  { given: 'a subject by digest alone', document: { ...GOOD, subject: [{ digest: { sha256: HEX } }] } },
  {
    given: 'a git commit as subject',
    document: { ...GOOD, subject: [{ uri: 'git+https://x', digest: { gitCommit: 'a'.repeat(40) } }] },
  },
  {
    given: 'one digest under two names',
    document: {
      ...GOOD,
      subject: [
        { name: 'a', digest: { sha256: HEX } },
        { name: 'b', digest: { sha256: HEX } },
      ],
    },
  },
  { given: 'a field this version does not know', document: { ...GOOD, later: true } },
  {
    given: 'an unknown algorithm beside a known one',
    document: { ...GOOD, subject: [{ digest: { sha256: HEX, blake3: 'Zz=' } }] },
  },
])('parseStatement() accepts $given', ({ document }) => {
  expect(codeOf(document)).toBeUndefined()
})

const MALFORMED = 'statements/malformed'
const OTHER_TYPE = 'statements/type-unsupported'
test.each([
  { given: 'bytes that are not JSON', document: '{', code: MALFORMED },
  { given: 'a list', document: '[]', code: MALFORMED },
  {
    given: 'a duplicate key',
    document: JSON.stringify(GOOD).replace('{"_type"', '{"predicate":{},"_type"'),
    code: MALFORMED,
  },
  {
    given: 'a duplicate key inside a digest',
    document: JSON.stringify(GOOD).replace('{"sha256"', `{"sha256":"${'0'.repeat(64)}","sha256"`),
    code: MALFORMED,
  },
  { given: 'statement v0.1', document: { ...GOOD, _type: 'https://in-toto.io/Statement/v0.1' }, code: OTHER_TYPE },
  { given: 'no type', document: { ...GOOD, _type: undefined }, code: OTHER_TYPE },
  { given: 'a type that is a number', document: { ...GOOD, _type: 1 }, code: OTHER_TYPE },
  { given: 'no subjects', document: { ...GOOD, subject: [] }, code: MALFORMED },
  { given: 'subjects that are no list', document: { ...GOOD, subject: { 0: GOOD.subject[0] } }, code: MALFORMED },
  { given: 'a subject without a digest', document: { ...GOOD, subject: [{ name: 'app' }] }, code: MALFORMED },
  {
    given: 'a subject with an empty digest',
    document: { ...GOOD, subject: [{ name: 'app', digest: {} }] },
    code: MALFORMED,
  },
  {
    given: 'only an unknown algorithm',
    document: { ...GOOD, subject: [{ digest: { blake3: HEX } }] },
    code: MALFORMED,
  },
  {
    given: 'an upper-case digest',
    document: { ...GOOD, subject: [{ digest: { sha256: HEX.toUpperCase() } }] },
    code: MALFORMED,
  },
  {
    given: 'a digest that is too short',
    document: { ...GOOD, subject: [{ digest: { sha256: HEX.slice(2) } }] },
    code: MALFORMED,
  },
  {
    given: 'a digest with a line break',
    document: { ...GOOD, subject: [{ digest: { sha256: `${HEX.slice(1)}\n` } }] },
    code: MALFORMED,
  },
  {
    given: 'a bad digest beside a good one',
    document: { ...GOOD, subject: [{ digest: { sha256: HEX, sha1: 'x' } }] },
    code: MALFORMED,
  },
  { given: 'a digest that is a number', document: { ...GOOD, subject: [{ digest: { sha256: 1 } }] }, code: MALFORMED },
  {
    given: 'a name that is a list',
    document: { ...GOOD, subject: [{ name: [], digest: { sha256: HEX } }] },
    code: MALFORMED,
  },
  {
    given: 'the same subject twice',
    document: { ...GOOD, subject: [GOOD.subject[0], GOOD.subject[0]] },
    code: MALFORMED,
  },
  {
    given: 'the same subject twice, digests in another order',
    document: {
      ...GOOD,
      subject: [{ digest: { sha256: HEX, sha1: 'a'.repeat(40) } }, { digest: { sha1: 'a'.repeat(40), sha256: HEX } }],
    },
    code: MALFORMED,
  },
  {
    given: '2,001 subjects',
    document: { ...GOOD, subject: Array.from({ length: 2001 }, (_, i) => ({ name: `${i}`, digest: { sha256: HEX } })) },
    code: MALFORMED,
  },
  { given: 'an empty predicate type', document: { ...GOOD, predicateType: '' }, code: MALFORMED },
  { given: 'a predicate that is null', document: { ...GOOD, predicate: null }, code: MALFORMED },
  { given: 'a predicate that is a list', document: { ...GOOD, predicate: [] }, code: MALFORMED },
  {
    given: 'an algorithm named like a method of every object',
    document: { ...GOOD, subject: [{ digest: { toString: HEX } }] },
    code: MALFORMED,
  },
])('parseStatement() refuses $given', ({ document, code }) => {
  expect(codeOf(document)).toBe(code)
})

test('parseStatement() refuses bytes that are not UTF-8', () => {
  const bytes = utf8(JSON.stringify(GOOD))
  bytes[bytes.indexOf('p'.charCodeAt(0))] = 0xff
  expect(() => parseStatement(bytes)).toThrow(expect.objectContaining({ code: MALFORMED }))
})

test('parseStatement() parses or refuses with its own code whatever JSON stands in a field', () => {
  const field = fc.constantFrom('_type', 'subject', 'predicateType', 'predicate')
  fc.assert(
    fc.property(field, fc.jsonValue(), (name, value) => {
      expect([undefined, MALFORMED, OTHER_TYPE]).toContain(codeOf({ ...GOOD, [name]: value }))
    }),
  )
})

test('parseStatement() parses or refuses with its own code after any one byte is changed', () => {
  const good = utf8(JSON.stringify(GOOD))
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const bytes = Uint8Array.from(good)
      bytes[at] = byte
      const parsed = attempt(bytes)
      expect(parsed === undefined || [MALFORMED, OTHER_TYPE].includes(parsed)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('parseStatement() parses or refuses with its own code any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      expect([MALFORMED, OTHER_TYPE]).toContain(attempt(bytes))
    }),
  )
})

function attempt(bytes: Uint8Array): string | undefined {
  try {
    parseStatement(bytes)
    return undefined
  } catch (error) {
    return error instanceof WaybillError ? error.code : `not typed: ${String(error)}`
  }
}
