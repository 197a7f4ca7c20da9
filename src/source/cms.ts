import type { BaseBlock } from 'asn1js'
import { Attribute, ContentInfo, IssuerAndSerialNumber, SignedData, type SignerInfo } from 'pkijs'
import { equalBytes } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { childrenOf, contentOf, isContext, isDer, parseBer, rawOf, readWhole } from './cms-asn1.ts'
import { type Certificate, readCertificate } from './x509.ts'
import { type Hash, hashOf, type SignatureAlgorithm, signatureAlgorithmOf } from './x509-algorithm.ts'

/**
 * A detached CMS signature, as git stores it for `gpg.format=x509` (RFC 5652).
 *
 *     ContentInfo           signedData
 *       SignedData          version, digestAlgorithms, {data, no content}, [0] certificates, no CRLs, one SignerInfo
 *         SignerInfo        version, issuer and serial | [0] key id, digest algorithm,
 *                           [0] signed attributes: contentType = data, messageDigest = hash of the commit, others
 *                           signature algorithm, signature,
 *                           [1] unsigned attributes: gitsign's log entry, an RFC 3161 token, others
 *
 *     signed bytes = DER of the signed attributes as SET OF (not as [0]): what is signed begins with 0x31
 *
 * gpgsm and `openssl cms -stream` write indefinite lengths around DER signed attributes [run]; RFC 5652 § 5.3 wants the
 * attributes in DER whatever surrounds them, so anything else refuses.
 * Traps: (1) a signature that carries its own content is valid for words that are not this commit; (2) without signed
 * attributes the signature is over the content itself, and bytes that are attributes could be presented as content;
 * (3) two signers: some programs ask whether one is good, some whether all are; (4) what is in the unsigned attributes
 * was put there by whoever had the signature last. Vectors: `__tests__/vectors/commit/x509-*`.
 */
export interface CmsSignature {
  readonly hash: Hash
  /** Of the commit, as the signer says. */
  readonly messageDigest: Uint8Array
  /** The bytes under the signature. */
  readonly signed: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  readonly signer: Certificate
  /** The others that came along, in their order. */
  readonly certificates: readonly Certificate[]
  /** gitsign's TransparencyLogEntry, a protocol buffer; unproven. */
  readonly logEntry?: Uint8Array
  /** RFC 3161 TimeStampToken; unproven. */
  readonly timestamp?: Uint8Array
}

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const DATA = '1.2.840.113549.1.7.1'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const TIMESTAMP_TOKEN = '1.2.840.113549.1.9.16.2.14'
/** sigstore/gitsign internal/rekor/oid. */
const LOG_ENTRY = '1.3.6.1.4.1.57264.3.1'

/** @throws `source/malformed`, `source/weak-hash`, `source/weak-signature`, `source/signature-unsupported` */
export function parseCms(bytes: Uint8Array): CmsSignature {
  try {
    if (bytes.byteLength > LIMITS.cmsBytes) throw new Error(`more than ${LIMITS.cmsBytes} bytes`)
    return read(bytes)
  } catch (error) {
    if (error instanceof WaybillError) throw error
    const found = error instanceof Error ? error.message : 'unreadable'
    throw fail('source/malformed', `The CMS signature is not one that can be judged: ${printable(found, 300)}`, {
      expected: 'a detached CMS signature with one signer and signed attributes, as gpgsm and gitsign write it',
      found,
      cause: error,
    })
  }
}

function read(bytes: Uint8Array): CmsSignature {
  const { contentType } = readWhole(ContentInfo, bytes, 'the signature')
  if (contentType !== SIGNED_DATA) throw new Error('a content that is not signed data')
  // What is read by the library is compared; what is judged are the bytes as they came.
  const block = only(childrenOf(childrenOf(parseBer(bytes, 'the signature'))[1]), 'signed data')
  const data = readWhole(SignedData, rawOf(block), 'the signed data')
  requireDetached(data)
  const signer = only(data.signerInfos, 'signers')
  const [digest] = data.digestAlgorithms
  if (data.digestAlgorithms.length !== 1 || digest?.algorithmId !== signer.digestAlgorithm.algorithmId)
    throw new Error('digest algorithms other than its signer’s')
  const info = only(childrenOf(childrenOf(block).at(-1)), 'signers')
  const certificates = certificatesOf(block)
  const certificate = only(certificates.filter(matcher(signer, info)), 'certificates of its signer')
  return {
    ...signatureOf(signer, info),
    signer: certificate,
    certificates: certificates.filter(other => other !== certificate),
    ...unsignedOf(childrenOf(info).find(part => isContext(part, 1))),
  }
}

function only<T>(list: readonly T[], what: string): T {
  const [item, ...more] = list
  if (item === undefined || more.length > 0) throw new Error(`${list.length} ${what} instead of one`)
  return item
}

function requireDetached({ version, encapContentInfo, crls }: SignedData): void {
  if (version !== 1 && version !== 3) throw new Error(`signed data of version ${version}`)
  if (encapContentInfo.eContentType !== DATA) throw new Error('content of another type than data')
  if (encapContentInfo.eContent !== undefined) throw new Error('content of its own, which is not this commit')
  if (crls !== undefined) throw new Error('revocation lists in it')
}

/** Duplicates are dropped: which of two equal ones is meant makes no difference. */
function certificatesOf(signedData: BaseBlock): readonly Certificate[] {
  const set = childrenOf(signedData).find(part => isContext(part, 0))
  const blocks = childrenOf(set)
  if (blocks.length > LIMITS.cmsCertificates) throw new Error(`more than ${LIMITS.cmsCertificates} certificates`)
  const read = blocks.map(block => readCertificate(rawOf(block)))
  return read.filter((one, at) => read.findIndex(({ fingerprint }) => fingerprint === one.fingerprint) === at)
}

/** RFC 5652 § 5.3: version 1 names issuer and serial number, version 3 the subject key identifier. */
function matcher({ version, sid }: SignerInfo, info: BaseBlock): (certificate: Certificate) => boolean {
  const block = childrenOf(info)[1]
  if (block !== undefined && version === 1 && sid instanceof IssuerAndSerialNumber) {
    const [issuer, serial] = childrenOf(block).map(rawOf)
    return one => equalBytes(one.issuer, issuer ?? EMPTY) && equalBytes(one.serialDer, serial ?? EMPTY)
  }
  if (block !== undefined && version === 3 && isContext(block, 0) && !block.idBlock.isConstructed) {
    const keyId = contentOf(block)
    return one => one.keyId !== undefined && equalBytes(one.keyId, keyId)
  }
  throw new Error('a signer that is not named as its version says')
}

const EMPTY = new Uint8Array()

type Signed = Pick<CmsSignature, 'hash' | 'messageDigest' | 'signed' | 'algorithm' | 'signature'>

function signatureOf(signer: SignerInfo, info: BaseBlock): Signed {
  const hash = requireHash(signer.digestAlgorithm.algorithmId)
  const parts = childrenOf(info)
  const attributes = parts[3]
  if (attributes === undefined || !isContext(attributes, 0)) throw new Error('no signed attributes')
  const signed = rawOf(attributes)
  signed[0] = 0x31
  if (!isDer(signed)) throw new Error('signed attributes that are not in DER')
  const values = attributesOf(attributes)
  if (objectId(values.get(CONTENT_TYPE)) !== DATA) throw new Error('no content type “data” in its signed attributes')
  const signature = parts[5]
  if (signature === undefined || signature.idBlock.isConstructed) throw new Error('a signature in pieces')
  return {
    hash,
    messageDigest: octetsOf(values.get(MESSAGE_DIGEST), 'message digest'),
    signed,
    algorithm: requireAlgorithm(signer, hash),
    signature: contentOf(signature),
  }
}

/** Values by type. Every attribute stands there once and has one value, or two programs could each take another. */
function attributesOf(set: BaseBlock): ReadonlyMap<string, BaseBlock> {
  const found = new Map<string, BaseBlock>()
  for (const block of childrenOf(set)) {
    const { type } = readWhole(Attribute, rawOf(block), 'an attribute')
    if (found.has(type)) throw new Error(`the attribute ${type} twice`)
    found.set(type, only(childrenOf(childrenOf(block)[1]), `values of the attribute ${type}`))
  }
  return found
}

function unsignedOf(set: BaseBlock | undefined): Pick<CmsSignature, 'logEntry' | 'timestamp'> {
  if (set === undefined) return {}
  const values = attributesOf(set)
  const [entry, token] = [values.get(LOG_ENTRY), values.get(TIMESTAMP_TOKEN)]
  return {
    ...(entry === undefined ? {} : { logEntry: octetsOf(entry, 'log entry') }),
    ...(token === undefined ? {} : { timestamp: rawOf(token) }),
  }
}

function octetsOf(block: BaseBlock | undefined, what: string): Uint8Array {
  const { tagClass, tagNumber, isConstructed } = block?.idBlock ?? {}
  if (block === undefined || tagClass !== 1 || tagNumber !== 4 || isConstructed)
    throw new Error(`no ${what} in one piece`)
  return contentOf(block)
}

/** Dotted text of an OBJECT IDENTIFIER; anything else is no text. */
function objectId(block: BaseBlock | undefined): string | undefined {
  if (block === undefined || block.idBlock.tagClass !== 1 || block.idBlock.tagNumber !== 6) return undefined
  return block.valueBlock.toString()
}

function requireHash(oid: string): Hash {
  const hash = hashOf(oid)
  if (hash === 'weak') throw weakHash()
  if (hash === undefined) throw unsupported(`the digest algorithm ${oid}`)
  return hash
}

/** RFC 8419 § 3.1: Ed25519 goes with SHA-512; elsewhere the two hashes must be one. */
function requireAlgorithm({ signatureAlgorithm }: SignerInfo, hash: Hash): SignatureAlgorithm {
  const algorithm = signatureAlgorithmOf(signatureAlgorithm)
  if (algorithm === undefined) throw unsupported(`the signature algorithm ${signatureAlgorithm.algorithmId}`)
  if (algorithm.hash === 'weak') throw weakHash()
  if (algorithm.family === 'dsa')
    throw fail('source/weak-signature', 'The X.509 signature is made with DSA', { found: 'DSA' })
  if (algorithm.family === 'ed25519' && hash !== 'sha512') throw new Error(`Ed25519 beside ${hash}`)
  if (algorithm.hash !== undefined && algorithm.hash !== hash) throw new Error('two different hashes')
  return algorithm
}

function weakHash(): WaybillError {
  return fail('source/weak-hash', 'The X.509 signature rests on MD5 or SHA-1', {
    expected: 'SHA-256, SHA-384 or SHA-512',
    found: 'MD5 or SHA-1',
    remedy: 'Sign the commit again with SHA-256: git commit --amend --no-edit -S (with gpgsm: digest-algo SHA256)',
  })
}

function unsupported(found: string): WaybillError {
  return fail('source/signature-unsupported', `The X.509 signature uses ${found}, which is not judged`, {
    expected: 'RSA, ECDSA on P-256, P-384 or P-521, or Ed25519, with SHA-256, SHA-384 or SHA-512',
    found,
  })
}
