import { asWaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import { isNotBefore } from '../pipeline/quarantine-record.ts'
import { fetchBundles } from '../registry/bundles.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyBundle } from '../sigstore/verify/verify.ts'
import { isQuarantine, type QuarantineRecord, readQuarantine } from '../statements/quarantine.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Target } from './quarantine-target.ts'

/** A verified record or release about an image, of anybody: whether it counts, the gate's rule says (`quarantine-by`). */
export interface FoundRecord {
  readonly signed: Verified<SignedStatement>
  readonly word: QuarantineRecord
  /** A later release of the same signer names it. */
  readonly released: boolean
}

export interface FoundRecords {
  /** Oldest first. */
  readonly records: readonly FoundRecord[]
  /** Bundles that did not verify under this root, or are malformed: no evidence. */
  readonly ignored: number
  /** False: the list could not be read to its end, so there may be more. */
  readonly complete: boolean
}

/** The records attached to an image that verify under one trust root. @throws when no list could be read at all. */
export async function recordsOf(
  registry: RegistryClient,
  image: Extract<Target, { kind: 'image' }>,
  trust: TrustRoot,
): Promise<FoundRecords> {
  const { bundles, complete } = await fetchBundles(registry, image.reference, image.digest)
  const words: Omit<FoundRecord, 'released'>[] = []
  let ignored = 0
  for (const { bytes } of bundles) {
    try {
      const signed = verifyBundle(bytes, trust, needUnder(trust))
      if (!isQuarantine(signed.statement)) continue
      const word = readQuarantine(signed.statement)
      if (word.digest === image.digest) words.push({ signed, word })
    } catch (error) {
      // An error that is not ours is a fault of ours, not of the bundle.
      if (asWaybillError(error).code === 'core/internal') throw error
      ignored += 1
    }
  }
  words.sort((a, b) => Number(a.signed.signedAt ?? 0) - Number(b.signed.signedAt ?? 0))
  return { records: words.map(item => ({ ...item, released: isReleased(item, words) })), ignored, complete }
}

function isReleased(
  { signed }: Omit<FoundRecord, 'released'>,
  words: readonly Omit<FoundRecord, 'released'>[],
): boolean {
  return words.some(
    other =>
      other.word.releases === signed.payload &&
      isNotBefore(other.signed.signedAt, signed.signedAt) &&
      signerText(other.signed) === signerText(signed),
  )
}

/** Who signed, in one line. */
export function signerText({ signer }: SignedStatement): string {
  return signer.kind === 'key' ? `key ${signer.fingerprint}` : `${signer.san.value} by ${signer.issuer}`
}
