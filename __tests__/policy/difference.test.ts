import { utf8 } from '../../src/core/bytes.ts'
import { policyDifference, workflowDifference } from '../../src/policy/difference.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { filled, lawFiles } from './world.ts'

const TEXT = `version: 1
principals:
  alice: {github: {login: alice, id: 1}, emails: [alice@example.com], signers: [{ssh: {key: "{{alice}}"}}]}
  bob: {github: {login: bob, id: 2}, emails: [bob@example.com], signers: [{ssh: {key: "{{bob}}"}}]}
  carol: {github: {login: carol, id: 3}, emails: [carol@example.com], signers: [{ssh: {key: "{{carol}}"}}]}
roles: {maintainers: [alice, bob], developers: ["@maintainers", carol]}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@developers"], min-rsa: 3072}
    platform: {merge: clean, content: deny}
    review: {approvals: 2, by: ["@developers"], distinct-from: [author, committers]}
  - refs: ["refs/tags/v*"]
    tag: {signers: [alice], on: [refs/heads/main]}
policy-change: {signers: ["@maintainers"], approvals: 1}
exceptions: [{until: "{{old.id}}", reason: "history before adoption"}]
revoked: [{fingerprint: "{{mallory.fingerprint}}", effective: 2026-05-01, mode: compromised}]
source-workflows: [.github/workflows/ci.yml]
gate-refs: [refs/heads/main]
deploy:
  - {match: "ghcr.io/acme/bad", deny: true}
  - {match: "ghcr.io/acme/**", build: {sigstore: {identity: a@example.com, issuer: "https://x"}}, require: signature}
  - {match: "quay.io/**", build: {sigstore: {identity: a@example.com, issuer: "https://x"}}, require: signature}
`

const NO_ROLE = 'roles: {maintainers: [alice, bob], developers: ["@maintainers", carol]}'
const snapshot = utf8(
  JSON.stringify({ schemaVersion: 1, taken: '2026-05-02T00:00:00Z', source: 'a list', principals: { dave: {} } }),
)
const parse = (text: string) => parsePolicy(utf8(filled(text)), '.github/waybill.yml', () => snapshot)
const differ = (from: string | RegExp, to: string, back = false) => {
  const changed = TEXT.replace(from, to)
  if (changed === TEXT) throw new Error(`${from} does not stand in the policy`)
  return back ? policyDifference(parse(changed), parse(TEXT)) : policyDifference(parse(TEXT), parse(changed))
}
const loosening = (from: string | RegExp, to: string, back = false) =>
  differ(from, to, back)
    .filter(line => line.loosens === true)
    .map(({ what, how }) => `${how} ${what}`)

test('policyDifference() of a policy with itself is empty', () => {
  expect(policyDifference(parse(TEXT), parse(TEXT))).toEqual([])
})

/** What is changed, and what the change back is: exactly one of the two loosens, or both do. */
const CHANGES: readonly (readonly [string, string | RegExp, string, readonly string[], readonly string[]])[] = [
  [
    'a key more',
    'emails: [carol@example.com], signers: [',
    'emails: [carol@example.com], signers: [{ssh: {key: "{{more}}"}}, ',
    ['added principal'],
    [],
  ],
  ['an account less', 'github: {login: bob, id: 2}, ', '', [], ['added principal']],
  [
    'a member of a role more',
    '[alice, bob], developers',
    '[alice, bob, carol], developers',
    ['added role', 'added policy-change', 'added policy-change'],
    [],
  ],
  ['a signer less', 'signers: ["@developers"], min', 'signers: ["@maintainers"], min', [], ['added source-rule']],
  ['a lower floor for RSA', 'min-rsa: 3072', 'min-rsa: 2048', ['added source-rule'], []],
  ['other commits', 'platform:', 'allow-other-commit: true\n    platform:', ['added source-rule'], []],
  ['merge denied', 'merge: clean', 'merge: deny', [], ['added source-rule']],
  ['squash with evidence', 'merge: clean', 'merge: clean, squash: evidence', ['added source-rule'], []],
  ['content by somebody', 'content: deny', 'content: carol', ['added source-rule'], []],
  ['fewer approvals', 'approvals: 2', 'approvals: 1', ['added source-rule'], []],
  ['more persons who may review themselves', '[author, committers]', '[author]', ['added source-rule'], []],
  [
    'stronger evidence of reviews',
    'distinct-from',
    'strength: signed-by-reviewer, distinct-from',
    [],
    ['added source-rule'],
  ],
  ['no review', /\n {4}review: .*/, '', ['removed source-rule'], []],
  ['a tagger more', 'signers: [alice], on', 'signers: [alice, bob], on', ['added tag-rule'], []],
  ['no tag rule', /\n {2}- refs: \["refs\/tags\/v\*"\]\n.*/, '', ['removed tag-rule'], ['added tag-rule']],
  ['fewer approvals of the law', ', approvals: 1}\nex', '}\nex', ['added policy-change', 'added policy-change'], []],
  [
    'workflows without approvals',
    'approvals: 1}\nex',
    'approvals: 1, workflows: {signers: "@maintainers", approvals: 0}}\nex',
    ['added policy-change'],
    [],
  ],
  ['no exception', /\nexceptions.*/, '', [], ['added exception']],
  ['no revocation', /\nrevoked.*/, '', ['removed revocation'], []],
  [
    'a workflow more',
    '[.github/workflows/ci.yml]',
    '[.github/workflows/ci.yml, .github/workflows/x.yml]',
    ['added source-workflows'],
    [],
  ],
  [
    'gates from a branch more',
    'gate-refs: [refs/heads/main]',
    'gate-refs: [refs/heads/main, refs/heads/x]',
    ['added gate-refs'],
    [],
  ],
  [
    'a digest out of quarantine',
    'gate-refs',
    `quarantined: [{digest: "sha256:${'a'.repeat(64)}", reason: x, since: 2026-05-01}]\ngate-refs`,
    [],
    ['removed quarantine'],
  ],
  ...['admit: sbom', 'quarantine-by: {key: k.pem}', 'private: true', 'max-age-at-run: 1d', 'trust: github'].map(
    key =>
      [
        `a deploy rule with ${key}`,
        'require: signature}\n  - {match: "quay.io',
        `require: signature, ${key}}\n  - {match: "quay.io`,
        ['added deploy-rule'],
        ['added deploy-rule'],
      ] as const,
  ),
  ['no denied image', /\n {2}- \{match: "ghcr.io\/acme\/bad".*/, '', ['removed deploy-rule'], []],
  [
    'a platform key',
    /$/,
    `platform-keys: [{openpgp: {fingerprint: ${'AB'.repeat(20)}, file: k.asc}}]\n`,
    ['added platform-key'],
    [],
  ],
  ['people from elsewhere', NO_ROLE, `${NO_ROLE}\nsnapshots: [{file: k.json, role: guests}]`, ['added role'], []],
]

describe('13-adversary 3: policyDifference() marks what loosens:', () => {
  test.each(CHANGES)('%s', (_what, from, to, there, back) => {
    expect([loosening(from, to), loosening(from, to, true)]).toEqual([there, back])
  })

  test('a rule for refs that had none loosens, one for refs that have one does not', () => {
    const rule = (ref: string) => `  - {refs: ["${ref}"], commits: {signers: [alice]}}\npolicy-change:`
    expect(loosening('policy-change:', rule('refs/heads/release/*'))).toEqual(['added source-rule'])
    expect(loosening('policy-change:', rule('refs/heads/main'))).toEqual([])
  })

  test('the same deploy rules in another order are told', () => {
    const [, first = '', second = ''] = /( {2}- \{match: "ghcr.io\/acme\/\*\*".*\n)( {2}- .*\n)$/.exec(TEXT) ?? []
    expect(loosening(first + second, second + first)).toEqual(['added deploy-rule'])
  })

  test('one name more in a list too long to show is shown', () => {
    const many = Array.from({ length: 90 }, (_, i) => `person-${i}`)
    const people = (names: readonly string[]) =>
      names.map(name => `  ${name}: {github: {login: ${name}, id: ${1000 + Number(name.slice(7))}}}\n`).join('')
    const text = TEXT.replace('roles: {', `${people(many)}roles: {many: [alice, ${many.slice(1).join(', ')}], `)
    const lines = policyDifference(parse(text), parse(text.replace('many: [alice,', 'many: [alice, person-0,')))
    const [added] = lines.filter(line => line.how === 'added')
    expect(added?.text).toContain('only here: person-0)')
    expect(added?.loosens).toBe(true)
  })
})

describe('workflowDifference()', () => {
  const CI = '.github/workflows/ci.yml'
  const workflow = (...inputs: readonly string[]) =>
    lawFiles({
      [CI]: `on: push\njobs:\n  a:\n    steps:\n      - uses: acme/waybill@v1\n        with:\n${inputs.map(i => `          ${i}\n`).join('')}`,
    })
  const shown = (a: Parameters<typeof workflowDifference>[0], b: Parameters<typeof workflowDifference>[0]) =>
    workflowDifference(a, b).map(
      ({ how, text, loosens }) => `${how}${loosens ? '!' : ''} ${text.replace(`${CI}: `, '')}`,
    )

  test('13-adversary 3: shows every line that sets how strictly the run judges', () => {
    const before = workflow('tags: v1', 'source-mode: enforce', 'since: aaaa')
    expect(shown(before, before)).toEqual([])
    expect(shown(before, workflow('tags: v2', 'source-mode: off', 'since: bbbb'))).toEqual([
      'removed! source-mode: enforce',
      'removed! since: aaaa',
      'added! source-mode: off',
      'added! since: bbbb',
    ])
    expect(shown(workflow(), before)).toEqual(['added source-mode: enforce', 'added! since: aaaa'])
  })

  test('13-adversary 3: sees flow maps, quotes, new and removed files', () => {
    const flow = lawFiles({
      [CI]: 'with: {"source-mode": audit, tags: v1}\n# since: not a setting\n',
      '.github/actions/a/action.yml': 'policy: acme/x@refs/heads/main:p.yml',
    })
    expect(workflowDifference({ files: [] }, flow).map(({ text }) => text)).toEqual([
      '.github/actions/a/action.yml: policy: acme/x@refs/heads/main:p.yml',
      `${CI}: with: {"source-mode": audit, tags: v1}`,
    ])
    expect(workflowDifference(flow, { files: [] }).every(({ how }) => how === 'removed')).toBe(true)
    expect(workflowDifference(lawFiles({ '.github/a.yml': 'since: x' }), { files: [] })).toEqual([])
  })

  test('shows what a terminal would act on as text', () => {
    const [line] = workflowDifference({ files: [] }, lawFiles({ [CI]: 'since: \u001b[2Jx' }))
    expect(line?.text).toBe(`${CI}: since: \\u{1b}[2Jx`)
  })
})
