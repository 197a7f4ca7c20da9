import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asWaybillError } from '../../src/core/error.ts'
import { findFiles } from '../../src/io/found-files.ts'

let outside: string
let folder: string

beforeEach(() => {
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'waybill-found-')))
  folder = join(outside, 'workspace')
  mkdirSync(join(folder, 'dist'), { recursive: true })
  for (const name of ['dist/a.tgz', 'dist/b.tgz', 'dist/c.zip']) writeFileSync(join(folder, name), name)
  writeFileSync(join(outside, 'secret.tgz'), 'not of the workspace')
})
afterEach(() => rmSync(outside, { recursive: true }))

const names = async (...patterns: string[]) => (await findFiles(folder, patterns, 3)).map(({ name }) => name)
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    error => asWaybillError(error).code,
  )

test('findFiles() gives each file once, sorted, folders passed over', async () => {
  expect(await names('dist/*.tgz', '**')).toEqual(['dist/a.tgz', 'dist/b.tgz', 'dist/c.zip'])
})

test.each(['../secret.tgz', '{dist,..}/*.tgz', 'dist/../../*.tgz', '/etc/passwd', '!dist/*', '-x', 'a\\b'])(
  'findFiles() of %j refuses a pattern that could lead out of the folder',
  async pattern => expect(await codeOf(names(pattern))).toBe('core/file-unreadable'),
)

test('findFiles() refuses links, patterns without a file, and more files than asked for', async () => {
  expect(await codeOf(names('dist/*.whl'))).toBe('core/file-unreadable')
  writeFileSync(join(folder, 'dist/d.tgz'), '')
  expect(await codeOf(names('dist/*'))).toBe('core/file-unreadable')
  symlinkSync('a.tgz', join(folder, 'dist/link'))
  expect(await codeOf(names('dist/link'))).toBe('core/file-unreadable')
})
