import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import type { TreeCheck } from '../../src/policy/evidence.ts'
import { type History, openHistory } from '../../src/source/git.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { basesOf, historyOf, sideOf } from '../../src/source/merge-base.ts'
import type { MergeQuestion } from '../../src/source/merge-tree.ts'
import { divergence } from '../../src/source/range.ts'
import { startGitServer } from '../fakes/git-server.ts'
import { Clone, findGit, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
const GIT = findGit()
let count = 0
const closing: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const item of closing) await item.close()
})

const TEN = Array.from({ length: 10 }, (_, i) => `line ${i}\n`)
const withLine = (at: number, text: string): string => TEN.map((line, i) => (i === at ? `${text}\n` : line)).join('')

/** main and side, both from `base`, each with what it changes; files that nobody touches beside them. */
class Fork {
  readonly clone = new Clone(join(ROOT, `clone-${++count}`))
  readonly base: CommitId
  readonly main: CommitId
  readonly side: CommitId

  constructor(base: Files, main: Files, side: Files) {
    this.base = this.commit('base', { 'untouched/deep/file': 'same\n', ...base })
    this.clone.git('branch', 'side')
    this.main = this.commit('main', main)
    this.clone.git('checkout', '--quiet', 'side')
    this.side = this.commit('side', side)
    this.clone.git('checkout', '--quiet', 'main')
  }

  commit(message: string, files: Files): CommitId {
    for (const [name, content] of Object.entries(files)) {
      const file = join(this.clone.path, name)
      mkdirSync(join(file, '..'), { recursive: true })
      if (content === null) this.clone.git('rm', '--quiet', name)
      else writeFileSync(file, content)
    }
    return this.clone.commit(message)
  }

  /** A merge of the two with this tree, as a commit object. */
  merge(tree: string, parents: readonly string[] = [this.main, this.side]): CommitId {
    const flags = parents.flatMap(parent => ['-p', parent])
    const id = parseCommitId(this.clone.git('commit-tree', tree, ...flags, '-m', 'merge'))
    this.clone.git('update-ref', `refs/heads/merge-${++count}`, id)
    return id
  }

  /** What `git merge` of a person makes, in a clone with a work tree. */
  merged(): string {
    this.clone.git('merge', '--quiet', '--no-commit', '--no-ff', 'side')
    this.clone.git('add', '--all')
    const tree = this.clone.git('write-tree')
    this.clone.git('merge', '--abort')
    return tree
  }
}

type Files = Readonly<Record<string, string | null>>

async function open(clone: Clone, head: CommitId, more: { deadline?: Date } = {}): Promise<History> {
  const folder = join(ROOT, `run-${++count}`)
  const { path: url } = clone
  const deadline = new Date(Date.now() + 60_000)
  const env = { PATH: process.env.PATH }
  const history = await openHistory({ git: GIT, folder, url, localPath: true, env, head, deadline, ...more })
  closing.push(history)
  return history
}

async function question(graph: CommitGraph, merge: CommitId): Promise<MergeQuestion> {
  const number = await graph.index(merge)
  const [ours = 0, theirs = 0] = graph.parents(number)
  await graph.ensure([ours, theirs])
  const { bases } = await divergence(theirs, await historyOf(ours, graph), graph)
  const { tree: expected } = await sideOf(number, graph)
  const sides = { ours: await sideOf(ours, graph), theirs: await sideOf(theirs, graph) }
  return { kind: 'merge', expected, ...sides, ...(await basesOf(bases, graph)) }
}

async function check(history: History, merges: readonly CommitId[]): Promise<readonly TreeCheck[]> {
  const graph = new CommitGraph(id => history.commit(id))
  return history.checkMerges(await Promise.all(merges.map(merge => question(graph, merge))))
}

async function checkOne(clone: Clone, merge: CommitId): Promise<TreeCheck | undefined> {
  const [answer] = await check(await open(clone, merge), [merge])
  return answer
}

const DISJOINT = [
  { f: TEN.join('') },
  { f: withLine(1, 'by main'), 'only-main': 'm\n' },
  { f: withLine(8, 'by side') },
] as const

test('a clean merge gives the tree that git gives, one with an edit does not', async () => {
  const fork = new Fork(...DISJOINT)
  const tree = fork.merged()
  const clean = fork.merge(tree)
  const history = await open(fork.clone, clean)
  expect(await check(history, [clean])).toEqual([{ kind: 'equal' }])
  fork.clone.git('checkout', '--quiet', clean)
  writeFileSync(join(fork.clone.path, 'evil'), 'evil\n')
  fork.clone.git('add', '--all')
  const evil = fork.merge(fork.clone.git('write-tree'))
  expect(await checkOne(fork.clone, evil)).toEqual({ kind: 'differs', merged: tree })
})

test.each<[string, Files, Files, Files]>([
  [
    'a file renamed on one side and changed on the other',
    { f: TEN.join('') },
    { f: null, g: TEN.join('') },
    { f: withLine(3, 'x') },
  ],
  [
    'a folder renamed on one side, a file added to it on the other',
    { 'a/1': '1\n', 'a/2': '2\n' },
    { 'a/1': null, 'a/2': null, 'b/1': '1\n', 'b/2': '2\n' },
    { other: 'o\n' },
  ],
  ['files added on both sides', {}, { 'x/one': '1\n' }, { 'x/two': '2\n' }],
  [
    'a file removed on one side, others changed',
    { f: 'f\n', g: TEN.join('') },
    { f: null, g: withLine(0, 'm') },
    { g: withLine(9, 's') },
  ],
  [
    'the same change on both sides',
    { f: TEN.join('') },
    { f: withLine(4, 'same'), m: 'm\n' },
    { f: withLine(4, 'same'), s: 's\n' },
  ],
  [
    'an executable and a link',
    { f: TEN.join('') },
    { f: withLine(1, 'm'), 'run.sh': '#!/bin/sh\n' },
    { f: withLine(7, 's') },
  ],
])('what git merges in a work tree is what comes out here: %s', async (_, base, main, side) => {
  const fork = new Fork(base, main, side)
  expect(await checkOne(fork.clone, fork.merge(fork.merged()))).toEqual({ kind: 'equal' })
})

test('13-adversary 9: a conflict is a conflict, also when the commit holds exactly the tree that git prints', async () => {
  const fork = new Fork({ f: 'one\n' }, { f: 'main\n' }, { f: 'side\n' })
  const { status, stdout } = spawnSync(GIT, ['-C', fork.clone.path, 'merge-tree', '--write-tree', fork.main, fork.side])
  expect(status).toBe(1)
  const printed = stdout.toString().slice(0, 40)
  expect(await checkOne(fork.clone, fork.merge(printed))).toEqual({ kind: 'conflict' })
})

test('13-adversary 9: merge=union of a .gitattributes makes nothing clean', async () => {
  const union = { '.gitattributes': '* merge=union\n', f: 'one\n' }
  const fork = new Fork(union, { f: 'main\n' }, { f: 'side\n' })
  // A person's git, in the work tree, obeys it.
  const obeyed = fork.clone.git('merge-tree', '--write-tree', fork.main, fork.side)
  expect(obeyed).toMatch(/^[0-9a-f]{40}$/)
  expect(await checkOne(fork.clone, fork.merge(obeyed))).toEqual({ kind: 'conflict' })
})

test('13-adversary 9: attributes that forbid a merge, or would look at files otherwise, change nothing', async () => {
  const fork = new Fork(
    { '.gitattributes': '* binary\n', f: TEN.join('') },
    { f: withLine(1, 'm') },
    { f: withLine(8, 's') },
  )
  expect(() => fork.clone.git('merge-tree', '--write-tree', fork.main, fork.side)).toThrow()
  fork.clone.git('rm', '--quiet', '--cached', '.gitattributes')
  const plain = new Fork(
    { '.gitattributes': '* binary\n', f: TEN.join('') },
    { f: withLine(1, 'm') },
    { f: withLine(8, 's') },
  )
  writeFileSync(join(plain.clone.path, '.git/info/attributes'), '* !merge !diff !text\n')
  const tree = plain.clone.git('merge-tree', '--write-tree', plain.main, plain.side)
  expect(await checkOne(plain.clone, plain.merge(tree))).toEqual({ kind: 'equal' })
})

/** Stores other content under the id of an object, as whoever can write to a workspace can. */
function forge(clone: Clone, id: string, type: string, content: Uint8Array): void {
  const file = join(clone.path, '.git/objects', id.slice(0, 2), id.slice(2))
  mkdirSync(join(file, '..'), { recursive: true })
  const head = Buffer.from(`${type} ${content.byteLength}\0`)
  rmSync(file, { force: true })
  writeFileSync(file, deflateSync(Buffer.concat([head, content])))
}

test('13-adversary 9: one forged loose object in the workspace never makes an evil merge clean', async () => {
  const fork = new Fork(...DISJOINT)
  const clean = fork.merged()
  // The side's file, with what the evil merge holds beside.
  const evilSide = withLine(8, 'by side and by mallory')
  const evilBlob = fork.clone.store('blob', Buffer.from(DISJOINT[1].f.replace('line 8', 'by side and by mallory')))
  const evilTree = replaced(fork.clone, clean, 'f', evilBlob)
  const evil = fork.merge(evilTree)
  forge(fork.clone, fork.clone.git('rev-parse', 'side:f'), 'blob', Buffer.from(evilSide))
  // With the workspace's store git itself is fooled.
  expect(fork.clone.git('merge-tree', '--write-tree', fork.main, fork.side)).toBe(evilTree)
  const answer = await checkOne(fork.clone, evil)
  expect(answer).toMatchObject({ kind: 'unavailable', cause: { code: 'source/merge-not-checked', kind: 'unknown' } })
})

function replaced(clone: Clone, tree: string, name: string, blob: string): string {
  const lines = clone.git('ls-tree', tree).split('\n')
  const text = lines.map(line => (line.endsWith(`\t${name}`) ? `100644 blob ${blob}\t${name}` : line)).join('\n')
  return clone.treeOf(text)
}

test('13-adversary 9: a folder that the repository lacks leaves the merge unchecked, whatever git makes of it', async () => {
  const fork = new Fork({ 'd/f': TEN.join(''), g: 'g\n' }, { 'd/f': withLine(1, 'm') }, { 'd/f': withLine(8, 's') })
  const merge = fork.merge(fork.merged())
  const lost = fork.clone.git('rev-parse', 'side:d')
  rmSync(join(fork.clone.path, '.git/objects', lost.slice(0, 2), lost.slice(2)))
  expect(await checkOne(fork.clone, merge)).toMatchObject({
    kind: 'unavailable',
    cause: {
      code: 'source/merge-not-checked',
      kind: 'unknown',
      remedy: expect.stringContaining('git merge --no-ff -S'),
    },
  })
})

test('a merge with several merge bases is made as git makes it', async () => {
  const fork = new Fork({ f: TEN.join(''), g: 'g\n' }, { f: withLine(1, 'm') }, { f: withLine(8, 's') })
  const { clone } = fork
  // Criss-cross: each side merges the other, then both go on.
  const tree = fork.merged()
  const left = fork.merge(tree, [fork.main, fork.side])
  const right = fork.merge(tree, [fork.side, fork.main])
  clone.git('checkout', '--quiet', '-B', 'left', left)
  const ours = fork.commit('left', { f: withLine(1, 'm').replace('line 8', 's'), h: 'left\n' })
  clone.git('checkout', '--quiet', '-B', 'right', right)
  const theirs = fork.commit('right', { g: 'g right\n' })
  expect(clone.git('merge-base', '--all', ours, theirs).split('\n').length).toBe(2)
  const merged = clone.git('merge-tree', '--write-tree', ours, theirs)
  const merge = fork.merge(merged, [ours, theirs])
  const other = fork.merge(tree, [ours, theirs])
  expect(await check(await open(clone, merge), [merge])).toEqual([{ kind: 'equal' }])
  expect(await checkOne(clone, other)).toEqual({ kind: 'differs', merged })
})

test('unrelated histories are no clean merge', async () => {
  const fork = new Fork(...DISJOINT)
  fork.clone.git('checkout', '--quiet', '--orphan', 'other')
  const other = fork.commit('other', {})
  const merge = fork.merge(fork.clone.tree(other), [fork.main, other])
  expect(await checkOne(fork.clone, merge)).toMatchObject({ kind: 'unavailable' })
})

test('a replay puts one change on another parent, whatever the history says', async () => {
  const fork = new Fork(...DISJOINT)
  const { clone } = fork
  clone.git('checkout', '--quiet', 'side')
  const second = fork.commit('second', { f: withLine(8, 'by side').replace('line 5', 'second') })
  clone.git('checkout', '--quiet', 'main')
  clone.git('cherry-pick', fork.side)
  const first = clone.head()
  clone.git('cherry-pick', second)
  const last = clone.head()
  const history = await open(clone, last)
  await history.ensure([second])
  const graph = new CommitGraph(id => history.commit(id))
  const side = async (id: CommitId) => sideOf(await graph.index(id), graph)
  const replay = async (ours: CommitId, theirs: CommitId, base: CommitId, expected: CommitId) =>
    ({
      kind: 'replay',
      expected: clone.tree(expected),
      ours: await side(ours),
      theirs: await side(theirs),
      bases: [await side(base)],
    }) as const
  expect(
    await history.checkMerges([
      await replay(fork.main, fork.side, fork.base, first),
      await replay(first, second, fork.side, last),
      await replay(first, second, fork.side, first),
    ]),
  ).toEqual([{ kind: 'equal' }, { kind: 'equal' }, { kind: 'differs', merged: clone.tree(last) }])
})

test('a side that changed nothing needs no git', async () => {
  const fork = new Fork({ f: 'f\n' }, {}, { f: 'side\n' })
  const merge = fork.merge(fork.clone.tree(fork.side))
  const same = fork.merge(fork.clone.tree(fork.main))
  expect(await checkOne(fork.clone, merge)).toEqual({ kind: 'equal' })
  expect(await checkOne(fork.clone, same)).toEqual({ kind: 'differs', merged: fork.clone.tree(fork.side) })
})

test('13-adversary 13: many merges cost two fetches, and no file that nobody changed', async () => {
  const fork = new Fork({ ...DISJOINT[0], big: 'x'.repeat(200_000) }, DISJOINT[1], DISJOINT[2])
  const merges: CommitId[] = []
  for (let i = 0; i < 8; i++) {
    fork.clone.git('checkout', '--quiet', '-B', 'main', merges.at(-1) ?? fork.main)
    const ours = fork.commit(`main ${i}`, { [`m${i}`]: `${i}\n` })
    fork.clone.git('checkout', '--quiet', '-B', 'side', merges.at(-1) ?? fork.side)
    const theirs = fork.commit(`side ${i}`, { [`s${i}`]: `${i}\n` })
    merges.push(fork.merge(fork.clone.git('merge-tree', '--write-tree', ours, theirs), [ours, theirs]))
  }
  const server = await startGitServer({ folder: join(ROOT, `server-${++count}`) })
  closing.push(server)
  fork.clone.git('update-ref', 'refs/heads/main', merges.at(-1) ?? fork.main)
  await server.publish(fork.clone.path, 'acme/app')
  const history = await openHistory({
    git: GIT,
    folder: join(ROOT, `run-${++count}`),
    url: `${server.url}/acme/app`,
    env: { PATH: process.env.PATH },
    head: merges.at(-1) ?? fork.main,
    deadline: new Date(Date.now() + 60_000),
  })
  closing.push(history)
  const before = server.log.length
  const graph = new CommitGraph(id => history.commit(id))
  const questions = await Promise.all(merges.map(merge => question(graph, merge)))
  expect(await history.checkMerges(questions)).toEqual(merges.map(() => ({ kind: 'equal' })))
  expect(server.log.slice(before).filter(({ method }) => method === 'POST').length).toBeLessThanOrEqual(4)
  const big = parseCommitId(fork.clone.git('rev-parse', 'main:big'))
  await expect(history.blob(big, 300_000)).rejects.toMatchObject({ code: 'source/object-missing' })
})
