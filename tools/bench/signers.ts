import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import * as openpgp from 'openpgp'
import { makeSshSigner } from '../../__tests__/fakes/ssh-signer.ts'

/** Somebody who signs commits in this process, on all cores. */
export interface Signer {
  readonly name: string
  readonly email: string
  /** As the policy names the key, with the file it lies in. */
  readonly key:
    | { readonly fingerprint: string; readonly file: string; readonly armored: string }
    | { readonly ssh: string }
  sign(payload: Uint8Array): Promise<string>
}

const signAsync = promisify(sign)
/** RFC 9580 § 9.1 and § 9.5. */
const RSA = 1
const EDDSA = 22
const SHA512 = 10

export async function openpgpSigner(name: string, kind: 'rsa4096' | 'ed25519'): Promise<Signer> {
  const email = `${name}@example.com`
  const shape =
    kind === 'rsa4096' ? ({ type: 'rsa', rsaBits: 4096 } as const) : ({ type: 'ecc', curve: 'ed25519Legacy' } as const)
  const { privateKey } = await openpgp.generateKey({
    ...shape,
    userIDs: [{ name, email }],
    subkeys: [],
    format: 'object',
    // Commits are dated by the bench; a key must not be younger than what it signs.
    date: new Date(1_700_000_000_000),
  })
  const fingerprint = privateKey.getFingerprint()
  const key = keyObjectOf(privateKey)
  return {
    name,
    email,
    key: { fingerprint: fingerprint.toUpperCase(), file: `keys/${name}.asc`, armored: privateKey.toPublic().armor() },
    sign: payload => signOpenpgp(key, Buffer.from(fingerprint, 'hex'), kind === 'rsa4096' ? RSA : EDDSA, payload),
  }
}

export function sshSigner(name: string): Signer {
  const signer = makeSshSigner()
  const ssh = signer.publicKey
  return { name, email: `${name}@example.com`, key: { ssh }, sign: async payload => signer.sign(payload) }
}

/** A detached signature, version 4, type 0x00 (RFC 9580 § 5.2.3), as gpg writes it. */
async function signOpenpgp(
  key: KeyObject,
  fingerprint: Buffer,
  algorithm: number,
  payload: Uint8Array,
): Promise<string> {
  const created = Buffer.alloc(4)
  created.writeUInt32BE(timeOf(payload))
  const hashed = Buffer.concat([Buffer.from([22, 33, 4]), fingerprint, Buffer.from([5, 2]), created])
  const signed = Buffer.concat([Buffer.from([4, 0, algorithm, SHA512, 0, hashed.byteLength]), hashed])
  const trailer = Buffer.from([4, 0xff, 0, 0, 0, signed.byteLength])
  const data = Buffer.concat([payload, signed, trailer])
  const digest = createHash('sha512').update(data).digest()
  const numbers =
    algorithm === RSA ? mpi(await signAsync('sha512', data, key)) : pair(await signAsync(null, digest, key))
  const unhashed = Buffer.concat([Buffer.from([0, 10, 9, 16]), fingerprint.subarray(-8)])
  const body = Buffer.concat([signed, unhashed, digest.subarray(0, 2), numbers])
  const length = Buffer.from([body.byteLength >> 8, body.byteLength & 0xff])
  return armor(Buffer.concat([Buffer.from([0x89]), length, body]))
}

/** Signed when it was committed. */
function timeOf(payload: Uint8Array): number {
  return Number(/^committer .* (\d+) \+0000$/m.exec(Buffer.from(payload).toString('latin1'))?.[1])
}

function pair(signature: Buffer): Buffer {
  return Buffer.concat([mpi(signature.subarray(0, 32)), mpi(signature.subarray(32))])
}

function mpi(number: Buffer): Buffer {
  const first = number.findIndex(byte => byte !== 0)
  const digits = number.subarray(first)
  const bits = digits.byteLength * 8 - (Math.clz32(digits[0] ?? 0) - 24)
  return Buffer.concat([Buffer.from([bits >> 8, bits & 0xff]), digits])
}

function armor(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN PGP SIGNATURE-----', '', ...lines, '-----END PGP SIGNATURE-----'].join('\n')
}

/** The library signs slowly and on one thread, so its keys are taken out. */
function keyObjectOf(key: openpgp.PrivateKey): KeyObject {
  const publicNumbers = key.keyPacket.publicParams as Readonly<Record<string, Uint8Array>>
  const secret = (key.keyPacket as openpgp.SecretKeyPacket).privateParams as Readonly<Record<string, Uint8Array>>
  const { n, e, Q } = publicNumbers
  const { d, p, q, u, seed } = secret
  if (Q !== undefined && seed !== undefined)
    return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: url(Q.subarray(1)), d: url(seed) } })
  if (n === undefined || e === undefined || d === undefined || p === undefined || q === undefined || u === undefined)
    throw new Error('openpgp made another kind of key')
  // OpenPGP keeps the inverse of p modulo q, a JWK that of q modulo p: the primes change their names.
  const rest = (prime: Uint8Array) => bytesOf(numberOf(d) % (numberOf(prime) - 1n))
  return createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'RSA',
      n: url(n),
      e: url(e),
      d: url(d),
      p: url(q),
      q: url(p),
      dp: url(rest(q)),
      dq: url(rest(p)),
      qi: url(u),
    },
  })
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function bytesOf(number: bigint): Uint8Array {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
