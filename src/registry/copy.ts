import { Readable } from 'node:stream'
import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { blobPieces } from './blob-pieces.ts'
import type { FetchedManifest, RegistryClient } from './client.ts'
import { blobsToSend, type Descriptor, type Manifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'
import { attachReferrers, listReferrers, type Referrer } from './referrers.ts'
import { sendUntilComplete } from './resend.ts'

/** A repository and the client that may ask for it. */
export interface CopyPlace {
  readonly client: RegistryClient
  readonly repository: Repository
}

const PARALLEL = 4
const MAX_DEPTH = 4
const UNREADABLE: ReadonlySet<string> = new Set([
  'registry/not-found',
  'registry/manifest-malformed',
  'registry/digest-mismatch',
])

/**
 * Brings an image by digest into another repository with everything that is attached to it and to its parts: children before
 * parents, nothing is tagged. Within one registry blobs are mounted. Every byte is hashed; what is there already is not sent again.
 * @throws `registry/digest-mismatch`, `registry/referrers-incomplete` (a copy without a signature would look unsigned), and what
 * the client throws
 */
export async function copyImage(from: CopyPlace, to: CopyPlace, digest: Digest): Promise<void> {
  const parts: Descriptor[] = []
  const pause = (round: number) => to.client.transport.pause(to.repository, round)
  await sendUntilComplete(pause, () => {
    parts.length = 0
    return copyManifest(from, to, digest, parts, 1)
  })
  await inParallel(parts, PARALLEL, part => copyReferrers(from, to, part))
}

async function copyManifest(
  from: CopyPlace,
  to: CopyPlace,
  digest: Digest,
  parts: Descriptor[],
  depth: number,
): Promise<void> {
  if (depth > MAX_DEPTH) throw fail('registry/image-too-large', 'Indexes are nested too deep to be copied')
  const fetched = await from.client.getManifest(from.repository, digest)
  const { manifest } = fetched
  if (manifest.kind === 'index')
    for (const child of new Set(manifest.manifests.map(entry => entry.digest)))
      await copyManifest(from, to, child, parts, depth + 1)
  else await copyBlobs(from, to, manifest)
  await put(to, fetched)
  parts.push(fetched.descriptor)
}

async function put({ client, repository }: CopyPlace, { descriptor, bytes }: FetchedManifest): Promise<void> {
  await client.putManifest(repository, descriptor.digest, descriptor.mediaType, bytes)
}

async function copyBlobs(from: CopyPlace, to: CopyPlace, manifest: Manifest): Promise<void> {
  if (manifest.kind !== 'image') return
  const mount = from.repository.host === to.repository.host ? { from: from.repository.repository } : {}
  const blobs = new Map(blobsToSend(manifest).map(blob => [blob.digest, blob]))
  await inParallel([...blobs.values()], PARALLEL, ({ digest, size }) =>
    to.client.putBlob(
      to.repository,
      {
        open: () => Readable.from(blobPieces(from.client, from.repository, { digest, size }), { objectMode: false }),
        digest,
        size,
      },
      { unlessPresent: true, ...mount },
    ),
  )
}

/** What has been attached to one manifest; the registry's list of the target is brought up to date in one update. */
async function copyReferrers(from: CopyPlace, to: CopyPlace, subject: Descriptor): Promise<void> {
  const { descriptors, complete, problems } = await listReferrers(from.client, from.repository, subject.digest)
  if (!complete)
    throw (
      problems[0] ??
      fail('registry/referrers-incomplete', `What is attached in ${formatReference(from.repository)} is not known`)
    )
  const referrers = await inParallel(descriptors, PARALLEL, entry => copyReferrer(from, to, entry, subject))
  await attachReferrers(to.client, to.repository, referrers.flat())
}

async function copyReferrer(
  from: CopyPlace,
  to: CopyPlace,
  entry: Descriptor,
  subject: Descriptor,
): Promise<readonly Referrer[]> {
  try {
    const { bytes, manifest } = await from.client.getManifest(from.repository, entry.digest)
    // A list may name anything; only what says itself that it belongs here is brought along.
    if (manifest.kind !== 'image' || manifest.subject?.digest !== subject.digest) return []
    await copyBlobs(from, to, manifest)
    const artifactType = manifest.artifactType ?? manifest.config.mediaType
    return [{ subject, manifest: bytes, artifactType, annotations: manifest.annotations }]
  } catch (error) {
    // What was planted in a list and is not there, or not whole, or is nothing that is read, must stop nobody (13-adversary 26).
    if (UNREADABLE.has(asWaybillError(error).code)) return []
    throw error
  }
}
