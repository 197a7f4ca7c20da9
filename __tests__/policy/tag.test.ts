import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import type { SignatureFact, TagFacts } from '../../src/core/facts.ts'
import { policyDifference } from '../../src/policy/difference.ts'
import { constantLaw, endFold, endFoldAt, type Fold, startFold, stepFold } from '../../src/policy/fold.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import { mergetagsOf } from '../../src/policy/mergetag.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { isTagRef, judgeTag, type ServedTag, tagRulesFor, withTagKey } from '../../src/policy/tag.ts'
import {
  BASE,
  type CommitOptions,
  commit,
  filled,
  idOf,
  lawFiles,
  MAIN,
  NOW,
  POLICY,
  sshFingerprintOf,
} from './world.ts'

const TAG_RULE = `  - refs: [refs/tags/v*]
    tag: {signers: ["@maintainers"], on: [refs/heads/main]}
policy-change`

function lawOf(text: string): Law {
  return parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': filled(text) }))
}

/** The world's policy, with tags of maintainers on main. */
const LAW = lawOf(POLICY.replace('policy-change', TAG_RULE))
const HEAD = idOf('head')
const REF = 'refs/tags/v1'

const ssh = (name: string, more: object = {}): SignatureFact => ({
  kind: 'ssh',
  fingerprint: sshFingerprintOf(name),
  algorithm: 'ssh-ed25519',
  bits: 256,
  ...more,
})

function tagBy(name: string, more: Partial<TagFacts> = {}): TagFacts {
  const tagger = { name, email: `${name}@example.com`, time: 1_780_000_000, offset: '+0000' }
  return { id: idOf('tag v1'), object: HEAD, name: 'v1', tagger, signature: ssh(name), ...more }
}

function judge(tag: ServedTag, { law = LAW, ref = REF, on = [MAIN] }: { law?: Law; ref?: string; on?: string[] } = {}) {
  const bench = { law, lawAt: idOf('law'), now: NOW }
  return judgeTag(tag, { ref, commit: HEAD, on: new Set(on) }, tagRulesFor(bench, ref), bench)
}

const codes = ({ findings }: { readonly findings: readonly { readonly code: string }[] }) => findings.map(f => f.code)

test('the example of docs/source-tags.md is a policy with a tag rule', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/source-tags.md'), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(parsePolicy(utf8(example), '.github/waybill.yml').tags).toMatchObject([
    { text: 'refs/tags/v*', on: [MAIN], signers: new Set(['alice']) },
  ])
})

test('13-adversary 3: a change of a tag rule is shown', () => {
  const before = parseLaw(lawFiles(BASE)).policy
  expect(policyDifference(before, LAW.policy).map(({ how, what, text }) => [how, what, text])).toEqual([
    ['added', 'tag-rule', 'refs/tags/v*: tags on refs/heads/main, RSA from 2048, by alice, bob'],
  ])
})

test('judgeTag() accepts the signed tag of a maintainer on a commit of main, and says who signed', () => {
  expect(judge(tagBy('alice'))).toEqual({
    ref: REF,
    name: 'v1',
    signature: ssh('alice'),
    id: idOf('tag v1'),
    commit: HEAD,
    lawAt: idOf('law'),
    kind: 'ssh',
    tagger: 'alice',
    principal: 'alice',
    key: sshFingerprintOf('alice'),
    outcome: 'passed',
    findings: [],
  })
})

const refusal = {
  code: 'source/bad-signature',
  message: 'The signature does not match the bytes',
  claimedKey: 'K',
} as const

test.each<readonly [string, ServedTag, Parameters<typeof judge>[1], string]>([
  ['a developer who is no tag signer', tagBy('carol'), {}, 'source/signer-not-allowed'],
  ['a stranger', tagBy('mallory'), {}, 'source/signer-unknown'],
  ['nobody: lightweight', { lightweight: HEAD }, {}, 'source/tag-unsigned'],
  ['nobody: annotated', tagBy('alice', { signature: { kind: 'none' } }), {}, 'source/tag-unsigned'],
  ['a maintainer, under another name', tagBy('alice', { name: 'v0' }), {}, 'source/tag-name-mismatch'],
  ['a maintainer, of a name that only ends so', tagBy('alice', { name: 'x/v1' }), {}, 'source/tag-name-mismatch'],
  ['a maintainer, of another commit', tagBy('alice', { object: idOf('other') }), {}, 'source/tag-other-commit'],
  ['a maintainer, on a branch nobody looked at', tagBy('alice'), { on: [] }, 'source/tag-off-branch'],
  ['a maintainer, on another branch', tagBy('alice'), { on: ['refs/heads/dev'] }, 'source/tag-off-branch'],
  [
    "a maintainer, in a developer's name",
    tagBy('alice', { tagger: { ...tagBy('carol').tagger } }),
    {},
    'source/tagger-mismatch',
  ],
  [
    'a refused signature',
    tagBy('alice', { signature: { kind: 'rejected', scheme: 'openpgp', ...refusal } }),
    {},
    'source/bad-signature',
  ],
  [
    'a malformed object',
    { id: idOf('t'), refused: { code: 'source/malformed', message: 'It is broken', found: 'x' } },
    {},
    'source/malformed',
  ],
  [
    'a tag of a tag',
    { id: idOf('t'), refused: { code: 'source/tag-not-of-commit', message: 'It names a tag', found: 'tag' } },
    {},
    'source/tag-not-of-commit',
  ],
  ['nobody may: no rule', tagBy('alice'), { ref: 'refs/tags/x1' }, 'policy/no-rule'],
])('13-adversary 6: a tag by %s is rejected', (_who, tag, how, code) => {
  const judged = judge(tag, how)
  expect(judged.outcome).toBe('rejected')
  expect(codes(judged)).toContain(code)
  for (const { message, remedy } of judged.findings) {
    expect(message).toMatch(/^tag (v1|x1)/)
    expect(remedy).not.toMatch(/commit --amend|exceptions/)
  }
})

test('13-adversary 6: a lightweight tag that was moved is told twice: unsigned, and elsewhere', () => {
  expect(codes(judge({ lightweight: idOf('other') }))).toEqual(['source/tag-other-commit', 'source/tag-unsigned'])
})

test('a signature that could not be checked makes the tag unknown, not rejected', () => {
  const signature = {
    kind: 'unjudged',
    scheme: 'x509',
    code: 'source/object-missing',
    message: 'The log is away',
  } as const
  expect(judge(tagBy('alice', { signature }))).toMatchObject({ outcome: 'unknown', kind: 'x509' })
})

test('all tag rules that match hold together: signers, branches and key sizes', () => {
  const law = lawOf(
    POLICY.replace(
      'policy-change',
      `  - {refs: [refs/heads/dev, refs/heads/next], commits: {signers: [carol]}}
  - {refs: [refs/tags/v*], tag: {signers: [alice, bob], on: [refs/heads/main], min-rsa: 4096}}
  - {refs: [refs/tags/**], tag: {signers: [bob, carol], on: [refs/heads/dev, refs/heads/next]}}
policy-change`,
    ),
  )
  expect(codes(judge(tagBy('bob'), { law, on: [MAIN, 'refs/heads/next'] }))).toEqual([])
  expect(codes(judge(tagBy('bob'), { law }))).toEqual(['source/tag-off-branch'])
  expect(codes(judge(tagBy('alice'), { law }))).toEqual(['source/signer-not-allowed', 'source/tag-off-branch'])
  const rsa = tagBy('bob', { signature: ssh('bob', { algorithm: 'ssh-rsa', bits: 3072 }) })
  expect(codes(judge(rsa, { law, on: [MAIN, 'refs/heads/next'] }))).toEqual(['source/key-weak'])
})

test('13-adversary 12: a tag by a key that the policy calls compromised is rejected, and no exception can save it', () => {
  const print = sshFingerprintOf('alice')
  const revoked = `revoked: [{fingerprint: "${print}", effective: 2026-05-01, mode: compromised}]\n`
  const text = POLICY.replace('policy-change', TAG_RULE)
  expect(judge(tagBy('alice'), { law: lawOf(text + revoked) })).toMatchObject({
    outcome: 'rejected',
    principal: 'alice',
    findings: [{ code: 'source/key-revoked', message: expect.stringContaining('tag v1 is signed by ssh key') }],
  })
})

test('13-adversary 12: the key of an accepted tag is told to the gate, once, and that of a rejected one is not', () => {
  const use = { fingerprint: sshFingerprintOf('alice'), principal: 'alice', first: HEAD, last: HEAD, commits: 0 }
  expect(withTagKey(judge(tagBy('alice')), [])).toEqual([use])
  expect(withTagKey(judge(tagBy('alice')), [{ ...use, commits: 3 }])).toEqual([{ ...use, commits: 3 }])
  expect(withTagKey(judge(tagBy('carol')), [])).toEqual([])
})

test('13-adversary 12: commits of a key that are covered by a time do not cover the tag that it signed', () => {
  const time = new Date('2026-03-01')
  const use = { fingerprint: sshFingerprintOf('alice'), principal: 'alice', first: HEAD, last: HEAD, commits: 1 }
  const timed = { ...use, firstTime: time, lastTime: time, timesFrom: ['log'] } as const
  expect(withTagKey(judge(tagBy('alice')), [timed])).toEqual([use])
})

test('a name that a shell would act on is never put into a command to paste', () => {
  const ref = 'refs/tags/v$(touch;x)'
  const [finding] = judge({ lightweight: HEAD }, { ref }).findings
  expect(finding?.message).toContain('v$(touch')
  expect(finding?.remedy).toContain(`git tag -s -f NAME ${HEAD}`)
})

test('isTagRef() tells tags from branches by the whole prefix', () => {
  expect(['refs/tags/v1', 'refs/heads/refs/tags/v1', 'tags/v1', 'refs/tags'].map(isTagRef)).toEqual([
    true,
    false,
    false,
    false,
  ])
})

test('mergetagsOf() takes a tag as evidence for the merged commit it names, and notes every other one', () => {
  const parents = [idOf('first'), idOf('merged')]
  const own = tagBy('alice', { object: idOf('merged') })
  const strange = [tagBy('bob', { object: idOf('first') }), tagBy('bob', { object: idOf('elsewhere') })]
  const merge = { ...commit('merge', { by: 'alice' }), parents, mergetags: [own, ...strange] }
  const { tags, notes } = mergetagsOf(merge)
  expect(tags).toEqual([own])
  expect(notes.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
    ['source/mergetag-unrelated', 'note', merge.id],
    ['source/mergetag-unrelated', 'note', merge.id],
  ])
  expect(mergetagsOf(commit('plain', { by: 'alice' }))).toEqual({ tags: [], notes: [] })
  expect(mergetagsOf({ ...merge, parents: [idOf('first')] }).tags).toEqual([])
})

describe('endFoldAt()', () => {
  /** one, two (brings in `side`), three by nobody. */
  function fold(): Fold {
    const files = { files: [] }
    const by = (name: string, options: CommitOptions = { by: 'carol' }) => commit(name, options)
    const start = startFold({ id: idOf('anchor') }, constantLaw(LAW), MAIN)
    const one = stepFold(start, { commit: by('one'), broughtIn: [], law: files }, NOW)
    const two = stepFold(one, { commit: by('two'), broughtIn: [by('side', { by: 'bob' })], law: files }, NOW)
    return stepFold(two, { commit: by('three', {}), broughtIn: [], law: files }, NOW)
  }
  const whole = endFold(fold(), NOW)
  const names = (id: string) => endFoldAt(fold(), idOf(id), NOW)?.commits.map(({ subject }) => subject)

  test('gives what leads to a commit, and the merge that brought it in', () => {
    expect([names('anchor'), names('one'), names('side'), names('two')]).toEqual([
      [],
      ['one'],
      ['one', 'side', 'two'],
      ['one', 'side', 'two'],
    ])
    expect(names('elsewhere')).toBeUndefined()
    expect(endFoldAt(fold(), idOf('three'), NOW)).toEqual(whole)
  })

  test('a bad commit that came later does not count, and the level is that of the range', () => {
    expect(whole).toMatchObject({ outcome: 'rejected' })
    const cut = endFoldAt(fold(), idOf('one'), NOW)
    expect(cut).toMatchObject({ outcome: 'passed', level: 'ORG_SOURCE_COMMITS_SIGNED' })
    expect(endFoldAt(fold(), idOf('anchor'), NOW)).toMatchObject({ level: 'ORG_SOURCE_COMMITS_ACCEPTED' })
  })
})
