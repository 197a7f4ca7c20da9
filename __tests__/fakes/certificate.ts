import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  boolean,
  context,
  contextPrimitive,
  integer,
  octets,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts'
import { type KeyPair, spki } from './keys.ts'

/** A distinguished name in DER; empty for Fulcio's leaves, whose subject is the alternative name. */
export type Name = Buffer

export interface Authority {
  readonly name: Name
  readonly keys: KeyPair
  /** DER of its own certificate. */
  readonly certificate: Buffer
  readonly serial: Buffer
}

export interface CertificateFields {
  readonly issuer: { readonly name: Name; readonly key: KeyObject }
  readonly subject: Name
  readonly publicKey: KeyObject
  readonly serial: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  /** DER of each extension, in order. */
  readonly extensions: readonly Buffer[]
}

const EC_ALGORITHMS: Readonly<Record<string, { oid: string; hash: string }>> = {
  prime256v1: { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  secp384r1: { oid: '1.2.840.10045.4.3.3', hash: 'sha384' },
}

export function name(organization: string, commonName: string): Name {
  const attribute = (type: string, text: string) => setOf(sequence(oid(type), utf8String(text)))
  return sequence(attribute('2.5.4.10', organization), attribute('2.5.4.3', commonName))
}

export const NO_NAME: Name = sequence()

/** Positive and unpredictable, as RFC 5280 § 4.1.2.2 and browsers ask. */
export function randomSerial(): Buffer {
  const bytes = randomBytes(19)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0)
  return bytes
}

/** The part that is signed, and that a certificate log sees before the SCT extension exists (RFC 6962 § 3.2). */
export function tbsCertificate(fields: CertificateFields): Buffer {
  return sequence(
    context(0, integer(2)),
    integer(fields.serial),
    algorithmOf(fields.issuer.key),
    fields.issuer.name,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    spki(fields.publicKey),
    context(3, sequence(...fields.extensions)),
  )
}

/** Signs with ECDSA; the hash follows the issuer's curve. */
export function mintCertificate(fields: CertificateFields): Buffer {
  const tbs = tbsCertificate(fields)
  const algorithm = algorithmNames(fields.issuer.key)
  return sequence(tbs, algorithmOf(fields.issuer.key), bitString(sign(algorithm.hash, tbs, fields.issuer.key)))
}

function algorithmOf(key: KeyObject): Buffer {
  return sequence(oid(algorithmNames(key).oid))
}

function algorithmNames(key: KeyObject): { oid: string; hash: string } {
  const found = EC_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (found === undefined) throw new Error(`A fake authority cannot sign with ${key.asymmetricKeyType}`)
  return found
}

export function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value))
}

/** SHA-1 over the bits of the public key (an uncompressed point): RFC 5280 § 4.2.1.2 method 1, as Fulcio does. */
function keyId(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  const point = [Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  return createHash('sha1').update(Buffer.concat(point)).digest()
}

export const subjectKeyId = (key: KeyObject): Buffer => extension('2.5.29.14', octets(keyId(key)))
export const authorityKeyId = (key: KeyObject): Buffer =>
  extension('2.5.29.35', sequence(contextPrimitive(0, keyId(key))))
/** digitalSignature only. */
export const usageSignature = (): Buffer => extension('2.5.29.15', bitString(Buffer.from([0x80]), 7), true)
/** keyCertSign and cRLSign. */
export const usageAuthority = (): Buffer => extension('2.5.29.15', bitString(Buffer.from([0x06]), 1), true)
export const basicConstraintsAuthority = (pathLength?: number): Buffer =>
  extension('2.5.29.19', sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])), true)
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
export const extendedUsage = (purpose: string, critical = false): Buffer =>
  extension('2.5.29.37', sequence(oid(purpose)), critical)
export const alternativeUri = (uri: string): Buffer =>
  extension('2.5.29.17', sequence(contextPrimitive(6, Buffer.from(uri))), true)
export const alternativeEmail = (email: string): Buffer =>
  extension('2.5.29.17', sequence(contextPrimitive(1, Buffer.from(email))), true)

export interface AuthorityOptions {
  readonly name: Name
  readonly keys: KeyPair
  /** Absent: a self-signed root. */
  readonly issuer?: Authority
  readonly notBefore: Date
  readonly notAfter: Date
  readonly pathLength?: number
  readonly extensions?: readonly Buffer[]
}

export function mintAuthority(options: AuthorityOptions): Authority {
  const issuer = options.issuer ?? { name: options.name, keys: options.keys }
  const serial = randomSerial()
  const certificate = mintCertificate({
    issuer: { name: issuer.name, key: issuer.keys.privateKey },
    subject: options.name,
    publicKey: options.keys.publicKey,
    serial,
    notBefore: options.notBefore,
    notAfter: options.notAfter,
    extensions: [
      usageAuthority(),
      ...(options.extensions ?? []),
      basicConstraintsAuthority(options.pathLength),
      subjectKeyId(options.keys.publicKey),
      authorityKeyId(issuer.keys.publicKey),
    ],
  })
  return { name: options.name, keys: options.keys, certificate, serial }
}

export function toPem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
