import fc from 'fast-check'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { type WalkStep, walkFirstParents } from '../../src/source/walk.ts'
import { allOf, errorOf, idOfCommit } from './support.ts'

const PERSON = 'Alice <alice@example.com> 1767225600 +0100'
const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** A history in memory. Commits are named; names are their subjects. */
class World {
  readonly objects = new Map<CommitId, Uint8Array>()
  readonly names = new Map<CommitId, string>()
  reads = 0

  add(name: string, ...parents: readonly CommitId[]): CommitId {
    return this.store(name, `tree ${TREE}\n${lines(parents)}author ${PERSON}\ncommitter ${PERSON}\n\n${name}\n`)
  }

  /** A commit that the parser refuses, with parents that git sees. */
  addMalformed(name: string, ...parents: readonly CommitId[]): CommitId {
    return this.store(name, `tree ${TREE}\n${lines(parents)}nonsense ${name}\n`)
  }

  store(name: string, text: string): CommitId {
    const bytes = new Uint8Array(Buffer.from(text))
    const id = idOfCommit(bytes)
    this.objects.set(id, bytes)
    this.names.set(id, name)
    return id
  }

  readonly read = async (id: CommitId): Promise<Uint8Array> => {
    this.reads++
    const bytes = this.objects.get(id)
    if (bytes === undefined) throw fail('source/object-missing', `no ${id}`)
    return bytes
  }

  /** `M(a b) N` for: M brought in a and b, then N. */
  show(steps: readonly WalkStep[]): string {
    const name = (id: CommitId): string => this.names.get(id) ?? '?'
    const brought = (step: WalkStep): string =>
      step.broughtIn.length === 0 ? '' : `(${step.broughtIn.map(name).join(' ')})`
    return steps.map(step => `${name(step.commit)}${brought(step)}`).join(' ')
  }
}

async function walk(head: CommitId, anchor: CommitId, world: World): Promise<readonly WalkStep[]> {
  const line = await walkFirstParents(head, anchor, new CommitGraph(world.read))
  return allOf(line.steps())
}

const lines = (parents: readonly CommitId[]): string => parents.map(parent => `parent ${parent}\n`).join('')

test('walkFirstParents() of a straight line goes from the commit after the anchor to the head', async () => {
  const world = new World()
  const root = world.add('root')
  const a = world.add('a', root)
  const b = world.add('b', a)
  const c = world.add('c', b)
  expect(world.show(await walk(c, a, world))).toBe('b c')
  expect(world.reads).toBe(2)
  expect(await walk(c, c, world)).toEqual([])
})

test('walkFirstParents() gives each commit to the first merge that brings it in', async () => {
  const world = new World()
  const old = world.add('old')
  const anchor = world.add('anchor', old)
  const x = world.add('x', anchor)
  const y = world.add('y', x)
  const late = world.add('late', old)
  const m1 = world.add('m1', anchor, y)
  const z = world.add('z', y)
  const m2 = world.add('m2', m1, z, late)
  const same = world.add('same', m2, m1)
  expect(world.show(await walk(same, anchor, world))).toBe('m1(x y) m2(z late) same')
})

test('walkFirstParents() takes a side line that is merged twice, crosses itself, or names a parent twice, once', async () => {
  const world = new World()
  const anchor = world.add('anchor')
  const s1 = world.add('s1', anchor)
  const s2 = world.add('s2', s1, s1)
  const s3 = world.add('s3', s1)
  const s4 = world.add('s4', s2, s3)
  const m = world.add('m', anchor, s4, s4, s2)
  expect(world.show(await walk(m, anchor, world))).toBe('m(s1 s2 s3 s4)')
})

test('13-adversary 1: a malformed commit stays in the walk, and so does what lies below it', async () => {
  const world = new World()
  const anchor = world.add('anchor')
  const a = world.add('a', anchor)
  const side = world.addMalformed('side', a)
  const bad = world.addMalformed('bad', a, side)
  const head = world.add('head', bad)
  const steps = await walk(head, anchor, world)
  expect(world.show(steps)).toBe('a bad(side) head')
})

test.each(['beside the line', 'a merge the wrong way round', 'above the head', 'unrelated'])(
  'walkFirstParents() refuses an anchor that is %s',
  async given => {
    const world = new World()
    const root = world.add('root')
    const main = world.add('main', root)
    const branch = world.add('branch', root)
    const anchors: Record<string, [CommitId, CommitId]> = {
      'beside the line': [main, branch],
      'a merge the wrong way round': [world.add('foxtrot', branch, main), main],
      'above the head': [root, main],
      unrelated: [main, world.add('other')],
    }
    const [head, anchor] = anchors[given] ?? [root, root]
    const error = await errorOf(() => walk(head, anchor, world))
    expect(error).toMatchObject({ code: 'source/anchor-not-ancestor', kind: 'rejected' })
    expect(error.remedy).toMatch(/force-pushed.*since:/s)
  },
)

test('13-adversary 5: a commit that cannot be read is unknown, wherever it lies', async () => {
  const world = new World()
  const gone = parseCommitId('1'.repeat(40))
  const anchor = world.add('anchor', gone)
  const side = world.add('side', gone)
  const cases = [world.add('line', gone), world.add('merge', anchor, side)]
  for (const head of cases) {
    expect(await errorOf(() => walk(head, anchor, world))).toMatchObject({
      code: 'source/object-missing',
      kind: 'unknown',
    })
  }
})

test('walkFirstParents() covers exactly what is reachable from the head and not from the anchor, parents first', async () => {
  const shape = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 2, maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(), async (rows, pick) => {
      const world = new World()
      const ids: CommitId[] = []
      for (const [i, row] of rows.entries()) {
        const parents = i === 0 ? [] : row.map(n => ids[n % i]).filter(id => id !== undefined)
        ids.push(world.add(`c${i}`, ...parents))
      }
      const head = ids.at(-1) ?? parseCommitId('0'.repeat(40))
      const line = firstParents(world, head)
      const anchor = line[pick % line.length] ?? head
      const steps = await walk(head, anchor, world)
      const order = steps.flatMap(step => [...step.broughtIn, step.commit])
      const below = reachable(world, anchor)
      const wanted = [...reachable(world, head)].filter(id => !below.has(id))
      expect([...order].sort()).toEqual(wanted.sort())
      for (const [i, id] of order.entries()) {
        for (const parent of parentsIn(world, id)) expect(order.indexOf(parent)).toBeLessThan(i)
      }
    }),
  )
})

function parentsIn(world: World, id: CommitId): readonly CommitId[] {
  const text = Buffer.from(world.objects.get(id) ?? []).toString()
  return [...text.matchAll(/^parent (.{40})$/gm)].map(([, parent = '']) => parseCommitId(parent))
}

function firstParents(world: World, head: CommitId): readonly CommitId[] {
  const [parent] = parentsIn(world, head)
  return parent === undefined ? [head] : [head, ...firstParents(world, parent)]
}

function reachable(world: World, from: CommitId, seen = new Set<CommitId>()): Set<CommitId> {
  if (!seen.has(from)) {
    seen.add(from)
    for (const parent of parentsIn(world, from)) reachable(world, parent, seen)
  }
  return seen
}

test('walkFirstParents() needs no stack: long lines, long side lines, wide merges', async () => {
  const world = new World()
  const anchor = world.add('anchor')
  let main = anchor
  for (let i = 0; i < 10_000; i++) main = world.add(`m${i}`, main)
  let side = anchor
  for (let i = 0; i < 10_000; i++) side = world.add(`s${i}`, side)
  const many = Array.from({ length: 500 }, (_, i) => world.add(`w${i}`, anchor))
  const head = world.add('head', main, side, ...many)
  const steps = await walk(head, anchor, world)
  expect(steps.length).toBe(10_001)
  expect(steps.at(-1)?.broughtIn.length).toBe(10_500)
})
