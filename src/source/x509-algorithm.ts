import { AlgorithmIdentifier, RSASSAPSSParams } from 'pkijs'
import { rawOf, readWhole } from './cms-asn1.ts'

export type Hash = 'sha256' | 'sha384' | 'sha512'

/** How something was signed. `hash` is absent where the algorithm has its own. */
export interface SignatureAlgorithm {
  readonly family: 'rsa' | 'rsa-pss' | 'ecdsa' | 'ed25519' | 'dsa'
  /** `weak`: MD5 or SHA-1. */
  readonly hash?: Hash | 'weak'
  /** Bytes; RSASSA-PSS only. */
  readonly saltLength?: number
}

/** RFC 5754 § 2, RFC 3370 § 2. */
const HASHES: Readonly<Record<string, Hash | 'weak'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.3.14.3.2.26': 'weak',
  '1.2.840.113549.2.5': 'weak',
}

/** RFC 8017 App. C, RFC 5758 § 3, RFC 8410 § 3, RFC 3279 § 2.2. `rsaEncryption` leaves the hash to the digest algorithm. */
const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.1': { family: 'rsa' },
  '1.2.840.113549.1.1.4': { family: 'rsa', hash: 'weak' },
  '1.2.840.113549.1.1.5': { family: 'rsa', hash: 'weak' },
  '1.2.840.113549.1.1.11': { family: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { family: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { family: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.1': { family: 'ecdsa', hash: 'weak' },
  '1.2.840.10045.4.3.2': { family: 'ecdsa', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { family: 'ecdsa', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { family: 'ecdsa', hash: 'sha512' },
  '1.3.101.112': { family: 'ed25519' },
  '1.2.840.10040.4.1': { family: 'dsa' },
  '1.2.840.10040.4.3': { family: 'dsa', hash: 'weak' },
  '2.16.840.1.101.3.4.3.2': { family: 'dsa', hash: 'sha256' },
}
const PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

/** Undefined: an algorithm that is not judged. */
export function hashOf(oid: string): Hash | 'weak' | undefined {
  return Object.hasOwn(HASHES, oid) ? HASHES[oid] : undefined
}

/** Undefined: an algorithm that is not judged. @throws an Error with a sentence for parameters that cannot be read. */
export function signatureAlgorithmOf(id: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  if (id.algorithmId === PSS) return pssOf(id)
  return Object.hasOwn(ALGORITHMS, id.algorithmId) ? ALGORITHMS[id.algorithmId] : undefined
}

/** RFC 4055 § 3.1: what is left out means SHA-1. Two different hashes in one signature are nobody's honest choice. */
function pssOf({ algorithmParams }: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  if (algorithmParams === undefined) return { family: 'rsa-pss', hash: 'weak' }
  const parameters = readWhole(RSASSAPSSParams, rawOf(algorithmParams), 'the parameters of RSASSA-PSS')
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = parameters
  const mask = maskGenAlgorithm.algorithmParams
  const hash = hashOf(hashAlgorithm.algorithmId)
  if (hash === undefined || maskGenAlgorithm.algorithmId !== MGF1 || mask === undefined || trailerField !== 1)
    return undefined
  if (hash === 'weak') return { family: 'rsa-pss', hash }
  const inner = new AlgorithmIdentifier({ schema: mask })
  return inner.algorithmId === hashAlgorithm.algorithmId ? { family: 'rsa-pss', hash, saltLength } : undefined
}
