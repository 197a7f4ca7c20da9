import { createHash, type KeyObject, sign } from 'node:crypto'
import { ASN1Obj } from '@sigstore/core'
import { context, der, integer, nothing, octets, oid, sequence, setOf, utcTime } from './der.ts'

/**
 * Writes CMS signatures, right ones and wrong ones (RFC 5652). Every part can be replaced; by default it is a detached
 * signature as gpgsm writes it, in DER.
 */
export interface CmsOptions {
  /** DER of the signer's certificate, which comes first in the set. */
  readonly certificate: Uint8Array
  readonly others?: readonly Uint8Array[]
  readonly hash?: keyof typeof HASHES
  /** DER of the signed attributes, in the order in which they are written. Default: those of `attributesOf`. */
  readonly attributes?: readonly Buffer[]
  /** Default: none. */
  readonly unsigned?: readonly Buffer[]
  /** AlgorithmIdentifier of the signature; default by the key. */
  readonly algorithm?: Buffer
  readonly digestAlgorithms?: readonly Buffer[]
  readonly signerVersion?: number
  /** SignerIdentifier; default: issuer and serial number. */
  readonly signerId?: Buffer
  /** In place of `{data}`. */
  readonly encapsulated?: Buffer
  /** Between the certificates and the signers. */
  readonly afterCertificates?: readonly Buffer[]
  /** At the end of the SignerInfo. */
  readonly afterSigner?: readonly Buffer[]
  readonly signers?: (signer: Buffer) => readonly Buffer[]
}

export const HASHES = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const
export const DATA = '1.2.840.113549.1.7.1'
export const CONTENT_TYPE = '1.2.840.113549.1.9.3'
export const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const SIGNING_TIME = '1.2.840.113549.1.9.5'
const RSA = '1.2.840.113549.1.1.1'
const ED25519 = '1.3.101.112'
const ECDSA = { sha1: '1', sha256: '3.2', sha384: '3.3', sha512: '3.4' } as const

export const attribute = (type: string, ...values: readonly Buffer[]): Buffer => sequence(oid(type), setOf(...values))

/** contentType, signingTime and messageDigest, in the order DER wants. */
export function attributesOf(payload: Uint8Array, hash: keyof typeof HASHES = 'sha256', time = new Date()): Buffer[] {
  return [
    attribute(CONTENT_TYPE, oid(DATA)),
    attribute(SIGNING_TIME, utcTime(time)),
    attribute(MESSAGE_DIGEST, octets(createHash(hash).update(payload).digest())),
  ].sort(Buffer.compare)
}

/** A whole signature over the payload by this key. */
export function signCms(payload: Uint8Array, key: KeyObject, options: CmsOptions): Buffer {
  const { hash = 'sha256', attributes = attributesOf(payload, hash) } = options
  const type = key.asymmetricKeyType
  const signature = sign(type === 'ed25519' ? null : hash, der(0x31, ...attributes), key)
  const ecdsa = sequence(oid(`1.2.840.10045.4.${ECDSA[hash]}`))
  const known = type === 'ed25519' ? sequence(oid(ED25519)) : type === 'ec' ? ecdsa : sequence(oid(RSA), nothing())
  return writeCms({ algorithm: known, ...options, hash, attributes, signature })
}

/** The structure around a signature that was made elsewhere. */
export function writeCms(
  options: CmsOptions & {
    readonly attributes: readonly Buffer[]
    readonly algorithm: Buffer
    readonly signature: Buffer
  },
): Buffer {
  const { certificate, others = [], unsigned = [], afterCertificates = [], afterSigner = [] } = options
  const digest = sequence(oid(HASHES[options.hash ?? 'sha256']))
  const signer = sequence(
    integer(options.signerVersion ?? 1),
    options.signerId ?? issuerAndSerial(certificate),
    digest,
    context(0, ...options.attributes),
    options.algorithm,
    octets(options.signature),
    ...(unsigned.length === 0 ? [] : [context(1, ...[...unsigned].sort(Buffer.compare))]),
    ...afterSigner,
  )
  const data = sequence(
    integer(1),
    setOf(...(options.digestAlgorithms ?? [digest])),
    options.encapsulated ?? sequence(oid(DATA)),
    context(0, certificate, ...others),
    ...afterCertificates,
    setOf(...(options.signers?.(signer) ?? [signer])),
  )
  return sequence(oid(SIGNED_DATA), context(0, data))
}

export function issuerAndSerial(certificate: Uint8Array): Buffer {
  const [, serial, , issuer] = ASN1Obj.parseBuffer(Buffer.from(certificate)).subs[0]?.subs ?? []
  if (serial === undefined || issuer === undefined) throw new Error('this is no certificate')
  return sequence(issuer.toDER(), serial.toDER())
}

/** The same values with indefinite lengths down to this depth, as `gpgsm` and `openssl -stream` write them. */
export function indefinite(bytes: Uint8Array, depth: number): Buffer {
  const [tag = 0] = bytes
  if (depth === 0 || (tag & 0x20) === 0) return Buffer.from(bytes)
  const parts = splitDer(contentOf(bytes)).map(part => indefinite(part, depth - 1))
  return Buffer.concat([Buffer.from([tag, 0x80]), ...parts, Buffer.from([0, 0])])
}

function contentOf(bytes: Uint8Array): Buffer {
  const first = bytes[1] ?? 0
  return Buffer.from(bytes).subarray(first < 0x80 ? 2 : 2 + (first & 0x7f))
}

/** The values that stand one behind the other. */
export function splitDer(bytes: Uint8Array): readonly Buffer[] {
  const parts: Buffer[] = []
  for (let rest = Buffer.from(bytes); rest.byteLength > 0; ) {
    const first = rest.readUInt8(1)
    const header = first < 0x80 ? 2 : 2 + (first & 0x7f)
    const size = header + (first < 0x80 ? first : rest.readUIntBE(2, first & 0x7f))
    parts.push(rest.subarray(0, size))
    rest = rest.subarray(size)
  }
  return parts
}

/** Armor as gpgsm, smimesign and gitsign write it. */
export function cmsArmor(cms: Uint8Array): string {
  const lines =
    Buffer.from(cms)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN SIGNED MESSAGE-----', ...lines, '-----END SIGNED MESSAGE-----'].join('\n')
}
