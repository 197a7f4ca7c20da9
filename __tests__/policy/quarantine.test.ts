import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { quarantineDecision } from '../../src/pipeline/quarantine-decision.ts'
import {
  type ExpectationOptions,
  expectationFor,
  type GateContext,
  type ImageSubject,
  judgeImage,
} from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import {
  at,
  BUILD_TEXT,
  deploySummary,
  GATE_POLICY,
  GUARD,
  GUARD_TEXT,
  MALLORY,
  quarantine,
  release,
} from './gate-world.ts'
import { certificate, IMAGE, signed } from './images.ts'
import { NOW } from './world.ts'

const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
const whole: GateContext = { rejectedBundles: [], incomplete: false, now: NOW }

function rule(
  options: ExpectationOptions = { policy: GATE_POLICY },
  top = '',
  by = `    quarantine-by: {${GUARD_TEXT}}\n`,
) {
  const text = `version: 1\n${top}deploy:\n  - match: "ghcr.io/**"\n    build:\n      ${BUILD_TEXT}\n${by}    require: signature\n`
  return expectationFor(parsePolicy(utf8(text), 'p.yml'), 'ghcr.io/acme/app', options)
}

function judge(list: readonly Signed[], expectation = rule(), about = subject, within = whole) {
  const { verdict, findings, links } = judgeImage(about, [signed(), ...list], expectation, within)
  const codes = findings.map(({ code }) => code)
  return { kind: verdict.kind, codes, findings, quarantine: links.find(({ link }) => link === 'quarantine') }
}

const early = at('2026-05-01T10:00:00Z')
const late = at('2026-05-03T10:00:00Z')

describe('13-adversary 31: a quarantine record', () => {
  test('rejects, and says who wrote it, why, and what would end it', () => {
    const record = quarantine({}, early)
    const { kind, findings, quarantine: link } = judge([record])
    expect(kind).toBe('rejected')
    expect(findings[0]).toMatchObject({ code: 'verify/quarantined', expected: expect.stringContaining(record.payload) })
    expect(findings[0]?.message).toContain('guard.yml@refs/heads/main')
    expect(findings[0]?.message).toContain('the signature does not verify (verify/identity-mismatch)')
    expect(link).toMatchObject({ state: 'rejected', bundle: record.bundle, signedAt: '2026-05-01T10:00:00.000Z' })
  })

  test('of a part that the record or the rule does not name is not narrowed by it', () => {
    const changes: readonly object[] = [
      { policy: undefined },
      { environment: undefined },
      { policy: 'file:deploy.yml' },
    ]
    for (const change of changes) expect([change, judge([quarantine(change)]).kind]).toEqual([change, 'rejected'])
    // A policy given as a file has another name on each machine, so no record of its repository is passed over.
    for (const policy of [undefined, { uri: 'file:waybill.yml', digest: sha256('x') }])
      expect(judge([quarantine()], rule(policy === undefined ? {} : { policy })).kind).toBe('rejected')
  })

  test('of another policy is a note', () => {
    const record = quarantine({ policy: 'git+https://github.com/acme/other#.github/waybill.yml' })
    expect(judge([record])).toMatchObject({ kind: 'passed', codes: ['verify/quarantine-ignored'] })
    expect(judge([record]).findings[0]?.message).toContain('acme/other')
  })

  test('of anybody else, or of a signer who is revoked since, is a note', () => {
    const lookAlike = certificate({ ...GUARD, san: GUARD.san.value.replace('guard', 'guards') })
    for (const signer of [MALLORY, certificate(), lookAlike, { kind: 'key', fingerprint: 'ab' } as const])
      expect(judge([quarantine({}, { signer })])).toMatchObject({
        kind: 'passed',
        codes: ['verify/quarantine-ignored'],
      })
    const top = `revoked: [{identity: "${GUARD.san.value}", issuer: "${GUARD.issuer}", effective: 2026-05-02, mode: compromised}]\n`
    expect(judge([quarantine({}, late)], rule({ policy: GATE_POLICY }, top)).kind).toBe('passed')
    expect(judge([quarantine({}, early)], rule({ policy: GATE_POLICY }, top)).kind).toBe('rejected')
  })

  test('that cannot be read counts neither way', () => {
    const record = quarantine()
    const broken = { ...record, statement: { ...record.statement, predicate: { decision: 'quarantine' } } }
    expect(judge([broken])).toMatchObject({ kind: 'passed', codes: ['verify/quarantine-ignored'] })
    const unsigned = { ...record, form: 'simple-signing' as const }
    expect(judge([unsigned])).toMatchObject({ kind: 'passed', codes: [] })
  })

  test('about a platform stops the index that deploys it, and none of another image', () => {
    const index = { ...subject, platforms: [sha256('amd64')] }
    expect(judge([quarantine({}, { digest: sha256('amd64') })], rule(), index).kind).toBe('rejected')
    expect(judge([quarantine({}, { digest: sha256('amd64') })]).kind).toBe('passed')
  })

  test('13-adversary 26: planted by the hundred shows five notes', () => {
    const flood = Array.from({ length: 150 }, (_, i) =>
      quarantine({ reason: `because ${i}` }, { signer: certificate({ san: `m${i}@example.com` }) }),
    )
    expect(judge(flood)).toMatchObject({
      kind: 'passed',
      codes: Array.from({ length: 5 }, () => 'verify/quarantine-ignored'),
    })
  })
})

describe('13-adversary 31: a release', () => {
  const record = quarantine({}, early)
  test('ends the record it names, if it is not older', () => {
    expect(judge([record, release(record, {}, late)])).toMatchObject({ kind: 'passed' })
    expect(judge([record, release(record, {}, early)])).toMatchObject({ kind: 'passed' })
    expect(judge([quarantine({}, late), release(record, {}, early)]).kind).toBe('rejected')
  })
  test('ends no other record, and only one of the same digest', () => {
    const second = quarantine({ reason: 'something else' }, early)
    expect(judge([record, second, release(record, {}, late)]).kind).toBe('rejected')
    expect(judge([record, second, release(record, {}, late), release(second, {}, late)]).kind).toBe('passed')
    const index = { ...subject, platforms: [sha256('amd64')] }
    const elsewhere = release(record, {}, { ...late, digest: sha256('amd64') })
    expect(judge([record, elsewhere], rule(), index).kind).toBe('rejected')
  })
  test('of somebody else, or for another policy, ends nothing', () => {
    expect(judge([record, release(record, {}, { ...late, signer: MALLORY })]).kind).toBe('rejected')
    const policy = 'git+https://github.com/acme/other#.github/waybill.yml'
    expect(judge([record, release(record, { policy }, late)]).kind).toBe('rejected')
  })
  test('cannot be released itself: the same words signed again begin anew', () => {
    const again = quarantine({}, late)
    expect(again.payload).toBe(record.payload)
    expect(judge([record, again, release(record, {}, at('2026-05-02T10:00:00Z'))]).kind).toBe('rejected')
    expect(judge([record, again, release(record, {}, at('2026-05-04T10:00:00Z'))]).kind).toBe('passed')
  })
  test('alone says nothing', () => {
    expect(judge([release(record, {}, late)])).toMatchObject({ kind: 'passed', codes: [] })
  })
})

describe('13-adversary 31: a digest in quarantined', () => {
  const listed = (digest: string) =>
    rule({ policy: GATE_POLICY }, `quarantined: [{digest: "${digest}", reason: "stolen key", since: 2026-05-02}]\n`, '')
  test('is rejected whatever else holds, and no release ends it', () => {
    const record = quarantine({}, early)
    const { kind, codes, findings } = judge([release(record, {}, late)], listed(IMAGE))
    expect([kind, codes[0]]).toEqual(['rejected', 'verify/quarantined'])
    expect(findings[0]?.message).toContain('stolen key')
  })
  test('is one of this very digest or of a platform of it', () => {
    const other = sha256('other')
    expect(judge([], listed(other)).kind).toBe('passed')
    expect(judge([], listed(other), { ...subject, platforms: [other] }).kind).toBe('rejected')
    // The child of a bad index may be good; it has to prove that itself.
    expect(judge([], listed(other), { ...subject, parents: [other] }).kind).toBe('passed')
  })
})

describe('13-adversary 31: a missing record proves nothing', () => {
  const partly = { ...whole, incomplete: true }
  test('so an incomplete list is unknown under a rule that believes records', () => {
    const { kind, quarantine: link } = judge([], rule(), subject, partly)
    expect([kind, link?.state]).toEqual(['unknown', 'unknown'])
    const nobody = rule({ policy: GATE_POLICY }, '', '')
    expect(judge([], nobody, subject, partly)).toMatchObject({ kind: 'passed', quarantine: { state: 'not-asked' } })
  })
  test('and what is found is told all the same', () => {
    expect(judge([quarantine()], rule(), subject, partly).kind).toBe('rejected')
  })
})

test('13-adversary 31: who deployed elsewhere has said nothing against the image', () => {
  const by = 'sigstore: {identity: "bob@example.com", issuer: "https://accounts.example.com"}, environment: production'
  const text = `version: 1\ndeploy:\n  - match: "ghcr.io/**"\n    build:\n      ${BUILD_TEXT}\n    deployer: {${by}}\n    require: signature\n    admit: deploy-verified\n`
  const stage = { stage: 'run', policy: GATE_POLICY } as const
  const expectation = expectationFor(parsePolicy(utf8(text), 'p.yml'), 'ghcr.io/acme/app', stage)
  const { verdict, findings } = judgeImage(subject, [signed(), deploySummary()], expectation, whole)
  expect(findings.map(({ code }) => code)).toEqual([
    'verify/identity-mismatch',
    'verify/issuer-mismatch',
    'verify/deploy-other-verifier',
  ])
  expect(quarantineDecision({ verdict: verdict.kind, digest: IMAGE, findings }).quarantine).toBe(false)
})
