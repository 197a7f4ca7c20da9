import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import { compareEntries, type FileFact, factDifference, type LayerEntry } from '../../src/reproducible/entries.ts'

const PLAIN: LayerEntry['facts'] = {
  type: 'file',
  content: 'sha256:00, 1 bytes',
  target: '',
  mode: '0644',
  owner: '0:0 :',
  time: '2026-01-01T00:00:00Z',
  xattrs: '',
  device: '',
}

function entry(path: string, facts: Partial<LayerEntry['facts']> = {}): LayerEntry {
  return { id: path, path, facts: { ...PLAIN, ...facts } }
}

async function* stream(entries: readonly LayerEntry[]): AsyncGenerator<LayerEntry, void> {
  yield* entries
}

const compare = (first: readonly LayerEntry[], second: readonly LayerEntry[]) =>
  compareEntries(stream(first), stream(second))

test.each<[FileFact, string]>([
  ['type', 'link'],
  ['content', 'sha256:11, 1 bytes'],
  ['target', '/elsewhere'],
  ['mode', '0755'],
  ['owner', '1000:1000 :'],
  ['time', '2026-01-01T00:00:01Z'],
  ['xattrs', 'SCHILY.xattr.security.capability=ab'],
  ['device', '1,3'],
])('a file whose %s differs is named with both values', async (what, value) => {
  const found = await compare(
    [entry('a'), entry('b'), entry('c')],
    [entry('a'), entry('b', { [what]: value }), entry('c')],
  )
  expect(found).toEqual({ files: [{ path: 'b', what, first: PLAIN[what], second: value }], more: false })
})

test.each([
  [
    'only the first build has',
    ['a', 'b', 'c'],
    ['a', 'c'],
    { path: 'b', what: 'presence', first: 'there', second: 'missing' },
  ],
  [
    'only the second build has',
    ['a', 'c'],
    ['a', 'b', 'c'],
    { path: 'b', what: 'presence', first: 'missing', second: 'there' },
  ],
  [
    'the first build has at its end',
    ['a', 'b'],
    ['a'],
    { path: 'b', what: 'presence', first: 'there', second: 'missing' },
  ],
  [
    'the second build has at its end',
    ['a'],
    ['a', 'b'],
    { path: 'b', what: 'presence', first: 'missing', second: 'there' },
  ],
  [
    'both have in another order',
    ['a', 'b', 'c'],
    ['a', 'c', 'b'],
    { path: 'b', what: 'order', first: 'b', second: 'c' },
  ],
])('a file that %s is told apart', async (_, first, second, expected) => {
  const found = await compare(
    first.map(path => entry(path)),
    second.map(path => entry(path)),
  )
  expect(found.files).toEqual([expected])
})

test('what a file holds is named before what stands beside it', () => {
  const found = factDifference(entry('a'), entry('a', { time: 'later', content: 'sha256:11, 1 bytes' }))
  expect(found?.what).toBe('content')
})

test('no more is shown than anybody mends at once, and said so', async () => {
  const many = Array.from({ length: LIMITS.comparedFiles + 5 }, (_, at) => `f${at}`)
  const found = await compare(
    many.map(path => entry(path)),
    many.map(path => entry(path, { mode: '0600' })),
  )
  expect(found.files).toHaveLength(LIMITS.comparedFiles)
  expect(found.more).toBe(true)
})

test('an error of either side comes through, and the other is closed', async () => {
  let closed = false
  async function* open(): AsyncGenerator<LayerEntry, void> {
    try {
      yield entry('a')
      yield entry('b')
    } finally {
      closed = true
    }
  }
  // biome-ignore lint/correctness/useYield: it breaks before it comes to one
  async function* broken(): AsyncGenerator<LayerEntry, void> {
    throw new RangeError('cut')
  }
  await expect(compareEntries(open(), broken())).rejects.toThrow('cut')
  expect(closed).toBe(true)
})

const facts = fc.record({
  type: fc.constantFrom('file', 'folder', 'link'),
  content: fc.constantFrom('', 'sha256:00, 1 bytes', 'sha256:11, 1 bytes'),
  mode: fc.constantFrom('0644', '0755'),
  time: fc.constantFrom('1', '2'),
})
const layer = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 4 }), facts), {
  selector: ([path]) => path,
  maxLength: 12,
})
const made = (items: readonly (readonly [string, Partial<LayerEntry['facts']>])[]) =>
  items.map(([path, some]) => entry(path, some))

test('a layer never differs from itself', async () => {
  await fc.assert(
    fc.asyncProperty(layer, async items => {
      expect(await compare(made(items), made(items))).toEqual({ files: [], more: false })
    }),
  )
})

test('two layers differ if and only if their entries do, whichever comes first', async () => {
  await fc.assert(
    fc.asyncProperty(layer, layer, async (first, second) => {
      const same = JSON.stringify(made(first)) === JSON.stringify(made(second))
      expect((await compare(made(first), made(second))).files.length === 0).toBe(same)
      expect((await compare(made(second), made(first))).files.length === 0).toBe(same)
    }),
  )
})

test('a file that is left out is named, wherever it stood', async () => {
  const withOne = layer
    .filter(items => items.length > 0)
    .chain(items => fc.record({ items: fc.constant(items), at: fc.nat({ max: items.length - 1 }) }))
  await fc.assert(
    fc.asyncProperty(withOne, async ({ items, at }) => {
      const [path = ''] = items[at] ?? []
      const { files } = await compare(made(items), made(items.toSpliced(at, 1)))
      expect(files).toEqual([{ path, what: 'presence', first: 'there', second: 'missing' }])
    }),
  )
})
