import { type Digest, hexOf } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import {
  type Candidate,
  type ContentReader,
  isBundleLayer,
  isBundleManifest,
  notRead,
  sizedLayer,
} from './bundle-manifest.ts'
import type { RegistryClient } from './client.ts'
import { EvidenceBudget, overBudget } from './evidence-budget.ts'
import { type BundleLimits, fetchBundles, fetchChosen, PARALLEL_READS } from './fetch-bundles.ts'
import { type FetchedBundles, joinFetched, LeftOut } from './fetched.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/** Where the writer of a manifest of bundles says which file they are about; not every writer does. */
const FILE_DIGEST = 'dev.waybill.file.digest'

/**
 * Bundles about a file, found by its digest in a `files-repository` (6-sign-and-publish § 2): the manifest tagged
 * `file-sha256-<hex>`, whose layers are bundles, or an index of such manifests, and whatever is attached to the digest
 * itself. Unverified bytes: a tag is whatever its writer likes, and only what a bundle says of this digest counts later.
 * @throws when neither the tag nor any list could be asked.
 */
export async function fetchFileBundles(
  client: RegistryClient,
  repository: Repository,
  file: Digest,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  const shared = { ...limits, budget: limits.budget ?? new EvidenceBudget(limits), read: limits.read ?? new Map() }
  const [tagged, attached] = await Promise.allSettled([
    taggedBundles(client, repository, file, shared),
    fetchBundles(client, repository, file, shared),
  ])
  if (tagged.status === 'rejected' && attached.status === 'rejected') throw tagged.reason
  return joinFetched(orNothing(tagged, file), orNothing(attached, file))
}

function orNothing(settled: PromiseSettledResult<FetchedBundles>, file: Digest): FetchedBundles {
  if (settled.status === 'fulfilled') return settled.value
  const out = new LeftOut()
  out.skip(file, settled.reason)
  return { bundles: [], complete: out.complete, skipped: out.findings }
}

/** @throws what the reader throws for the tag itself */
async function taggedBundles(
  reader: ContentReader,
  repository: Repository,
  file: Digest,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  const out = new LeftOut()
  const tag = `file-sha256-${hexOf(file)}`
  const raw = await reader.getRaw(repository, tag)
  if (raw === undefined) return { bundles: [], complete: true, skipped: [] }
  const context = { budget: limits.budget ?? new EvidenceBudget(limits), read: limits.read ?? new Map(), out }
  try {
    const manifest = parseManifest(raw.bytes, raw.mediaType)
    const candidates =
      manifest.kind === 'image'
        ? candidatesIn(manifest, raw.digest, file, out)
        : await candidatesBelow(reader, repository, manifest, file, out)
    const bundles = await fetchChosen(reader, repository, candidates, context)
    return { bundles, complete: out.complete, skipped: out.findings }
  } catch (error) {
    out.skip(formatReference({ ...repository, tag }), error)
    return { bundles: [], complete: out.complete, skipped: out.findings }
  }
}

/** One level: an index of indexes is nothing that anybody writes for files. */
async function candidatesBelow(
  reader: ContentReader,
  repository: Repository,
  index: Manifest & { readonly kind: 'index' },
  file: Digest,
  out: LeftOut,
): Promise<readonly Candidate[]> {
  const digests = [...new Set(index.manifests.map(({ digest }) => digest))]
  if (digests.length > LIMITS.subjectBundles) out.skip(file, overBudget(digests.length - LIMITS.subjectBundles))
  const opened = await inParallel(digests.slice(0, LIMITS.subjectBundles), PARALLEL_READS, digest =>
    reader
      .getManifest(repository, digest)
      .then(({ manifest }) => candidatesIn(manifest, digest, file, out))
      .catch(error => {
        out.skip(digest, error)
        return []
      }),
  )
  return opened.flat()
}

function candidatesIn(manifest: Manifest, digest: Digest, file: Digest, out: LeftOut): readonly Candidate[] {
  try {
    if (manifest.kind !== 'image' || !isBundleManifest(manifest)) throw notRead('an artifact of another kind')
    const about = manifest.annotations[FILE_DIGEST]
    if (about !== undefined && about !== file) throw notRead('bundles about another file', about)
    const layers = manifest.layers.filter(isBundleLayer)
    if (layers.length < manifest.layers.length) out.note(digest, notRead('layers that are no bundles'))
    return layers.flatMap(layer => sized({ manifest: digest, layer }, out))
  } catch (error) {
    out.skip(digest, error)
    return []
  }
}

function sized(candidate: Candidate, out: LeftOut): readonly Candidate[] {
  try {
    return [{ ...candidate, layer: sizedLayer(candidate.layer) }]
  } catch (error) {
    out.skip(candidate.manifest, error)
    return []
  }
}
