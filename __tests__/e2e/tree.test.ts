import { createHash } from 'node:crypto'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, gunzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { pointerOf } from '../fakes/lfs-store.ts'
import { TestRepository } from '../fakes/repository.ts'
import { REPOSITORY } from '../fakes/scenario.ts'
import { footprint, GITHUB_TOKEN, provenanceOf, push, startWorld, type World } from './source-support.ts'

jest.setTimeout(240_000)

const LARGE = 'the content of a large file'
const BOB = { name: 'Bob', email: 'bob@example.com' }
let world: World
let lib: TestRepository
/** The library's commit that the good tree names, signed by Alice. */
let pinned: string
let base: string

const url = () => world.scenario.stack.git.url
const libUrl = () => `${url()}/acme/lib`

function policy(): string {
  const { alice, bob } = world.scenario
  return `version: 1
principals:
  alice: { emails: [alice@example.com], signers: [{ ssh: { key: "${alice.publicKey}" } }] }
  bob: { emails: [bob@example.com], signers: [{ ssh: { key: "${bob.publicKey}" } }] }
roles: { maintainers: [alice], developers: ["@maintainers", bob] }
source:
  - refs: ["refs/heads/**"]
    commits: { signers: ["@developers"] }
policy-change: { signers: ["@maintainers"] }
base-images: [{ match: "**", deny: true }]
materials: [{ match: "git+${libUrl()}@*", keys: [lib] }]
material-keys: { lib: { ssh: { key: "${alice.publicKey}" } } }
`
}

beforeAll(async () => {
  world = await startWorld()
  const { scenario } = world
  lib = new TestRepository(join(scenario.stack.folder, 'lib'))
  const odd = lib.gitInput('odd words', 'hash-object', '-w', '--stdin')
  lib.write({ 'lib.c': 'library words', '.gitattributes': 'lib.c export-ignore\n' })
  lib.git('add', '--all')
  lib.gitInput(Buffer.from(`100644 ${odd}\todd-\xff.txt\n`, 'latin1'), 'update-index', '--index-info')
  pinned = lib.object({ message: 'Library', signer: scenario.alice }, lib.git('write-tree'), [])
  lib.git('update-ref', 'HEAD', pinned)
  await scenario.stack.git.publish(lib.folder, 'acme/lib')
  base = scenario.repository.commit({
    message: 'Say what may go in',
    signer: scenario.alice,
    files: { '.github/waybill.yml': policy(), 'model.bin': scenario.stack.git.lfs.add(LARGE) },
  })
})

afterAll(async () => {
  await world?.scenario.close()
})

interface Tree {
  readonly commit?: string
  readonly url?: string
  readonly path?: string
  readonly files?: Readonly<Record<string, string>>
}

/** A signed commit over the base with the library as a submodule. */
async function headWith(
  branch: string,
  { commit = pinned, url = '../lib.git', path = 'vendor/lib', files = {} }: Tree,
) {
  const { repository, bob, publish } = world.scenario
  repository.git('checkout', '--quiet', '--force', '-B', branch, base)
  repository.write({
    '.gitmodules': `[submodule "lib"]\n\tpath = ${path}\n\turl = ${url}\n`,
    Dockerfile: 'FROM scratch\nCOPY . /\n',
    ...files,
  })
  repository.git('add', '--all')
  repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  const id = repository.object({ message: 'Use it', signer: bob, ...BOB }, repository.git('write-tree'), [base])
  repository.git('update-ref', 'HEAD', id)
  repository.git('reset', '--quiet', '--hard')
  await publish()
  return id
}

const build = (branch: string, sha: string, more = {}) =>
  push(world, `refs/heads/${branch}`, sha, { since: base, builder: 'buildah', layout: undefined, ...more })

function layerText(manifest: string): string {
  const store = world.scenario.stack.registry.storage.open(REPOSITORY)
  const { layers } = JSON.parse(store.find(manifest)?.bytes.toString() ?? '{}') as { layers: { digest: string }[] }
  const bytes = layers.map(({ digest }) => store.blobs.get(digest) ?? Buffer.of())
  return Buffer.concat(bytes.map(blob => (blob[0] === 0x1f ? gunzipSync(blob) : blob))).toString('latin1')
}

test('13-adversary 14: an image holds the files of a verified submodule and the content of Git LFS, and its provenance names both', async () => {
  const head = await headWith('whole', {})
  const { git } = world.scenario.stack
  git.log.length = 0
  const step = await build('whole', head)
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  const text = layerText(step.result.image?.platforms[0]?.digest ?? '')
  for (const words of ['library words', 'odd words', 'odd-\xff.txt', LARGE]) expect(text).toContain(words)
  expect(text).not.toContain('git-lfs.github.com')
  const { buildDefinition } = provenanceOf(step).predicate
  const oid = createHash('sha256').update(LARGE).digest('hex')
  expect(buildDefinition.resolvedDependencies).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        uri: `git+${libUrl()}@${pinned}`,
        digest: { gitCommit: pinned },
        annotations: expect.objectContaining({ proof: 'signed', verdict: 'passed' }),
      }),
      expect.objectContaining({ uri: `git+${url()}/${REPOSITORY}@${head}#model.bin`, digest: { sha256: oid } }),
    ]),
  )
  expect(step.summary).toContain('vendor/lib')
  expect(step.summary).toContain('Git LFS')
  expect(step.log.replaceAll(/^::add-mask::.*$/gm, '') + step.summary).not.toContain(GITHUB_TOKEN)
})

test.each<[string, Tree, string, number]>([
  ['moved to a private address', { url: 'https://10.0.0.1/acme/lib.git' }, 'policy/no-rule', 1],
  ['of another server', { url: 'https://git.example.com/acme/lib.git' }, 'policy/no-rule', 1],
  ['nothing declares', { url: '../other.git' }, 'policy/no-rule', 1],
  ['by ssh', { url: 'git@github.com:acme/lib.git' }, 'source/submodule-url-refused', 1],
  [
    'with a command',
    { files: { '.gitmodules': '[submodule "l"]\n\tpath = vendor/lib\n\turl = ../lib.git\n\tupdate = !id\n' } },
    'source/gitmodules-malformed',
    1,
  ],
])('13-adversary 14, 39: a submodule %s is refused, and nobody is asked for it', async (name, tree, code, exit) => {
  const branch = name.replace(/\W/g, '-')
  const head = await headWith(branch, tree)
  const before = footprint(world.scenario)
  const { git } = world.scenario.stack
  git.log.length = 0
  const step = await build(branch, head)
  expect([step.result.error?.code, step.code]).toEqual([code, exit])
  expect(footprint(world.scenario)).toEqual(before)
  expect(git.log.filter(({ path }) => /\/(?:lib|other)/.test(path))).toEqual([])
})

test('a submodule at a commit that nobody signed is refused by the rule that asks for a signature', async () => {
  const tree = lib.git('rev-parse', `${pinned}^{tree}`)
  const unsigned = lib.object({ message: 'By nobody' }, tree, [pinned])
  lib.git('update-ref', 'refs/heads/unsigned', unsigned)
  await world.scenario.stack.git.publish(lib.folder, 'acme/lib')
  const step = await build('unsigned', await headWith('unsigned', { commit: unsigned }))
  expect([step.result.error?.code, step.code]).toEqual(['materials/signature-wrong', 1])
})

test('13-adversary 14: an object of the submodule with other bytes than its id is never used', async () => {
  const blob = lib.gitInput('true words', 'hash-object', '-w', '--stdin')
  const tree = lib.gitInput(`100644 blob ${blob}\tlib.c\n`, 'mktree')
  const forged = lib.object({ message: 'Forged', signer: world.scenario.alice }, tree, [])
  lib.git('update-ref', 'refs/heads/forged', forged)
  const { git } = world.scenario.stack
  await git.publish(lib.folder, 'acme/lib')
  const served = join(git.repositoryFolder('acme/lib'), 'objects', blob.slice(0, 2), blob.slice(2))
  chmodSync(served, 0o644)
  rmSync(served)
  writeFileSync(served, deflateSync(Buffer.from('blob 10\0evil words')))
  const before = footprint(world.scenario)
  const step = await build('forged', await headWith('forged', { commit: forged }))
  expect(step.code).toBeGreaterThan(0)
  expect(step.result.error?.code).toMatch(/^source\//)
  expect(footprint(world.scenario)).toEqual(before)
})

test('Git LFS content with another digest is refused, and content that is not there is unknown', async () => {
  const { lfs } = world.scenario.stack.git
  const head = await headWith('lfs', { files: { 'other.bin': lfs.add('other content') } })
  lfs.lie = Buffer.from('evil content!')
  const lied = await build('lfs', head)
  lfs.lie = undefined
  expect([lied.result.error?.code, lied.code]).toEqual(['materials/other-bytes', 1])
  const gone = await headWith('gone', { files: { 'gone.bin': pointerOf('a'.repeat(64), 12) } })
  const missing = await build('gone', gone)
  expect([missing.result.error?.code, missing.code]).toEqual(['source/lfs-missing', 2])
  expect(missing.result.error?.message).toContain('a'.repeat(64))
})

test('13-adversary 17: .lfsconfig of the tree chooses no server', async () => {
  const head = await headWith('lfsconfig', { files: { '.lfsconfig': '[lfs]\n\turl = https://mallory.example/lfs\n' } })
  const step = await build('lfsconfig', head)
  expect([step.result.error, step.code]).toEqual([undefined, 0])
})
