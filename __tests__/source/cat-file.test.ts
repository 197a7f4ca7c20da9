import fc from 'fast-check'
import { fail } from '../../src/core/error.ts'
import { CatFileReader, type GitObject } from '../../src/source/cat-file.ts'
import { errorOf, idOf } from './support.ts'

const HELLO = Buffer.from('hello\n')
const ID = idOf('blob', HELLO)

const answer = (type: string, bytes: Uint8Array, id: string = idOf(type, bytes)): Buffer =>
  Buffer.concat([Buffer.from(`${id} ${type} ${bytes.byteLength}\n`), bytes, Buffer.from('\n')])

test('read() of answers cut anywhere gives the same objects', async () => {
  const object = fc.record({
    type: fc.constantFrom('commit', 'tree', 'blob'),
    bytes: fc.uint8Array({ maxLength: 60 }),
  })
  const run = async (objects: readonly { type: string; bytes: Uint8Array }[], size: number) => {
    const reader = new CatFileReader()
    const found = objects.map(({ type, bytes }) => reader.expect({ id: idOf(type, bytes), keep: 40 }))
    const stream = Buffer.concat(objects.map(({ type, bytes }) => answer(type, bytes)))
    for (let at = 0; at < stream.byteLength; at += size) await reader.push(stream.subarray(at, at + size))
    expect(await Promise.all(found)).toEqual(
      objects.map(({ type, bytes }) => ({ type, size: bytes.byteLength, bytes: bytes.slice(0, 40) })),
    )
  }
  await fc.assert(fc.asyncProperty(fc.array(object), fc.integer({ min: 1, max: 70 }), run))
})

test('13-adversary 14: read() refuses an object whose content has another id', async () => {
  const reader = new CatFileReader()
  const found = reader.expect({ id: ID, keep: 100 })
  void reader.push(answer('blob', Buffer.from('evil!\n'), ID))
  expect(await errorOf(() => found)).toMatchObject({ code: 'source/object-forged', expected: ID })
})

test('read() refuses the right bytes under another type', async () => {
  const reader = new CatFileReader()
  const found = reader.expect({ id: ID, keep: 100 })
  void reader.push(answer('tree', HELLO, ID))
  expect((await errorOf(() => found)).code).toBe('source/object-forged')
})

test('read() hashes the whole object when it keeps a part of it', async () => {
  const bytes = new Uint8Array(100_000).fill(7)
  const reader = new CatFileReader()
  const found = reader.expect({ id: idOf('blob', bytes), keep: 10 })
  void reader.push(answer('blob', bytes))
  expect(await found).toEqual({ type: 'blob', size: 100_000, bytes: bytes.slice(0, 10) })
})

test('read() of a missing object gives undefined, and the next one is found', async () => {
  const reader = new CatFileReader()
  const missing = reader.expect({ id: ID, keep: 9 })
  const next = reader.expect({ id: ID, keep: 9 })
  void reader.push(Buffer.concat([Buffer.from(`${ID} missing\n`), answer('blob', HELLO)]))
  expect([await missing, (await next)?.size]).toEqual([undefined, 6])
})

test('kept bytes do not keep the chunk they came in', async () => {
  const reader = new CatFileReader()
  const found = reader.expect({ id: ID, keep: 9 })
  void reader.push(Buffer.concat([answer('blob', HELLO), Buffer.alloc(100_000)]).subarray(0, 55))
  expect((await found)?.bytes.buffer.byteLength).toBe(6)
})

test('a sink gets every byte in order, and reading waits for it', async () => {
  const reader = new CatFileReader()
  const got: string[] = []
  let open = 0
  const sink = async (chunk: Uint8Array): Promise<void> => {
    expect(++open).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 1))
    got.push(Buffer.from(chunk).toString())
    open--
  }
  const found = reader.expect({ id: ID, keep: 0, sink })
  const stream = answer('blob', HELLO)
  for (const byte of stream) await reader.push(Uint8Array.of(byte))
  expect(await found).toMatchObject({ size: 6 })
  expect(got.join('')).toBe('hello\n')
})

test('a sink that fails ends its own object only', async () => {
  const reader = new CatFileReader()
  const full = fail('core/file-unwritable', 'The disk is full')
  const [first, second, third] = [
    () => Promise.reject(full),
    () => {
      throw full
    },
    undefined,
  ].map(sink => reader.expect({ id: ID, keep: 9, ...(sink === undefined ? {} : { sink }) }))
  const codes = Promise.all([errorOf(() => first), errorOf(() => second)])
  await reader.push(Buffer.concat([answer('blob', HELLO), answer('blob', HELLO), answer('blob', HELLO)]))
  expect((await codes).map(error => error.code)).toEqual(['core/file-unwritable', 'core/file-unwritable'])
  expect((await (third as Promise<GitObject>)).size).toBe(6)
})

test.each([
  { given: 'another id than asked for', line: `${'0'.repeat(40)} blob 6\n` },
  { given: 'an unknown type', line: `${ID} thing 6\n` },
  { given: 'a size that is no number', line: `${ID} blob 06\n` },
  { given: 'an endless line', line: 'x'.repeat(1000) },
  { given: 'an ambiguous id', line: `${ID} ambiguous\n` },
])('an answer with $given ends this and every later question as unknown', async ({ line }) => {
  const reader = new CatFileReader()
  const found = [reader.expect({ id: ID, keep: 9 }), reader.expect({ id: ID, keep: 9 })]
  const errors = Promise.all(found.map(promise => errorOf(() => promise)))
  void reader.push(Buffer.from(line))
  const later = await errorOf(() => reader.expect({ id: ID, keep: 9 }))
  expect([...(await errors), later].map(error => [error.code, error.kind])).toEqual(
    Array(3).fill(['source/object-missing', 'unknown']),
  )
})

test('any bytes as an answer give an object, an error of this room, or an open question', async () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.constant(answer('blob', HELLO)))
  await fc.assert(
    fc.asyncProperty(fc.array(chunk), async chunks => {
      const reader = new CatFileReader()
      const found = reader.expect({ id: ID, keep: 9 })
      const end = found.then(
        () => 'object',
        error => String(error.code),
      )
      for (const part of chunks) await reader.push(part)
      expect(await Promise.race([end, 'open'])).toMatch(/^source\/|^object$|^open$/)
    }),
  )
})

test('ten thousand questions are answered in order', async () => {
  const reader = new CatFileReader()
  const stream: Buffer[] = []
  const found = Array.from({ length: 10_000 }, (_, i) => {
    const bytes = Buffer.from(String(i))
    stream.push(answer('blob', bytes))
    return reader.expect({ id: idOf('blob', bytes), keep: 9 })
  })
  void reader.push(Buffer.concat(stream))
  const objects = await Promise.all(found)
  expect(objects.map(object => Buffer.from(object?.bytes ?? []).toString())).toEqual(objects.map((_, i) => String(i)))
})
