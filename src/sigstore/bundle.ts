import {
  BUNDLE_V01_MEDIA_TYPE,
  BUNDLE_V02_MEDIA_TYPE,
  type Bundle,
  bundleFromJSON,
  bundleToJSON,
  type TransparencyLogEntry,
} from '@sigstore/bundle'
import { X509Certificate } from '@sigstore/core'
import { HashAlgorithm } from '@sigstore/protobuf-specs'
import { utf8 } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { SIGSTORE_LIMITS } from './limits.ts'
import { checkShape, has, type Shape } from './protojson.ts'

/**
 * The Sigstore bundle: one signature with everything needed to check it offline.
 *
 *     mediaType             v0.1, v0.2, v0.3 (two spellings)
 *     verificationMaterial  certificate | x509CertificateChain (≤ v0.2) | publicKey.hint
 *                           tlogEntries[]: who logged it, proof of inclusion, promise with a time (Rekor v1)
 *                           timestampVerificationData.rfc3161Timestamps[]
 *     dsseEnvelope          payloadType, payload, exactly one signature over the PAE of both; or
 *     messageSignature      digest of a file with its algorithm, signature over the file's own bytes
 *
 * v0.1 needs a promise of inclusion, later versions a proof.
 * Source: sigstore protobuf-specs v0.5 `sigstore_bundle.proto`. Trap: nothing in it is proven, not even the payload
 * type, until `verify/verify.ts` has checked all of it.
 */
const BUNDLE_V03 = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const MEDIA_TYPES: readonly string[] = [
  BUNDLE_V01_MEDIA_TYPE,
  BUNDLE_V02_MEDIA_TYPE,
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  BUNDLE_V03,
]

const CERTIFICATE = { rawBytes: 'bytes' } as const satisfies Shape
const INCLUSION_PROOF = {
  logIndex: 'int64',
  rootHash: 'bytes',
  treeSize: 'int64',
  hashes: ['bytes'],
  checkpoint: { envelope: 'string' },
} as const satisfies Shape

/** One transparency log entry, `sigstore_rekor.proto` TransparencyLogEntry; also what Rekor v2 answers. */
export const LOG_ENTRY_SHAPE = {
  logIndex: 'int64',
  logId: { keyId: 'bytes' },
  kindVersion: { kind: 'string', version: 'string' },
  integratedTime: 'int64',
  inclusionPromise: { signedEntryTimestamp: 'bytes' },
  inclusionProof: INCLUSION_PROOF,
  canonicalizedBody: 'bytes',
} as const satisfies Shape

const BUNDLE_SHAPE = {
  mediaType: 'string',
  verificationMaterial: {
    publicKey: { hint: 'string' },
    x509CertificateChain: { certificates: [CERTIFICATE] },
    certificate: CERTIFICATE,
    tlogEntries: [LOG_ENTRY_SHAPE],
    timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'bytes' }] },
  },
  dsseEnvelope: { payload: 'bytes', payloadType: 'string', signatures: [{ sig: 'bytes', keyid: 'string' }] },
  messageSignature: { messageDigest: { algorithm: 'enum', digest: 'bytes' }, signature: 'bytes' },
} as const satisfies Shape

declare const unverified: unique symbol
/** A well-formed bundle about which nothing is proven. There is deliberately no claim to read from it. */
export interface UnverifiedBundle {
  readonly mediaType: string
  readonly [unverified]: true
}

export type HashName = 'sha256' | 'sha384' | 'sha512'

/** What the signature is over, as claimed. */
export type BundleContent =
  | { readonly form: 'dsse'; readonly payloadType: string; readonly payload: Buffer }
  | { readonly form: 'message'; readonly algorithm: HashName; readonly digest: Buffer }

/** A bundle's parts as claimed; for `verify/` only. */
export interface BundleParts {
  readonly bundle: Bundle
  readonly content: BundleContent
  readonly signature: Buffer
  /** DER of the leaf, or the hint that names a public key. */
  readonly signer: { readonly certificate: Buffer } | { readonly hint: string }
  readonly entries: readonly TransparencyLogEntry[]
  readonly timestamps: readonly Buffer[]
}

const parts = new WeakMap<UnverifiedBundle, BundleParts>()

/**
 * Reads the bytes of one bundle strictly: known fields only, canonical base64, exactly one DSSE signature.
 * @throws `sigstore/bundle-malformed`; `sigstore/bundle-unsupported` for another version or an unknown hash.
 */
export function parseBundle(bytes: Uint8Array): UnverifiedBundle {
  if (bytes.byteLength > LIMITS.bundleBytes) {
    throw malformed('it is too large', { expected: `at most ${LIMITS.bundleBytes} bytes` })
  }
  const bundle = asMalformed(() => {
    const json = parseJsonObject(bytes, 'bundle')
    refuseUnsupported(json)
    checkShape(json, BUNDLE_SHAPE, 'bundle')
    refuseAmbiguous(json)
    return bundleFromJSON(json)
  })
  const result = { mediaType: bundle.mediaType } as UnverifiedBundle
  parts.set(result, splitBundle(bundle))
  return Object.freeze(result)
}

/** The claims of a bundle, for the checks in `verify/`. */
export function partsOf(bundle: UnverifiedBundle): BundleParts {
  const found = parts.get(bundle)
  if (found === undefined) throw malformed('it was not made by parseBundle')
  return found
}

/** Encodes once; these bytes are what is stored, hashed and published. */
export function serialiseBundle(bundle: Bundle): Uint8Array {
  return utf8(JSON.stringify(bundleToJSON(bundle)))
}

function refuseUnsupported(json: JsonObject): void {
  const mediaType = json.mediaType
  if (typeof mediaType === 'string' && !MEDIA_TYPES.includes(mediaType)) {
    throw fail('sigstore/bundle-unsupported', 'The bundle is of a version that is not read', {
      expected: BUNDLE_V03,
      found: mediaType,
    })
  }
}

/** The library takes the first of two alternatives; another reader could take the second. */
function refuseAmbiguous(json: JsonObject): void {
  if (has(json, 'messageSignature') && has(json, 'dsseEnvelope'))
    throw malformed('it has a DSSE envelope and a message signature')
  const signers = ['certificate', 'x509CertificateChain', 'publicKey'].filter(k => has(json.verificationMaterial, k))
  if (signers.length !== 1) {
    throw malformed('it does not name exactly one signer', {
      expected: 'one of certificate, x509CertificateChain, publicKey',
      found: signers.join(', ') || 'none',
    })
  }
}

function splitBundle(bundle: Bundle): BundleParts {
  if (bundle.mediaType === BUNDLE_V01_MEDIA_TYPE) bundle.verificationMaterial.tlogEntries.forEach(dropUnsignedProof)
  const { timestampVerificationData } = bundle.verificationMaterial
  const tlogEntries: readonly TransparencyLogEntry[] = bundle.verificationMaterial.tlogEntries
  const timestamps = (timestampVerificationData?.rfc3161Timestamps ?? []).map(t => Buffer.from(t.signedTimestamp))
  bounded(tlogEntries.length, SIGSTORE_LIMITS.logEntries, 'log entries')
  bounded(timestamps.length, SIGSTORE_LIMITS.timestamps, 'timestamps')
  for (const stamp of timestamps) bounded(stamp.byteLength, SIGSTORE_LIMITS.timestampBytes, 'bytes of a timestamp')
  for (const entry of tlogEntries) requireCompleteEntry(entry)
  return { bundle, ...contentOf(bundle), signer: signerOf(bundle), entries: tlogEntries, timestamps }
}

/**
 * Programs of the time of v0.1 kept a proof without the checkpoint that makes it worth anything. It proves nothing, so it is as good
 * as absent; the promise, which v0.1 asks for, stands alone.
 */
function dropUnsignedProof(entry: TransparencyLogEntry): void {
  if (entry.inclusionPromise !== undefined && (entry.inclusionProof?.checkpoint?.envelope ?? '') === '')
    Object.assign(entry, { inclusionProof: undefined })
}

function contentOf({ content }: Bundle): Pick<BundleParts, 'content' | 'signature'> {
  if (content.$case === 'messageSignature') {
    const { messageDigest, signature } = content.messageSignature
    const [algorithm, bytes] = HASHES.get(messageDigest.algorithm) ?? []
    if (algorithm === undefined || bytes === undefined) throw unknownHash(messageDigest.algorithm)
    if (messageDigest.digest.byteLength !== bytes) throw malformed('its digest has not the length of its algorithm')
    return { content: { form: 'message', algorithm, digest: messageDigest.digest }, signature }
  }
  const { payloadType, payload, signatures } = content.dsseEnvelope
  const [signature, ...more] = signatures
  if (signature === undefined || more.length > 0) {
    throw malformed('it has not exactly one signature', { expected: '1', found: String(signatures.length) })
  }
  return { content: { form: 'dsse', payloadType, payload }, signature: signature.sig }
}

/** `sigstore_common.proto` HashAlgorithm → its name in node:crypto and the bytes of a digest. */
const HASHES: ReadonlyMap<HashAlgorithm, readonly [HashName, number]> = new Map([
  [HashAlgorithm.SHA2_256, ['sha256', 32]],
  [HashAlgorithm.SHA2_384, ['sha384', 48]],
  [HashAlgorithm.SHA2_512, ['sha512', 64]],
])

function unknownHash(algorithm: HashAlgorithm): WaybillError {
  return fail('sigstore/bundle-unsupported', 'The bundle names a hash algorithm that is not read', {
    expected: 'SHA2_256, SHA2_384 or SHA2_512',
    found: HashAlgorithm[algorithm] ?? String(algorithm),
  })
}

function signerOf(bundle: Bundle): BundleParts['signer'] {
  const content = bundle.verificationMaterial.content
  if (content.$case === 'publicKey') return { hint: content.publicKey.hint }
  // A chain is leaf first; what follows the leaf is never used: issuers come from the trust root only.
  const chain = content.$case === 'certificate' ? [content.certificate] : content.x509CertificateChain.certificates
  const [leaf] = chain
  if (leaf === undefined) throw malformed('it has no certificate')
  bounded(chain.length, SIGSTORE_LIMITS.chainCertificates, 'certificates')
  for (const { rawBytes } of chain) {
    bounded(rawBytes.byteLength, SIGSTORE_LIMITS.certificateBytes, 'bytes of a certificate')
    // A program that took its anchors from the bundle would believe whoever wrote it. `sigstore_bundle.proto`: no roots.
    if (isSelfSigned(rawBytes)) throw malformed('its certificates include a root of their own')
  }
  return { certificate: Buffer.from(leaf.rawBytes) }
}

/** By its names; a leaf that cannot be read is refused where certificates are. */
function isSelfSigned(der: Uint8Array): boolean {
  try {
    const { subject, issuer } = X509Certificate.parse(Buffer.from(der))
    return subject.equals(issuer)
  } catch {
    return false
  }
}

/** The library reads `checkpoint.envelope` of any proof and would end in a TypeError on an entry without one. */
export function requireCompleteEntry(entry: TransparencyLogEntry): void {
  if (entry.canonicalizedBody.byteLength === 0) throw malformed('a log entry has no body')
  if (entry.inclusionProof === undefined && entry.inclusionPromise === undefined)
    throw malformed('a log entry has neither a proof nor a promise of inclusion')
  if (entry.inclusionProof !== undefined && entry.inclusionProof.checkpoint === undefined)
    throw malformed('an inclusion proof has no checkpoint')
  // A promise is signed over the index as a JSON number: above this several indices would be the same one.
  if (!Number.isSafeInteger(Number(entry.logIndex))) throw malformed('a log entry’s index is out of range')
  // Seconds of the year 9999: above it a Date is invalid and compares as false everywhere.
  if (Number(entry.integratedTime) > 253_402_300_799) throw malformed('a log entry’s time is out of range')
}

function bounded(count: number, most: number, what: string): void {
  if (count > most) throw malformed(`it has too many ${what}`, { expected: `at most ${most}`, found: String(count) })
}

function malformed(why: string, facts: { expected?: string; found?: string; cause?: unknown } = {}): WaybillError {
  return fail('sigstore/bundle-malformed', `The bundle is malformed: ${why}`, facts)
}

function asMalformed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof WaybillError && error.code.startsWith('sigstore/')) throw error
    const why = error instanceof Error ? error.message : 'it cannot be read'
    const facts = error instanceof WaybillError ? { ...factsOf(error) } : {}
    throw malformed(why, { ...facts, cause: error })
  }
}

function factsOf(error: WaybillError): { expected?: string; found?: string } {
  return {
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    ...(error.found === undefined ? {} : { found: error.found }),
  }
}
