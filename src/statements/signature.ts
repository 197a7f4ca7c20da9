import { buildStatement } from './build.ts'
import { COSIGN_SIGN_PREDICATE, type Subject } from './statement.ts'

/**
 * What cosign ≥ 3 writes as an image signature: predicate `{}` and subjects by digest alone. A subject's name is chosen
 * by the signer and proves nothing, so none is written that somebody could come to rely on.
 * @param subjects of the provenance, with or without names; each digest is stated once, in the order given.
 */
export function signatureStatement(subjects: readonly [Subject, ...Subject[]]): Uint8Array {
  const seen = new Map(subjects.map(({ digest }) => [JSON.stringify(Object.entries(digest).sort()), { digest }]))
  const [first = subjects[0], ...more] = seen.values()
  return buildStatement({ subjects: [first, ...more], predicateType: COSIGN_SIGN_PREDICATE, predicate: {} })
}
