import fc from 'fast-check'
import type { JsonObject } from '../../src/core/json.ts'
import { buildStatement } from '../../src/statements/build.ts'
import { parseStatement } from '../../src/statements/parse.ts'

const DIGEST = { sha256: 'ab'.repeat(32) }

test('buildStatement() writes what parseStatement() reads, for any predicate', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (predicate, name) => {
      const plain = JSON.parse(JSON.stringify(predicate)) as JsonObject
      const bytes = buildStatement({ subjects: [{ name, digest: DIGEST }], predicateType: 'urn:x', predicate: plain })
      expect(parseStatement(bytes)).toEqual({
        subject: [{ name, digest: DIGEST }],
        predicateType: 'urn:x',
        predicate: plain,
      })
    }),
  )
})

test('buildStatement() gives the same bytes for the same parts', () => {
  const parts = { subjects: [{ digest: DIGEST, name: 'a' }], predicateType: 'urn:x', predicate: {} } as const
  expect(buildStatement(parts)).toEqual(buildStatement(parts))
})

test('buildStatement() refuses to encode what the gate would refuse', () => {
  const subjects = [{ digest: { sha256: 'AB' } }] as const
  expect(() => buildStatement({ subjects, predicateType: 'urn:x', predicate: {} })).toThrow(
    expect.objectContaining({ code: 'statements/malformed' }),
  )
})
