import { createHash } from 'node:crypto'
import { decodeBase64, latin1 } from './bytes.ts'
import { fail } from './error.ts'
import { printable } from './text.ts'

/**
 * SSH public keys, as they stand in `authorized_keys` and inside SSH signatures (RFC 4253 § 6.6, RFC 5656, RFC 8709).
 *
 *     text   "ssh-ed25519" SP base64(blob) [SP comment]
 *     blob   string algorithm | fields of that algorithm
 *     string u32 big-endian length | that many bytes
 *     mpint  string with the shortest two's complement, big-endian; a positive number never begins with a set bit
 *
 *     ssh-rsa                      mpint e | mpint n
 *     ecdsa-sha2-nistp256/384/521  string "nistp256" … | string 0x04 X Y
 *     ssh-ed25519                  string of 32 bytes
 *     sk-… @openssh.com            the fields of the plain kind | string application, which begins with "ssh:"
 *
 * Trap: the fingerprint is over the blob, so a lenient reader (longer mpints, trailing bytes) would give one key many
 * fingerprints, and a revocation would miss all but one. Only the one encoding that OpenSSH writes is accepted.
 */
export interface SshPublicKey {
  /** The name inside the blob; the name in front of it is compared with this one. */
  readonly algorithm: SshAlgorithm
  readonly blob: Uint8Array
  /** `SHA256:<base64 without padding>`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  /** RSA modulus or curve size. */
  readonly bits: number
  /** The numbers, in the order of the blob: `[e, n]`, `[point]` or `[key]`, without leading zero bytes for mpints. */
  readonly fields: readonly Uint8Array[]
  /** Of a security key: `ssh:` or `ssh:…`. Its hash is part of what the device signs. */
  readonly application?: string
}

const CURVES = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', bits: 256, pointBytes: 65 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', bits: 384, pointBytes: 97 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', bits: 521, pointBytes: 133 },
  'sk-ecdsa-sha2-nistp256@openssh.com': { name: 'nistp256', bits: 256, pointBytes: 65 },
} as const

export type SshAlgorithm = keyof typeof CURVES | 'ssh-rsa' | 'ssh-ed25519' | 'sk-ssh-ed25519@openssh.com'

/** Bits of an RSA modulus, refused above: one verification of a huge key would take seconds. OpenSSH's own bound. */
const MAX_RSA_BITS = 16_384
/** Bytes of an RSA exponent. 65537 needs three; a long one makes verification as slow as signing. */
const MAX_EXPONENT_BYTES = 8
/** Characters of one authorized key: RSA-16384 is under 3,000. */
const MAX_TEXT = 8_192

/** `SHA256:` + base64 without padding over the blob, as `ssh-keygen -l` prints it. Says nothing about the blob being a key. */
export function sshFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/**
 * Reads one line of `authorized_keys` form without options: algorithm, base64, optional comment.
 * @throws `source/ssh-key-malformed`, `source/ssh-key-unsupported` (DSA, certificates, names unknown here)
 */
export function parseAuthorizedKey(text: string): SshPublicKey {
  if (text.length > MAX_TEXT) throw malformed(`more than ${MAX_TEXT} characters`)
  const line = text.replace(/\r?\n$/, '').trim()
  if (/[\r\n]/.test(line)) throw malformed('more than one line')
  const [algorithm = '', base64 = ''] = line.split(/[ \t]+/, 2)
  if (base64 === '') throw malformed(line === '' ? 'nothing' : 'one word')
  const known = knownAlgorithm(algorithm)
  const key = parseSshPublicKey(decodeBlob(base64))
  if (key.algorithm !== known) throw malformed(`a key of type ${key.algorithm} that is called ${algorithm}`)
  return key
}

/**
 * Reads a public key blob; every byte must be used.
 * @throws `source/ssh-key-malformed`, `source/ssh-key-unsupported`
 */
export function parseSshPublicKey(blob: Uint8Array): SshPublicKey {
  const reader = new SshReader(blob)
  const algorithm = knownAlgorithm(reader.text('key type'))
  const numbers = readFields(algorithm, reader)
  const application = algorithm.startsWith('sk-') ? reader.text('application') : undefined
  // Another application is another use of the device: a web site's login, whose challenge its owner did not choose.
  if (application?.startsWith('ssh:') === false) throw malformed('a security key of another application than ssh:')
  reader.end()
  const key = { algorithm, blob, fingerprint: sshFingerprint(blob), ...numbers }
  return application === undefined ? key : { ...key, application }
}

function readFields(algorithm: SshAlgorithm, reader: SshReader): Pick<SshPublicKey, 'bits' | 'fields'> {
  if (algorithm === 'ssh-rsa') return readRsa(reader)
  if (algorithm === 'ssh-ed25519' || algorithm === 'sk-ssh-ed25519@openssh.com') {
    const key = reader.string('Ed25519 key')
    if (key.byteLength !== 32) throw malformed(`an Ed25519 key of ${key.byteLength} bytes`)
    return { bits: 256, fields: [key] }
  }
  const curve = CURVES[algorithm]
  const name = reader.text('curve')
  if (name !== curve.name) throw malformed(`curve ${printable(name, 40)} in a key of type ${algorithm}`)
  const point = reader.string('point')
  // A compressed point would be a second encoding, with a second fingerprint, of the same key.
  if (point.byteLength !== curve.pointBytes || point[0] !== 4) throw malformed('a point that is not uncompressed')
  return { bits: curve.bits, fields: [point] }
}

function readRsa(reader: SshReader): Pick<SshPublicKey, 'bits' | 'fields'> {
  const exponent = reader.mpint('exponent')
  const modulus = reader.mpint('modulus')
  const bits = modulus.byteLength * 8 - Math.clz32(modulus[0] ?? 0) + 24
  if (exponent.byteLength > MAX_EXPONENT_BYTES) throw malformed('an RSA exponent of unusual size')
  if (bits > MAX_RSA_BITS) throw malformed(`an RSA modulus of ${bits} bits`)
  return { bits, fields: [exponent, modulus] }
}

function knownAlgorithm(name: string): SshAlgorithm {
  if (name === 'ssh-rsa' || name === 'ssh-ed25519' || name === 'sk-ssh-ed25519@openssh.com') return name
  if (Object.hasOwn(CURVES, name)) return name as keyof typeof CURVES
  throw fail('source/ssh-key-unsupported', `SSH keys of type ${printable(name, 60)} are not supported`, {
    expected: 'ssh-ed25519, ecdsa-sha2-nistp256, -nistp384, -nistp521, ssh-rsa, or sk-… of the first two',
    found: /-cert-v0[01]@openssh\.com$/.test(name) ? `${name}, an SSH certificate` : name,
  })
}

function decodeBlob(base64: string): Uint8Array {
  try {
    return decodeBase64(base64, 'SSH key')
  } catch (error) {
    throw malformed('a second word that is not base64', error)
  }
}

function malformed(found: string, cause?: unknown): Error {
  return fail('source/ssh-key-malformed', `An SSH public key cannot be read: ${found}`, {
    expected: 'algorithm and base64, as in a .pub file of ssh-keygen',
    found,
    cause,
  })
}

/** Strict reader of the SSH wire types (RFC 4251 § 5). Every method throws `source/ssh-key-malformed` past the end. */
export class SshReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Exactly `length` bytes, a copy-free view. */
  raw(length: number, what: string): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.byteLength) throw malformed(`the ${what} ends early`)
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  uint32(what: string): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.raw(4, what)
    return a * 0x1000000 + ((b << 16) | (c << 8) | d)
  }

  string(what: string): Uint8Array {
    return this.raw(this.uint32(what), what)
  }

  /** A string of printable ASCII: names of algorithms, curves, hashes. */
  text(what: string): string {
    const text = latin1(this.string(what))
    if (!/^[\x21-\x7e]{0,256}$/.test(text)) throw malformed(`the ${what} is not a name`)
    return text
  }

  /** A positive number in its shortest form, returned without the sign byte. */
  mpint(what: string): Uint8Array {
    const bytes = this.string(what)
    const [first = 0x80, second = 0] = bytes
    if (first >= 0x80 || (first === 0 && second < 0x80))
      throw malformed(`the ${what} is not a shortest positive number`)
    return first === 0 ? bytes.subarray(1) : bytes
  }

  /** @throws when bytes are left: nobody signs or compares what a reader leaves over. */
  end(): void {
    if (this.#at !== this.#bytes.byteLength) {
      throw malformed(`${this.#bytes.byteLength - this.#at} bytes after the end`)
    }
  }
}
