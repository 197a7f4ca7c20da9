import type { CommitFacts, JudgedCommit } from '../../src/core/facts.ts'
import { isEnoughEarlier } from '../../src/policy/earlier-review.ts'
import type { EarlierReview, StepEvidence } from '../../src/policy/evidence.ts'
import { constantLaw, endFold, startFold, stepFold } from '../../src/policy/fold.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import { needsOf } from '../../src/policy/needs.ts'
import type { ReviewRule, Revocation } from '../../src/policy/policy.ts'
import { evidenceOf } from './story-evidence.ts'
import { BASE, commit, idOf, lawFiles, MAIN, malformed, NOW, PEOPLE, sshFingerprintOf } from './world.ts'

const REVIEW: ReviewRule = {
  approvals: 1,
  by: new Set(['alice', 'bob']),
  distinctFrom: new Set(['author', 'committers', 'last-pusher'] as const),
  strength: 'platform-recorded',
}

function lawWith(...rules: readonly Partial<ReviewRule>[]): Law {
  const law = constantLaw(parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': PEOPLE })))
  const [rule] = law.policy.source
  if (rule === undefined) throw new Error('The policy has a rule')
  return {
    ...law,
    policy: { ...law.policy, source: rules.map(change => ({ ...rule, review: { ...REVIEW, ...change } })) },
  }
}

function revoking(law: Law, name: string): Law {
  const revoked: Revocation[] = [
    { kind: 'key', fingerprint: sshFingerprintOf(name), effective: new Date('2026-01-01'), mode: 'compromised' },
  ]
  return { ...law, policy: { ...law.policy, revoked } }
}

const LAW = lawWith({})
/** carol's branch, merged by her. */
const HEAD = commit('h', { by: 'carol', parents: ['anchor'] })
const MERGE = commit('m', { by: 'carol', parents: ['anchor', 'h'] })
const BY_ALICE: EarlierReview = {
  label: 'platform-recorded',
  by: ['alice'],
  head: HEAD.id,
  pull: 1,
  statements: [],
  keys: [],
}
const SIGNED: EarlierReview = {
  ...BY_ALICE,
  label: 'signed-by-reviewer',
  keys: [{ fingerprint: sshFingerprintOf('alice'), principal: 'alice' }],
}

function judge(evidence: StepEvidence | undefined, { law = LAW, end = law }: { law?: Law; end?: Law } = {}) {
  const fold = startFold({ id: idOf('anchor') }, law, MAIN, { repositoryId: 4711 })
  const step = { commit: MERGE, broughtIn: [HEAD], law: { files: [] }, ...(evidence ? { evidence } : {}) }
  return endFold({ ...stepFold(fold, step, NOW), law: end }, NOW)
}

describe('13-adversary 2: a review that an earlier run found', () => {
  test('is the review of its commit, and says so', () => {
    const judgement = judge({ earlier: BY_ALICE })
    expect([judgement.outcome, judgement.reviewed]).toEqual(['passed', true])
    expect(judgement.commits.at(-1)?.review).toEqual({ ...BY_ALICE, enough: true, earlier: true })
  })

  test('spares asking the platform, and only the review', () => {
    const needs = (earlier: EarlierReview, law = LAW, own: CommitFacts = MERGE) =>
      needsOf(law, MAIN, own, { broughtIn: [HEAD], changes: 'same', earlier })
    expect(needs(BY_ALICE)).toEqual({ platform: false, trees: false, reviews: true })
    expect(needs({ ...BY_ALICE, by: ['dave'] })).toEqual({ platform: true, trees: true, reviews: true })
    // What the platform signed has to be proved to be a merge all the same.
    const clean = LAW.policy.source.map(rule => ({ ...rule, platform: { ...rule.platform, merge: 'clean' as const } }))
    const law = { ...LAW, policy: { ...LAW.policy, source: clean } }
    const platform = commit('m', { by: 'platform', parents: ['anchor', 'h'] })
    expect(needs(BY_ALICE, law, platform)).toEqual({ platform: true, trees: true, reviews: true })
  })

  test('does not approve a change of the law', () => {
    const policyChange = { ...LAW.policy.policyChange, approvals: 1 }
    const law = { ...LAW, constant: false, policy: { ...LAW.policy, policyChange } }
    const known = { broughtIn: [HEAD], changes: 'policy', earlier: BY_ALICE } as const
    expect(needsOf(law, MAIN, MERGE, known)).toEqual({ platform: true, trees: true, reviews: true })
  })

  const by = (...names: readonly string[]): EarlierReview => ({ ...BY_ALICE, by: names })
  test.each<[string, EarlierReview, readonly Partial<ReviewRule>[]]>([
    ['found nobody', { ...BY_ALICE, label: 'none' }, [{}]],
    ['is weaker than the rule', BY_ALICE, [{ strength: 'signed-by-reviewer' }]],
    ['has too few', BY_ALICE, [{ approvals: 2 }]],
    ['has one twice', by('alice', 'alice'), [{ approvals: 2 }]],
    ['has others than the rule', by('dave', 'mallory'), [{}]],
    ['has whom the law does not know', by('zoe'), [{ by: new Set(['zoe']) }]],
    ['has who made it', by('carol'), [{ by: new Set(['carol']) }]],
    ['is enough for one rule of two', BY_ALICE, [{}, { by: new Set(['bob']) }]],
    ['is about no head', { ...BY_ALICE, head: undefined } as unknown as EarlierReview, [{}]],
    ['is about another head', { ...BY_ALICE, head: idOf('another') }, [{}]],
    ['has a key of somebody else', { ...SIGNED, by: ['bob'] }, [{}]],
  ])('counts for nothing when it %s', (_what, earlier, rules) => {
    const law = lawWith(...rules)
    const asked = rules.map(rule => ({ ...REVIEW, ...rule }))
    expect(isEnoughEarlier(earlier, MERGE, [HEAD], asked, { law })).toBe(false)
    expect(judge({ earlier }, { law }).outcome).not.toBe('passed')
  })

  test('counts where every rule is met, and the merger is no maker of what was looked at', () => {
    const law = lawWith({}, { approvals: 2, strength: 'signed-by-reviewer' })
    const both = { ...SIGNED, by: ['alice', 'bob'] }
    expect(judge({ earlier: both }, { law }).reviewed).toBe(true)
    const merged = commit('m', { by: 'alice', parents: ['anchor', 'h'] })
    expect(isEnoughEarlier(BY_ALICE, merged, [HEAD], [REVIEW], { law })).toBe(true)
  })

  test('of a commit itself looks at the commit and all it brings in, of a repeated one at its author alone', () => {
    const enough = (head: string, own: CommitFacts, side: readonly JudgedCommit[] = []) =>
      isEnoughEarlier({ ...BY_ALICE, head: idOf(head) }, own, side, [REVIEW], { law: LAW })
    expect(enough('c', commit('c', { by: 'carol', parents: ['anchor'] }))).toBe(true)
    expect(enough('c', commit('c', { by: 'alice', parents: ['anchor'] }))).toBe(false)
    expect(enough('m', MERGE, [commit('h', { by: 'alice' })])).toBe(false)
    expect(enough('x', commit('s', { email: 'alice@example.com', author: 'carol', parents: ['anchor'] }))).toBe(true)
    expect(enough('x', commit('s', { by: 'platform', author: 'alice', parents: ['anchor'] }))).toBe(false)
    expect(enough('m', MERGE, [malformed('h')])).toBe(true)
  })

  test('counts for nothing once somebody has withdrawn, or a statement is missing', () => {
    const statements = (story: Parameters<typeof evidenceOf>[0]) => ({
      ...evidenceOf(story, MERGE, 'h'),
      earlier: BY_ALICE,
    })
    const withdrawn = statements({ reviews: [{ by: 'alice', head: 'h', decision: 'withdraw' }] })
    expect(judge(withdrawn).outcome).toBe('unknown')
    expect(judge(statements({ missingReviews: ['gone'] })).outcome).toBe('unknown')
    const another = statements({ reviews: [{ by: 'alice', head: 'x', decision: 'withdraw' }] })
    expect(judge(another).outcome).toBe('passed')
  })

  test('13-adversary 11: rests on statements only while they are still served as they were', () => {
    const served = evidenceOf({ reviews: [{ by: 'alice', head: 'h' }] }, MERGE, 'h')
    const [statement] = served.reviews ?? []
    if (statement === undefined) throw new Error('One statement is served')
    const earlier = { ...SIGNED, statements: [statement.digest] }
    expect(judge({ ...served, earlier }).commits.at(-1)?.review).toMatchObject({ earlier: true, enough: true })
    for (const reviews of [[], [{ ...statement, head: idOf('x') }], [{ ...statement, decision: 'withdraw' as const }]])
      expect(judge({ reviews, earlier }).outcome).toBe('unknown')
  })

  test('is taken away by a compromise of the key that signed it, and its key is told to the gate', () => {
    const { outcome, keys } = judge({ earlier: SIGNED })
    expect(outcome).toBe('passed')
    expect(keys.find(({ principal }) => principal === 'alice')).toEqual({
      fingerprint: sshFingerprintOf('alice'),
      principal: 'alice',
      first: MERGE.id,
      last: MERGE.id,
      commits: 0,
    })
    expect(judge({ earlier: SIGNED }, { end: revoking(LAW, 'alice') }).outcome).toBe('rejected')
    expect(judge({ earlier: BY_ALICE }, { end: revoking(LAW, 'alice') }).outcome).toBe('passed')
  })
})

describe('13-adversary 12: keys of reviewers', () => {
  const reviewed = evidenceOf({ platform: {}, merge: 'equal', reviews: [{ by: 'bob', head: 'h' }] }, MERGE, 'h')

  test('who signed a statement stand beside those of committers, with no commits', () => {
    const { outcome, keys, commits } = judge(reviewed)
    expect(outcome).toBe('passed')
    expect(commits.at(-1)?.review?.keys).toEqual([sshFingerprintOf('bob')])
    expect(keys.map(({ principal, commits: count }) => [principal, count])).toEqual([
      ['carol', 2],
      ['bob', 0],
    ])
  })

  test('that signed inside the commit are as old as it, statements beside it are not', () => {
    const merged = commit('m', { by: 'alice', parents: ['anchor', 'h'], time: '2025-06-01' })
    const fold = startFold({ id: idOf('anchor') }, LAW, MAIN, { repositoryId: 4711 })
    const end = (evidence: StepEvidence, name: string) => {
      const step = { commit: merged, broughtIn: [HEAD], law: { files: [] }, evidence }
      return endFold({ ...stepFold(fold, step, NOW), law: revoking(LAW, name) }, NOW)
    }
    const own = evidenceOf({ platform: {}, merge: 'equal' }, merged, 'h')
    expect(end(own, 'alice')).toMatchObject({ outcome: 'passed', reviewed: true })
    expect(end(own, 'alice').keys.find(({ principal }) => principal === 'alice')).toMatchObject({
      commits: 1,
      lastTime: new Date('2025-06-01'),
    })
    const statement = evidenceOf({ platform: {}, merge: 'equal', reviews: [{ by: 'bob', head: 'h' }] }, merged, 'h')
    expect(end(statement, 'bob').outcome).toBe('rejected')
  })
})
