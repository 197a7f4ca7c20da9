import fc from 'fast-check'
import { sha256 } from '../../src/core/digest.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { CertificateSigner } from '../../src/core/signer.ts'
import { type Difference, differenceOf, type OwnSigner } from '../../src/policy/same-attestation.ts'
import type { SignedStatement, Statement } from '../../src/statements/statement.ts'

const RUN = 'https://github.com/acme/app/actions/runs/1'
const CI = {
  sourceRepositoryIdentifier: '42',
  runnerEnvironment: 'github-hosted',
  sourceRepositoryDigest: 'a'.repeat(40),
}
const SAN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'
const OWN: OwnSigner = { kind: 'run', san: SAN, issuer: 'https://issuer', ci: CI, run: RUN, attempt: 2n }
const SIGNER: CertificateSigner = {
  kind: 'certificate',
  san: { type: 'uri', value: SAN },
  issuer: 'https://issuer',
  serial: '1',
  fingerprint: '2',
  notBefore: new Date(0),
  notAfter: new Date(1),
  ci: { ...CI, runInvocationUri: `${RUN}/attempts/1` },
}
const hex = (text: string) => sha256(text).slice('sha256:'.length)

function provenance(attempt: number, time: string, more: JsonObject = {}): Statement {
  return {
    subject: [
      { name: 'ghcr.io/acme/app', digest: { sha256: hex('index') } },
      { name: 'ghcr.io/acme/app#linux/amd64', digest: { sha256: hex('amd64') } },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: { buildType: 'x', ...more },
      runDetails: {
        builder: { id: 'y' },
        metadata: { invocationId: `${RUN}/attempts/${attempt}`, startedOn: time, finishedOn: time },
      },
    },
  }
}

const WANTED = provenance(2, '2026-01-02T00:00:00Z')
const FOUND = provenance(1, '2026-01-01T00:00:00Z')

function signed(statement: Statement, over: Partial<SignedStatement> = {}): SignedStatement {
  const digest = sha256('bundle')
  return {
    statement,
    signer: SIGNER,
    signedAt: new Date(0),
    timeSources: ['rfc3161'],
    bundle: digest,
    payload: digest,
    ...over,
  }
}

const ci = (over: Partial<CertificateSigner['ci']>) => ({ signer: { ...SIGNER, ci: { ...SIGNER.ci, ...over } } })
const certificate = (over: Partial<CertificateSigner>) => ({ signer: { ...SIGNER, ...over } })

test('times and attempt apart, the same statement of the same run is the same attestation', () => {
  expect(differenceOf(signed(FOUND), WANTED, OWN)).toBeUndefined()
  const [first, second] = FOUND.subject
  const turned = { ...FOUND, subject: [second ?? first, first] as const }
  expect(differenceOf(signed(turned), WANTED, OWN)).toBeUndefined()
})

test.each<[string, Partial<SignedStatement>, Difference]>([
  ['another identity', certificate({ san: { type: 'uri', value: `${SAN}x` } }), 'signer'],
  ['the same text as another kind of name', certificate({ san: { type: 'other', value: SAN } }), 'signer'],
  ['another issuer', certificate({ issuer: 'https://other' }), 'signer'],
  ['another repository', ci({ sourceRepositoryIdentifier: '43' }), 'signer'],
  ['another runner', ci({ runnerEnvironment: 'self-hosted' }), 'signer'],
  ['an environment that this job has not', ci({ environment: 'production' }), 'signer'],
  ['another commit', ci({ sourceRepositoryDigest: 'b'.repeat(40) }), 'signer'],
  ['a key', { signer: { kind: 'key', fingerprint: '2' } }, 'signer'],
  ['another run', ci({ runInvocationUri: `${RUN}1/attempts/1` }), 'run'],
  ['a later attempt', ci({ runInvocationUri: `${RUN}/attempts/3` }), 'run'],
  ['no attempt', ci({ runInvocationUri: RUN }), 'run'],
  ['no statement', { form: 'message' }, 'form'],
])('13-adversary 24: by %s it is not', (_what, over, difference) => {
  expect(differenceOf(signed(FOUND, over), WANTED, OWN)).toBe(difference)
})

test('13-adversary 24: what nobody saw at a time is not', () => {
  const { signedAt: _when, ...timeless } = signed(FOUND)
  expect(differenceOf(timeless, WANTED, OWN)).toBe('form')
})

test.each<[string, Statement, Difference]>([
  ['another type', { ...FOUND, predicateType: 'https://slsa.dev/provenance/v2' }, 'type'],
  ['a subject less', { ...FOUND, subject: [FOUND.subject[0]] }, 'subjects'],
  ['a subject more', { ...FOUND, subject: [...FOUND.subject, { digest: { sha256: hex('more') } }] }, 'subjects'],
  [
    'another name of the subject',
    { ...FOUND, subject: [{ ...FOUND.subject[0], name: 'x' }, ...FOUND.subject.slice(1)] },
    'subjects',
  ],
  ['another predicate', provenance(1, '2026-01-01T00:00:00Z', { resolvedDependencies: [] }), 'predicate'],
  ['an older form of statement', { ...FOUND, type: 'https://in-toto.io/Statement/v0.1' }, 'predicate'],
])('13-adversary 24: of %s it is not', (_what, statement, difference) => {
  expect(differenceOf(signed(statement), WANTED, OWN)).toBe(difference)
})

test('a key is the same signer by its fingerprint alone, and what it says of another run is another predicate', () => {
  const own: OwnSigner = { kind: 'key', fingerprint: 'f' }
  const key = { signer: { kind: 'key', fingerprint: 'f' } } as const
  expect(differenceOf(signed(FOUND, key), WANTED, own)).toBeUndefined()
  expect(differenceOf(signed(FOUND, { signer: { kind: 'key', fingerprint: 'e' } }), WANTED, own)).toBe('signer')
  expect(differenceOf(signed(FOUND), WANTED, own)).toBe('signer')
  const text = JSON.stringify(FOUND).replace('/runs/1/', '/runs/2/')
  expect(differenceOf(signed(JSON.parse(text), key), WANTED, own)).toBe('predicate')
})

test('a source summary loses its time and nothing else', () => {
  const summary = (timeVerified: string, result: string): Statement => ({
    subject: [{ digest: { gitCommit: 'a'.repeat(40) } }],
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate: { timeVerified, verificationResult: result },
  })
  expect(differenceOf(signed(summary('a', 'PASSED')), summary('b', 'PASSED'), OWN)).toBeUndefined()
  expect(differenceOf(signed(summary('a', 'FAILED')), summary('b', 'PASSED'), OWN)).toBe('predicate')
})

test('the order of keys says nothing, and any other value does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (fields, name, value) => {
      const predicate = fields as JsonObject
      const base = { ...FOUND, predicateType: 'x', predicate }
      const turned = { ...base, predicate: Object.fromEntries(Object.entries(predicate).reverse()) }
      expect(differenceOf(signed(base), turned, OWN)).toBeUndefined()
      const added = { ...base, predicate: { ...predicate, [`${name}_`]: [value, 'changed'] } as JsonObject }
      expect(differenceOf(signed(base), added, OWN)).toBe('predicate')
    }),
  )
})
