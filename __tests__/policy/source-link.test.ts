import { utf8 } from '../../src/core/bytes.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { expectationFor, judgeImage } from '../../src/policy/gate.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Revocation } from '../../src/policy/policy.ts'
import { judgeSourceLink, type SourceQuestion } from '../../src/policy/source-link.ts'
import type { DetailException } from '../../src/statements/source-detail.ts'
import { OWN_URI_BASE } from '../../src/statements/uris.ts'
import { DETAIL } from '../statements/source-facts.ts'
import { COMMIT, certificate, IMAGE, ISSUER, provenance, SAN, signed } from './images.ts'
import { ANCHOR, digestOf, POLICY_URI, pairOf, questionOf, signedStatement } from './source-world.ts'
import { idOf, NOW } from './world.ts'

const FULCIO = 'https://github.com/login/oauth'
const SSH = `SHA256:${'k'.repeat(43)}`
const SSH_CA = `SHA256:${'c'.repeat(43)}`

type Statements = Parameters<typeof judgeSourceLink>[1]

function codes(question: SourceQuestion, statements: Statements): readonly string[] {
  const link = judgeSourceLink(question, statements)
  return 'findings' in link ? [...new Set(link.findings.map(({ code }) => code))] : ['linked']
}

const all = ({ summary, detail }: ReturnType<typeof pairOf>): Statements => [summary, detail]

test('judgeSourceLink() of an honest run gives its summary and its detail', () => {
  const pair = pairOf()
  expect(judgeSourceLink(questionOf(), [signed(), ...all(pair)])).toEqual({ statements: all(pair) })
})

describe('13-adversary 27: a summary counts only', () => {
  test('when there is one', () => expect(codes(questionOf(), [signed()])).toEqual(['verify/no-source-summary']))

  test('about exactly the commit of the provenance', () => {
    expect(codes(questionOf(), all(pairOf({ commit: idOf('another') })))).toEqual([
      'verify/source-other-commit',
      'verify/commit-not-of-run',
    ])
  })

  test('when signed by whom the rule names', () => {
    const signer = certificate({ san: SAN.replace('release', 'other') })
    expect(codes(questionOf(), all(pairOf({ signer })))).toEqual(['verify/identity-mismatch'])
    const rule = { signer: { kind: 'sigstore', identity: { exact: signer.san.value }, issuer: ISSUER } } as const
    expect(codes(questionOf(rule), all(pairOf({ signer })))).toEqual(['linked'])
  })

  test('when its signer is not revoked', () => {
    const revoked: Revocation[] = [
      { kind: 'key', fingerprint: 'AB'.repeat(32), effective: new Date(0), mode: 'retired' },
    ]
    expect(codes(questionOf({}, { revoked }), all(pairOf()))).toEqual(['verify/signer-revoked'])
  })

  test.each([
    [
      'for the repository',
      { built: { commit: COMMIT, repository: 'git+https://github.com/acme/other' } },
      {},
      'verify/source-other-repository',
    ],
    ['by the policy', {}, { policy: `${POLICY_URI}x` }, 'verify/other-policy'],
    ['by the one policy file', {}, { digest: digestOf('another') }, 'verify/other-policy'],
    ['from the anchor', {}, { anchor: idOf('another') }, 'verify/other-anchor'],
  ] as const)('%s that the rule names', (_what, more, rule, code) => {
    expect(codes(questionOf(rule, more), all(pairOf()))).toEqual([code])
  })

  test('by the digest of the policy file, where that is named', () => {
    expect(codes(questionOf({ digest: DETAIL.law.policy.digest }), all(pairOf()))).toEqual(['linked'])
  })

  test('of its own run’s repository, commit and ref, whoever shares its identity', () => {
    const of = (ci: object) => codes(questionOf(), all(pairOf({ signer: certificate({ ci }) })))
    expect(of({ sourceRepositoryUri: 'https://github.com/mallory/app' })).toEqual(['verify/source-other-repository'])
    expect(of({ sourceRepositoryDigest: idOf('another') })).toEqual(['verify/commit-not-of-run'])
    expect(of({ sourceRepositoryRef: 'refs/heads/side' })).toEqual(['verify/source-ref-mismatch'])
  })

  test.each([[[]], [['refs/pull/1/merge', 'refs/tags/v1.2.3']]])('with refs that count, not %j', refs => {
    const { summary, detail } = pairOf()
    const { subject, ...rest } = summary.statement
    const changed = signedStatement({ ...rest, subject: [{ ...subject[0], annotations: { sourceRefs: refs } }] })
    expect(codes(questionOf(), [changed, detail])).toEqual(['verify/source-ref-mismatch'])
  })

  test.each<[string, JsonObject, string]>([
    ['that passed', { verificationResult: 'FAILED', verifiedLevels: ['FAILED'] }, 'verify/source-not-passed'],
    [
      'of the verifier the gate knows',
      { verifier: { id: 'https://example.com/verifier' } },
      'verify/source-other-verifier',
    ],
    ['that can be read', { verifiedLevels: ['SLSA_SOURCE_LEVEL_4'] }, 'verify/source-unusable'],
    ['that names its detail', { inputAttestations: [] }, 'verify/source-detail-missing'],
    ['whose policy has the digest of the detail’s', { policy: { uri: POLICY_URI } }, 'verify/source-unusable'],
  ])('%s', (_what, predicate, code) => {
    const { summary, detail } = pairOf()
    const changed = signedStatement({
      ...summary.statement,
      predicate: { ...summary.statement.predicate, ...predicate },
    })
    expect(codes(questionOf(), [changed, detail])).toEqual([code])
  })

  test('one that does not count hides none that does, and what came closest is told first', () => {
    const [good, foreign] = [pairOf(), pairOf({ signer: certificate({ san: 'https://evil.example/x' }) })]
    expect(codes(questionOf(), [...all(foreign), ...all(good)])).toEqual(['linked'])
    const far = pairOf({ commit: idOf('another') })
    expect(codes(questionOf({ anchor: idOf('x') }), [...all(far), ...all(good)])[0]).toBe('verify/other-anchor')
  })
})

describe('13-adversary 27: the detail', () => {
  test('must be there', () => {
    expect(codes(questionOf(), [pairOf().summary])).toEqual(['verify/source-detail-missing'])
  })
  test('must be the one that the summary names, to the byte', () => {
    const other = pairOf({ detail: { engines: { git: '1' } } })
    expect(codes(questionOf(), [pairOf().summary, other.detail])).toEqual(['verify/source-detail-missing'])
  })
  test('must be of the same signer', () => {
    const foreign = pairOf({ signer: certificate({ san: 'https://evil.example/x' }) })
    expect(codes(questionOf(), [pairOf().summary, foreign.detail])).toEqual(['verify/identity-mismatch'])
  })
  test('must be of its documented form', () => {
    const { summary, detail } = pairOf()
    const predicate = { ...detail.statement.predicate, more: 1 }
    const changed = signedStatement({ ...detail.statement, predicate }, certificate(), detail.payload)
    expect(codes(questionOf(), [summary, changed])).toEqual(['verify/source-unusable'])
  })
  test('13-adversary 41: of a run that did not insist counts for nothing', () => {
    expect(codes(questionOf(), all(pairOf({ detail: { mode: 'audit' } })))).toEqual(['verify/source-not-enforced'])
  })
  test('must not contradict its summary', () => {
    const [first, ...rest] = DETAIL.commits
    if (first === undefined) throw new Error('No commits')
    const commits = [{ ...first, basis: 'platform' as const }, ...rest]
    expect(codes(questionOf(), all(pairOf({ detail: { commits } })))).toEqual(['verify/source-unusable'])
    const law = { ...DETAIL.law, policy: { uri: POLICY_URI, digest: digestOf('another') } }
    expect(codes(questionOf(), all(pairOf({ detail: { law } })))).toEqual(['verify/source-unusable'])
    const named = { ...DETAIL.law, policy: { ...DETAIL.law.policy, uri: `${POLICY_URI}x` } }
    expect(codes(questionOf(), all(pairOf({ detail: { law: named } })))).toEqual(['verify/other-policy'])
  })
})

describe('levels', () => {
  const accepted = { level: 'ORG_SOURCE_COMMITS_ACCEPTED', reviewed: false } as const
  const of = (requirement: SourceQuestion['requirement'], summary = {}) =>
    codes(questionOf({}, { requirement }), all(pairOf({ summary })))
  test('a signed history meets source-accepted, an accepted one never source-signed', () => {
    expect(of('source-signed')).toEqual(['linked'])
    expect(of('source-accepted')).toEqual(['linked'])
    expect(of('source-accepted', accepted)).toEqual(['linked'])
    expect(of('source-signed', accepted)).toEqual(['verify/source-level-missing'])
  })
  test('source-reviewed needs that level', () => {
    expect(of('source-reviewed')).toEqual(['linked'])
    expect(of('source-reviewed', { reviewed: false })).toEqual(['verify/source-level-missing'])
  })
})

describe('13-adversary 12: keys and exceptions of the detail', () => {
  const [alice, bob] = DETAIL.keys
  const compromised = (fingerprint = '', effective = '2026-05-01'): Partial<SourceQuestion> => ({
    revoked: [{ kind: 'key', fingerprint, effective: new Date(effective), mode: 'compromised' }],
  })
  const of = (more: Partial<SourceQuestion>) => codes(questionOf({}, more), all(pairOf()))
  test('a key without a trusted time that is called compromised voids the verification, whenever that was', () => {
    expect(of(compromised(alice?.fingerprint))).toEqual(['verify/source-key-compromised'])
    expect(of(compromised(alice?.fingerprint, '2099-01-01'))).toEqual(['verify/source-key-compromised'])
  })
  test('a trusted time before the compromise keeps what the key signed', () => {
    expect(of(compromised(bob?.fingerprint))).toEqual(['linked'])
    expect(of(compromised(bob?.primary))).toEqual(['linked'])
    expect(of(compromised(bob?.primary, '2026-04-30T08:00:00Z'))).toEqual(['verify/source-key-compromised'])
    expect(of(compromised(bob?.fingerprint, '2026-01-01'))).toEqual(['verify/source-key-compromised'])
  })
  test('a time that an earlier run told is none: it tells of expiry only', () => {
    const keys = DETAIL.keys.map(key => ({ ...key, verifiedTime: new Date('2026-01-01') }))
    expect(codes(questionOf({}, compromised(alice?.fingerprint)), all(pairOf({ detail: { keys } })))).toEqual([
      'verify/source-key-compromised',
    ])
  })
  test('whose review counted is revoked like who signed a commit, a person at Fulcio by his identity', () => {
    const carol = (identity: string, effective = '2026-01-01'): Partial<SourceQuestion> => ({
      revoked: [{ kind: 'identity', identity, issuer: FULCIO, effective: new Date(effective), mode: 'compromised' }],
    })
    expect(of(carol('carol@example.com'))).toEqual(['verify/source-key-compromised'])
    expect(of(carol('carol@example.com', '2026-05-01'))).toEqual(['linked'])
    expect(of(carol('alice@example.com'))).toEqual(['linked'])
  })
  test('an authority takes along whom it certified, a certificate is revoked by its serial or itself', () => {
    const [root, leaf, between] = ['A', 'B', 'C'].map(digit => digit.repeat(64))
    const { first, last } = alice ?? { first: COMMIT, last: COMMIT }
    const use = { principal: 'dave', first, last, commits: 1 }
    const x509 = { ...use, kind: 'x509', fingerprint: leaf ?? '', authority: root ?? '' } as const
    const certified = { ...use, kind: 'ssh-certificate', fingerprint: SSH, authority: SSH_CA } as const
    // Without carol, of whose certificates at Fulcio nothing is recorded.
    const others = DETAIL.keys.filter(({ kind }) => kind === undefined)
    const keys = [...others, { ...x509, chain: [between ?? ''], serials: ['2A', '0B'] }, certified]
    const pair = all(pairOf({ detail: { keys } }))
    const against = (entry: Pick<Revocation, 'kind'> & Record<string, unknown>) => {
      const revoked = [{ ...entry, effective: new Date('2026-01-01'), mode: 'compromised' }] as unknown as Revocation[]
      return codes(questionOf({}, { revoked }), pair)[0]
    }
    for (const fingerprint of [root, leaf, between, SSH, SSH_CA])
      expect(against({ kind: 'key', fingerprint })).toBe('verify/source-key-compromised')
    expect(against({ kind: 'serial', serial: '2A' })).toBe('verify/source-key-compromised')
    expect(against({ kind: 'serial', serial: 'B' })).toBe('verify/source-key-compromised')
    expect(against({ kind: 'serial', serial: 'FF' })).toBe('linked')
    // Which of its certificates signed is not recorded, so none of them can be ruled out.
    expect(against({ kind: 'ssh-serial', serial: 7n, authority: SSH_CA })).toBe('verify/source-serial-unclear')
    expect(against({ kind: 'ssh-serial', serial: 7n, authority: SSH })).toBe('linked')
    const times = { firstTime: new Date('2025-01-01'), lastTime: new Date('2025-01-01'), timesFrom: ['log'] } as const
    const older = all(pairOf({ detail: { keys: [...others, { ...certified, ...times }] } }))
    const serial = { kind: 'ssh-serial', serial: 7n, authority: SSH_CA, effective: new Date('2026-01-01') } as const
    expect(codes(questionOf({}, { revoked: [{ ...serial, mode: 'compromised' }] }), older)).toEqual(['linked'])
  })
  test.each([
    ['by its serial', { kind: 'serial', serial: '2A41F00D' }],
    ['by its fingerprint', { kind: 'key', fingerprint: 'A'.repeat(64) }],
  ] as const)(
    'a certificate of Fulcio revoked %s refuses every use of a person that is not proved older',
    (_how, entry) => {
      const against = (effective: string, mode: Revocation['mode'] = 'compromised', pair = all(pairOf())) =>
        codes(questionOf({}, { revoked: [{ ...entry, effective: new Date(effective), mode }] }), pair)
      expect(against('2026-04-30T09:00:00Z')).toEqual(['verify/source-serial-unclear'])
      expect(against('2026-04-30T09:00:01Z')).toEqual(['linked'])
      expect(against('2026-01-01', 'retired')).toEqual(['linked'])
      const nobody = DETAIL.keys.filter(({ kind }) => kind !== 'gitsign')
      const reviews = DETAIL.reviews.map(review => ({ ...review, keys: [] }))
      expect(against('2026-01-01', 'compromised', all(pairOf({ detail: { keys: nobody, reviews } })))).toEqual([
        'linked',
      ])
    },
  )
  test('where the detail lists the serials of a person’s certificates, they are compared', () => {
    const keys = DETAIL.keys.map(key => (key.kind === 'gitsign' ? { ...key, serials: ['2A', '0B'] } : key))
    const against = (serial: string) => {
      const entry = { kind: 'serial', serial, effective: new Date('2026-01-01'), mode: 'compromised' } as const
      return codes(questionOf({}, { revoked: [entry] }), all(pairOf({ detail: { keys } })))
    }
    expect(against('2A')).toEqual(['verify/source-key-compromised'])
    expect(against('B')).toEqual(['verify/source-key-compromised'])
    expect(against('FF')).toEqual(['linked'])
  })
  test('retired keys and keys that signed nothing are history', () => {
    const retired = {
      kind: 'key',
      fingerprint: alice?.fingerprint ?? '',
      effective: new Date(0),
      mode: 'retired',
    } as const
    expect(of({ revoked: [retired] })).toEqual(['linked'])
    expect(of(compromised('A'.repeat(40)))).toEqual(['linked'])
  })
  test('exceptions are denied unless the rule allows them', () => {
    const exceptions: DetailException[] = [{ kind: 'until', commit: idOf('old'), covers: 2 }]
    const level = { level: 'ORG_SOURCE_COMMITS_ACCEPTED' } as const
    const pair = all(pairOf({ detail: { exceptions }, summary: level }))
    const requirement = 'source-accepted'
    expect(codes(questionOf({}, { requirement }), pair)).toEqual(['verify/source-exceptions'])
    expect(codes(questionOf({ exceptions: 'allow' }, { requirement }), pair)).toEqual(['linked'])
    expect(codes(questionOf({ exceptions: 'allow' }), all(pairOf({ detail: { exceptions } })))).toEqual([
      'verify/source-unusable',
    ])
  })
})

describe('judgeImage() with a source', () => {
  const expectation = (require: string) =>
    expectationFor(
      parsePolicy(
        utf8(`version: 1
deploy:
  - match: "ghcr.io/acme/**"
    build: {sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}
    source: {policy: "${POLICY_URI}", anchor: ${ANCHOR}, exceptions: deny}
    require: [provenance, ${require}]
`),
        'p.yml',
      ),
      'ghcr.io/acme/app',
    )
  const image = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
  const judge = (
    statements: Statements,
    require = 'source-signed',
    subject: Parameters<typeof judgeImage>[0] = image,
  ) => judgeImage(subject, statements, expectation(require), { rejectedBundles: [], incomplete: false, now: NOW })
  const rejects = (...args: Parameters<typeof judge>) => {
    const { verdict } = judge(...args)
    return verdict.kind === 'rejected' ? verdict.findings.map(({ code }) => code) : [verdict.kind]
  }

  test('goes from digest to provenance to commit to summary to detail', () => {
    const pair = pairOf()
    const { verdict, matched } = judge([provenance(), ...all(pair)])
    expect(verdict).toMatchObject({ kind: 'passed', by: expect.stringContaining(SAN) })
    expect(matched.map(({ requirement, statements }) => [requirement, statements.length])).toEqual([
      ['provenance', 1],
      ['source-signed', 3],
    ])
  })

  test('13-adversary 27: without provenance there is no commit to ask about', () => {
    expect(rejects(all(pairOf()))).toEqual(['verify/no-attestation'])
  })

  test('13-adversary 15: a provenance that does not count leads nowhere', () => {
    const foreign = provenance({}, { signer: certificate({ issuer: 'https://evil.example' }) })
    expect(new Set(rejects([foreign, ...all(pairOf())]))).toEqual(new Set(['verify/issuer-mismatch']))
  })

  test('a missing summary rejects; in an incomplete list it is unknown', () => {
    expect(rejects([provenance()])).toEqual(['verify/no-source-summary'])
    const within = { rejectedBundles: [], incomplete: true, now: NOW }
    expect(judgeImage(image, [provenance()], expectation('source-signed'), within).verdict.kind).toBe('unknown')
  })

  test('13-adversary 21: every platform’s commit is asked about, and an index that lists the image may answer', () => {
    const index = { ...image, digest: digestOf('index'), platforms: [IMAGE] }
    expect(judge([provenance(), ...all(pairOf())], 'source-signed', index).verdict.kind).toBe('passed')
    const child = { ...image, digest: digestOf('child'), parents: [IMAGE] }
    expect(judge([provenance(), ...all(pairOf())], 'source-signed', child).verdict.kind).toBe('passed')
  })

  test('13-adversary 27: a source summary is no signature of an image', () => {
    const { summary } = pairOf()
    const both = signedStatement({ ...summary.statement, predicateType: `${OWN_URI_BASE}/source-verification/v0.1` })
    expect(rejects([summary, both], 'source-reviewed')).toContain('verify/no-attestation')
  })
})
