import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { WaybillError } from '../../../src/core/error.ts'
import { ARCHIVE_BOUNDS, type ArchiveBounds } from '../../../src/materials/unpack/bounds.ts'
import { crc32 } from '../../../src/materials/unpack/crc32.ts'
import { placeMaterials } from '../../../src/materials/unpack/place.ts'
import { takeOut } from '../../../src/materials/unpack/take-out.ts'
import { unpack } from '../../../src/materials/unpack/unpack.ts'
import { descriptorOf, extraField, pax, TAR_END, type TarPart, tar, tarEntry, type ZipPart, zip } from './archives.ts'

let folder: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-unpack-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function take(kind: 'tar' | 'zip', bytes: Uint8Array, bounds: Partial<ArchiveBounds> = {}) {
  const archive = join(folder, `${count++}.archive`)
  const target = join(folder, String(count++))
  await writeFile(archive, bytes)
  const unpacked = await unpack(kind, archive, target, { ...ARCHIVE_BOUNDS, ...bounds })
  return { ...unpacked, listing: await listing(target) }
}

/** `mode path = content`, sorted. */
async function listing(root: string, below = ''): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below === '' ? name : `${below}/${name}`
    const info = await lstat(join(root, path))
    const mode = (info.mode & 0o7777).toString(8)
    if (info.isSymbolicLink()) lines.push(`link ${path} = ${await readlink(join(root, path))}`)
    else if (info.isDirectory()) lines.push(`${mode} ${path}/`, ...(await listing(root, path)))
    else lines.push(`${mode} ${path} = ${(await readFile(join(root, path))).toString()}`)
  }
  return lines
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was wrong',
    (error: unknown) => (error instanceof WaybillError ? error.code : String(error)),
  )
}

const FILES: readonly TarPart[] = [
  { name: 'pkg/', type: '5', mode: 0o700 },
  { name: 'pkg/a.txt', body: 'a', mode: 0o600 },
  { name: 'pkg/run', body: 'b'.repeat(1_000), mode: 0o4777 },
  { name: 'pkg/deep/below/c', body: '' },
  { name: 'pkg/deep/link', type: '2', target: '../a.txt' },
]
const LISTED = [
  '755 pkg/',
  '644 pkg/a.txt = a',
  '755 pkg/deep/',
  '755 pkg/deep/below/',
  '644 pkg/deep/below/c = ',
  'link pkg/deep/link = ../a.txt',
  `755 pkg/run = ${'b'.repeat(1_000)}`,
]

describe('tar', () => {
  test('gives files, folders and links with modes 644 and 755, plain and in gzip', async () => {
    const bytes = tar(...FILES)
    expect(await take('tar', bytes)).toEqual({ files: 4, bytes: 1_001, listing: LISTED })
    expect((await take('tar', gzipSync(bytes))).listing).toEqual(LISTED)
    const padded = Buffer.concat([bytes, Buffer.alloc(10_240)])
    expect((await take('tar', padded)).listing).toEqual(LISTED)
  })

  test.each(['ustar', 'pax', 'gnu'])('reads what tar itself writes in the form %s', async format => {
    const from = join(folder, `real-${format}`)
    const long = `${'d'.repeat(80)}/${'e'.repeat(60)}`
    await mkdir(join(from, long), { recursive: true })
    await writeFile(join(from, long, 'täst'), 'x')
    await writeFile(join(from, 'big'), Buffer.alloc(70_000, 'y'))
    await symlink('big', join(from, 'l'))
    const archive = join(folder, `real-${format}.tgz`)
    await promisify(execFile)('tar', [`--format=${format}`, '-czf', archive, '-C', from, '.'])
    const { listing: found } = await take('tar', await readFile(archive))
    expect(found).toEqual(expect.arrayContaining([`644 ${long}/täst = x`, 'link l = big']))
    expect(found).toHaveLength(5)
  })

  test('takes longer names from pax and GNU headers, and passes over git’s comment', async () => {
    const name = `${'n'.repeat(150)}/file`
    const { listing: found } = await take(
      'tar',
      tar(
        pax({ comment: 'f'.repeat(40) }, 'g'),
        pax({ path: name, mtime: '1.5', 'SCHILY.xattr.user.x': 'y' }),
        { body: '1' },
        { name: '././@LongLink', type: 'L', body: `${name}2\0` },
        { magic: 'ustar  \0', body: '2' },
        { name: '././@LongLink', type: 'K', body: `${name}\0` },
        { name: 'l', type: '2', magic: 'ustar  \0' },
      ),
    )
    expect(found).toEqual([`link l = ${name}`, `755 ${'n'.repeat(150)}/`, `644 ${name} = 1`, `644 ${name}2 = 2`])
  })

  const evil: readonly (readonly [string, string, Buffer])[] = [
    ['an absolute path', 'unsafe', tar({ name: '/etc/passwd' })],
    ['an absolute path in pax', 'unsafe', tar(pax({ path: '/etc/passwd' }), {})],
    ['an absolute prefix', 'unsafe', tar({ name: 'x', prefix: '/etc' })],
    ['a way up', 'unsafe', tar({ name: '../x' })],
    ['a way up inside', 'unsafe', tar({ name: 'a/../../x' })],
    ['a way up at the end', 'unsafe', tar({ name: 'a/..', type: '5' })],
    ['a way up of Windows', 'unsafe', tar({ name: '..\\x' })],
    ['a drive', 'unsafe', tar({ name: 'c:x' })],
    ['an empty part', 'unsafe', tar({ name: 'a//x' })],
    ['a dot', 'unsafe', tar({ name: 'a/./x' })],
    ['no name', 'unsafe', tar({ name: '' })],
    ['bytes that are no UTF-8', 'unsafe', tar({ name: Buffer.from([0x61, 0xff]) })],
    ['a control character', 'unsafe', tar({ name: 'a\nb' })],
    ['git’s own name', 'unsafe', tar({ name: 'a/.GIT/hooks/x' })],
    ['a hard link', 'unsafe', tar({ name: 'a' }, { name: 'b', type: '1', target: 'a' })],
    ['a hard link out', 'unsafe', tar({ name: 'b', type: '1', target: '/etc/passwd' })],
    ['a character device', 'unsafe', tar({ name: 'b', type: '3' })],
    ['a block device', 'unsafe', tar({ name: 'b', type: '4' })],
    ['a pipe', 'unsafe', tar({ name: 'b', type: '6' })],
    ['a contiguous file', 'unsafe', tar({ name: 'b', type: '7' })],
    ['a sparse file of GNU', 'unsafe', tar({ name: 'b', type: 'S' })],
    ['a part of another volume', 'unsafe', tar({ name: 'b', type: 'M' })],
    ['a sparse file of pax', 'malformed', tar(pax({ 'GNU.sparse.major': '1' }), {})],
    ['a sparse file of star', 'malformed', tar(pax({ 'SCHILY.realsize': '9' }), {})],
    ['a link to an absolute path', 'unsafe', tar({ name: 'l', type: '2', target: '/etc' })],
    ['a link out', 'unsafe', tar({ name: 'l', type: '2', target: '..' })],
    ['a link out from below', 'unsafe', tar({ name: 'a/l', type: '2', target: '../../x' })],
    ['a link that goes up behind a name', 'unsafe', tar({ name: 'a/b/l', type: '2', target: 'm/../../../x' })],
    ['a link to nothing', 'unsafe', tar({ name: 'l', type: '2' })],
    ['a long target', 'unsafe', tar(pax({ linkpath: 'x'.repeat(5_000) }), { name: 'l', type: '2' })],
    ['a file below a link', 'unsafe', tar({ name: 'l', type: '2', target: 'd' }, { name: 'l/x' })],
    ['a folder in place of a link', 'unsafe', tar({ name: 'l', type: '2', target: 'd' }, { name: 'l', type: '5' })],
    ['a link in place of a folder', 'unsafe', tar({ name: 'l/x' }, { name: 'l', type: '2', target: 'd' })],
    ['a file twice', 'unsafe', tar({ name: 'a' }, { name: 'a', body: 'other' })],
    ['a file twice by ./', 'unsafe', tar({ name: 'a' }, { name: './a', body: 'other' })],
    ['a file twice by case', 'unsafe', tar({ name: 'a/README' }, { name: 'a/readme' })],
    ['a folder twice by case', 'unsafe', tar({ name: 'Lib/a' }, { name: 'lib/b' })],
    ['a file twice by composition', 'unsafe', tar({ name: 'caf\u00e9' }, { name: 'cafe\u0301' })],
    ['a file below a file', 'unsafe', tar({ name: 'a' }, { name: 'a/b' })],
    ['a file called as a folder', 'unsafe', tar({ name: 'a/' })],
    ['bytes in a folder', 'malformed', tar({ name: 'a/', type: '5', body: 'x' })],
    ['bytes in a link', 'malformed', tar({ name: 'l', type: '2', target: 'x', body: 'x' })],
    ['another checksum', 'malformed', tar({ checksum: 1 })],
    ['no magic', 'malformed', tar({ magic: '' })],
    ['a size of letters', 'malformed', tar({ size: 'abc' })],
    ['a negative size', 'malformed', tar({ size: '\u007f'.repeat(12) })],
    [
      'a size of GNU that is too large',
      'malformed',
      tar({ size: Buffer.from([0x80, ...Array(11).fill(0x7f)]).toString('latin1') }),
    ],
    ['a size beyond the end', 'malformed', tar({ size: 100_000 })],
    ['a name for all entries', 'malformed', tar(pax({ path: 'x' }, 'g'), {})],
    ['a size for all entries', 'malformed', tar(pax({ size: '1' }, 'g'), {})],
    ['two paths in pax', 'malformed', tar({ ...pax({}), body: '10 path=a\n10 path=b\n' }, {})],
    ['a pax record of another length', 'malformed', tar({ ...pax({}), body: '99 path=a\n' }, {})],
    ['a pax record without a key', 'malformed', tar({ ...pax({}), body: '6 =ab\n' }, {})],
    ['a pax path with NUL', 'malformed', tar(pax({ path: 'a\0b' }), {})],
    ['a pax size of letters', 'malformed', tar(pax({ size: '0x9' }), {})],
    ['names in another alphabet', 'malformed', tar(pax({ hdrcharset: 'BINARY' }), {})],
    ['a header for nothing', 'malformed', tar(pax({ path: 'x' }))],
    ['two headers for one name', 'malformed', tar(pax({ path: 'x' }), { type: 'L', body: 'y\0' }, {})],
    ['a long name with another behind it', 'malformed', tar({ type: 'L', body: 'a\0b' }, {})],
    ['a header of a megabyte', 'malformed', tar({ type: 'x', body: Buffer.alloc(1_000_000) }, {})],
    ['no end', 'malformed', tarEntry({ body: 'x' })],
    ['half a block', 'malformed', tarEntry({ body: 'x' }).subarray(0, 300)],
    ['bytes behind its end', 'malformed', Buffer.concat([tar({}), tarEntry({ name: 'b' }), TAR_END])],
    ['a byte behind its end', 'malformed', Buffer.concat([tar({}), Buffer.from('x')])],
    ['half a gzip', 'malformed', gzipSync(tar({ body: Buffer.alloc(5_000, 'x') })).subarray(0, 60)],
    ['gzip of nonsense', 'malformed', Buffer.from('1f8b0800000000000003ffffffff', 'hex')],
    ['another compression', 'malformed', Buffer.from('28b52ffd00000000', 'hex')],
    ['nothing', 'malformed', Buffer.alloc(0)],
  ]

  test.each(evil)('refuses %s', async (_what, code, bytes) => {
    expect(await codeOf(take('tar', bytes))).toBe(`materials/archive-${code}`)
  })

  test('a size of pax counts, and nothing of the entry becomes another entry', async () => {
    const body = tarEntry({ name: 'hidden' })
    const { listing: found } = await take('tar', tar(pax({ size: '512' }), { name: 'a', body, size: 512 }))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('644 a = hidden')
  })

  test('a bomb is ended by its ratio, its bytes, its entries and its depth', async () => {
    const bomb = gzipSync(tar({ name: 'zeros', body: Buffer.alloc(20_000_000) }))
    expect(await codeOf(take('tar', bomb, { smallBytes: 1_000_000 }))).toBe('materials/archive-too-large')
    expect((await take('tar', bomb)).bytes).toBe(20_000_000)
    expect(await codeOf(take('tar', bomb, { bytes: 1_000_000 }))).toBe('materials/archive-too-large')
    const many = tar(...Array.from({ length: 30 }, (_, at) => ({ name: `f${at}` })))
    expect(await codeOf(take('tar', many, { entries: 29 }))).toBe('materials/archive-too-large')
    const headers = tar(...Array.from({ length: 30 }, () => pax({ comment: 'x' }, 'g')))
    expect(await codeOf(take('tar', headers, { entries: 10 }))).toBe('materials/archive-too-large')
    const deep = tar({ name: Array.from({ length: 40 }, () => 'd').join('/') })
    expect(await codeOf(take('tar', deep, { depth: 39 }))).toBe('materials/archive-unsafe')
    expect(await codeOf(take('tar', deep, { entries: 38 }))).toBe('materials/archive-too-large')
    expect(await codeOf(take('tar', tar({ name: 'n'.repeat(90) }), { pathBytes: 89 }))).toBe('materials/archive-unsafe')
  })
})

const ZIPPED: readonly ZipPart[] = [
  { name: 'pkg/', mode: 0o040700, stored: true },
  { name: 'pkg/a.txt', body: 'a', mode: 0o100600, stored: true },
  { name: 'pkg/run', body: 'b'.repeat(1_000), mode: 0o104777 },
  { name: 'pkg/deep/below/c', descriptor: true },
  { name: 'pkg/deep/link', body: '../a.txt', mode: 0o120777 },
]

describe('zip', () => {
  test('gives files, folders and links with modes 644 and 755', async () => {
    expect(await take('zip', zip(ZIPPED))).toEqual({ files: 4, bytes: 1_001, listing: LISTED })
    expect((await take('zip', zip(ZIPPED, { comment: Buffer.from('a comment') }))).listing).toEqual(LISTED)
    expect(await take('zip', zip([]))).toEqual({ files: 0, bytes: 0, listing: [] })
  })

  test('reads descriptors with and without a signature, and fields that say nothing of size or name', async () => {
    const body = 'hello'
    const numbers = { crc: crc32(Buffer.from(body)), compressed: deflateRawSync(body).byteLength, size: 5 }
    const { listing: found } = await take(
      'zip',
      zip([
        { name: 'a', body, descriptor: descriptorOf(numbers, false) },
        {
          name: 'b',
          body,
          descriptor: true,
          extra: extraField(0x5455, Buffer.alloc(5)),
          localExtra: extraField(0x5455, Buffer.alloc(9)),
        },
      ]),
    )
    expect(found).toEqual(['644 a = hello', '644 b = hello'])
  })

  const evil: readonly (readonly [string, string, Buffer])[] = [
    ['an absolute path', 'unsafe', zip([{ name: '/etc/passwd' }])],
    ['a way up', 'unsafe', zip([{ name: '../x' }])],
    ['a way up of Windows', 'unsafe', zip([{ name: 'a\\..\\x' }])],
    ['a NUL in a name', 'unsafe', zip([{ name: 'a\0.txt' }])],
    ['a file twice', 'unsafe', zip([{ name: 'a' }, { name: 'a', body: 'other' }])],
    ['a file twice by case', 'unsafe', zip([{ name: 'a' }, { name: 'A' }])],
    ['a link out', 'unsafe', zip([{ name: 'l', body: '../x', mode: 0o120777 }])],
    ['a link with a long target', 'unsafe', zip([{ name: 'l', body: 'x'.repeat(5_000), mode: 0o120777 }])],
    ['a file below a link', 'unsafe', zip([{ name: 'l', body: 'd', mode: 0o120777 }, { name: 'l/x' }])],
    ['a device', 'unsafe', zip([{ mode: 0o020644 }])],
    ['a pipe', 'unsafe', zip([{ mode: 0o010644 }])],
    ['a folder called as a file', 'unsafe', zip([{ name: 'a', mode: 0o040755 }])],
    ['a file called as a folder', 'unsafe', zip([{ name: 'a/', mode: 0o100644 }])],
    ['bytes in a folder', 'malformed', zip([{ name: 'a/', body: 'x', mode: 0o040755 }])],
    ['an encrypted entry', 'malformed', zip([{ flags: 0x0801 }])],
    ['a strongly encrypted entry', 'malformed', zip([{ flags: 0x0840 }])],
    ['masked headers', 'malformed', zip([{ flags: 0x2800 }])],
    ['patched data', 'malformed', zip([{ flags: 0x0820 }])],
    ['AES of WinZip', 'malformed', zip([{ extra: extraField(0x9901, Buffer.alloc(7)) }])],
    ['another method', 'malformed', zip([{ local: { method: 12 }, central: { method: 12 } }])],
    ['a field of zip64', 'malformed', zip([{ extra: extraField(1, Buffer.alloc(16)) }])],
    ['a field of zip64 before its bytes only', 'malformed', zip([{ localExtra: extraField(1, Buffer.alloc(16)) }])],
    ['sizes of zip64', 'malformed', zip([{ central: { size: 0xffffffff } }])],
    ['a directory of zip64', 'malformed', zip([{}], { count: 0xffff })],
    ['a second name', 'malformed', zip([{ extra: extraField(0x7075, Buffer.alloc(9)) }])],
    ['a field that ends early', 'malformed', zip([{ extra: Buffer.from([1, 2, 3]) }])],
    ['a name in an unnamed alphabet', 'malformed', zip([{ name: 'é', flags: 0 }])],
    ['another name before its bytes', 'malformed', zip([{ local: { name: Buffer.from('evil') } }])],
    ['another size before its bytes', 'malformed', zip([{ body: 'x', local: { size: 2 } }])],
    ['another checksum before its bytes', 'malformed', zip([{ body: 'x', local: { crc: 1 } }])],
    ['another method before its bytes', 'malformed', zip([{ local: { method: 0 } }])],
    ['other flags before its bytes', 'malformed', zip([{ local: { flags: 0 } }])],
    ['no sizes and no descriptor', 'malformed', zip([{ body: 'x', local: { crc: 0, compressed: 0, size: 0 } }])],
    ['another descriptor', 'malformed', zip([{ body: 'x', descriptor: Buffer.alloc(16) }])],
    ['no descriptor', 'malformed', zip([{ body: 'x', descriptor: Buffer.alloc(0) }])],
    ['more bytes than it says', 'malformed', zip([{ body: 'xyz', local: { size: 2 }, central: { size: 2 } }])],
    ['fewer bytes than it says', 'malformed', zip([{ body: 'xyz', local: { size: 9 }, central: { size: 9 } }])],
    ['another checksum', 'malformed', zip([{ body: 'xyz', local: { crc: 9 }, central: { crc: 9 } }])],
    [
      'two sizes of stored bytes',
      'malformed',
      zip([{ body: 'xyz', stored: true, local: { size: 9 }, central: { size: 9 } }]),
    ],
    [
      'bytes behind the end of deflate',
      'malformed',
      zip([{ body: 'xyz', packed: Buffer.concat([deflateRawSync('xyz'), Buffer.from('more')]) }]),
    ],
    ['deflate that is none', 'malformed', zip([{ body: 'xyz', packed: Buffer.from('ffffff', 'hex') }])],
    [
      'half a deflate',
      'malformed',
      zip([{ body: 'x'.repeat(100), packed: deflateRawSync('x'.repeat(100)).subarray(0, 2) }]),
    ],
    ['bytes between its entries', 'malformed', zip([{ gap: Buffer.from('x') }, { name: 'b' }])],
    ['bytes before the first', 'malformed', zip([{}], { before: Buffer.from('#!/bin/sh\n') })],
    ['bytes before the directory', 'malformed', zip([{ gap: Buffer.from('x') }])],
    ['bytes behind the directory', 'malformed', zip([{}], { gap: Buffer.from('x') })],
    [
      'entries that share their bytes',
      'malformed',
      zip([
        { name: 'a', central: { at: 0 } },
        { name: 'a', central: { at: 0 } },
      ]),
    ],
    ['an entry outside', 'malformed', zip([{ central: { at: 5_000 } }])],
    ['an entry in the directory', 'malformed', zip([{ central: { at: 40 } }])],
    ['more entries than it says', 'malformed', zip([{}, { name: 'b' }], { count: 1 })],
    ['fewer entries than it says', 'malformed', zip([{}], { count: 2 })],
    ['another disk', 'malformed', zip([{}], { disk: 1 })],
    ['two counts', 'malformed', zip([{}], { here: 2, count: 1 })],
    ['a directory elsewhere', 'malformed', zip([{}], { at: 1 })],
    ['a comment that is an end', 'malformed', zip([{}], { comment: zip([]) })],
    ['bytes behind its end', 'malformed', Buffer.concat([zip([{}]), Buffer.from('x')])],
    ['no end', 'malformed', zip([{}]).subarray(0, -1)],
    ['nothing', 'malformed', Buffer.alloc(0)],
  ]

  test.each(evil)('refuses %s', async (_what, code, bytes) => {
    expect(await codeOf(take('zip', bytes))).toBe(`materials/archive-${code}`)
  })

  test('a bomb is seen before anything of it is unpacked', async () => {
    const bomb = zip(Array.from({ length: 4 }, (_, at) => ({ name: `z${at}`, body: Buffer.alloc(5_000_000) })))
    expect(await codeOf(take('zip', bomb, { smallBytes: 10_000_000 }))).toBe('materials/archive-too-large')
    expect((await take('zip', bomb)).bytes).toBe(20_000_000)
    expect(await codeOf(take('zip', zip([{ name: 'a' }, { name: 'b' }]), { entries: 1 }))).toBe(
      'materials/archive-too-large',
    )
  })
})

describe('any bytes are a folder or a typed error', () => {
  const kinds = ['tar', 'zip'] as const
  const honest = { tar: tar(...FILES), zip: zip(ZIPPED) }

  async function typed(kind: 'tar' | 'zip', bytes: Uint8Array): Promise<void> {
    const code = await codeOf(take(kind, bytes, { bytes: 100_000, smallBytes: 100_000 }))
    expect(code).toMatch(/^(?:nothing was wrong|materials\/archive-(?:malformed|unsafe|too-large))$/)
  }

  test.each(kinds)('random bytes: %s', async kind => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), bytes => typed(kind, bytes)),
      { numRuns: 100 },
    )
  })

  test.each(kinds)('an honest archive with a few other bytes: %s', async kind => {
    const change = fc.record({ at: fc.nat(honest[kind].byteLength - 1), byte: fc.integer({ min: 0, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async changes => {
        const bytes = Buffer.from(honest[kind])
        for (const { at, byte } of changes) bytes[at] = byte
        await typed(kind, bytes)
      }),
      { numRuns: 300 },
    )
  })

  test.each(kinds)('an honest archive that was cut: %s', async kind => {
    await fc.assert(
      fc.asyncProperty(fc.nat(honest[kind].byteLength), length => typed(kind, honest[kind].subarray(0, length))),
      { numRuns: 100 },
    )
  })

  test('whatever names and targets, nothing lies outside', async () => {
    const part = fc.constantFrom('a', 'b', '..', '.', '', 'A', '/', 'é', '.git', 'c\\d')
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map(parts => parts.join('/'))
    const entry: fc.Arbitrary<TarPart> = fc.record({ name: path, type: fc.constantFrom('0', '2', '5'), target: path })
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async parts => {
        const around = join(folder, `around-${count++}`)
        await mkdir(around)
        const archive = join(folder, `${count++}.archive`)
        await writeFile(archive, tar(...parts))
        await codeOf(unpack('tar', archive, join(around, 'in')))
        expect((await readdir(around)).filter(name => name !== 'in')).toEqual([])
        const links = (await listing(around)).filter(line => line.startsWith('link '))
        for (const line of links) {
          const [, link = '', target = ''] = /^link in\/(\S+) = (.*)$/.exec(line) ?? []
          expect(join('/x', link, '..', target).startsWith('/x')).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('one file of a zip', () => {
  const wanted = { name: 'core.tgz', digest: new Map<string, string>(), size: 100 }

  async function out(parts: readonly ZipPart[]): Promise<string> {
    const archive = join(folder, `${count++}.zip`)
    const to = join(folder, `${count++}.out`)
    await writeFile(archive, zip(parts))
    const { bytes } = await takeOut(archive, 'core.tgz', to, wanted)
    const content = await readFile(to)
    expect(bytes).toBe(content.byteLength)
    return content.toString()
  }

  test('is taken from its top, or from below when there is only one', async () => {
    expect(
      await out([
        { name: 'dist/core.tgz', body: 'below' },
        { name: 'core.tgz', body: 'top' },
      ]),
    ).toBe('top')
    expect(
      await out([
        { name: 'dist/core.tgz', body: 'below' },
        { name: 'xcore.tgz', body: 'x' },
      ]),
    ).toBe('below')
  })

  test('is refused when it is not there, there twice, too large or something else', async () => {
    expect(await codeOf(out([{ name: 'other' }]))).toBe('materials/artifact-unavailable')
    expect(await codeOf(out([{ name: 'a/core.tgz' }, { name: 'b/core.tgz' }]))).toBe('materials/artifact-ambiguous')
    expect(await codeOf(out([{ name: 'core.tgz' }, { name: 'core.tgz' }]))).toBe('materials/artifact-ambiguous')
    expect(await codeOf(out([{ name: 'core.tgz', body: 'x'.repeat(101) }]))).toBe('materials/other-bytes')
    expect(await codeOf(out([{ name: 'core.tgz', body: 'x', local: { crc: 1 }, central: { crc: 1 } }]))).toBe(
      'materials/archive-malformed',
    )
  })
})

describe('placing', () => {
  async function context(): Promise<string> {
    const root = join(folder, `context-${count++}`)
    await mkdir(join(root, 'src'), { recursive: true })
    await writeFile(join(root, 'src/main.c'), 'main')
    await writeFile(join(root, 'Dockerfile'), 'FROM scratch')
    await mkdir(join(root, 'real'))
    await symlink('real', join(root, 'lib'))
    await symlink('nowhere', join(root, 'dangling'))
    return root
  }

  async function material(bytes: string | Uint8Array): Promise<string> {
    const path = join(folder, `${count++}.material`)
    await writeFile(path, bytes, { mode: 0o600 })
    return path
  }

  test('adds files and unpacked archives beside those of the commit', async () => {
    const root = await context()
    await placeMaterials(
      root,
      new Map([
        ['src/vendor/tini', { path: await material('tini') }],
        [
          'src/vendor/core',
          { path: await material(tar({ name: 'a', body: 'x', mode: 0o755 })), unpack: 'tar' as const },
        ],
        ['zipped', { path: await material(zip([{ name: 'Dockerfile', body: 'y' }])), unpack: 'zip' as const }],
      ]),
    )
    expect(await listing(root)).toEqual([
      '644 Dockerfile = FROM scratch',
      'link dangling = nowhere',
      'link lib = real',
      '755 real/',
      '755 src/',
      '644 src/main.c = main',
      '755 src/vendor/',
      '755 src/vendor/core/',
      '755 src/vendor/core/a = x',
      '644 src/vendor/tini = tini',
      '755 zipped/',
      '644 zipped/Dockerfile = y',
    ])
  })

  test.each([
    ['over a file of the commit', 'src/main.c'],
    ['over a folder of the commit', 'src'],
    ['below a file of the commit', 'src/main.c/x'],
    ['over a link', 'lib'],
    ['over a link that leads nowhere', 'dangling'],
    ['through a link', 'lib/x'],
    ['through a link that leads nowhere', 'dangling/x'],
    ['as what docker leaves out', '.dockerignore'],
    ['as what docker leaves out for one file', 'build/app.Dockerignore'],
    ['as what buildah leaves out', '.containerignore'],
    ['as another Dockerfile', 'src/Dockerfile'],
    ['as a Dockerfile by case', 'sub/dockerfile.prod'],
    ['as a Containerfile', 'Containerfile'],
  ])('13-adversary 20: a material is not put %s', async (_what, path) => {
    const root = await context()
    const before = await listing(root)
    const placed = new Map([[path, { path: await material('evil') }]])
    expect(await codeOf(placeMaterials(root, placed))).toBe('materials/place-taken')
    expect((await listing(root)).filter(line => line.includes('evil'))).toEqual([])
    expect(await listing(root)).toEqual(before)
  })
})
