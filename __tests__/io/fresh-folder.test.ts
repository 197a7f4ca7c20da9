import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FreshFolder } from '../../src/io/fresh-folder.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'fresh-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))
let count = 0
const target = (): string => join(ROOT, `${++count}`)

test('create() makes parents, and refuses what is there already, even an empty folder or a link', async () => {
  const path = join(target(), 'a/b')
  await FreshFolder.create(path)
  await expect(FreshFolder.create(path)).rejects.toMatchObject({ code: 'core/file-unwritable' })
  const link = target()
  symlinkSync('/nowhere', link)
  await expect(FreshFolder.create(link)).rejects.toMatchObject({ code: 'core/file-unwritable' })
})

test('modes are exact whatever the umask', async () => {
  const before = process.umask(0o077)
  try {
    const folder = await FreshFolder.create(target())
    folder.makeFolder('d')
    folder.writeFile('d/plain', Buffer.from('x'), 0o644)
    folder.writeFile('d/run', Buffer.from('x'), 0o755)
    const open = await folder.openFile('d/large', 0o755)
    await open.write(Buffer.from('one '))
    await open.write(Buffer.from('two'))
    await open.close()
    const modes = ['', 'd', 'd/plain', 'd/run', 'd/large'].map(path => lstatSync(join(folder.path, path)).mode & 0o777)
    expect(modes).toEqual([0o755, 0o755, 0o644, 0o755, 0o755])
    expect(readFileSync(join(folder.path, 'd/large'), 'utf8')).toBe('one two')
  } finally {
    process.umask(before)
  }
})

test('nothing is replaced and nothing is written through a link', async () => {
  const folder = await FreshFolder.create(target())
  const outside = target()
  mkdirSync(outside)
  folder.makeLink('link', outside)
  folder.makeLink('file', join(outside, 'new'))
  for (const act of [
    () => folder.writeFile('file', Buffer.from('x'), 0o644),
    () => folder.makeFolder('link'),
    () => folder.makeLink('file', 'x'),
  ]) {
    expect(act).toThrow(expect.objectContaining({ code: 'core/file-unwritable' }))
  }
  await expect(folder.openFile('file', 0o644)).rejects.toMatchObject({ code: 'core/file-unwritable' })
})
