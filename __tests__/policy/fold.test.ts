import fc from 'fast-check'
import { fail } from '../../src/core/error.ts'
import type { CommitFacts, SignatureFact } from '../../src/core/facts.ts'
import { constantLaw, currentLaw, endFold, type Fold, startFold, stepFold } from '../../src/policy/fold.ts'
import { parseLaw } from '../../src/policy/law.ts'
import { expectStory, storyFolders } from './stories.ts'
import { BASE, commit, filled, idOf, LAW, lawFiles, MAIN, malformed, NOW, POLICY, sshFingerprintOf } from './world.ts'

const STORIES = [
  ['13-adversary 1: a rejected push stays rejected after a good one', 'reject-then-push'],
  ['13-adversary 1: a commit that skipped its run is judged by the next', 'skip-ci-then-push'],
  ['13-adversary 1: deleting the policy does not end the law', 'delete-policy-then-push'],
  ['13-adversary 1: deleting everything and bringing it back does not either', 'delete-everything-then-push'],
  ['13-adversary 3: a developer cannot make himself a maintainer', 'developer-adds-own-key'],
  ['13-adversary 3: nor except his own change afterwards', 'developer-excepts-own-change'],
  ['13-adversary 3: a maintainer’s commit on top does not approve what it only carries', 'maintainer-pushes-on-top'],
  ['13-adversary 3: nor does his own edit of a workflow on top of it', 'maintainer-edits-workflow-on-top'],
  ['13-adversary 3: a merge that restores an old policy is a change', 'merge-restores-old-policy'],
  ['13-adversary 3: a workflow edit is a change of the law', 'workflow-edit'],
  ['13-adversary 3: the workflows part allows workflows and actions only', 'workflow-edit-allowed'],
  ['13-adversary 3: workflow and policy together need the policy’s approval', 'workflow-and-policy-edit'],
  ['13-adversary 3: without policy-change and maintainers nobody may', 'no-maintainers-role'],
  ['13-adversary 3: an unsigned change is never accepted', 'unsigned-law-change'],
  ['13-adversary 3: a malformed commit changes nothing', 'malformed-law-change'],
  ['13-adversary 4: a policy with a typo is never accepted, the old one judges on', 'typo-policy'],
  ['13-adversary 4: the typo can be repaired and excepted', 'typo-policy-repaired'],
  ['13-adversary 4: an unknown key is neither accepted nor absent', 'unknown-key-policy'],
  ['13-adversary 4: until seals a past and nothing after it', 'until-seals-the-past'],
  ['13-adversary 4: a sealed past passes at the lower level', 'until-seals-passes'],
  ['13-adversary 5: a second policy file is an error', 'second-policy-file'],
  ['13-adversary 12: a compromise voids everything signed by the key', 'compromised-key'],
  ['13-adversary 12: a retirement ends the key for later commits', 'retired-key'],
  ['13-adversary 4: seals a merge with what it brought in, and nothing later', 'until-seals-brought-in'],
  ['13-adversary 4: accepts no new law from the old anchor when the keys are lost', 'lost-keys-old-anchor'],
  ['13-adversary 4: begins again from a new anchor when the keys are lost', 'lost-keys-new-anchor'],
  ['passes a history signed by those it should be signed by', 'all-signed'],
  ['refuses a maintainer who deletes the policy', 'maintainer-deletes-policy'],
  ['lets maintainers restore the law and except a commit', 'maintainer-restores-and-excepts'],
  ['accepts a maintainer’s change and judges by it', 'maintainer-changes-policy'],
  ['does not take an issue template for law', 'issue-template'],
  ['uses position as the clock for a removed developer', 'removed-developer'],
  ['compares the committer’s e-mail with the signer', 'foreign-committer'],
  ['rejects a key of nobody', 'stranger'],
  ['rejects a malformed commit and goes on', 'malformed-commit'],
  ['judges what a merge brings in', 'brought-in-unsigned'],
  ['rejects a ref without a rule', 'no-rule-for-ref'],
  ['rejects a head whose law has no rule for the ref any more', 'rule-removed'],
] as const

test('every story has a sentence', () => {
  const folders = storyFolders().filter(folder => !/^\d/.test(folder))
  expect([...STORIES].map(([, folder]) => folder).sort()).toEqual(folders)
})

test.each(STORIES)('%s', (_sentence, folder) => expectStory(folder))

const start = (law = LAW): Fold => startFold({ id: idOf('anchor') }, law, MAIN)
const files = lawFiles(BASE)
const judged = (...commits: readonly CommitFacts[]) =>
  endFold(
    commits.reduce((fold, one) => stepFold(fold, { commit: one, broughtIn: [], law: files }, NOW), start()),
    NOW,
  )

describe('stepFold() with facts about keys', () => {
  const openpgp = {
    kind: 'openpgp',
    fingerprint: 'B'.repeat(40),
    primary: 'A'.repeat(40),
    algorithm: 'ed25519',
    bits: 256,
    claimedTime: new Date('2020-01-01T00:00:00Z'),
    keyRevoked: false,
  } as const
  const policy = POLICY.replace(
    'roles:',
    `  gina: {emails: [gina@Example.com], signers: [{openpgp: {fingerprint: ${'A'.repeat(40)}, file: keys/gina.asc, not-after: 2027-01-01}}]}\nroles:`,
  ).replace('carol]}', 'carol, gina]}')
  const gpgFiles = (text = policy) => lawFiles({ ...BASE, '.github/waybill.yml': text, '.github/keys/gina.asc': 'KEY' })
  const judge = (signature: SignatureFact, text = policy, now = NOW) => {
    const fold = start(parseLaw(gpgFiles(text)))
    const one = commit('c', { email: 'gina@example.com', signature })
    const [only] = endFold(stepFold(fold, { commit: one, broughtIn: [], law: gpgFiles(text) }, now), now).commits
    return only
  }
  const rsa = { ...openpgp, algorithm: 'rsa', bits: 2048 }
  test.each([
    ['a subkey of a known primary key', openpgp, policy, []],
    ['a key that has expired', { ...openpgp, keyExpires: NOW }, policy, ['source/key-expired']],
    ['a key that expires later', { ...openpgp, keyExpires: new Date('2030-01-01') }, policy, []],
    ['a key past the policy’s not-after', openpgp, policy.replace('2027-01-01', '2026-01-01'), ['source/key-expired']],
    ['a key its owner revoked', { ...openpgp, keyRevoked: true }, policy, ['source/key-revoked']],
    ['RSA of 2048 bits', rsa, policy, []],
    ['RSA of 1024 bits', { ...rsa, bits: 1024 }, policy, ['source/key-weak']],
    [
      'RSA below min-rsa',
      rsa,
      policy.replace('["@developers"]}', '["@developers"], min-rsa: 3072}'),
      ['source/key-weak'],
    ],
    ['DSA', { ...openpgp, algorithm: 'dsa', bits: 3072 }, policy, ['source/key-weak']],
    [
      'a primary key the policy revokes',
      openpgp,
      `${policy}revoked: [{fingerprint: ${'a'.repeat(40)}, effective: 2026-01-01, mode: retired}]\n`,
      ['source/key-revoked'],
    ],
    [
      'a primary key that retires later',
      openpgp,
      `${policy}revoked: [{fingerprint: ${'a'.repeat(40)}, effective: 2026-12-01, mode: retired}]\n`,
      [],
    ],
  ] as const)('judges %s', (_what, signature, text, codes) => {
    expect(judge(signature, text)?.findings.map(f => f.code)).toEqual(codes)
  })

  test('finds two principals behind one signature ambiguous', () => {
    const two = policy.replace(
      'roles:',
      `  hank: {emails: [hank@example.com], signers: [{openpgp: {fingerprint: ${'B'.repeat(40)}, file: keys/gina.asc}}]}\nroles:`,
    )
    expect(judge(openpgp, two)?.findings.map(f => f.code)).toEqual(['source/signer-ambiguous'])
  })

  test('an SSH fingerprint never matches an OpenPGP one', () => {
    const ssh: SignatureFact = { kind: 'ssh', fingerprint: 'A'.repeat(40), algorithm: 'ssh-ed25519', bits: 256 }
    expect(judge(ssh)?.findings.map(f => f.code)).toEqual(['source/signer-unknown'])
  })
})

describe('stepFold() with signatures that were not accepted', () => {
  const rejectedBy = (claimedKey: string): SignatureFact => ({
    kind: 'rejected',
    scheme: 'openpgp',
    code: 'source/signer-unknown',
    message: 'is signed by a key that is in no key file',
    claimedKey,
  })
  test.each(['968479A1AFF927E37D1A566BB5690EEEBB952194', 'B5690EEEBB952194', 'b5690eeebb952194', '4AEE18F83AFDEB23'])(
    '13-adversary 8: names the platform’s signature by %s and what to do instead',
    key => {
      const judgement = judged(commit('web', { email: 'noreply@github.com', signature: rejectedBy(key) }))
      const [finding] = judgement.commits[0]?.findings ?? []
      expect(finding?.code).toBe('source/platform-unsupported')
      expect(finding?.remedy).toContain(idOf('web'))
      expect(judgement.outcome).toBe('rejected')
    },
  )
  test('keeps the code of the source room for every other key', () => {
    const judgement = judged(commit('c', { signature: rejectedBy('0123456789ABCDEF') }))
    expect(judgement.commits[0]?.findings[0]?.code).toBe('source/signer-unknown')
  })
  test('is unknown, not rejected, when the signature could not be checked', () => {
    const unchecked: SignatureFact = { ...rejectedBy('x'), kind: 'rejected', code: 'core/unreachable' } as SignatureFact
    const judgement = judged(commit('c', { signature: unchecked }))
    expect(judgement.outcome).toBe('unknown')
    expect(judgement.commits[0]?.findings.map(f => f.severity)).toEqual(['note'])
    expect(judgement.level).toBeUndefined()
  })
})

describe('endFold()', () => {
  test('13-adversary 12: lists the keys of all accepted commits without a time nobody can trust', () => {
    const { keys } = judged(commit('1', { by: 'carol' }), commit('2', { by: 'bob' }), commit('3', { by: 'carol' }))
    expect(keys).toEqual([
      { fingerprint: sshFingerprintOf('carol'), principal: 'carol', first: idOf('1'), last: idOf('3'), commits: 2 },
      { fingerprint: sshFingerprintOf('bob'), principal: 'bob', first: idOf('2'), last: idOf('2'), commits: 1 },
    ])
  })

  test('13-adversary 12: lists the exceptions that were used, and notes those that were not', () => {
    const text = filled(
      `${POLICY}exceptions: [{commit: "{{x.id}}", reason: seen, approved-by: bob}, {commit: "{{y.id}}", reason: seen, approved-by: bob}]\n`,
    )
    const changed = lawFiles({ ...BASE, '.github/waybill.yml': text })
    const one = stepFold(start(), { commit: commit('x'), broughtIn: [], law: files }, NOW)
    const two = stepFold(one, { commit: commit('m', { by: 'alice' }), broughtIn: [], law: changed }, NOW)
    const judgement = endFold(two, NOW)
    expect(judgement.exceptions).toEqual([
      { kind: 'commit', commit: idOf('x'), reason: 'seen', approvedBy: 'bob', covers: 1 },
    ])
    expect(judgement.findings.map(f => [f.code, f.subject])).toEqual([['source/exception-unused', idOf('y')]])
    expect(judgement.outcome).toBe('passed')
    expect(judgement.commits.map(c => c.basis)).toEqual(['excepted', 'signed'])
    expect(judgement.keys.map(k => k.principal)).toEqual(['alice'])
  })

  test('13-adversary 3: shows what a change adds and removes, also a refused one', () => {
    const text = POLICY.replace('[alice, bob]', '[alice, bob, carol]')
    const changed = lawFiles({ ...BASE, '.github/waybill.yml': text })
    const fold = stepFold(start(), { commit: commit('x', { by: 'carol' }), broughtIn: [], law: changed }, NOW)
    const [change] = endFold(fold, NOW).changes
    expect(change).toMatchObject({ by: 'carol', kind: 'policy', accepted: false, paths: ['.github/waybill.yml'] })
    expect(change?.lines).toContainEqual({
      what: 'role',
      how: 'added',
      text: '@maintainers: alice, bob, carol',
      loosens: true,
    })
    expect(change?.lines).toContainEqual({ what: 'role', how: 'removed', text: '@maintainers: alice, bob' })
  })

  test('13-adversary 4: carries the configuration error of an approved law it cannot judge, until it is put right', () => {
    const newer = lawFiles({ ...BASE, '.github/waybill.yml': `${POLICY}base-image: []\n` })
    const one = stepFold(start(), { commit: commit('m', { by: 'alice' }), broughtIn: [], law: newer }, NOW)
    expect(endFold(one, NOW).unsupported?.code).toBe('policy/unsupported')
    const two = stepFold(one, { commit: commit('n', { by: 'alice' }), broughtIn: [], law: files }, NOW)
    expect(endFold(two, NOW).unsupported).toBeUndefined()
    const byCarol = stepFold(start(), { commit: commit('x', { by: 'carol' }), broughtIn: [], law: newer }, NOW)
    expect(endFold(byCarol, NOW).unsupported).toBeUndefined()
  })

  test('claims the lower level and says so when the head is the anchor', () => {
    const judgement = endFold(start(), NOW)
    expect([judgement.outcome, judgement.level]).toEqual(['passed', 'ORG_SOURCE_COMMITS_ACCEPTED'])
    expect(judgement.findings.map(f => f.code)).toEqual(['source/nothing-judged'])
  })
})

describe('stepFold()', () => {
  test('never changes a constant law', () => {
    const law = constantLaw(LAW)
    const fold = stepFold(start(law), { commit: commit('c', { by: 'carol' }), broughtIn: [], law: { files: [] } }, NOW)
    expect(currentLaw(fold)).toBe(law)
    expect(endFold(fold, NOW).outcome).toBe('passed')
  })

  test('does not believe a candidate that belongs to another tree', () => {
    const evil = parseLaw(
      lawFiles({ ...BASE, '.github/waybill.yml': POLICY.replace('alice, bob', 'alice, bob, carol') }),
    )
    const changed = lawFiles({ ...BASE, '.github/CODEOWNERS': '* @bob\n' })
    const step = { commit: commit('m', { by: 'alice' }), broughtIn: [], law: changed, candidate: evil }
    expect(currentLaw(stepFold(start(), step, NOW)).policy.roles.get('maintainers')).toEqual(['alice', 'bob'])
  })

  test('is unknown when an approved law could not be read', () => {
    const changed = lawFiles({ ...BASE, '.github/waybill.yml': `${POLICY}\n` })
    const candidate = fail('core/unreachable', 'The server did not answer')
    const step = { commit: commit('m', { by: 'alice' }), broughtIn: [], law: changed, candidate }
    const one = stepFold(start(), step, NOW)
    expect(endFold(one, NOW).outcome).toBe('unknown')
    const two = stepFold(one, { commit: commit('c', { by: 'carol' }), broughtIn: [], law: changed }, NOW)
    expect(endFold(two, NOW).outcome).toBe('unknown')
  })

  test('shares what came before, so ten thousand commits stay cheap', () => {
    let fold = start()
    const begin = performance.now()
    for (let i = 0; i < 10_000; i++)
      fold = stepFold(fold, { commit: commit(String(i), { by: 'carol' }), broughtIn: [], law: files }, NOW)
    expect(endFold(fold, NOW).commits).toHaveLength(10_000)
    expect(performance.now() - begin).toBeLessThan(60_000)
  })
})

describe('any history', () => {
  const people = fc.constantFrom('alice', 'bob', 'carol', 'mallory', undefined)
  const policies = fc.constantFrom(
    POLICY,
    POLICY.replace('[alice, bob]', '[carol]'),
    POLICY.replace(', carol]', ']'),
    `${POLICY}snapshots: []\n`,
    'broken: [',
    filled(`${POLICY}revoked: [{fingerprint: "{{bob.fingerprint}}", effective: 2026-01-01, mode: compromised}]\n`),
  )
  const steps = fc.array(fc.record({ by: people, policy: policies, bad: fc.boolean(), side: people }), {
    maxLength: 12,
  })
  const run = (
    list: readonly { by?: string | undefined; policy: string; bad: boolean; side?: string | undefined }[],
  ) => {
    let fold = start()
    for (const [i, { by, policy, bad, side }] of list.entries()) {
      const one = bad ? malformed(`c${i}`) : commit(`c${i}`, by === undefined ? {} : { by })
      const broughtIn = [commit(`s${i}`, side === undefined ? {} : { by: side })]
      fold = stepFold(fold, { commit: one, broughtIn, law: lawFiles({ ...BASE, '.github/waybill.yml': policy }) }, NOW)
    }
    return endFold(fold, NOW)
  }

  test('13-adversary 1: never accepts an unsigned, malformed or unknown commit', () => {
    fc.assert(
      fc.property(steps, list => {
        for (const judged of run(list).commits) {
          const known = judged.principal !== undefined && judged.key !== undefined
          if (judged.outcome === 'passed') expect(known).toBe(true)
        }
      }),
    )
  })

  // What a compromise voids is decided by the law at the head, so maintainers can take a mistaken one back: not a memory.
  test('13-adversary 1: a commit rejected once is rejected however the history goes on', () => {
    const lasting = steps.filter(list => list.every(({ policy }) => !policy.includes('compromised')))
    fc.assert(
      fc.property(lasting, steps, (first, more) => {
        const rejected = run(first).commits.filter(c => c.outcome === 'rejected')
        const later = new Map(run([...first, ...more]).commits.map(c => [c.id, c.outcome]))
        for (const { id } of rejected) expect(later.get(id)).toBe('rejected')
      }),
    )
  })

  test('13-adversary 3: when the head passes, the law in its tree is the accepted one', () => {
    fc.assert(
      fc.property(steps, list => {
        const judgement = run(list)
        const policy = list.at(-1)?.policy
        if (judgement.outcome === 'passed' && policy !== undefined)
          expect(judgement.law.policyDigest).toBe(parseLaw(lawFiles({ '.github/waybill.yml': policy })).policyDigest)
      }),
    )
  })
})
