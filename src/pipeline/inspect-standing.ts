import type { Verified } from '../core/verified.ts'
import type { ChainLink } from '../policy/chain.ts'
import { observedText } from '../policy/signer.ts'
import type { InspectedNode, Standing } from '../report/inspection.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'

type Signed = Verified<SignedStatement>

/**
 * What the gate's own chain says of one statement. Bytes alone name no signature: what cosign ≤ 2 signs are the same bytes for
 * everybody, so that a stranger's would take the place of the one that counts; signer and time are compared, too.
 */
export function standingOf(signed: Signed, gate: SubjectReceipt | undefined): Standing {
  const mine = linksOf(gate?.links ?? []).filter(link => isAbout(link, signed))
  // A record that counts speaks against the image: it is what was expected of a record.
  if (mine.some(({ state, link }) => state === 'passed' || link === 'quarantine')) return 'verified'
  return mine.some(({ state }) => state === 'rejected') ? 'refused' : 'seen'
}

function linksOf(links: readonly ChainLink[]): readonly ChainLink[] {
  return links.flatMap(link => [link, ...linksOf(link.below)])
}

function isAbout({ bundle, by, signedAt }: ChainLink, signed: Signed): boolean {
  return bundle === signed.bundle && by === observedText(signed.signer) && signedAt === signed.signedAt?.toISOString()
}

/** Who signed, when, and where it can be looked up. */
export function signedFacts(signed: Signed): Pick<InspectedNode, 'by' | 'signedAt' | 'log' | 'bundle'> {
  const { signer, signedAt, log, bundle } = signed
  return {
    by: observedText(signer),
    ...(signedAt === undefined ? {} : { signedAt: signedAt.toISOString() }),
    ...(log === undefined ? {} : { log }),
    bundle,
  }
}
