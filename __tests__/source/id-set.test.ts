import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { parseCommitId } from '../../src/core/digest.ts'
import { IdSet } from '../../src/source/id-set.ts'

const idOf = (seed: string) => parseCommitId(createHash('sha1').update(seed).digest('hex'))

test('IdSet answers as a Set of strings does', () => {
  // Few different ids, among them zero and ids with equal beginnings, so that places collide.
  const id = fc.constantFrom(
    '0'.repeat(40),
    `${'0'.repeat(39)}1`,
    `${'0'.repeat(8)}${'1'.repeat(32)}`,
    `${'f'.repeat(8)}${'0'.repeat(32)}`,
    `${'f'.repeat(8)}${'1'.repeat(32)}`,
    'f'.repeat(40),
  )
  fc.assert(
    fc.property(fc.array(id), texts => {
      const ids = new IdSet()
      const model = new Set<string>()
      for (const text of texts) {
        expect(ids.add(parseCommitId(text))).toBe(!model.has(text))
        model.add(text)
        expect(ids.size).toBe(model.size)
        expect(ids.has(parseCommitId(text))).toBe(true)
      }
    }),
  )
})

test('IdSet grows past its first size and forgets nothing', () => {
  const ids = new IdSet()
  for (let i = 0; i < 5_000; i++) ids.add(idOf(`in ${i}`))
  expect(ids.size).toBe(5_000)
  for (let i = 0; i < 5_000; i++) {
    expect(ids.has(idOf(`in ${i}`))).toBe(true)
    expect(ids.has(idOf(`out ${i}`))).toBe(false)
  }
})
