import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommitId } from '../../src/core/digest.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { readSourceDetail } from '../../src/statements/read-source-detail.ts'
import { type DetailCommit, type SourceDetail, sourceDetailStatement } from '../../src/statements/source-detail.ts'
import { sourceSummaryStatement } from '../../src/statements/source-vsa.ts'
import type { Statement } from '../../src/statements/statement.ts'
import { errorOf } from '../policy/world.ts'
import { breaks, type Schema } from '../report/schema.ts'
import { commitOf } from './facts.ts'
import { DETAIL, SUBJECT, SUMMARY } from './source-facts.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/source-verification.json'), 'utf8')) as Schema
const pageOf = (name: string) => readFileSync(join(ROOT, `docs/predicates/${name}.md`), 'utf8')

const written = (detail: SourceDetail = DETAIL): Statement => parseStatement(sourceDetailStatement(SUBJECT, detail))

test('readSourceDetail() reads what sourceDetailStatement() writes, and the schema knows it', () => {
  expect(readSourceDetail(written())).toEqual(DETAIL)
  expect(breaks(SCHEMA, written().predicate)).toEqual([])
  expect(written().subject).toEqual([
    { uri: `https://github.com/acme/app/commit/${'d'.repeat(40)}`, digest: { gitCommit: 'd'.repeat(40) } },
  ])
})

test.each([
  ['source-verification', () => sourceDetailStatement(SUBJECT, DETAIL)],
  ['source-vsa', () => sourceSummaryStatement(SUMMARY)],
])('the example of docs/predicates/%s.md is what is written', (name, write) => {
  const example = /```json\n([\s\S]*?)```/.exec(pageOf(name))?.[1] ?? ''
  expect(JSON.parse(example)).toEqual(JSON.parse(new TextDecoder().decode(write())))
})

test('13-adversary 23: the detail has no place for an e-mail address or anybody’s free text', () => {
  const address = 'alice@example.com'
  const [key, ...keys] = DETAIL.keys
  const [commit, ...commits] = DETAIL.commits
  const [review] = DETAIL.reviews
  if (key === undefined || commit === undefined || review === undefined) throw new Error('The facts are empty')
  const changes: readonly Partial<SourceDetail>[] = [
    { keys: [{ ...key, fingerprint: address }, ...keys] },
    { keys: [{ ...key, primary: address }, ...keys] },
    { keys: [{ ...key, principal: address }, ...keys] },
    { commits: [{ ...commit, key: address }, ...commits] },
    { commits: [{ ...commit, principal: address }, ...commits] },
    { reviews: [{ ...review, by: [address] }] },
    { exceptions: [{ kind: 'commit', commit: commitOf('b'), approvedBy: address, covers: 1 }] },
    { engines: { git: address } },
  ]
  for (const change of changes)
    expect(errorOf(() => written({ ...DETAIL, ...change })).code).toBe('statements/detail-malformed')
  const more = { ...DETAIL, exceptions: [{ kind: 'until', commit: commitOf('b'), reason: address, covers: 1 }] }
  expect(JSON.stringify(written(more as unknown as SourceDetail))).not.toContain('@example')
})

test('of more than a thousand commits the first and last hundred are listed, with reviews of these, and all keys', () => {
  const id = (at: number) => parseCommitId(at.toString(16).padStart(40, '0'))
  const commits = Array.from(
    { length: 1_001 },
    (_, at): DetailCommit => ({
      gitCommit: id(at),
      kind: 'none',
      basis: 'excepted',
    }),
  )
  const reviews = commits.map(({ gitCommit }) => ({
    commit: gitCommit,
    label: 'none' as const,
    by: [],
    statements: [],
    keys: [],
  }))
  const read = readSourceDetail(written({ ...DETAIL, range: { ...DETAIL.range, count: 1_001 }, commits, reviews }))
  expect(read.range.count).toBe(1_001)
  expect(read.commits.map(({ gitCommit }) => gitCommit)).toEqual(
    [...commits.slice(0, 100), ...commits.slice(901)].map(({ gitCommit }) => gitCommit),
  )
  expect(read.reviews).toHaveLength(200)
  expect(read.keys).toHaveLength(3)
  const thousand = { ...DETAIL, range: { ...DETAIL.range, count: 1_000 }, commits: commits.slice(1), reviews: [] }
  expect(readSourceDetail(written(thousand)).commits).toHaveLength(1_000)
})

/** The predicate with one leaf replaced, `keys.0.fingerprint`; undefined removes it. */
function broken(path: string, value: Json | undefined): Statement {
  const statement = written()
  const predicate = structuredClone(statement.predicate) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce((object, name) => object[name] as Record<string, unknown>, predicate)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return { ...statement, predicate: predicate as JsonObject }
}

test.each<[string, Json | undefined]>([
  ['range', undefined],
  ['range.anchor', 'abc'],
  ['range.to', 'a'.repeat(40)],
  ['range.count', -1],
  ['range.count', 2],
  ['law.policy.digest', {}],
  ['law.policy.uri', undefined],
  ['law.more', 1],
  ['mode', 'strict'],
  ['inputs.sourceMode', 'on'],
  ['inputs.since', 'main'],
  ['engines.git', '\u001b[31m'],
  ['engines', undefined],
  ['keys.0.fingerprint', 'sha256:Yt0KyOVwMWNHPO9pVAUJIoTE5mZXo8cVYZ0pJmqOn1o'],
  ['keys.1.fingerprint', '3d5e07b2c4a1d93f6085be7c2419f3ad6650814e'],
  ['keys.0.commits', 0.5],
  ['keys.0.lastTime', 'yesterday'],
  ['keys.0.timesFrom', ['the committer']],
  ['keys.0.timesFrom', ['source-vsa']],
  ['keys.0.verifiedTime', '2026'],
  ['keys.0.kind', 'pgp'],
  ['keys.0.kind', 'x509'],
  ['keys.0.kind', 'ssh-certificate'],
  ['keys.0.authority', 'A'.repeat(64)],
  ['keys.0.serials', ['2A']],
  ['keys.2.chain', []],
  ['keys', undefined],
  ['exceptions', undefined],
  ['commits.0.basis', 'believed'],
  ['commits.0.via', 'x'],
  ['commits.0.email', 'alice@example.com'],
  ['commits', {}],
  ['reviews.0.label', 'strong'],
  ['reviews.0.statements', ['x']],
  ['reviews.0.keys', ['carol@example.com']],
  ['reviews.0.keys', undefined],
  ['more', 1],
])('readSourceDetail() refuses %s: %j', (path, value) => {
  expect(errorOf(() => readSourceDetail(broken(path, value))).code).toBe('statements/detail-malformed')
})

test('readSourceDetail() refuses a subject other than the end of the range, and a second one', () => {
  const statement = written()
  const other: Statement = { ...statement, subject: [{ digest: { gitCommit: 'a'.repeat(40) } }] }
  const two: Statement = { ...statement, subject: [statement.subject[0], { digest: { gitCommit: 'a'.repeat(40) } }] }
  for (const bad of [other, two]) expect(errorOf(() => readSourceDetail(bad)).code).toBe('statements/detail-malformed')
})
