import { createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { hash256 } from './keys.ts'
import { verifyDigest } from './p256.ts'

/** What is logged for a proposed entry. */
export interface CanonicalEntry {
  readonly apiVersion: string
  readonly kind: string
  readonly spec: object
}

/** The entry that is logged for a proposed one. @throws a sentence when it is refused. */
export function canonicalEntry(proposed: unknown): CanonicalEntry {
  return (proposed as { kind?: unknown }).kind === 'hashedrekord' ? canonicalHashed(proposed) : canonicalDsse(proposed)
}

/**
 * Checks a proposed `hashedrekord/0.0.1` as Rekor does: the signature must be over the digest, by the given key. Keys on
 * P-256 alone. What is logged is what was proposed, the key in its canonical PEM.
 */
function canonicalHashed(proposed: unknown): CanonicalEntry {
  const entry = proposed as { apiVersion?: unknown; spec?: Hashed }
  if (entry.apiVersion !== '0.0.1' || entry.spec === undefined)
    throw new Error('only hashedrekord 0.0.1 is accepted here')
  const { data, signature } = entry.spec
  const key = readKey(Buffer.from(signature.publicKey.content, 'base64').toString())
  const [digest, content] = [Buffer.from(data.hash.value, 'hex'), Buffer.from(signature.content, 'base64')]
  if (data.hash.algorithm !== 'sha256' || !verifyDigest(key.key, digest, content))
    throw new Error('the signature does not verify')
  const publicKey = { content: Buffer.from(key.pem).toString('base64') }
  const spec = { data: { hash: data.hash }, signature: { content: signature.content, publicKey } }
  return { apiVersion: '0.0.1', kind: 'hashedrekord', spec }
}

interface Hashed {
  readonly data: { readonly hash: { readonly algorithm: string; readonly value: string } }
  readonly signature: { readonly content: string; readonly publicKey: { readonly content: string } }
}

/**
 * Turns a proposed `dsse/0.0.1` entry into the one that is logged, as Rekor does: the envelope itself is dropped, its
 * hash (of the text as submitted), the payload's hash, and each signature with the key that verified it stay.
 * @throws a sentence when the entry is of another kind, malformed, or a signature is not verified by a given key.
 */
function canonicalDsse(proposed: unknown): CanonicalEntry {
  const entry = proposed as { apiVersion?: unknown; kind?: unknown; spec?: { proposedContent?: Proposed } }
  if (entry.kind !== 'dsse' || entry.apiVersion !== '0.0.1')
    throw new Error('only dsse 0.0.1 and hashedrekord 0.0.1 are accepted here')
  const content = entry.spec?.proposedContent
  if (content === undefined) throw new Error('spec.proposedContent is missing')
  const envelope = JSON.parse(content.envelope) as Envelope
  const payload = Buffer.from(envelope.payload, 'base64')
  const keys = content.verifiers.map(text => readKey(Buffer.from(text, 'base64').toString()))
  const signed = preAuthenticationEncoding(envelope.payloadType, payload)
  const signatures = envelope.signatures.map(({ sig }) => {
    const key = keys.find(one => verify(hashFor(one.key), signed, one.key, Buffer.from(sig, 'base64')))
    if (key === undefined) throw new Error('all signatures must have a key that verifies it')
    return { signature: sig, verifier: Buffer.from(key.pem).toString('base64') }
  })
  if (signatures.length === 0) throw new Error('the envelope has no signature')
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value: hash256(content.envelope).toString('hex') },
      payloadHash: { algorithm: 'sha256', value: hash256(payload).toString('hex') },
      signatures: signatures.sort((a, b) => (a.signature < b.signature ? -1 : 1)),
    },
  }
}

interface Proposed {
  readonly envelope: string
  readonly verifiers: readonly string[]
}

interface Envelope {
  readonly payloadType: string
  readonly payload: string
  readonly signatures: readonly { readonly sig: string }[]
}

/** DSSE v1: what is signed instead of the payload. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType)
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.byteLength} `),
    type,
    Buffer.from(` ${payload.byteLength} `),
    payload,
  ])
}

/** A PEM certificate or public key, and its canonical PEM. */
function readKey(pem: string): { key: KeyObject; pem: string } {
  if (pem.includes('BEGIN CERTIFICATE')) {
    const certificate = new X509Certificate(pem)
    return { key: certificate.publicKey, pem: certificate.toString() }
  }
  const key = createPublicKey(pem)
  return { key, pem: key.export({ type: 'spki', format: 'pem' }).toString() }
}

const hashFor = (key: KeyObject): string | null => (key.asymmetricKeyType === 'ed25519' ? null : 'sha256')
