import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseCommitId } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { encodeEnvelope, parseEnvelope } from '../../src/statements/envelope.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { type ReviewClaims, readReview, reviewStatement } from '../../src/statements/review.ts'
import { breaks, type Schema } from '../report/schema.ts'

const ARMOR = '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----'
const CLAIMS: ReviewClaims = {
  repositoryUri: 'https://github.com/acme/app',
  repositoryId: '4711',
  targetRef: 'refs/heads/main',
  mergeBase: parseCommitId('1'.repeat(40)),
  head: parseCommitId('2'.repeat(40)),
  tree: parseCommitId('3'.repeat(40)),
  decision: 'approve',
  time: new Date('2026-06-01T12:00:00.000Z'),
}

const changed = (change: (document: Record<string, unknown>) => void): Uint8Array => {
  const document = JSON.parse(Buffer.from(reviewStatement(CLAIMS)).toString()) as Record<string, unknown>
  change(document)
  return Buffer.from(JSON.stringify(document))
}
const predicate = (document: Record<string, unknown>) => document.predicate as Record<string, unknown>

test('readReview() reads back what reviewStatement() wrote', () => {
  expect(readReview(parseStatement(reviewStatement(CLAIMS)))).toEqual(CLAIMS)
  const { repositoryId: _id, ...local } = { ...CLAIMS, decision: 'withdraw' as const }
  expect(readReview(parseStatement(reviewStatement(local)))).toEqual(local)
})

const ROOT = join(import.meta.dirname, '../..')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/review.json'), 'utf8')) as Schema

test('schemas/review.json knows what is written, with and without a number', () => {
  const { repositoryId: _id, ...local } = CLAIMS
  for (const claims of [CLAIMS, local, { ...CLAIMS, decision: 'withdraw' as const }])
    expect(breaks(SCHEMA, parseStatement(reviewStatement(claims)).predicate)).toEqual([])
})

test.each([
  ['another decision', { decision: 'approved' }],
  ['a tag as target', { targetRef: 'refs/tags/v1' }],
  ['a short head', { head: { gitCommit: '2222' } }],
  ['a time without milliseconds', { time: '2026-06-01T12:00:00Z' }],
  ['more than is known', { labels: [] }],
])('schemas/review.json refuses %s', (_what, change) => {
  expect(breaks(SCHEMA, { ...parseStatement(reviewStatement(CLAIMS)).predicate, ...change })).not.toEqual([])
})

test('the example of docs/predicates/review.md is what is written', () => {
  const page = readFileSync(join(ROOT, 'docs/predicates/review.md'), 'utf8')
  const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  expect(JSON.parse(example)).toEqual(JSON.parse(Buffer.from(reviewStatement(CLAIMS)).toString()))
})

test('a value that is no text and answers to toString is refused like any other', () => {
  const bytes = changed(document => (predicate(document).decision = [{ toString: 0 }]))
  expect(() => readReview(parseStatement(bytes))).toThrow(expect.objectContaining({ code: 'statements/malformed' }))
})

test('readReview() of any predicate is claims or a typed error', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('approve', 'refs/heads/main', '2'.repeat(40)))
  const names = ['repository', 'targetRef', 'mergeBase', 'head', 'tree', 'decision', 'time']
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, given) => {
      try {
        const bytes = changed(document => (predicate(document)[name] = given))
        expect(readReview(parseStatement(bytes)).head).toBe(CLAIMS.head)
      } catch (error) {
        expect(error).toMatchObject({ code: 'statements/malformed' })
      }
    }),
  )
})

test('13-adversary 11: the statement names repository, target ref, base, head, tree, decision and time', () => {
  const document = JSON.parse(Buffer.from(reviewStatement(CLAIMS)).toString())
  expect(document.subject).toEqual([
    { uri: `https://github.com/acme/app/commit/${CLAIMS.head}`, digest: { gitCommit: CLAIMS.head } },
  ])
  expect(document.predicate).toEqual({
    repository: { uri: 'https://github.com/acme/app', id: '4711' },
    targetRef: 'refs/heads/main',
    mergeBase: { gitCommit: CLAIMS.mergeBase },
    head: { gitCommit: CLAIMS.head },
    tree: { gitTree: CLAIMS.tree },
    decision: 'approve',
    time: '2026-06-01T12:00:00.000Z',
  })
})

test.each([
  ['a subject that is another commit', d => (d.subject = [{ digest: { gitCommit: '9'.repeat(40) } }])],
  ['two subjects', d => (d.subject = [...(d.subject as object[]), { digest: { gitCommit: '9'.repeat(40) } }])],
  ['no target ref', d => delete predicate(d).targetRef],
  ['a tag as target', d => (predicate(d).targetRef = 'refs/tags/v1')],
  ['a short head', d => (predicate(d).head = { gitCommit: '2222' })],
  ['no tree', d => delete predicate(d).tree],
  ['another decision', d => (predicate(d).decision = 'approved')],
  ['a time without a zone', d => (predicate(d).time = '2026-06-01T12:00:00')],
  ['no repository', d => delete predicate(d).repository],
  ['a repository without scheme', d => (predicate(d).repository = { uri: 'github.com/acme/app' })],
  ['a list as predicate parts', d => (predicate(d).head = [])],
] as const satisfies readonly (readonly [string, (document: Record<string, unknown>) => unknown])[])(
  'readReview() refuses %s',
  (_what, change) => {
    expect(() => readReview(parseStatement(changed(change)))).toThrow(
      expect.objectContaining({ code: 'statements/malformed' }),
    )
  },
)

test('readReview() refuses another predicate', () => {
  const other = changed(document => {
    document.predicateType = 'https://slsa.dev/provenance/v1'
  })
  expect(() => readReview(parseStatement(other))).toThrow(
    expect.objectContaining({ code: 'statements/type-unsupported' }),
  )
})

test('parseEnvelope() reads back what encodeEnvelope() wrote, one line that ends in a newline', () => {
  const payload = reviewStatement(CLAIMS)
  const bytes = encodeEnvelope({ payload, armor: ARMOR }, 'SHA256:x')
  expect(Buffer.from(bytes).toString()).toMatch(/^[^\n]+\n$/)
  expect(parseEnvelope(bytes)).toEqual({ payload: new Uint8Array(payload), armor: ARMOR })
})

test.each([
  ['two signatures', (e: Record<string, unknown>) => (e.signatures = [{ sig: 'AAAA' }, { sig: 'AAAA' }])],
  ['no signature', (e: Record<string, unknown>) => (e.signatures = [])],
  ['another payload type', (e: Record<string, unknown>) => (e.payloadType = 'text/plain')],
  ['base64 that is not canonical', (e: Record<string, unknown>) => (e.payload = 'e30')],
])('parseEnvelope() refuses %s', (_what, change) => {
  const bytes = encodeEnvelope({ payload: reviewStatement(CLAIMS), armor: ARMOR }, 'k')
  const envelope = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
  change(envelope)
  expect(() => parseEnvelope(Buffer.from(JSON.stringify(envelope)))).toThrow(
    expect.objectContaining({ code: 'statements/malformed' }),
  )
})

test('parseEnvelope() of any bytes gives an envelope or a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      try {
        parseEnvelope(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
