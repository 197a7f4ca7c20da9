import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { type History, type HistoryOptions, openHistory, resolveRef } from '../../src/source/git.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { walkFirstParents } from '../../src/source/walk.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { startService } from '../fakes/service.ts'
import { allOf, Clone, errorOf, findGit, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
const GIT = findGit()
let count = 0
const fresh = (): string => join(ROOT, `run-${++count}`)
const open: History[] = []
const servers: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const history of open) await history.close()
  for (const server of servers) await server.close()
})

function clone(): Clone {
  return new Clone(join(ROOT, `clone-${++count}`))
}

function options(given: Partial<HistoryOptions> & Pick<HistoryOptions, 'url' | 'head'>): HistoryOptions {
  const env = { PATH: process.env.PATH }
  return { git: GIT, folder: fresh(), env, deadline: new Date(Date.now() + 60_000), ...given }
}

async function local(from: Clone, head: CommitId, more: Partial<HistoryOptions> = {}): Promise<History> {
  const history = await openHistory(options({ url: from.path, localPath: true, head, ...more }))
  open.push(history)
  return history
}

async function serve(token?: string): Promise<GitServer> {
  const folder = join(ROOT, `server-${++count}`)
  const server = await startGitServer({ folder, ...(token === undefined ? {} : { token }) })
  servers.push(server)
  return server
}

/** main: one, two; side: three; merge; with a policy that changes in two. */
function sample(): { from: Clone; anchor: CommitId; head: CommitId } {
  const from = clone()
  mkdirSync(join(from.path, '.github'))
  writeFileSync(join(from.path, '.github/waybill.yml'), 'version: 1\n')
  writeFileSync(join(from.path, 'file'), 'one\n')
  const anchor = from.commit('one')
  writeFileSync(join(from.path, '.github/waybill.yml'), 'version: 1 # changed\n')
  from.commit('two')
  from.git('checkout', '--quiet', '-b', 'side', anchor)
  writeFileSync(join(from.path, 'other'), 'three\n')
  from.commit('three')
  from.git('checkout', '--quiet', 'main')
  from.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'side')
  from.git('tag', '-a', 'v1', '-m', 'tagged')
  return { from, anchor, head: from.head() }
}

async function subjects(history: History, head: CommitId, anchor: CommitId): Promise<string> {
  const graph = new CommitGraph(id => history.commit(id), history.guess.bind(history))
  const steps = await allOf((await walkFirstParents(head, anchor, graph)).steps())
  const all = steps.flatMap(step => [...step.broughtIn, step.commit])
  const commits = await Promise.all(all.map(async id => parseCommit(id, await history.commit(id))))
  return commits.map(commit => ('subject' in commit ? commit.subject : 'malformed')).join(' ')
}

test('openHistory() of the tip alone gives its commit, tag and tree, and nothing below', async () => {
  const { from, anchor, head } = sample()
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  const history = await openHistory(options({ url: `${server.url}/acme/app`, head, tipOnly: true }))
  open.push(history)
  const commit = parseCommit(head, await history.commit(head))
  expect(commit).toMatchObject({ subject: 'merge' })
  const tag = parseCommitId(from.git('rev-parse', 'v1').trim())
  expect(Buffer.from(await history.tag(tag)).toString()).toContain('tag v1')
  await history.fetchTree(head)
  if ('tree' in commit) expect((await history.tree(commit.tree)).map(({ name }) => name)).toContain('other')
  expect(await errorOf(() => history.commit(anchor))).toMatchObject({ code: 'source/object-missing' })
})

test.each(['a local clone', 'a server'])('openHistory() of %s gives commits, law files and the tree', async kind => {
  const { from, anchor, head } = sample()
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  const history =
    kind === 'a server'
      ? await openHistory(options({ url: `${server.url}/acme/app`, head, also: [anchor] }))
      : await local(from, head, { also: [anchor] })
  open.push(history)
  expect(await subjects(history, head, anchor)).toBe('two three merge')
  const laws: string[] = []
  const commits = [anchor, head].map(id => ({ id, tree: from.tree(id) }))
  for await (const { law } of history.lawFiles(commits))
    laws.push(...law.files.map(file => Buffer.from(file.bytes).toString()))
  expect(laws).toEqual(['version: 1\n', 'version: 1 # changed\n'])
  await history.fetchTree(head)
  const entries = await history.tree(from.tree(head))
  expect(entries.map(entry => entry.name)).toEqual(['.github', 'file', 'other'])
  expect(Buffer.from(await history.blob(entries[1]?.id ?? head, 100)).toString()).toBe('one\n')
  expect(await errorOf(() => history.blob(entries[1]?.id ?? head, 2))).toMatchObject({ code: 'source/blob-too-large' })
})

test('openHistory() fetches a server’s history without trees, and few requests for any number of laws', async () => {
  const { from, head } = sample()
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  const history = await openHistory(options({ url: `${server.url}/acme/app`, head }))
  open.push(history)
  expect(await errorOf(() => history.tree(from.tree(head)))).toMatchObject({
    code: 'source/object-missing',
    kind: 'unknown',
  })
  const before = server.log.length
  const commits = from.git('rev-list', 'HEAD').split('\n').map(parseCommitId)
  let laws = 0
  for await (const _ of history.lawFiles(commits.map(id => ({ id, tree: from.tree(id) })))) laws++
  expect(laws).toBe(4)
  // Two fetches of an information request and one or two posts each: no request a commit.
  expect(server.log.length - before).toBeLessThanOrEqual(8)
})

test('13-adversary 17: the token goes to its repository only, never into the command line or the URL', async () => {
  const { from, head } = sample()
  const server = await serve('s3cret')
  await server.publish(from.path, 'acme/app')
  const url = `${server.url}/acme/app`
  open.push(await openHistory(options({ url, head, token: 's3cret' })))
  expect(server.log.every(record => record.headers.authorization !== undefined || record.status === 401)).toBe(true)
  expect(server.log.map(record => record.path).join()).not.toContain('s3cret')
  const error = await errorOf(() => openHistory(options({ url, head })))
  expect(error).toMatchObject({ code: 'source/repository-unreachable', kind: 'unknown' })
  expect(error.remedy).toContain('github-token')
  const wrong = await errorOf(() => openHistory(options({ url, head, token: 'wrong' })))
  expect(wrong.remedy).toContain('contents: read')
  expect(JSON.stringify(wrong)).not.toContain('wrong')
})

test('13-adversary 17: a redirect is not followed, so the token never reaches another host', async () => {
  const { from, head } = sample()
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  const redirect = await startService('redirect', request => ({
    status: 302,
    headers: { location: `${server.url}${request.path}?${request.queryText}` },
  }))
  servers.push(redirect)
  const error = await errorOf(() => openHistory(options({ url: `${redirect.url}/acme/app`, head, token: 's3cret' })))
  expect(error.code).toBe('source/repository-unreachable')
  expect(server.log).toEqual([])
})

test.each([
  { given: 'a path that nobody asked for', url: '/tmp' },
  { given: 'a relative path', url: 'here', localPath: true },
  { given: 'ssh', url: 'ssh://git@example.com/acme/app' },
  { given: 'scp form', url: 'git@example.com:acme/app' },
  { given: 'a helper', url: 'ext::sh -c true' },
  { given: 'plain http to another host', url: 'http://example.com/acme/app' },
  { given: 'a password', url: 'https://alice:s3cret@example.com/acme/app' },
  { given: 'an option', url: '--upload-pack=true' },
  { given: 'file', url: 'file:///tmp' },
])('13-adversary 17: openHistory() refuses $given as a repository', async ({ url, localPath = false }) => {
  const error = await errorOf(() => openHistory(options({ url, localPath, head: parseCommitId('1'.repeat(40)) })))
  expect(error).toMatchObject({ code: 'source/repository-unsupported', kind: 'configuration' })
  expect(JSON.stringify(error)).not.toContain('s3cret')
})

test('the configuration, variables and home of the caller have no say', async () => {
  const { from, head, anchor } = sample()
  const home = fresh()
  mkdirSync(home)
  writeFileSync(
    join(home, '.gitconfig'),
    '[url "/nowhere"]\n\tinsteadOf = /\n[core]\n\thooksPath = /nowhere\n[broken\n',
  )
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    GIT_DIR: '/nowhere',
    GIT_OBJECT_DIRECTORY: '/nowhere',
    GIT_TRACE: '1',
  }
  expect(await subjects(await local(from, head, { env }), head, anchor)).toBe('two three merge')
})

test('13-adversary 9: replacement refs of a clone change nothing', async () => {
  const { from, head, anchor } = sample()
  const evil = from.store(
    'commit',
    Buffer.from(from.bytes('cat-file', 'commit', head).toString().replace('merge', 'evil')),
  )
  from.git('replace', head, evil)
  expect(from.git('log', '-1', '--format=%s', head)).toBe('evil')
  expect(await subjects(await local(from, head), head, anchor)).toBe('two three merge')
})

test('13-adversary 9: a grafts file of a clone changes nothing', async () => {
  const { from, head, anchor } = sample()
  writeFileSync(join(from.path, '.git/info/grafts'), `${head} ${anchor}\n`)
  expect(from.git('log', '--format=%s', head)).toBe('merge\none')
  expect(await subjects(await local(from, head), head, anchor)).toBe('two three merge')
})

test('13-adversary 9: a commit-graph file of a clone that lies changes nothing', async () => {
  const { from, head, anchor } = sample()
  writeFileSync(join(from.path, '.git/info/grafts'), `${head} ${anchor}\n`)
  from.git('-c', 'core.commitGraph=true', 'config', 'core.commitGraph', 'true')
  mkdirSync(join(from.path, '.git/objects/info'), { recursive: true })
  writeFileSync(join(from.path, '.git/objects/info/commit-graph'), 'CGPH\x01\x01\x00\x00nonsense')
  expect(await subjects(await local(from, head), head, anchor)).toBe('two three merge')
})

test('13-adversary 9: a hook or pack program configured in a clone is not run', async () => {
  const { from, head, anchor } = sample()
  const witness = join(ROOT, 'witness')
  for (const key of ['uploadpack.packObjectsHook', 'core.fsmonitor', 'core.sshCommand', 'core.alternateRefsCommand']) {
    from.git('config', key, `touch ${witness}; false`)
  }
  expect(await subjects(await local(from, head), head, anchor)).toBe('two three merge')
  expect(() => execFileSync('test', ['!', '-e', witness])).not.toThrow()
})

/** Stores other content under the id of an object, as whoever can write to a workspace can. */
function forge(from: Clone, id: CommitId, type: string, content: string): void {
  const file = join(from.path, '.git/objects', id.slice(0, 2), id.slice(2))
  execFileSync('rm', ['-f', file])
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, deflateSync(Buffer.from(`${type} ${content.length}\0${content}`)))
}

test('13-adversary 9: a forged loose commit is never read as the real one', async () => {
  const { from, head } = sample()
  const text = from.bytes('cat-file', 'commit', head).toString().replace('merge', 'forge')
  forge(from, head, 'commit', text)
  expect(from.git('cat-file', 'commit', head)).toContain('forge')
  const error = await errorOf(() => local(from, head))
  expect(['source/object-forged', 'source/object-missing', 'source/commit-not-found']).toContain(error.code)
})

test('13-adversary 14: a forged loose blob never reaches an export', async () => {
  const { from, head } = sample()
  forge(from, parseCommitId(from.git('rev-parse', 'HEAD:file')), 'blob', 'evil\n')
  const history = await local(from, head)
  const error = await errorOf(async () => {
    await history.fetchTree(head)
    const [, file] = await history.tree(from.tree(head))
    return history.blob(file?.id ?? head, 100)
  })
  expect(['source/object-forged', 'source/object-missing']).toContain(error.code)
})

test('a shallow clone is unknown, with the command that completes it', async () => {
  const { from, head, anchor } = sample()
  const shallow = clone()
  shallow.git('fetch', '--quiet', '--depth=2', `file://${from.path}`, 'main')
  const error = await errorOf(async () => subjects(await local(shallow, head), head, anchor))
  expect(error).toMatchObject({ code: 'source/object-missing', kind: 'unknown' })
  expect(error.remedy).toContain('git fetch --unshallow')
})

test('a linked worktree and a bare repository are sources like any clone', async () => {
  const { from, head, anchor } = sample()
  const linked = `${from.path}-linked`
  from.git('worktree', 'add', '--quiet', '--detach', linked)
  const bare = `${from.path}-bare`
  from.git('clone', '--quiet', '--bare', from.path, bare)
  for (const url of [linked, bare]) {
    const history = await openHistory(options({ url, localPath: true, head }))
    open.push(history)
    expect(await subjects(history, head, anchor)).toBe('two three merge')
  }
})

test.each([
  { given: 'no such commit', make: (from: Clone) => ({ from, id: '1'.repeat(40) }), code: 'source/commit-not-found' },
  {
    given: 'a tag object',
    make: (from: Clone) => ({ from, id: from.git('rev-parse', 'v1') }),
    code: 'source/commit-not-found',
  },
  { given: 'a tree', make: (from: Clone) => ({ from, id: from.tree('HEAD') }), code: 'source/commit-not-found' },
])('openHistory() given $given says so', async ({ make, code }) => {
  const { from, id } = make(sample().from)
  const head = parseCommitId(id)
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  expect((await errorOf(() => local(from, head))).code).toBe(code)
  expect((await errorOf(() => openHistory(options({ url: `${server.url}/acme/app`, head })))).code).toBe(code)
})

test('openHistory() given an anchor that the repository does not have says so', async () => {
  const { from, head } = sample()
  const anchor = parseCommitId('2'.repeat(40))
  expect(await errorOf(() => local(from, head, { also: [anchor] }))).toMatchObject({
    code: 'source/commit-not-found',
    message: expect.stringContaining(anchor),
  })
})

test('openHistory() given no repository says so', async () => {
  const { head } = sample()
  const server = await serve()
  const cases = [
    options({ url: `${server.url}/acme/none`, head }),
    options({ url: ROOT, localPath: true, head }),
    options({ url: 'http://127.0.0.1:9/acme/app', head }),
  ]
  for (const given of cases) {
    expect(await errorOf(() => openHistory(given))).toMatchObject({
      code: 'source/repository-unreachable',
      kind: 'unknown',
    })
  }
})

test('a repository with SHA-256 ids is refused by name', async () => {
  const path = join(ROOT, 'sha256')
  execFileSync('git', ['init', '--quiet', '--object-format=sha256', path])
  const error = await errorOf(() =>
    openHistory(options({ url: path, localPath: true, head: parseCommitId('1'.repeat(40)) })),
  )
  expect(error).toMatchObject({ code: 'source/repository-unsupported', found: 'SHA-256 object ids' })
})

test('13-adversary 13: the deadline ends the stage as unknown', async () => {
  const { from, head } = sample()
  const late = await errorOf(() => local(from, head, { deadline: new Date(1_000), now: () => 2_000 }))
  expect(late).toMatchObject({ code: 'source/deadline', kind: 'unknown' })
  const silent = await startService('silent', () => new Promise(() => {}))
  servers.push(silent)
  const slow = options({ url: `${silent.url}/acme/app`, head, deadline: new Date(Date.now() + 1_000) })
  expect((await errorOf(() => openHistory(slow))).code).toBe('source/deadline')
})

test('13-adversary 13: a history that takes too much room on disk is unknown', async () => {
  const { from, head } = sample()
  const error = await errorOf(() => local(from, head, { maxDiskBytes: 1_000 }))
  expect(error).toMatchObject({ code: 'source/disk-limit', kind: 'unknown', expected: 'at most 1000 bytes' })
})

test('13-adversary 13: when the stage is over, its deadline no longer ends what is read later', async () => {
  const { from, head } = sample()
  let now = 1_000
  const history = await local(from, head, { deadline: new Date(60_000), now: () => now })
  history.endStage()
  now = 1_000_000
  expect(history.remaining()).toBe(LIMITS.sourceStageMs)
  await history.fetchTree(head)
  expect((await history.tree(from.tree(head))).length).toBe(3)
})

test('ensureHeads() brings commits by id or by ref, and names those that are gone', async () => {
  const { from, head } = sample()
  const server = await serve()
  const tree = from.tree(head)
  const [one, two] = ['one', 'two'].map(name => parseCommitId(from.git('commit-tree', tree, '-p', head, '-m', name)))
  if (one === undefined || two === undefined) throw new Error('git wrote no commit')
  from.git('update-ref', 'refs/pull/1/head', one)
  from.git('update-ref', 'refs/pull/2/head', two)
  await server.publish(from.path, 'acme/app')
  const history = await openHistory(options({ url: `${server.url}/acme/app`, head }))
  open.push(history)
  const gone = parseCommitId('7'.repeat(40))
  const heads = [one, gone, two].map((id, at) => ({ id, ref: `refs/pull/${at + 1}/head` }))
  expect(await history.ensureHeads(heads)).toEqual(new Set([gone]))
  expect((await history.commit(two)).byteLength).toBeGreaterThan(0)
})

test('13-adversary 13: reading stops at the deadline, too', async () => {
  const { from, head } = sample()
  const history = await local(from, head, { deadline: new Date(Date.now() + 1_500) })
  await new Promise(resolve => setTimeout(resolve, 1_600))
  expect((await errorOf(() => history.commit(head))).code).toBe('source/deadline')
})

test('a git that is too old, or is no git, is unknown', async () => {
  const old = join(ROOT, 'old-git')
  writeFileSync(old, '#!/bin/sh\necho git version 2.37.9\n', { mode: 0o755 })
  const given = options({ url: 'https://example.com/acme/app', head: parseCommitId('1'.repeat(40)), git: old })
  expect(await errorOf(() => openHistory(given))).toMatchObject({ code: 'source/git-too-old', kind: 'unknown' })
})

test('commit() of an object larger than any commit gives enough for the parser to refuse it', async () => {
  const { from, head, anchor } = sample()
  const text = from.bytes('cat-file', 'commit', head).toString()
  const huge = from.store('commit', Buffer.from(text + 'x'.repeat(2 * LIMITS.commitBytes)))
  const history = await local(from, huge)
  const parsed = parseCommit(huge, await history.commit(huge))
  expect(parsed).toMatchObject({ malformed: { code: 'source/malformed' } })
  expect(parsed.parents).toEqual(parseParents(text))
  expect(await subjects(history, huge, anchor)).toBe('two three malformed')
})

function parseParents(text: string): readonly string[] {
  return [...text.matchAll(/^parent (.{40})$/gm)].map(([, id = '']) => id)
}

test('malformed commits are fetched and read like any others', async () => {
  const { from, head, anchor } = sample()
  const bad = from.store('commit', Buffer.from(`tree ${from.tree(head)}\nparent ${head}\nauthor ?\n\nx\n`))
  expect(await subjects(await local(from, bad), bad, anchor)).toBe('two three merge malformed')
})

test('resolveRef() gives branches, the commit behind a tag, and undefined for what is not there', async () => {
  const { from, head } = sample()
  from.git('branch', 'x/refs/heads/main')
  const server = await serve()
  await server.publish(from.path, 'acme/app')
  for (const given of [{ url: `${server.url}/acme/app` }, { url: from.path, localPath: true }]) {
    const ask = (ref: string) => resolveRef(options({ head, ...given }), ref)
    expect(await ask('refs/heads/main')).toBe(head)
    expect(await ask('refs/tags/v1')).toBe(head)
    expect(await ask('refs/heads/none')).toBeUndefined()
    expect(await ask('refs/heads/mai')).toBeUndefined()
  }
})

test.each(['main', 'refs/heads/*', 'refs/heads/a..b', '--upload-pack=x', 'refs/heads/a b', 'refs/heads/a\nb'])(
  'resolveRef() refuses the ref %j',
  async ref => {
    const given = options({ url: 'https://example.com/acme/app', head: parseCommitId('1'.repeat(40)) })
    expect((await errorOf(() => resolveRef(given, ref))).kind).toBe('configuration')
  },
)

test('resolveRef() of a server that does not answer is unknown', async () => {
  const given = options({ url: 'http://127.0.0.1:9/acme/app', head: parseCommitId('1'.repeat(40)) })
  expect((await errorOf(() => resolveRef(given, 'refs/heads/main'))).code).toBe('source/repository-unreachable')
})
