import { createHash, generateKeyPair as generate, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const generateKeyPair = promisify(generate)

/** Made off the main thread, so that a stack's keys come into being side by side. */
export const p256 = (): Promise<KeyPair> => generateKeyPair('ec', { namedCurve: 'P-256' })
export const p384 = (): Promise<KeyPair> => generateKeyPair('ec', { namedCurve: 'P-384' })
export const ed25519 = (): Promise<KeyPair> => generateKeyPair('ed25519')
export const rsa2048 = (): Promise<KeyPair> => generateKeyPair('rsa', { modulusLength: 2048 })

/** SubjectPublicKeyInfo, DER. */
export function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' })
}

export function hash256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
