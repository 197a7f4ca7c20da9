import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommitId } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { type History, openHistory, resolveTag } from '../../src/source/git.ts'
import { parseTag } from '../../src/source/tag.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { Clone, errorOf, findGit, idOf, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
let count = 0
const open: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const item of open) await item.close()
})

const clone = (): Clone => new Clone(join(ROOT, `clone-${++count}`))

function options(url: string, localPath = false) {
  const folder = join(ROOT, `run-${++count}`)
  const deadline = new Date(Date.now() + 60_000)
  return { git: findGit(), folder, env: { PATH: process.env.PATH }, deadline, url, ...(localPath ? { localPath } : {}) }
}

async function serve(from: Clone): Promise<GitServer> {
  const server = await startGitServer({ folder: join(ROOT, `server-${++count}`) })
  open.push(server)
  await server.publish(from.path, 'acme/app')
  return server
}

async function historyOf(url: string, head: string, localPath = false): Promise<History> {
  const history = await openHistory({ ...options(url, localPath), head: parseCommitId(head) })
  open.push(history)
  return history
}

/** Two commits; an annotated tag, one of that tag, a lightweight one, and names that contain others. */
function sample() {
  const from = clone()
  const first = from.commit('one')
  const head = from.commit('two')
  from.git('tag', '-a', 'v1', '-m', 'First', first)
  from.git('tag', '-a', 'outer', '-m', 'Outer', 'v1')
  from.git('tag', 'light', head)
  from.git('tag', 'x/refs/tags/v1', head)
  const object = (name: string) => parseCommitId(from.git('rev-parse', `refs/tags/${name}`))
  return { from, first, head, object }
}

test('resolveTag() tells the tag object and the commit behind it, over http and from a folder', async () => {
  const { from, first, head, object } = sample()
  const { url } = await serve(from)
  for (const given of [options(`${url}/acme/app`), options(from.path, true)]) {
    const ask = (ref: string) => resolveTag(given, ref)
    expect(await ask('refs/tags/v1')).toEqual({ id: object('v1'), peeled: first })
    expect(await ask('refs/tags/outer')).toEqual({ id: object('outer'), peeled: first })
    expect(await ask('refs/tags/light')).toEqual({ id: head })
    expect(await ask('refs/heads/main')).toEqual({ id: head })
    expect(await ask('refs/tags/none')).toBeUndefined()
  }
})

test('history.tag() fetches the object alone, once, and its bytes are those of git', async () => {
  const { from, head, object } = sample()
  const server = await serve(from)
  const history = await historyOf(`${server.url}/acme/app`, head)
  const before = server.log.length
  const bytes = await history.tag(object('v1'))
  expect(Buffer.from(bytes).equals(from.bytes('cat-file', 'tag', 'v1'))).toBe(true)
  expect(parseTag(bytes)).toMatchObject({ id: object('v1'), name: 'v1' })
  const asked = server.log.length - before
  await history.tag(object('v1'))
  expect([asked > 0, server.log.length - before]).toEqual([true, asked])
})

test('history.tag() of what is no tag, or nowhere, is refused by type or name', async () => {
  const { from, head } = sample()
  const history = await historyOf(from.path, head, true)
  expect((await errorOf(() => history.tag(head))).code).toBe('source/tree-malformed')
  const nowhere = await errorOf(() => history.tag(parseCommitId('1'.repeat(40))))
  expect(nowhere.kind).toBe('unknown')
})

test('13-adversary 13: history.tag() of a huge tag keeps what the parser needs to refuse it', async () => {
  const { from, head } = sample()
  const text = `object ${head}\ntype commit\ntag huge\ntagger a <a@example.com> 1 +0000\n\n${'x'.repeat(2 * LIMITS.commitBytes)}`
  writeFileSync(join(ROOT, 'huge'), text)
  const id = parseCommitId(from.git('hash-object', '-w', '-t', 'tag', '--literally', join(ROOT, 'huge')))
  expect(id).toBe(idOf('tag', Buffer.from(text)))
  from.git('update-ref', 'refs/tags/huge', id)
  const history = await historyOf(from.path, head, true)
  const bytes = await history.tag(id)
  expect(bytes.byteLength).toBe(LIMITS.commitBytes + 1)
  expect(parseTag(bytes, id)).toMatchObject({ id, refused: { code: 'source/malformed' } })
})

test('a newer tip is fetched without the history that is there already', async () => {
  const from = clone()
  for (let at = 0; at < 20; at++) from.commit(`commit ${at}`)
  const head = from.head()
  const tip = from.commit('newer')
  const server = await serve(from)
  const given = options(`${server.url}/acme/app`)
  const history = await openHistory({ ...given, head })
  open.push(history)
  const objects = () => {
    const counted = execFileSync(given.git, ['-C', join(given.folder, 'commits.git'), 'count-objects', '-v'])
    return Number(/in-pack: (\d+)/.exec(counted.toString())?.[1])
  }
  expect(objects()).toBe(20)
  await history.ensure([tip])
  expect(objects()).toBe(21)
})
