import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressGuard } from '../../src/io/address.ts'
import { environment } from '../../src/io/environment.ts'
import { findTool } from '../../src/io/process.ts'
import type { MaterialItem, Verify } from '../../src/materials/manifest/item.ts'
import type { FetchPorts } from '../../src/pipeline/materials-fetch.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { Gpg } from '../fakes/gpg.ts'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { FetchWorld, type Law, sha256Of } from './materials-fetch-world.ts'

const alice = makeSshSigner()
const mallory = makeSshSigner()
const LAW: Law = { blocks: `material-keys:\n  alice: {ssh: {key: "${alice.publicKey}"}}\n` }
const SIGNED: Verify = { kind: 'git', key: { from: 'policy', name: 'alice' } }

let world: FetchWorld
let server: GitServer
let repository: TestRepository
let ports: Partial<FetchPorts>

beforeEach(async () => {
  world = await FetchWorld.start()
  server = await startGitServer({ folder: join(world.folder, 'served') })
  repository = new TestRepository(join(world.folder, 'work'))
  repository.commit({ message: 'Before', files: { 'old.txt': 'old' } })
  repository.commit({
    message: 'Library',
    files: { 'lib.c': 'int x;', 'run.sh': 'echo', 'old.txt': null },
    signer: alice,
  })
  const env = environment()
  ports = { git: { program: findTool('git', env.PATH ?? '') ?? '', env } }
})

afterEach(async () => {
  await server.close()
  await world.close()
})

const head = () => repository.git('rev-parse', 'HEAD')

function item(ref: string, more: Partial<MaterialItem> = {}): MaterialItem {
  const remote = `${server.url}/acme/lib`
  return {
    name: 'lib',
    uri: { kind: 'git', canonical: `git+${remote}@${ref}`, remote, ref },
    mirrors: [],
    digest: new Map([['gitCommit', head()]]),
    use: { kind: 'build-context', context: 'lib' },
    at: '3:5',
    ...more,
  }
}

async function fetched(the: MaterialItem, law = LAW, over: Partial<FetchPorts> = {}) {
  await server.publish(repository.folder, 'acme/lib')
  return world.one([the], law, { ...ports, ...over })
}

test('a commit that is pinned gives its tree, written by Waybill, and nothing of git', async () => {
  repository.tag('v1')
  const found = await fetched(item('v1'))
  expect(found).toMatchObject({ verdict: 'passed', proof: 'digest', digest: { gitCommit: head() } })
  const folder = found.path ?? ''
  expect(await readFile(join(folder, 'lib.c'), 'utf8')).toBe('int x;')
  expect((await lstat(join(folder, 'run.sh'))).mode & 0o777).toBe(0o755)
  await expect(lstat(join(folder, 'old.txt'))).rejects.toThrow('ENOENT')
  await expect(lstat(join(folder, '.git'))).rejects.toThrow('ENOENT')
})

test('13-adversary 17: no login is sent to somebody else’s repository', async () => {
  await fetched(item('main'))
  const sent = server.log.map(({ headers }) => headers.authorization)
  expect(sent.length).toBeGreaterThan(0)
  expect(sent.every(value => value === undefined)).toBe(true)
})

test('a signed commit passes as signed, on a branch, by a tag and by its own id', async () => {
  repository.tag('light')
  repository.git('tag', '--force', 'light', head())
  for (const ref of ['main', 'light', 'refs/heads/main', head()]) {
    expect(await fetched(item(ref, { verify: SIGNED }))).toMatchObject({
      verdict: 'passed',
      keys: 'policy',
      by: `the ssh key ${alice.fingerprint} (alice)`,
    })
  }
})

test('a signed tag passes for a commit that nobody signed', async () => {
  repository.commit({ message: 'Unsigned', files: { 'new.c': '' } })
  expect((await fetched(item('main', { verify: SIGNED }))).verdict).toBe('rejected')
  repository.tag('v1', { signer: alice })
  expect(await fetched(item('v1', { verify: SIGNED }))).toMatchObject({ verdict: 'passed', keys: 'policy' })
})

test('an OpenPGP key of the policy or of the commit says so, too', async () => {
  const gpg = new Gpg()
  try {
    const carol = gpg.makeKey('Carol', 'ed25519')
    repository.commit({ message: 'By Carol', files: { 'c.c': '' }, signer: gpg.signer(carol) })
    world.commit.set('carol.asc', Buffer.from(gpg.exported(carol)))
    const own: Verify = { kind: 'git', key: { from: 'commit', file: 'carol.asc' } }
    expect(await fetched(item('main', { verify: own }))).toMatchObject({
      verdict: 'passed',
      keys: 'declared-by-commit',
    })
    world.commit.set('alice.pub', Buffer.from(alice.publicKey))
    const other: Verify = { kind: 'git', key: { from: 'commit', file: 'alice.pub' } }
    expect((await fetched(item('main', { verify: other }))).verdict).toBe('rejected')
  } finally {
    gpg.close()
  }
})

test.each<[string, () => void, string]>([
  ['by another key', () => repository.commit({ message: 'Evil', files: { x: '' }, signer: mallory }), 'main'],
  ['by nobody', () => repository.commit({ message: 'Evil', files: { x: '' } }), 'main'],
  [
    'over other bytes',
    () =>
      repository.commit({
        message: 'Evil',
        files: { x: '' },
        signer: alice,
        tamper: object => object.replace('Evil', 'Good'),
      }),
    'main',
  ],
  [
    'in a tag of another name',
    () => {
      repository.commit({ message: 'Evil', files: { x: '' } })
      repository.tag('v1', { signer: alice, ref: 'v2' })
    },
    'v2',
  ],
  [
    'in a tag of a tag',
    () => {
      repository.commit({ message: 'Evil', files: { x: '' } })
      const inner = repository.tag('v1')
      repository.tag('v2', { signer: alice, target: inner })
    },
    'v2',
  ],
  [
    'in a tag by another key',
    () => {
      repository.commit({ message: 'Evil', files: { x: '' } })
      repository.tag('v1', { signer: mallory })
    },
    'v1',
  ],
])('a signature %s is rejected', async (_what, prepare, ref) => {
  prepare()
  const found = await fetched(item(ref, { verify: SIGNED }))
  expect(found).toMatchObject({ verdict: 'rejected', path: undefined })
  expect(found.codes[0]).toMatch(/^materials\/signature-/)
})

test('a ref that moved is rejected, whoever signed what it names now', async () => {
  const digest = new Map([['gitCommit' as const, head()]])
  repository.commit({ message: 'Newer', files: { x: '' }, signer: alice })
  expect(await fetched(item('main', { verify: SIGNED, digest }))).toMatchObject({
    verdict: 'rejected',
    codes: ['materials/other-bytes'],
    found: head(),
  })
  const gone = item('v9', { digest })
  expect(await fetched(gone)).toMatchObject({ verdict: 'rejected', codes: ['materials/other-bytes'] })
})

test('without a commit in the manifest it is that of the ref as it is served', async () => {
  expect(await fetched(item('main', { digest: new Map(), verify: SIGNED }))).toMatchObject({
    verdict: 'passed',
    digest: { gitCommit: head() },
  })
})

test('what BuildKit fetches itself gets no folder', async () => {
  const use = { kind: 'dockerfile-add' } as const
  expect(await fetched(item('main', { verify: SIGNED, use }))).toMatchObject({ verdict: 'passed', path: undefined })
})

test('a repository that asks for a login, or is not there, is unknown', async () => {
  server.token = 'secret'
  expect((await fetched(item('main'))).verdict).toBe('unknown')
  server.token = undefined
  const uri = { kind: 'git', canonical: 'git+http://x@main', remote: `${server.url}/acme/none`, ref: 'main' } as const
  expect((await fetched({ ...item('main'), uri })).verdict).toBe('unknown')
  expect(await fetched(item('main'), LAW, { git: undefined as never })).toMatchObject({
    codes: ['materials/fetch-failed'],
  })
})

test('a tree that is too large, or holds what leads out, is rejected', async () => {
  repository.commit({ message: 'Large', files: { big: 'x'.repeat(5_000) }, signer: alice })
  expect(await fetched(item('main', { size: 4_000 }))).toMatchObject({
    verdict: 'rejected',
    codes: ['source/tree-too-large'],
  })
})

test('13-adversary 39: git connects to the address that was checked, and to no private one', async () => {
  await server.publish(repository.folder, 'acme/lib')
  const remote = `http://lib.localhost:${server.port}/acme/lib`
  const uri = { kind: 'git', canonical: `git+${remote}@main`, remote, ref: 'main' } as const
  const asked: string[] = []
  const pinned = addressGuard({ private: true, pin: true }, async host => {
    asked.push(host)
    return [{ address: '127.0.0.1', family: 4 }]
  })
  expect((await world.one([{ ...item('main'), uri }], LAW, { ...ports, guard: () => pinned })).verdict).toBe('passed')
  expect(asked).toEqual(['lib.localhost'])
  const before = server.log.length
  // Nobody is there: a name that means something else a moment later gains nothing.
  const elsewhere = addressGuard({ private: true, pin: true }, async () => [{ address: '127.0.0.9', family: 4 }])
  expect((await world.one([{ ...item('main'), uri }], LAW, { ...ports, guard: () => elsewhere })).verdict).toBe(
    'unknown',
  )
  const outside = addressGuard({ private: false, pin: true })
  expect(await world.one([{ ...item('main'), uri }], LAW, { ...ports, guard: () => outside })).toMatchObject({
    verdict: 'unknown',
    codes: ['core/address-refused'],
  })
  expect(server.log.length).toBe(before)
})

test('13-adversary 39: without a rule the repository is not asked', async () => {
  await server.publish(repository.folder, 'acme/lib')
  const before = server.log.length
  const law = { blocks: `${LAW.blocks}materials:\n  - {match: "https://example.com/**"}\n` }
  expect(await world.one([item('main')], law, ports)).toMatchObject({ codes: ['policy/no-rule'] })
  expect(server.log.length).toBe(before)
})

test('13-adversary 20: evidence is the signed object itself', async () => {
  await server.publish(repository.folder, 'acme/lib')
  const [material] = await world.fetch([item('main', { verify: SIGNED })], LAW, ports)
  const object = Buffer.from(repository.git('cat-file', 'commit', head()), 'latin1')
  const proof = material?.judged.proof
  expect(proof?.kind === 'signature' ? proof.evidence : '').toBe(
    `sha256:${sha256Of(Buffer.concat([object, Buffer.from('\n')]))}`,
  )
})
