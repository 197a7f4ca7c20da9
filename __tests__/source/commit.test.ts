import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import { type ParsedCommit, parentsOf, parseCommit } from '../../src/source/commit.ts'
import { idOfCommit, readBytes } from './support.ts'

const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const PARENT = '1234567890123456789012345678901234567890'
const PERSON = 'Alice <alice@example.com> 1767225600 +0100'
const HEAD = `tree ${TREE}\nparent ${PARENT}\nauthor ${PERSON}\ncommitter ${PERSON}\n`
const ARMOR = '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----'
const SIGNATURE = `gpgsig ${ARMOR.replaceAll('\n', '\n ')}\n`

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const parse = (bytes: Uint8Array) => parseCommit(idOfCommit(bytes), bytes)

function parsed(text: string): ParsedCommit {
  const commit = parse(bytesOf(text))
  if ('malformed' in commit) throw new Error(commit.malformed.message)
  return commit
}

/** The object again: payload with the signature headers put back where they were. */
function encode(commit: ParsedCommit): Uint8Array {
  const headers = [
    ...(commit.signature === undefined ? [] : [{ name: 'gpgsig', ...commit.signature }]),
    ...(commit.sha256Signature === undefined ? [] : [{ name: 'gpgsig-sha256', ...commit.sha256Signature }]),
  ].sort((a, b) => a.at - b.at)
  let object = Buffer.from(commit.payload)
  for (const { name, armor, at } of headers) {
    const header = Buffer.from(`${name} ${armor.replaceAll('\n', '\n ')}\n`, 'latin1')
    object = Buffer.concat([object.subarray(0, at), header, object.subarray(at)])
  }
  return new Uint8Array(object)
}

const VECTORS = join(import.meta.dirname, '../vectors/commit')
const NAMES = readdirSync(VECTORS, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))

test('parseCommit() reads every field', () => {
  const commit = parsed(`${HEAD}${SIGNATURE}\nSubject\u202e line\n\nBody\n`)
  expect(commit).toMatchObject({
    tree: TREE,
    parents: [PARENT],
    author: { name: 'Alice', email: 'alice@example.com', time: 1767225600, offset: '+0100' },
    subject: 'Subject\\u{202e} line',
    message: 'Subject\u202e line\n\nBody\n',
    signature: { scheme: 'ssh', armor: ARMOR, at: HEAD.length },
  })
  expect(Buffer.from(commit.payload).toString()).toBe(`${HEAD}\nSubject\u202e line\n\nBody\n`)
})

test.each(NAMES)('parseCommit() keeps every byte of %s: payload and signatures encode to the object again', name => {
  const bytes = readBytes(join(VECTORS, name, 'commit.raw'))
  const commit = parse(bytes)
  if (!('malformed' in commit)) expect(Buffer.from(encode(commit)).equals(bytes)).toBe(true)
})

test('parseCommit() of any bytes gives a commit that encodes to them again, or a malformed one, and never throws', () => {
  const line = fc.oneof(
    fc.constantFrom(
      'tree ',
      'parent ',
      'author ',
      'committer ',
      'gpgsig ',
      'gpgsig-sha256 ',
      ' ',
      'encoding UTF-8',
      '',
    ),
    fc.constantFrom(
      TREE,
      PARENT,
      PERSON,
      `author ${PERSON}`,
      `tree ${TREE}`,
      `parent ${PARENT}`,
      `committer ${PERSON}`,
    ),
    fc.constantFrom(SIGNATURE.slice(0, -1), SIGNATURE.slice(0, -1).replace('gpgsig', 'gpgsig-sha256'), 'gpgsigx y'),
    fc.string(),
  )
  const text = fc.oneof(
    fc.array(line, { maxLength: 12 }).map(lines => lines.join('\n')),
    fc.array(line, { maxLength: 4 }).map(lines => `${HEAD}${lines.join('\n')}\n\nMessage\n`),
  )
  fc.assert(
    fc.property(fc.oneof(text.map(bytesOf), fc.uint8Array({ maxLength: 300 })), bytes => {
      const commit = parse(bytes)
      if ('malformed' in commit) expect(commit.malformed.code).toBe('source/malformed')
      else expect(Buffer.from(encode(commit)).equals(bytes)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('parseCommit() of a commit with any one byte changed gives a commit that encodes exactly, or a malformed one', () => {
  const good = bytesOf(`${HEAD}${SIGNATURE}\nSubject\n`)
  for (let at = 0; at < good.byteLength; at++) {
    for (const change of [1, 0x20, 0x80]) {
      const bytes = new Uint8Array(good)
      bytes[at] = (bytes[at] ?? 0) ^ change
      const commit = parse(bytes)
      if (!('malformed' in commit)) expect(Buffer.from(encode(commit)).equals(bytes)).toBe(true)
    }
  }
})

test('parseCommit() refuses an object above the limit, and still tells its parents', () => {
  const bytes = bytesOf(`${HEAD}\n${'x'.repeat(LIMITS.commitBytes)}`)
  expect(parse(bytes)).toMatchObject({ parents: [PARENT], malformed: { code: 'source/malformed' } })
})

test('parseCommit() shows bytes that are not UTF-8 as U+FFFD, so that they equal no e-mail of a policy', () => {
  const bytes = new Uint8Array(Buffer.from(`${HEAD}\nm\n`.replaceAll('alice@', 'alic\xe9@'), 'latin1'))
  expect(parse(bytes)).toMatchObject({ author: { email: 'alic\ufffd@example.com' } })
})

test.each([
  { given: 'no tree', text: `parent ${PARENT}\n`, parents: [] },
  { given: 'a tree only', text: `tree ${TREE}\n`, parents: [] },
  { given: 'a parent without line end', text: `tree ${TREE}\nparent ${PARENT}`, parents: [] },
  {
    given: 'two parents and nonsense',
    text: `tree ${TREE}\nparent ${PARENT}\nparent ${TREE}\nx`,
    parents: [PARENT, TREE],
  },
  { given: 'a parent after something else', text: `tree ${TREE}\nx y\nparent ${PARENT}\n`, parents: [] },
])('parentsOf() given $given stops where git stops', ({ text, parents }) => {
  expect(parentsOf(bytesOf(text))).toEqual(parents)
})

test('parseCommit() takes time proportional to the size', () => {
  const hostile = [' '.repeat(400_000), '\n '.repeat(200_000), 'a <'.repeat(100_000), `${'-'.repeat(400_000)}`]
  for (const text of hostile) {
    const started = performance.now()
    parse(bytesOf(`${HEAD}gpgsig ${text}\n\nm\n`))
    parse(bytesOf(`tree ${TREE}\nauthor ${text}\n\nm\n`))
    expect(performance.now() - started).toBeLessThan(20_000)
  }
})
