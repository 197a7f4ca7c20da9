import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { dsse } from '@sigstore/core'
import { decodeBase64, equalBytes } from '../../core/bytes.ts'
import { type Json, type JsonObject, parseJsonObject } from '../../core/json.ts'
import { arrayAt, objectAt, stringAt } from '../../core/shape.ts'
import type { HashName } from '../bundle.ts'
import { contentOf, type SignedContent } from './content.ts'

/** The envelope that a log entry must be about. */
export interface LoggedEnvelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** The key that signed: of the leaf certificate, or the public key. */
  readonly publicKey: KeyObject
}

/** What a log entry must be about: signed bytes by their hash, and the payload in them if they are an envelope's. */
export interface LoggedSignature {
  readonly signed: Pick<SignedContent, 'hash'>
  readonly payload?: Pick<SignedContent, 'hash'>
  /** The JSON text of the envelope as its signer sent it; a bundle does not keep it. */
  readonly envelopeText?: Pick<SignedContent, 'hash'>
  readonly signature: Uint8Array
  readonly publicKey: KeyObject
}

/**
 * As `checkLoggedBody`, for an envelope at hand.
 * @param expectedEnvelopeHash SHA-256 of the text that was sent, where it is known (`sign/`).
 */
export function checkEntryBody(
  kindVersion: KindVersion,
  canonicalizedBody: Uint8Array,
  envelope: LoggedEnvelope,
  expectedEnvelopeHash?: string,
): void {
  checkLoggedBody(kindVersion, canonicalizedBody, {
    signed: contentOf(preAuthEncoding(envelope)),
    payload: contentOf(envelope.payload),
    ...(expectedEnvelopeHash === undefined ? {} : { envelopeText: { hash: onlySha256(expectedEnvelopeHash) } }),
    signature: envelope.signature,
    publicKey: envelope.publicKey,
  })
}

type KindVersion = { readonly kind: string; readonly version: string }

function onlySha256(hex: string): SignedContent['hash'] {
  return algorithm => (algorithm === 'sha256' ? hex : undefined)
}

/**
 * The body of a log entry against the signature in hand: content, signature **and** key. The library compares payload
 * and signature only, so an entry made with another key over the same bytes would count.
 *
 *     hashedrekord 0.0.1  hash of the signed bytes, signature, publicKey: PEM          Rekor v1
 *     hashedrekord 0.0.2  hash of the signed bytes, signature, verifier: DER           Rekor v2
 *     dsse 0.0.1          payloadHash, signatures[1] {signature, verifier: PEM}        Rekor v1
 *     dsse 0.0.2          payloadHash, signatures[1] {content, verifier: DER}          Rekor v2, refused by ≥ 2.3
 *     intoto 0.0.2        payloadHash, envelope.signatures[1] {sig twice base64, publicKey}   Rekor v1, old
 *     intoto 0.0.1        payloadHash, hash of the envelope's text, publicKey: PEM; no signature   Rekor v1, oldest
 *
 * The signed bytes of an envelope are its pre-authentication encoding. An entry of `intoto` 0.0.1 says that this key signed this
 * payload then, not which of its signatures: whoever signs the same payload again with a stolen key gains nothing by it. The hash
 * of an envelope's text is compared where the text is known.
 * @throws an Error that says what differs; the caller gives it its code.
 */
export function checkLoggedBody(
  { kind, version }: KindVersion,
  canonicalizedBody: Uint8Array,
  logged: LoggedSignature,
): void {
  const body = parseJsonObject(canonicalizedBody, 'log entry')
  const name = `${stringAt(body.kind, 'entry.kind')} ${stringAt(body.apiVersion, 'entry.apiVersion')}`
  if (name !== `${kind} ${version}`) throw new Error('the entry is of another kind than it says')
  const spec = objectAt(body.spec, 'entry.spec')
  const signatureOnly = logged.payload === undefined
  const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined
  if (check === undefined || (signatureOnly && !name.startsWith('hashedrekord ')))
    throw new Error(`an entry of kind ${name} does not log ${signatureOnly ? 'a plain signature' : 'an attestation'}`)
  check(spec, logged)
}

type Check = (spec: JsonObject, logged: LoggedSignature) => void

const CHECKS: Readonly<Record<string, Check>> = {
  'dsse 0.0.1': (spec, logged) => {
    if (logged.envelopeText !== undefined) hexHash(spec.envelopeHash, logged.envelopeText, 'envelope')
    hexHash(spec.payloadHash, logged.payload, 'payload')
    const signature = onlyOne(spec.signatures, 'spec.signatures')
    sameSignature(base64(signature.signature, 'signature'), logged)
    sameKey(pemKey(base64(signature.verifier, 'verifier')), logged)
  },
  'intoto 0.0.1': (spec, logged) => {
    const content = objectAt(spec.content, 'spec.content')
    if (logged.envelopeText !== undefined) hexHash(content.hash, logged.envelopeText, 'envelope')
    // The very first entries lack it: then only the envelope's own text can say what was logged.
    if (content.payloadHash !== undefined || logged.envelopeText === undefined)
      hexHash(content.payloadHash, logged.payload, 'payload')
    sameKey(pemKey(base64(spec.publicKey, 'publicKey')), logged)
  },
  'intoto 0.0.2': (spec, logged) => {
    const content = objectAt(spec.content, 'spec.content')
    hexHash(content.payloadHash, logged.payload, 'payload')
    const signature = onlyOne(objectAt(content.envelope, 'spec.content.envelope').signatures, 'signatures')
    const inner = Buffer.from(base64(signature.sig, 'signature')).toString('latin1')
    sameSignature(decodeBase64(inner, 'signature of the entry'), logged)
    sameKey(pemKey(base64(signature.publicKey, 'publicKey')), logged)
  },
  'hashedrekord 0.0.1': (spec, logged) => {
    hexHash(objectAt(spec.data, 'spec.data').hash, logged.signed, 'signed bytes')
    const signature = objectAt(spec.signature, 'spec.signature')
    sameSignature(base64(signature.content, 'signature'), logged)
    sameKey(pemKey(base64(objectAt(signature.publicKey, 'publicKey').content, 'publicKey')), logged)
  },
  'hashedrekord 0.0.2': (spec, logged) => {
    const entry = objectAt(spec.hashedRekordV002, 'spec.hashedRekordV002')
    bytesHash(entry.data, logged.signed, 'signed bytes')
    versionTwoSignature(objectAt(entry.signature, 'signature'), logged)
  },
  'dsse 0.0.2': (spec, logged) => {
    const entry = objectAt(spec.dsseV002, 'spec.dsseV002')
    bytesHash(entry.payloadHash, logged.payload, 'payload')
    versionTwoSignature(onlyOne(entry.signatures, 'signatures'), logged)
  },
}

function versionTwoSignature(signature: JsonObject, logged: LoggedSignature): void {
  sameSignature(base64(signature.content, 'signature'), logged)
  const verifier = objectAt(signature.verifier, 'verifier')
  const certificate = verifier.x509Certificate
  const holder = objectAt(certificate ?? verifier.publicKey, 'verifier')
  const der = Buffer.from(base64(holder.rawBytes, 'verifier'))
  const pem = (label: string) => `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
  sameKey(createPublicKey(pem(certificate === undefined ? 'PUBLIC KEY' : 'CERTIFICATE')), logged)
}

type Hashed = Pick<SignedContent, 'hash'>

/** `{algorithm: "sha256" | "sha384" | "sha512", value: <hex>}` */
function hexHash(value: Json | undefined, content: Hashed | undefined, what: string): void {
  const hash = objectAt(value, `hash of the ${what}`)
  sameHash(HEX_NAMES.get(stringAt(hash.algorithm, 'algorithm')), stringAt(hash.value, 'hash'), content, what)
}

/** `{algorithm: "SHA2_256" | "SHA2_384" | "SHA2_512", digest: <base64>}` */
function bytesHash(value: Json | undefined, content: Hashed | undefined, what: string): void {
  const hash = objectAt(value, `hash of the ${what}`)
  const digest = Buffer.from(base64(hash.digest, 'digest')).toString('hex')
  sameHash(PROTO_NAMES.get(stringAt(hash.algorithm, 'algorithm')), digest, content, what)
}

const HEX_NAMES: ReadonlyMap<string, HashName> = new Map([
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
])
const PROTO_NAMES: ReadonlyMap<string, HashName> = new Map([
  ['SHA2_256', 'sha256'],
  ['SHA2_384', 'sha384'],
  ['SHA2_512', 'sha512'],
])

function sameHash(algorithm: HashName | undefined, hex: string, content: Hashed | undefined, what: string): void {
  const expected = algorithm === undefined ? undefined : content?.hash(algorithm)
  if (expected === undefined || hex !== expected) throw new Error(`the entry is about another ${what}`)
}

function onlyOne(value: Json | undefined, path: string): JsonObject {
  const list = arrayAt(value, path)
  if (list.length !== 1) throw new Error(`the entry has ${list.length} signatures instead of one`)
  return objectAt(list[0], path)
}

function sameSignature(found: Uint8Array, { signature }: LoggedSignature): void {
  if (!equalBytes(found, signature)) throw new Error('the entry is about another signature')
}

function sameKey(found: KeyObject, { publicKey }: LoggedSignature): void {
  if (!found.equals(publicKey)) throw new Error('the entry names another key')
}

/** A PEM certificate or public key; OpenSSL takes the key out of either. */
function pemKey(pem: Uint8Array): KeyObject {
  return createPublicKey(Buffer.from(pem))
}

function base64(value: Json | undefined, what: string): Uint8Array {
  return decodeBase64(stringAt(value, what), `${what} of the entry`)
}

/** SHA-256 over what DSSE signs, lower-case hex. */
export function paeHash(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): string {
  return createHash('sha256').update(preAuthEncoding(envelope)).digest('hex')
}

/** DSSE v1 pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`. */
export function preAuthEncoding(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): Buffer {
  return dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload))
}
