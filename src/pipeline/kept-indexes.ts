import { type Digest, sha256 } from '../core/digest.ts'
import { isAttestation } from '../registry/image.ts'
import { DOCKER_LIST, type ImageIndex, OCI_INDEX, parseManifest } from '../registry/manifest.ts'

/** Levels of indexes below an index, as where images are inspected. */
const DEPTH = 4

/**
 * What an index's own bytes say its platforms are. A folder that merely named them could have a foreign index pass by a
 * child that somebody signed for another image (13-adversary 21).
 * @param bytesOf the index with that digest; its bytes are hashed here.
 * @returns undefined when the bytes are not at hand, or not those of an index.
 */
export function platformsOf(
  digest: Digest,
  bytesOf: (digest: Digest) => Uint8Array | undefined,
): readonly Digest[] | undefined {
  const found = new Set<Digest>()
  return walk(digest, bytesOf, found, DEPTH) ? [...found] : undefined
}

function walk(
  digest: Digest,
  bytesOf: (digest: Digest) => Uint8Array | undefined,
  found: Set<Digest>,
  depth: number,
): boolean {
  const index = indexOf(digest, bytesOf(digest))
  if (index === undefined || depth === 0) return false
  return index.manifests.every(entry => {
    if (entry.mediaType === OCI_INDEX || entry.mediaType === DOCKER_LIST)
      return walk(entry.digest, bytesOf, found, depth - 1)
    if (!isAttestation(entry)) found.add(entry.digest)
    return true
  })
}

/** True when the parent's own bytes list the child, and not as something that BuildKit says of another one. */
export function lists(parent: Digest, child: Digest, bytesOf: (digest: Digest) => Uint8Array | undefined): boolean {
  return (
    indexOf(parent, bytesOf(parent))?.manifests.some(entry => entry.digest === child && !isAttestation(entry)) ?? false
  )
}

function indexOf(digest: Digest, bytes: Uint8Array | undefined): ImageIndex | undefined {
  if (bytes === undefined || sha256(bytes) !== digest) return undefined
  for (const type of [OCI_INDEX, DOCKER_LIST]) {
    try {
      const manifest = parseManifest(bytes, type)
      if (manifest.kind === 'index') return manifest
    } catch {
      // Of the other type, or not an index at all: then it proves nothing.
    }
  }
  return undefined
}

/** The index and those below it, by digest; others are not needed to know its platforms. */
export function indexesNeeded(
  digests: Iterable<Digest>,
  bytesOf: (digest: Digest) => Uint8Array | undefined,
): ReadonlyMap<Digest, Uint8Array> {
  const needed = new Map<Digest, Uint8Array>()
  const open = [...digests]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const bytes = bytesOf(digest)
    const index = needed.has(digest) ? undefined : indexOf(digest, bytes)
    if (index === undefined || bytes === undefined) continue
    needed.set(digest, bytes)
    for (const entry of index.manifests)
      if (entry.mediaType === OCI_INDEX || entry.mediaType === DOCKER_LIST) open.push(entry.digest)
  }
  return needed
}
