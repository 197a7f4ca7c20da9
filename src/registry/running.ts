import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import type { ContentReader } from './bundle-manifest.ts'
import { isAttestation } from './image.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { formatReference, type Reference } from './reference.ts'

/** How what a node tells and what the specification names are brought together. */
export interface RunningAs {
  /** All that the node knows: the digest of the image's configuration. Its manifest has to be found in the registry. */
  readonly config?: Digest
  /** What the specification names, where the node tells something else: right if it is an index that lists that one. */
  readonly specified?: Digest
}

export interface RunningManifest {
  /** Of the manifest that runs. */
  readonly digest: Digest
  /** The index through which it was chosen. */
  readonly parents: readonly Digest[]
}

/** Entries of an index that are looked through for a configuration; real images have up to about thirty. */
const MAX_ENTRIES = 200
const PARALLEL = 8

/**
 * The manifest that a node runs (13-adversary 33). Nodes differ: one tells the digest that it was asked for, one that of its own
 * platform, one only its configuration. What the registry's own bytes say brings them together, and nothing else does.
 * @param reference the name of the specification; its digest is what the node tells, absent with `config`.
 * @throws `verify/drift` when what the specification names by digest does not lead to what runs; `verify/image-id-unclear` when a
 * tag does not, which may have been moved since; `registry/…` when it cannot be read.
 */
export async function runningManifest(
  reader: ContentReader,
  reference: Reference,
  running: RunningAs,
): Promise<RunningManifest> {
  const { config, specified } = running
  const place = specified ?? reference.tag ?? 'latest'
  const named = await reader.getRaw(reference, place)
  if (named === undefined) throw lost(reference, place)
  const manifest = parseManifest(named.bytes, named.mediaType)
  const found =
    config === undefined
      ? reference.digest !== undefined && lists(manifest, reference.digest)
        ? { digest: reference.digest, parents: [named.digest] }
        : undefined
      : await withConfig(reader, reference, { digest: named.digest, manifest }, config)
  if (found !== undefined) return found
  throw specified === undefined ? moved(reference, config) : drift(reference, specified, config)
}

function lists(manifest: Manifest, digest: Digest): boolean {
  return manifest.kind === 'index' && manifest.manifests.some(entry => entry.digest === digest && !isAttestation(entry))
}

async function withConfig(
  reader: ContentReader,
  reference: Reference,
  { digest, manifest }: { readonly digest: Digest; readonly manifest: Manifest },
  config: Digest,
): Promise<RunningManifest | undefined> {
  if (manifest.kind === 'image') return manifest.config.digest === config ? { digest, parents: [] } : undefined
  const entries = manifest.manifests.filter(entry => !isAttestation(entry)).slice(0, MAX_ENTRIES)
  const children = await inParallel(entries, PARALLEL, entry => reader.getManifest(reference, entry.digest))
  const child = children.find(({ manifest }) => manifest.kind === 'image' && manifest.config.digest === config)
  return child === undefined ? undefined : { digest: child.descriptor.digest, parents: [digest] }
}

function drift(reference: Reference, specified: Digest, config: Digest | undefined): Error {
  const name = formatReference({ host: reference.host, repository: reference.repository })
  return fail('verify/drift', `Another image runs than the specification names: ${name}`, {
    expected: specified,
    found: config === undefined ? (reference.digest ?? 'nothing') : `an image with the configuration ${config}`,
  })
}

function moved(reference: Reference, config: Digest | undefined): Error {
  const name = formatReference(reference)
  return fail('verify/image-id-unclear', `No manifest that ${name} leads to has the configuration that runs`, {
    expected: `a manifest with the configuration ${config ?? ''}`.trimEnd(),
    found: 'others; the tag may have been moved since the pod started',
  })
}

function lost(reference: Reference, place: string): Error {
  return fail('verify/image-id-unclear', `The registry does not hold what the specification names`, {
    expected: formatReference({ host: reference.host, repository: reference.repository }),
    found: `nothing under ${place}`,
  })
}
