import { type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto'

/**
 * True when the key made this signature over the data. Runs on the thread pool, so several calls at once use several cores.
 * @param hash name of the hash, or null where the algorithm has its own (Ed25519, Ed448).
 */
export function verifies(
  hash: string | null,
  data: Uint8Array,
  key: KeyObject | VerifyKeyObjectInput,
  signature: Uint8Array,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(hash, data, key, signature, (error, result) => (error === null ? resolve(result) : reject(error)))
  })
}
