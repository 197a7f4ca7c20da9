import type { CiExtensions, ObservedSigner } from '../core/signer.ts'
import { sameClaim, sameSubjects, withoutAttempt } from '../statements/same.ts'
import type { SignedStatement, Statement } from '../statements/statement.ts'

/** Who signs in this run, as known before anything is signed. */
export type OwnSigner =
  | { readonly kind: 'key'; readonly fingerprint: string }
  | {
      readonly kind: 'run'
      readonly san: string
      readonly issuer: string
      /** What the certificate must say of the run; each field that is here is compared, but for the run's own address. */
      readonly ci: CiExtensions
      /** `https://github.com/acme/app/actions/runs/1`, without the attempt. */
      readonly run: string
      readonly attempt: bigint
    }

/** The first thing in which a found statement is not the one that would be signed. */
export type Difference = 'signer' | 'run' | 'form' | 'type' | 'subjects' | 'predicate'

/**
 * The same attestation (6-sign-and-publish § 1): signed by the very signer of this run, in this run or an attempt of it before, about
 * the same set of subjects, with an equal predicate but for times and the attempt. Pure; what was found must be verified already.
 * @returns undefined when signing again would say nothing new.
 */
export function differenceOf(found: SignedStatement, wanted: Statement, own: OwnSigner): Difference | undefined {
  const foreign = foreignSigner(found.signer, own)
  if (foreign !== undefined) return foreign
  // Without a time the manifest beside the image could not be made again with the same bytes.
  if (found.form !== undefined || found.signedAt === undefined) return 'form'
  const { statement } = found
  if (statement.predicateType !== wanted.predicateType) return 'type'
  if (!sameSubjects(statement, wanted)) return 'subjects'
  return sameClaim(statement, wanted) ? undefined : 'predicate'
}

/**
 * Whether somebody else signed, or this workflow in another run. Every certified field counts, not the identity alone: one of another
 * job's environment or runner would be judged otherwise at the gate. A key says nothing of runs; what it signed about one does.
 */
export function foreignSigner(signer: ObservedSigner, own: OwnSigner): 'signer' | 'run' | undefined {
  if (own.kind === 'key' || signer.kind === 'key')
    return own.kind === 'key' && signer.kind === 'key' && own.fingerprint === signer.fingerprint ? undefined : 'signer'
  if (signer.san.type !== 'uri' || signer.san.value !== own.san || signer.issuer !== own.issuer) return 'signer'
  const { runInvocationUri: _address, environment, ...expected } = own.ci
  // Older authorities do not write it; one that is there and not ours is another job's, also where this job has none.
  if (signer.ci.environment !== undefined && signer.ci.environment !== environment) return 'signer'
  for (const [field, value] of Object.entries(expected))
    if (signer.ci[field as keyof CiExtensions] !== value) return 'signer'
  return inRun(signer.ci.runInvocationUri, own) ? undefined : 'run'
}

/** 13-adversary 15: an attempt that has not begun yet cannot have signed anything. */
function inRun(invocation: string | undefined, { run, attempt }: Extract<OwnSigner, { kind: 'run' }>): boolean {
  const found = /\/attempts\/(\d{1,9})$/.exec(invocation ?? '')?.[1]
  return found !== undefined && withoutAttempt(invocation ?? '') === run && BigInt(found) <= attempt
}
