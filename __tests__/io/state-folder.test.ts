import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStateFolder } from '../../src/io/state-folder.ts'

const BOUNDS = { files: 3, fileBytes: 10, totalBytes: 15 }
const folder = () => mkdtempSync(join(tmpdir(), 'waybill-state-'))

test('a folder that is not there holds nothing, and a link to one is not followed', async () => {
  const at = folder()
  expect(await readStateFolder(join(at, 'none'), BOUNDS)).toEqual({ files: [], ignored: [] })
  symlinkSync(at, join(at, 'link'))
  expect((await readStateFolder(join(at, 'link'), BOUNDS)).ignored).toEqual([
    { name: join(at, 'link'), why: 'it is not a folder' },
  ])
})

test('13-adversary 24: plain files are read up to the bounds, the rest is named', async () => {
  const at = folder()
  mkdirSync(join(at, 'reviews'))
  writeFileSync(join(at, '.0123456789ab.tmp'), 'unfinished')
  writeFileSync(join(at, 'a'), '1234567890')
  writeFileSync(join(at, 'b'), '12345678901')
  writeFileSync(join(at, 'c'), '123456')
  const read = await readStateFolder(at, BOUNDS)
  expect(read.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])).toEqual([['a', '1234567890']])
  expect(read.ignored).toEqual([
    { name: 'b', why: 'it is larger than 5 bytes' },
    { name: 'c', why: 'it is larger than 5 bytes' },
  ])
  writeFileSync(join(at, 'd'), '')
  expect((await readStateFolder(at, BOUNDS)).ignored).toContainEqual({ name: at, why: 'it holds more than 3 files' })
})
