import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/**
 * SSH keys, security keys and certificates with any part as wanted, over `node:crypto`. That real ssh-keygen reads the good
 * ones is tested where it is installed; the bad ones no program would write.
 * Source: openssh PROTOCOL.sshsig, PROTOCOL.u2f, PROTOCOL.certkeys; RFC 5656, RFC 8332, RFC 8709.
 */
export type SshKind = 'ed25519' | 'ecdsa256' | 'ecdsa384' | 'ecdsa521' | 'rsa' | 'sk-ed25519' | 'sk-ecdsa256'

/** What a security key does when asked to sign; the parts in which it can differ from what it should do. */
export interface Touch {
  /** 1: touched; 4: PIN or finger. */
  readonly flags?: number
  readonly counter?: number
  /** Whose hash the device signs; default: the key's own. */
  readonly application?: string
}

export interface FakeSshKey {
  /** Name inside the blob. */
  readonly algorithm: string
  readonly blob: Buffer
  /** Behind the name: as in a certificate. */
  readonly fields: Buffer
  /** One line of authorized_keys. */
  readonly line: string
  readonly fingerprint: string
  /** `string algorithm | string bytes …` over the data. */
  sign(data: Uint8Array, touch?: Touch): Buffer
}

const PRESENT = 1

export function block(bytes: Uint8Array | string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(bytes))
  return Buffer.concat([length, Buffer.from(bytes as string)])
}

export function blocks(...parts: readonly (Uint8Array | string)[]): Buffer {
  return Buffer.concat(parts.map(block))
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function mpint(bytes: Buffer): Buffer {
  const first = bytes.findIndex(byte => byte !== 0)
  const short = bytes.subarray(first === -1 ? bytes.length : first)
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short
}

const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest()

export function makeSshKey(kind: SshKind, application = 'ssh:'): FakeSshKey {
  const device = kind.startsWith('sk-')
  const plain = kind.replace(/^sk-/, '')
  const made = plain === 'ed25519' ? makeEd25519() : plain === 'rsa' ? makeRsa() : makeEcdsa(plain.replace('ecdsa', ''))
  const algorithm = device ? `sk-${made.algorithm}@openssh.com` : made.algorithm
  const fields = device ? Buffer.concat([made.fields, block(application)]) : made.fields
  const blob = Buffer.concat([block(algorithm), fields])
  return {
    algorithm,
    fields,
    blob,
    line: `${algorithm} ${blob.toString('base64')}`,
    fingerprint: `SHA256:${sha256(blob).toString('base64').replace(/=+$/, '')}`,
    sign: (data, touch = {}) => {
      if (!device) return blocks(made.signs ?? algorithm, made.sign(Buffer.from(data)))
      const { flags = PRESENT, counter = 7, application: seen = application } = touch
      const said = Buffer.concat([Buffer.of(flags), uint32(counter)])
      const signed = Buffer.concat([sha256(seen), said, sha256(data)])
      return Buffer.concat([blocks(algorithm, made.sign(signed)), said])
    },
  }
}

interface Made {
  readonly algorithm: string
  readonly fields: Buffer
  /** Name of the signature's algorithm, where it is another one. */
  readonly signs?: string
  sign(data: Buffer): Buffer
}

function makeEd25519(): Made {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { x } = privateKey.export({ format: 'jwk' })
  return { algorithm: 'ssh-ed25519', fields: block(bytesOf(x)), sign: data => sign(null, data, privateKey) }
}

function makeRsa(): Made {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { n, e } = privateKey.export({ format: 'jwk' })
  const fields = blocks(mpint(bytesOf(e)), mpint(bytesOf(n)))
  return { algorithm: 'ssh-rsa', fields, signs: 'rsa-sha2-512', sign: data => sign('sha512', data, privateKey) }
}

function makeEcdsa(size: string): Made {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: `P-${size}` })
  const { x, y } = privateKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.of(4), bytesOf(x), bytesOf(y)])
  const hash = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }[size] ?? ''
  return {
    algorithm: `ecdsa-sha2-nistp${size}`,
    fields: blocks(`nistp${size}`, point),
    sign: data => pair(hash, data, privateKey),
  }
}

function pair(hash: string, data: Buffer, key: KeyObject): Buffer {
  const both = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
  return blocks(mpint(both.subarray(0, both.length / 2)), mpint(both.subarray(both.length / 2)))
}

const bytesOf = (text = ''): Buffer => Buffer.from(text, 'base64url')

export interface SigOptions extends Touch {
  readonly namespace?: string
  /** In place of the signer's own blob: a certificate. */
  readonly holder?: Buffer
  /** Changes the innermost signature. */
  readonly change?: (signature: Buffer) => Buffer
}

/** Armored SSHSIG over the message, as `ssh-keygen -Y sign` writes it. */
export function sshsigOf(key: FakeSshKey, message: Uint8Array | string, options: SigOptions = {}): string {
  return sshArmor(sshsigBlob(key, message, options))
}

export function sshsigBlob(key: FakeSshKey, message: Uint8Array | string, options: SigOptions = {}): Buffer {
  const { namespace = 'git', holder = key.blob, change = bytes => bytes } = options
  const magic = Buffer.from('SSHSIG')
  const fields = blocks(namespace, '', 'sha512')
  const digest = createHash('sha512').update(message).digest()
  const signature = key.sign(Buffer.concat([magic, fields, block(digest)]), options)
  return Buffer.concat([magic, uint32(1), block(holder), fields, block(change(signature))])
}

export function sshArmor(blob: Uint8Array): string {
  const lines =
    Buffer.from(blob)
      .toString('base64')
      .match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
}

export const FOR_EVER = 0xffff_ffff_ffff_ffffn

export interface CertificateOptions extends Touch {
  /** Name in front; default: that of the key. */
  readonly type?: string
  readonly kind?: number
  readonly serial?: bigint
  readonly keyId?: string
  readonly names?: readonly string[]
  /** Seconds. */
  readonly after?: bigint
  readonly before?: bigint
  readonly critical?: readonly (readonly [string, string])[]
  readonly extensions?: readonly (readonly [string, string])[]
  readonly reserved?: string
  /** In place of the authority's own blob. */
  readonly authority?: Buffer
  /** Changes the bytes after they were signed. */
  readonly forge?: (bytes: Buffer) => Buffer
}

/** 2026, midnight UTC: the span in which the certificates of tests are valid unless they say otherwise. */
export const YEAR_2026 = [1_767_225_600n, 1_798_761_600n] as const

/** Blob of a certificate in which the authority certifies the key. */
export function certify(authority: FakeSshKey, key: FakeSshKey, options: CertificateOptions = {}): Buffer {
  const { kind = 1, serial = 1n, keyId = 'alice@laptop', names = ['alice'], reserved = '' } = options
  const { after = YEAR_2026[0], before = YEAR_2026[1], critical = [], extensions = [], forge = b => b } = options
  const type = options.type ?? `${key.algorithm.replace('@openssh.com', '')}-cert-v01@openssh.com`
  const body = Buffer.concat([
    block(type),
    block(sha256(key.blob)),
    key.fields,
    uint64(serial),
    uint32(kind),
    block(keyId),
    block(blocks(...names)),
    uint64(after),
    uint64(before),
    block(blocks(...critical.flatMap(([name, data]) => [name, data === '' ? '' : block(data)]))),
    block(blocks(...extensions.flatMap(([name, data]) => [name, data === '' ? '' : block(data)]))),
    block(reserved),
    block(options.authority ?? authority.blob),
  ])
  return Buffer.concat([forge(body), block(authority.sign(body, options))])
}
