import { createHash, type KeyObject } from 'node:crypto'
import type { HashName } from '../bundle.ts'
import { verifies } from './keys.ts'

/** What stands under a signature, as far as checks need it: a file may be too large to hold, or only its digest be at hand. */
export interface SignedContent {
  /** Lower-case hex; undefined when the bytes were not hashed with this algorithm. */
  hash(algorithm: HashName): string | undefined
  /** True when this key made the signature that the content was read for. */
  signedBy(key: KeyObject, signature: Uint8Array): boolean
}

/** Bytes in memory: an envelope's pre-authentication encoding, a commit, a payload. */
export function contentOf(bytes: Uint8Array): SignedContent {
  return {
    hash: algorithm => createHash(algorithm).update(bytes).digest('hex'),
    signedBy: (key, signature) => verifies(key, bytes, signature),
  }
}
