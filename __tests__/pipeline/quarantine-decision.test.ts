import { CATALOGUE, type CatalogueEntry } from '../../src/core/catalogue.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import type { Finding } from '../../src/core/verdict.ts'
import { integrityClass, quarantineDecision } from '../../src/pipeline/quarantine-decision.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}`
const CODES = Object.entries(CATALOGUE) as [ErrorCode, CatalogueEntry][]

function finding(code: ErrorCode, severity: Finding['severity'] = 'reject'): Finding {
  return { code, severity, subject: 'app', message: code, remedy: '' }
}

function decide(...codes: readonly ErrorCode[]) {
  return quarantineDecision({ verdict: 'rejected', digest: DIGEST, findings: codes.map(code => finding(code)) })
}

test('13-adversary 31: every code that rejects is classified; a new one belongs in CLASSES of quarantine-decision.ts', () => {
  const open = CODES.filter(([code, { kind }]) => kind === 'rejected' && integrityClass(code) === undefined)
  expect(open.map(([code]) => code)).toEqual([])
})

test('13-adversary 31: what could not be checked or understood is never a reason', () => {
  const others = CODES.filter(([, { kind }]) => kind !== 'rejected').map(([code]) => code)
  expect(others.filter(code => integrityClass(code) !== undefined)).toEqual([])
  expect(others.filter(code => decide(code).quarantine)).toEqual([])
})

test.each([
  ['a wrong signer', ['verify/identity-mismatch', 'verify/issuer-mismatch']],
  ['a wrong key', ['verify/key-mismatch']],
  ['a repository that was made again', ['verify/repository-recreated']],
  ['a file that was changed after it was signed', ['verify/digest-mismatch']],
  ['a broken chain', ['verify/source-other-commit']],
  ['a provenance that contradicts its certificate', ['verify/claims-mismatch']],
  ['a revoked signer', ['verify/signer-revoked']],
  ['a wrong signer where something is missing too', ['verify/identity-mismatch', 'verify/no-attestation']],
  ['a revoked signer of something old', ['verify/too-old', 'verify/signer-revoked']],
] as const)('13-adversary 31: quarantineDecision() quarantines %s', (_, codes) => {
  expect(decide(...codes)).toMatchObject({ quarantine: true })
})

test.each([
  ['nothing attached', ['verify/no-attestation'], 'missing'],
  ['the wrong environment', ['verify/environment-mismatch'], 'verify/environment-mismatch'],
  ['the wrong ref of the right workflow', ['verify/source-ref-mismatch'], 'verify/source-ref-mismatch'],
  ['another policy', ['verify/other-policy'], 'verify/other-policy'],
  ['no rule', ['policy/no-rule'], 'policy/no-rule'],
  ['too old', ['verify/too-old'], 'verify/too-old'],
  ['perhaps the wrong trust root', ['sigstore/certificate-untrusted'], 'sigstore/certificate-untrusted'],
  ['other bytes than the digest asked for', ['registry/digest-mismatch'], 'registry/digest-mismatch'],
] as const)('13-adversary 31: quarantineDecision() leaves %s alone', (_, codes, word) => {
  const decision = decide(...codes)
  expect(decision).toEqual({ quarantine: false, reason: expect.stringContaining(word) })
})

test('13-adversary 31: a bundle that a stranger planted takes no image away that is refused for its age', () => {
  expect(decide('verify/too-old', 'verify/identity-mismatch')).toEqual({
    quarantine: false,
    reason: expect.stringContaining('planted'),
  })
})

test('the reasons are the codes of failed integrity, each once, in order, and nothing else', () => {
  const decision = decide(
    'verify/no-attestation',
    'verify/issuer-mismatch',
    'verify/key-mismatch',
    'verify/issuer-mismatch',
  )
  expect(decision).toEqual({ quarantine: true, codes: ['verify/issuer-mismatch', 'verify/key-mismatch'] })
})

test('a note is no reason: anybody may attach a bundle', () => {
  const findings = [finding('verify/no-attestation'), finding('sigstore/signature-invalid', 'note')]
  expect(quarantineDecision({ verdict: 'rejected', digest: DIGEST, findings }).quarantine).toBe(false)
})

test.each(['passed', 'unknown', 'not-asked'] as const)('what is %s is not quarantined', verdict => {
  const findings = [finding('verify/signer-revoked')]
  expect(quarantineDecision({ verdict, digest: DIGEST, findings }).quarantine).toBe(false)
})

test('what has no digest cannot be named', () => {
  const findings = [finding('verify/signer-revoked')]
  expect(quarantineDecision({ verdict: 'rejected', digest: '', findings }).quarantine).toBe(false)
})
