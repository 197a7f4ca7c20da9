import { createHash, sign } from 'node:crypto'
import { json } from '@sigstore/core'
import type { HashName } from '../../src/sigstore/bundle.ts'
import { requestTimestamp } from '../../src/sigstore/sign/timestamp.ts'
import { toPem } from '../fakes/certificate.ts'
import { type KeyPair, spki } from '../fakes/keys.ts'
import { type Bench, forgeLeaf, type Mutable } from './support.ts'

/** A signature with its witnesses, as somebody else's program makes it: from its parts, each of which a test can replace. */
export interface Signing {
  readonly keys: KeyPair
  /** DER; absent: the key itself signs. */
  readonly certificate?: Buffer
  readonly signature: Buffer
}

const b64 = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('base64')
const hashOf = (bytes: Uint8Array, algorithm: HashName = 'sha256') => createHash(algorithm).update(bytes).digest()

/** Signs bytes as they are, with a certificate of the bench's authority or, with `keyed`, without one. */
export function signBytes(
  bench: Bench,
  bytes: Uint8Array,
  keys: KeyPair,
  how: { readonly algorithm?: HashName; readonly keyed?: boolean } = {},
): Signing {
  const algorithm = keys.publicKey.asymmetricKeyType === 'ed25519' ? null : (how.algorithm ?? 'sha256')
  const signature = sign(algorithm, bytes, keys.privateKey)
  return how.keyed ? { keys, signature } : { keys, signature, certificate: forgeLeaf(bench, keys) }
}

/** PEM of whatever says whose key it is, in base64, as Rekor v1 keeps it. */
export function verifierOf({ certificate, keys }: Signing): string {
  return b64(
    certificate === undefined ? keys.publicKey.export({ format: 'pem', type: 'spki' }).toString() : toPem(certificate),
  )
}

/** `hashedrekord` 0.0.1 over these bytes. */
export function hashedBody(signing: Signing, bytes: Uint8Array, algorithm: HashName = 'sha256'): object {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm, value: hashOf(bytes, algorithm).toString('hex') } },
      signature: { content: b64(signing.signature), publicKey: { content: verifierOf(signing) } },
    },
  }
}

/** `hashedrekord` 0.0.2 over these bytes. */
export function hashedBodyV2(signing: Signing, bytes: Uint8Array, algorithm: HashName = 'sha256'): object {
  const { certificate, keys } = signing
  const verifier =
    certificate === undefined
      ? { publicKey: { rawBytes: b64(spki(keys.publicKey)) } }
      : { x509Certificate: { rawBytes: b64(certificate) } }
  const data = { algorithm: `SHA2_${algorithm.slice(3)}`, digest: b64(hashOf(bytes, algorithm)) }
  return {
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: {
        data,
        signature: {
          content: b64(signing.signature),
          verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', ...verifier },
        },
      },
    },
  }
}

/** Logs a body that nobody checks, and gives the entry as a bundle keeps it. */
export function logged(bench: Bench, body: object, version: 'v1' | 'v2' = 'v1'): Mutable {
  const bytes = Buffer.from(json.canonicalize(body))
  if (version === 'v2') {
    bench.stack.rekorV2.append(bytes)
    const entry: Mutable = { ...bench.stack.rekorV2.last() }
    delete entry.inclusionPromise
    return entry
  }
  bench.stack.rekorV1.append(bytes)
  const [entry] = Object.values(bench.stack.rekorV1.last()) as [RekorAnswer]
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification
  const { kind, apiVersion } = body as { kind: string; apiVersion: string }
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: fromHex(entry.logID) },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: fromHex(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(fromHex),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  }
}

interface RekorAnswer {
  readonly body: string
  readonly integratedTime: number
  readonly logID: string
  readonly logIndex: number
  readonly verification: {
    readonly signedEntryTimestamp: string
    readonly inclusionProof: {
      readonly checkpoint: string
      readonly hashes: readonly string[]
      readonly logIndex: number
      readonly rootHash: string
      readonly treeSize: number
    }
  }
}

function fromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

/** RFC 3161, of the bench's authority or another. */
export async function stamped(
  bench: Bench,
  signature: Uint8Array,
  url = bench.stack.timestamp.endpoint,
): Promise<string> {
  return (await requestTimestamp({ http: bench.http }, url, signature)).der.toString('base64')
}

export interface BundleParts {
  readonly signing: Signing
  readonly content: object
  readonly entries?: readonly object[]
  readonly stamps?: readonly string[]
  readonly mediaType?: string
}

/** The bundle's JSON from its parts, nothing checked. */
export function bundleJson({ signing, content, entries = [], stamps = [], mediaType }: BundleParts): Uint8Array {
  const { certificate } = signing
  const signer =
    certificate === undefined ? { publicKey: { hint: 'a' } } : { certificate: { rawBytes: b64(certificate) } }
  return Buffer.from(
    JSON.stringify({
      mediaType: mediaType ?? 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        ...signer,
        tlogEntries: entries,
        timestampVerificationData: { rfc3161Timestamps: stamps.map(signedTimestamp => ({ signedTimestamp })) },
      },
      ...content,
    }),
  )
}

/** `messageSignature` over these bytes. */
export function messageOf(signing: Signing, bytes: Uint8Array, algorithm: HashName = 'sha256'): object {
  const digest = { algorithm: `SHA2_${algorithm.slice(3)}`, digest: b64(hashOf(bytes, algorithm)) }
  return { messageSignature: { messageDigest: digest, signature: b64(signing.signature) } }
}

/** `dsseEnvelope` around a payload, whose pre-authentication encoding was signed. */
export function envelopeOf(signing: Signing, payload: Uint8Array, payloadType: string): object {
  return { dsseEnvelope: { payload: b64(payload), payloadType, signatures: [{ sig: b64(signing.signature) }] } }
}

export async function* pieces(bytes: Uint8Array, size = 7): AsyncIterable<Uint8Array> {
  for (let i = 0; i < bytes.byteLength; i += size) yield bytes.subarray(i, i + size)
}
