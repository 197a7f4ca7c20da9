import { type KeyObject, X509Certificate } from 'node:crypto'
import { fail } from '../../core/error.ts'
import type { ObservedSigner } from '../../core/signer.ts'
import type { BundleParts } from '../bundle.ts'
import type { TrustRoot } from '../trust/root.ts'
import { hasSct, observedSigner } from './certificate.ts'
import type { SignedContent } from './content.ts'
import { requireInclusion } from './inclusion.ts'
import { type FoundKey, findKey, type KeyMaterial } from './keys.ts'
import { type ClaimedTime, claimedTimes, countServices } from './times.ts'

/** A signature with its witnesses, whatever it was carried in. */
export interface Evidence extends Pick<BundleParts, 'bundle' | 'signature' | 'signer' | 'entries' | 'timestamps'> {
  readonly signed: SignedContent
  /** What its timestamps are made over, where that is not the signature alone. */
  readonly stamped?: Buffer
}

export interface Signer {
  readonly observed: ObservedSigner
  readonly publicKey: KeyObject
  readonly found?: FoundKey
}

export function requireKnownServices(parts: Evidence, trust: TrustRoot, logs: number): void {
  for (const { logId } of parts.entries) {
    if (logOf(trust, logId.keyId) !== undefined) continue
    throw fail('sigstore/log-unknown', 'The bundle has an entry of a log that the trust root does not know', {
      expected: `a log of ${trust.origin}`,
      found: `log ${logId.keyId.toString('hex')}`,
    })
  }
  const bodies = new Set(
    parts.entries.map(e => `${e.logId.keyId.toString('hex')} ${e.canonicalizedBody.toString('hex')}`),
  )
  if (bodies.size < parts.entries.length)
    throw fail('sigstore/log-entry-invalid', 'The bundle has the same transparency log entry twice')
  const distinct = new Set(parts.entries.map(({ logId }) => logId.keyId.toString('hex'))).size
  if (distinct < logs) {
    throw fail('sigstore/log-missing', 'The bundle has too few transparency log entries', {
      expected: `${logs} of different logs`,
      found: String(distinct),
    })
  }
}

export function requireTimes(parts: Evidence, timestamps: number): readonly [ClaimedTime, ...ClaimedTime[]] {
  const [first, ...more] = claimedTimes(parts)
  if (first !== undefined && countServices([first, ...more]) >= timestamps) return [first, ...more]
  throw fail('sigstore/time-missing', 'Too few trusted services say when the signature was made', {
    expected: String(timestamps),
    found: String(first === undefined ? 0 : countServices([first, ...more])),
  })
}

export function signerOf(parts: Evidence, keys: readonly KeyMaterial[], scts: number): Signer {
  if ('hint' in parts.signer) {
    const found = findKey(keys, key => parts.signed.signedBy(key, parts.signature))
    return { observed: { kind: 'key', fingerprint: found.fingerprint }, publicKey: found.key, found }
  }
  const der = parts.signer.certificate
  const observed = observedSigner(der)
  if (scts > 0 && !hasSct(der)) {
    throw fail('sigstore/sct-missing', 'The signing certificate carries no certificate log promise', {
      expected: String(scts),
      found: '0',
    })
  }
  return { observed, publicKey: new X509Certificate(der).publicKey }
}

export function requireValidAt({ observed, found }: Signer, times: readonly ClaimedTime[]): void {
  for (const { time, source } of times) {
    const valid =
      observed.kind === 'key'
        ? (found?.validFor(time) ?? false)
        : observed.notBefore <= time && time <= observed.notAfter
    if (valid) continue
    throw fail('sigstore/certificate-expired', `The ${observed.kind} was not valid when the signature was made`, {
      ...(observed.kind === 'key' ? {} : { expected: range(observed.notBefore, observed.notAfter) }),
      found: `${time.toISOString()} (${source})`,
    })
  }
}

/** First by ourselves, so that changed bytes are called that, not "entry of another signature". */
export function requireSignature(parts: Evidence, { publicKey }: Signer): void {
  if (parts.signed.signedBy(publicKey, parts.signature)) return
  throw fail('sigstore/signature-invalid', 'The signature does not belong to this payload and key', {
    expected: 'a signature over these bytes',
    found: 'one over other bytes, or of another key',
  })
}

/**
 * After the library: that each entry is in its log, by checks of our own as well, what it is about, and where it stands.
 * @param requireAbout throws an Error that says what an entry is about instead.
 */
export function requireEntries(
  parts: Evidence,
  trust: TrustRoot,
  times: readonly ClaimedTime[],
  requireAbout: (entry: Evidence['entries'][number]) => void,
): void {
  const time = earliest(times)
  for (const entry of parts.entries) {
    try {
      requireAbout(entry)
      // Without a promise the index beside the proof is signed by nobody: it must be the proof's.
      if (entry.inclusionPromise === undefined && entry.logIndex !== entry.inclusionProof?.logIndex)
        throw new Error('the entry’s index is not the one proven')
      const log = logOf(trust, entry.logId.keyId)
      // Its own word about the time counts for the log, whatever earlier time another service gave.
      const promised = entry.inclusionPromise === undefined ? [] : [new Date(Number(entry.integratedTime) * 1000)]
      const outside = [time, ...promised].find(
        at => log === undefined || at < log.validFor.start || at > log.validFor.end,
      )
      if (log === undefined || outside !== undefined)
        throw new Error(`the log was not in use at ${(outside ?? time).toISOString()}`)
      requireInclusion(entry, log)
    } catch (error) {
      throw fail('sigstore/log-entry-invalid', 'A transparency log entry does not hold for this signature', {
        found: error instanceof Error ? error.message : 'unreadable',
        cause: error,
      })
    }
  }
}

export function logOf(trust: TrustRoot, keyId: Buffer): TrustRoot['material']['tlogs'][number] | undefined {
  return trust.material.tlogs.find(log => log.logID.equals(keyId))
}

export function earliest(times: readonly ClaimedTime[]): Date {
  return new Date(Math.min(...times.map(({ time }) => time.getTime())))
}

function range(from: Date, to: Date): string {
  return `between ${from.toISOString()} and ${to.toISOString()}`
}
