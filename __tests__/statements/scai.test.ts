import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { isScai, readScai, type ScaiClaim, scaiStatement } from '../../src/statements/scai.ts'
import type { Statement } from '../../src/statements/statement.ts'
import { errorOf } from '../policy/world.ts'
import { CLAIMS, SCAI_SUBJECTS } from './chain-facts.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/predicates/scai.md'), 'utf8')
const written = (claims: readonly ScaiClaim[] = CLAIMS): Statement =>
  parseStatement(scaiStatement(SCAI_SUBJECTS, claims))

test('readScai() reads what scaiStatement() writes', () => {
  expect(readScai(written())).toEqual(CLAIMS)
  expect(isScai(written())).toBe(true)
  expect(written().subject).toEqual(SCAI_SUBJECTS)
})

test('the example of docs/predicates/scai.md is what is written', () => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(PAGE) ?? []
  expect(JSON.parse(example)).toEqual(JSON.parse(new TextDecoder().decode(scaiStatement(SCAI_SUBJECTS, CLAIMS))))
})

test('docs/predicates/scai.md names every attribute', () => {
  for (const { attribute } of CLAIMS) expect(PAGE).toContain(`\`${attribute}\``)
})

/** The example with one value put into its attributes; undefined removes it. */
function changed(at: number, path: string, value: Json | undefined): Statement {
  const statement = structuredClone(written()) as { predicate: { attributes: Record<string, Json>[] } } & Statement
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let target = statement.predicate.attributes[at] as Record<string, Json>
  for (const key of keys) target = target[key] as Record<string, Json>
  if (value === undefined) delete target[last]
  else target[last] = value
  return statement
}

test.each<[string, number, string, Json | undefined]>([
  ['a material without a digest', 0, 'target', { name: 'x' }],
  ['a material with a short digest', 0, 'target.digest', { sha256: 'ab' }],
  ['a material with a digest in capitals', 0, 'target.digest', { sha256: 'A'.repeat(64) }],
  ['a material with a sum of no known kind', 0, 'target.digest', { md5: 'a'.repeat(32) }],
  ['a material without a target', 1, 'target', undefined],
  ['a signature without evidence', 0, 'evidence', undefined],
  ['a signature without the word on keys', 0, 'conditions', undefined],
  ['another word on keys', 0, 'conditions.keys', 'trusted'],
  ['one more condition', 0, 'conditions.unless', 'sunday'],
  ['conditions where there are none', 1, 'conditions', { keys: 'policy' }],
  ['a closed world of one material', 4, 'target', { digest: { sha256: 'a'.repeat(64) } }],
  ['a closed world without conditions', 4, 'conditions', undefined],
  ['a closed world without a word on the cache', 4, 'conditions.cache', undefined],
  ['another word on the network', 4, 'conditions.network', 'off'],
  ['a closed world without a source policy', 4, 'evidence', undefined],
  ['a comparison without evidence', 5, 'evidence', undefined],
  ['both results of a comparison', 3, 'attribute', 'NOT_REPRODUCIBLE'],
  ['an attribute in small letters', 3, 'attribute', 'declared'],
  ['an attribute that is no text', 3, 'attribute', 1],
  ['the same claim twice', 1, 'attribute', 'MATERIAL_SIGNATURE_VERIFIED'],
])('13-adversary 27: readScai() refuses %s', (_what, at, path, value) => {
  expect(errorOf(() => readScai(changed(at, path, value))).code).toBe('statements/scai-malformed')
})

test.each<[string, Json]>([
  ['no attributes', []],
  ['attributes that are no list', {}],
  ['attributes that are no objects', ['BASE_IMAGES_DECLARED']],
  ['more than four thousand', Array.from({ length: 4_001 }, (_, i) => ({ attribute: `A${i}` }))],
])('13-adversary 43: readScai() refuses %s', (_what, attributes) => {
  const statement = { ...written(), predicate: { attributes } }
  expect(errorOf(() => readScai(statement)).code).toBe('statements/scai-malformed')
})

test('attributes of others are kept by name, with the material they are about', () => {
  const target = { name: 'x', digest: { gitCommit: 'c'.repeat(40) } }
  const claims: readonly ScaiClaim[] = [
    { attribute: 'other', name: 'WITH_STACK_PROTECTION', target },
    { attribute: 'other', name: 'WITH_MAGIC' },
  ]
  expect(readScai(written(claims))).toEqual(claims)
})

test('a builder never writes what the reader refuses', () => {
  const [claim] = CLAIMS
  if (claim === undefined) throw new Error('No claims')
  expect(errorOf(() => scaiStatement(SCAI_SUBJECTS, [claim, claim])).code).toBe('statements/scai-malformed')
  expect(errorOf(() => scaiStatement(SCAI_SUBJECTS, [])).code).toBe('statements/scai-malformed')
})

test('readScai() gives claims or its one error for any predicate', () => {
  const only = (predicate: JsonObject) => {
    try {
      readScai({ ...written(), predicate })
    } catch (error) {
      expect(error).toBeInstanceOf(WaybillError)
      expect((error as WaybillError).code).toBe('statements/scai-malformed')
    }
  }
  const words = CLAIMS.map(({ attribute }) => attribute as string)
  const attribute = fc.record(
    {
      attribute: fc.oneof(fc.constantFrom(...words), fc.jsonValue()),
      target: fc.jsonValue(),
      conditions: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(fc.property(fc.array(attribute), attributes => only({ attributes: attributes as Json[] })))
  fc.assert(fc.property(fc.jsonValue(), attributes => only({ attributes: attributes as Json })))
})

test('every one-byte change of a statement is refused or read as claims', () => {
  const bytes = scaiStatement(SCAI_SUBJECTS, CLAIMS)
  let refused = 0
  for (let at = 0; at < bytes.length; at += 7) {
    const copy = new Uint8Array(bytes)
    copy[at] = (copy[at] ?? 0) ^ 1
    try {
      readScai(parseStatement(copy))
    } catch (error) {
      expect(error).toBeInstanceOf(WaybillError)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(50)
})
