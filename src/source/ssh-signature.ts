import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { concatBytes, encodeBase64, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { type SshPublicKey, SshReader } from '../core/ssh-key.ts'
import { printable } from '../core/text.ts'
import { verifies } from './public-key.ts'
import { malformed, strictly, weak } from './ssh-wire.ts'

/**
 * The innermost part of an SSH signature, by a commit's signer or by an authority on a certificate
 * (RFC 4253 § 6.6, RFC 5656 § 3.1.2, RFC 8332, RFC 8709; for `sk-…` OpenSSH PROTOCOL.u2f).
 *
 *     string algorithm | string bytes [| byte flags | uint32 counter, only for sk-…]
 *
 *     algorithm       key                bytes                                 hash of the signed data
 *     ssh-ed25519     ssh-ed25519        64 bytes                              (inside Ed25519)
 *     ecdsa-sha2-…    the same name      mpint r | mpint s                     SHA-256, -384, -512 by curve
 *     rsa-sha2-256    ssh-rsa            as long as the modulus, PKCS #1 v1.5  SHA-256
 *     rsa-sha2-512    ssh-rsa            the same                              SHA-512
 *     sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com: as the plain kind, over what the device saw:
 *                     SHA-256(application) | flags | counter | SHA-256(data)
 *
 * Traps: (1) `ssh-rsa` as *signature* algorithm means SHA-1; (2) flags and counter stand beside the signature and inside
 * the signed bytes, so they are believed only after it was checked; (3) `webauthn-sk-…` signs the JSON of a browser, in
 * which a web site chose the challenge: another purpose, refused by name.
 */
export interface SshSignature {
  readonly algorithm: string
  readonly bytes: Uint8Array
  /** Of a security key: the flags byte and the counter as they were signed. */
  readonly device?: { readonly flags: number; readonly counter: Uint8Array }
}

/** Flags of a security key (CTAP 2.1 § 6.1, WebAuthn § 6.1): somebody touched it; a PIN or finger was checked. */
export const USER_PRESENCE = 0x01
export const USER_VERIFICATION = 0x04

const ECDSA = {
  'ecdsa-sha2-nistp256': { hash: 'sha256', size: 32, curve: 'P-256' },
  'ecdsa-sha2-nistp384': { hash: 'sha384', size: 48, curve: 'P-384' },
  'ecdsa-sha2-nistp521': { hash: 'sha512', size: 66, curve: 'P-521' },
} as const

/**
 * @param key that is said to have made it; an algorithm of another kind of key is refused.
 * @throws `source/malformed`, `source/weak-signature` (SHA-1, DSA), `source/signature-unsupported` (webauthn)
 */
export function parseSshSignature(blob: Uint8Array, key: SshPublicKey): SshSignature {
  return strictly(() => {
    const reader = new SshReader(blob)
    const algorithm = reader.text('signature algorithm')
    checkAlgorithm(algorithm, key)
    const bytes = reader.string('signature bytes')
    if (!algorithm.startsWith('sk-')) {
      reader.end()
      return { algorithm, bytes }
    }
    const [flags = 0] = reader.raw(1, 'flags')
    const counter = reader.raw(4, 'counter')
    reader.end()
    return { algorithm, bytes, device: { flags, counter } }
  })
}

/**
 * True when the signature is over exactly this data.
 * @param keyObject from `sshKeyObject(key)`; callers that meet a key often keep it.
 * @throws `source/malformed` for numbers that OpenSSH would not write.
 */
export async function verifySshSignature(
  { algorithm, bytes, device }: SshSignature,
  data: Uint8Array,
  key: SshPublicKey,
  keyObject: KeyObject,
): Promise<boolean> {
  const signed = device === undefined ? data : seenByDevice(device, data, key.application ?? '')
  const plain = plainName(algorithm)
  if (plain === 'ssh-ed25519') return bytes.byteLength === 64 && (await verifies(null, signed, keyObject, bytes))
  if (plain === 'rsa-sha2-256' || plain === 'rsa-sha2-512') {
    return verifies(plain === 'rsa-sha2-256' ? 'sha256' : 'sha512', signed, keyObject, bytes)
  }
  const ecdsa = ECDSA[plain as keyof typeof ECDSA]
  const pair = strictly(() => readPair(bytes, ecdsa.size))
  return verifies(ecdsa.hash, signed, { key: keyObject, dsaEncoding: 'ieee-p1363' }, pair)
}

/** @throws `source/malformed` for numbers that are no key (a point off its curve). */
export function sshKeyObject(key: SshPublicKey): KeyObject {
  const [first = new Uint8Array(), second = new Uint8Array()] = key.fields
  const plain = plainName(key.algorithm)
  try {
    if (plain === 'ssh-ed25519') {
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: url64(first) }, format: 'jwk' })
    }
    if (plain === 'ssh-rsa') {
      return createPublicKey({ key: { kty: 'RSA', e: url64(first), n: url64(second) }, format: 'jwk' })
    }
    const { curve, size } = ECDSA[plain as keyof typeof ECDSA]
    const x = url64(first.subarray(1, 1 + size))
    const y = url64(first.subarray(1 + size))
    return createPublicKey({ key: { kty: 'EC', crv: curve, x, y }, format: 'jwk' })
  } catch (error) {
    throw malformed('numbers that are not a public key', error)
  }
}

function seenByDevice({ flags, counter }: NonNullable<SshSignature['device']>, data: Uint8Array, application: string) {
  return concatBytes([hashed(utf8(application)), new Uint8Array([flags]), counter, hashed(data)])
}

function hashed(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** The mathematics behind a security key's name. */
function plainName(algorithm: string): string {
  return algorithm.replace(/^sk-(.+)@openssh\.com$/, '$1')
}

function checkAlgorithm(algorithm: string, key: SshPublicKey): void {
  if (algorithm === 'ssh-rsa' || algorithm === 'ssh-dss')
    throw weak(`a signature of type ${algorithm}, which means SHA-1`)
  if (algorithm.startsWith('webauthn-')) {
    throw fail('source/signature-unsupported', 'The SSH signature was made through a browser', {
      expected: 'a signature that ssh-keygen or ssh-agent made with the security key itself',
      found: algorithm,
      remedy: 'Sign on the machine that holds the key: git config gpg.format ssh, then git commit --amend --no-edit -S',
    })
  }
  const rsa = algorithm === 'rsa-sha2-256' || algorithm === 'rsa-sha2-512'
  if (rsa ? key.algorithm !== 'ssh-rsa' : key.algorithm !== algorithm) {
    throw malformed(`a signature of type ${printable(algorithm, 40)} by a key of type ${key.algorithm}`)
  }
}

/** r and s, each left-padded to the size of the curve. */
function readPair(blob: Uint8Array, size: number): Uint8Array {
  const reader = new SshReader(blob)
  const pair = new Uint8Array(size * 2)
  for (const [name, end] of [
    ['r', size],
    ['s', size * 2],
  ] as const) {
    const number = reader.mpint(name)
    if (number.byteLength > size) throw malformed(`a number ${name} larger than the curve`)
    pair.set(number, end - number.byteLength)
  }
  reader.end()
  return pair
}

function url64(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
}
