import { type CommitId, type Digest, hexOf, parseDigest, sha256 } from '../../src/core/digest.ts'
import type { ObservedSigner } from '../../src/core/signer.ts'
import type { Verified } from '../../src/core/verified.ts'
import type { SourceRequirement } from '../../src/policy/policy.ts'
import type { SourceQuestion } from '../../src/policy/source-link.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { type SourceDetail, sourceDetailStatement } from '../../src/statements/source-detail.ts'
import { type SourceSummaryFacts, sourceSummaryStatement } from '../../src/statements/source-vsa.ts'
import type { SignedStatement, Statement } from '../../src/statements/statement.ts'
import { DETAIL, SUMMARY } from '../statements/source-facts.ts'
import { CI, COMMIT, certificate, ISSUER, SAN, signed } from './images.ts'
import { idOf } from './world.ts'

/** Source statements as the verifier would hand them over: of the run and commit that `images.ts` speaks of. */
export const ANCHOR = idOf('anchor')
export const POLICY_URI = SUMMARY.policy.uri
export const REF = CI.sourceRepositoryRef ?? ''

export function questionOf(change: Partial<SourceQuestion['rule']> = {}, more: Partial<SourceQuestion> = {}) {
  const question: SourceQuestion = {
    requirement: 'source-signed' satisfies SourceRequirement,
    built: { commit: COMMIT, repository: 'git+https://github.com/acme/app' },
    rule: {
      policy: POLICY_URI,
      anchor: ANCHOR,
      exceptions: 'deny',
      signer: { kind: 'sigstore', identity: { exact: SAN }, issuer: ISSUER },
      ...change,
    },
    revoked: [],
    subject: 'ghcr.io/acme/app:v1',
    ...more,
  }
  return question
}

type Signed = Verified<SignedStatement>

/** A statement's bytes as if signed by this signer. */
export function signedBytes(bytes: Uint8Array, signer: ObservedSigner = certificate(), signedAt?: Date): Signed {
  return signedStatement(parseStatement(bytes), signer, sha256(bytes), signedAt)
}

export function signedStatement(
  { subject, predicateType, predicate }: Statement,
  signer: ObservedSigner = certificate(),
  payload?: Digest,
  signedAt?: Date,
): Signed {
  return signed({
    subject: subject[0],
    predicateType,
    predicate,
    signer,
    ...(payload === undefined ? {} : { payload }),
    ...(signedAt === undefined ? {} : { signedAt }),
  })
}

export interface PairOptions {
  readonly detail?: Partial<SourceDetail>
  readonly summary?: Partial<SourceSummaryFacts>
  readonly commit?: CommitId
  readonly signer?: ObservedSigner
  readonly signedAt?: Date
}

/** Detail and summary of an honest run, changed before they are signed. */
export function pairOf(options: PairOptions = {}): { readonly summary: Signed; readonly detail: Signed } {
  const { commit = COMMIT, signer = certificate(), signedAt } = options
  const subject = { serverUrl: 'https://github.com', repository: 'acme/app', commit }
  const detail = sourceDetailStatement(subject, {
    ...DETAIL,
    range: { anchor: ANCHOR, to: commit, count: 3 },
    ...options.detail,
  })
  const summary = sourceSummaryStatement({
    ...SUMMARY,
    ...subject,
    refs: [REF],
    detail: sha256(detail),
    ...options.summary,
  })
  return { summary: signedBytes(summary, signer, signedAt), detail: signedBytes(detail, signer, signedAt) }
}

export function digestOf(text: string): Digest {
  return parseDigest(`sha256:${hexOf(sha256(text))}`)
}
