import { createHash, type KeyObject, X509Certificate as NodeCertificate } from 'node:crypto'
import { BasicConstraints, Certificate as CertificateReader, type Extension, ExtKeyUsage, GeneralNames } from 'pkijs'
import { equalBytes } from '../core/bytes.ts'
import { printable } from '../core/text.ts'
import { childrenOf, contentOf, isDer, parseBer, rawOf, readWhole } from './cms-asn1.ts'
import { signatureAlgorithmOf } from './x509-algorithm.ts'

/**
 * One certificate, strictly DER (RFC 5280 § 4.1), read twice: what OpenSSL verifies is what is read here.
 *
 *     TBSCertificate    [0] version, serial, algorithm, issuer, validity, subject, subjectPublicKeyInfo, [3] extensions
 *     extensions read   basicConstraints, keyUsage, extKeyUsage, subjectAltName (rfc822Name alone)
 *
 * Traps: (1) an e-mail address in the subject is text that authorities often leave to the applicant: only the alternative
 * name counts; (2) an extension that is critical and not understood here, name constraints among them, may say that the
 * certificate is not for this, so it refuses.
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
  /** Critical extensions that are not understood. */
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
/** Fulcio docs/oid-info.md. */
const FULCIO_ISSUERS = ['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8']
const RFC822_NAME = 1

/** @throws an Error with a sentence when this is not one certificate in strict DER. */
export function readCertificate(der: Uint8Array): Certificate {
  if (!isDer(der)) throw new Error('a certificate is not strict DER')
  const read = readWhole(CertificateReader, der, 'a certificate')
  const node = nodeCertificate(der)
  const extensions = extensionsOf(read)
  const fields = childrenOf(childrenOf(parseBer(der, 'a certificate'))[0])
  const [serial, , issuer] = fields[0]?.idBlock.tagClass === 3 ? fields.slice(1) : fields
  if (serial === undefined || issuer === undefined) throw new Error('a certificate has no serial number or issuer')
  const basics = constraintsOf(extensions)
  return {
    der,
    fingerprint: createHash('sha256').update(der).digest('hex').toUpperCase(),
    serial: Buffer.from(contentOf(serial)).toString('hex').toUpperCase(),
    serialDer: rawOf(serial),
    issuer: rawOf(issuer),
    subject: new Uint8Array(read.subject.toSchema().toBER()),
    issuerText: printable(node.issuer.replaceAll('\n', ', '), 300),
    key: node.publicKey,
    isSignedBy: key => attempt(() => node.verify(key)),
    signatureHash: signatureHashOf(read),
    notBefore: validTime(read.notBefore.value),
    notAfter: validTime(read.notAfter.value),
    ...basics,
    ...usageOf(extensions),
    ...purposesOf(extensions),
    emails: emailsOf(extensions),
    ...keyIdOf(extensions),
    notUnderstood: [...extensions.values()]
      .filter(e => e.critical && !UNDERSTOOD.includes(e.extnID))
      .map(e => e.extnID),
    looksLikeFulcio: FULCIO_ISSUERS.some(oid => extensions.has(oid)),
  }
}

function nodeCertificate(der: Uint8Array): NodeCertificate {
  try {
    const node = new NodeCertificate(Buffer.from(der))
    // Reading the key may throw as well.
    if (equalBytes(node.raw, der) && node.publicKey.type === 'public') return node
  } catch {}
  throw new Error('a certificate cannot be read in one way only')
}

function extensionsOf({ extensions = [] }: CertificateReader): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>()
  for (const extension of extensions) {
    // Readers differ in which of two they take.
    if (found.has(extension.extnID)) throw new Error(`a certificate has the extension ${extension.extnID} twice`)
    found.set(extension.extnID, extension)
  }
  return found
}

type Extensions = ReadonlyMap<string, Extension>

function extensionValue(extensions: Extensions, oid: string): Uint8Array | undefined {
  const extension = extensions.get(oid)
  if (extension === undefined) return undefined
  const value = new Uint8Array(extension.extnValue.valueBlock.valueHexView)
  if (!isDer(value)) throw new Error(`the extension ${oid} of a certificate is not strict DER`)
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

function signatureHashOf({ signature, signatureAlgorithm }: CertificateReader): Certificate['signatureHash'] {
  if (signatureAlgorithm.algorithmId !== signature.algorithmId)
    throw new Error('a certificate names two signature algorithms')
  const algorithm = signatureAlgorithmOf(signatureAlgorithm)
  if (algorithm === undefined || algorithm.family === 'dsa') return undefined
  if (algorithm.hash === 'weak') return 'weak'
  return algorithm.hash === undefined && algorithm.family !== 'ed25519' ? undefined : 'strong'
}

function validTime(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw new Error('the validity of a certificate is not a time')
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
