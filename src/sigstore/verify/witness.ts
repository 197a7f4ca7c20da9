import type { KeyObject } from 'node:crypto'
import type { TransparencyLogEntry } from '@sigstore/bundle'
import { RFC3161Timestamp, X509Certificate } from '@sigstore/core'
import { TransparencyLogEntry as EntryJson } from '@sigstore/protobuf-specs'
import { type SignedEntity, Verifier } from '@sigstore/verify'
import type { TrustRoot } from '../trust/root.ts'
import { hasSct } from './certificate.ts'
import { logOf } from './checks.ts'
import { requireInclusion } from './inclusion.ts'
import { mapped } from './library.ts'
import { needUnder } from './need.ts'

/*
 * What one service gave, judged alone by a trust root, before there is a bundle: what everybody would refuse must be neither
 * used nor published. Each throws an Error that says what is wrong; the caller gives it its code. The whole bundle is
 * verified as well once it is there.
 */

/** The certificate leads to an authority of this root, and the root's certificate logs promised exactly this one. */
export function requireIssuedUnder(trust: TrustRoot, der: Uint8Array, at: Date): void {
  const { scts = 1 } = needUnder(trust)
  if (scts > 0 && !hasSct(der)) throw new Error('the certificate carries no certificate log promise (SCT)')
  const certificate = X509Certificate.parse(Buffer.from(der))
  run(trust, { key: { $case: 'certificate', certificate }, timestamps: [momentOf(at)] }, scts)
}

/** The entry is in a log of this root, which was in use at the time the entry or another service says. */
export function requireLoggedUnder(trust: TrustRoot, entry: TransparencyLogEntry, at: Date): void {
  const log = logOf(trust, entry.logId.keyId)
  if (log === undefined) throw new Error('the entry is of a log that the trust root does not know')
  if (at < log.validFor.start || at > log.validFor.end)
    throw new Error(`the log was not in use at ${at.toISOString()}, says the trust root`)
  if (entry.inclusionPromise === undefined && entry.logIndex !== entry.inclusionProof?.logIndex)
    throw new Error('the entry’s index is not the one proven')
  requireInclusion(entry, log)
}

/** The timestamp over this signature is of an authority of this root. */
export function requireStampedUnder(
  trust: TrustRoot,
  stamp: Uint8Array,
  { signature, publicKey }: { readonly signature: Uint8Array; readonly publicKey: KeyObject },
): void {
  const timestamp = RFC3161Timestamp.parse(Buffer.from(stamp))
  const key = { $case: 'public-key', hint: '' } as const
  run(trust, { key, publicKey, timestamps: [{ $case: 'timestamp-authority', timestamp }], signature }, 0)
}

interface Part extends Pick<SignedEntity, 'key' | 'timestamps'> {
  readonly publicKey?: KeyObject
  readonly signature?: Uint8Array
}

/** The library verifies whole bundles; of one part the others are given as right. */
function run(trust: TrustRoot, part: Part, ctlogThreshold: number): void {
  const yes = () => true
  const given = () => {
    if (part.publicKey === undefined) throw new TypeError('a part without a key')
    return { publicKey: part.publicKey, validFor: yes }
  }
  const material = { ...trust.material, publicKey: given }
  const entity: SignedEntity = {
    key: part.key,
    timestamps: part.timestamps,
    tlogEntries: [],
    signature: {
      signature: Buffer.from(part.signature ?? []),
      compareSignature: yes,
      compareDigest: yes,
      compareSignedDigest: yes,
      verifySignature: yes,
    },
  }
  try {
    new Verifier(material, { tlogThreshold: 0, timestampThreshold: 1, ctlogThreshold }).verify(entity)
  } catch (error) {
    throw mapped(error)
  }
}

/** A moment in the form in which the library takes a log's. */
function momentOf(at: Date): SignedEntity['timestamps'][number] {
  const tlogEntry = EntryJson.fromJSON({
    logId: { keyId: '' },
    kindVersion: { kind: '', version: '' },
    integratedTime: String(Math.floor(at.getTime() / 1000)),
    inclusionPromise: { signedEntryTimestamp: '' },
  })
  return { $case: 'transparency-log', tlogEntry: tlogEntry as TransparencyLogEntry }
}
