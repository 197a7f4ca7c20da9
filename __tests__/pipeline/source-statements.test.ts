import type { CommitId } from '../../src/core/digest.ts'
import type { TrustedTime } from '../../src/core/facts.ts'
import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import type { Built } from '../../src/pipeline/build-stage.ts'
import type { Ready } from '../../src/pipeline/preflight.ts'
import type { SourceOutcome } from '../../src/pipeline/source-stage.ts'
import { sourceStatements } from '../../src/pipeline/source-statements.ts'
import type { CommitJudgement, KeyUse, SourceJudgement } from '../../src/policy/judgement.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { readSourceDetail } from '../../src/statements/read-source-detail.ts'
import { readSourceSummary } from '../../src/statements/source-vsa.ts'
import { idOf, LAW, sshFingerprintOf } from '../policy/world.ts'

const HEAD = idOf('c3')
const time = (day: number, from: TrustedTime['from'] = 'platform'): TrustedTime => ({
  time: new Date(Date.UTC(2026, 3, day)),
  from,
})

function commit(name: string, by: string, more: Partial<CommitJudgement> = {}): CommitJudgement {
  const common = { subject: name, lawAt: idOf('anchor'), outcome: 'passed', findings: [] } as const
  return { ...common, id: idOf(name), kind: 'ssh', key: sshFingerprintOf(by), principal: by, basis: 'signed', ...more }
}

function use(by: string, first: string, last: string, commits: number): KeyUse {
  return { fingerprint: sshFingerprintOf(by), principal: by, first: idOf(first), last: idOf(last), commits }
}

function judgementOf(commits: readonly CommitJudgement[], more: Partial<SourceJudgement> = {}): SourceJudgement {
  return {
    outcome: 'passed',
    commits,
    findings: [],
    law: LAW,
    lawAt: idOf('anchor'),
    anchor: idOf('anchor'),
    ref: 'refs/heads/main',
    level: 'ORG_SOURCE_COMMITS_SIGNED',
    keys: [],
    exceptions: [],
    changes: [],
    ...more,
  }
}

interface Change {
  readonly source?: Partial<SourceOutcome>
  readonly built?: Partial<Built>
  readonly sha?: CommitId
  readonly purpose?: 'sign' | 'propose'
}

/** Of a run that may state everything, unless something is changed; undefined when it states nothing. */
async function stated(judgement: SourceJudgement, { source, built, sha = HEAD, purpose = 'sign' }: Change = {}) {
  const request = {
    serverUrl: 'https://github.com',
    repository: 'acme/app',
    waybillVersion: '0.1.0',
    source: { ref: 'refs/heads/main', purpose, mode: 'auto', anchor: idOf('anchor'), head: HEAD },
  } as unknown as AttestRequest
  const ports = {
    engines: async (openpgp: boolean) => ({ git: '2.51.0', ...(openpgp ? { openpgp: '6.3.1' } : {}) }),
    now: () => new Date(Date.UTC(2026, 4, 1)),
  } as unknown as AttestPorts
  const input = {
    ready: { identity: { claims: { sha } } } as unknown as Ready,
    source: {
      commit: { id: HEAD },
      foundOnRef: true,
      claim: { mode: 'enforce', verdict: 'passed' },
      judgement,
      ...source,
    } as unknown as SourceOutcome,
    built: { result: { builder: 'buildx' }, exported: {}, ...built } as unknown as Built,
  }
  const policy = { uri: 'git+https://github.com/acme/app#.github/waybill.yml' }
  const documents = await sourceStatements(request, ports, input, policy)
  if (documents === undefined) return undefined
  const summary = readSourceSummary(parseStatement(documents.summary))
  return { summary, detail: readSourceDetail(parseStatement(documents.detail)) }
}

const THREE = [commit('c1', 'alice'), commit('c2', 'bob'), commit('c3', 'alice')]

test('sourceStatements() states what was judged, and the summary names the detail', async () => {
  const documents = await stated(judgementOf(THREE, { keys: [use('alice', 'c1', 'c3', 2), use('bob', 'c2', 'c2', 1)] }))
  expect(documents?.summary).toMatchObject({ commit: HEAD, policy: { digest: LAW.policyDigest } })
  expect(documents?.summary.levels).toContain('ORG_SOURCE_COMMITS_SIGNED')
  expect(documents?.detail).toMatchObject({
    range: { anchor: idOf('anchor'), to: HEAD, count: 3 },
    law: { at: idOf('anchor'), gitTree: LAW.tree },
    inputs: { sourceMode: 'auto', since: idOf('anchor') },
    engines: { waybill: '0.1.0', git: '2.51.0' },
  })
  expect(documents?.detail.keys.map(({ lastTime }) => lastTime)).toEqual([undefined, undefined])
})

test.each<[string, Change]>([
  ['13-adversary 41: under audit', { source: { claim: { mode: 'audit', verdict: 'passed' } } }],
  ['13-adversary 41: of what did not pass', { source: { claim: { mode: 'enforce', verdict: 'unknown' } } }],
  ['13-adversary 7: of a commit that was not found on the ref', { source: { foundOnRef: false } }],
  ['13-adversary 28: of another commit than the run’s own', { sha: idOf('another') }],
  ['13-adversary 6: for a proposal', { purpose: 'propose' }],
  ['13-adversary 15: for a layout', { built: { result: { builder: 'layout' } as Built['result'] } }],
  ['13-adversary 15: for a digest', { built: { result: { builder: 'none' } as Built['result'] } }],
])('%s nothing is stated', async (_name, change) => {
  expect(await stated(judgementOf(THREE), change)).toBeUndefined()
})

test('13-adversary 15: without an exported commit nothing is stated', async () => {
  const built = { result: { builder: 'buildx' }, exported: undefined } as unknown as Partial<Built>
  expect(await stated(judgementOf(THREE), { built })).toBeUndefined()
})

test('13-adversary 12: a key is stated as it was used, with all by which it can be revoked', async () => {
  const { time: lastTime } = time(9, 'log')
  const timed = { firstTime: time(3).time, lastTime, timesFrom: ['platform', 'log'] } as const
  const keys: readonly KeyUse[] = [
    { ...use('alice', 'c1', 'c3', 2), ...timed },
    { ...use('bob', 'c2', 'c2', 1), kind: 'ssh-certificate', authority: sshFingerprintOf('ca') },
    { ...use('carol', 'c3', 'c3', 0), verifiedTime: lastTime },
  ]
  expect((await stated(judgementOf(THREE, { keys })))?.detail.keys).toEqual(keys)
})

test('of an excepted commit nothing is taken from its signature, and the reason is not published', async () => {
  const excepted = commit('c2', 'bob', { basis: 'excepted', kind: 'openpgp', key: 'bob@example.com' })
  const exceptions = [
    { kind: 'commit', commit: idOf('c2'), reason: 'ask bob@example.com', approvedBy: 'alice', covers: 1 },
    { kind: 'commit', commit: idOf('later'), reason: 'not up to the head', approvedBy: 'alice', covers: 1 },
  ] as const
  const documents = await stated(judgementOf([THREE[0] ?? excepted, excepted], { exceptions }))
  expect(documents?.summary.levels).toContain('ORG_SOURCE_COMMITS_ACCEPTED')
  expect(documents?.detail.commits[1]).not.toHaveProperty('key')
  expect(documents?.detail.exceptions).toEqual([{ kind: 'commit', commit: idOf('c2'), approvedBy: 'alice', covers: 1 }])
  expect(documents?.detail.engines).toHaveProperty('openpgp')
  expect(JSON.stringify(documents)).not.toContain('@example')
})

test('the level is that of the commits up to the head, and of nothing judged the lower one', async () => {
  const levels = async (commits: readonly CommitJudgement[], level: SourceJudgement['level'] & {}) =>
    (await stated(judgementOf(commits, { level })))?.summary.levels
  expect(await levels(THREE, 'ORG_SOURCE_COMMITS_ACCEPTED')).toContain('ORG_SOURCE_COMMITS_SIGNED')
  expect(await levels([], 'ORG_SOURCE_COMMITS_SIGNED')).toContain('ORG_SOURCE_COMMITS_ACCEPTED')
})

test('reviews are stated with their statements as inputs of the summary', async () => {
  const statement = LAW.policyDigest
  const review = {
    enough: true,
    label: 'signed-by-reviewer',
    by: ['bob'],
    head: idOf('c2'),
    pull: 7,
    statements: [statement],
    keys: [sshFingerprintOf('bob')],
  } as const
  const documents = await stated(judgementOf([commit('c3', 'alice', { review })], { reviewed: true }))
  expect(documents?.summary.levels).toContain('ORG_SOURCE_REVIEWED')
  const { enough: _enough, ...written } = review
  expect(documents?.detail.reviews).toEqual([{ commit: HEAD, ...written }])
})
