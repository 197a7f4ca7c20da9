import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Key, SignaturePacket, Subkey } from 'openpgp'
import { encodeBase64 } from '../core/bytes.ts'

/** A key or subkey that may stand behind a signature, with everything the library can say about it, judged without dates. */
export interface SigningKey {
  /** Upper-case hex. */
  readonly fingerprint: string
  /** Upper-case hex of the primary key. */
  readonly primary: string
  readonly version: number
  /** Number of RFC 9580 § 9.1; a signature must carry the same. */
  readonly algorithmNumber: number
  /** `rsa`, `ecdsa-p256`, `ed25519` … or `algorithm 17` for what is not judged. */
  readonly algorithm: string
  readonly bits: number
  /** Absent when the algorithm is not judged. */
  readonly keyObject?: KeyObject
  readonly expires?: Date
  readonly revoked: boolean
  /** Why the key may not sign commits; absent: it may. */
  readonly problem?: string
  /** When its newest self-signature says it was made: of two copies of a key, the newer one tells the expiry. */
  readonly updated: Date
}

type Library = typeof import('openpgp')
type Packet = Key['keyPacket'] | Subkey['keyPacket']

/** The library compares times unless the date is null, which its types do not say. Times are for the policy to judge. */
const NO_DATE = null as unknown as Date
const CAN_SIGN = 0x02

/** The primary key and every subkey of one key, whatever they may be used for. */
export async function signingKeysOf(key: Key, openpgp: Library): Promise<readonly SigningKey[]> {
  const types = openpgp.enums.signature
  const primary = key.keyPacket
  const self = await newest(selfSignatures(key), ({ signature, data }) => isBy(primary, signature, data))
  const revoked = await anyValid(key.revocationSignatures, primary, types.keyRevocation, { key: primary })
  const primaryExpires = self === undefined ? undefined : expiryOf(primary, self.signature)
  const whole = { primary: hex(primary), updated: self?.signature.created ?? new Date(0) }
  const first: SigningKey = {
    ...describe(primary),
    ...whole,
    revoked,
    ...(primaryExpires === undefined ? {} : { expires: primaryExpires }),
    ...problemOf(self === undefined || maySign(self.signature) ? undefined : 'it is not marked for signing'),
  }
  const rest = key.subkeys.map(async subkey => {
    const bound = await bindingOf(subkey, primary, types)
    const expires = earliest(primaryExpires, bound.expires)
    const own = await anyValid(subkey.revocationSignatures, primary, types.subkeyRevocation, {
      key: primary,
      bind: subkey.keyPacket,
    })
    return {
      ...describe(subkey.keyPacket),
      ...whole,
      updated: bound.updated ?? new Date(0),
      revoked: revoked || own,
      ...(expires === undefined ? {} : { expires }),
      ...problemOf(bound.problem),
    }
  })
  return [first, ...(await Promise.all(rest))]
}

interface Claim {
  readonly signature: SignaturePacket
  readonly data: object
}

/** Direct-key signatures are missing in the library's types. */
function selfSignatures(key: Key): readonly Claim[] {
  const direct = (key as Key & { directSignatures?: SignaturePacket[] }).directSignatures ?? []
  const users = key.users.flatMap(user =>
    user.selfCertifications.map(signature => ({
      signature,
      data: { userID: user.userID, userAttribute: user.userAttribute, key: key.keyPacket },
    })),
  )
  return [...direct.map(signature => ({ signature, data: { key: key.keyPacket } })), ...users]
}

async function bindingOf(
  subkey: Subkey,
  primary: Packet,
  types: Library['enums']['signature'],
): Promise<{ expires?: Date; updated?: Date; problem?: string }> {
  const data = { key: primary, bind: subkey.keyPacket }
  const claims = subkey.bindingSignatures.map(signature => ({ signature, data }))
  const binding = await newest(claims, claim => isBy(primary, claim.signature, data))
  if (binding === undefined) return { problem: 'it is not bound to its primary key' }
  const { signature } = binding
  const expires = expiryOf(subkey.keyPacket, signature)
  const times = { updated: signature.created ?? new Date(0), ...(expires === undefined ? {} : { expires }) }
  if (!maySign(signature)) return { ...times, problem: 'it is not marked for signing' }
  // Without the back signature anybody could bind another person's signing subkey to his own primary key.
  const back = signature.embeddedSignature
  const proved = back !== null && back.signatureType === types.keyBinding && (await isBy(subkey.keyPacket, back, data))
  return proved ? times : { ...times, problem: 'it did not confirm that it belongs to its primary key' }
}

async function isBy(signer: Packet, signature: SignaturePacket, data: object): Promise<boolean> {
  if (signature.signatureType === null) return false
  return signature.verify(signer, signature.signatureType, data, NO_DATE).then(
    () => true,
    () => false,
  )
}

async function newest(claims: readonly Claim[], valid: (claim: Claim) => Promise<boolean>): Promise<Claim | undefined> {
  const byTime = [...claims].sort((a, b) => timeOf(b.signature) - timeOf(a.signature))
  for (const claim of byTime) if (await valid(claim)) return claim
  return undefined
}

async function anyValid(
  signatures: readonly SignaturePacket[],
  by: Packet,
  type: number,
  data: object,
): Promise<boolean> {
  for (const signature of signatures) {
    if (signature.signatureType === type && (await isBy(by, signature, data))) return true
  }
  return false
}

/** RFC 9580 § 5.2.3.29; a signature without flags leaves the use to the algorithm. */
function maySign(signature: SignaturePacket): boolean {
  return signature.keyFlags === null || ((signature.keyFlags[0] ?? 0) & CAN_SIGN) !== 0
}

function expiryOf(key: Packet, signature: SignaturePacket): Date | undefined {
  const seconds = signature.keyExpirationTime ?? 0
  const own = seconds === 0 ? undefined : new Date(key.created.getTime() + seconds * 1000)
  const ends = signature.getExpirationTime()
  return earliest(own, ends instanceof Date ? ends : undefined)
}

export function earliest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}

function timeOf(signature: SignaturePacket): number {
  return signature.created?.getTime() ?? 0
}

function problemOf(problem: string | undefined): { problem?: string } {
  return problem === undefined ? {} : { problem }
}

/** OpenPGP curve names of the library → JOSE names and ours. */
const CURVES: Readonly<Record<string, { crv: string; algorithm: string; bits: number; bytes: number }>> = {
  nistP256: { crv: 'P-256', algorithm: 'ecdsa-p256', bits: 256, bytes: 32 },
  nistP384: { crv: 'P-384', algorithm: 'ecdsa-p384', bits: 384, bytes: 48 },
  nistP521: { crv: 'P-521', algorithm: 'ecdsa-p521', bits: 521, bytes: 66 },
}

function describe(
  packet: Packet,
): Pick<SigningKey, 'fingerprint' | 'version' | 'algorithmNumber' | 'algorithm' | 'bits' | 'keyObject'> {
  const number: number = packet.algorithm
  const base = { fingerprint: hex(packet), version: packet.version, algorithmNumber: number }
  const { bits = 0, curve = '' } = packet.getAlgorithmInfo()
  const { n, e, Q, A } = packet.publicParams as Readonly<Record<string, Uint8Array>>
  if ((number === 1 || number === 3) && n !== undefined && e !== undefined) {
    return { ...base, algorithm: 'rsa', bits, ...keyFrom({ kty: 'RSA', n: url64(n), e: url64(e) }) }
  }
  const shape = CURVES[curve]
  if (number === 19 && Q !== undefined && shape !== undefined && Q[0] === 4 && Q.byteLength === shape.bytes * 2 + 1) {
    const point = { x: url64(Q.subarray(1, 1 + shape.bytes)), y: url64(Q.subarray(1 + shape.bytes)) }
    return {
      ...base,
      algorithm: shape.algorithm,
      bits: shape.bits,
      ...keyFrom({ kty: 'EC', crv: shape.crv, ...point }),
    }
  }
  // Legacy EdDSA keys have 0x40 in front of the 32 bytes.
  const point = number === 22 && Q?.byteLength === 33 && Q[0] === 0x40 ? Q.subarray(1) : A
  if ((number === 22 || number === 27) && point?.byteLength === 32) {
    return { ...base, algorithm: 'ed25519', bits: 256, ...keyFrom({ kty: 'OKP', crv: 'Ed25519', x: url64(point) }) }
  }
  if (number === 28 && A !== undefined) {
    return { ...base, algorithm: 'ed448', bits: 456, ...keyFrom({ kty: 'OKP', crv: 'Ed448', x: url64(A) }) }
  }
  return { ...base, algorithm: number === 17 ? 'dsa' : `algorithm ${number}`, bits }
}

/** Numbers that are no key (a point off its curve) give none, and every signature by it is then refused. */
function keyFrom(jwk: { kty: string } & Record<string, string>): { keyObject?: KeyObject } {
  try {
    return { keyObject: createPublicKey({ key: jwk, format: 'jwk' }) }
  } catch {
    return {}
  }
}

function hex(packet: Packet): string {
  return packet.getFingerprint().toUpperCase()
}

function url64(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
}
