import type { CertificateSigner } from '../../src/core/signer.ts'
import { type AcceptedEarlier, acceptEarlier, type EarlierExpected, evidenceOf } from '../../src/policy/earlier-vsa.ts'
import { DETAIL } from '../statements/source-facts.ts'
import { type CI, certificate, ISSUER, signed } from './images.ts'
import { ANCHOR, type PairOptions, POLICY_URI, pairOf, signedStatement } from './source-world.ts'
import { idOf } from './world.ts'

const MAIN = 'refs/heads/main'
const WORKFLOW = `acme/app/.github/workflows/release.yml@${MAIN}`
const SERVER = 'https://github.com'

const EXPECTED: EarlierExpected = {
  issuer: ISSUER,
  serverUrl: SERVER,
  repository: 'acme/app',
  repositoryId: '4711',
  ownerId: '42',
  ref: MAIN,
  workflowRef: WORKFLOW,
  jobWorkflowRef: WORKFLOW,
  workflows: ['.github/workflows/ci.yml'],
  policyUri: POLICY_URI,
  anchor: ANCHOR,
  revoked: [],
}

/** The certificate of a run of this workflow on the protected branch. */
function runOf(change: Partial<typeof CI> = {}, workflow = WORKFLOW, issuer = ISSUER): CertificateSigner {
  const san = `${SERVER}/${workflow}`
  return certificate({
    san,
    issuer,
    ci: { buildConfigUri: san, buildSignerUri: san, sourceRepositoryRef: MAIN, ...change },
  })
}

const earlier = (options: PairOptions = {}) =>
  pairOf({ signer: runOf(), ...options, summary: { refs: [MAIN], ...options.summary } })

function accept(pair: ReturnType<typeof pairOf>, expected: Partial<EarlierExpected> = {}) {
  return acceptEarlier(pair.summary, [pair.summary, pair.detail], { ...EXPECTED, ...expected })
}

function refusedFor(...args: Parameters<typeof accept>): string {
  const judged = accept(...args)
  if (!('refused' in judged)) return 'accepted'
  expect(judged.refused).toMatchObject({ code: 'source/earlier-refused', severity: 'note' })
  return judged.refused.message.replace(/^.* another /, '')
}

function accepted(...args: Parameters<typeof accept>): AcceptedEarlier {
  const judged = accept(...args)
  if ('refused' in judged) throw new Error(judged.refused.message)
  return judged
}

test('acceptEarlier() takes what a run of this workflow on the protected branch stated', () => {
  expect(accepted(earlier()).detail.range.anchor).toBe(ANCHOR)
})

test('13-adversary 2: a workflow that source-workflows names counts, another does not', () => {
  const by = (file: string, ref = MAIN) => earlier({ signer: runOf({}, `acme/app/.github/workflows/${file}@${ref}`) })
  expect(refusedFor(by('ci.yml'))).toBe('accepted')
  expect(refusedFor(by('ci.yml'), { workflows: [] })).toBe('workflow')
  expect(refusedFor(by('evil.yml'))).toBe('workflow')
  expect(refusedFor(by('release.yml', 'refs/heads/side'))).toBe('workflow')
})

test('13-adversary 2: a called workflow counts only when this run calls it too, from an own workflow', () => {
  const shared = 'acme/shared/.github/workflows/build.yml@refs/tags/v1'
  const called = (config = WORKFLOW) =>
    earlier({
      signer: {
        ...runOf({ buildConfigUri: `${SERVER}/${config}` }),
        san: { type: 'uri', value: `${SERVER}/${shared}` },
      },
    })
  expect(refusedFor(called())).toBe('identity')
  expect(refusedFor(called(), { jobWorkflowRef: shared })).toBe('accepted')
  expect(refusedFor(called('mallory/app/.github/workflows/x.yml@refs/heads/main'), { jobWorkflowRef: shared })).toBe(
    'workflow',
  )
})

test('13-adversary 2: what a caller signs itself does not pass through the called workflow of this run', () => {
  const shared = 'acme/shared/.github/workflows/build.yml@refs/tags/v1'
  expect(refusedFor(earlier(), { jobWorkflowRef: shared })).toBe('identity')
  const ci = 'acme/app/.github/workflows/ci.yml@refs/heads/main'
  expect(refusedFor(earlier({ signer: runOf({}, ci) }), { jobWorkflowRef: shared })).toBe('accepted')
})

test.each<[string, PairOptions]>([
  ['issuer', { signer: runOf({}, WORKFLOW, 'https://gitlab.com') }],
  ['repository', { signer: runOf({ sourceRepositoryUri: 'https://github.com/mallory/app' }) }],
  ['repository id', { signer: runOf({ sourceRepositoryIdentifier: '1' }) }],
  ['owner id', { signer: runOf({ sourceRepositoryOwnerIdentifier: '1' }) }],
  ['ref', { signer: runOf({ sourceRepositoryRef: 'refs/heads/side' }) }],
  ['ref', { summary: { refs: ['refs/heads/side'] } }],
  ['event', { signer: runOf({ buildTrigger: 'pull_request_target' }) }],
  ['commit', { signer: runOf({ sourceRepositoryDigest: idOf('another') }) }],
  ['anchor', { detail: { range: { ...DETAIL.range, anchor: idOf('another'), to: idOf('head') } } }],
  ['mode', { detail: { mode: 'audit' } }],
  ['policy', { summary: { policy: { ...DETAIL.law.policy, uri: `${POLICY_URI}x` } } }],
  ['policy', { detail: { law: { ...DETAIL.law, policy: { ...DETAIL.law.policy, uri: `${POLICY_URI}x` } } } }],
])('13-adversary 2: another %s is refused', (what, options) => {
  expect(refusedFor(earlier(options))).toBe(what)
})

test('13-adversary 2: a key, a failed or foreign summary, a missing or foreign detail is refused', () => {
  const pair = earlier()
  const change = (predicate: object) =>
    signedStatement(
      { ...pair.summary.statement, predicate: { ...pair.summary.statement.predicate, ...predicate } },
      runOf(),
    )
  expect(refusedFor(earlier({ signer: { kind: 'key', fingerprint: 'ab'.repeat(32) } }))).toBe('signer')
  expect(refusedFor({ ...pair, summary: signed({ signer: runOf() }) })).toBe('statement')
  expect(refusedFor({ ...pair, summary: change({ verificationResult: 'FAILED', verifiedLevels: ['FAILED'] }) })).toBe(
    'result',
  )
  expect(refusedFor({ ...pair, summary: change({ verifier: { id: 'https://example.com' } }) })).toBe('verifier')
  expect(refusedFor({ ...pair, summary: change({ resourceUri: 'git+https://github.com/acme/other' }) })).toBe(
    'repository',
  )
  expect(refusedFor({ ...pair, summary: change({ verifiedLevels: [] }) })).toBe('form')
  expect(refusedFor({ ...pair, summary: change({ inputAttestations: [] }) })).toBe('detail')
  expect(refusedFor({ ...pair, detail: pair.summary })).toBe('detail')
  const foreign = earlier({ signer: runOf({ sourceRepositoryIdentifier: '1' }) })
  expect(refusedFor({ ...pair, detail: foreign.detail })).toBe('detail')
})

test('13-adversary 12: a revoked run is refused', () => {
  const revoked = [
    { kind: 'key' as const, fingerprint: 'AB'.repeat(32), effective: new Date(0), mode: 'retired' as const },
  ]
  const judged = accept(earlier(), { revoked })
  expect('refused' in judged && judged.refused.code).toBe('verify/signer-revoked')
})

describe('13-adversary 2: the evidence is', () => {
  const [first, second] = DETAIL.commits
  const at = (time: string) => accepted(earlier({ signedAt: new Date(time) }))
  const of = (commit: typeof first) => commit?.gitCommit ?? idOf('none')

  test('a time for commits that the detail lists under a key, and no other', () => {
    const evidence = evidenceOf([at('2026-05-20T00:00:00Z')], [])
    expect(evidence.timeOf(of(first))).toEqual({ time: new Date('2026-05-20T00:00:00Z'), from: 'source-vsa' })
    expect(evidence.timeOf(idOf('unlisted'))).toBeUndefined()
    expect(evidence.verified).toMatchObject({ commit: idOf('head'), time: { from: 'source-vsa' } })
  })

  test('the earlier of the summary’s own time and what it carried on itself', () => {
    const evidence = evidenceOf([at('2026-05-20T00:00:00Z')], [])
    expect(evidence.timeOf(of(second))?.time).toEqual(new Date('2026-04-30T08:00:00.000Z'))
  })

  test('of several summaries the earliest time', () => {
    const evidence = evidenceOf([at('2026-05-20T00:00:00Z'), at('2026-05-02T00:00:00Z')], [])
    expect(evidence.timeOf(of(first))?.time).toEqual(new Date('2026-05-02T00:00:00Z'))
    expect(evidence.verified?.time.time).toEqual(new Date('2026-05-20T00:00:00Z'))
  })

  test('no time for a commit without a proven key', () => {
    const commits = [{ gitCommit: of(first), kind: 'none', basis: 'excepted' }] as const
    const level = 'ORG_SOURCE_COMMITS_ACCEPTED'
    const evidence = evidenceOf([accepted(earlier({ detail: { commits }, summary: { level } }))], [])
    expect(evidence.timeOf(of(first))).toBeUndefined()
  })

  test('reviews as they were judged', () => {
    const evidence = evidenceOf([at('2026-05-20T00:00:00Z')], [])
    const [listed] = DETAIL.reviews
    if (listed === undefined) throw new Error('No review')
    const { commit, keys: fingerprints, ...review } = listed
    const [fingerprint = ''] = fingerprints
    const keys = [{ fingerprint, kind: 'gitsign', principal: 'carol' }]
    expect(evidence.reviewOf(commit)).toEqual({ ...review, keys })
    expect(evidence.reviewOf(of(first))).toBeUndefined()
  })

  test('no review that rests on a key which is not listed: nobody could revoke it', () => {
    const keys = DETAIL.keys.filter(({ kind }) => kind !== 'gitsign')
    const evidence = evidenceOf([accepted(earlier({ detail: { keys } }))], [])
    expect(evidence.reviewOf(DETAIL.reviews[0]?.commit ?? idOf('none'))).toBeUndefined()
  })

  test('a time of every commit of a key, which earlier summaries carry on, also where the list leaves it out', () => {
    const [alice, bob] = DETAIL.keys
    if (alice === undefined || bob === undefined) throw new Error('No keys')
    const verifiedTime = new Date('2026-04-02T00:00:00Z')
    const signedAt = new Date('2026-05-20T00:00:00Z')
    const keys = [{ ...alice, verifiedTime }, bob, ...DETAIL.keys.slice(2)]
    const { timeOf, verified } = evidenceOf([accepted(earlier({ signedAt, detail: { keys } }))], [])
    expect(timeOf(of(first))).toEqual({ time: verifiedTime, from: 'source-vsa' })
    expect(verified?.timeOfKey(alice.fingerprint)).toEqual({ time: verifiedTime, from: 'source-vsa' })
    expect(verified?.timeOfKey(bob.fingerprint)?.time).toEqual(bob.lastTime)
    expect(verified?.timeOfKey('A'.repeat(40))).toBeUndefined()
  })

  test('no time of a key where commits were excepted: of them its time says nothing', () => {
    const exceptions = [{ kind: 'until', commit: idOf('old'), covers: 1 }] as const
    const level = 'ORG_SOURCE_COMMITS_ACCEPTED'
    const { verified } = evidenceOf([accepted(earlier({ detail: { exceptions }, summary: { level } }))], [])
    expect(verified?.timeOfKey(DETAIL.keys[1]?.fingerprint ?? '')).toBeUndefined()
  })

  test('empty when nothing was accepted', () => {
    const evidence = evidenceOf([], [])
    expect([evidence.timeOf(of(first)), evidence.reviewOf(of(first)), evidence.verified]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})
