import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import type { ExpectedSigner } from '../../src/policy/expected.ts'
import { expectationFor } from '../../src/policy/gate.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { matchSigner } from '../../src/policy/signer.ts'
import { type CI, COMMIT, certificate, ISSUER, SAN } from './images.ts'

/** `build:` of a rule, through the parser. */
function expected(build: string): ExpectedSigner {
  const text = `version: 1\ndeploy: [{match: "**", build: ${build}, require: provenance}]\n`
  return expectationFor(parsePolicy(utf8(text), 'p.yml'), 'ghcr.io/acme/app').build
}

const GITHUB = `{github: {repository: acme/app, repository-id: 4711, signer: "acme/app/.github/workflows/release.yml@refs/tags/v*", source-ref: ["refs/tags/v*"]EXTRA}}`
const github = (extra = '', change: (text: string) => string = text => text) =>
  expected(change(GITHUB.replace('EXTRA', extra === '' ? '' : `, ${extra}`)))
const SHARED = 'https://github.com/acme/shared/.github/workflows/build.yml@refs/heads/main'
const codes = (signer: ExpectedSigner, ...args: Parameters<typeof certificate>) =>
  matchSigner(signer, certificate(...args), 'image').map(finding => finding.code)

test('matchSigner() matches the run it was written for', () => expect(codes(github())).toEqual([]))

describe('matchSigner() refuses', () => {
  test.each([
    [
      '13-adversary 28: another repository behind the same name of workflow',
      { ci: { sourceRepositoryUri: 'https://github.com/evil/app' } },
      ['verify/repository-mismatch'],
    ],
    [
      '13-adversary 28: a look-alike repository',
      { ci: { sourceRepositoryUri: 'https://github.com/acme/app-evil' } },
      ['verify/repository-mismatch'],
    ],
    [
      '13-adversary 28: the repository in other letters',
      { ci: { sourceRepositoryUri: 'https://github.com/Acme/app' } },
      ['verify/repository-mismatch'],
    ],
    [
      '13-adversary 28: the repository at another server',
      { ci: { sourceRepositoryUri: 'https://github.com.evil.example/acme/app' } },
      ['verify/repository-mismatch'],
    ],
    [
      '13-adversary 28: the repository deleted and created again',
      { ci: { sourceRepositoryIdentifier: '9999' } },
      ['verify/repository-recreated'],
    ],
    [
      '13-adversary 28: a certificate without the id',
      { ci: { sourceRepositoryIdentifier: undefined } },
      ['verify/repository-recreated'],
    ],
    [
      'another issuer',
      { issuer: 'https://token.actions.githubusercontent.com.evil.example' },
      ['verify/issuer-mismatch'],
    ],
    ['the issuer with a slash', { issuer: `${ISSUER}/` }, ['verify/issuer-mismatch']],
    [
      '13-adversary 28: another workflow file',
      { san: SAN.replace('release.yml', 'test.yml'), ci: { buildSignerUri: SAN.replace('release.yml', 'test.yml') } },
      ['verify/workflow-mismatch', 'verify/caller-mismatch'],
    ],
    [
      '13-adversary 28: a look-alike workflow file',
      { san: SAN.replace('release.yml', 'release.yml@refs/tags/v1/../evil.yml'), ci: { buildSignerUri: undefined } },
      ['verify/workflow-mismatch', 'verify/caller-mismatch'],
    ],
    ['a SAN that is not the build signer', { ci: { buildSignerUri: SHARED } }, ['verify/workflow-mismatch']],
    [
      '13-adversary 28: the workflow from a branch called like a tag',
      { san: SAN.replace('refs/tags', 'refs/heads'), ci: { buildSignerUri: SAN.replace('refs/tags', 'refs/heads') } },
      ['verify/workflow-mismatch', 'verify/caller-mismatch'],
    ],
    [
      '13-adversary 28: a foreign caller of the same workflow',
      { ci: { buildConfigUri: 'https://github.com/evil/app/.github/workflows/x.yml@refs/heads/main' } },
      ['verify/caller-mismatch'],
    ],
    ['a certificate without a caller', { ci: { buildConfigUri: undefined } }, ['verify/caller-mismatch']],
    [
      '13-adversary 28: another source ref',
      { ci: { sourceRepositoryRef: 'refs/heads/main' } },
      ['verify/source-ref-mismatch'],
    ],
    ['a certificate without a source ref', { ci: { sourceRepositoryRef: undefined } }, ['verify/source-ref-mismatch']],
    [
      '13-adversary 28: a pull request',
      { ci: { sourceRepositoryRef: 'refs/pull/7/merge' } },
      ['verify/source-ref-mismatch'],
    ],
    [
      'an e-mail identity',
      { san: 'alice@example.com', ci: { buildSignerUri: undefined } },
      ['verify/workflow-mismatch', 'verify/caller-mismatch'],
    ],
  ] as const)('%s', (_what, change, expectedCodes) => {
    const { ci = {}, ...rest } = change as { ci?: object; san?: string; issuer?: string }
    expect(codes(github(), { ...rest, ci } as Parameters<typeof certificate>[0])).toEqual(expectedCodes)
  })

  test('a key where a certificate is expected, and the other way round', () => {
    const key = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
    expect(matchSigner(github(), key).map(f => f.code)).toEqual(['verify/key-mismatch'])
    expect(codes({ kind: 'key', file: 'k.pem', fingerprint: 'ab'.repeat(32) })).toEqual(['verify/key-mismatch'])
    expect(matchSigner({ kind: 'key', file: 'k.pem', fingerprint: 'ee'.repeat(32) }, key)).toHaveLength(1)
    expect(matchSigner({ kind: 'key', file: 'k.pem' }, key)).toHaveLength(1)
    expect(matchSigner({ kind: 'key', file: 'k.pem', fingerprint: key.fingerprint }, key)).toEqual([])
  })

  test('13-adversary 28: a pull request, even by an exact or open expectation', () => {
    const any = github('caller: any', text => text.replace('["refs/tags/v*"]', 'any').replace('4711', 'any'))
    expect(codes(any, { ci: { sourceRepositoryRef: 'refs/heads/x' } })).toEqual([])
    expect(codes(any, { ci: { sourceRepositoryRef: 'refs/pull/7/head' } })).toEqual(['verify/source-ref-mismatch'])
    const exact = expected(`{sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}`)
    expect(codes(exact)).toEqual([])
    expect(codes(exact, { ci: { sourceRepositoryRef: 'refs/pull/7/head' } })).toEqual(['verify/source-ref-mismatch'])
    const prefix = expected(`{sigstore: {identity: {prefix: "https://github.com/acme/"}, issuer: "${ISSUER}"}}`)
    const pull = SAN.replace('refs/tags/v1.2.3', 'refs/pull/7/merge')
    expect(codes(prefix, { san: pull })).toEqual(['verify/source-ref-mismatch'])
  })

  test.each(['pull_request', 'pull_request_target', 'pull_request_review'])(
    '13-adversary 6: a run for %s, which may have the ref of the base branch',
    buildTrigger => {
      const exact = expected(`{sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}`)
      for (const signer of [github(), exact])
        expect(codes(signer, { ci: { buildTrigger } })).toEqual(['verify/trigger-mismatch'])
    },
  )
})

describe('matchSigner() on one part of a run', () => {
  test.each([
    ['trigger: [release]', {}, 'verify/trigger-mismatch'],
    ['trigger: push', { buildTrigger: undefined }, 'verify/trigger-mismatch'],
    ['runner: github-hosted', { runnerEnvironment: 'self-hosted' }, 'verify/runner-mismatch'],
    ['environment: production', { environment: 'staging' }, 'verify/environment-mismatch'],
    ['environment: production', {}, 'verify/environment-mismatch'],
  ])('%s with %j is %s', (extra, ci, code) => {
    expect(codes(github(extra), { ci: ci as Partial<typeof CI> })).toEqual([code])
  })
  test('matches when each is as expected', () => {
    const signer = github('trigger: [release, push], runner: github-hosted, environment: production')
    expect(codes(signer, { ci: { environment: 'production' } })).toEqual([])
  })
})

describe('matchSigner() with a shared workflow', () => {
  const shared = { san: SHARED, ci: { buildSignerUri: SHARED } }
  const by = (at: string, caller: string) =>
    github(caller, text =>
      text.replace(
        'acme/app/.github/workflows/release.yml@refs/tags/v*',
        `acme/shared/.github/workflows/build.yml@${at}`,
      ),
    )
  const CALLER = 'caller: "acme/app/.github/workflows/release.yml@refs/tags/v*"'

  test('13-adversary 28: needs the caller', () => {
    expect(codes(by('refs/heads/main', ''), shared)).toEqual(['verify/caller-mismatch'])
    expect(codes(by('refs/heads/main', CALLER), shared)).toEqual([])
    expect(codes(by('refs/heads/main', 'caller: any'), shared)).toEqual([])
  })
  test('13-adversary 2: can be pinned to a commit, which is .10', () => {
    expect(codes(by(COMMIT, CALLER), shared)).toEqual([])
    expect(codes(by('0'.repeat(40), CALLER), shared)).toEqual(['verify/workflow-mismatch'])
    const pinned = SHARED.replace('refs/heads/main', COMMIT)
    expect(codes(by(COMMIT, CALLER), { san: pinned, ci: { buildSignerUri: pinned } })).toEqual([])
    expect(
      codes(by(COMMIT, CALLER), { san: pinned, ci: { buildSignerUri: pinned, buildSignerDigest: undefined } as never }),
    ).toHaveLength(1)
  })
})

describe('matchSigner() with identities', () => {
  const exact = (identity: string) =>
    expected(`{sigstore: {identity: ${JSON.stringify(identity)}, issuer: "${ISSUER}"}}`)
  test('compares them whole: any other text is another person', () => {
    const signer = exact('alice@example.com')
    expect(codes(signer, { san: 'alice@example.com' })).toEqual([])
    fc.assert(
      fc.property(
        fc.nat('alice@example.com'.length),
        fc.string({ minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (at, more, cut) => {
          const text = 'alice@example.com'
          const other = text.slice(0, at) + more + text.slice(cut ? at + 1 : at)
          fc.pre(other !== text)
          expect(codes(signer, { san: other })).toContain('verify/identity-mismatch')
        },
      ),
    )
    for (const look of [
      'аlice@example.com',
      'alice@example.com.evil.example',
      'ALICE@example.com',
      'alice@exampleXcom',
      ' alice@example.com',
    ])
      expect(codes(signer, { san: look })).toContain('verify/identity-mismatch')
  })
  test('a prefix ends at a slash', () => {
    const signer = expected(`{sigstore: {identity: {prefix: "https://github.com/acme/"}, issuer: "${ISSUER}"}}`)
    expect(codes(signer)).toEqual([])
    expect(codes(signer, { san: SAN.replace('acme/', 'acme-evil/') })).toEqual(['verify/identity-mismatch'])
  })
})

test('matchSigner() names what was expected and what was found', () => {
  const [finding] = matchSigner(
    github(),
    certificate({ ci: { sourceRepositoryUri: 'https://github.com/evil/\u001b[2Jx' } }),
    'app',
  )
  expect(finding).toMatchObject({
    subject: 'app',
    severity: 'reject',
    expected: 'https://github.com/acme/app',
    found: 'https://github.com/evil/\\u{1b}[2Jx',
  })
  expect(finding?.remedy).not.toBe('')
})
