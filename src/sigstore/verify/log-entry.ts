import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { dsse } from '@sigstore/core'
import { decodeBase64, equalBytes } from '../../core/bytes.ts'
import { type Json, type JsonObject, parseJsonObject } from '../../core/json.ts'
import { arrayAt, objectAt, stringAt } from '../../core/shape.ts'

/** What a log entry must be about. */
export interface LoggedEnvelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** The key that signed: of the leaf certificate, or the public key. */
  readonly publicKey: KeyObject
}

/**
 * The body of a log entry against the envelope in hand: payload, signature **and** key. The library compares payload
 * and signature only, so an entry made with another key over the same bytes would count.
 *
 *     dsse 0.0.1          payloadHash, signatures[1] {signature, verifier: PEM}        Rekor v1
 *     intoto 0.0.2        payloadHash, envelope.signatures[1] {sig twice base64, publicKey}   Rekor v1, old
 *     hashedrekord 0.0.1  SHA-256(PAE), signature, publicKey: PEM                      Rekor v1
 *     hashedrekord 0.0.2  SHA-256(PAE), signature, verifier: DER                       Rekor v2
 *     dsse 0.0.2          payloadHash, signatures[1] {content, verifier: DER}          Rekor v2, refused by ≥ 2.3
 *
 * `envelopeHash` of dsse 0.0.1 is over the JSON text the signer sent, which a bundle does not keep; it is compared only
 * where the text is known (`sign/`).
 * @throws an Error that says what differs; the caller gives it its code.
 */
export function checkEntryBody(
  kindVersion: { readonly kind: string; readonly version: string },
  canonicalizedBody: Uint8Array,
  envelope: LoggedEnvelope,
  expectedEnvelopeHash?: string,
): void {
  const body = parseJsonObject(canonicalizedBody, 'log entry')
  const name = `${stringAt(body.kind, 'entry.kind')} ${stringAt(body.apiVersion, 'entry.apiVersion')}`
  if (name !== `${kindVersion.kind} ${kindVersion.version}`)
    throw new Error('the entry is of another kind than it says')
  const spec = objectAt(body.spec, 'entry.spec')
  const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined
  if (check === undefined) throw new Error(`an entry of kind ${name} does not log an attestation`)
  check(spec, envelope, expectedEnvelopeHash)
}

type Check = (spec: JsonObject, envelope: LoggedEnvelope, envelopeHash?: string) => void

const CHECKS: Readonly<Record<string, Check>> = {
  'dsse 0.0.1': (spec, envelope, envelopeHash) => {
    if (envelopeHash !== undefined) hexHash(spec.envelopeHash, envelopeHash, 'envelope')
    hexHash(spec.payloadHash, hashOf(envelope.payload), 'payload')
    const signature = onlyOne(spec.signatures, 'spec.signatures')
    sameSignature(base64(signature.signature, 'signature'), envelope)
    sameKey(pemKey(base64(signature.verifier, 'verifier')), envelope)
  },
  'intoto 0.0.2': (spec, envelope) => {
    const content = objectAt(spec.content, 'spec.content')
    hexHash(content.payloadHash, hashOf(envelope.payload), 'payload')
    const signature = onlyOne(objectAt(content.envelope, 'spec.content.envelope').signatures, 'signatures')
    const inner = Buffer.from(base64(signature.sig, 'signature')).toString('latin1')
    sameSignature(decodeBase64(inner, 'signature of the entry'), envelope)
    sameKey(pemKey(base64(signature.publicKey, 'publicKey')), envelope)
  },
  'hashedrekord 0.0.1': (spec, envelope) => {
    hexHash(objectAt(spec.data, 'spec.data').hash, paeHash(envelope), 'signed bytes')
    const signature = objectAt(spec.signature, 'spec.signature')
    sameSignature(base64(signature.content, 'signature'), envelope)
    sameKey(pemKey(base64(objectAt(signature.publicKey, 'publicKey').content, 'publicKey')), envelope)
  },
  'hashedrekord 0.0.2': (spec, envelope) => {
    const entry = objectAt(spec.hashedRekordV002, 'spec.hashedRekordV002')
    bytesHash(entry.data, paeHash(envelope), 'signed bytes')
    versionTwoSignature(objectAt(entry.signature, 'signature'), envelope)
  },
  'dsse 0.0.2': (spec, envelope) => {
    const entry = objectAt(spec.dsseV002, 'spec.dsseV002')
    bytesHash(entry.payloadHash, hashOf(envelope.payload), 'payload')
    versionTwoSignature(onlyOne(entry.signatures, 'signatures'), envelope)
  },
}

function versionTwoSignature(signature: JsonObject, envelope: LoggedEnvelope): void {
  sameSignature(base64(signature.content, 'signature'), envelope)
  const verifier = objectAt(signature.verifier, 'verifier')
  const certificate = verifier.x509Certificate
  const holder = objectAt(certificate ?? verifier.publicKey, 'verifier')
  const der = Buffer.from(base64(holder.rawBytes, 'verifier'))
  const pem = (label: string) => `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
  sameKey(createPublicKey(pem(certificate === undefined ? 'PUBLIC KEY' : 'CERTIFICATE')), envelope)
}

/** `{algorithm: "sha256", value: <hex>}` */
function hexHash(value: Json | undefined, expected: string, what: string): void {
  const hash = objectAt(value, `hash of the ${what}`)
  if (hash.algorithm !== 'sha256' || hash.value !== expected) throw new Error(`the entry is about another ${what}`)
}

/** `{algorithm: "SHA2_256", digest: <base64>}` */
function bytesHash(value: Json | undefined, expected: string, what: string): void {
  const hash = objectAt(value, `hash of the ${what}`)
  const digest = Buffer.from(base64(hash.digest, 'digest')).toString('hex')
  if (hash.algorithm !== 'SHA2_256' || digest !== expected) throw new Error(`the entry is about another ${what}`)
}

function onlyOne(value: Json | undefined, path: string): JsonObject {
  const list = arrayAt(value, path)
  if (list.length !== 1) throw new Error(`the entry has ${list.length} signatures instead of one`)
  return objectAt(list[0], path)
}

function sameSignature(found: Uint8Array, envelope: LoggedEnvelope): void {
  if (!equalBytes(found, envelope.signature)) throw new Error('the entry is about another signature')
}

function sameKey(found: KeyObject, envelope: LoggedEnvelope): void {
  if (!found.equals(envelope.publicKey)) throw new Error('the entry names another key')
}

/** A PEM certificate or public key; OpenSSL takes the key out of either. */
function pemKey(pem: Uint8Array): KeyObject {
  return createPublicKey(Buffer.from(pem))
}

function base64(value: Json | undefined, what: string): Uint8Array {
  return decodeBase64(stringAt(value, what), `${what} of the entry`)
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** SHA-256 over what DSSE signs, lower-case hex. */
export function paeHash(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): string {
  return hashOf(preAuthEncoding(envelope))
}

/** DSSE v1 pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`. */
export function preAuthEncoding(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): Buffer {
  return dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload))
}
