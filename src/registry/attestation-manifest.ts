import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { ContentReader } from './bundle-manifest.ts'
import { isAttestation } from './image.ts'
import type { Descriptor, ImageIndex, ImageManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/** Media type of a statement as BuildKit stores it, unsigned. */
const STATEMENT_LAYER = 'application/vnd.in-toto+json'
/** What it is about, in the annotations of its layer. */
const PREDICATE_TYPE = 'in-toto.io/predicate-type'
/** Entries of one platform that are looked at; BuildKit writes one. */
const MAX_OF_PLATFORM = 4

/** BuildKit's attestation manifest of one platform. docs/attestations/attestation-storage.md of BuildKit. */
export interface AttestationManifest {
  readonly digest: Digest
  /** Statements of the kind that was asked for; bytes that nobody has signed themselves. */
  readonly statements: readonly Uint8Array[]
}

/** Entries of an index that say of themselves that they are the attestation manifest of this platform manifest. */
export function attestationsOf({ manifests }: ImageIndex, platform: Digest): readonly Descriptor[] {
  const named = manifests.filter(
    entry => isAttestation(entry) && entry.annotations?.['vnd.docker.reference.digest'] === platform,
  )
  return named.slice(0, MAX_OF_PLATFORM)
}

/**
 * Opens one and reads its statements of a kind. Since BuildKit 0.27, the first release whose images are signed in this way, the
 * manifest has the platform manifest as its subject; one that has none, or another, was made by something else.
 * @param signed false: what is read is not believed because of who pushed it, so builders before that release are read, too.
 * @param wanted which predicate types, by the layer's annotation: the caller checks what the statement itself says.
 * @throws `registry/attestation-unusable`, and what the reader throws.
 */
export async function readAttestationManifest(
  reader: ContentReader,
  repository: Repository,
  entry: Descriptor,
  platform: Digest,
  wanted: (predicateType: string) => boolean,
  signed = true,
): Promise<AttestationManifest> {
  const { manifest } = await reader.getManifest(repository, entry.digest)
  if (manifest.kind !== 'image') throw unusable(repository, entry, 'an attestation manifest', 'an index')
  if (manifest.subject?.digest !== platform && (signed || manifest.subject !== undefined))
    throw unusable(repository, entry, `subject ${platform}`, manifest.subject?.digest ?? 'no subject')
  const layers = statementLayers(manifest, wanted)
  if (layers.length === 0) throw unusable(repository, entry, 'a statement about the platform', 'none of that kind')
  const tooLarge = layers.find(({ size }) => size > LIMITS.bundleBytes)
  if (tooLarge !== undefined)
    throw unusable(repository, entry, `statements of at most ${LIMITS.bundleBytes} bytes`, `${tooLarge.size} bytes`)
  const statements = await Promise.all(
    layers.map(({ digest }) => reader.getBlob(repository, digest, LIMITS.bundleBytes)),
  )
  return { digest: entry.digest, statements }
}

function statementLayers({ layers }: ImageManifest, wanted: (predicateType: string) => boolean): readonly Descriptor[] {
  const found = layers.filter(
    ({ mediaType, annotations }) => mediaType === STATEMENT_LAYER && wanted(annotations?.[PREDICATE_TYPE] ?? ''),
  )
  return found.slice(0, MAX_OF_PLATFORM)
}

function unusable(repository: Repository, { digest }: Descriptor, expected: string, found: string): Error {
  const name = formatReference({ ...repository, digest })
  return fail('registry/attestation-unusable', `${name} is not the attestation manifest that its index calls it`, {
    expected,
    found,
  })
}
