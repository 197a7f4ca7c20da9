import fc from 'fast-check'
import type { CommitFacts, SignatureFact } from '../../src/core/facts.ts'
import type { StepEvidence } from '../../src/policy/evidence.ts'
import { constantLaw, endFold, startFold, stepFold } from '../../src/policy/fold.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import { needsOf } from '../../src/policy/needs.ts'
import type { SourceRule } from '../../src/policy/policy.ts'
import { expectStory, readStory, type Story, storyFolders, tell } from './stories.ts'
import { evidenceOf } from './story-evidence.ts'
import { BASE, commit, filled, idOf, lawFiles, MAIN, NOW, PEOPLE, signatureOf, sshFingerprintOf } from './world.ts'

const STORIES = [
  ['13-adversary 1: a rejected API merge stays rejected after a good push', '1-api-merge-then-push'],
  ['13-adversary 3: a change with the approval it needs is accepted', '3-approved-change'],
  ['13-adversary 3: a change without approvals is refused', '3-change-without-approval'],
  ['13-adversary 3: the signer does not approve his own change', '3-change-approved-by-himself'],
  ['13-adversary 3: only those who may change the law approve a change', '3-change-approved-by-developer'],
  ['13-adversary 3: approvals that cannot be read are unknown', '3-change-approval-unknown'],
  ['13-adversary 3: the merge of the signer is no approval', '3-signer-counts-once'],
  ['13-adversary 3: a signed statement of another maintainer approves', '3-merger-approves'],
  ['13-adversary 3: a derived merge changes the law only with those who may', '3-derived-change-by-developer'],
  ['13-adversary 3: every commit of a derived change is signed by those who may', '3-derived-change-mixed'],
  ['13-adversary 3: a derived merge of a maintainer’s change is accepted', '3-derived-change'],
  ['13-adversary 3: a derived merge of nothing changes no law', '3-derived-from-nothing'],
  ['13-adversary 3: a squash changes the law with those who signed its commits', '3-squash-change'],
  ['13-adversary 3: a squash of a developer’s commit changes no law', '3-squash-change-by-developer'],
  ['13-adversary 3: a bot may change workflows where the policy says so, with an approval', '3-workflow-by-bot'],
  ['13-adversary 3: nor without the approval', '3-workflow-by-bot-unapproved'],
  ['13-adversary 3: a bot that may change workflows may not change the policy', '3-policy-by-bot'],
  ['13-adversary 3: a change that is not reviewed itself changes nothing', '3-unreviewed-change'],
  ['13-adversary 3: a statement about the commit itself approves a direct change', '3-direct-change-stated'],
  ['13-adversary 8: a clean platform merge of signed commits is derived', '8-merge-clean'],
  ['13-adversary 8: a platform merge with a foreign tree counts as content', '8-merge-adds-content'],
  ['13-adversary 8: a platform merge without a pull request counts as content', '8-merge-without-pull'],
  ['13-adversary 8: a pull request into another base proves nothing here', '8-merge-of-other-base'],
  ['13-adversary 8: a pull request of another repository proves nothing here', '8-merge-of-other-repository'],
  ['13-adversary 8: a pull request that became another commit proves nothing', '8-merge-elsewhere'],
  ['13-adversary 8: the head that was merged must be the second parent', '8-merge-of-other-head'],
  ['13-adversary 8: a head pushed after the merge was not merged', '8-merge-head-newer'],
  ['13-adversary 8: a switch that is off is off', '8-merge-denied'],
  ['13-adversary 8: without a switch no platform commit passes, whatever is known', '8-everything-denied'],
  ['13-adversary 8: an API that does not answer is unknown, never passed', '8-merge-api-403'],
  ['13-adversary 8: without our own number no pull request can be called ours', '8-merge-repository-unknown'],
  ['13-adversary 8: evidence that nobody fetched is unknown', '8-merge-not-asked'],
  ['13-adversary 8: what a derived merge brings in is judged itself', '8-merge-brings-unsigned'],
  ['13-adversary 8: the platform’s committer is no principal', '8-committer-dressed-up'],
  ['13-adversary 8: the key of an own server counts where the policy names it', '8-own-server-key'],
  ['13-adversary 8: a squash carries the signatures of its pull request', '8-squash-signed'],
  ['13-adversary 8: content added while squashing counts as content', '8-squash-adds-content'],
  ['13-adversary 8: an unsigned commit inside a squash rejects it', '8-squash-inner-unsigned'],
  ['13-adversary 8: a stranger’s commit inside a squash rejects it', '8-squash-inner-stranger'],
  ['13-adversary 8: a squash of another repository’s pull request proves nothing', '8-squash-of-other-repository'],
  ['13-adversary 8: a pull request that was not read is unknown', '8-squash-unread'],
  ['13-adversary 8: platform and git must agree on the head', '8-squash-head-contradicted'],
  ['13-adversary 8: a squash of no commits is content', '8-squash-of-nothing'],
  ['13-adversary 8: a squash is worth no more than the least in it', '8-squash-of-bot-content'],
  ['13-adversary 8: rebased commits that repeat signed ones are derived', '8-rebase-signed'],
  ['13-adversary 8: repeating an old signed change is no rebase', '8-rebase-repeats-old'],
  ['13-adversary 8: a rebased commit with another change is unsigned', '8-rebase-other-change'],
  ['13-adversary 8: a rebased commit keeps its author', '8-rebase-other-author'],
  ['13-adversary 8: an unsigned commit without a pull request is unsigned', '8-rebase-without-pull'],
  ['13-adversary 8: without the line nobody knows the place of a rebased commit', '8-rebase-without-line'],
  ['13-adversary 8: whether an unsigned commit was rebased is unknown without the API', '8-rebase-api-403'],
  ['13-adversary 8: a rebased commit is worth what its original is', '8-rebase-inner-unsigned'],
  ['13-adversary 8: a bot’s own pull request counts as its content', '8-content-of-bot'],
  ['13-adversary 8: one foreign commit in the pull request spoils the bot’s content', '8-content-with-foreign-commit'],
  ['13-adversary 8: a bot’s commit in somebody’s pull request is not the bot’s content', '8-content-in-foreign-pull'],
  ['13-adversary 8: the platform’s author decides, not the author line', '8-content-of-another'],
  ['13-adversary 8: an edit without a pull request is nobody’s content', '8-content-without-pull'],
  ['13-adversary 8: content of others is denied', '8-content-not-listed'],
  ['13-adversary 8: a pull request that was not listed to its end is unknown', '8-content-not-all-listed'],
  ['13-adversary 8: content cannot be told without the API', '8-content-api-403'],
  ['13-adversary 8: a bot’s squash with added content is not the bot’s', '8-content-squash-adds'],
  ['13-adversary 8: a bot’s squash that adds nothing is the bot’s content', '8-content-squash-equal'],
  ['13-adversary 8: a pull request that is not merged proves nothing where something is signed', '8-pending-pull'],
  ['13-adversary 8: the entry of the merge queue counts for the proposal under judgement', '8-pending-merge-group'],
  ['13-adversary 9: a merge whose parents conflict is unknown, never tampered', '9-merge-conflict'],
  ['13-adversary 9: an old git is unknown', '9-merge-old-git'],
  ['13-adversary 9: a tree that nobody compared is unknown', '9-merge-not-compared'],
  ['13-adversary 9: a squash with a conflict is unknown', '9-squash-conflict'],
  ['13-adversary 9: a rebased commit with an old git is unknown', '9-rebase-old-git'],
  ['13-adversary 10: a merge approved on its head passes', '10-approved-merge'],
  ['13-adversary 10: an approved merge does not cover what was pushed before it', '10-pushed-directly-then-approved'],
  ['13-adversary 10: a merge without approval is unreviewed', '10-not-approved'],
  ['13-adversary 10: an approval of an older head does not count', '10-approval-on-older-head'],
  ['13-adversary 10: nobody approves his own pull request', '10-reviewer-is-author'],
  ['13-adversary 10: who made one of the commits is no reviewer', '10-reviewer-committed'],
  ['13-adversary 10: who is the author of a commit is no reviewer', '10-reviewer-wrote'],
  ['13-adversary 10: who pushed last is no reviewer', '10-reviewer-pushed-last'],
  ['13-adversary 10: without the last pusher distinctness is unknown', '10-last-pusher-unknown'],
  ['13-adversary 10: where the rule does not name the last pusher he need not be known', '10-last-pusher-not-asked'],
  ['13-adversary 10: a ruleset that makes others approve the last push replaces the pusher', '10-others-must-approve'],
  ['13-adversary 10: with two approvers the ruleset does not say which one pushed', '10-others-must-approve-which'],
  ['13-adversary 10: an approval older than the change of base does not count', '10-approval-before-base-change'],
  ['13-adversary 10: an approval after the merge does not count', '10-approval-after-merge'],
  ['13-adversary 10: a reviewer without write access does not count', '10-without-write-access'],
  ['13-adversary 10: a dismissed approval does not count', '10-dismissed'],
  ['13-adversary 10: the latest opinion counts', '10-changed-his-mind'],
  ['13-adversary 10: the latest opinion counts, also when it is an approval', '10-came-round'],
  ['13-adversary 10: what CODEOWNERS hold back is not approved', '10-code-owners'],
  ['13-adversary 10: only those whom the rule names review', '10-reviewer-not-named'],
  ['13-adversary 10: an account of nobody reviews nothing', '10-reviewer-without-principal'],
  ['13-adversary 10: an account that is gone reviews nothing', '10-reviewer-gone'],
  ['13-adversary 10: an author who maps to nobody makes distinctness unknown', '10-author-unknown'],
  ['13-adversary 10: a number is enough to tell persons apart', '10-author-known-by-number'],
  ['13-adversary 10: who maps to two principals makes distinctness unknown', '10-author-maps-to-two'],
  ['13-adversary 10: who is clearly somebody else is enough', '10-second-reviewer-decides'],
  ['13-adversary 10: two approvals are of two persons', '10-two-approvals-of-one'],
  ['13-adversary 10: two approvals by two others pass', '10-two-approvals'],
  ['13-adversary 10: reviews that were not listed may take an approval back', '10-reviews-incomplete'],
  ['13-adversary 10: approvals on the platform are not signed ones', '10-strength'],
  ['13-adversary 10: a review that could not be read is unknown', '10-api-403'],
  ['13-adversary 10: a review that nobody looked for is unknown', '10-evidence-not-asked'],
  ['13-adversary 10: what a merge adds was not approved', '10-merge-adds-content'],
  ['13-adversary 10: whether a conflicting merge is what was approved is unknown', '10-merge-conflict'],
  ['13-adversary 10: a conflict does not excuse a missing approval', '10-merge-conflict-not-approved'],
  ['13-adversary 10: approvals of a pull request into another base do not count', '10-merged-elsewhere'],
  ['13-adversary 10: approvals in another repository do not count', '10-other-repository'],
  ['13-adversary 10: a squash approved on its head passes', '10-squash-approved'],
  ['13-adversary 10: who signed a squashed commit is no reviewer', '10-squash-of-reviewer'],
  ['13-adversary 10: an approval of another head does not cover a squash', '10-squash-approved-elsewhere'],
  ['13-adversary 10: rebased commits approved on their head pass', '10-rebase-approved'],
  ['13-adversary 10: a merge of three has no one head that could be approved', '10-octopus'],
  ['13-adversary 10: a pull request shows its reviews and does not judge them', '10-shown-not-judged'],
  ['13-adversary 10: a reviewer’s signed merge is an approval', '10-signed-merge-by-reviewer'],
  ['13-adversary 10: nobody approves his own commits by merging them', '10-signed-merge-by-author'],
  ['13-adversary 10: a reviewer’s merge with a conflict is more than an approval', '10-signed-merge-conflict'],
  ['13-adversary 10: a reviewer’s signed tag inside the merge is an approval', '10-mergetag'],
  ['13-adversary 10: a tag of the author approves nothing', '10-mergetag-of-author'],
  ['13-adversary 10: an excepted commit passes and is not reviewed', '10-excepted'],
  ['13-adversary 10: a conflict is no excuse where no pull request exists', '10-merged-elsewhere-conflict'],
  ['13-adversary 11: a signed review statement covers a merge', '11-statement'],
  ['13-adversary 11: a statement about the commit itself covers a direct push', '11-statement-direct-push'],
  ['13-adversary 11: a statement about a later commit does not cover the one before', '11-statement-direct-push-range'],
  ['13-adversary 11: a statement is void once the head moved', '11-statement-of-older-head'],
  ['13-adversary 11: a statement for another branch does not count', '11-statement-for-other-ref'],
  ['13-adversary 11: a statement from another common ancestor does not count', '11-statement-for-other-base'],
  ['13-adversary 11: a statement for another repository does not count', '11-statement-for-other-repository'],
  ['13-adversary 11: a statement whose tree is not the head’s does not count', '11-statement-for-other-tree'],
  ['13-adversary 11: a withdrawal cancels the approval', '11-withdrawn'],
  ['13-adversary 11: nobody withdraws for somebody else', '11-withdrawn-by-another'],
  ['13-adversary 11: a withdrawal cancels the approval on the platform too', '11-withdrawn-recorded'],
  ['13-adversary 11: a statement that must exist and is gone is unknown, never a pass', '11-statement-missing'],
  ['13-adversary 11: a statement of the author does not count', '11-statement-by-author'],
  ['13-adversary 11: a statement of a stranger does not count', '11-statement-by-stranger'],
  ['13-adversary 11: the platform’s key signs no reviews', '11-statement-by-platform'],
  ['13-adversary 11: a signed review needs no API', '11-statement-without-api'],
  ['13-adversary 12: a trusted time before the compromise saves a commit', '12-compromise-covered'],
  ['13-adversary 12: a trusted time after the compromise saves nothing', '12-compromise-not-covered'],
  ['13-adversary 12: a time at the compromise itself saves nothing', '12-compromise-at-the-instant'],
  ['13-adversary 12: an earlier source VSA tells of expiry only', '12-compromise-source-vsa'],
  ['13-adversary 12: a trusted time covers what the commit stands on', '12-compromise-descendant'],
  ['13-adversary 12: the time of a merge covers what it brings in', '12-compromise-brought-in'],
  ['13-adversary 12: the platform’s push time covers too', '12-compromise-pushed'],
  ['13-adversary 12: a compromise reaches through a squash', '12-compromise-in-squash'],
  ['13-adversary 12: a squash merged before the compromise stands', '12-compromise-in-squash-covered'],
  ['13-adversary 12: a compromise takes back what the reviewer signed', '12-compromise-of-reviewer'],
] as const

test('every story of a rule has a sentence', () => {
  const folders = storyFolders().filter(folder => /^\d/.test(folder))
  expect([...STORIES].map(([, folder]) => folder as string).sort()).toEqual(folders)
})

test.each(STORIES)('%s', (_sentence, folder) => expectStory(folder))

const LAW = constantLaw(parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': PEOPLE })))

function lawWith(...changes: readonly Partial<SourceRule>[]): Law {
  const [rule] = LAW.policy.source
  if (rule === undefined) throw new Error('The policy has a rule')
  return { ...LAW, policy: { ...LAW.policy, source: changes.map(change => ({ ...rule, ...change })) } }
}

const DENY = { merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set<string>() } as const
const REVIEW = {
  approvals: 1,
  by: new Set(['alice', 'bob']),
  distinctFrom: new Set(['author', 'committers', 'last-pusher'] as const),
  strength: 'platform-recorded',
} as const

const merge = commit('m', { by: 'platform', author: 'carol', parents: ['anchor', 'h'] })
const head = commit('h', { by: 'carol', parents: ['anchor'] })
const proved = evidenceOf({ platform: { author: 'carol', pulls: [{}] }, merge: 'equal' }, merge, 'h')

function judge(law: Law, own: CommitFacts, broughtIn: readonly CommitFacts[], evidence?: StepEvidence) {
  const fold = startFold({ id: idOf('anchor') }, law, MAIN, { repositoryId: 4711 })
  const step = { commit: own, broughtIn, law: { files: [] }, ...(evidence === undefined ? {} : { evidence }) }
  return endFold(stepFold(fold, step, NOW), NOW)
}

describe('rules that hold together', () => {
  const clean = { platform: { ...DENY, merge: 'clean' as const } }
  test.each([
    ['both allow a merge', [clean, clean], 'passed'],
    ['one denies it', [clean, { platform: DENY }], 'rejected'],
    ['no rule matches', [], 'rejected'],
  ] as const)('13-adversary 8: %s', (_what, rules, outcome) => {
    expect(judge(lawWith(...rules), merge, [head], proved).outcome).toBe(outcome)
  })

  test('13-adversary 8: whose content counts must also be one who may commit', () => {
    const bot = commit('h', { by: 'platform', author: 'dependabot', parents: ['anchor'] })
    const platform = { ...DENY, merge: 'clean' as const, content: new Set(['dependabot']) }
    const pulls = [{ author: 'dependabot', commits: ['h dependabot'] }]
    const evidence = evidenceOf({ platform: { author: 'alice', pulls }, merge: 'equal' }, merge, 'h')
    expect(judge(lawWith({ platform }), merge, [bot], evidence).outcome).toBe('passed')
    const developers = lawWith({ platform, signers: new Set(['carol']) })
    expect(judge(developers, merge, [bot], evidence).outcome).toBe('rejected')
  })

  test('13-adversary 10: every rule’s review must be there', () => {
    const law = lawWith({ review: REVIEW }, { review: { ...REVIEW, by: new Set(['alice']) } })
    const evidence = (...names: readonly string[]) =>
      evidenceOf({ platform: { pulls: [{ reviews: names.map(by => ({ by })) }] }, merge: 'equal' }, signed, 'h')
    const signed = commit('m', { by: 'carol', parents: ['anchor', 'h'] })
    expect(judge(law, signed, [head], evidence('bob')).outcome).toBe('rejected')
    expect(judge(law, signed, [head], evidence('alice')).reviewed).toBe(true)
  })
})

describe('a platform signature whose key was not at hand', () => {
  const claim: SignatureFact = {
    kind: 'rejected',
    scheme: 'openpgp',
    code: 'source/key-unknown',
    message: 'is signed by a key that is in no key file',
    claimedKey: 'B5690EEEBB952194',
  }
  const unchecked = { ...merge, signature: claim }
  test('13-adversary 8: is unknown where a rule accepts platform commits', () => {
    const judgement = judge(lawWith({ platform: { ...DENY, merge: 'clean' } }), unchecked, [head], proved)
    expect(judgement.outcome).toBe('unknown')
    expect(judgement.commits.at(-1)?.findings.map(f => f.code)).toEqual(['source/platform-key-missing'])
  })
  test('13-adversary 8: is rejected where none does', () => {
    expect(judge(LAW, unchecked, [head], proved).outcome).toBe('rejected')
  })
  test('13-adversary 8: that was checked and is bad stays bad', () => {
    const forged = { ...merge, signature: { ...claim, code: 'source/bad-signature' as const } }
    const judgement = judge(lawWith({ platform: { ...DENY, merge: 'clean' } }), forged, [head], proved)
    expect(judgement.commits.at(-1)?.findings.map(f => f.code)).toEqual(['source/bad-signature'])
  })
})

describe('needsOf()', () => {
  const none = { platform: false, trees: false, reviews: false }
  const own = { platform: true, trees: true, reviews: false }
  const all = { platform: true, trees: true, reviews: true }
  const clean = lawWith({ platform: { ...DENY, merge: 'clean' } })
  const squash = lawWith({ platform: { ...DENY, squash: 'evidence' } })
  const rebase = lawWith({ platform: { ...DENY, rebase: 'evidence' } })
  const content = lawWith({ platform: { ...DENY, content: new Set(['dependabot']) } })
  const single = commit('s', { by: 'platform', parents: ['anchor'] })
  const unsigned = commit('u', { parents: ['anchor'] })
  const carols = commit('c', { by: 'carol', parents: ['anchor'] })
  test.each([
    ['a signed commit under a plain rule', LAW, carols, none],
    ['a platform merge that no rule accepts', LAW, merge, none],
    ['a platform merge', clean, merge, own],
    ['a platform commit that cannot be a merge', clean, single, none],
    ['a signed merge', clean, commit('m', { by: 'carol', parents: ['anchor', 'h'] }), none],
    ['a platform commit that may be a squash', squash, single, own],
    ['an unsigned commit that cannot be rebased', squash, unsigned, none],
    ['an unsigned commit that may be rebased', rebase, unsigned, own],
    ['content', content, single, own],
    ['a rule with review', lawWith({ review: REVIEW }), carols, all],
    ['another ref', lawWith({ review: REVIEW, refs: [] as never }), carols, none],
  ] as const)('asks for what %s needs', (_what, law, facts, expected) => {
    expect(needsOf(law, MAIN, facts)).toEqual(expected)
  })

  test('13-adversary 3: asks for approvals where the law may change', () => {
    const approvals = { ...LAW.policy.policyChange, approvals: 1 }
    const law = { ...LAW, constant: false, policy: { ...LAW.policy, policyChange: approvals } }
    expect(needsOf(law, MAIN, carols)).toEqual(all)
    expect(needsOf(law, MAIN, carols, { changes: 'policy' })).toEqual(all)
    expect(needsOf(law, MAIN, carols, { changes: 'workflows' })).toEqual(none)
    expect(needsOf(law, MAIN, carols, { changes: 'same' })).toEqual(none)
    expect(needsOf({ ...law, constant: true }, MAIN, carols)).toEqual(none)
  })

  test('13-adversary 8: asks about the pull request that brings in a bot’s content', () => {
    const signed = commit('m', { by: 'carol', parents: ['anchor', 'h'] })
    const bot = commit('h', { by: 'platform', author: 'dependabot' })
    expect(needsOf(content, MAIN, signed, { broughtIn: [bot] })).toEqual({ ...none, platform: true })
    expect(needsOf(content, MAIN, signed, { broughtIn: [head] })).toEqual(none)
  })

  test('13-adversary 12: asks for the push time of a commit whose key has expired', () => {
    const key = { ...signatureOf('platform'), fingerprint: 'D'.repeat(40), primary: 'D'.repeat(40), keyExpires: NOW }
    const old = commit('o', { signature: key as SignatureFact })
    expect(needsOf(LAW, MAIN, old, { now: NOW })).toEqual({ ...none, platform: true })
    expect(needsOf(LAW, MAIN, old)).toEqual(none)
  })
})

describe('keys of the judgement', () => {
  const certificate = {
    algorithm: 'ecdsa-p256',
    bits: 256,
    identity: 'gina@example.com',
    issuer: 'https://github.com/login/oauth',
    kind: 'gitsign',
  } as const
  const gina = PEOPLE.replace(
    'roles:',
    '  gina: {emails: [gina@example.com], signers: [{ssh: {key: "{{gina}}"}}]}\nroles:',
  )
  const law = (): Law => {
    const parsed = parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': filled(gina) }))
    const principal = parsed.policy.principals.get('gina')
    if (principal === undefined) throw new Error('gina is a principal')
    const { identity, issuer } = certificate
    const signer = { kind: 'sigstore', identity, issuer } as const
    const principals = new Map(parsed.policy.principals).set('gina', { ...principal, signers: [signer] })
    const source = parsed.policy.source.map(rule => ({ ...rule, signers: new Set([...rule.signers, 'gina']) }))
    return constantLaw({ ...parsed, policy: { ...parsed.policy, principals, source } })
  }
  const signedAt = (name: string, date: string) => {
    const trustedTime = { time: new Date(date), from: 'log' } as const
    const signature = { ...certificate, fingerprint: sshFingerprintOf(name), serial: name, trustedTime }
    return commit(name, { email: 'gina@example.com', signature })
  }

  test('13-adversary 12: a gitsign identity is one key, however many certificates it had', () => {
    let fold = startFold({ id: idOf('anchor') }, law(), MAIN)
    for (const [name, date] of [
      ['01', '2026-03-01'],
      ['02', '2026-04-01'],
    ] as const)
      fold = stepFold(fold, { commit: signedAt(name, date), broughtIn: [], law: { files: [] } }, NOW)
    expect(endFold(fold, NOW).keys).toEqual([
      {
        kind: 'gitsign',
        fingerprint: 'gina@example.com (https://github.com/login/oauth)',
        principal: 'gina',
        first: idOf('01'),
        firstTime: new Date('2026-03-01'),
        last: idOf('02'),
        lastTime: new Date('2026-04-01'),
        commits: 2,
      },
    ])
  })

  test('13-adversary 12: no time is told for a key of which one commit has none', () => {
    let fold = startFold({ id: idOf('anchor') }, LAW, MAIN)
    for (const own of [commit('1', { by: 'carol', time: '2026-03-01' }), commit('2', { by: 'carol' })])
      fold = stepFold(fold, { commit: own, broughtIn: [], law: { files: [] } }, NOW)
    const [use] = endFold(fold, NOW).keys
    expect(use?.commits).toBe(2)
    expect(use).not.toHaveProperty('lastTime')
  })

  test('13-adversary 12: keys inside a squash are listed under it', () => {
    const judgement = tell('8-squash-signed', readStory('8-squash-signed'))
    expect(judgement.keys).toEqual([
      {
        fingerprint: sshFingerprintOf('carol'),
        principal: 'carol',
        first: idOf('s'),
        firstTime: new Date('2026-05-30T10:00:00Z'),
        last: idOf('s'),
        lastTime: new Date('2026-05-30T10:00:00Z'),
        commits: 2,
      },
    ])
  })
})

describe('any story', () => {
  const folders = fc.constantFrom(...STORIES.map(([, folder]) => folder))
  const without = (story: Story, change: Partial<Story['commits'][number]['evidence'] & object>): Story => ({
    ...story,
    commits: story.commits.map(item =>
      item.evidence === undefined ? item : { ...item, evidence: { ...item.evidence, ...change } },
    ),
  })

  test('13-adversary 8: nothing is derived, platform or platform-recorded without the platform', () => {
    fc.assert(
      fc.property(folders, fc.boolean(), (folder, mute) => {
        const story = readStory(folder)
        const less = mute ? without(story, { platform: 'unavailable' }) : { ...story, repository: null }
        for (const { basis, review } of tell(folder, less).commits) {
          expect(['derived', 'platform']).not.toContain(basis)
          expect(review?.label).not.toBe('platform-recorded')
        }
      }),
      { numRuns: 300 },
    )
  })

  test('13-adversary 9: a conflict never passes as a merge, nor as the reviewed one', () => {
    fc.assert(
      fc.property(folders, folder => {
        const story = without(readStory(folder), { merge: 'conflict' })
        for (const { basis, review, derivedFrom } of tell(folder, story).commits) {
          if (basis === 'derived') expect(derivedFrom?.pull).toBe(1)
          if (basis === 'derived') expect(folder).toMatch(/squash|rebase/)
          if (review?.enough) expect(folder).toMatch(/direct|squash|rebase|compromise-of/)
        }
      }),
      { numRuns: 300 },
    )
  })
})
