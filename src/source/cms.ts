import type { BaseBlock } from 'asn1js'
import { AlgorithmIdentifier } from 'pkijs'
import { equalBytes } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { contentOf, isContext, isDer, objectId, parseBer, rawOf, readWhole } from './cms-asn1.ts'
import {
  attributesOf,
  DATA,
  isNumber,
  octetsOf,
  only,
  partsOf,
  type Signer,
  signedDataOf,
  signerOf,
} from './cms-structure.ts'
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

export type ReadCertificate = (der: Uint8Array) => Certificate

const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const TIMESTAMP_TOKEN = '1.2.840.113549.1.9.16.2.14'
/** sigstore/gitsign internal/rekor/oid. */
const LOG_ENTRY = '1.3.6.1.4.1.57264.3.1'

/**
 * @param certificate reads one certificate; callers that meet the same ones often keep them.
 * @throws `source/malformed`, `source/weak-hash`, `source/weak-signature`, `source/signature-unsupported`
 */
export function parseCms(bytes: Uint8Array, certificate: ReadCertificate = readCertificate): CmsSignature {
  try {
    if (bytes.byteLength > LIMITS.cmsBytes) throw new Error(`more than ${LIMITS.cmsBytes} bytes`)
    return read(bytes, certificate)
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

function read(bytes: Uint8Array, certificate: ReadCertificate): CmsSignature {
  const data = signedDataOf(parseBer(bytes, 'the signature'))
  const signer = signerOf(data.signerInfo)
  const hash = requireHash(algorithmOf(signer.digestAlgorithm).algorithmId)
  if (algorithmOf(data.digestAlgorithm).algorithmId !== algorithmOf(signer.digestAlgorithm).algorithmId)
    throw new Error('a digest algorithm other than its signer’s')
  const certificates = certificatesOf(data.certificates, certificate)
  const own = only(certificates.filter(matcher(signer)), 'certificates of its signer')
  return {
    ...signatureOf(signer, hash),
    signer: own,
    certificates: certificates.filter(other => other !== own),
    ...unsignedOf(signer.unsignedAttributes),
  }
}

/** AlgorithmIdentifier ::= SEQUENCE { algorithm, parameters }; which hash and which key depend on it. */
function algorithmOf(block: BaseBlock): AlgorithmIdentifier {
  return readWhole(AlgorithmIdentifier, rawOf(block), 'an algorithm')
}

/** Duplicates are dropped: which of two equal ones is meant makes no difference. */
function certificatesOf(blocks: readonly BaseBlock[], certificate: ReadCertificate): readonly Certificate[] {
  if (blocks.length > LIMITS.cmsCertificates) throw new Error(`more than ${LIMITS.cmsCertificates} certificates`)
  const read = blocks.map(block => certificate(rawOf(block)))
  return read.filter((one, at) => read.findIndex(({ fingerprint }) => fingerprint === one.fingerprint) === at)
}

/** RFC 5652 § 5.3: version 1 names issuer and serial number, version 3 the subject key identifier. */
function matcher({ version, id }: Signer): (certificate: Certificate) => boolean {
  if (isNumber(version, 1)) {
    const [issuer, serial] = partsOf(id, 2, 'a signer’s name').map(rawOf)
    return one => equalBytes(one.issuer, issuer ?? EMPTY) && equalBytes(one.serialDer, serial ?? EMPTY)
  }
  if (isNumber(version, 3) && isContext(id, 0) && !id.idBlock.isConstructed) {
    const keyId = contentOf(id)
    return one => one.keyId !== undefined && equalBytes(one.keyId, keyId)
  }
  throw new Error('a signer that is not named as its version says')
}

const EMPTY = new Uint8Array()

type Signed = Pick<CmsSignature, 'hash' | 'messageDigest' | 'signed' | 'algorithm' | 'signature'>

function signatureOf(signer: Signer, hash: Hash): Signed {
  const signed = rawOf(signer.signedAttributes)
  signed[0] = 0x31
  if (!isDer(signed)) throw new Error('signed attributes that are not in DER')
  const values = attributesOf(signer.signedAttributes)
  if (objectId(values.get(CONTENT_TYPE)) !== DATA) throw new Error('no content type “data” in its signed attributes')
  return {
    hash,
    messageDigest: octetsOf(values.get(MESSAGE_DIGEST), 'message digest'),
    signed,
    algorithm: requireAlgorithm(signer, hash),
    signature: octetsOf(signer.signature, 'signature'),
  }
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

function requireHash(oid: string): Hash {
  const hash = hashOf(oid)
  if (hash === 'weak') throw weakHash()
  if (hash === undefined) throw unsupported(`the digest algorithm ${oid}`)
  return hash
}

/** RFC 8419 § 3.1: Ed25519 goes with SHA-512; elsewhere the two hashes must be one. */
function requireAlgorithm({ signatureAlgorithm }: Signer, hash: Hash): SignatureAlgorithm {
  const id = algorithmOf(signatureAlgorithm)
  const algorithm = signatureAlgorithmOf(id)
  if (algorithm === undefined) throw unsupported(`the signature algorithm ${id.algorithmId}`)
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
