import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { type ExportedTree, type ExportOptions, exportTree } from '../../src/source/export.ts'
import type { ExportedSubmodule } from '../../src/source/export-graft.ts'
import type { LfsContent } from '../../src/source/export-large.ts'
import { openHistory } from '../../src/source/git.ts'
import { pointerOf } from '../fakes/lfs-store.ts'
import { Clone, errorOf, findGit, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
let count = 0

function clone(files: Readonly<Record<string, string | Uint8Array>>): Clone {
  const from = new Clone(join(ROOT, `clone-${++count}`))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(from.path, path)), { recursive: true })
    writeFileSync(join(from.path, path), content)
  }
  return from
}

async function exported(from: Clone, tree = from.tree('HEAD'), options: ExportOptions = {}): Promise<ExportedTree> {
  const head = from.head()
  const history = await openHistory({
    git: findGit(),
    folder: join(ROOT, `run-${++count}`),
    url: from.path,
    localPath: true,
    env: { PATH: process.env.PATH },
    head,
    deadline: new Date(Date.now() + 60_000),
  })
  try {
    await history.fetchTree(head)
    return await exportTree(history, { id: head, tree }, join(ROOT, `out-${++count}/tree`), options)
  } finally {
    await history.close()
  }
}

/** A commit with exactly this tree, so that it is fetched. */
function commitTree(from: Clone, tree: CommitId): CommitId {
  const person = 'alice <alice@example.com> 1767225600 +0000'
  const id = from.store('commit', Buffer.from(`tree ${tree}\nauthor ${person}\ncommitter ${person}\n\nx\n`))
  from.git('update-ref', 'refs/heads/main', id)
  return tree
}

const treeOf = (...rows: readonly [mode: string, name: string, id: CommitId][]): Buffer =>
  Buffer.concat(rows.flatMap(([mode, name, id]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]))

test('exportTree() writes every byte, mode and link, and digests the listing it documents', async () => {
  const large = new Uint8Array(3_000_000).map((_, i) => i % 251)
  const from = clone({ 'b.txt': 'b\r\n', 'a/x': 'x', 'a/run': '#!/bin/sh\n', 'a.b': '', large })
  chmodSync(join(from.path, 'a/run'), 0o700)
  symlinkSync('../b.txt', join(from.path, 'a/link'))
  from.commit('all')
  const result = await exported(from)
  const diff = ['-r', '--no-dereference', '--exclude=.git', from.path, result.folder]
  expect(execFileSync('diff', diff).toString()).toBe('')
  const modes = ['a', 'a/run', 'a/x', 'large'].map(path =>
    (lstatSync(join(result.folder, path)).mode & 0o777).toString(8),
  )
  expect(modes).toEqual(['755', '755', '644', '644'])
  expect(readlinkSync(join(result.folder, 'a/link'))).toBe('../b.txt')
  const order = [
    ['100644', 'a.b'],
    ['120000', 'a/link'],
    ['100755', 'a/run'],
    ['100644', 'a/x'],
    ['100644', 'b.txt'],
    ['100644', 'large'],
  ] as const
  const listing = order.map(([mode, path]) => {
    const content = mode === '120000' ? '../b.txt' : readFileSync(join(result.folder, path))
    return `${mode} ${createHash('sha256').update(content).digest('hex')} ${path}\0`
  })
  const digest = createHash('sha256')
    .update(`waybill-tree/v1\n${listing.join('')}`)
    .digest('hex')
  expect(result).toMatchObject({
    gitTree: from.tree('HEAD'),
    files: 6,
    bytes: 3_000_000 + 3 + 1 + 10 + 8,
    digest: `sha256:${digest}`,
    notes: [],
  })
})

test('exportTree() of the same tree gives the same digest, of any changed one another', async () => {
  const from = clone({ a: 'a', b: 'b' })
  from.commit('one')
  const first = (await exported(from)).digest
  expect((await exported(from)).digest).toBe(first)
  from.git('mv', 'b', 'c')
  from.commit('renamed')
  expect((await exported(from)).digest).not.toBe(first)
})

test('13-adversary 14: export-ignore and export-subst are not applied, and a note says so', async () => {
  const from = clone({
    '.gitattributes': 'secret export-ignore\nversion export-subst\n*.txt text eol=crlf ident\n',
    secret: 'kept',
    version: '$Format:%H$',
    'a.txt': '$Id$\n',
    'deep/.gitattributes': '# export-ignore in a comment\n',
  })
  from.commit('attributes')
  const { folder, notes } = await exported(from)
  expect(['secret', 'version', 'a.txt'].map(path => readFileSync(join(folder, path), 'utf8'))).toEqual([
    'kept',
    '$Format:%H$',
    '$Id$\n',
  ])
  expect(notes).toMatchObject([{ code: 'source/export-attributes', severity: 'note', subject: '.gitattributes' }])
})

test.each([
  { given: 'an absolute link', target: '/etc/passwd' },
  { given: 'a link out of the tree', target: '../../x' },
  { given: 'a link that climbs after a name', target: 'x/../../..' },
])('13-adversary 14: exportTree() refuses $given', async ({ target }) => {
  const from = clone({ 'a/x': 'x' })
  symlinkSync(target, join(from.path, 'a/link'))
  from.commit('link')
  expect(await errorOf(() => exported(from))).toMatchObject({ code: 'source/unsafe-path', kind: 'rejected' })
})

test('13-adversary 14: exportTree() refuses a submodule that nobody verified, and a pointer whose content nobody has', async () => {
  const pointer = pointerOf('0'.repeat(64), 12)
  const lfs = clone({ 'big.bin': pointer })
  lfs.commit('pointer')
  expect(await errorOf(() => exported(lfs))).toMatchObject({ code: 'source/lfs-unavailable', kind: 'unknown' })
  const from = clone({ a: 'a' })
  const first = from.commit('a')
  from.git('update-index', '--add', '--cacheinfo', `160000,${first},module`)
  from.git('commit', '--quiet', '-m', 'module')
  expect(await errorOf(() => exported(from))).toMatchObject({
    code: 'source/submodule-undeclared',
    kind: 'rejected',
    remedy: expect.stringContaining('use: {submodule: PATH}'),
  })
  const other = { ...(await asSubmodule(clone({ x: 'x' }))), commit: from.head() }
  const wrong = { submodules: new Map([['module', other]]) }
  expect((await errorOf(() => exported(from, from.tree('HEAD'), wrong))).code).toBe('source/submodule-undeclared')
})

async function asSubmodule(from: Clone, options: ExportOptions = {}): Promise<ExportedSubmodule> {
  const commit = from.commit('submodule')
  const lines: Uint8Array[] = []
  const tree = await exported(from, from.tree('HEAD'), { ...options, lines })
  return { ...tree, commit, uri: `git+https://example.com/acme/lib@${commit}`, lines }
}

/** Whatever is asked for, from a folder of its own. */
function contentOf(bytes: Uint8Array, asked: string[] = []): LfsContent {
  return {
    remote: 'https://example.com/acme/app',
    obtain: async (_pointer, path) => {
      asked.push(path)
      const file = join(ROOT, `content-${++count}`)
      writeFileSync(file, bytes)
      return file
    },
  }
}

test('13-adversary 14: a submodule and a pointer become part of the tree, and the digest is that of a checkout with both', async () => {
  const large = Buffer.from('a very large file')
  const oid = createHash('sha256').update(large).digest('hex')
  const lib = clone({ 'lib.c': 'int x;', 'deep/run': 'echo', 'model.bin': pointerOf(oid, large.byteLength) })
  chmodSync(join(lib.path, 'deep/run'), 0o755)
  const lfs = contentOf(large)
  const submodule = await asSubmodule(lib, { lfs })
  const from = clone({ a: 'a', 'vendor/zlib/z': 'z', 'model.bin': pointerOf(oid, large.byteLength) })
  from.commit('a')
  from.git('update-index', '--add', '--cacheinfo', `160000,${submodule.commit},vendor/lib`)
  from.git('commit', '--quiet', '-m', 'module')
  const result = await exported(from, from.tree('HEAD'), { submodules: new Map([['vendor/lib', submodule]]), lfs })
  expect(readFileSync(join(result.folder, 'vendor/lib/model.bin'))).toEqual(large)
  expect(readFileSync(join(result.folder, 'vendor/lib/lib.c'), 'utf8')).toBe('int x;')
  expect(existsSync(submodule.folder)).toBe(false)
  // The same files in one plain repository.
  const plain = clone({
    a: 'a',
    'vendor/zlib/z': 'z',
    'model.bin': large,
    'vendor/lib/lib.c': 'int x;',
    'vendor/lib/deep/run': 'echo',
    'vendor/lib/model.bin': large,
  })
  chmodSync(join(plain.path, 'vendor/lib/deep/run'), 0o755)
  plain.commit('all')
  const same = await exported(plain)
  expect([result.digest, result.files, result.bytes]).toEqual([same.digest, same.files, same.bytes])
  expect(result.large.map(({ path, within }) => [path, within?.path])).toEqual([
    ['model.bin', undefined],
    ['vendor/lib/model.bin', 'model.bin'],
  ])
  expect(result.submodules).toMatchObject([{ path: 'vendor/lib', commit: submodule.commit }])
})

test('a submodule that a second tree wants, too, is copied: names, modes and links as they are', async () => {
  const lib = clone({ 'deep/run': 'echo', 'lib.c': 'int x;' })
  chmodSync(join(lib.path, 'deep/run'), 0o755)
  symlinkSync('deep/run', join(lib.path, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${lib.path}/`), Buffer.from([0xff, 0x6e])]), 'n')
  const submodule = await asSubmodule(lib)
  const from = clone({ a: 'a' })
  from.commit('a')
  from.git('update-index', '--add', '--cacheinfo', `160000,${submodule.commit},lib`)
  from.git('commit', '--quiet', '-m', 'module')
  const options = { submodules: new Map([['lib', submodule]]) }
  const first = await exported(from, from.tree('HEAD'), { ...options, keepSubmodules: true })
  const second = await exported(from, from.tree('HEAD'), options)
  expect(second.digest).toBe(first.digest)
  for (const { folder } of [first, second]) {
    expect(statSync(join(folder, 'lib/deep/run')).mode & 0o777).toBe(0o755)
    expect(readlinkSync(join(folder, 'lib/link'))).toBe('deep/run')
    expect(readFileSync(Buffer.concat([Buffer.from(`${folder}/lib/`), Buffer.from([0xff, 0x6e])]), 'utf8')).toBe('n')
  }
})

test('content that stands twice in a tree is fetched once, and each file has its own mode', async () => {
  const large = Buffer.from('twice')
  const pointer = pointerOf(createHash('sha256').update(large).digest('hex'), large.byteLength)
  const from = clone({ one: pointer, two: pointer })
  chmodSync(join(from.path, 'two'), 0o755)
  from.commit('twice')
  const asked: string[] = []
  const { folder, bytes } = await exported(from, from.tree('HEAD'), { lfs: contentOf(large, asked) })
  expect(asked).toHaveLength(1)
  expect(bytes).toBe(2 * large.byteLength)
  expect([statSync(join(folder, 'one')).mode & 0o777, statSync(join(folder, 'two')).mode & 0o777]).toEqual([
    0o644, 0o755,
  ])
  expect(statSync(join(folder, 'one')).ino).not.toBe(statSync(join(folder, 'two')).ino)
})

test('13-adversary 43: what pointers stand for counts before any of it is fetched', async () => {
  const from = clone({ big: pointerOf('a'.repeat(64), 5_000) })
  from.commit('big')
  const asked: string[] = []
  const options = { lfs: contentOf(new Uint8Array(), asked), maxBytes: 4_999 }
  expect((await errorOf(() => exported(from, from.tree('HEAD'), options))).code).toBe('source/tree-too-large')
  expect(asked).toEqual([])
})

test.each(['.git', '..', '.GIT', 'git~1', 'a/b'])('13-adversary 14: exportTree() refuses the name %j', async name => {
  const from = clone({ a: 'a' })
  from.commit('a')
  const blob = parseCommitId(from.git('rev-parse', 'HEAD:a'))
  const tree = commitTree(from, from.store('tree', treeOf(['100644', name, blob])))
  expect((await errorOf(() => exported(from, tree))).code).toBe('source/tree-malformed')
})

test('13-adversary 14: nothing is written through a link, or over what was there', async () => {
  const from = clone({ a: 'a' })
  from.commit('a')
  const blob = parseCommitId(from.git('rev-parse', 'HEAD:a'))
  const link = from.store('blob', Buffer.from('elsewhere'))
  const inner = from.store('tree', treeOf(['100644', 'x', blob]))
  const tree = commitTree(from, from.store('tree', treeOf(['120000', 'd', link], ['40000', 'd', inner])))
  expect((await errorOf(() => exported(from, tree))).code).toBe('source/tree-malformed')
  const target = join(ROOT, `there-${++count}`)
  mkdirSync(target)
  const fake = {
    tree: async () => [],
    object: async () => ({ type: 'blob' as const, size: 0, bytes: new Uint8Array() }),
  }
  const again = await errorOf(() => exportTree(fake, { id: blob, tree }, target))
  expect(again.code).toBe('core/file-unwritable')
})

test('13-adversary 13: a tree that unfolds without end is stopped', async () => {
  const from = clone({ a: 'a' })
  from.commit('a')
  let tree = from.tree('HEAD')
  for (let depth = 0; depth < 30; depth++) tree = from.store('tree', treeOf(['40000', 'a', tree], ['40000', 'b', tree]))
  commitTree(from, tree)
  const error = await errorOf(() => exported(from, tree, { maxFiles: 200 }))
  expect(error).toMatchObject({ code: 'source/tree-too-large', kind: 'rejected' })
})

test.each([{ size: 600 }, { size: 2_000_000 }])(
  'exportTree() stops above the bytes it may write ($size)',
  async ({ size }) => {
    const from = clone({ a: new Uint8Array(size), b: new Uint8Array(size) })
    from.commit('a')
    expect((await errorOf(() => exported(from, from.tree('HEAD'), { maxBytes: size + 1 }))).code).toBe(
      'source/tree-too-large',
    )
  },
)

test('a blob whose id does not match leaves an export that failed', async () => {
  const from = clone({ large: new Uint8Array(2_000_000) })
  from.commit('a')
  const head = from.head()
  const fail = await import('../../src/core/error.ts')
  const target = join(ROOT, `out-${++count}`)
  const history = {
    tree: async () => [{ mode: '100644' as const, name: 'large', id: head }],
    object: async () => {
      throw fail.fail('source/object-forged', 'other content')
    },
  }
  expect((await errorOf(() => exportTree(history, { id: head, tree: head }, target))).code).toBe('source/object-forged')
  expect(existsSync(join(target, 'large'))).toBe(false)
})

test('names that are not UTF-8 are written as the bytes they are', async () => {
  const from = clone({ a: 'a' })
  from.commit('a')
  const blob = Buffer.from(from.git('rev-parse', 'HEAD:a'), 'hex')
  const tree = from.store('tree', Buffer.concat([Buffer.from('100644 a\xff\0', 'latin1'), blob]))
  const { folder } = await exported(from, commitTree(from, tree))
  const path = Buffer.concat([Buffer.from(`${folder}/a`), Buffer.of(0xff)])
  expect(readFileSync(path, 'utf8')).toBe('a')
})
