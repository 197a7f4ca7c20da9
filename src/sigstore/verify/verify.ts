import { type KeyObject, X509Certificate } from 'node:crypto'
import { sha256 } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import type { ObservedSigner } from '../../core/signer.ts'
import { mintVerified, type Verified } from '../../core/verified.ts'
import { parseStatement } from '../../statements/parse.ts'
import { IN_TOTO_PAYLOAD_TYPE, type SignedStatement } from '../../statements/statement.ts'
import { type BundleParts, parseBundle, partsOf } from '../bundle.ts'
import type { TrustRoot } from '../trust/root.ts'
import { hasSct, observedSigner } from './certificate.ts'
import { type FoundKey, findKey, type KeyMaterial, verifies } from './keys.ts'
import { runLibrary } from './library.ts'
import { checkEntryBody, preAuthEncoding } from './log-entry.ts'
import { type ClaimedTime, claimedTimes, countServices } from './times.ts'

/** How many independent witnesses a bundle must have. Everything present is verified, also beyond these numbers. */
export interface VerificationNeed {
  /** Distinct transparency logs; default 1, 0 for instances that use none. */
  readonly logs?: number
  /** Distinct services that give a trusted time; default and least 1. */
  readonly timestamps?: number
  /** Certificate log promises; default 1, 0 for certificate authorities without a certificate log. */
  readonly scts?: number
  /** Public keys that may have signed; without any, only certificates count. */
  readonly keys?: readonly KeyMaterial[]
}

interface Signer {
  readonly observed: ObservedSigner
  readonly publicKey: KeyObject
  readonly found?: FoundKey
}

/**
 * Verifies one bundle offline against one trust root: says what was signed, by whom and when. It never judges whether
 * that signer was the right one, nor whether a subject is the artifact in hand: `policy/` does.
 * @throws `sigstore/…` naming the first thing that is wrong; `statements/…` when the verified payload is no statement.
 */
export function verifyBundle(
  bytes: Uint8Array,
  trust: TrustRoot,
  need: VerificationNeed = {},
): Verified<SignedStatement> {
  try {
    return verifyParts(bytes, trust, need)
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('sigstore/bundle-malformed', 'The bundle cannot be verified: a part of it has an unexpected structure', {
      cause: error,
    })
  }
}

function verifyParts(bytes: Uint8Array, trust: TrustRoot, need: VerificationNeed): Verified<SignedStatement> {
  const parts = partsOf(parseBundle(bytes))
  const wanted = { logs: need.logs ?? 1, timestamps: Math.max(1, need.timestamps ?? 1), scts: need.scts ?? 1 }
  requireInTotoEnvelope(parts) // 1/9 what the bytes claim to be
  requireKnownServices(parts, trust, wanted.logs) // 2/9 every log is one of the root's
  const times = requireTimes(parts, wanted.timestamps) // 3/9 enough services gave a time
  const signer = signerOf(parts, need.keys ?? [], wanted.scts) // 4/9 one strict leaf, or a given key
  requireValidAt(signer, times) // 5/9 valid at every claimed time
  requireSignature(parts, signer) // 6/9 this key signed exactly these bytes
  runLibrary(parts, trust, signer.found, wanted) // 7/9 chain, promises, inclusion, timestamps
  requireEntriesOfThisEnvelope(parts, trust, signer, times) // 8/9 logged: exactly this, by exactly this key
  return mintVerified(signedStatement(bytes, parts, trust, signer, times)) // 9/9 the payload, strictly
}

/** Another payload type would let a document signed for another purpose pass as an attestation. */
function requireInTotoEnvelope({ payloadType }: BundleParts): void {
  if (payloadType === IN_TOTO_PAYLOAD_TYPE) return
  throw fail('sigstore/payload-type', 'The envelope does not carry an in-toto statement', {
    expected: IN_TOTO_PAYLOAD_TYPE,
    found: payloadType || 'no payload type',
  })
}

function requireKnownServices(parts: BundleParts, trust: TrustRoot, logs: number): void {
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

function requireTimes(parts: BundleParts, timestamps: number): readonly [ClaimedTime, ...ClaimedTime[]] {
  const [first, ...more] = claimedTimes(parts)
  if (first !== undefined && countServices([first, ...more]) >= timestamps) return [first, ...more]
  throw fail('sigstore/time-missing', 'Too few trusted services say when the signature was made', {
    expected: String(timestamps),
    found: String(first === undefined ? 0 : countServices([first, ...more])),
  })
}

function signerOf(parts: BundleParts, keys: readonly KeyMaterial[], scts: number): Signer {
  if ('hint' in parts.signer) {
    const found = findKey(keys, preAuthEncoding(parts), parts.signature)
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

function requireValidAt({ observed, found }: Signer, times: readonly ClaimedTime[]): void {
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
function requireSignature(parts: BundleParts, { publicKey }: Signer): void {
  if (verifies(publicKey, preAuthEncoding(parts), parts.signature)) return
  throw fail('sigstore/signature-invalid', 'The signature does not belong to this payload and key', {
    expected: 'a signature over the payload in the bundle',
    found: 'one over other bytes, or of another key',
  })
}

/** After the library: its inclusion checks hold, so what is left is what each entry is about, and where it stands. */
function requireEntriesOfThisEnvelope(
  parts: BundleParts,
  trust: TrustRoot,
  signer: Signer,
  times: readonly ClaimedTime[],
): void {
  const envelope = { ...parts, publicKey: signer.publicKey }
  const time = earliest(times)
  for (const entry of parts.entries) {
    try {
      checkEntryBody(entry.kindVersion, entry.canonicalizedBody, envelope)
      // Without a promise the index beside the proof is signed by nobody: it must be the proof's.
      if (entry.inclusionPromise === undefined && entry.logIndex !== entry.inclusionProof?.logIndex)
        throw new Error('the entry’s index is not the one proven')
      const log = logOf(trust, entry.logId.keyId)
      if (log === undefined || time < log.validFor.start || time > log.validFor.end)
        throw new Error(`the log was not in use at ${time.toISOString()}`)
    } catch (error) {
      throw fail('sigstore/log-entry-invalid', 'A transparency log entry is not about this envelope', {
        found: error instanceof Error ? error.message : 'unreadable',
        cause: error,
      })
    }
  }
}

function signedStatement(
  bytes: Uint8Array,
  parts: BundleParts,
  trust: TrustRoot,
  signer: Signer,
  times: readonly ClaimedTime[],
): SignedStatement {
  const [entry] = parts.entries
  const url = entry === undefined ? undefined : logOf(trust, entry.logId.keyId)?.baseURL
  return {
    statement: parseStatement(parts.payload),
    signer: signer.observed,
    signedAt: earliest(times),
    timeSources: [...new Set(times.map(({ source }) => source))],
    ...(entry === undefined || url === undefined ? {} : { log: { url, index: entry.logIndex } }),
    bundle: sha256(bytes),
    payload: sha256(parts.payload),
  }
}

function logOf(trust: TrustRoot, keyId: Buffer): TrustRoot['material']['tlogs'][number] | undefined {
  return trust.material.tlogs.find(log => log.logID.equals(keyId))
}

function earliest(times: readonly ClaimedTime[]): Date {
  return new Date(Math.min(...times.map(({ time }) => time.getTime())))
}

function range(from: Date, to: Date): string {
  return `between ${from.toISOString()} and ${to.toISOString()}`
}
