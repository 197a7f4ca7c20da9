import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { readStateArchive } from '../../src/entry/state-archive.ts'
import { type ZipPart, zip } from '../materials/unpack/archives.ts'

const BOUNDS = { files: 10, fileBytes: 1000, totalBytes: 2000 }
const folder = mkdtempSync(join(tmpdir(), 'waybill-archive-'))

function read(bytes: Uint8Array) {
  const path = join(folder, 'a.zip')
  writeFileSync(path, bytes)
  return readStateArchive(path, 'the artifact x', BOUNDS)
}

test('bundles are given with the place where they were found', async () => {
  const { files, ignored } = await read(
    zip([
      { name: 'provenance.sigstore.json', body: '{}', descriptor: true },
      { name: 'legacy/ghcr.io-acme-app-0a.sigstore.json', body: '[]', mode: 0o100644 },
    ]),
  )
  expect(files.map(({ name, bytes, place }) => [name, Buffer.from(bytes).toString(), place])).toEqual([
    ['provenance.sigstore.json', '{}', 'in the artifact x as provenance.sigstore.json'],
    ['legacy/ghcr.io-acme-app-0a.sigstore.json', '[]', 'in the artifact x as legacy/ghcr.io-acme-app-0a.sigstore.json'],
  ])
  expect(ignored).toEqual([])
})

const name = 'a.sigstore.json'
test.each<[string, ZipPart, string]>([
  ['a way up', { name: '../a.sigstore.json' }, 'not the name'],
  ['an absolute path', { name: '/a.sigstore.json' }, 'not the name'],
  ['another folder', { name: 'reviews/a.sigstore.json' }, 'not the name'],
  ['a way up behind a folder', { name: 'legacy/../a.sigstore.json' }, 'not the name'],
  ['a backslash', { name: '..\\a.sigstore.json' }, 'not the name'],
  ['a name of no alphabet', { name: Buffer.from([0xff, 0xfe]) }, 'not the name'],
  ['a hidden file', { name: '.a.sigstore.json' }, 'not the name'],
  ['a folder', { name: 'legacy/', body: '' }, 'not the name'],
  ['a link', { name, mode: 0o120777, body: '/etc/passwd' }, 'no regular file'],
  ['a device', { name, mode: 0o020666, body: '' }, 'no regular file'],
  ['too many bytes', { name, body: Buffer.alloc(1001) }, 'larger than 1000 bytes'],
])('13-adversary 24: an entry that is %s is ignored aloud, and its neighbour is read', async (_what, part, why) => {
  const { files, ignored } = await read(zip([part, { name: 'ok.sigstore.json', body: '{}' }]))
  expect(files.map(file => file.name)).toEqual(['ok.sigstore.json'])
  expect(ignored).toEqual([{ name: expect.stringContaining('in the artifact x'), why: expect.stringContaining(why) }])
})

test('bytes of all together are bounded', async () => {
  const parts = ['a', 'b', 'c'].map(letter => ({ name: `${letter}.sigstore.json`, body: Buffer.alloc(900) }))
  const { files, ignored } = await read(zip(parts))
  expect([files.length, ignored.map(({ why }) => why)]).toEqual([2, ['it is larger than 200 bytes']])
})

test('an archive that breaks off anywhere, or is something else, is ignored aloud and never throws', async () => {
  const whole = zip([{ name, body: '{"a": 1}' }])
  for (let length = 0; length < whole.byteLength; length++) {
    const { files, ignored } = await read(whole.subarray(0, length))
    expect([length, files.length, ignored.length]).toEqual([length, 0, 1])
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async bytes => {
      const { files, ignored } = await read(bytes)
      expect([files.length, ignored.length]).toEqual([0, 1])
    }),
  )
  expect((await readStateArchive(join(folder, 'none'), 'x', BOUNDS)).ignored).toHaveLength(1)
})

test('an entry with a wrong checksum gives nothing, and what came before it stays', async () => {
  const bad = { name: 'b.sigstore.json', body: '{}', local: { crc: 1 }, central: { crc: 1 } }
  const { files, ignored } = await read(zip([{ name, body: '{}' }, bad]))
  expect([files.map(file => file.name), ignored.length]).toEqual([[name], 1])
})
