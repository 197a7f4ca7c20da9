import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { commitsBetween, divergence, firstParentsDownTo } from '../../src/source/range.ts'
import { walkFirstParents } from '../../src/source/walk.ts'
import { idOfCommit } from './support.ts'

const id = (name: string): CommitId => parseCommitId(name.charCodeAt(0).toString(16).padStart(2, '0').repeat(20))

/** `{ c: 'ab' }`: commit c with the parents a and b. */
function history(graph: Readonly<Record<string, string>>) {
  const objects = new Map(
    Object.entries(graph).map(([name, parents]) => {
      const person = 'A <a@example.com> 1780000000 +0000'
      const lines = [...parents].map(parent => `parent ${id(parent)}\n`).join('')
      const text = `tree ${'0'.repeat(40)}\n${lines}author ${person}\ncommitter ${person}\n\n${name}\n`
      return [id(name), utf8(text)] as const
    }),
  )
  return async (commit: CommitId) => objects.get(commit) ?? new Uint8Array()
}

// a ← b ← c ← f (main) ; b ← d ← e (topic, merged by f)
const read = history({ a: '', b: 'a', c: 'b', d: 'b', e: 'd', f: 'ce' })

test.each([
  { head: 'e', base: 'c', expected: 'de', why: 'a topic branch' },
  { head: 'f', base: 'c', expected: 'def', why: 'a merge and what it brings' },
  { head: 'b', base: 'c', expected: '', why: 'a head inside the base' },
  { head: 'f', base: 'e', expected: 'cf', why: 'main seen from the topic' },
])('commitsBetween() gives $expected for $why, parents first', async ({ head, base, expected }) => {
  const commits = await commitsBetween(id(head), id(base), new CommitGraph(read))
  expect(commits).toEqual([...expected].map(id))
})

test.each([
  { tip: 'f', commit: 'b', expected: 'fcb' },
  { tip: 'f', commit: 'f', expected: 'f' },
])('firstParentsDownTo() walks $expected', async ({ tip, commit, expected }) => {
  expect(await firstParentsDownTo(id(tip), id(commit), read)).toEqual([...expected].map(id))
})

test('firstParentsDownTo() does not find what came in through a merge', async () => {
  expect(await firstParentsDownTo(id('f'), id('e'), read)).toBeUndefined()
})

/** A random history: each commit's parents are among those before it. */
function randomHistory(rows: readonly (readonly number[])[]) {
  const ids: CommitId[] = []
  const parents: (readonly number[])[] = []
  const objects = new Map<CommitId, Uint8Array>()
  for (const [i, row] of rows.entries()) {
    const of = i === 0 ? [] : [...new Set(row.map(n => n % i))]
    const person = 'A <a@example.com> 1780000000 +0000'
    const lines = of.map(n => `parent ${ids[n]}\n`).join('')
    const bytes = utf8(`tree ${'0'.repeat(40)}\n${lines}author ${person}\ncommitter ${person}\n\n${i}\n`)
    ids.push(idOfCommit(bytes))
    parents.push(of)
    objects.set(ids[i] ?? id('0'), bytes)
  }
  const below = (from: number): Set<number> => {
    const seen = new Set([from])
    for (const item of seen) for (const parent of parents[item] ?? []) seen.add(parent)
    return seen
  }
  return { ids, parents, below, read: async (commit: CommitId) => objects.get(commit) ?? new Uint8Array() }
}

const SHAPE = fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 25 })

test('divergence() gives all best common ancestors and all that is new, whatever the shape', async () => {
  await fc.assert(
    fc.asyncProperty(SHAPE, fc.nat(), fc.nat(), async (rows, a, b) => {
      const { ids, below, read } = randomHistory(rows)
      const [ours, theirs] = [a % ids.length, b % ids.length]
      const graph = new CommitGraph(read)
      const marks = await graph.ancestors(ids[ours] ?? id('0'))
      const head = await graph.index(ids[theirs] ?? id('0'))
      const found = await divergence(head, { has: async number => marks.has(number) }, graph)
      const common = [...below(ours)].filter(item => below(theirs).has(item))
      const best = common.filter(item => !common.some(other => other !== item && below(other).has(item)))
      const fresh = [...below(theirs)].filter(item => !below(ours).has(item))
      const names = (numbers: readonly number[]) => numbers.map(number => graph.id(number)).sort()
      expect(names(found.bases)).toEqual(best.map(item => ids[item]).sort())
      expect(names(found.commits)).toEqual(fresh.map(item => ids[item]).sort())
    }),
  )
})

test('FirstParents.reaches() agrees with reachability at every place of the line', async () => {
  await fc.assert(
    fc.asyncProperty(SHAPE, fc.nat(), async (rows, pick) => {
      const { ids, parents, below, read } = randomHistory(rows)
      const line = [ids.length - 1]
      for (let next = parents[line[0] ?? 0]?.[0]; next !== undefined; next = parents[next]?.[0]) line.push(next)
      const anchor = line[pick % line.length] ?? 0
      const graph = new CommitGraph(read)
      const walked = await walkFirstParents(ids.at(-1) ?? id('0'), ids[anchor] ?? id('0'), graph)
      const places = [anchor]
      for await (const step of walked.steps()) {
        places.push(ids.indexOf(step.commit))
        for (const [place, tip] of places.entries())
          for (const [item, commit] of ids.entries())
            expect(await walked.reaches(place - 1, graph.number(commit))).toBe(below(tip).has(item))
      }
    }),
  )
})

test('divergence() stops at its limit as unknown', async () => {
  const graph = new CommitGraph(read)
  const head = await graph.index(id('f'))
  await expect(divergence(head, { has: async () => false }, graph, 3)).rejects.toMatchObject({
    code: 'source/merge-not-checked',
    kind: 'unknown',
  })
})
