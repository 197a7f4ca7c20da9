import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { expectationFor, expectationFromFlags, type ImageSubject, judgeImage } from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { ScaiClaim } from '../../src/statements/scai.ts'
import { RECORDED_BUILD_TYPE } from '../../src/statements/uris.ts'
import { BUILD_TEXT, enforced, GOOD_CLAIMS, resource, scai } from './gate-world.ts'
import { COMMIT, certificate, IMAGE, ISSUER, provenance, SAN } from './images.ts'
import { idOf, NOW } from './world.ts'

const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
const context = { rejectedBundles: [], incomplete: false, now: NOW }

function rule(require: string, more = '') {
  const text = `version: 1\ndeploy:\n  - match: "ghcr.io/**"\n    build:\n      ${BUILD_TEXT}\n    require: [provenance, ${require}]\n${more}`
  return expectationFor(parsePolicy(utf8(text), 'p.yml'), 'ghcr.io/acme/app')
}

function codes(require: string, statements: readonly Signed[], expectation = rule(require)): readonly string[] {
  const { verdict } = judgeImage(subject, statements, expectation, context)
  return verdict.kind === 'rejected' ? verdict.findings.map(({ code }) => code) : [verdict.kind]
}

const [BASE, SUM, SIGNED, DECLARED, CLOSED, TWICE] = GOOD_CLAIMS as readonly ScaiClaim[] & { length: 6 }
const claims = (...list: readonly (ScaiClaim | undefined)[]) => scai(list.filter(claim => claim !== undefined))
const pin = (name: string): ScaiClaim => ({ attribute: 'BASE_IMAGE_DIGEST_PINNED', target: resource(name) })
const byCommit = (name: string): ScaiClaim => ({
  attribute: 'MATERIAL_SIGNATURE_VERIFIED',
  target: resource(name),
  keys: 'declared-by-commit',
  evidence: resource('sig'),
})

test('13-adversary 27: a first material is none the less one where no commit stands in its place', () => {
  const signer = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
  const flags = expectationFromFlags({
    key: { file: 'key.pem', fingerprint: signer.fingerprint },
    require: ['provenance', 'materials-verified'],
  })
  const unclaimed = { uri: 'docker-image://ghcr.io/mallory/base:1', digest: resource('unclaimed').digest }
  const of = (...list: readonly object[]) =>
    codes(
      '',
      [enforced({ 'buildDefinition.resolvedDependencies': list }, { signer }), scai(GOOD_CLAIMS, { signer })],
      flags,
    )
  expect(of({ digest: { gitCommit: COMMIT } })).toEqual(['passed'])
  expect(of(unclaimed)).toEqual(['verify/material-unproven'])
  expect(of({ digest: { gitCommit: COMMIT } }, unclaimed)).toEqual(['verify/material-unproven'])
})

describe('materials-verified', () => {
  const of = (scaiStatement: Signed, change = {}) => codes('materials-verified', [enforced(change), scaiStatement])

  test('holds when every material is signed by whom the policy names', () => {
    expect(of(scai())).toEqual(['passed'])
    expect(of(claims(BASE, SUM, SIGNED, CLOSED))).toEqual(['passed'])
  })

  test('13-adversary 27: does not hold for a pin, nor for a key that the commit itself declared', () => {
    expect(of(claims(pin('base'), SUM, SIGNED, DECLARED))).toEqual(['verify/material-unsigned'])
    expect(of(claims(BASE, SUM, DECLARED))).toEqual(['verify/material-unsigned'])
    expect(of(claims(BASE, SUM, byCommit('tini'), DECLARED))).toEqual(['verify/material-unsigned'])
    expect(of(claims(BASE, byCommit('tini'), DECLARED))).toEqual(['verify/material-unsigned'])
  })

  test('13-adversary 27: does not hold when a material of the provenance is not claimed', () => {
    expect(of(claims(BASE, DECLARED))).toEqual(['verify/material-unproven'])
    const more = { uri: 'https://example.com/more', digest: resource('more').digest }
    const dependencies = [{ uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } }]
    const withMore = (...list: readonly object[]) =>
      of(scai(), { 'buildDefinition.resolvedDependencies': [...dependencies, ...list] })
    expect(withMore(more)).toEqual(['verify/material-unproven'])
    expect(withMore({ uri: 'https://example.com/nothing' })).toEqual(['verify/material-unproven'])
    expect(withMore({ uri: 'x', digest: { ...resource('base').digest, sha512: 'a'.repeat(128) } })).toEqual(['passed'])
    expect(withMore({ digest: { gitCommit: idOf('submodule') } })).toEqual(['verify/material-unproven'])
  })

  test('13-adversary 27: content that a commit pins stands by that commit of that repository, and by no other', () => {
    const own = { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } }
    const pinnedBy = (repository: string, commit: string, digest: object = { sha256: 'e'.repeat(64) }) =>
      of(scai(), {
        'buildDefinition.resolvedDependencies': [own, { uri: `git+${repository}@${commit}#model.bin`, digest }],
      })
    expect(pinnedBy('https://github.com/acme/app', COMMIT)).toEqual(['passed'])
    // The id of the built commit under the name of a repository that nobody looked at.
    expect(pinnedBy('https://github.com/mallory/app', COMMIT)).toEqual(['verify/material-unproven'])
    expect(pinnedBy('https://github.com/acme/app-two', COMMIT)).toEqual(['verify/material-unproven'])
    expect(pinnedBy('https://github.com/acme/app', idOf('another'))).toEqual(['verify/material-unproven'])
    // Nobody can tell which bytes.
    expect(pinnedBy('https://github.com/acme/app', COMMIT, { sha512: 'e'.repeat(128) })).toEqual([
      'verify/material-unproven',
    ])
  })

  test('one digest that differs is another material, though another algorithm agrees', () => {
    const both = { sha256: resource('base').digest.sha256 ?? '', sha512: 'a'.repeat(128) }
    const target = { digest: both }
    const base: ScaiClaim = {
      attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
      target,
      keys: 'policy',
      evidence: resource('b'),
    }
    const dependency = (sha512: string) => ({
      'buildDefinition.resolvedDependencies': [
        { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } },
        { uri: 'x', digest: { ...both, sha512 } },
      ],
    })
    expect(of(claims(base, DECLARED), dependency('a'.repeat(128)))).toEqual(['passed'])
    expect(of(claims(base, DECLARED), dependency('b'.repeat(128)))).toEqual(['verify/material-unproven'])
  })

  test('13-adversary 27: does not hold when nobody says that these are all', () => {
    expect(of(claims(BASE, SUM, SIGNED))).toEqual(['verify/materials-open'])
  })

  test('a build from nothing has no materials, and says so', () => {
    const none = { 'buildDefinition.resolvedDependencies': undefined }
    const scratch = {
      'buildDefinition.resolvedDependencies': [
        { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } },
      ],
    }
    expect(of(claims(DECLARED), scratch)).toEqual(['passed'])
    expect(of(claims(DECLARED), none)).toContain('verify/commit-not-of-run')
  })

  test('whatever is claimed about a thing makes it a material', () => {
    const other: ScaiClaim = { attribute: 'other', name: 'BASE_IMAGE_LOOKED_NICE', target: resource('strange') }
    expect(of(claims(BASE, SUM, SIGNED, DECLARED, other))).toEqual(['verify/material-unproven'])
  })

  test('13-adversary 43: of hundreds of unsigned materials ten are told', () => {
    const many = Array.from({ length: 300 }, (_, i) => pin(`m${i}`))
    expect(codes('materials-verified', [enforced(), claims(BASE, SUM, SIGNED, DECLARED, ...many)])).toHaveLength(10)
  })
})

describe('materials-pinned', () => {
  const of = (scaiStatement: Signed) => codes('materials-pinned', [enforced(), scaiStatement])
  test('holds for what is signed or compared with a digest', () => {
    expect(of(scai())).toEqual(['passed'])
    expect(of(claims(pin('base'), SUM, DECLARED))).toEqual(['passed'])
    expect(of(claims(pin('base'), SUM, byCommit('tini'), DECLARED))).toEqual(['passed'])
  })
  test('does not hold for a signature by the commit’s own key alone, nor for nothing', () => {
    expect(of(claims(pin('base'), byCommit('tini'), DECLARED))).toEqual(['verify/material-unsigned'])
    expect(of(claims(SUM, DECLARED))).toEqual(['verify/material-unproven'])
  })
})

describe('13-adversary 19: closed-world', () => {
  const of = (scaiStatement: Signed, change = {}) => codes('closed-world', [enforced(change), scaiStatement])
  const closed = (change: object) =>
    claims({
      ...(CLOSED as Extract<ScaiClaim, { attribute: 'BUILD_SOURCES_CLOSED_WORLD' }>),
      conditions: { builder: 'fresh', cache: 'none', network: 'none', ...change },
    })
  test.each([
    ['closed', {}, ['passed']],
    ['on a shared builder', { builder: 'shared' }, ['verify/not-closed']],
    ['with a declared cache', { cache: 'declared' }, ['verify/not-closed']],
    ['with whatever was in the cache', { cache: 'shared' }, ['verify/not-closed']],
    ['with a network', { network: 'default' }, ['verify/not-closed']],
  ])('of a build %s', (_how, change, expected) => expect(of(closed(change))).toEqual(expected))
  test('needs the claim', () => expect(of(claims(BASE, DECLARED))).toEqual(['verify/not-closed']))
  const INPUTS = 'buildDefinition.internalParameters.waybill.inputs'
  test.each([
    ['a network', { network: 'default' }, ['verify/not-closed']],
    ['a cache', { network: 'none', cacheFrom: ['type=gha'] }, ['verify/not-closed']],
    ['a cache that is no list', { cacheFrom: 'x' }, ['verify/not-closed']],
    ['a secret', { network: 'none', secrets: ['npm'] }, ['verify/not-closed']],
    ['an ssh agent', { network: 'none', ssh: ['default'] }, ['verify/not-closed']],
    ['no network', { network: 'none', cacheFrom: [], secrets: [] }, ['passed']],
  ])('is compared with the provenance’s own word on %s', (_what, inputs, expected) =>
    expect(of(scai(), { [INPUTS]: inputs })).toEqual(expected),
  )
  test('13-adversary 18: is never proved by buildah', () => {
    expect(of(scai(), { 'buildDefinition.internalParameters.waybill.builder': 'buildah' })).toEqual([
      'verify/not-closed',
    ])
  })
})

describe('reproducible', () => {
  test('is a claim of its own', () => {
    expect(codes('reproducible', [provenance(), claims(TWICE)])).toEqual(['passed'])
    expect(codes('reproducible', [provenance(), claims(DECLARED)])).toEqual(['verify/not-reproducible'])
    const not: ScaiClaim = { attribute: 'NOT_REPRODUCIBLE', evidence: resource('comparison') }
    expect(codes('reproducible', [provenance(), claims(not)])).toEqual(['verify/not-reproducible'])
  })
})

describe('13-adversary 27: claims count only', () => {
  const ITEMS = ['materials-verified', 'materials-pinned', 'closed-world', 'reproducible']
  const all = ITEMS.join(', ')
  test('when there are any', () => {
    expect(codes(all, [enforced()])).toEqual(ITEMS.map(() => 'verify/no-scai'))
  })
  test('about the digest', () => {
    expect(codes('materials-verified', [enforced(), scai(GOOD_CLAIMS, { digest: sha256('another image') })])).toEqual([
      'verify/no-scai',
    ])
  })
  test.each([
    ['the identity', certificate({ san: SAN.replace('release', 'other') }), 'verify/workflow-mismatch'],
    [
      'the repository by its number',
      certificate({ ci: { sourceRepositoryIdentifier: '1' } }),
      'verify/repository-recreated',
    ],
    ['the issuer', certificate({ issuer: 'https://evil.example' }), 'verify/issuer-mismatch'],
    ['the commit', certificate({ ci: { sourceRepositoryDigest: idOf('other') } }), 'verify/scai-other-run'],
    ['the ref', certificate({ ci: { sourceRepositoryRef: 'refs/tags/v9' } }), 'verify/scai-other-run'],
    [
      'the run',
      certificate({ ci: { runInvocationUri: 'https://github.com/acme/app/actions/runs/7/attempts/1' } }),
      'verify/scai-other-run',
    ],
  ])('by the signer of the provenance in the same run: %s', (_what, signer, code) => {
    expect(codes('materials-pinned', [enforced(), scai(GOOD_CLAIMS, { signer })])).toContain(code)
  })
  test('when they can be read', () => {
    const broken = scai()
    const statement = { ...broken.statement, predicate: { attributes: [] } }
    expect(codes('materials-pinned', [enforced(), { ...broken, statement }])).toEqual(['verify/scai-unusable'])
  })
  test('beside a provenance that holds', () => {
    expect(codes('materials-pinned', [scai()])).toEqual(['verify/no-attestation'])
    const commit = { 'buildDefinition.resolvedDependencies': [{ digest: { gitCommit: idOf('other') } }] }
    expect(codes('materials-pinned', [enforced(commit), scai()])).toContain('verify/commit-not-of-run')
  })
  test('when they are young enough', () => {
    const old = { signedAt: new Date('2026-01-01T00:00:00Z') }
    const aged = rule('materials-pinned', '    max-age: 90d\n')
    expect(codes('', [enforced(), scai(GOOD_CLAIMS, old)], aged)).toEqual(['verify/too-old'])
  })
})

test('13-adversary 15: nothing is claimed of a build that was only recorded, by flags neither', () => {
  const recorded = {
    'buildDefinition.buildType': RECORDED_BUILD_TYPE,
    'buildDefinition.resolvedDependencies': undefined,
  }
  const flags = expectationFromFlags({
    certificateIdentity: SAN,
    certificateOidcIssuer: ISSUER,
    require: ['materials-pinned'],
  })
  expect(codes('', [enforced(recorded), scai()], flags)).toEqual(['verify/builder-not-allowed'])
})

test('flags may ask for claims, and what other producers write is compared as far as it goes', () => {
  const flags = expectationFromFlags({
    certificateIdentity: SAN,
    certificateOidcIssuer: ISSUER,
    require: ['materials-verified', 'closed-world', 'reproducible'],
  })
  const theirs = enforced({ 'buildDefinition.internalParameters.waybill': undefined })
  expect(codes('', [theirs, scai()], flags)).toEqual(['passed'])
  expect(codes('', [provenance(), scai()], flags)).toContain('verify/materials-not-enforced')
})

test('with keys the provenance and its claims are by the same one', () => {
  const key = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
  const flags = expectationFromFlags({
    key: { file: 'k.pem', fingerprint: key.fingerprint },
    require: ['materials-pinned'],
  })
  expect(codes('', [enforced({}, { signer: key }), scai(GOOD_CLAIMS, { signer: key })], flags)).toEqual(['passed'])
  const other = { ...key, fingerprint: 'ee'.repeat(32) }
  expect(codes('', [enforced({}, { signer: key }), scai(GOOD_CLAIMS, { signer: other })], flags)).toEqual([
    'verify/key-mismatch',
  ])
})
