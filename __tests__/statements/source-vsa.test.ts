import type { JsonObject } from '../../src/core/json.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { isSourceSummary, readSourceSummary, sourceSummaryStatement } from '../../src/statements/source-vsa.ts'
import { type Statement, VERIFICATION_SUMMARY_PREDICATE } from '../../src/statements/statement.ts'
import { OWN_URI_BASE } from '../../src/statements/uris.ts'
import { errorOf } from '../policy/world.ts'
import { commitOf, digestOf } from './facts.ts'
import { SUMMARY } from './source-facts.ts'

const written = (): Statement => parseStatement(sourceSummaryStatement(SUMMARY))

test('readSourceSummary() reads what sourceSummaryStatement() writes', () => {
  expect(readSourceSummary(written())).toEqual({
    commit: commitOf('d'),
    sourceRefs: ['refs/heads/main'],
    verifierId: `${OWN_URI_BASE}/verifiers/source`,
    resourceUri: 'git+https://github.com/acme/app',
    policy: { uri: SUMMARY.policy.uri, digest: digestOf('7') },
    result: 'PASSED',
    levels: ['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_SIGNED', 'ORG_SOURCE_REVIEWED'],
    detail: digestOf('8'),
  })
})

test('the commit is the only subject, with a page for people and its refs', () => {
  expect(written().subject).toEqual([
    {
      uri: `https://github.com/acme/app/commit/${'d'.repeat(40)}`,
      digest: { gitCommit: 'd'.repeat(40) },
      annotations: { sourceRefs: ['refs/heads/main'] },
    },
  ])
  expect(isSourceSummary(written())).toBe(true)
})

test('custom levels never begin with SLSA_, and no level of SLSA is claimed', () => {
  const { verifiedLevels } = written().predicate as { verifiedLevels: string[] }
  expect(verifiedLevels.filter(level => level.startsWith('SLSA_'))).toEqual(['SLSA_SOURCE_LEVEL_UNEVALUATED'])
})

/** The summary with its predicate and subject changed. */
function changed(predicate: JsonObject, subject: object = {}): Statement {
  const statement = written()
  return {
    ...statement,
    subject: [{ ...statement.subject[0], ...subject }],
    predicate: { ...statement.predicate, ...predicate },
  }
}

test('unknown fields of the predicate are ignored, as its parsing rules say, and source_refs is read', () => {
  const statement = changed(
    { 'https://example.com/more': 1, slsaVersion: '1.9', dependencyLevels: {}, timeVerified: 'whenever' },
    { annotations: { source_refs: ['refs/tags/v1'], other: 1 } },
  )
  expect(readSourceSummary(statement).sourceRefs).toEqual(['refs/tags/v1'])
})

test('a FAILED summary is read as such, with no level', () => {
  const read = readSourceSummary(changed({ verificationResult: 'FAILED', verifiedLevels: ['FAILED'] }))
  expect([read.result, read.levels]).toEqual(['FAILED', []])
})

const LEVELS = ['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_SIGNED']
const DETAIL = { uri: `${OWN_URI_BASE}/source-verification/v0.1`, digest: { sha256: '8'.repeat(64) } }

test.each<[string, JsonObject, object]>([
  ['a level nobody knows', { verifiedLevels: [...LEVELS, 'ORG_SOURCE_PERFECT'] }, {}],
  ['a level of SLSA that was not evaluated', { verifiedLevels: ['SLSA_SOURCE_LEVEL_3', LEVELS[1] ?? ''] }, {}],
  ['a level twice', { verifiedLevels: [...LEVELS, ...LEVELS] }, {}],
  ['both commit levels', { verifiedLevels: [...LEVELS, 'ORG_SOURCE_COMMITS_ACCEPTED'] }, {}],
  ['no commit level', { verifiedLevels: ['SLSA_SOURCE_LEVEL_UNEVALUATED'] }, {}],
  ['FAILED among levels', { verifiedLevels: ['FAILED'] }, {}],
  ['no level of SLSA', { verifiedLevels: ['ORG_SOURCE_COMMITS_SIGNED'] }, {}],
  ['levels that are no list', { verifiedLevels: 'ORG_SOURCE_COMMITS_SIGNED' }, {}],
  ['another result', { verificationResult: 'passed' }, {}],
  ['no result', { verificationResult: null }, {}],
  ['no verifier', { verifier: {} }, {}],
  ['a policy without uri', { policy: { digest: { sha256: '7'.repeat(64) } } }, {}],
  ['a policy digest of another length', { policy: { uri: 'x', digest: { sha256: '7' } } }, {}],
  ['two details', { inputAttestations: [DETAIL, DETAIL] }, {}],
  ['an input that is a text', { inputAttestations: ['x'] }, {}],
  ['an image beside the commit', {}, { digest: { gitCommit: 'd'.repeat(40), sha256: '1'.repeat(64) } }],
  ['no commit', {}, { digest: { sha256: '1'.repeat(64) } }],
  ['a short ref', {}, { annotations: { sourceRefs: ['main'] } }],
  ['a ref that is a number', {}, { annotations: { sourceRefs: [1] } }],
  ['two spellings with two contents', {}, { annotations: { sourceRefs: [], source_refs: ['refs/heads/main'] } }],
])('readSourceSummary() refuses %s', (_what, predicate, subject) => {
  expect(errorOf(() => readSourceSummary(changed(predicate, subject))).code).toBe('statements/summary-malformed')
})

test('readSourceSummary() refuses a second subject', () => {
  const statement = written()
  const two: Statement = { ...statement, subject: [statement.subject[0], { digest: { gitCommit: 'a'.repeat(40) } }] }
  expect(errorOf(() => readSourceSummary(two)).code).toBe('statements/summary-malformed')
})

test('a summary about an image is none about a commit', () => {
  const deploy: Statement = {
    subject: [{ digest: { sha256: '1'.repeat(64) } }],
    predicateType: VERIFICATION_SUMMARY_PREDICATE,
    predicate: {},
  }
  expect(isSourceSummary(deploy)).toBe(false)
})

test('nothing is written that the reader would refuse', () => {
  const code = (facts: object) => errorOf(() => sourceSummaryStatement({ ...SUMMARY, ...facts })).code
  expect(code({ refs: ['main'] })).toBe('statements/summary-malformed')
  expect(code({ level: 'ORG_SOURCE_REVIEWED' })).toBe('statements/summary-malformed')
})
