import type { MaterialReceipt } from '../report/receipt.ts'
import type { JudgedMaterial } from './materials-outcome.ts'

/** @param previous uri → digest of the last attested image of this branch. */
export function materialReceipt(judged: JudgedMaterial, previous: ReadonlyMap<string, string>): MaterialReceipt {
  const { name, kind, places, verdict, findings, proof } = judged
  const digest = digestText(judged.digest)
  const before = previous.get(judged.uri)
  return {
    name,
    kind,
    places: [...new Set(places)],
    digest,
    ...(before === undefined || before === digest || digest === '' ? {} : { previous: before }),
    verdict,
    proof: proofWord(judged),
    ...(proof?.kind === 'signature' ? { by: proof.by } : {}),
    findings,
  }
}

/** A signature by a key that the judged commit declares is its author's word, and is called so (4-materials § 5). */
export function proofWord({ proof }: Pick<JudgedMaterial, 'proof'>): MaterialReceipt['proof'] {
  if (proof === undefined) return 'none'
  if (proof.kind === 'digest') return 'pinned'
  return proof.keys === 'policy' ? 'signed' : 'declared'
}

/** `sha256:…`, or what else there is; empty: nobody found out. */
export function digestText(digest: Readonly<Record<string, string>>): string {
  const { sha256, gitCommit } = digest
  if (sha256 !== undefined) return `sha256:${sha256}`
  if (gitCommit !== undefined) return gitCommit
  const [[algorithm, hex] = []] = Object.entries(digest)
  return algorithm === undefined || hex === undefined ? '' : `${algorithm}:${hex}`
}
