import { CATALOGUE } from '../core/catalogue.ts'
import { isDigest } from '../core/digest.ts'
import type { ErrorCode } from '../core/error.ts'
import type { SubjectReceipt } from '../report/receipt.ts'

/**
 * What a rejecting finding says about the artefact. Quarantine is for failed integrity alone (13-adversary 31): whoever could
 * cause it by a typo, a broken network or a planted bundle could take an artefact from everybody.
 *
 *     broken    the chain contradicts itself, or what signed is revoked. It takes a statement of the expected signer to get
 *               there, so no stranger can cause it: it decides alone.
 *     foreign   somebody else signed, or what is attached is about another commit. Anybody who may push can plant such a
 *               bundle beside a good image that is refused for another reason, so it decides only when nothing innocent
 *               explains the refusal.
 *     absent    something is missing: neither for nor against.
 *     innocent  the artefact may be what it claims: another environment or run than the rule wants, a requirement that it
 *               does not meet, an age, a form that is not read, a trust root or policy that may be the wrong one.
 *     elsewhere not about an artefact before the gate: commits, builds, signing, the platform; or quarantined already.
 */
export type IntegrityClass = 'broken' | 'foreign' | 'absent' | 'innocent' | 'elsewhere'

/** Every code of kind `rejected` outside the rooms of `ELSEWHERE`; a test compares it with the catalogue. */
const CLASSES = {
  broken: [
    'verify/deploy-not-passed',
    'verify/digest-mismatch',
    'verify/signer-revoked',
    'verify/claims-mismatch',
    'verify/deploy-claims-differ',
    'verify/commit-not-of-run',
    'verify/source-not-passed',
    'verify/source-key-compromised',
  ],
  foreign: [
    'sigstore/artifact-mismatch',
    'verify/scai-other-run',
    'verify/deploy-other-resource',
    'verify/source-other-commit',
    'verify/source-other-repository',
    'verify/key-mismatch',
    'verify/identity-mismatch',
    'verify/issuer-mismatch',
    'verify/repository-mismatch',
    'verify/repository-recreated',
    'verify/workflow-mismatch',
    'verify/caller-mismatch',
    'sigstore/signature-invalid',
    'sigstore/key-unknown',
    'sigstore/certificate-expired',
    'sigstore/sct-invalid',
    'sigstore/log-entry-invalid',
  ],
  absent: [
    'verify/no-scai',
    'verify/no-deploy-summary',
    'verify/no-attestation',
    'verify/bundles-ignored',
    'verify/platform-unproven',
    'verify/no-source-summary',
    'verify/source-detail-missing',
    'registry/child-missing',
    'sigstore/log-missing',
    'sigstore/sct-missing',
    'sigstore/time-missing',
  ],
  innocent: [
    'sigstore/artifact-ambiguous',
    'sigstore/legacy-malformed',
    'statements/scai-malformed',
    'statements/deploy-malformed',
    'verify/materials-not-enforced',
    'verify/recorded-build',
    'verify/scai-unusable',
    'verify/materials-open',
    'verify/material-unproven',
    'verify/material-unsigned',
    'verify/not-closed',
    'verify/not-reproducible',
    'build/not-reproducible',
    'verify/sbom-unusable',
    'verify/deploy-unusable',
    'verify/deploy-other-verifier',
    'verify/deploy-other-policy',
    'verify/deploy-level-missing',
    'verify/source-ref-mismatch',
    'verify/trigger-mismatch',
    'verify/runner-mismatch',
    'verify/environment-mismatch',
    'verify/identity-shared',
    'verify/provenance-unusable',
    'verify/claims-unbacked',
    'verify/builder-not-allowed',
    'verify/source-not-enforced',
    'verify/too-old',
    'verify/source-unusable',
    'verify/source-other-verifier',
    'verify/other-policy',
    'verify/other-anchor',
    'verify/source-level-missing',
    'verify/source-exceptions',
    'verify/source-serial-unclear',
    // The same bytes may come from two honest runs.
    // In quarantine already: nothing new is known, and a record that was released must not write itself again.
    'verify/quarantined',
    'verify/quarantine-ignored',
    'policy/unusable',
    'policy/no-rule',
    'policy/denied',
    'policy/key-missing',
    'policy/snapshot-old',
    'policy/ref-unprotected',
    // Another digest runs than was specified: neither is bad for that.
    'verify/drift',
    'statements/deployment-malformed',
    // The digest that was asked for names good bytes; whoever stands in between served others, and could have it quarantined.
    'registry/digest-mismatch',
    'registry/manifest-malformed',
    // Perhaps the wrong trust root was named.
    'sigstore/certificate-untrusted',
    'sigstore/log-unknown',
    'sigstore/timestamp-invalid',
    'sigstore/certificate-malformed',
    'sigstore/bundle-malformed',
    'sigstore/payload-type',
    'statements/malformed',
    'statements/type-unsupported',
    'statements/provenance-malformed',
    'statements/summary-malformed',
    'statements/detail-malformed',
    'statements/quarantine-malformed',
    'core/base64-malformed',
    'core/json-malformed',
    'core/shape',
  ],
  elsewhere: [
    'verify/self-check',
    'policy/unapproved-change',
    'policy/dropped-change',
    'policy/docker-unknown',
    'policy/no-key',
    'policy/key-revoked',
    'policy/key-unused',
    'policy/key-unusable',
    'policy/cannot-hold',
    'registry/config-malformed',
    'registry/attestation-unusable',
    'registry/tag-not-ours',
    'registry/tag-newer',
    'policy/generated-stale',
    'verify/document-stale',
    'verify/document-audience',
    'verify/image-not-listed',
    'sigstore/certificate-mismatch',
  ],
} as const satisfies Record<IntegrityClass, readonly ErrorCode[]>

const HELD: ErrorCode = 'verify/quarantined'

/** Rooms whose findings are about commits, builds and runs. */
const ELSEWHERE = ['source', 'materials', 'build', 'github', 'pipeline', 'entry']

const BY_CODE: ReadonlyMap<string, IntegrityClass> = new Map(
  Object.entries(CLASSES).flatMap(([name, codes]) => codes.map(code => [code, name as IntegrityClass] as const)),
)

/** Undefined for what is not of kind `rejected`, and for a code that nobody has classified: neither is ever a reason. */
export function integrityClass(code: ErrorCode): IntegrityClass | undefined {
  const known = BY_CODE.get(code)
  if (known !== undefined) return known
  const [room = ''] = code.split('/')
  return CATALOGUE[code].kind === 'rejected' && ELSEWHERE.includes(room) ? 'elsewhere' : undefined
}

export type QuarantineDecision =
  | {
      readonly quarantine: true
      /** Codes that are the reason, each once: what decides alone comes first, else in the order of the findings. */
      readonly codes: readonly [ErrorCode, ...ErrorCode[]]
    }
  | { readonly quarantine: false; readonly reason: string }

/**
 * Whether what was judged is to be quarantined: rejected for failed integrity, and for nothing that leaves it innocent.
 * Only findings that reject count; a note may tell of a bundle that anybody attached.
 */
export function quarantineDecision(
  subject: Pick<SubjectReceipt, 'verdict' | 'digest' | 'findings'>,
): QuarantineDecision {
  if (subject.verdict !== 'rejected') return no(`it is ${subject.verdict}, and only what is rejected is quarantined`)
  if (!isDigest(subject.digest)) return no('its digest is not known, so nothing could be named')
  const codes = [...new Set(subject.findings.filter(item => item.severity === 'reject').map(item => item.code))]
  const classed = codes.map(code => ({ code, is: integrityClass(code) }))
  const broken = classed.filter(({ is }) => is === 'broken')
  const foreign = classed.filter(({ is }) => is === 'foreign')
  // What is in quarantine already is no better for it: a run that was cut off is finished, and a file fetched again is moved.
  const excuse = classed.find(({ code, is }) => code !== HELD && is !== 'broken' && is !== 'foreign' && is !== 'absent')
  if (broken.length === 0 && foreign.length > 0 && excuse !== undefined)
    return no(`it is refused for ${excuse.code} too, and a foreign bundle beside it may be planted`)
  const [first, ...more] = [...broken, ...foreign].map(({ code }) => code)
  if (first !== undefined) return { quarantine: true, codes: [first, ...more] }
  if (excuse !== undefined) return no(`${excuse.code} is no failure of integrity`)
  if (codes.includes(HELD)) return no('it is in quarantine already, and nothing else speaks against it')
  return no('something is missing, and what is missing proves nothing against it')
}

function no(reason: string): QuarantineDecision {
  return { quarantine: false, reason }
}
