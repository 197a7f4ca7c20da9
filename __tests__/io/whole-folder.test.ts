import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { listBelow, writeFolderAtomic } from '../../src/io/whole-folder.ts'

let parent: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'waybill-folder-'))
})

afterEach(() => {
  rmSync(parent, { recursive: true })
})

const FILES = [
  { path: 'a', bytes: utf8('1') },
  { path: 'b/c/d', bytes: utf8('22') },
]

test('writeFolderAtomic() writes all files, which others may read and not write', async () => {
  const folder = join(parent, 'new/folder')
  await writeFolderAtomic(folder, FILES)
  expect(readFileSync(join(folder, 'b/c/d'), 'utf8')).toBe('22')
  expect(statSync(join(folder, 'a')).mode & 0o133).toBe(0)
  expect(readdirSync(join(parent, 'new'))).toEqual(['folder'])
})

test('writeFolderAtomic() takes the place of an empty folder', async () => {
  mkdirSync(join(parent, 'empty'))
  await writeFolderAtomic(join(parent, 'empty'), FILES)
  expect(readdirSync(join(parent, 'empty')).sort()).toEqual(['a', 'b'])
})

test.each([
  {
    what: 'a folder that is not empty',
    make: () => {
      mkdirSync(join(parent, 'x'))
      writeFileSync(join(parent, 'x/mine'), '')
    },
  },
  { what: 'a file', make: () => writeFileSync(join(parent, 'x'), '') },
  { what: 'a link', make: () => symlinkSync(tmpdir(), join(parent, 'x')) },
])('writeFolderAtomic() does not replace $what, and leaves nothing behind', async ({ make }) => {
  make()
  await expect(writeFolderAtomic(join(parent, 'x'), FILES)).rejects.toMatchObject({ code: 'core/file-unwritable' })
  expect(readdirSync(parent)).toEqual(['x'])
})

test('writeFolderAtomic() of a path twice fails, and leaves nothing behind', async () => {
  await expect(writeFolderAtomic(join(parent, 'x'), [...FILES, ...FILES])).rejects.toMatchObject({
    code: 'core/file-unwritable',
  })
  expect(readdirSync(parent)).toEqual([])
})

test('listBelow() names files with their sizes, follows no link, and stops at its bound', async () => {
  await writeFolderAtomic(join(parent, 'x'), FILES)
  symlinkSync(tmpdir(), join(parent, 'x/link'))
  expect(await listBelow(join(parent, 'x'), 5)).toEqual([
    { path: 'a', kind: 'file', size: 1 },
    { path: 'b/c/d', kind: 'file', size: 2 },
    { path: 'link', kind: 'other', size: tmpdir().length },
  ])
  expect(await listBelow(join(parent, 'x'), 4)).toBeUndefined()
  await expect(listBelow(join(parent, 'none'), 4)).rejects.toMatchObject({ code: 'core/file-unreadable' })
})
