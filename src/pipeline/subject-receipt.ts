import type { Digest } from '../core/digest.ts'
import type { WaybillError } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { findingOf } from '../core/verdict.ts'
import type { ImageJudgement } from '../policy/gate.ts'
import type { SubjectReceipt } from '../report/receipt.ts'

/** One image or file as the result shows it. */
export function receiptOf(
  name: string,
  digest: Digest,
  { verdict, findings, links, matched }: ImageJudgement,
): SubjectReceipt {
  const signer = matched[0]?.statements[0].signer
  const basis = verdict.kind === 'passed' ? { basis: verdict.basis, by: verdict.by, ...identityOf(signer) } : {}
  const cause = verdict.kind === 'unknown' ? [findingOf(verdict.cause, name)] : []
  return { name, digest, verdict: verdict.kind, ...basis, findings: [...cause, ...findings], links }
}

/** What others can be told to expect; of a key there is nothing but its fingerprint. */
function identityOf(signer: ObservedSigner | undefined): Pick<SubjectReceipt, 'identity'> {
  if (signer?.kind !== 'certificate') return {}
  const { san, issuer, ci } = signer
  const repository = ci.sourceRepositoryUri
  return { identity: { san: san.value, issuer, ...(repository === undefined ? {} : { repository }) } }
}

/** A subject that could not be judged to its end. */
export function failedReceipt(name: string, error: WaybillError): SubjectReceipt {
  const verdict = error.kind === 'rejected' ? 'rejected' : 'unknown'
  return { name, digest: '', verdict, findings: [findingOf(error, name)] }
}
