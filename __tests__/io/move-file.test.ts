import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import { moveFile, ownFile, privateFolder } from '../../src/io/move-file.ts'
import { codeOf } from '../sigstore/support.ts'

const BYTES = Buffer.alloc(3 * 1024 * 1024, 'tampered ')
const DIGEST = sha256(BYTES)
/** Where there is one, another file system, so that a second name cannot be made and the bytes are copied. */
const ELSEWHERE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

let folder: string
let other: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-move-'))
  other = await mkdtemp(join(ELSEWHERE, 'waybill-move-'))
})
afterEach(() => Promise.all([folder, other].map(path => rm(path, { recursive: true, force: true }))))

test('moveFile() moves between file systems, and leaves nothing half done behind', async () => {
  const from = join(folder, 'a')
  await writeFile(from, BYTES, { mode: 0o755 })
  await moveFile(from, join(other, 'b'), DIGEST, 0o600)
  expect([await readdir(folder), await readdir(other)]).toEqual([[], ['b']])
  expect([(await readFile(join(other, 'b'))).equals(BYTES), (await stat(join(other, 'b'))).mode & 0o777]).toEqual([
    true,
    0o600,
  ])
})

test('moveFile() between file systems overwrites nothing', async () => {
  const from = join(folder, 'a')
  await writeFile(from, BYTES)
  await writeFile(join(other, 'b'), 'mine')
  expect(await codeOf(() => moveFile(from, join(other, 'b'), DIGEST, 0o600))).toBe('pipeline/quarantine-refused')
  expect([(await readFile(from)).equals(BYTES), await readFile(join(other, 'b'), 'utf8')]).toEqual([true, 'mine'])
  expect(await readdir(other)).toEqual(['b'])
})

test('moveFile() of nothing to nowhere is refused', async () => {
  const move = () => moveFile(join(folder, 'a'), join(folder, 'b'), DIGEST, 0o600)
  expect(await codeOf(move)).toBe('pipeline/quarantine-refused')
})

test('moveFile() into a folder that is not there is an error of ours', async () => {
  await writeFile(join(folder, 'a'), BYTES)
  const move = () => moveFile(join(folder, 'a'), join(folder, 'none', 'b'), DIGEST, 0o600)
  expect(await codeOf(move)).toBe('core/file-unwritable')
  expect(await readdir(folder)).toEqual(['a'])
})

test('ownFile() does not wait at a pipe that somebody put in place of a file', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  expect(await codeOf(() => ownFile(join(folder, 'pipe')))).toBe('pipeline/quarantine-refused')
})

test('privateFolder() is nobody else’s, and may be there already', async () => {
  await privateFolder(join(folder, 'x', 'y'))
  await privateFolder(join(folder, 'x', 'y'))
  expect((await stat(join(folder, 'x', 'y'))).mode & 0o777).toBe(0o700)
  await writeFile(join(folder, 'file'), '')
  expect(await codeOf(() => privateFolder(join(folder, 'file')))).toBe('pipeline/quarantine-refused')
})
