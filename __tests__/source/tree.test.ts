import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { nameText, parseTree } from '../../src/source/tree.ts'
import { errorOf, idOf } from './support.ts'

const BLOB = Buffer.alloc(20, 0xab)
const entry = (mode: string, name: string): Buffer => Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), BLOB])
const parse = (...entries: readonly Buffer[]) => {
  const bytes = new Uint8Array(Buffer.concat(entries))
  return parseTree(idOf('tree', bytes), bytes)
}

test('parseTree() reads all five modes in the order of git', () => {
  const rows = [
    ['40000', '.github'],
    ['100644', 'a'],
    ['100755', 'a.b'],
    ['40000', 'a-'],
    ['160000', 'module'],
    ['120000', 'z'],
  ] as const
  const sorted = [rows[0], rows[1], rows[3], rows[2], rows[4], rows[5]]
  expect(parse(...sorted.map(([mode, name]) => entry(mode, name))).map(({ mode, name }) => [mode, name])).toEqual(
    sorted,
  )
})

test('parseTree() reads the group-writable mode of 2005 as git does', () => {
  expect(parse(entry('100664', 'a'))).toEqual([{ mode: '100644', name: 'a', id: 'ab'.repeat(20) }])
})

test.each([
  { given: 'a name twice', entries: [entry('100644', 'a'), entry('100644', 'a')] },
  {
    given: 'a file and a folder of one name',
    entries: [entry('100644', 'a'), entry('100644', 'a-b'), entry('40000', 'a')],
  },
  { given: 'names out of order', entries: [entry('100644', 'b'), entry('100644', 'a')] },
  { given: 'a folder sorted as a file', entries: [entry('40000', 'a'), entry('100644', 'a-b')] },
  { given: 'no name', entries: [entry('100644', '')] },
  { given: 'a slash', entries: [entry('100644', 'a/b')] },
  { given: 'an unknown mode', entries: [entry('100600', 'a')] },
  { given: 'a mode with a zero in front', entries: [entry('040000', 'a')] },
  { given: 'a mode that is a word', entries: [entry('constructor', 'a')] },
  { given: 'an entry that ends early', entries: [entry('100644', 'a').subarray(0, 20)] },
  { given: 'an entry without name end', entries: [Buffer.from('100644 a')] },
])('parseTree() refuses $given', async ({ entries }) => {
  expect((await errorOf(() => parse(...entries))).code).toBe('source/tree-malformed')
})

const DANGEROUS = [
  '.',
  '..',
  '.git',
  '.GIT',
  '.Git',
  '.git.',
  '.git ',
  '.git . .',
  'git~1',
  'GIT~1',
  '.git::$INDEX_ALLOCATION',
  '.git\\hooks',
  '.g\u200cit',
  '\ufeff.git',
]
test.each(DANGEROUS)('13-adversary 14: parseTree() refuses the name %j', async name => {
  const latin = Buffer.from(name).toString('latin1')
  expect((await errorOf(() => parse(entry('40000', latin)))).code).toBe('source/tree-malformed')
})

test.each(['.github', '.gitattributes', '.gitignore', 'git', 'git~2', '...', '.gitt', 'a.git', 'ünïcode', '-', ' '])(
  'parseTree() accepts the name %j',
  name => {
    const latin = Buffer.from(name).toString('latin1')
    expect(parse(entry('100644', latin)).map(found => nameText(found.name))).toEqual([name])
  },
)

test('nameText() gives two names never one text', () => {
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .map(part => Buffer.from(part).toString('latin1').replaceAll('/', '_'))
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(nameText(a) === nameText(b)).toBe(a === b)
    }),
  )
  expect(nameText('a\xff')).toBe('//hex:61ff')
})

test('parseTree() of any bytes gives entries or source/tree-malformed', () => {
  const part = fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.constantFrom(entry('100644', 'a'), entry('40000', 'b')))
  fc.assert(
    fc.property(fc.array(part), parts => {
      try {
        parse(...parts.map(bytes => Buffer.from(bytes)))
      } catch (error) {
        if (!(error instanceof WaybillError)) throw error
        expect(error.code).toBe('source/tree-malformed')
      }
    }),
  )
})
