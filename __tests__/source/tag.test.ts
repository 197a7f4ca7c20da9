import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { type Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { isRefusedTag, type ParsedTag, parseTag } from '../../src/source/tag.ts'
import { factsOf, tagFactsOf } from '../../src/source/verify.ts'
import { idOf, idOfCommit, readBytes } from './support.ts'

const FOLDER = join(import.meta.dirname, '../vectors/tag')
const NAMES = readdirSync(FOLDER, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
const TAGS = NAMES.filter(name => existsSync(join(FOLDER, name, 'tag.raw')))
const MERGES = NAMES.filter(name => existsSync(join(FOLDER, name, 'commit.raw')))

const expectOf = (name: string) => JSON.parse(readFileSync(join(FOLDER, name, 'expect.json'), 'utf8')) as object
const keysOf = (name: string): Promise<Keyring> =>
  loadKeyring([{ path: 'keys.asc', bytes: readBytes(join(FOLDER, name, 'keys.asc')) }])
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

/** The object again: payload, the header that is not signed, and the armor. */
function encode(tag: ParsedTag, newline: boolean): Uint8Array {
  const parts = [Buffer.from(tag.payload)]
  if (tag.sha256Signature !== undefined) {
    const { armor, at } = tag.sha256Signature
    const header = Buffer.from(`gpgsig-sha256 ${armor.replaceAll('\n', '\n ')}\n`, 'latin1')
    parts.splice(0, 1, Buffer.from(tag.payload.subarray(0, at)), header, Buffer.from(tag.payload.subarray(at)))
  }
  if (tag.signature !== undefined) parts.push(Buffer.from(`${tag.signature.armor}${newline ? '\n' : ''}`, 'latin1'))
  return new Uint8Array(Buffer.concat(parts))
}

function expectWhole(bytes: Uint8Array): void {
  const tag = parseTag(bytes)
  if (isRefusedTag(tag)) {
    expect(tag.refused.code).toBe('source/malformed')
    return
  }
  expect(tag.id).toBe(idOf('tag', bytes))
  expect(Buffer.from(encode(tag, bytes.at(-1) === 0x0a)).equals(bytes)).toBe(true)
}

test('the vectors are there, each with a story, an object and what it must give', () => {
  expect([TAGS.length > 40, MERGES.length]).toEqual([true, 8])
  for (const name of NAMES) {
    const files = readdirSync(join(FOLDER, name)).sort().join(',')
    expect(files).toMatch(/^README\.md,(commit\.raw,expect\.json,keys\.asc|expect\.json,keys\.asc,tag\.raw)$/)
    expect(readFileSync(join(FOLDER, name, 'README.md'), 'utf8')).toMatch(new RegExp(`^# ${name}\n\n.{4,}\n$`))
  }
})

/** Vectors that prove a numbered rule of the threat model. */
const RULES: Readonly<Record<string, string>> = {
  'pgp-message': '13-adversary 12: ',
  'two-armor-blocks': '13-adversary 12: ',
  'tampered-name': '13-adversary 6: ',
  'tampered-object': '13-adversary 6: ',
}

test.each(TAGS.map(name => [RULES[name] ?? '', name]))(
  '%sthe tag %s gives what its folder says',
  async (_rule, name) => {
    const bytes = readBytes(join(FOLDER, name, 'tag.raw'))
    const tag = parseTag(bytes, idOf('tag', bytes))
    if (isRefusedTag(tag)) {
      expect({ kind: 'malformed', code: tag.refused.code }).toEqual(expectOf(name))
      expect(tag.refused.message).toContain('The tag object is not what git writes: ')
      return
    }
    const facts = { ...(await tagFactsOf(tag, await keysOf(name))), type: tag.type }
    expect(JSON.parse(JSON.stringify(facts))).toMatchObject(expectOf(name))
  },
)

test.each(TAGS)('parseTag() keeps every byte of %s', name => expectWhole(readBytes(join(FOLDER, name, 'tag.raw'))))

test.each(MERGES)('the merge %s gives what its folder says', async name => {
  const bytes = readBytes(join(FOLDER, name, 'commit.raw'))
  const commit = parseCommit(idOfCommit(bytes), bytes)
  if ('malformed' in commit) {
    const { parents, malformed } = commit
    expect({ kind: 'malformed', code: malformed.code, parents: parents.length }).toEqual(expectOf(name))
    return
  }
  const { signature, mergetags } = await factsOf(commit, await keysOf(name))
  const found = { kind: signature.kind, ...(mergetags === undefined ? {} : { mergetags }) }
  const types = (commit.mergetags ?? []).map(({ type }) => type)
  const wanted = expectOf(name) as { readonly mergetags?: readonly object[] }
  expect(types).toEqual((wanted.mergetags ?? []).map(() => 'commit'))
  const without = wanted.mergetags?.map(tag => ({ ...tag, type: undefined }))
  expect(JSON.parse(JSON.stringify(found))).toMatchObject(
    JSON.parse(JSON.stringify({ ...wanted, ...(without === undefined ? {} : { mergetags: without }) })),
  )
  expect((mergetags ?? []).every(tag => commit.parents.slice(1).includes(tag.object))).toBe(true)
})

const HEAD = `object ${'1'.repeat(40)}\ntype commit\ntag v1\ntagger Alice <alice@example.com> 1767225600 +0100\n`
const ARMOR = '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n'

test('parseTag() of any bytes gives a tag that encodes to them again, or a refused one, and never throws', () => {
  const line = fc.oneof(
    fc.constantFrom(...HEAD.split('\n'), 'type tag', ' ', '', 'gpgsig x', 'tag ', 'tagger '),
    fc.constantFrom(ARMOR.trimEnd(), `gpgsig-sha256 ${ARMOR.trimEnd().replaceAll('\n', '\n ')}`),
    fc.constantFrom('-----BEGIN PGP MESSAGE-----', '-----BEGIN PGP SIGNATURE----- x', '-----END SSH SIGNATURE-----'),
    fc.string(),
  )
  const text = fc.oneof(
    fc.array(line, { maxLength: 12 }).map(lines => lines.join('\n')),
    fc.array(line, { maxLength: 6 }).map(lines => `${HEAD}\n${lines.join('\n')}`),
    fc.array(line, { maxLength: 4 }).map(lines => `${HEAD}${lines.join('\n')}\n\nMessage\n${ARMOR}`),
  )
  fc.assert(fc.property(fc.oneof(text.map(bytesOf), fc.uint8Array({ maxLength: 300 })), expectWhole), { numRuns: 2000 })
})

test('parseTag() of a tag with any one byte changed gives a tag that encodes exactly, or a refused one', () => {
  const good = bytesOf(`${HEAD}\nSubject\n${ARMOR}`)
  for (let at = 0; at < good.byteLength; at++) {
    for (const change of [1, 0x20, 0x80]) {
      const bytes = new Uint8Array(good)
      bytes[at] = (bytes[at] ?? 0) ^ change
      expectWhole(bytes)
    }
  }
})

test('13-adversary 13: a tag above the limit is refused, and one just below it is read', () => {
  const huge = (length: number) => parseTag(bytesOf(`${HEAD}\n${'x'.repeat(length)}`))
  expect(huge(LIMITS.commitBytes)).toMatchObject({ refused: { code: 'source/malformed' } })
  expect(huge(LIMITS.commitBytes - HEAD.length - 1)).toMatchObject({ name: 'v1', type: 'commit' })
})

test('13-adversary 13: no body makes the search for its signature slow', () => {
  const begin = '-----BEGIN PGP SIGNATURE-----'
  for (const text of [begin.repeat(30_000), `\n${begin}`.repeat(30_000), '-'.repeat(900_000), '\n'.repeat(900_000)])
    expectWhole(bytesOf(`${HEAD}\n${text}`))
})

test('13-adversary 13: a merge with more mergetags than any merge ever had is refused', () => {
  const person = 'Alice <alice@example.com> 1767225600 +0100'
  const head = `tree ${'2'.repeat(40)}\nparent ${'3'.repeat(40)}\nauthor ${person}\ncommitter ${person}\n`
  const mergetag = `mergetag ${`${HEAD}\nm\n`.trimEnd().replaceAll('\n', '\n ')}\n`
  const merge = (count: number) => bytesOf(`${head}${mergetag.repeat(count)}\nMerge\n`)
  const read = (bytes: Uint8Array) => parseCommit(idOfCommit(bytes), bytes)
  expect(read(merge(LIMITS.mergetags))).toMatchObject({ mergetags: { length: LIMITS.mergetags } })
  expect(read(merge(LIMITS.mergetags + 1))).toMatchObject({ malformed: { code: 'source/malformed' } })
})
