import { asWaybillError } from '../core/error.ts'

/** A registry that cleans up, or shows what it stored a moment later, gets everything this often. */
const ROUNDS = 3

/**
 * Sends blobs and then the manifests over them; all of it again when the registry says that it has not got what it
 * accepted. Repeating is harmless: the same bytes have the same digests.
 * @throws `registry/parts-lost` when it says so each time, and what `send` throws
 */
export async function sendUntilComplete<T>(
  pause: (round: number) => Promise<void>,
  send: () => Promise<T>,
): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await send()
    } catch (error) {
      if (round >= ROUNDS || asWaybillError(error).code !== 'registry/parts-lost') throw error
      await pause(round)
    }
  }
}
