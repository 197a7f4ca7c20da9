import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withCheckout } from '../../src/entry/checkout-tree.ts'
import { cli } from '../../src/entry/cli.ts'
import { pointerOf } from '../fakes/lfs-store.ts'
import { TestRepository } from '../fakes/repository.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'waybill-checkout-'))
const PINNED = 'c'.repeat(40)
const OID = 'ab'.repeat(32)
const REMOTE = 'https://github.com/acme/app'
const ENV = { PATH: process.env.PATH, HOME: ROOT, TMPDIR: ROOT }
const MODULES = (path: string, url: string) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`
let count = 0

afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

interface Given {
  readonly files?: Readonly<Record<string, string>>
  /** Path → commit of a submodule. */
  readonly links?: Readonly<Record<string, string>>
}

/** A checkout of one commit; what it only points to was never fetched. */
function checkout({ files = {}, links = {} }: Given): TestRepository {
  const repository = new TestRepository(join(ROOT, String(count++)))
  repository.git('remote', 'add', 'origin', `${REMOTE}.git`)
  repository.write({ Dockerfile: 'FROM scratch\nCOPY . /\n', ...files })
  repository.git('add', '--all')
  for (const [path, commit] of Object.entries(links))
    repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  const id = repository.object({ message: 'Begin' }, repository.git('write-tree'), [])
  repository.git('update-ref', 'HEAD', id)
  return repository
}

/** `waybill materials print` in that folder. */
async function print({ folder }: TestRepository, ...args: readonly string[]) {
  let [out, err] = ['', '']
  const code = await cli(
    {
      args: ['materials', 'print', ...args],
      script: '/waybill/dist/cli.js',
      workingFolder: folder,
      isTerminal: false,
      columns: 100,
      out: bytes => {
        out += bytes.toString()
      },
      err: text => {
        err += text
      },
      exit: () => {},
    },
    ENV,
  )
  return { code, out, err }
}

const WHOLE: Given = {
  files: {
    '.gitmodules': `${MODULES('vendor/lib', '../lib.git')}${MODULES('vendor/tool', 'https://example.com/tool.git')}`,
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'models/large.bin': pointerOf(OID, 12_345),
    // Of the size of a pointer, and none: a file like any other.
    'models/near.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'x'.repeat(64)}\nsize 7\n`,
    'models/small.bin': 'version',
  },
  links: { 'vendor/lib': PINNED, 'vendor/tool': 'd'.repeat(40) },
}

test('where no file speaks of submodules or Git LFS, nobody looks, and no git has to be there', async () => {
  const repository = checkout({ files: { 'model.bin': pointerOf(OID, 1), '.gitattributes': '* text=auto\n' } })
  const given = await withCheckout(repository.folder, { PATH: '' }, async content => content)
  expect(given).toBeUndefined()
  expect((await print(repository)).out).not.toContain(OID.slice(0, 12))
})

test('submodules and pointers are those of the commit, not of the folder', async () => {
  const repository = checkout(WHOLE)
  repository.write({
    'models/large.bin': 'the content, as git lfs pull leaves it',
    'models/untracked.bin': pointerOf('e'.repeat(64), 9),
    '.gitmodules': MODULES('vendor/lib', 'https://mallory.example/lib.git'),
  })
  await withCheckout(repository.folder, ENV, async content => {
    expect(content?.tree.remote).toBe(REMOTE)
    expect(content?.submodules).toEqual([
      { path: 'vendor/lib', commit: PINNED, url: '../lib.git' },
      { path: 'vendor/tool', commit: 'd'.repeat(40), url: 'https://example.com/tool.git' },
    ])
    expect(content?.large).toEqual([{ oid: OID, size: 12_345, path: 'models/large.bin' }])
  })
})

test('a name that is not ASCII, and one with a line break, are told as they are', async () => {
  const names = ['größe.bin', 'two\nlines.bin']
  const files = Object.fromEntries(names.map(name => [name, pointerOf(OID, 7)]))
  const repository = checkout({ files: { ...files, '.gitattributes': '*.bin filter=lfs\n' } })
  const paths = await withCheckout(repository.folder, ENV, async content => content?.large.map(({ path }) => path))
  expect(paths?.toSorted()).toEqual(names.toSorted())
  const { out } = await print(repository)
  expect(out).toContain('größe.bin')
  expect(out).not.toContain('two\nlines.bin')
})

test('materials print lists both: what a rule or the commit itself allows, and what nothing does', async () => {
  const rules = `version: 1\nmaterials: [{ match: "git+${REMOTE.replace('app', 'lib')}@*" }]\n`
  const { files, links = {} } = WHOLE
  const repository = checkout({ files: { ...files, '.github/waybill.yml': rules }, links })
  const { code, out } = await print(repository, '--json')
  const { content, outcome } = JSON.parse(out).data
  expect(content).toMatchObject([
    {
      path: 'vendor/lib',
      kind: 'submodule',
      digest: PINNED,
      uri: `git+https://github.com/acme/lib@${PINNED}`,
      findings: [],
    },
    { path: 'vendor/tool', kind: 'submodule', findings: [{ code: 'policy/no-rule' }] },
    { path: 'models/large.bin', kind: 'lfs', digest: `sha256:${OID}`, findings: [] },
  ])
  expect([code, outcome]).toEqual([1, 'rejected'])
  const text = await print(repository)
  for (const word of ['vendor/lib', 'vendor/tool', 'models/large.bin']) expect(text.out).toContain(word)
  expect([text.code, text.err]).toEqual([1, ''])
})

test.each<[string, Given, string]>([
  [
    'no address',
    { files: { '.gitmodules': MODULES('a', '../a.git') }, links: { b: PINNED } },
    'source/submodule-undeclared',
  ],
  [
    'an address that is a command',
    { files: { '.gitmodules': `${MODULES('a', '../a.git')}\tupdate = !id\n` }, links: { a: PINNED } },
    'source/gitmodules-malformed',
  ],
])('a submodule with %s ends it, and says why', async (_, given, code) => {
  const { out } = await print(checkout(given), '--json')
  expect(JSON.parse(out).error?.code).toBe(code)
})

test('a folder that is no clone is told, not guessed', async () => {
  const repository = checkout(WHOLE)
  rmSync(join(repository.folder, '.git'), { recursive: true })
  const { code, out } = await print(repository, '--json')
  expect([code, JSON.parse(out).error?.code]).toEqual([expect.any(Number), 'source/clone-failed'])
  expect(code).toBeGreaterThan(0)
})
