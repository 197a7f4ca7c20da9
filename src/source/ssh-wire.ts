import { asWaybillError, fail } from '../core/error.ts'

/** What the readers of SSH signatures and certificates share: the encoding of strings and the errors (RFC 4251 § 5). */
export function wireString(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.byteLength)
  return [length, bytes]
}

/** Inside a signature every reading error means the same: this is not what OpenSSH writes. */
export function strictly<T>(read: () => T): T {
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

export function malformed(found: string, cause?: unknown): Error {
  return fail('source/malformed', `The SSH signature cannot be read: ${found}`, {
    expected: 'SSHSIG version 1',
    found,
    cause,
  })
}

export function weak(found: string): Error {
  return fail('source/weak-signature', 'The SSH signature is of a kind that can be forged', {
    expected: 'ssh-ed25519, ecdsa-sha2-…, rsa-sha2-256 or rsa-sha2-512',
    found,
  })
}
