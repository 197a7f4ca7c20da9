import type { Digest } from '../core/digest.ts'
import type { RegistryClient } from './client.ts'
import type { Repository } from './reference.ts'

/** Bytes asked for at once: what is in memory of a layer, whatever its size. */
const PIECE_BYTES = 32 * 1024 * 1024
const PIECE_MS = 5 * 60_000

/** A blob piece by piece, so that a layer of gigabytes needs the memory of one piece; not hashed. RFC 9110 § 14.2 */
export async function* blobPieces(
  client: RegistryClient,
  repository: Repository,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < size || start === 0; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, size)
    const whole = size <= PIECE_BYTES
    const answer = await client.transport.request(
      {
        method: 'GET',
        repository,
        action: 'pull',
        path: `blobs/${digest}`,
        maxBytes: PIECE_BYTES,
        timeoutMs: PIECE_MS,
        ...(whole ? {} : { headers: { range: `bytes=${start}-${end - 1}` } }),
      },
      whole ? [200] : [206],
    )
    yield answer.body
  }
}
