import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { commitsBetween, firstParentsDownTo } from '../../src/source/range.ts'

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
