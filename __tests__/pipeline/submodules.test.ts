import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommitId } from '../../src/core/digest.ts'
import { addressGuard } from '../../src/io/address.ts'
import { environment } from '../../src/io/environment.ts'
import { findTool } from '../../src/io/process.ts'
import type { FetchPorts } from '../../src/pipeline/materials-fetch.ts'
import { submodulesOf } from '../../src/pipeline/submodules.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { exportTree } from '../../src/source/export.ts'
import { type History, openHistory } from '../../src/source/git.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { FetchWorld } from './materials-fetch-world.ts'

const alice = makeSshSigner()
const KEYS = `material-keys:\n  alice: {ssh: {key: "${alice.publicKey}"}}\n`
const TOKEN = 'ghs_example'

let world: FetchWorld
let server: GitServer
let app: TestRepository
let lib: TestRepository
let ports: Partial<FetchPorts>
let opened: History | undefined

beforeEach(async () => {
  world = await FetchWorld.start()
  server = await startGitServer({ folder: join(world.folder, 'served') })
  app = new TestRepository(join(world.folder, 'app'))
  lib = new TestRepository(join(world.folder, 'lib'))
  lib.commit({ message: 'Library', files: { 'lib.c': 'int x;', 'run.sh': 'echo' }, signer: alice })
  const env = environment()
  ports = {
    git: { program: findTool('git', env.PATH ?? '') ?? '', env },
    guard: inside => addressGuard({ private: inside, pin: true }),
    server: { url: server.url, token: TOKEN },
  }
})

afterEach(async () => {
  await opened?.close()
  opened = undefined
  await server.close()
  await world.close()
})

const sectionOf = (path: string, url: string) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`

/** A commit of a repository with one submodule. */
function holds(repository: TestRepository, path: string, commit: string, url: string): void {
  repository.commit({ message: 'Files', files: { '.gitmodules': sectionOf(path, url), 'a.txt': 'a' } })
  repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  repository.git(
    'update-ref',
    'HEAD',
    repository.object({ message: 'Submodule' }, repository.git('write-tree'), [repository.head()]),
  )
}

async function judge(yaml = '', blocks = '') {
  await server.publish(lib.folder, 'acme/lib')
  await server.publish(app.folder, 'acme/app')
  server.log.length = 0
  const id = app.git('rev-parse', 'HEAD') as CommitId
  opened = await openHistory({
    git: findTool('git', process.env.PATH ?? '') ?? '',
    folder: join(world.folder, 'history'),
    url: app.folder,
    localPath: true,
    env: environment(),
    head: id,
    deadline: new Date(Date.now() + 600_000),
  })
  await opened.fetchTree(id)
  const commit = parseCommit(id, await opened.commit(id))
  if ('malformed' in commit) throw new Error(commit.malformed.message)
  world.tree = { history: opened, tree: commit.tree, remote: `${server.url}/acme/app` }
  const items = yaml === '' ? [] : world.items(yaml)
  const fetched = await world.fetch(items, { blocks }, ports)
  const exported = () =>
    exportTree(opened as History, commit, join(world.folder, 'context'), { submodules: submodulesOf(fetched) })
  return {
    fetched: fetched.map(({ judged }) => ({ ...judged, codes: judged.findings.map(({ code }) => code) })),
    exported,
    asked: server.log.map(({ path }) => path),
  }
}

const head = () => lib.git('rev-parse', 'HEAD')

function declared(
  path = 'vendor/lib',
  commit = head(),
  { name = 'lib', repository = 'acme/lib', more = '' } = {},
): string {
  const uri = `git+${server.url}/${repository}@${commit}`
  return `  - {name: ${name}, uri: "${uri}", digest: {gitCommit: ${commit}}, use: {submodule: ${path}}${more}}\n`
}

const SIGNED = { more: ', verify: {git: {key: alice}}' }

test('13-adversary 14: a declared submodule is fetched at the commit of the tree, and its files are in the export', async () => {
  holds(app, 'vendor/lib', head(), '../lib.git')
  const { fetched, exported } = await judge(declared())
  expect(fetched).toMatchObject([
    { verdict: 'passed', kind: 'git', digest: { gitCommit: head() }, proof: { kind: 'digest' } },
  ])
  expect(fetched[0]?.places).toEqual(['.github/waybill.materials.yml:3', 'vendor/lib'])
  const { folder, submodules, files } = await exported()
  expect(readFileSync(join(folder, 'vendor/lib/lib.c'), 'utf8')).toBe('int x;')
  expect(files).toBe(4)
  expect(submodules).toMatchObject([{ path: 'vendor/lib', commit: head() }])
})

test('a submodule that the manifest wants signed is signed by that key, or refused', async () => {
  holds(app, 'vendor/lib', head(), '../lib.git')
  const signed = await judge(declared('vendor/lib', head(), SIGNED), KEYS)
  expect(signed.fetched).toMatchObject([{ verdict: 'passed', proof: { kind: 'signature', keys: 'policy' } }])
  lib.commit({ message: 'By nobody', files: { x: 'x' } })
  holds(app, 'vendor/lib', head(), '../lib.git')
  await opened?.close()
  const bare = await judge(declared('vendor/lib', head(), SIGNED), KEYS)
  expect(bare.fetched).toMatchObject([{ verdict: 'rejected', codes: ['materials/signature-wrong'] }])
})

test('a rule of the policy allows a submodule that no manifest declares, with the signature it asks for', async () => {
  holds(app, 'vendor/lib', head(), `${server.url}/acme/lib.git`)
  const rule = `materials: [{match: "git+${server.url}/acme/**", keys: [alice]}]\n`
  const { fetched, exported } = await judge('', `${KEYS}${rule}`)
  expect(fetched).toMatchObject([
    { verdict: 'passed', uri: `git+${server.url}/acme/lib@${head()}`, proof: { kind: 'signature', keys: 'policy' } },
  ])
  expect(fetched[0]?.places).toEqual(['.gitmodules', 'vendor/lib'])
  expect((await exported()).submodules).toHaveLength(1)
})

test('13-adversary 14, 39: a submodule that nothing declares, or that a rule denies, is refused before anybody is asked', async () => {
  holds(app, 'vendor/lib', head(), '../lib.git')
  const open = await judge()
  expect(open.fetched).toMatchObject([{ verdict: 'rejected', codes: ['source/submodule-undeclared'] }])
  const [finding] = open.fetched[0]?.findings ?? []
  expect(finding?.remedy).toContain(
    `{name: lib, uri: "git+${server.url}/acme/lib@${head()}", digest: {gitCommit: ${head()}}, use: {submodule: "vendor/lib"}}`,
  )
  await expect(open.exported()).rejects.toMatchObject({ code: 'source/submodule-undeclared' })
  await opened?.close()
  const denied = await judge('', `materials: [{match: "git+${server.url}/**", deny: true}]\n`)
  expect(denied.fetched).toMatchObject([{ verdict: 'rejected', codes: ['policy/denied'] }])
  expect([...open.asked, ...denied.asked]).toEqual([])
})

test('13-adversary 20: the manifest may not say another commit or repository than the tree', async () => {
  holds(app, 'vendor/lib', head(), '../lib.git')
  const other = lib.commit({ message: 'Newer', files: { y: 'y' } })
  const commit = await judge(declared('vendor/lib', other))
  expect(commit.fetched).toMatchObject([{ verdict: 'rejected', codes: ['source/submodule-mismatch'] }])
  await opened?.close()
  const old = lib.git('rev-parse', 'HEAD^')
  const place = await judge(declared('vendor/lib', old, { repository: 'mallory/lib' }))
  expect(place.fetched).toMatchObject([{ verdict: 'rejected', codes: ['source/submodule-mismatch'] }])
  await opened?.close()
  const nowhere = await judge(`${declared('vendor/lib', old)}${declared('elsewhere', old, { name: 'second' })}`)
  expect(nowhere.fetched.map(({ codes }) => codes)).toEqual([[], ['source/submodule-mismatch']])
  expect([...commit.asked, ...place.asked]).toEqual([])
})

test('13-adversary 17: the token goes to submodules on the run’s own server, and to nobody else', async () => {
  server.token = TOKEN
  holds(app, 'vendor/lib', head(), '../lib.git')
  expect((await judge(declared())).fetched).toMatchObject([{ verdict: 'passed' }])
  const sent = server.log.map(({ headers }) => headers.authorization)
  expect(sent).toContain(`Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`)
  await opened?.close()
  ports = {
    ...ports,
    server: { url: 'https://git.example.com', token: TOKEN },
    guard: () => addressGuard({ private: true, pin: true }),
  }
  expect((await judge(declared())).fetched).toMatchObject([{ verdict: 'unknown' }])
  expect(server.log.every(({ headers }) => headers.authorization === undefined)).toBe(true)
})

test('13-adversary 39: a submodule at an address inside is not asked for', async () => {
  const inside = await startGitServer({ folder: join(world.folder, 'inside') })
  try {
    holds(app, 'vendor/lib', head(), `${inside.url}/acme/lib`)
    const { fetched } = await judge(declared().replace(server.url, inside.url))
    expect(fetched).toMatchObject([{ codes: ['core/address-refused'] }])
    expect(fetched[0]?.verdict).not.toBe('passed')
    expect(inside.log).toEqual([])
  } finally {
    await inside.close()
  }
})

test('13-adversary 9: a repository that serves another object under the id of the commit is refused', async () => {
  const commit = 'f'.repeat(40)
  holds(app, 'vendor/lib', commit, '../lib.git')
  const { fetched } = await judge(declared('vendor/lib', commit))
  expect(fetched[0]?.verdict).not.toBe('passed')
})

test('submodules inside submodules are materials of their own, each declared by its whole path', async () => {
  const outer = new TestRepository(join(world.folder, 'outer'))
  holds(outer, 'third', head(), '../lib')
  await server.publish(outer.folder, 'acme/outer')
  const top = outer.git('rev-parse', 'HEAD')
  holds(app, 'vendor/outer', top, '../outer')
  const both =
    declared('vendor/outer', top, { name: 'outer', repository: 'acme/outer' }) + declared('vendor/outer/third', head())
  const { fetched, exported } = await judge(both)
  expect(fetched.map(({ verdict }) => verdict)).toEqual(['passed', 'passed'])
  const { folder, submodules } = await exported()
  expect(readFileSync(join(folder, 'vendor/outer/third/lib.c'), 'utf8')).toBe('int x;')
  expect(submodules.map(({ path }) => path)).toEqual(['vendor/outer', 'vendor/outer/third'])
  await opened?.close()
  const one = await judge(declared('vendor/outer', top, { name: 'outer', repository: 'acme/outer' }))
  expect(one.fetched.map(({ verdict, codes }) => [verdict, codes])).toEqual([
    ['rejected', ['source/submodule-undeclared']],
    ['rejected', ['source/submodule-undeclared']],
  ])
})

test('13-adversary 43: submodules lie only so deep in one another', async () => {
  let commit = head()
  let [url, path] = ['../lib', 's']
  let items = ''
  for (let depth = 6; depth >= 2; depth--) {
    const repository = new TestRepository(join(world.folder, `deep-${depth}`))
    holds(repository, 's', commit, url)
    await server.publish(repository.folder, `acme/deep-${depth}`)
    ;[commit, url] = [repository.git('rev-parse', 'HEAD'), `../deep-${depth}`]
  }
  holds(app, 's', commit, url)
  for (let depth = 2; depth <= 6; depth++, path += '/s') {
    const served = join(world.folder, `deep-${depth}`)
    const id = new TestRepository(served).git('rev-parse', 'HEAD')
    items += declared(path, id, { name: `deep-${depth}`, repository: `acme/deep-${depth}` })
  }
  const { fetched } = await judge(items + declared(path, head()))
  expect(fetched.flatMap(({ codes }) => codes)).toContain('source/submodule-depth')
  expect(fetched.every(({ verdict }) => verdict === 'rejected')).toBe(true)
})

test('13-adversary 14: .gitmodules that is a link, or says nothing of an entry, is refused', async () => {
  holds(app, 'vendor/lib', head(), '../lib.git')
  const commit = (rows: string) => {
    const tree = app.gitInput(`${rows}\n`, 'mktree', '--missing')
    app.git('update-ref', 'HEAD', app.object({ message: 'Tree' }, tree, [app.head()]))
  }
  const rows = app.git('ls-tree', 'HEAD')
  commit(rows.replace(/100644 blob (?=.*\.gitmodules)/, '120000 blob '))
  await expect(judge(declared())).rejects.toMatchObject({ code: 'source/gitmodules-malformed' })
  await opened?.close()
  commit(rows.replace(/^.*\.gitmodules\n/m, ''))
  const { fetched, exported } = await judge(declared())
  expect(fetched).toMatchObject([{ codes: ['source/submodule-mismatch'] }])
  await expect(exported()).rejects.toMatchObject({ code: 'source/submodule-undeclared' })
})

test('a submodule’s own Git LFS content comes from its own repository', async () => {
  const large = 'large content'
  lib.commit({ message: 'Large', files: { 'model.bin': server.lfs.add(large) } })
  holds(app, 'vendor/lib', head(), '../lib.git')
  const { fetched, exported, asked } = await judge(declared())
  expect(fetched).toMatchObject([{ verdict: 'passed' }])
  expect(asked).toContain('/acme/lib.git/info/lfs/objects/batch')
  const { folder, large: files } = await exported()
  expect(readFileSync(join(folder, 'vendor/lib/model.bin'), 'utf8')).toBe(large)
  expect(files).toMatchObject([{ path: 'vendor/lib/model.bin', within: { commit: head(), path: 'model.bin' } }])
})
