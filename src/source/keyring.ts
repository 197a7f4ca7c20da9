import type { KeyObject } from 'node:crypto'
import type { Key } from 'openpgp'
import { decodeUtf8, latin1 } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { parseSshPublicKey, type SshPublicKey } from '../core/ssh-key.ts'
import { printable } from '../core/text.ts'
import type { TrustRoot } from '../sigstore/verify/message.ts'
import { looksArmored } from './armor.ts'
import { type SigningKey, signingKeysOf } from './openpgp-key.ts'
import type { Certificate } from './x509.ts'
import type { X509RootFile } from './x509-roots.ts'

/** What certificates are judged by. */
export interface Authorities {
  /** Roots that the policy names. */
  readonly x509Roots?: readonly Certificate[]
  /** The trust root of Sigstore; asked for only once a certificate of Fulcio or a timestamp is met. */
  readonly sigstoreTrust?: () => Promise<TrustRoot>
}

/** A file with OpenPGP public keys, armored or binary. */
export interface KeyFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** OpenPGP public keys by fingerprint, parsed once; and the SSH keys met so far, made ready once. */
export class Keyring {
  readonly x509Roots: readonly Certificate[]
  readonly sigstoreTrust: (() => Promise<TrustRoot>) | undefined
  /** What the OpenPGP keys were read from, for programs that read them for themselves. */
  readonly files: readonly KeyFile[]
  /** Keys by their own fingerprint: a subkey may be claimed by several primary keys, of which it confirmed one. */
  readonly #byFingerprint = new Map<string, SigningKey[]>()
  readonly #byKeyId = new Map<string, SigningKey[]>()
  readonly #ssh = new Map<string, KeyObject>()
  readonly #sshPublic = new Map<string, SshPublicKey>()
  readonly #texts = new Map<string, string>()
  readonly #certificates = new Map<string, Certificate>()

  /**
   * @param keys of two copies of one key, the newer self-signature tells the expiry, and a revocation of either counts. What
   * another primary key says about a subkey says nothing about it: anybody can bind, or revoke, anybody's.
   */
  constructor(
    keys: readonly SigningKey[],
    { x509Roots = [], sigstoreTrust }: Authorities = {},
    files: readonly KeyFile[] = [],
  ) {
    this.files = files
    this.x509Roots = x509Roots
    this.sigstoreTrust = sigstoreTrust
    const own = new Map<string, SigningKey>()
    for (const key of keys) {
      const name = `${key.fingerprint} ${key.primary}`
      const other = own.get(name)
      own.set(name, other === undefined ? key : { ...better(key, other), revoked: key.revoked || other.revoked })
    }
    for (const key of own.values()) {
      const id = key.version === 4 ? key.fingerprint.slice(-16) : key.fingerprint.slice(0, 16)
      this.#byFingerprint.set(key.fingerprint, withKey(this.#byFingerprint.get(key.fingerprint), key))
      this.#byKeyId.set(id, withKey(this.#byKeyId.get(id), key))
    }
  }

  /** The same authorities, with more OpenPGP keys, which `files` does not hold. */
  with(keys: readonly SigningKey[]): Keyring {
    const { x509Roots, sigstoreTrust } = this
    const authorities = { x509Roots, ...(sigstoreTrust === undefined ? {} : { sigstoreTrust }) }
    return new Keyring([...this.keys, ...keys], authorities, this.files)
  }

  /** Every key and subkey held. */
  get keys(): readonly SigningKey[] {
    return [...this.#byFingerprint.values()].flat()
  }

  /**
   * Keys that a signature may mean. Two keys can share a 64-bit id (one can be made to), so a signature that names only
   * the id gives all of them and the mathematics decides.
   */
  find(issuer: { readonly issuerFingerprint?: string; readonly issuerKeyId?: string }): readonly SigningKey[] {
    if (issuer.issuerFingerprint !== undefined) return this.#byFingerprint.get(issuer.issuerFingerprint) ?? []
    return issuer.issuerKeyId === undefined ? [] : (this.#byKeyId.get(issuer.issuerKeyId) ?? [])
  }

  /** The ready SSH key, made by `make` the first time. */
  sshKey(fingerprint: string, make: () => KeyObject): KeyObject {
    return kept(this.#ssh, fingerprint, make)
  }

  /** The SSH public key as it was read the first time. @throws as `parseSshPublicKey` */
  readonly sshPublicKey = (blob: Uint8Array): SshPublicKey =>
    kept(this.#sshPublic, latin1(blob), () => parseSshPublicKey(blob))

  /** The same text, for all commits that hold it the same string: names and addresses are few, commits are many. */
  text(text: string): string {
    return kept(this.#texts, text, () => structuredClone(text))
  }

  /** The certificate as `read` made it the first time. */
  certificate(der: Uint8Array, read: (der: Uint8Array) => Certificate): Certificate {
    return kept(this.#certificates, latin1(der), () => read(der))
  }
}

/** A copy from which somebody stripped what lies outside the signed bytes is as old as the whole one. */
function better(key: SigningKey, other: SigningKey): SigningKey {
  if (key.updated.getTime() === other.updated.getTime()) return isProblem(other) ? key : other
  return key.updated > other.updated ? key : other
}

/** Those that may sign first: they are asked in this order. */
function withKey(keys: readonly SigningKey[] | undefined, key: SigningKey): SigningKey[] {
  return [...(keys ?? []), key].sort((a, b) => Number(isProblem(a)) - Number(isProblem(b)))
}

function isProblem({ problem }: SigningKey): boolean {
  return problem !== undefined
}

/** Keys, certificates and names come with commits, so their number is bounded here. */
function kept<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name)
  if (known !== undefined) return known
  if (map.size >= 1_000) map.clear()
  const made = make()
  map.set(name, made)
  return made
}

const BEGIN = '-----BEGIN PGP PUBLIC KEY BLOCK-----'
const END = '-----END PGP PUBLIC KEY BLOCK-----'

/**
 * Reads OpenPGP public keys (armored, one or more blocks a file, or binary) and root certificates (PEM). Without files of a
 * kind its library is not even loaded.
 * @throws `source/key-unreadable`, `source/root-unreadable` naming the file; a private key refuses too, and so does text
 * beside OpenPGP armor.
 */
export async function loadKeyring(
  files: readonly KeyFile[],
  x509Roots: readonly X509RootFile[] = [],
  sigstoreTrust?: Authorities['sigstoreTrust'],
): Promise<Keyring> {
  const keys: SigningKey[] = []
  for (const file of files) {
    const openpgp = await import('openpgp')
    for (const key of await readKeys(file.bytes, file.path, openpgp)) {
      try {
        keys.push(...(await signingKeysOf(key, openpgp)))
      } catch (error) {
        throw unreadable(file.path, error)
      }
    }
  }
  const roots = x509Roots.length === 0 ? [] : (await import('./cms-signature.ts')).readRoots(x509Roots)
  return new Keyring(keys, { x509Roots: roots, ...(sigstoreTrust === undefined ? {} : { sigstoreTrust }) }, files)
}

/** Every key of a file. @throws `source/key-unreadable` naming it */
export async function readKeys(
  bytes: Uint8Array,
  path: string,
  openpgp: typeof import('openpgp'),
): Promise<readonly Key[]> {
  try {
    return await parsedKeys(bytes, openpgp)
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function parsedKeys(bytes: Uint8Array, openpgp: typeof import('openpgp')): Promise<readonly Key[]> {
  const keys: Key[] = []
  for (const block of blocksOf(bytes)) {
    keys.push(
      ...(typeof block === 'string'
        ? await openpgp.readKeys({ armoredKeys: block })
        : await openpgp.readKeys({ binaryKeys: block })),
    )
  }
  if (keys.length === 0) throw new Error('no key in it')
  if (keys.some(key => key.isPrivate())) throw new Error('a private key, which must never be in a repository')
  return keys
}

/** A key that is silently skipped would show up as "unknown key" much later, so nothing may stand beside the blocks. */
function blocksOf(bytes: Uint8Array): readonly (string | Uint8Array)[] {
  if (!looksArmored(bytes)) return [bytes]
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new Error('armor that is not UTF-8')
  if (text.includes('PRIVATE KEY BLOCK')) throw new Error('a private key, which must never be in a repository')
  const blocks: string[] = []
  for (let at = 0; ; ) {
    const begin = text.indexOf(BEGIN, at)
    if (text.slice(at, begin === -1 ? undefined : begin).trim() !== '') throw new Error('text beside the key blocks')
    if (begin === -1) return blocks
    const end = text.indexOf(END, begin)
    if (end === -1) throw new Error('a key block without end')
    at = end + END.length
    blocks.push(text.slice(begin, at))
  }
}

function unreadable(path: string, cause: unknown): Error {
  if (cause instanceof WaybillError) return cause
  const found = cause instanceof Error ? cause.message : String(cause)
  return fail('source/key-unreadable', `The key file ${printable(path)} cannot be read as OpenPGP public keys`, {
    expected: 'the output of: gpg --armor --export FINGERPRINT',
    found,
    cause,
  })
}
