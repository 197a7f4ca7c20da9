import { createHash, type KeyObject, X509Certificate as NodeCertificate } from 'node:crypto'
import { type BaseBlock, GeneralizedTime, UTCTime } from 'asn1js'
import { AlgorithmIdentifier, BasicConstraints, ExtKeyUsage, GeneralNames } from 'pkijs'
import { equalBytes } from '../core/bytes.ts'
import { printable } from '../core/text.ts'
import {
  childrenOf,
  contentOf,
  isContext,
  isDer,
  isUniversal,
  objectId,
  parseBer,
  rawOf,
  readWhole,
} from './cms-asn1.ts'
import { signatureAlgorithmOf } from './x509-algorithm.ts'

/**
 * One certificate, strictly DER (RFC 5280 § 4.1), read twice: what OpenSSL verifies is what is read here.
 *
 *     TBSCertificate    [0] version, serial, algorithm, issuer, validity, subject, subjectPublicKeyInfo, [3] extensions
 *     extensions read   basicConstraints, keyUsage, extKeyUsage, subjectAltName (rfc822Name alone)
 *
 * Traps: (1) an e-mail address in the subject is text that authorities often leave to the applicant: only the alternative
 * name counts; (2) an extension that is critical and not understood here, name constraints among them (these also where they are not critical), may
 * say that the certificate is not for this, so it refuses.
 */
export interface Certificate {
  readonly der: Uint8Array
  /** SHA-256 over `der`, upper-case hex. */
  readonly fingerprint: string
  /** Upper-case hex of the INTEGER's bytes, as OpenSSL prints it. */
  readonly serial: string
  /** DER of the INTEGER and of the two names, for comparing. */
  readonly serialDer: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** One line of the issuer's name, for people. */
  readonly issuerText: string
  readonly key: KeyObject
  /** Checks the signature on this certificate. */
  readonly isSignedBy: (key: KeyObject) => boolean
  /** Hash under the signature on this certificate; `weak` for MD5 and SHA-1, undefined for what is not known. */
  readonly signatureHash: 'strong' | 'weak' | undefined
  readonly notBefore: Date
  readonly notAfter: Date
  readonly isAuthority: boolean
  /** Authorities that may stand between this one and a leaf; absent: any number. */
  readonly pathLength?: number
  /** Absent: the extension is, and the key may do anything. */
  readonly usage?: { readonly signs: boolean; readonly certifies: boolean }
  /** Extended key usage, by OID; absent: any. */
  readonly purposes?: readonly string[]
  readonly emails: readonly string[]
  readonly keyId?: Uint8Array
  /** Critical extensions that are not understood, and name constraints in any case. */
  readonly notUnderstood: readonly string[]
  /** The extensions by which Fulcio names the issuer of the identity token. */
  readonly looksLikeFulcio: boolean
}

const SUBJECT_KEY_ID = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const ALTERNATIVE_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const UNDERSTOOD = [SUBJECT_KEY_ID, KEY_USAGE, ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE]
/** RFC 5280 § 4.2.1.10 wants it critical, and whoever leaves that out still means it: an authority for other addresses. */
const NAME_CONSTRAINTS = '2.5.29.30'
/** Fulcio docs/oid-info.md. */
const FULCIO_ISSUERS = ['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8']
const RFC822_NAME = 1

/** @throws an Error with a sentence when this is not one certificate in strict DER. */
export function readCertificate(der: Uint8Array): Certificate {
  if (!isDer(der)) throw new Error('a certificate is not strict DER')
  const node = nodeCertificate(der)
  const { serial, issuer, validity, subject, extensions, algorithm } = partsOf(parseBer(der, 'a certificate'))
  const known = extensionsOf(extensions)
  return {
    der,
    fingerprint: createHash('sha256').update(der).digest('hex').toUpperCase(),
    serial: Buffer.from(contentOf(serial)).toString('hex').toUpperCase(),
    serialDer: rawOf(serial),
    issuer: rawOf(issuer),
    subject: rawOf(subject),
    issuerText: printable(node.issuer.replaceAll('\n', ', '), 300),
    key: node.publicKey,
    isSignedBy: key => attempt(() => node.verify(key)),
    signatureHash: signatureHashOf(algorithm),
    ...validityOf(validity),
    ...constraintsOf(known),
    ...usageOf(known),
    ...purposesOf(known),
    emails: emailsOf(known),
    ...keyIdOf(known),
    notUnderstood: [...known]
      .filter(([oid, { critical }]) => oid === NAME_CONSTRAINTS || (critical && !UNDERSTOOD.includes(oid)))
      .map(([oid]) => oid),
    looksLikeFulcio: FULCIO_ISSUERS.some(oid => known.has(oid)),
  }
}

interface Parts {
  readonly serial: BaseBlock
  readonly issuer: BaseBlock
  readonly validity: BaseBlock
  readonly subject: BaseBlock
  /** The one SEQUENCE inside [3], where there is one. */
  readonly extensions: BaseBlock | undefined
  readonly algorithm: BaseBlock
}

/** OpenSSL has read the same bytes by its own grammar; here only the order of what is used is checked. */
function partsOf(certificate: BaseBlock): Parts {
  const [tbs, algorithm, , ...more] = childrenOf(certificate)
  const [first, ...rest] = childrenOf(tbs)
  const [serial, inner, issuer, validity, subject, key, ...optional] =
    first === undefined || isContext(first, 0) ? rest : [first, ...rest]
  if (serial === undefined || issuer === undefined || validity === undefined || subject === undefined)
    throw incomplete()
  if (key === undefined || algorithm === undefined || inner === undefined || more.length > 0) throw incomplete()
  if (!equalBytes(rawOf(inner), rawOf(algorithm))) throw new Error('a certificate names two signature algorithms')
  const [extensions] = childrenOf(optional.find(part => isContext(part, 3)))
  return { serial, issuer, validity, subject, extensions, algorithm }
}

function incomplete(): Error {
  return new Error('a certificate is not built as it must be')
}

function nodeCertificate(der: Uint8Array): NodeCertificate {
  try {
    const node = new NodeCertificate(Buffer.from(der))
    // Reading the key may throw as well.
    if (equalBytes(node.raw, der) && node.publicKey.type === 'public') return node
  } catch {}
  throw new Error('a certificate cannot be read in one way only')
}

interface Extension {
  readonly critical: boolean
  /** DER inside extnValue. */
  readonly value: Uint8Array
}

type Extensions = ReadonlyMap<string, Extension>

function extensionsOf(sequence: BaseBlock | undefined): Extensions {
  const found = new Map<string, Extension>()
  for (const block of childrenOf(sequence)) {
    const parts = childrenOf(block)
    const [oid, value] = [objectId(parts[0]), parts.at(-1)]
    if (oid === undefined || value === undefined || !isUniversal(value, 4) || parts.length > 3) throw incomplete()
    // Readers differ in which of two they take.
    if (found.has(oid)) throw new Error(`a certificate has the extension ${oid} twice`)
    // DER leaves out what is false, so the part in between, if any, says true; anything but false counts as that.
    found.set(oid, { critical: parts.length === 3 && contentOf(parts[1] ?? value)[0] !== 0, value: contentOf(value) })
  }
  return found
}

function extensionValue(extensions: Extensions, oid: string): Uint8Array | undefined {
  const value = extensions.get(oid)?.value
  if (value !== undefined && !isDer(value)) throw new Error(`the extension ${oid} of a certificate is not strict DER`)
  return value
}

function constraintsOf(extensions: Extensions): Pick<Certificate, 'isAuthority' | 'pathLength'> {
  const value = extensionValue(extensions, BASIC_CONSTRAINTS)
  if (value === undefined) return { isAuthority: false }
  const { cA, pathLenConstraint } = readWhole(BasicConstraints, value, 'basicConstraints')
  if (pathLenConstraint === undefined) return { isAuthority: cA }
  if (typeof pathLenConstraint !== 'number' || pathLenConstraint < 0)
    throw new Error('basicConstraints has no sane path length')
  return { isAuthority: cA, pathLength: pathLenConstraint }
}

/** BIT STRING, bit 0 first: digitalSignature 0, nonRepudiation 1, keyCertSign 5. RFC 5280 § 4.2.1.3. */
function usageOf(extensions: Extensions): Pick<Certificate, 'usage'> {
  const value = extensionValue(extensions, KEY_USAGE)
  if (value === undefined) return {}
  if (value[0] !== 0x03 || value.byteLength < 4) throw new Error('the key usage of a certificate is not a bit string')
  const bits = value[3] ?? 0
  return { usage: { signs: (bits & 0xc0) !== 0, certifies: (bits & 0x04) !== 0 } }
}

function purposesOf(extensions: Extensions): Pick<Certificate, 'purposes'> {
  const value = extensionValue(extensions, EXTENDED_KEY_USAGE)
  return value === undefined ? {} : { purposes: readWhole(ExtKeyUsage, value, 'extKeyUsage').keyPurposes }
}

function emailsOf(extensions: Extensions): readonly string[] {
  const value = extensionValue(extensions, ALTERNATIVE_NAME)
  if (value === undefined) return []
  const { names } = readWhole(GeneralNames, value, 'subjectAltName')
  const raw = childrenOf(parseBer(value, 'subjectAltName'))
  return names.flatMap(({ type }, at) => (type === RFC822_NAME ? [emailOf(contentOf(raw[at] ?? never()))] : []))
}

/** IA5String; what is not plain ASCII without spaces is nobody's address, and could be shown as somebody's. */
function emailOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('an e-mail address in a certificate is not plain ASCII')
  return text
}

function keyIdOf(extensions: Extensions): Pick<Certificate, 'keyId'> {
  const value = extensionValue(extensions, SUBJECT_KEY_ID)
  return value === undefined ? {} : { keyId: contentOf(parseBer(value, 'subjectKeyIdentifier')) }
}

function signatureHashOf(block: BaseBlock): Certificate['signatureHash'] {
  const algorithm = signatureAlgorithmOf(new AlgorithmIdentifier({ schema: block }))
  if (algorithm === undefined || algorithm.family === 'dsa') return undefined
  if (algorithm.hash === 'weak') return 'weak'
  return algorithm.hash === undefined && algorithm.family !== 'ed25519' ? undefined : 'strong'
}

function validityOf(block: BaseBlock): Pick<Certificate, 'notBefore' | 'notAfter'> {
  const [from, to, ...more] = childrenOf(block)
  if (more.length > 0) throw incomplete()
  return { notBefore: timeOf(from), notAfter: timeOf(to) }
}

function timeOf(block: BaseBlock | undefined): Date {
  const date = block instanceof UTCTime || block instanceof GeneralizedTime ? block.toDate() : undefined
  if (date === undefined || Number.isNaN(date.getTime())) throw new Error('the validity of a certificate is not a time')
  return date
}

function attempt(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

function never(): never {
  throw new Error('a certificate changed while it was read')
}
