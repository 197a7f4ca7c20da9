import { createHash, randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import type { LayerEntry } from '../../src/reproducible/entries.ts'
import { LayerReading } from '../../src/reproducible/layer.ts'
import { errorOf } from '../build/support.ts'
import { pax, TAR_END, tar, tarEntry } from '../materials/unpack/archives.ts'

async function* chunked(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Uint8Array, size?: number) {
  const reading = new LayerReading(chunked(bytes, size))
  const entries: LayerEntry[] = []
  for await (const entry of reading.entries()) entries.push(entry)
  return { entries, diff: reading.diffHex() }
}

const sha = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const FILES = tar(
  { name: 'app/', type: '5', mode: 0o755 },
  { name: 'app/made.txt', body: 'made\n' },
  { name: 'app/link', type: '2', target: 'made.txt' },
  { name: 'app/hard', type: '1', target: 'app/made.txt' },
)

test('a layer is told file by file: kind, content, mode, target', async () => {
  const { entries } = await read(FILES)
  expect(entries.map(({ path, facts }) => [path, facts.type, facts.mode, facts.target])).toEqual([
    ['app/', 'folder', '0755', ''],
    ['app/made.txt', 'file', '0644', ''],
    ['app/link', 'link', '0644', 'made.txt'],
    ['app/hard', 'hard link', '0644', 'app/made.txt'],
  ])
  expect(entries[1]?.facts.content).toBe(`sha256:${sha('made\n')}, 5 bytes`)
})

test.each([
  ['no compression', (bytes: Buffer) => bytes],
  ['gzip', (bytes: Buffer) => gzipSync(bytes)],
  [
    'gzip in two members',
    (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]),
  ],
  ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
])('%s: the same entries, and the digest of what is in the packing', async (_, pack) => {
  const packed = pack(FILES)
  for (const size of [1, 7, 100_000]) {
    const { entries, diff } = await read(packed, size)
    expect(entries).toHaveLength(4)
    expect(diff).toBe(sha(FILES))
  }
})

test('pax headers tell a longer name, a finer time, owners and attributes', async () => {
  const records = { path: 'ä'.repeat(80), mtime: '1700000000.25', uid: '70000', 'SCHILY.xattr.user.x': 'y' }
  const { entries } = await read(tar(pax(records), { name: 'short', body: 'x' }, { name: 'next' }))
  expect(entries[0]?.path).toBe('ä'.repeat(80))
  expect(entries[0]?.facts.time).toBe('2023-11-14T22:13:20.25Z')
  expect(entries[0]?.facts.owner).toMatch(/^70000:/)
  expect(entries[0]?.facts.xattrs).toBe(`SCHILY.xattr.user.x=${sha('y').slice(0, 16)}`)
  // Of the one entry alone.
  expect(entries[1]).toMatchObject({ path: 'next', facts: { xattrs: '' } })
})

test('two names are the same only when their bytes are', async () => {
  const invalid = Buffer.from([0xe4, 0x2e, 0x74])
  const { entries } = await read(tar({ name: invalid }, { name: 'ä.t' }))
  expect(entries[0]?.path).toBe(entries[1]?.path)
  expect(entries[0]?.id).not.toBe(entries[1]?.id)
})

test('an empty layer has no files, and a digest', async () => {
  expect(await read(TAR_END)).toEqual({ entries: [], diff: sha(TAR_END) })
  expect(await read(new Uint8Array())).toEqual({ entries: [], diff: sha('') })
})

test.each([
  ['text', Buffer.from('hello\n'.repeat(200))],
  ['an end in the middle of a header', FILES.subarray(0, 300)],
  ['an end in the middle of a file', tarEntry({ name: 'x', body: 'y'.repeat(2000) }).subarray(0, 1024)],
  ['a wrong checksum', Buffer.concat([Buffer.from([0x41]), FILES.subarray(1)])],
  ['gzip that breaks off', gzipSync(randomBytes(5000)).subarray(0, 2000)],
  ['zstd that breaks off', zstdCompressSync(randomBytes(5000)).subarray(0, 2000)],
  ['gzip of nothing sensible', Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(600)])],
  ['a size that is no number', tar(pax({ size: '1e9' }), { name: 'x' })],
  ['a folder with bytes in it', tar({ name: 'x/', type: '5', body: 'bytes' })],
  ['a pax record twice', tar(pax({ path: 'a' }), { name: 'x', type: 'x', body: '8 path=\n8 path=\n' })],
])('%s is refused, with a code', async (_, bytes) => {
  expect((await errorOf(read(bytes))).code).toBe('materials/archive-malformed')
})

test('13-adversary 43: a header of more bytes than any file system has room for is refused before it is read', async () => {
  const large = tarEntry({ name: 'PaxHeader', type: 'x', size: LIMITS.comparedHeaderBytes + 1 })
  expect((await errorOf(read(large))).found).toContain(`more than ${LIMITS.comparedHeaderBytes} bytes`)
})

test('13-adversary 43: so are many headers of one file, each of which is small', async () => {
  const header = (at: number) => {
    const records = Array.from({ length: 4_000 }, (_, no) => [`waybill.${at}.${no}`, 'x'] as const)
    return pax(Object.fromEntries(records))
  }
  const one = header(0).body?.length ?? 0
  const many = Array.from({ length: Math.ceil(LIMITS.comparedHeaderBytes / one) + 1 }, (_, at) => header(at))
  expect((await errorOf(read(tar(...many, { name: 'x' })))).found).toContain(
    `more than ${LIMITS.comparedHeaderBytes} bytes`,
  )
})

test('whatever bytes come, it ends with entries or a code, never with another error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: FILES.byteLength - 1 }), async (noise, at) => {
      const bent = Buffer.from(FILES)
      bent.set(noise.subarray(0, bent.byteLength - at), at)
      for (const bytes of [noise, bent, gzipSync(bent)]) {
        const outcome = await read(bytes).then(
          () => 'read',
          error => error.code,
        )
        expect(['read', 'materials/archive-malformed', 'materials/archive-too-large']).toContain(outcome)
      }
    }),
  )
})
