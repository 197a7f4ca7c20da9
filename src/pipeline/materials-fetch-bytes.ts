import { type Digest, parseDigest } from '../core/digest.ts'
import { chunksOf } from '../io/private-file.ts'
import type { ByteFacts } from '../materials/proof/byte-check.ts'

/** Bytes whose digest was right, before anybody knows who signed them. */
export interface SignedBytes {
  /** For messages. */
  readonly name: string
  readonly size: number
  readonly digests: ByteFacts['digests']
  /** From the first byte on; may be asked more than once. */
  content(): AsyncIterable<Uint8Array>
}

export function signedBytes({ bytes, digests }: ByteFacts, path: string, name: string): SignedBytes {
  return { name, size: bytes, digests, content: () => chunksOf(path) }
}

export function digestOf({ digests }: Pick<SignedBytes, 'digests'>): Digest {
  return parseDigest(`sha256:${Buffer.from(digests.get('sha256') ?? []).toString('hex')}`)
}
