import fc from 'fast-check'
import type { CommitFacts, SignatureFact } from '../../src/core/facts.ts'
import type { StepEvidence } from '../../src/policy/evidence.ts'
import { constantLaw, endFold, startFold, stepFold } from '../../src/policy/fold.ts'
import { keyUses, type SignedUse } from '../../src/policy/keys-used.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import { needsOf } from '../../src/policy/needs.ts'
import type { SourceRule } from '../../src/policy/policy.ts'
import { identityDigest } from '../../src/policy/revocation.ts'
import { readStory, type Story, storyFolders, tell } from './stories.ts'
import { evidenceOf } from './story-evidence.ts'
import { BASE, commit, filled, idOf, lawFiles, MAIN, NOW, PEOPLE, signatureOf, sshFingerprintOf } from './world.ts'

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
    ['a commit for which there is no rule', lawWith(), unsigned, none],
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

const used = (more: Partial<SignedUse>): SignedUse => ({
  key: { fingerprint: sshFingerprintOf('carol') },
  principal: 'carol',
  at: idOf('1'),
  isCommit: true,
  time: undefined,
  earlier: undefined,
  ...more,
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
        fingerprint: identityDigest('gina@example.com', 'https://github.com/login/oauth'),
        principal: 'gina',
        first: idOf('01'),
        firstTime: new Date('2026-03-01'),
        last: idOf('02'),
        lastTime: new Date('2026-04-01'),
        timesFrom: ['log'],
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

  test('13-adversary 12: one commit without a time is enough, whichever it is', () => {
    const time = { time: new Date('2026-03-01'), from: 'log' } as const
    const [use] = keyUses([undefined, time, time].map(each => used({ time: each })))
    expect(use).toMatchObject({ commits: 3 })
    expect(use).not.toHaveProperty('lastTime')
  })

  test('13-adversary 2: a time of an earlier run is told apart, for expiry, and never in the place of one that covers', () => {
    const log = (day: string) => ({ time: new Date(day), from: 'log' }) as const
    const vsa = (day: string) => ({ time: new Date(day), from: 'source-vsa' }) as const
    const of = (...uses: readonly Partial<SignedUse>[]) => keyUses(uses.map(used))[0]
    expect(of({ earlier: vsa('2026-03-01') }, { time: log('2026-02-01') })).toEqual({
      ...of({}, {}),
      verifiedTime: new Date('2026-03-01'),
    })
    expect(of({ earlier: vsa('2026-03-01'), time: log('2026-05-01') })).toMatchObject({
      lastTime: new Date('2026-05-01'),
      verifiedTime: new Date('2026-03-01'),
    })
    expect(of({ earlier: vsa('2026-06-01'), time: log('2026-05-01') })).not.toHaveProperty('verifiedTime')
    expect(of({ earlier: vsa('2026-03-01') }, {})).not.toHaveProperty('verifiedTime')
  })

  test('13-adversary 12: a merge that is still pending gives no time', () => {
    const folder = '8-pending-merge-group'
    for (const use of tell(folder, readStory(folder)).keys) expect(use).not.toHaveProperty('lastTime')
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
        timesFrom: ['platform'],
        commits: 2,
      },
    ])
  })
})

describe('any story', () => {
  const folders = fc.constantFrom(...storyFolders().filter(folder => /^\d/.test(folder)))
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
          if (review?.enough) expect(folder).toMatch(/direct|squash|rebase|compromise-of|shown/)
        }
      }),
      { numRuns: 300 },
    )
  })
})
