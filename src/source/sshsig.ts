import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { concatBytes, encodeBase64, equalBytes, utf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { parseSshPublicKey, type SshPublicKey, SshReader } from '../core/ssh-key.ts'
import { printable } from '../core/text.ts'
import { verifies } from './public-key.ts'

/**
 * SSHSIG version 1: what git stores when `gpg.format=ssh` (OpenSSH PROTOCOL.sshsig, V_9_2_P1).
 *
 *     "SSHSIG"             6 bytes
 *     uint32               version, 1
 *     string               public key (core/ssh-key.ts)
 *     string               namespace: "git"
 *     string               reserved, empty
 *     string               hash of the message: "sha256" or "sha512"
 *     string               signature: string algorithm | string blob
 *
 *     signed bytes = "SSHSIG" | string namespace | string reserved | string hash | string H(message)
 *
 *     algorithm       key                blob                                hash of the signed bytes
 *     ssh-ed25519     ssh-ed25519        64 bytes                            (inside Ed25519)
 *     ecdsa-sha2-…    the same name      mpint r | mpint s                   SHA-256, -384, -512 by curve
 *     rsa-sha2-256    ssh-rsa            as long as the modulus, PKCS #1 v1.5  SHA-256
 *     rsa-sha2-512    ssh-rsa            the same                            SHA-512
 *
 * Traps: (1) no time is signed: "was the key valid then?" needs a clock from elsewhere; (2) the namespace is what keeps a
 * signature on a file or a mail from being presented as one on a commit, so it must be `git` exactly; (3) `ssh-rsa` as
 * *signature* algorithm means SHA-1. Vectors: `__tests__/vectors/commit/ssh-*`.
 */
export interface Sshsig {
  readonly key: SshPublicKey
  readonly namespace: string
  readonly hash: 'sha256' | 'sha512'
  readonly algorithm: string
  readonly signature: Uint8Array
}

const MAGIC = utf8('SSHSIG')
const NAMESPACE = 'git'
const ECDSA = {
  'ecdsa-sha2-nistp256': { hash: 'sha256', size: 32, curve: 'P-256' },
  'ecdsa-sha2-nistp384': { hash: 'sha384', size: 48, curve: 'P-384' },
  'ecdsa-sha2-nistp521': { hash: 'sha512', size: 66, curve: 'P-521' },
} as const

/**
 * @throws `source/malformed`, `source/weak-signature` (DSA, SHA-1), `source/signature-unsupported` (security keys,
 * certificates), `source/ssh-namespace`
 */
export function parseSshsig(blob: Uint8Array): Sshsig {
  return strictly(() => {
    const reader = new SshReader(blob)
    if (!equalBytes(reader.raw(MAGIC.byteLength, 'magic'), MAGIC)) throw malformed('no SSHSIG in front')
    const version = reader.uint32('version')
    if (version !== 1) throw malformed(`version ${version}`)
    const key = readKey(reader.string('public key'))
    const namespace = reader.text('namespace')
    if (reader.string('reserved field').byteLength !== 0) throw malformed('a reserved field that is not empty')
    const hash = reader.text('hash name')
    const { algorithm, signature } = readSignature(reader.string('signature'))
    reader.end()
    if (hash !== 'sha256' && hash !== 'sha512') throw malformed(`the hash ${printable(hash, 40)}`)
    checkAlgorithm(algorithm, key)
    if (namespace !== NAMESPACE) {
      throw fail('source/ssh-namespace', 'The SSH signature was made for another purpose than a git commit', {
        expected: NAMESPACE,
        found: namespace,
      })
    }
    return { key, namespace, hash, algorithm, signature }
  })
}

/**
 * True when the signature is over exactly this message. The key is the one inside the signature: whose it is, is for the policy.
 * @param keyObject from `sshKeyObject(sig.key)`; callers that meet a key often keep it.
 */
export async function verifySshsig(sig: Sshsig, message: Uint8Array, keyObject: KeyObject): Promise<boolean> {
  const digest = createHash(sig.hash).update(message).digest()
  const signed = concatBytes([MAGIC, ...[utf8(sig.namespace), utf8(''), utf8(sig.hash), digest].flatMap(wireString)])
  if (sig.algorithm === 'ssh-ed25519') {
    return sig.signature.byteLength === 64 && (await verifies(null, signed, keyObject, sig.signature))
  }
  if (sig.algorithm === 'rsa-sha2-256' || sig.algorithm === 'rsa-sha2-512') {
    return verifies(sig.algorithm === 'rsa-sha2-256' ? 'sha256' : 'sha512', signed, keyObject, sig.signature)
  }
  const ecdsa = ECDSA[sig.algorithm as keyof typeof ECDSA]
  const pair = strictly(() => readPair(sig.signature, ecdsa.size))
  return verifies(ecdsa.hash, signed, { key: keyObject, dsaEncoding: 'ieee-p1363' }, pair)
}

/** @throws `source/malformed` for numbers that are no key (a point off its curve). */
export function sshKeyObject(key: SshPublicKey): KeyObject {
  const [first = new Uint8Array(), second = new Uint8Array()] = key.fields
  try {
    if (key.algorithm === 'ssh-ed25519') {
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: url64(first) }, format: 'jwk' })
    }
    if (key.algorithm === 'ssh-rsa') {
      return createPublicKey({ key: { kty: 'RSA', e: url64(first), n: url64(second) }, format: 'jwk' })
    }
    const { curve, size } = ECDSA[key.algorithm as keyof typeof ECDSA]
    const x = url64(first.subarray(1, 1 + size))
    const y = url64(first.subarray(1 + size))
    return createPublicKey({ key: { kty: 'EC', crv: curve, x, y }, format: 'jwk' })
  } catch (error) {
    throw malformed('numbers that are not a public key', error)
  }
}

/** The key type first: a security key or certificate is told by name, not by failing to parse. */
function readKey(blob: Uint8Array): SshPublicKey {
  const type = new SshReader(blob).text('key type')
  if (type === 'ssh-dss') throw weak('a DSA key')
  if (type.startsWith('sk-') || type.includes('-cert-v0')) {
    throw fail(
      'source/signature-unsupported',
      `Signatures by SSH keys of type ${printable(type, 60)} are not judged yet`,
      {
        found: type,
        remedy: 'Sign with an OpenPGP or a plain SSH key: ssh-keygen -t ed25519',
      },
    )
  }
  return parseSshPublicKey(blob)
}

function readSignature(bytes: Uint8Array): Pick<Sshsig, 'algorithm' | 'signature'> {
  const reader = new SshReader(bytes)
  const algorithm = reader.text('signature algorithm')
  const signature = reader.string('signature bytes')
  reader.end()
  return { algorithm, signature }
}

function checkAlgorithm(algorithm: string, key: SshPublicKey): void {
  if (algorithm === 'ssh-rsa' || algorithm === 'ssh-dss')
    throw weak(`a signature of type ${algorithm}, which means SHA-1`)
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

function wireString(bytes: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.byteLength)
  return [length, bytes]
}

/** Inside a signature every reading error means the same: this is not an SSHSIG that OpenSSH writes. */
function strictly<T>(read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (error.code === 'source/ssh-key-malformed' || error.code === 'source/ssh-key-unsupported') {
      throw malformed(error.found ?? error.message, error)
    }
    throw error
  }
}

function weak(found: string): Error {
  return fail('source/weak-signature', 'The SSH signature is of a kind that can be forged', {
    expected: 'ssh-ed25519, ecdsa-sha2-…, rsa-sha2-256 or rsa-sha2-512',
    found,
  })
}

function malformed(found: string, cause?: unknown): Error {
  return fail('source/malformed', `The SSH signature cannot be read: ${found}`, {
    expected: 'SSHSIG version 1',
    found,
    cause,
  })
}

function url64(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
}
