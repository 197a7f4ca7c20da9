import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeNotices } from '../../tools/notices.ts'

const REAL = join(import.meta.dirname, '../..')
let root: string

/** A project with one production package and the LGPL library, whose `dist` has it as a chunk of its own. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'notices-'))
  for (const folder of ['node_modules/tidy', 'node_modules/openpgp/dist/node', 'dist'])
    mkdirSync(join(root, folder), { recursive: true })
  cpSync(join(REAL, 'tools/licences'), join(root, 'tools/licences'), { recursive: true })
  lock({})
  write('node_modules/tidy/LICENSE', 'Text of tidy')
  write('node_modules/openpgp/LICENSE', 'Text of the LGPL')
  write('node_modules/openpgp/dist/node/openpgp.mjs', '/*! inner - MIT License (c) somebody */\n')
  write('dist/index.js', 'main')
  write('dist/7.index.js', 'x="OpenPGP.js 6.0.0"')
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (path: string, text: string) => writeFileSync(join(root, path), text)

function lock(more: Record<string, object>): void {
  const packages = {
    '': { name: 'x' },
    'node_modules/tidy': { version: '1.0.0', license: 'MIT' },
    'node_modules/openpgp': { version: '6.0.0', license: 'LGPL-3.0+' },
    'node_modules/only-for-tests': { version: '1.0.0', license: 'GPL-2.0', dev: true },
    ...more,
  }
  write('package-lock.json', JSON.stringify({ packages }))
}

const notices = async () => {
  await writeNotices(root, join(root, 'dist/N.txt'))
  return readFileSync(join(root, 'dist/N.txt'), 'utf8')
}

test('writeNotices() prints the text of every production package and of nothing else', async () => {
  const text = await notices()
  expect(text).toContain('tidy 1.0.0\nLicence: MIT\n\nText of tidy\n')
  expect(text).not.toContain('only-for-tests')
})

test('writeNotices() names the file to replace, the works inside it, and both licences of the LGPL library', async () => {
  const text = await notices()
  expect(text).toContain('the separate file 7.index.js')
  expect(text).toContain('inner - MIT License (c) somebody')
  expect(text).toContain('Text of the LGPL')
  expect(text).toContain('GNU GENERAL PUBLIC LICENSE')
})

test('writeNotices() writes the same bytes twice', async () => {
  expect(await notices()).toBe(await notices())
})

test('writeNotices() fails on a package without a licence text', async () => {
  lock({ 'node_modules/bare': { version: '1.0.0', license: 'MIT' } })
  mkdirSync(join(root, 'node_modules/bare'))
  await expect(notices()).rejects.toThrow('bare has no licence text')
})

test('writeNotices() fails on a licence nobody decided about', async () => {
  lock({ 'node_modules/tidy': { version: '1.0.0', license: 'AGPL-3.0' } })
  await expect(notices()).rejects.toThrow('needs a decision')
})

test.each([
  { given: 'the library inside the main bundle', file: 'dist/index.js', text: 'OpenPGP.js 6.0.0' },
  { given: 'the library in two chunks', file: 'dist/8.index.js', text: 'OpenPGP.js 6.0.0' },
  { given: 'no chunk with the library', file: 'dist/7.index.js', text: 'something else' },
])('writeNotices() fails given $given', async ({ file, text }) => {
  write(file, text)
  await expect(notices()).rejects.toThrow('must be in exactly one chunk of its own')
})
