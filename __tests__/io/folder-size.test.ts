import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderBytes, watchFolder } from '../../src/io/folder-size.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'size-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

test('folderBytes() counts files at any depth, follows no link, and takes what is missing for nothing', async () => {
  const folder = join(ROOT, 'counted')
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'one'), 'x'.repeat(100))
  writeFileSync(join(folder, 'a/b/two'), 'x'.repeat(23))
  symlinkSync('/', join(folder, 'root'))
  expect(await folderBytes(folder)).toBe(123)
  expect(await folderBytes(join(ROOT, 'missing'))).toBe(0)
})

test('13-adversary 13: watchFolder() tells once when a folder has grown too large, and not before', async () => {
  const folder = join(ROOT, 'watched')
  mkdirSync(folder)
  let told = 0
  const exceeded = new Promise<void>(resolve => {
    const watch = watchFolder(folder, 10, () => {
      told++
      watch.stop()
      resolve()
    })
  })
  writeFileSync(join(folder, 'small'), '1234567890')
  expect(told).toBe(0)
  writeFileSync(join(folder, 'more'), '1')
  await exceeded
  expect(told).toBe(1)
})
