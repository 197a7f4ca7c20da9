import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import type { ImageDescriptor } from './builder.ts'

/** What to do when the driver is one that knows no image digest. */
const DRIVER_REMEDY =
  'Add a step `uses: docker/setup-buildx-action@v3` before this one: its builder writes image digests, the docker driver does not.'

/**
 * Reads the file of `docker buildx build --metadata-file`.
 *
 *     { "containerimage.digest": "sha256:…", "containerimage.config.digest": "sha256:…",
 *       "containerimage.descriptor": { "mediaType": "…", "digest": "sha256:…", "size": … }, … }
 *
 * Trap: with the docker driver `containerimage.digest` is the **config** digest, which no registry serves as a manifest.
 * @throws `build/digest-missing`, `build/digest-mismatch`
 */
export function readBuildxMetadata(bytes: Uint8Array): ImageDescriptor {
  const metadata = parse(bytes)
  const digest = metadata['containerimage.digest']
  if (!isDigest(digest)) throw missing('no containerimage.digest')
  if (digest === metadata['containerimage.config.digest']) throw missing('the digest of the configuration only')
  const descriptor = metadata['containerimage.descriptor']
  if (!isObject(descriptor)) return { digest, mediaType: '' }
  if (descriptor.digest !== digest) throw disagree(digest, descriptor.digest)
  return { digest, mediaType: typeof descriptor.mediaType === 'string' ? descriptor.mediaType : '' }
}

function parse(bytes: Uint8Array): JsonObject {
  try {
    return parseJsonObject(bytes, 'metadata file of buildx')
  } catch (error) {
    throw fail('build/digest-missing', 'The metadata file of buildx cannot be read', {
      expected: 'JSON with containerimage.digest',
      cause: error,
    })
  }
}

function missing(found: string): Error {
  return fail('build/digest-missing', 'buildx did not say which image digest it made', {
    expected: 'containerimage.digest in the metadata file',
    found,
    remedy: DRIVER_REMEDY,
  })
}

function disagree(digest: Digest, other: unknown): Error {
  return fail('build/digest-mismatch', 'The metadata file of buildx names two digests', {
    expected: digest,
    found: String(other),
  })
}
