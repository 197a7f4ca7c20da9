import { sha256 } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import { mintVerified, type Verified } from '../../core/verified.ts'
import { parseStatement } from '../../statements/parse.ts'
import { IN_TOTO_PAYLOAD_TYPE, type SignedStatement } from '../../statements/statement.ts'
import { type BundleParts, parseBundle, partsOf } from '../bundle.ts'
import type { TrustRoot } from '../trust/root.ts'
import {
  type Evidence,
  earliest,
  logOf,
  requireEntries,
  requireKnownServices,
  requireSignature,
  requireTimes,
  requireValidAt,
  type Signer,
  signerOf,
} from './checks.ts'
import type { KeyMaterial } from './keys.ts'
import { runLibrary } from './library.ts'
import { checkEntryBody, preAuthEncoding } from './log-entry.ts'
import { evidenceOf, type MessageSignature } from './message.ts'
import { needUnder } from './need.ts'
import type { ClaimedTime } from './times.ts'

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
  return known(() => verifyStatement(bytes, trust, need))
}

/** A verified signature over bytes that are not a statement. */
export interface SignedMessage {
  readonly signer: CertificateSigner
  /** The earliest of the times that services gave. */
  readonly signedAt: Date
  readonly timeSource: ClaimedTime['source']
}

/**
 * Verifies a signature over any bytes by a certificate of this trust root, logged as a plain signature (`hashedrekord`).
 * The bytes say nothing about their purpose: only callers that know what they are may ask.
 * @throws `sigstore/…` naming the first thing that is wrong.
 */
export function verifyMessage(message: MessageSignature, trust: TrustRoot): Verified<SignedMessage> {
  return known(() => {
    const parts = evidenceOf(message)
    const wanted = wantedOf(needUnder(trust))
    requireKnownServices(parts, trust, wanted.logs) // 1/6 every log is one of the root's
    const times = requireTimes(parts, wanted.timestamps) // 2/6 a service gave a time
    const signer = signerOf(parts, [], wanted.scts) // 3/6 one strict leaf
    requireValidAt(signer, times) // 4/6 valid at every claimed time
    requireSignature(parts, signer) // 5/6 this key signed exactly these bytes
    runLibrary(parts, trust, undefined, wanted) // 6/6 chain, promises, timestamps; logged: exactly this, by this key
    requireEntries(parts, trust, times, () => {})
    return mintVerified(signedMessage(signer, times))
  })
}

function signedMessage({ observed }: Signer, times: readonly [ClaimedTime, ...ClaimedTime[]]): SignedMessage {
  if (observed.kind !== 'certificate') throw new Error('a message is signed with a certificate')
  const signedAt = earliest(times)
  const first = times.find(({ time }) => time.getTime() === signedAt.getTime()) ?? times[0]
  return { signer: observed, signedAt, timeSource: first.source }
}

function known<T>(verify: () => T): T {
  try {
    return verify()
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('sigstore/bundle-malformed', 'The bundle cannot be verified: a part of it has an unexpected structure', {
      cause: error,
    })
  }
}

function wantedOf(need: VerificationNeed) {
  return { logs: need.logs ?? 1, timestamps: Math.max(1, need.timestamps ?? 1), scts: need.scts ?? 1 }
}

function verifyStatement(bytes: Uint8Array, trust: TrustRoot, need: VerificationNeed): Verified<SignedStatement> {
  const bundle = partsOf(parseBundle(bytes))
  const parts = { ...bundle, signed: preAuthEncoding(bundle) }
  const wanted = wantedOf(need)
  requireInTotoEnvelope(parts) // 1/9 what the bytes claim to be
  requireKnownServices(parts, trust, wanted.logs) // 2/9 every log is one of the root's
  const times = requireTimes(parts, wanted.timestamps) // 3/9 enough services gave a time
  const signer = signerOf(parts, need.keys ?? [], wanted.scts) // 4/9 one strict leaf, or a given key
  requireValidAt(signer, times) // 5/9 valid at every claimed time
  requireSignature(parts, signer) // 6/9 this key signed exactly these bytes
  runLibrary(parts, trust, signer.found, wanted) // 7/9 chain, promises, inclusion, timestamps
  requireEntries(parts, trust, times, aboutEnvelope(parts, signer)) // 8/9 logged: exactly this, by exactly this key
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

function aboutEnvelope(parts: BundleParts, { publicKey }: Signer): (entry: Evidence['entries'][number]) => void {
  return entry => checkEntryBody(entry.kindVersion, entry.canonicalizedBody, { ...parts, publicKey })
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
