import { spawnSync } from 'node:child_process'
import {
  chmodSync,
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
import { sha256 } from '../../src/core/digest.ts'
import {
  appendTo,
  exists,
  hashFile,
  listFolder,
  makeFolder,
  makeTemporaryFolder,
  readFileBounded,
  remove,
  writeFileAtomic,
} from '../../src/io/files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('readFileBounded() reads a file up to the bound', async () => {
  writeFileSync(join(folder, 'a'), 'abc')
  expect(new TextDecoder().decode(await readFileBounded(join(folder, 'a'), 3))).toBe('abc')
  await expect(readFileBounded(join(folder, 'a'), 2)).rejects.toMatchObject({ code: 'core/file-unreadable' })
})

test('readFileBounded() refuses what is missing, a folder or a device', async () => {
  for (const path of [join(folder, 'no'), folder, '/dev/zero'])
    await expect(readFileBounded(path, 100)).rejects.toMatchObject({ code: 'core/file-unreadable' })
})

test('writeFileAtomic() writes content and mode, makes folders, replaces, and leaves nothing else behind', async () => {
  const path = join(folder, 'deep/er/file')
  await writeFileAtomic(path, 'one', 0o600)
  await writeFileAtomic(path, 'two', 0o600)
  expect(readFileSync(path, 'utf8')).toBe('two')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(folder, 'deep/er'))).toEqual(['file'])
})

test('writeFileAtomic() replaces a link instead of writing through it', async () => {
  writeFileSync(join(folder, 'target'), 'untouched')
  symlinkSync(join(folder, 'target'), join(folder, 'link'))
  await writeFileAtomic(join(folder, 'link'), 'new')
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('untouched')
})

/** Runs the real function in a process that may not write files above 4 KiB, as on a disk that is full. */
test('writeFileAtomic() on a full disk is a typed error, keeps the old file whole and removes its own', () => {
  const path = join(folder, 'result')
  writeFileSync(path, 'old')
  const module = join(import.meta.dirname, '../../src/io/files.ts')
  const script = `import { writeFileAtomic } from ${JSON.stringify(module)}
    try { await writeFileAtomic(${JSON.stringify(path)}, 'x'.repeat(1_000_000)); console.log('written') }
    catch (error) { console.log(error.code) }`
  const run = spawnSync(
    '/bin/sh',
    ['-c', 'ulimit -f 8 && exec "$0" --input-type=module -e "$1"', process.execPath, script],
    {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    },
  )
  expect(run.stdout.trim()).toBe('core/file-unwritable')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['result'])
})

test('writeFileAtomic(), appendTo(), makeFolder() and makeTemporaryFolder() below a file are typed errors', async () => {
  writeFileSync(join(folder, 'file'), '')
  const below = join(folder, 'file', 'x')
  const unwritable = { code: 'core/file-unwritable', kind: 'unknown' }
  await expect(writeFileAtomic(below, 'x')).rejects.toMatchObject(unwritable)
  await expect(appendTo(below, 'x')).rejects.toMatchObject(unwritable)
  await expect(makeFolder(below)).rejects.toMatchObject(unwritable)
  await expect(makeTemporaryFolder(below, 'x')).rejects.toMatchObject(unwritable)
})

test('appendTo() adds to the end', async () => {
  await appendTo(join(folder, 'a'), 'one\n')
  await appendTo(join(folder, 'a'), 'two\n')
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('one\ntwo\n')
})

test('hashFile() streams the file and gives digest and size', async () => {
  const bytes = Buffer.alloc(300_000, 7)
  writeFileSync(join(folder, 'big'), bytes)
  expect(await hashFile(join(folder, 'big'))).toEqual({ digest: sha256(bytes), size: 300_000 })
  await expect(hashFile(join(folder, 'no'))).rejects.toMatchObject({ code: 'core/file-unreadable' })
})

test('makeTemporaryFolder() makes a private folder', async () => {
  const made = await makeTemporaryFolder(join(folder, 'parent'), 'run-')
  expect(statSync(made).mode & 0o077).toBe(0)
})

test('listFolder() is sorted; exists() and remove() treat absence as an answer', async () => {
  mkdirSync(join(folder, 'sub'))
  for (const name of ['b', 'a']) writeFileSync(join(folder, 'sub', name), '')
  expect(await listFolder(join(folder, 'sub'))).toEqual(['a', 'b'])
  await expect(listFolder(join(folder, 'no'))).rejects.toMatchObject({ code: 'core/file-unreadable' })
  chmodSync(join(folder, 'sub', 'a'), 0)
  await remove(join(folder, 'sub'))
  await remove(join(folder, 'sub'))
  expect(await exists(join(folder, 'sub'))).toBe(false)
})
