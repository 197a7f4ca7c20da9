import { createHash, createSecretKey } from 'node:crypto'
import { type Bundle, type TransparencyLogEntry, toMessageSignatureBundle } from '@sigstore/bundle'
import { RFC3161Timestamp, X509Certificate } from '@sigstore/core'
import { type SignedEntity, Verifier } from '@sigstore/verify'
import { requireCompleteEntry } from '../bundle.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import type { TrustRoot } from '../trust/root.ts'
import type { Evidence } from './checks.ts'
import { contentOf } from './content.ts'
import { readTimestamp } from './times.ts'

export type { TrustRoot } from '../trust/root.ts'

/** A signature over bytes, with the parts that a bundle of version 0.3 would hold. Nothing in it is proven. */
export interface MessageSignature {
  /** DER of the leaf. */
  readonly certificate: Uint8Array
  /** What was signed, with SHA-256. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  readonly entries: readonly LoggedMessage[]
  /** RFC 3161 TimeStampTokens, DER. */
  readonly tokens: readonly Uint8Array[]
}

/** `sigstore_rekor.proto` TransparencyLogEntry; 64-bit numbers in decimal, bytes as they are. */
export interface LoggedMessage {
  readonly logIndex: string
  readonly keyId: Uint8Array
  readonly kind: string
  readonly version: string
  /** Seconds; `0` where the log gives no time. */
  readonly integratedTime: string
  readonly promise?: Uint8Array
  readonly proof: {
    readonly logIndex: string
    readonly rootHash: Uint8Array
    readonly treeSize: string
    readonly hashes: readonly Uint8Array[]
    readonly checkpoint: string
  }
  readonly body: Uint8Array
}

/** The bundle that says the same. @throws `sigstore/bundle-malformed` for entries out of bounds. */
export function evidenceOf(message: MessageSignature): Evidence {
  const [signed, signature] = [Buffer.from(message.signed), Buffer.from(message.signature)]
  const certificate = Buffer.from(message.certificate)
  const digest = createHash('sha256').update(signed).digest()
  const entries = message.entries.map(entryOf)
  for (const entry of entries) requireCompleteEntry(entry)
  const timestamps = message.tokens.map(responseOf)
  const bundle: Bundle = toMessageSignatureBundle({ digest, signature, certificate })
  bundle.verificationMaterial.tlogEntries.push(...entries)
  bundle.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: timestamps.map(signedTimestamp => ({ signedTimestamp })),
  }
  return { bundle, signed: contentOf(signed), signature, signer: { certificate }, entries, timestamps }
}

function entryOf(entry: LoggedMessage): TransparencyLogEntry {
  const { logIndex, kind, version, integratedTime, promise, proof } = entry
  return {
    logIndex,
    logId: { keyId: Buffer.from(entry.keyId) },
    kindVersion: { kind, version },
    integratedTime,
    inclusionPromise: promise === undefined ? undefined : { signedEntryTimestamp: Buffer.from(promise) },
    inclusionProof: {
      logIndex: proof.logIndex,
      rootHash: Buffer.from(proof.rootHash),
      treeSize: proof.treeSize,
      hashes: proof.hashes.map(hash => Buffer.from(hash)),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: Buffer.from(entry.body),
  }
}

/** TimeStampResp ::= SEQUENCE { PKIStatusInfo granted, TimeStampToken }. RFC 3161 § 2.4.2; signatures keep the token alone. */
function responseOf(token: Uint8Array): Buffer {
  if (token.byteLength > SIGSTORE_LIMITS.timestampBytes) throw new Error('a timestamp is too large')
  const content = Buffer.concat([Buffer.from('3003020100', 'hex'), token])
  const length = Buffer.alloc(3)
  length.writeUIntBE(content.byteLength, 0, 3)
  const short =
    content.byteLength < 0x80 ? [content.byteLength] : [0x80 + significant(length).byteLength, ...significant(length)]
  return Buffer.concat([Buffer.from([0x30, ...short]), content])
}

function significant(number: Buffer): Buffer {
  return number.subarray(number.findIndex(byte => byte !== 0))
}

/** True when a certificate authority of the trust root signed this leaf. Says nothing about dates, purposes or logs. */
export function isIssuedBy(trust: TrustRoot, leaf: Uint8Array): boolean {
  const certificate = attempt(() => X509Certificate.parse(Buffer.from(leaf)))
  if (certificate === undefined) return false
  const authorities = trust.material.certificateAuthorities.flatMap(({ certChain }) => certChain)
  return authorities.some(
    authority => authority.subject.equals(certificate.issuer) && attempt(() => certificate.verify(authority)) === true,
  )
}

/**
 * The time of a token, if an authority of this trust root made it over exactly this signature; else undefined: whoever had
 * the signature last could have put any token there.
 */
export function timeOfToken(token: Uint8Array, signature: Uint8Array, trust: TrustRoot): Date | undefined {
  return attempt(() => {
    const der = responseOf(token)
    const { time } = readTimestamp(der)
    const verifier = new Verifier(
      { ...trust.material, publicKey: () => ANY_KEY },
      { tlogThreshold: 0, timestampThreshold: 1, ctlogThreshold: 0 },
    )
    verifier.verify(timestampOnly(RFC3161Timestamp.parse(Buffer.from(der)), Buffer.from(signature)))
    return time
  })
}

/** Stands where the library wants a key; `timestampOnly` never asks it. */
const ANY_KEY = { publicKey: createSecretKey(Buffer.alloc(1)), validFor: () => true }

/** The library verifies timestamps only on the way to a signature; this entity has nothing else to be verified. */
function timestampOnly(timestamp: RFC3161Timestamp, signature: Buffer): SignedEntity {
  const yes = () => true
  return {
    signature: { signature, compareSignature: yes, compareDigest: yes, compareSignedDigest: yes, verifySignature: yes },
    key: { $case: 'public-key', hint: '' },
    tlogEntries: [],
    timestamps: [{ $case: 'timestamp-authority', timestamp }],
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
