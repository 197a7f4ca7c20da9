import { createHash, type KeyObject } from 'node:crypto'
import { concatBytes, equalBytes, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { ValidSsh } from '../core/facts.ts'
import { parseSshPublicKey, type SshPublicKey, SshReader } from '../core/ssh-key.ts'
import { printable } from '../core/text.ts'
import { parseSshCertificate, type SshCertificate } from './ssh-certificate.ts'
import {
  parseSshSignature,
  type SshSignature,
  USER_PRESENCE,
  USER_VERIFICATION,
  verifySshSignature,
} from './ssh-signature.ts'
import { malformed, strictly, weak, wireString } from './ssh-wire.ts'

/**
 * SSHSIG version 1: what git stores when `gpg.format=ssh` (OpenSSH PROTOCOL.sshsig, V_9_2_P1).
 *
 *     "SSHSIG"             6 bytes
 *     uint32               version, 1
 *     string               public key (core/ssh-key.ts) or certificate (ssh-certificate.ts)
 *     string               namespace: "git"
 *     string               reserved, empty
 *     string               hash of the message: "sha256" or "sha512"
 *     string               signature (ssh-signature.ts)
 *
 *     signed data = "SSHSIG" | string namespace | string reserved | string hash | string H(message)
 *
 * Traps: (1) no time is signed: "was the key valid then?" needs a clock from elsewhere; (2) the namespace is what keeps a
 * signature on a file or a mail from being presented as one on a commit, so it must be exactly the one expected; (3) the
 * certificate is not signed by its holder: whoever has another certificate on the same key can put that one in its place.
 * Vectors: `__tests__/vectors/commit/ssh-*`.
 */
export interface Sshsig {
  /** The key that signed; of a certificate: the certified one. */
  readonly key: SshPublicKey
  readonly certificate?: SshCertificate
  readonly namespace: string
  readonly hash: 'sha256' | 'sha512'
  readonly signature: SshSignature
}

const MAGIC = utf8('SSHSIG')

/**
 * @param namespace the one purpose that counts: `git` for commits and tags.
 * @param readKey reads the key; callers that meet a key often keep it.
 * @throws `source/malformed`, `source/weak-signature` (DSA, SHA-1), `source/signature-unsupported` (certificates of the
 * first version, browsers), `source/ssh-namespace`, `source/certificate-unusable` (of hosts, by certificates),
 * `source/user-presence-missing` (an authority’s security key that nobody touched)
 */
export function parseSshsig(blob: Uint8Array, namespace = 'git', readKey = parseSshPublicKey): Sshsig {
  return strictly(() => {
    const reader = new SshReader(blob)
    if (!equalBytes(reader.raw(MAGIC.byteLength, 'magic'), MAGIC)) throw malformed('no SSHSIG in front')
    const version = reader.uint32('version')
    if (version !== 1) throw malformed(`version ${version}`)
    const holder = readHolder(reader.string('public key'), readKey)
    const purpose = reader.text('namespace')
    if (reader.string('reserved field').byteLength !== 0) throw malformed('a reserved field that is not empty')
    const hash = reader.text('hash name')
    const signature = reader.string('signature')
    reader.end()
    if (hash !== 'sha256' && hash !== 'sha512') throw malformed(`the hash ${printable(hash, 40)}`)
    const parsed = parseSshSignature(signature, holder.key)
    if (purpose !== namespace) throw otherPurpose(namespace, purpose)
    return { ...holder, namespace: purpose, hash, signature: parsed }
  })
}

/**
 * True when the signature is over exactly this message. The key is the one inside the signature: whose it is, is for the
 * policy; what an authority says about it, is for `verifySshCertificate`.
 * @param keyObject from `sshKeyObject(sig.key)`; callers that meet a key often keep it.
 */
export async function verifySshsig(sig: Sshsig, message: Uint8Array, keyObject: KeyObject): Promise<boolean> {
  return verifySshsigDigest(sig, createHash(sig.hash).update(message).digest(), keyObject)
}

/** As `verifySshsig`, for whoever has hashed the message already, with `sig.hash`. */
export function verifySshsigDigest(sig: Sshsig, digest: Uint8Array, keyObject: KeyObject): Promise<boolean> {
  const data = concatBytes([MAGIC, ...[utf8(sig.namespace), utf8(''), utf8(sig.hash), digest].flatMap(wireString)])
  return verifySshSignature(sig.signature, data, sig.key, keyObject)
}

/** What a signature says after everything in it was checked: by `verifySshsig` and, of a certificate, `verifySshCertificate`. */
export function sshFact({ key, certificate, signature: { device } }: Sshsig): ValidSsh {
  const { fingerprint, algorithm, bits, application } = key
  const has = (flag: number) => device !== undefined && (device.flags & flag) !== 0
  return {
    kind: 'ssh',
    fingerprint,
    algorithm,
    bits,
    ...(application === undefined
      ? {}
      : {
          securityKey: { application, userPresence: has(USER_PRESENCE), userVerification: has(USER_VERIFICATION) },
        }),
    ...(certificate === undefined ? {} : { certificate: certificate.fact }),
  }
}

/** The key type first: what is refused is told by name, not by failing to parse. */
function readHolder(blob: Uint8Array, readKey: typeof parseSshPublicKey): Pick<Sshsig, 'key' | 'certificate'> {
  const type = new SshReader(blob).text('key type')
  if (type === 'ssh-dss' || type.startsWith('ssh-dss-cert-')) throw weak('a DSA key')
  if (type.endsWith('-cert-v01@openssh.com')) {
    const certificate = parseSshCertificate(blob)
    return { key: certificate.key, certificate }
  }
  if (type.includes('-cert-v0')) {
    throw fail('source/signature-unsupported', `SSH certificates of type ${printable(type, 60)} are not judged`, {
      expected: '…-cert-v01@openssh.com',
      found: type,
      remedy: 'Have the certificate issued again by a current OpenSSH: ssh-keygen -s CA -I ID -n NAME -V +1d KEY.pub',
    })
  }
  return { key: readKey(blob) }
}

function otherPurpose(expected: string, found: string): Error {
  const what = expected === 'git' ? 'a git commit' : expected
  return fail('source/ssh-namespace', `The SSH signature was made for another purpose than ${what}`, {
    expected,
    found,
  })
}
