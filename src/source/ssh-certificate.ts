import type { KeyObject } from 'node:crypto'
import { concatBytes, decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { SshCertificateFact } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { parseSshPublicKey, type SshPublicKey, SshReader } from '../core/ssh-key.ts'
import { isPrintable, printable } from '../core/text.ts'
import { parseSshSignature, type SshSignature, USER_PRESENCE, verifySshSignature } from './ssh-signature.ts'
import { malformed, strictly, weak, wireString } from './ssh-wire.ts'

/**
 * OpenSSH certificates (PROTOCOL.certkeys, V_9_2_P1): an authority says that a key belongs to some names for some time.
 *
 *     string  "…-cert-v01@openssh.com"
 *     string  nonce
 *     …       the fields of the plain key (core/ssh-key.ts)
 *     uint64  serial
 *     uint32  1 user | 2 host
 *     string  key id, free text
 *     string  names: string…            empty: every name, which a policy never accepts
 *     uint64  valid after, before       seconds; 2^64 - 1: for ever
 *     string  critical options: (string name | string data)…
 *     string  extensions, the same
 *     string  reserved, empty
 *     string  authority's public key, never a certificate
 *     string  authority's signature (ssh-signature.ts) over everything before it
 *
 * What is kept of it are facts: the dates, the names and the critical options are for the policy. Extensions grant a login
 * something (a terminal, forwarding) and say nothing about signatures; all are passed over, as by OpenSSH, which means that
 * `no-touch-required` grants nothing: the touch is asked of every security key.
 * Order of the options is not asked for: older issuers append their own at the end. A name twice is refused.
 */
export interface SshCertificate {
  /** The certified key, as it would stand alone; its fingerprint is the one that `ssh-keygen -l` prints. */
  readonly key: SshPublicKey
  readonly authority: SshPublicKey
  readonly fact: SshCertificateFact
  /** The bytes that the authority signed. */
  readonly signed: Uint8Array
  readonly signature: SshSignature
}

const USER = 1
const HOST = 2
/** Fields of a key behind the nonce, by the plain algorithm. */
const FIELDS = {
  'ssh-ed25519': ['key'],
  'ssh-rsa': ['exponent', 'modulus'],
  'ecdsa-sha2-nistp256': ['curve', 'point'],
  'ecdsa-sha2-nistp384': ['curve', 'point'],
  'ecdsa-sha2-nistp521': ['curve', 'point'],
  'sk-ssh-ed25519@openssh.com': ['key', 'application'],
  'sk-ecdsa-sha2-nistp256@openssh.com': ['curve', 'point', 'application'],
} as const
/** Seconds that a Date can hold; later is as good as for ever. */
const LAST_SECOND = 8_640_000_000_000n

/**
 * @throws `source/malformed`; `source/certificate-unusable` for a host's certificate and one that another certificate
 * signed; `source/weak-signature` for an authority that signs with SHA-1 or DSA; `source/user-presence-missing` for an
 * authority on a security key that nobody touched.
 */
export function parseSshCertificate(blob: Uint8Array): SshCertificate {
  return strictly(() => {
    const reader = new SshReader(blob)
    const key = readCertifiedKey(reader)
    const serial = uint64(reader, 'serial number')
    checkType(reader.uint32('certificate type'))
    const keyId = textOf(reader.string('key id'), 'key id')
    const principals = readNames(reader.string('names'))
    const validAfter = dateOf(uint64(reader, 'valid after'))
    const before = uint64(reader, 'valid before')
    const criticalOptions = readOptions(reader.string('critical options'))
    readOptions(reader.string('extensions'))
    if (reader.string('reserved field').byteLength !== 0) throw malformed('a reserved field that is not empty')
    const authority = readAuthority(reader.string('authority key'))
    const last = reader.string('authority signature')
    reader.end()
    const signature = parseSshSignature(last, authority)
    checkTouched(signature)
    return {
      key,
      authority,
      fact: {
        authority: authority.fingerprint,
        keyId: printable(keyId),
        serial,
        principals,
        validAfter,
        ...(before > LAST_SECOND ? {} : { validBefore: dateOf(before) }),
        criticalOptions,
      },
      signed: blob.subarray(0, blob.byteLength - 4 - last.byteLength),
      signature,
    }
  })
}

/**
 * True when the authority named in the certificate signed exactly these bytes. Whether it may, is for the policy.
 * @param keyObject from `sshKeyObject(certificate.authority)`
 */
export function verifySshCertificate(certificate: SshCertificate, keyObject: KeyObject): Promise<boolean> {
  return verifySshSignature(certificate.signature, certificate.signed, certificate.authority, keyObject)
}

/** The certified key is put together as it would stand alone, so that the one strict reader judges it. */
function readCertifiedKey(reader: SshReader): SshPublicKey {
  const type = reader.text('key type')
  const plain = plainName(type)
  if (!Object.hasOwn(FIELDS, plain)) throw malformed(`a certificate of type ${printable(type, 60)}`)
  reader.string('nonce')
  const fields = FIELDS[plain as keyof typeof FIELDS].map(name => reader.string(name))
  return parseSshPublicKey(concatBytes([utf8(plain), ...fields].flatMap(wireString)))
}

/** `ssh-ed25519-cert-v01@openssh.com` → `ssh-ed25519`; `sk-ssh-ed25519-cert-v01@…` → `sk-ssh-ed25519@openssh.com`. */
function plainName(type: string): string {
  const plain = type.replace(/-cert-v01@openssh\.com$/, '')
  return plain.startsWith('sk-') ? `${plain}@openssh.com` : plain
}

function checkType(type: number): void {
  if (type === USER) return
  if (type !== HOST) throw malformed(`a certificate of type ${type}`)
  throw unusable('a certificate of a host', 'a certificate of a user')
}

function readAuthority(blob: Uint8Array): SshPublicKey {
  const type = new SshReader(blob).text('type of the authority’s key')
  if (type === 'ssh-dss') throw weak('an authority with a DSA key')
  if (type.includes('-cert-v0')) throw unusable('an authority that is itself a certificate', 'an authority’s plain key')
  return parseSshPublicKey(blob)
}

/** A machine that certifies without anybody's touch certifies for whoever controls the machine. */
function checkTouched({ device }: SshSignature): void {
  if (device === undefined || (device.flags & USER_PRESENCE) !== 0) return
  throw fail('source/user-presence-missing', 'The authority of the SSH certificate signed without a touch', {
    expected: 'a touch of the authority’s security key',
    found: `flags ${device.flags}`,
    remedy:
      'Have the certificate issued again with a key that asks for a touch: ssh-keygen -s CA -I ID -n NAME -V +1d KEY.pub',
  })
}

function readNames(bytes: Uint8Array): readonly string[] {
  const reader = new SshReader(bytes)
  const names: string[] = []
  for (let rest = bytes.byteLength; rest > 0; ) {
    const name = reader.string('name')
    rest -= 4 + name.byteLength
    names.push(nameOf(name))
    if (names.length > LIMITS.sshCertificateNames) {
      throw malformed(`a certificate with more than ${LIMITS.sshCertificateNames} names`)
    }
  }
  return names
}

/** A name is compared to the letter and shown to people, so it must be what it looks like. */
function nameOf(bytes: Uint8Array): string {
  const name = textOf(bytes, 'name')
  if (name === '' || !isPrintable(name)) throw malformed('a name that is empty or holds invisible characters')
  return name
}

/** @returns the names. What an option's data holds is for whoever understands the option. */
function readOptions(bytes: Uint8Array): readonly string[] {
  const reader = new SshReader(bytes)
  const names = new Set<string>()
  for (let rest = bytes.byteLength; rest > 0; ) {
    const name = reader.string('option')
    rest -= 8 + name.byteLength + reader.string('data of an option').byteLength
    const text = nameOf(name)
    if (names.has(text)) throw malformed(`the option ${printable(text, 60)} twice`)
    names.add(text)
  }
  return [...names]
}

function textOf(bytes: Uint8Array, what: string): string {
  const text = decodeUtf8(bytes)
  if (text === undefined || text.includes('\0')) throw malformed(`a ${what} that is not a text`)
  return text
}

function uint64(reader: SshReader, what: string): bigint {
  return BigInt(reader.uint32(what)) * 0x1_0000_0000n + BigInt(reader.uint32(what))
}

function dateOf(seconds: bigint): Date {
  return new Date(Number(seconds > LAST_SECOND ? LAST_SECOND : seconds) * 1000)
}

function unusable(found: string, expected: string): Error {
  return fail('source/certificate-unusable', `The SSH certificate may not sign commits: it is ${found}`, {
    expected,
    found,
  })
}
