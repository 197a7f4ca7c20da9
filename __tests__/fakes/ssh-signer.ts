import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/**
 * An Ed25519 SSH key that signs as `ssh-keygen -Y sign` does, so that signed commits can be made on a machine with only
 * Node and git. That real ssh-keygen agrees is tested where it is installed.
 * Source: openssh PROTOCOL.sshsig, RFC 8709 § 4.
 */
export interface SshSigner {
  /** `ssh-ed25519 AAAA…`, one line of authorized_keys. */
  readonly publicKey: string
  /** `SHA256:…` */
  readonly fingerprint: string
  /** Armored SSHSIG over the bytes. */
  sign(bytes: Uint8Array, namespace?: string): string
}

export function makeSshSigner(seedPem?: string): SshSigner {
  const privateKey = seedPem === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(seedPem)
  const blob = publicBlob(privateKey)
  return {
    publicKey: `ssh-ed25519 ${blob.toString('base64')}`,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    sign: (bytes, namespace = 'git') => armor(signatureBlob(privateKey, blob, bytes, namespace)),
  }
}

function signatureBlob(privateKey: KeyObject, publicKey: Buffer, bytes: Uint8Array, namespace: string): Buffer {
  const magic = Buffer.from('SSHSIG')
  const message = createHash('sha512').update(bytes).digest()
  const signed = Buffer.concat([magic, text(namespace), text(''), text('sha512'), block(message)])
  const signature = Buffer.concat([text('ssh-ed25519'), block(sign(null, signed, privateKey))])
  const version = Buffer.from([0, 0, 0, 1])
  return Buffer.concat([magic, version, block(publicKey), text(namespace), text(''), text('sha512'), block(signature)])
}

function publicBlob(privateKey: KeyObject): Buffer {
  const jwk = privateKey.export({ format: 'jwk' })
  return Buffer.concat([text('ssh-ed25519'), block(Buffer.from(jwk.x ?? '', 'base64url'))])
}

function block(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.byteLength)
  return Buffer.concat([length, bytes])
}

function text(value: string): Buffer {
  return block(Buffer.from(value))
}

function armor(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----'].join('\n')
}
