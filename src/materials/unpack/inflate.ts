import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createInflateRaw } from 'node:zlib'
import { WaybillError } from '../../core/error.ts'
import { malformed, tooLarge } from './bounds.ts'

/** Bytes handed out at once: a bomb is noticed after one of these. */
const PIECE = 64 * 1024

/** @throws `materials/archive-malformed`; `materials/archive-too-large` above `most` bytes */
export async function* gunzipped(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  for await (const chunk of through(chunks, createGunzip({ chunkSize: PIECE }))) {
    bytes += chunk.byteLength
    if (bytes > most) throw tooLarge(`at most ${most} bytes from an archive of this size`)
    yield chunk
  }
}

/**
 * A raw deflate stream that is exactly these chunks long and gives exactly `size` bytes.
 * @throws `materials/archive-malformed`
 */
export async function* inflated(
  chunks: AsyncIterable<Uint8Array>,
  compressed: number,
  size: number,
): AsyncGenerator<Uint8Array, void> {
  const engine = createInflateRaw({ chunkSize: PIECE })
  let bytes = 0
  for await (const chunk of through(chunks, engine)) {
    bytes += chunk.byteLength
    if (bytes > size) throw malformed('an entry with more bytes than it says')
    yield chunk
  }
  if (bytes !== size) throw malformed('an entry with fewer bytes than it says')
  if (engine.bytesWritten !== compressed) throw malformed('bytes behind the end of an entry')
}

/** What comes out of an engine of zlib; an error of it is one of the archive. @throws `materials/archive-malformed` */
export async function* through(chunks: AsyncIterable<Uint8Array>, engine: Transform): AsyncGenerator<Uint8Array, void> {
  const source = Readable.from(chunks)
  // The error is told by reading; without the callback it would be nobody's.
  pipeline(source, engine, () => {})
  try {
    for await (const chunk of engine) yield chunk as Uint8Array
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw malformed('compressed data that cannot be read', error)
  } finally {
    source.destroy()
    engine.destroy()
  }
}
