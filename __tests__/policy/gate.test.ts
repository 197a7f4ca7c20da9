import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import type { Finding } from '../../src/core/verdict.ts'
import {
  type Expectation,
  expectationFor,
  expectationFromFlags,
  type GateContext,
  type ImageSubject,
  judgeImage,
} from '../../src/policy/gate.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { OWN_URI_BASE, RECORDED_BUILD_TYPE } from '../../src/statements/uris.ts'
import { type Change, certificate, IMAGE, ISSUER, provenance, SAN, signed } from './images.ts'
import { errorOf, idOf, NOW } from './world.ts'

const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
const context: GateContext = { rejectedBundles: [], incomplete: false, now: NOW }

function rule(extra = '', more = ''): Expectation {
  const text = `version: 1
deploy:
  - match: "ghcr.io/acme/**"
    build:
      github: {repository: acme/app, repository-id: 4711, signer: "acme/app/.github/workflows/release.yml@refs/tags/v*", source-ref: ["refs/tags/v*"]}
${extra === '' ? '' : `      ${extra}\n`}    require: [signature, provenance]
${more}`
  return expectationFor(parsePolicy(utf8(text), 'p.yml'), 'ghcr.io/acme/app')
}

const flags = (more = {}) => expectationFromFlags({ certificateIdentity: SAN, certificateOidcIssuer: ISSUER, ...more })
const judge = (list: Parameters<typeof judgeImage>[1], expectation = rule(), about = subject, within = context) =>
  judgeImage(about, list, expectation, within)
const rejects = (...args: Parameters<typeof judge>) => {
  const { verdict } = judge(...args)
  return verdict.kind === 'rejected' ? verdict.findings.map(finding => finding.code) : [verdict.kind]
}

describe('judgeImage()', () => {
  test('passes what the expected run signed, and says who', () => {
    const { verdict, matched } = judge([signed(), provenance()])
    expect(verdict).toMatchObject({ kind: 'passed', basis: 'signed', by: expect.stringContaining(SAN), notes: [] })
    expect(matched.map(({ requirement, via }) => [requirement, via])).toEqual([
      ['signature', 'own'],
      ['provenance', 'own'],
    ])
  })

  test('rejects an image without any statement', () => {
    expect(rejects([])).toEqual(['verify/no-attestation', 'verify/no-attestation'])
  })

  test('13-adversary 21: a statement proves exactly the digest in its subject', () => {
    const other = { digest: sha256('other') }
    expect(rejects([signed(other), provenance({}, other)])).toEqual(['verify/no-attestation', 'verify/no-attestation'])
  })

  test('13-adversary 27: an SBOM or a signature is no provenance', () => {
    const sbom = signed({ predicateType: 'https://spdx.dev/Document' })
    expect(rejects([signed(), sbom])).toEqual(['verify/no-attestation'])
  })

  test('13-adversary 27: a verification summary or a quarantine record is no signature', () => {
    const types = ['https://slsa.dev/verification_summary/v1', `${OWN_URI_BASE}/quarantine/v0.1`]
    for (const predicateType of types)
      expect(rejects([signed({ predicateType })], flags())).toEqual(['verify/no-attestation'])
  })

  test('13-adversary 26: unverifiable bundles are counted and named, never fatal', () => {
    const bad: Finding = { code: 'core/json-malformed', severity: 'reject', subject: 'b', message: 'm', remedy: 'r' }
    const { verdict, findings } = judge([signed(), provenance()], rule(), subject, {
      ...context,
      rejectedBundles: [bad, bad],
    })
    expect(verdict.kind).toBe('passed')
    expect(findings.map(f => [f.code, f.severity])).toEqual([
      ['verify/bundles-ignored', 'note'],
      ['core/json-malformed', 'note'],
      ['core/json-malformed', 'note'],
    ])
  })

  test('13-adversary 26: what is missing from an incomplete list makes the verdict unknown', () => {
    const incomplete = { ...context, incomplete: true }
    const { verdict } = judge([signed()], rule(), subject, incomplete)
    expect(verdict).toMatchObject({ kind: 'unknown', cause: { code: 'verify/incomplete', kind: 'unknown' } })
    expect(judge([signed(), provenance()], rule(), subject, incomplete).verdict.kind).toBe('passed')
    const foreign = signed({ signer: certificate({ issuer: 'https://evil.example' }) })
    expect(judge([foreign], flags(), subject, incomplete).verdict.kind).toBe('unknown')
  })

  test('a planted statement does not stand in the way of the right one, and a flood is cut', () => {
    const evil = certificate({ san: 'mallory@example.com' })
    expect(judge([signed({ signer: evil }), signed()], flags()).verdict.kind).toBe('passed')
    const flood = Array.from({ length: 500 }, (_, i) => signed({ signer: certificate({ san: `m${i}@example.com` }) }))
    expect(rejects(flood, flags()).length).toBeLessThanOrEqual(20)
  })
})

describe('judgeImage() of an index', () => {
  const [amd, arm] = [sha256('amd64'), sha256('arm64')]
  const index = { ...subject, platforms: [amd, arm] }
  test('13-adversary 21: every platform proves an index, one does not', () => {
    expect(judge([signed({ digest: amd }), signed({ digest: arm })], flags(), index).matched[0]?.via).toBe('platforms')
    expect(rejects([signed({ digest: amd })], flags(), index)).toEqual(['verify/platform-unproven'])
    expect(rejects([signed({ digest: amd })], flags(), { ...index, platforms: [] })).toEqual(['verify/no-attestation'])
  })
  test('13-adversary 21: a child is proved by its own signature or by a signed index that lists it', () => {
    const child = { ...subject, digest: amd, parents: [IMAGE] }
    expect(judge([signed()], flags(), child).matched[0]?.via).toBe('index')
    expect(rejects([signed()], flags(), { ...child, parents: [] })).toEqual(['verify/no-attestation'])
  })
})

describe('judgeImage() of a provenance', () => {
  const codes = (change: Change, expectation = rule(), list = [signed()]) =>
    rejects([...list, provenance(change)], expectation)
  const DEFINITION = 'buildDefinition'
  const GITHUB = `${DEFINITION}.internalParameters.github`
  const WAYBILL = `${DEFINITION}.internalParameters.waybill`
  const WORKFLOW = `${DEFINITION}.externalParameters.workflow`
  test.each([
    [`${WORKFLOW}.repository`, 'https://github.com/evil/app', 2],
    [`${WORKFLOW}.ref`, 'refs/heads/main', 2],
    [`${WORKFLOW}.path`, '.github/workflows/other.yml', 1],
    [`${GITHUB}.repository_id`, '1', 1],
    [`${GITHUB}.repository_owner_id`, '1', 1],
    [`${GITHUB}.event_name`, 'release', 1],
    [`${GITHUB}.runner_environment`, 'self-hosted', 1],
    ['runDetails.builder.id', 'https://example.com/builder', 1],
    ['runDetails.metadata.invocationId', 'https://github.com/acme/app/actions/runs/2/attempts/1', 1],
  ])('13-adversary 27: %s must be what the certificate says', (path, value, count) => {
    expect(codes({ [path]: value })).toEqual(Array.from({ length: count }, () => 'verify/claims-mismatch'))
  })

  test('13-adversary 28: the first dependency is the commit of the run', () => {
    const dependency = (commit: string) => ({
      [`${DEFINITION}.resolvedDependencies`]: [
        { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: commit } },
      ],
    })
    expect(codes(dependency(idOf('another')))).toEqual(['verify/commit-not-of-run'])
    expect(codes({ [`${DEFINITION}.resolvedDependencies`]: undefined })).toEqual(['verify/commit-not-of-run'])
    expect(codes({ [`${DEFINITION}.resolvedDependencies`]: [{ digest: { sha1: idOf('head') } }] })).toEqual([
      'verify/commit-not-of-run',
    ])
  })

  test('13-adversary 15: a recorded digest is never a build by default', () => {
    const recorded = {
      [`${DEFINITION}.buildType`]: RECORDED_BUILD_TYPE,
      [`${DEFINITION}.resolvedDependencies`]: undefined,
      [`${WAYBILL}.builder`]: 'layout',
    }
    expect(codes(recorded)).toEqual(['verify/builder-not-allowed'])
    expect(codes(recorded, rule('builders: [layout]'))).toEqual(['passed'])
    expect(codes({ ...recorded, [`${WAYBILL}.builder`]: 'buildx' })).toEqual(['verify/builder-not-allowed'])
    expect(codes(recorded, flags({ require: ['signature', 'provenance'] }))).toContain('verify/builder-not-allowed')
  })

  test('13-adversary 15: only builders that the rule names count', () => {
    expect(codes({ [`${WAYBILL}.builder`]: 'command' })).toEqual(['verify/builder-not-allowed'])
    expect(codes({ [`${WAYBILL}.builder`]: 'buildah' })).toEqual(['passed'])
    expect(codes({}, rule('builders: [buildah]'))).toEqual(['verify/builder-not-allowed'])
  })

  test('13-adversary 41: an audited source does not pass unless the rule allows it', () => {
    const source = (mode: string, verdict: string) => ({ [`${WAYBILL}.source`]: { mode, verdict } })
    expect(codes(source('audit', 'passed'))).toEqual(['verify/source-not-enforced'])
    expect(codes(source('enforce', 'rejected'))).toEqual(['verify/source-not-enforced'])
    expect(codes({ [`${WAYBILL}.source`]: undefined })).toEqual(['verify/source-not-enforced'])
    const allowed = rule('', '    allow-audit: true\n')
    expect(codes(source('audit', 'passed'), allowed)).toEqual(['passed'])
    expect(codes(source('off', 'not-asked'), allowed)).toEqual(['passed'])
    for (const verdict of ['rejected', 'unknown', 'fine'])
      expect(codes(source('audit', verdict), allowed)).toEqual(['verify/source-not-enforced'])
    expect(codes({ [`${WAYBILL}.source`]: undefined }, allowed)).toEqual(['verify/source-not-enforced'])
    expect(codes(source('audit', 'rejected'), flags({ require: ['provenance'] }), [])).toEqual(['passed'])
  })

  test('13-adversary 41: materials that were found bad, or passed without insisting, do not pass either', () => {
    const materials = (mode: string, verdict: string) => ({ [`${WAYBILL}.materials`]: { mode, verdict } })
    expect(codes(materials('enforce', 'passed'))).toEqual(['passed'])
    expect(codes(materials('audit', 'not-asked'))).toEqual(['passed'])
    expect(codes(materials('audit', 'passed'))).toEqual(['verify/materials-not-enforced'])
    expect(codes({ [`${WAYBILL}.materials`]: undefined })).toEqual(['passed'])
    const allowed = rule('', '    allow-audit: true\n')
    expect(codes(materials('audit', 'passed'), allowed)).toEqual(['passed'])
    for (const mode of ['enforce', 'audit'])
      for (const verdict of ['rejected', 'unknown', 'fine'])
        for (const expectation of [rule(), allowed])
          expect(codes(materials(mode, verdict), expectation)).toEqual(['verify/materials-not-enforced'])
  })

  test('13-adversary 40: a self-hosted build behind a hosted sign job does not count as hosted', () => {
    const hosted = rule()
    const build = hosted.build.kind === 'github' ? { ...hosted.build, runner: 'github-hosted' as const } : hosted.build
    const expectation = { ...hosted, build }
    expect(codes({}, expectation)).toEqual(['passed'])
    expect(codes({ 'runDetails.builder.id': `${SAN}#self-hosted` }, expectation)).toEqual(['verify/runner-mismatch'])
    const runners = { [`${WAYBILL}.buildRunners`]: { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'own' } }
    expect(codes(runners, expectation)).toEqual(['verify/runner-mismatch'])
    expect(codes({ ...runners, 'runDetails.builder.id': `${SAN}#self-hosted` }, expectation)).toEqual([
      'verify/runner-mismatch',
    ])
    expect(codes(runners)).toEqual(['passed'])
    expect(codes({ 'runDetails.builder.id': `${SAN}#self-hosted` })).toEqual(['passed'])
  })

  test.each([
    ['the mark twice', `${SAN}#self-hosted#self-hosted`],
    ['the mark in another spelling', `${SAN}#Self-Hosted`],
    ['another mark', `${SAN}#github-hosted`],
    ['an empty mark', `${SAN}#`],
    ['the mark before the ref', SAN.replace('@', '#self-hosted@')],
    ['a space before the mark', `${SAN} #self-hosted`],
  ])('13-adversary 40: builder.id with %s is another builder', (_what, id) => {
    expect(codes({ 'runDetails.builder.id': id })).toEqual(['verify/claims-mismatch'])
  })

  test('13-adversary 40: a list of runners that is none makes the provenance unusable', () => {
    for (const value of [['own'], 'own', { 'linux/amd64': 1 }])
      expect(codes({ [`${WAYBILL}.buildRunners`]: value })).toEqual(['verify/provenance-unusable'])
  })

  test('reads what other producers write when flags say whom to expect', () => {
    const theirs = { [WAYBILL]: undefined }
    expect(codes(theirs, flags({ require: ['provenance'] }), [])).toEqual(['passed'])
    expect(codes(theirs, flags(), [])).toEqual(['passed'])
    expect(codes(theirs)).toEqual(['verify/builder-not-allowed', 'verify/source-not-enforced'])
  })

  test('is rejected, not a crash, when its content is not provenance', () => {
    expect(codes({ buildDefinition: 'x' })).toEqual(['verify/provenance-unusable'])
    expect(codes({ runDetails: [] })).toEqual(['verify/provenance-unusable'])
  })

  test('says that nothing but the signer’s word stands behind it when a key signed', () => {
    const signer = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
    const key = { file: 'k.pem', fingerprint: signer.fingerprint }
    const { verdict } = judge([provenance({}, { signer })], expectationFromFlags({ key, require: ['provenance'] }))
    expect(verdict).toMatchObject({ kind: 'passed', notes: [{ code: 'verify/claims-unbacked', severity: 'note' }] })
  })

  test('13-adversary 28: by a key must name the commit of the run that reads it back', () => {
    const signer = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
    const key = { file: 'k.pem', fingerprint: signer.fingerprint }
    const expectation = expectationFromFlags({ key, require: ['provenance'] })
    const codesFor = (commit: string) => rejects([provenance({}, { signer })], { ...expectation, commit: idOf(commit) })
    expect(codesFor('head')).toEqual(['passed'])
    expect(codesFor('another')).toEqual(['verify/commit-not-of-run'])
  })
})

describe('judgeImage() and time', () => {
  const old = new Date('2026-01-01T00:00:00Z')
  test('max-age counts from the trusted time of the signature', () => {
    const aged = rule('', '    max-age: 90d\n')
    expect(judge([signed(), provenance()], aged).verdict.kind).toBe('passed')
    expect(rejects([signed({ signedAt: old }), provenance({}, { signedAt: old })], aged)).toEqual(['verify/too-old'])
  })
  test('13-adversary 12: a revoked signer does not count, but what it signed before does', () => {
    const revoked = (mode: string) =>
      rule('', `revoked: [{fingerprint: ${'ab'.repeat(32)}, effective: 2026-05-01, mode: ${mode}}]\n`)
    for (const mode of ['compromised', 'retired']) {
      expect(rejects([signed(), provenance()], revoked(mode))).toEqual(['verify/signer-revoked'])
      expect(judge([signed({ signedAt: old }), provenance({}, { signedAt: old })], revoked(mode)).verdict.kind).toBe(
        'passed',
      )
    }
  })
})

describe('13-adversary 12: judgeImage() knows a revoked signer by', () => {
  const entry = (what: string) => rule('', `revoked: [{${what}, effective: 2026-05-01, mode: compromised}]\n`)
  test.each([
    ['its serial number', 'serial: 1', ['verify/signer-revoked']],
    ['its serial number as openssl prints it', 'serial: "00:01"', ['verify/signer-revoked']],
    ['its identity', `identity: "${SAN}", issuer: "${ISSUER}"`, ['verify/signer-revoked']],
    ['no other serial number', 'serial: 2', []],
    ['no other issuer', `identity: "${SAN}", issuer: "https://other.example.com"`, []],
  ])('%s', (_what, what, codes) => {
    const { verdict } = judge([signed(), provenance()], entry(what))
    expect(verdict.kind === 'rejected' ? verdict.findings.map(({ code }) => code) : []).toEqual(codes)
    expect(verdict.kind).toBe(codes.length === 0 ? 'passed' : 'rejected')
  })
})

describe('expectationFor()', () => {
  const policy = parsePolicy(
    utf8(
      'version: 1\ndeploy:\n  - {match: "docker.io/**", deny: true}\n  - {match: "ghcr.io/*", build: {sigstore: {identity: a@b.c, issuer: "https://x.example"}}, require: signature}\n',
    ),
    'p',
  )
  test('13-adversary 39: no match denies, and so does a rule that says so', () => {
    expect(errorOf(() => expectationFor(policy, 'quay.io/a')).code).toBe('policy/no-rule')
    expect(errorOf(() => expectationFor(policy, 'docker.io/library/alpine')).code).toBe('policy/denied')
    expect(errorOf(() => expectationFor(parsePolicy(utf8('version: 1'), 'p'), 'x/y')).code).toBe('policy/no-rule')
  })
  test('13-adversary 29: names one trust root', () =>
    expect(expectationFor(policy, 'ghcr.io/a').trust).toBe('public-good'))
})

describe('expectationFromFlags()', () => {
  const key = { file: 'k.pem', fingerprint: 'ab'.repeat(32) }
  const github = {
    repository: 'acme/app',
    repositoryId: '4711',
    signer: 'acme/app/.github/workflows/r.yml@refs/tags/v*',
    sourceRef: 'refs/tags/v*',
  }
  test.each([
    ['nothing', {}, 'policy/no-expectation'],
    ['empty texts', { certificateIdentity: '', repository: '' }, 'policy/no-expectation'],
    ['only requirements', { require: ['signature'] }, 'policy/no-expectation'],
    ['an identity alone', { certificateIdentity: 'a@b.c' }, 'policy/expectation-unclear'],
    ['an issuer alone', { certificateOidcIssuer: ISSUER }, 'policy/expectation-unclear'],
    ['a repository alone', { repository: 'acme/app' }, 'policy/expectation-unclear'],
    ['no repository id', { ...github, repositoryId: '' }, 'policy/expectation-unclear'],
    ['no source ref', { ...github, sourceRef: [] }, 'policy/expectation-unclear'],
    ['a bad ref', { ...github, sourceRef: 'v*' }, 'policy/expectation-unclear'],
    [
      'a key and an identity',
      { key, certificateIdentity: 'a', certificateOidcIssuer: ISSUER },
      'policy/expectation-unclear',
    ],
    [
      'an identity and a workflow',
      { ...github, certificateIdentity: 'a', certificateOidcIssuer: ISSUER },
      'policy/expectation-unclear',
    ],
    ['a key and an issuer', { key, certificateOidcIssuer: ISSUER }, 'policy/expectation-unclear'],
    [
      'a pattern as identity',
      { certificateIdentity: 'https://github.com/*', certificateOidcIssuer: ISSUER },
      'policy/expectation-unclear',
    ],
    [
      'a pull request as identity',
      { certificateIdentity: SAN.replace('tags/v1.2.3', 'pull/1/merge'), certificateOidcIssuer: ISSUER },
      'policy/expectation-unclear',
    ],
    ['13-adversary 27: what only a policy can say', { key, require: ['source-signed'] }, 'policy/expectation-unclear'],
    ['an unknown requirement', { key, require: ['signatur'] }, 'policy/unsupported'],
  ])('refuses %s', (_what, given, code) => {
    const error = errorOf(() => expectationFromFlags(given))
    expect([error.code, error.kind]).toEqual([code, 'configuration'])
  })
  test('makes one expectation of each complete way', () => {
    expect(flags().build.kind).toBe('sigstore')
    expect(expectationFromFlags(github).build).toMatchObject({ kind: 'github', issuer: ISSUER, repositoryId: '4711' })
    expect(
      expectationFromFlags({ ...github, certificateOidcIssuer: 'https://ghe.example/_services/token' }).build,
    ).toMatchObject({ issuer: 'https://ghe.example/_services/token' })
    expect(expectationFromFlags({ key }).require).toEqual(['signature'])
    expect(expectationFromFlags({ key, trustedRoot: 'root.json' }).trust).toEqual({ file: 'root.json' })
  })
  test('a predicate type narrows what counts as a signature', () => {
    const spdx = flags({ predicateType: 'https://spdx.dev/Document' })
    expect(rejects([signed()], spdx)).toEqual(['verify/no-attestation'])
    expect(rejects([signed({ predicateType: 'https://spdx.dev/Document' })], spdx)).toEqual(['passed'])
  })
  test('13-adversary 28: notes an exact identity that every caller of a workflow shares', () => {
    const signer = certificate({
      ci: { buildConfigUri: 'https://github.com/x/y/.github/workflows/z.yml@refs/heads/main' },
    })
    const { verdict } = judge([signed({ signer })], flags())
    expect(verdict).toMatchObject({ kind: 'passed', notes: [{ code: 'verify/identity-shared' }] })
  })
})
