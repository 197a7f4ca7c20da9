import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { readBakePrint } from '../../src/build/bake-print.ts'
import { parseImageRefs } from '../../src/build/image-refs.ts'
import { WaybillError } from '../../src/core/error.ts'

const VECTORS = join(import.meta.dirname, '..', 'vectors')

function namesOf(kind: string): readonly string[] {
  return readdirSync(join(VECTORS, kind)).filter(name => name !== 'README.md')
}

function textOf(kind: string, name: string, file: string): string {
  return readFileSync(join(VECTORS, kind, name, file), 'utf8')
}

/** What comes out, as JSON has it, or the code of the error. */
function outcomeOf(work: () => unknown): unknown {
  try {
    const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
    return JSON.parse(JSON.stringify(work(), plain))
  } catch (error) {
    if (error instanceof WaybillError) return { error: error.code }
    throw error
  }
}

test.each(namesOf('image-refs'))('image-refs: %s', name => {
  const bytes = Buffer.from(textOf('image-refs', name, 'refs'))
  expect(outcomeOf(() => parseImageRefs(bytes))).toEqual(JSON.parse(textOf('image-refs', name, 'expect.json')))
})

test.each(namesOf('bake'))('bake: %s', name => {
  const bytes = Buffer.from(textOf('bake', name, 'print.json'))
  const target = textOf('bake', name, 'target').trim()
  expect(outcomeOf(() => readBakePrint(bytes, target))).toEqual(JSON.parse(textOf('bake', name, 'expect.json')))
})

test('no bytes are anything but images or a known error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const work of [() => parseImageRefs(bytes), () => readBakePrint(bytes, 'app')]) outcomeOf(work)
    }),
  )
})

test('a refusal names the field, and says what to do instead', () => {
  const print = { target: { app: { 'dockerfile-inline': 'FROM scratch' } } }
  const bytes = Buffer.from(JSON.stringify(print))
  expect(() => readBakePrint(bytes, 'app')).toThrow(
    expect.objectContaining({ found: 'dockerfile-inline', remedy: expect.stringContaining('name it in `dockerfile`') }),
  )
})
