import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import type { LawFiles } from '../../src/core/facts.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { openHistory } from '../../src/source/git.ts'
import { startGitServer } from '../fakes/git-server.ts'
import { Clone, errorOf, findGit, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
let count = 0

function clone(): Clone {
  return new Clone(join(ROOT, `clone-${++count}`))
}

function put(from: Clone, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(from.path, path)), { recursive: true })
  writeFileSync(join(from.path, path), content)
}

async function lawsOf(from: Clone, commits: readonly { id: CommitId; tree: CommitId }[]): Promise<readonly LawFiles[]> {
  const history = await openHistory({
    git: findGit(),
    folder: join(ROOT, `run-${++count}`),
    url: from.path,
    localPath: true,
    env: { PATH: process.env.PATH },
    head: from.head(),
    deadline: new Date(Date.now() + 60_000),
  })
  try {
    const laws: LawFiles[] = []
    for await (const { law } of history.lawFiles(commits)) laws.push(law)
    return laws
  } finally {
    await history.close()
  }
}

async function lawOf(from: Clone): Promise<LawFiles> {
  const [law = { files: [] }] = await lawsOf(from, [{ id: from.head(), tree: from.tree('HEAD') }])
  return law
}

const paths = (law: LawFiles): readonly string[] => law.files.map(file => file.path)
const tree = (...rows: readonly [mode: string, name: string, id: CommitId][]): Buffer =>
  Buffer.concat(rows.flatMap(([mode, name, id]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]))

function commitOf(from: Clone, root: CommitId): { id: CommitId; tree: CommitId } {
  return { id: from.head(), tree: root }
}

test('lawFiles() gives regular files below .github, sorted, with the ids git gives them', async () => {
  const from = clone()
  for (const path of [
    '.github/waybill.yml',
    '.github/workflows/ci.yml',
    '.github/keys/a/alice.asc',
    'src/.github/no',
    'no',
  ]) {
    put(from, path, path)
  }
  from.commit('all')
  const law = await lawOf(from)
  expect(paths(law)).toEqual(['.github/keys/a/alice.asc', '.github/waybill.yml', '.github/workflows/ci.yml'])
  expect(law.tree).toBe(from.git('rev-parse', 'HEAD:.github'))
  for (const file of law.files) {
    expect(file.id).toBe(from.git('rev-parse', `HEAD:${file.path}`))
    expect(Buffer.from(file.bytes).toString()).toBe(file.path)
  }
})

test('lawFiles() gives the same object while the .github tree stays the same', async () => {
  const from = clone()
  put(from, '.github/waybill.yml', 'one')
  const commits = ['a', 'b', 'c'].map(name => {
    put(from, name, name)
    if (name === 'c') put(from, '.github/waybill.yml', 'two')
    return { id: from.commit(name), tree: from.tree('HEAD') }
  })
  const [a, b, c] = await lawsOf(from, commits)
  expect(a).toBe(b)
  expect(c).not.toBe(b)
  expect(c?.tree).not.toBe(b?.tree)
})

test('lawFiles() of a commit without .github says so, and it is the same for a file or a link of that name', async () => {
  const from = clone()
  from.commit('empty')
  expect(await lawOf(from)).toEqual({ files: [] })
  put(from, '.github', 'a file')
  from.commit('file')
  expect(await lawOf(from)).toEqual({ files: [] })
  const linked = clone()
  put(linked, 'real/waybill.yml', 'version: 1')
  symlinkSync('real', join(linked.path, '.github'))
  linked.commit('link')
  expect(await lawOf(linked)).toEqual({ files: [] })
})

test('13-adversary 3: a link or submodule below .github is no law file, but changes the tree', async () => {
  const from = clone()
  put(from, '.github/real.yml', 'version: 1')
  symlinkSync('real.yml', join(from.path, '.github/waybill.yml'))
  from.commit('link')
  const law = await lawOf(from)
  expect(paths(law)).toEqual(['.github/real.yml'])
  const link = parseCommitId(from.git('rev-parse', 'HEAD:.github/waybill.yml'))
  expect(law.links).toEqual([{ path: '.github/waybill.yml', id: link, kind: 'link' }])
  const blob = parseCommitId(from.git('rev-parse', 'HEAD:.github/real.yml'))
  const folder = from.store('tree', tree(['160000', 'module', from.head()], ['100644', 'x', blob]))
  const [module] = await lawsOf(from, [commitOf(from, from.store('tree', tree(['40000', '.github', folder])))])
  expect(paths(module ?? law)).toEqual(['.github/x'])
  expect(module?.tree).toBe(folder)
  expect(module?.links).toEqual([{ path: '.github/module', id: from.head(), kind: 'submodule' }])
})

test('lawFiles() keeps the id of a file above the limit, without its bytes', async () => {
  const from = clone()
  put(from, '.github/waybill.yml', new Uint8Array(LIMITS.policyFileBytes + 1).fill(35))
  put(from, '.github/exact', new Uint8Array(LIMITS.policyFileBytes).fill(35))
  from.commit('large')
  const sizes = (await lawOf(from)).files.map(file => file.bytes.byteLength)
  expect(sizes).toEqual([LIMITS.policyFileBytes, 0])
  expect((await lawOf(from)).files[1]?.id).toBe(from.git('rev-parse', 'HEAD:.github/waybill.yml'))
})

test('13-adversary 4: a .github that is malformed or too large is no law, and the commits around it still are judged', async () => {
  const from = clone()
  put(from, '.github/waybill.yml', 'version: 1')
  from.commit('good')
  const good = { id: from.head(), tree: from.tree('HEAD') }
  const blob = parseCommitId(from.git('rev-parse', 'HEAD:.github/waybill.yml'))
  const twice = from.store('tree', tree(['100644', 'waybill.yml', blob], ['100644', 'waybill.yml', blob]))
  const many = Array.from(
    { length: LIMITS.lawFiles + 1 },
    (_, i) => ['100644', `f${String(i).padStart(6, '0')}`, blob] as const,
  )
  const wide = from.store('tree', tree(...many.map(row => [...row] as [string, string, CommitId])))
  let bomb = blob
  for (let depth = 0; depth < 40; depth++) {
    const mode = depth === 0 ? '100644' : '40000'
    bomb = from.store('tree', tree([mode, 'a', bomb], [mode, 'b', bomb]))
  }
  const folders = [twice, wide, bomb].map(id => commitOf(from, from.store('tree', tree(['40000', '.github', id]))))
  const root = commitOf(from, from.store('tree', tree(['40000', '.github', twice], ['40000', '.github', wide])))
  const laws = await lawsOf(from, [good, ...folders, root, good])
  expect(laws.map(paths)).toEqual([['.github/waybill.yml'], [], [], [], [], ['.github/waybill.yml']])
  expect(laws.slice(1, 4).map(law => law.tree !== undefined)).toEqual([true, true, true])
})

test('13-adversary 5: a law file that cannot be read is unknown, never absent', async () => {
  const from = clone()
  from.commit('empty')
  const absent = parseCommitId('1'.repeat(40))
  const file = from.store('tree', tree(['100644', 'waybill.yml', absent]))
  const folder = from.store('tree', tree(['40000', '.github', absent]))
  const cases = [from.store('tree', tree(['40000', '.github', file])), folder, absent]
  for (const root of cases) {
    expect((await errorOf(() => lawsOf(from, [commitOf(from, root)]))).kind).toBe('unknown')
  }
})

test('names that are not UTF-8 stay apart', async () => {
  const from = clone()
  put(from, 'x', 'x')
  from.commit('x')
  const blob = parseCommitId(from.git('rev-parse', 'HEAD:x'))
  const rows = Buffer.concat(
    ['a\\xff', 'a\xfe', 'a\xff'].flatMap(name => [Buffer.from(`100644 ${name}\0`, 'latin1'), Buffer.from(blob, 'hex')]),
  )
  const root = from.store('tree', tree(['40000', '.github', from.store('tree', rows)]))
  const [law] = await lawsOf(from, [commitOf(from, root)])
  expect(new Set(law?.files.map(file => file.path)).size).toBe(3)
})

test('13-adversary 4: a .github that is the root of another commit as well is read all the same', async () => {
  const from = clone()
  put(from, '.github/waybill.yml', 'version: 1')
  from.commit('one')
  const one = { id: from.head(), tree: from.tree('HEAD') }
  const folder = parseCommitId(from.git('rev-parse', 'HEAD:.github'))
  const person = 'alice <alice@example.com> 1767225600 +0000'
  const text = `tree ${folder}\nparent ${one.id}\nauthor ${person}\ncommitter ${person}\n\nx\n`
  const two = { id: from.store('commit', Buffer.from(text)), tree: folder }
  from.git('update-ref', 'refs/heads/main', two.id)
  const server = await startGitServer({ folder: join(ROOT, 'server') })
  try {
    await server.publish(from.path, 'acme/app')
    const history = await openHistory({
      git: findGit(),
      folder: join(ROOT, `run-${++count}`),
      url: `${server.url}/acme/app`,
      env: { PATH: process.env.PATH },
      head: two.id,
      deadline: new Date(Date.now() + 60_000),
    })
    const laws: LawFiles[] = []
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      for await (const { law } of history.lawFiles(order)) laws.push(law)
    }
    await history.close()
    const file = ['.github/waybill.yml']
    expect(laws.map(paths)).toEqual([file, [], [], file])
  } finally {
    await server.close()
  }
})
