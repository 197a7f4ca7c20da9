import { createHash, X509Certificate as NodeCertificate } from 'node:crypto'
import { type ASN1Obj, EXTENSION_OID_SCT, X509Certificate } from '@sigstore/core'
import { equalBytes } from '../../core/bytes.ts'
import { fail, WaybillError } from '../../core/error.ts'
import type { CertificateSigner, CiExtensions } from '../../core/signer.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { derUtf8String, parseDer, plainAscii, plainText, utf8StringOf } from './der.ts'

/**
 * A Fulcio certificate: who signed, as a certificate authority saw it for ten minutes.
 *
 *     subjectAltName        exactly one: a URI (workflow), an e-mail address, or otherName 1.3.6.1.4.1.57264.1.7
 *     1.3.6.1.4.1.57264.1   .1 issuer (raw bytes, old) · .8 issuer · .9–.23 what the CI's token said (DER UTF8String)
 *     1.3.6.1.4.1.11129…    the certificate log's promise (SCT)
 *
 * Source: Fulcio docs/oid-info.md; .24 (the token's subject) is not read. Trap: reading DER UTF8String as raw text
 * leaves two bytes of tag and length in front, which an unanchored comparison would not notice.
 */
const FULCIO = '1.3.6.1.4.1.57264.1'
const ISSUER_OLD = `${FULCIO}.1`
const ISSUER = `${FULCIO}.8`
const OTHER_NAME = `${FULCIO}.7`
const SAN = '2.5.29.17'
const KEY_USAGE = '2.5.29.15'
const BASIC_CONSTRAINTS = '2.5.29.19'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'

const CI_FIELDS = {
  9: 'buildSignerUri',
  10: 'buildSignerDigest',
  11: 'runnerEnvironment',
  12: 'sourceRepositoryUri',
  13: 'sourceRepositoryDigest',
  14: 'sourceRepositoryRef',
  15: 'sourceRepositoryIdentifier',
  16: 'sourceRepositoryOwnerUri',
  17: 'sourceRepositoryOwnerIdentifier',
  18: 'buildConfigUri',
  19: 'buildConfigDigest',
  20: 'buildTrigger',
  21: 'runInvocationUri',
  22: 'sourceRepositoryVisibility',
  23: 'environment',
} as const satisfies Record<number, keyof CiExtensions>

interface Extension {
  readonly critical: boolean
  /** Content of extnValue. */
  readonly value: Buffer
}

/**
 * Reads a leaf certificate; whether anybody trusts it is not judged here.
 * @param der the certificate's DER bytes.
 * @throws `sigstore/certificate-malformed` for anything that is not one strict code-signing leaf.
 */
export function observedSigner(der: Uint8Array): CertificateSigner {
  if (der.byteLength > SIGSTORE_LIMITS.certificateBytes) throw malformed('it is too large')
  try {
    return read(der)
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw malformed(error instanceof Error ? error.message : 'it cannot be read', error)
  }
}

/** True when the certificate has the extension that carries certificate log promises. */
export function hasSct(der: Uint8Array): boolean {
  return extensionsOf(X509Certificate.parse(Buffer.from(der))).has(EXTENSION_OID_SCT)
}

function read(der: Uint8Array): CertificateSigner {
  const certificate = X509Certificate.parse(Buffer.from(der))
  // Two parsers must agree on the bytes: what OpenSSL verifies is what this library reads.
  const second = new NodeCertificate(Buffer.from(der))
  if (!equalBytes(certificate.root.toDER(), der) || !equalBytes(second.raw, der))
    throw new Error('it is not strict DER')
  if (!equalBytes(certificate.publicKey, second.publicKey.export({ format: 'der', type: 'spki' })))
    throw new Error('its public key can be read in two ways')
  const extensions = extensionsOf(certificate)
  requireCodeSigningLeaf(certificate, extensions)
  return {
    kind: 'certificate',
    san: subjectAltName(extensions),
    issuer: issuerOf(extensions),
    serial: second.serialNumber.toLowerCase(),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    notBefore: validTime(certificate.notBefore),
    notAfter: validTime(certificate.notAfter),
    ci: ciExtensions(extensions),
  }
}

function extensionsOf(certificate: X509Certificate): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>()
  for (const { subs } of certificate.extensions) {
    const [id, ...rest] = subs
    const value = rest.at(-1)
    if (id === undefined || value === undefined || rest.length > 2 || !value.tag.isOctetString())
      throw new Error('an extension is malformed')
    const oid = id.toOID()
    // Readers differ in which of two they take.
    if (found.has(oid)) throw new Error(`the extension ${oid} stands there twice`)
    found.set(oid, { critical: rest.length === 2 && (rest[0] as ASN1Obj).toBoolean(), value: value.value })
  }
  return found
}

/** The library checks neither key usage nor unknown critical extensions. RFC 5280 § 4.2. */
function requireCodeSigningLeaf(certificate: X509Certificate, extensions: ReadonlyMap<string, Extension>): void {
  const understood = [SAN, KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE]
  for (const [oid, { critical }] of extensions) {
    if (critical && !understood.includes(oid)) throw new Error(`the critical extension ${oid} is not understood`)
  }
  if (certificate.extBasicConstraints?.isCA) throw new Error('it is a certificate authority’s own')
  if (certificate.extKeyUsage?.digitalSignature !== true) throw new Error('its key usage is not digital signature')
  const purposes = extensions.get(EXTENDED_KEY_USAGE)
  if (purposes === undefined || !parseDer(purposes.value).subs.some(p => p.toOID() === CODE_SIGNING))
    throw new Error('its extended key usage is not code signing')
}

function subjectAltName(extensions: ReadonlyMap<string, Extension>): CertificateSigner['san'] {
  const extension = extensions.get(SAN)
  if (extension === undefined) throw new Error('it has no subject alternative name')
  const names = parseDer(extension.value).subs
  const [name, ...more] = names
  if (name === undefined || more.length > 0)
    throw new Error(`it has ${names.length} subject alternative names instead of one`)
  if (name.tag.isContextSpecific(6) && !name.tag.constructed) return { type: 'uri', value: plainAscii(name.value) }
  if (name.tag.isContextSpecific(1) && !name.tag.constructed) return { type: 'email', value: plainAscii(name.value) }
  if (name.tag.isContextSpecific(0)) return { type: 'other', value: otherName(name) }
  throw new Error('its subject alternative name is of an unexpected type')
}

function otherName(name: ASN1Obj): string {
  const [id, wrapper, ...more] = name.subs
  const value = wrapper?.subs[0]
  if (id?.toOID() !== OTHER_NAME || value === undefined || wrapper?.subs.length !== 1 || more.length > 0)
    throw new Error('its other name is not one of Fulcio’s')
  return utf8StringOf(value)
}

function issuerOf(extensions: ReadonlyMap<string, Extension>): string {
  const current = extensions.get(ISSUER)
  const old = extensions.get(ISSUER_OLD)
  const issuer = current === undefined ? undefined : derUtf8String(current.value)
  const oldIssuer = old === undefined ? undefined : plainText(old.value)
  if (issuer !== undefined && oldIssuer !== undefined && issuer !== oldIssuer) throw new Error('it names two issuers')
  const found = issuer ?? oldIssuer
  if (found === undefined || found === '') throw new Error('it names no issuer')
  return found
}

function ciExtensions(extensions: ReadonlyMap<string, Extension>): CiExtensions {
  const ci: Record<string, string> = {}
  for (const [arc, field] of Object.entries(CI_FIELDS)) {
    const extension = extensions.get(`${FULCIO}.${arc}`)
    if (extension !== undefined) ci[field] = derUtf8String(extension.value)
  }
  return ci
}

function validTime(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw new Error('its validity is not a time')
  return date
}

function malformed(why: string, cause?: unknown): WaybillError {
  return fail('sigstore/certificate-malformed', `The signing certificate is not acceptable: ${why}`, { cause })
}
