import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { asWaybillError, WaybillError } from '../../src/core/error.ts'
import { parseLfsPointer } from '../../src/source/lfs-pointer.ts'
import { pointerOf } from '../fakes/lfs-store.ts'

const VECTORS = join(import.meta.dirname, '../vectors/lfs-pointer')

function read(bytes: Uint8Array): unknown {
  try {
    const pointer = parseLfsPointer(bytes, 'model.bin')
    return pointer === undefined ? { file: true } : { pointer }
  } catch (error) {
    return { refused: asWaybillError(error).code }
  }
}

test.each(readdirSync(VECTORS))('13-adversary 14: a pointer of Git LFS, %s', name => {
  const folder = join(VECTORS, name)
  const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  expect(read(readFileSync(join(folder, 'pointer')))).toEqual(expected)
})

test('every pointer that git-lfs writes is read, and any change of one byte is refused, another object or a file', () => {
  const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
  fc.assert(
    fc.property(hex, fc.nat(1e9), fc.nat(200), fc.integer({ min: 0, max: 255 }), (oid, size, at, byte) => {
      const bytes = Buffer.from(pointerOf(oid, size))
      expect(parseLfsPointer(bytes, 'x')).toEqual({ oid, size })
      if (at >= bytes.byteLength || bytes[at] === byte) return
      bytes[at] = byte
      try {
        expect(parseLfsPointer(bytes, 'x')).not.toEqual({ oid, size })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
