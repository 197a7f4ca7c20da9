import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { asWaybillError, WaybillError } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { hashStableFile } from '../../src/io/stable-file.ts'
import { bundlesBeside, bundlesIn, readBundles } from '../../src/subjects/bundle-files.ts'
import { composeFilesIn } from '../../src/subjects/compose-files.ts'
import { fileSubjects } from '../../src/subjects/files.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'waybill-files-'))
  mkdirSync(join(cwd, 'dist/deep'), { recursive: true })
  for (const name of ['b.tgz', 'a.tgz', 'dist/c.tgz', 'dist/deep/d.tgz', 'dist/x[1].txt', 'dist/.hidden.tgz'])
    writeFileSync(join(cwd, name), name)
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const names = async (...patterns: string[]) => (await fileSubjects(patterns, { cwd })).map(({ name }) => name)
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    error => asWaybillError(error).code,
  )

test('fileSubjects() gives names once, sorted, relative to the folder', async () => {
  expect(await names('*.tgz', 'a.tgz', './b.tgz')).toEqual(['a.tgz', 'b.tgz'])
  expect(await names('**/[cd].tgz')).toEqual(['dist/c.tgz', 'dist/deep/d.tgz'])
  expect(await names('dist/**')).toEqual(['dist/c.tgz', 'dist/deep/d.tgz', 'dist/x[1].txt'])
  // As in a shell: a name that begins with a dot is only matched by a pattern that does.
  expect(await names('dist/.*')).toEqual(['dist/.hidden.tgz'])
  expect(await names('{a,b}.tgz')).toEqual(['a.tgz', 'b.tgz'])
})

test('fileSubjects() takes a name with pattern characters as it stands when a file is called so', async () => {
  expect(await names('dist/x[1].txt')).toEqual(['dist/x[1].txt'])
})

test.each(['*.none', 'none', '', 'dist/*.none'])(
  'fileSubjects() of %j: nothing judged is a configuration error',
  async pattern => {
    expect(await codeOf(fileSubjects([pattern], { cwd }))).toBe('verify/no-files')
    expect(await codeOf(fileSubjects(['a.tgz', pattern], { cwd }))).toBe('verify/no-files')
  },
)

test('fileSubjects() of no pattern at all is an error', async () => {
  expect(await codeOf(fileSubjects([], { cwd }))).toBe('verify/no-files')
})

test.each(['../*.tgz', 'dist/../../*', '{a,..}/*.tgz', '/**', 'dist/**/../../../*'])(
  '13-adversary 33: the pattern %s may not lead out of the folder',
  async pattern => expect(await codeOf(fileSubjects([pattern], { cwd }))).toBe('verify/file-not-plain'),
)

test('a file outside may be named as it stands', async () => {
  const found = await fileSubjects(['../a.tgz', join(cwd, 'b.tgz')], { cwd: join(cwd, 'dist') })
  expect(found.map(({ path }) => path)).toEqual([join(cwd, 'a.tgz'), join(cwd, 'b.tgz')])
  expect(found[0].name).toBe('../a.tgz')
})

test('13-adversary 33: links, folders and devices are refused by name, also among the matches of a pattern', async () => {
  symlinkSync('a.tgz', join(cwd, 'link.tgz'))
  symlinkSync('dist', join(cwd, 'out'))
  symlinkSync('nowhere', join(cwd, 'dist/dangling.tgz'))
  for (const pattern of ['link.tgz', '*.tgz', 'dist', 'out', 'out/c.tgz', 'dist/*.tgz'])
    expect([pattern, await codeOf(fileSubjects([pattern], { cwd }))]).toEqual([pattern, 'verify/file-not-plain'])
  await fileSubjects(['link.tgz'], { cwd }).catch(error => expect(error.remedy).toContain(join('a.tgz')))
})

test('13-adversary 33: a pipe is refused and never waited for', async () => {
  execFileSync('mkfifo', [join(cwd, 'pipe')])
  expect(await codeOf(fileSubjects(['pipe'], { cwd }))).toBe('verify/file-not-plain')
  expect(await codeOf(hashStableFile(join(cwd, 'pipe')))).toBe('verify/file-not-plain')
  expect(await codeOf(hashStableFile(join(cwd, 'dist')))).toBe('verify/file-not-plain')
  expect(await codeOf(hashStableFile('/dev/null'))).toBe('verify/file-not-plain')
  symlinkSync('a.tgz', join(cwd, 'link.tgz'))
  expect(await codeOf(hashStableFile(join(cwd, 'link.tgz')))).toBe('verify/file-not-plain')
  expect(await codeOf(hashStableFile(join(cwd, 'none')))).toBe('core/file-unreadable')
})

test('hashStableFile() gives digest and size', async () => {
  const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 'DSSEv1 x')
  writeFileSync(join(cwd, 'big'), bytes)
  const [subject] = await fileSubjects(['big'], { cwd })
  const { digest, size } = await hashStableFile(subject.path)
  expect([digest, size]).toEqual([`sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes.length])
  writeFileSync(join(cwd, 'big'), '')
  expect(await hashStableFile(subject.path)).toMatchObject({ size: 0 })
})

test.each<[string, (path: string) => void]>([
  ['grows', path => appendFileSync(path, 'x')],
  ['is cut', path => writeFileSync(path, 'x')],
  ['is written in place with the same size', path => writeFileSync(path, Buffer.alloc(3 * 1024 * 1024, 'b'))],
  [
    'is written in place and its time put back',
    path => {
      writeFileSync(path, Buffer.alloc(3 * 1024 * 1024, 'b'))
      utimesSync(path, 1, 1)
    },
  ],
  [
    'is replaced by another',
    path => {
      writeFileSync(`${path}.new`, Buffer.alloc(3 * 1024 * 1024, 'a'))
      renameSync(`${path}.new`, path)
    },
  ],
])('13-adversary 33: a file that %s while it is hashed is unknown', async (_, change) => {
  const path = join(cwd, 'big')
  writeFileSync(path, Buffer.alloc(3 * 1024 * 1024, 'a'))
  utimesSync(path, 1, 1)
  let changed = false
  const hashing = hashStableFile(path, {
    progress: () => {
      if (!changed) change(path)
      changed = true
    },
  })
  expect(await codeOf(hashing)).toBe('verify/file-changed')
})

test('bundles beside a file: one object, or one a line', async () => {
  const [subject] = await fileSubjects(['a.tgz'], { cwd })
  expect(await bundlesBeside(subject)).toBeUndefined()
  writeFileSync(join(cwd, 'a.tgz.sigstore.json'), '{\n  "a": 1\n}\n')
  expect(await bundlesBeside(subject)).toMatchObject([{ from: 'a.tgz.sigstore.json' }])
  writeFileSync(join(cwd, 'a.jsonl'), '{"a":1}\r\n\n{"b":2}\n')
  const found = await readBundles(join(cwd, 'a.jsonl'), 'a.jsonl')
  expect(found.map(({ from, bytes }) => [from, Buffer.from(bytes).toString()])).toEqual([
    ['a.jsonl:1', '{"a":1}'],
    ['a.jsonl:3', '{"b":2}'],
  ])
})

test.each<[string, string]>([
  ['nothing', ''],
  ['only line ends', '\n\n'],
  ['a list', '[{}]'],
  ['words', '{}\nx\n'],
  ['a key twice', '{"a":1,"a":2}'],
  ['too many', '{}\n'.repeat(LIMITS.subjectBundles + 1)],
  ['one too large', JSON.stringify({ a: 'x'.repeat(LIMITS.bundleBytes) })],
])('bundlesIn() refuses %s', (_, text) => {
  expect(() => bundlesIn(utf8(text), 'b')).toThrow(/Cannot read bundles in b/)
})

test('bundlesIn() of any text gives bundles or a typed error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), text => {
      try {
        expect(bundlesIn(utf8(text), 'b').length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test('13-adversary 33: composeFilesIn() never reads outside of its folder', async () => {
  const project = join(cwd, 'dist')
  symlinkSync('../a.tgz', join(project, 'link.yaml'))
  symlinkSync('c.tgz', join(project, 'inside.yaml'))
  const files = composeFilesIn(project)
  expect(await codeOf(files.read('link.yaml', 100))).toBe('verify/file-not-plain')
  expect(await codeOf(files.read('../a.tgz', 100))).toBe('verify/file-not-plain')
  expect(await files.read('none.yaml', 100)).toBeUndefined()
  expect(Buffer.from((await files.read('inside.yaml', 100)) ?? []).toString()).toBe('dist/c.tgz')
})
