import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import {
  BUNDLE_TYPE,
  bundleLayer,
  type Candidate,
  type ContentReader,
  fetchLayer,
  isBundleManifest,
  notRead,
  type ReadBundles,
} from './bundle-manifest.ts'
import type { RegistryClient } from './client.ts'
import { EvidenceBudget, overBudget } from './evidence-budget.ts'
import { type FetchedBundle, type FetchedBundles, LeftOut } from './fetched.ts'
import type { Repository } from './reference.ts'
import { listReferrers, type ReferrerList } from './referrers.ts'

export interface BundleLimits {
  readonly bundles?: number
  readonly bytes?: number
  /** Bundles of this repository that were read already: one may be attached to many subjects. */
  readonly read?: ReadBundles
  /**
   * Referrer manifests that the caller knows by digest: they are read before anything is listed, so that a flooded list
   * hides none of them. They must be attached to the subject like all others.
   */
  readonly known?: readonly Digest[]
  /** Shared with other ways of finding evidence about the same subject; instead of `bundles` and `bytes`. */
  readonly budget?: EvidenceBudget
}

/** Requests under way at the same time. */
export const PARALLEL_READS = 8

/**
 * Fetches the bundles attached to a subject: those known by digest first, then lists, opens every manifest (its descriptor's
 * type is only a claim), takes the smallest first up to the limits (13-adversary 26, 43). A bundle that cannot be read is
 * named, never fatal.
 * @throws when no list of referrers could be read at all and none was known by digest.
 */
export async function fetchBundles(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  return readBundles(client, repository, subject, () => listReferrers(client, repository, subject, BUNDLE_TYPE), limits)
}

/** As `fetchBundles`, over any list of what may be attached. */
export async function readBundles(
  reader: ContentReader,
  repository: Repository,
  subject: Digest,
  list: () => Promise<ReferrerList>,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  const out = new LeftOut()
  const read = limits.read ?? new Map()
  const context = { reader, repository, subject, out, read, budget: limits.budget ?? new EvidenceBudget(limits) }
  const known = [...new Set(limits.known ?? [])].slice(0, LIMITS.subjectBundles)
  const first = await readThese(known, context, (digest, error) => {
    // That a digest which somebody wrote down is not there says nothing about what is.
    if (asWaybillError(error).code === 'registry/not-found') out.note(digest, error)
    else out.skip(digest, error)
  })
  const listed: ReferrerList = await list().catch(error => {
    if (first.length === 0) throw error
    return { descriptors: [], complete: false, sources: [], problems: [asWaybillError(error)] } satisfies ReferrerList
  })
  for (const problem of listed.problems) out.note(subject, problem)
  const others = listed.descriptors.map(entry => entry.digest).filter(digest => !known.includes(digest))
  const second = await readThese(others, context, (digest, error) => out.skip(digest, error))
  return {
    bundles: [...first, ...second],
    complete: listed.complete && out.complete,
    skipped: out.findings,
    ...(listed.filtered === true ? { filtered: true } : {}),
  }
}

interface Reading {
  readonly reader: ContentReader
  readonly repository: Repository
  readonly subject: Digest
  readonly budget: EvidenceBudget
  readonly read: ReadBundles
  readonly out: LeftOut
}

async function readThese(
  manifests: readonly Digest[],
  { reader, repository, subject, budget, read, out }: Reading,
  skip: (digest: Digest, error: unknown) => void,
): Promise<readonly FetchedBundle[]> {
  const opened = await inParallel(manifests, PARALLEL_READS, digest =>
    openReferrer(reader, repository, subject, digest).catch(error => void skip(digest, error)),
  )
  return fetchChosen(
    reader,
    repository,
    opened.filter(candidate => candidate !== undefined),
    { budget, read, out },
  )
}

/** Fetches as many of the candidates as the budget has room for; the others are named. */
export async function fetchChosen(
  reader: ContentReader,
  repository: Repository,
  candidates: readonly Candidate[],
  { budget, read, out }: Pick<Reading, 'budget' | 'read' | 'out'>,
): Promise<readonly FetchedBundle[]> {
  const { chosen, left } = budget.choose(candidates)
  if (left[0] !== undefined) out.skip(left[0].manifest, overBudget(left.length))
  const fetched = await inParallel(chosen, PARALLEL_READS, candidate =>
    fetchLayer(reader, repository, candidate, read).catch(error => out.skip(candidate.manifest, error)),
  )
  return fetched.filter(bundle => bundle !== undefined)
}

/**
 * The bundle in one manifest that is known by its digest, whatever it is attached to: unverified bytes.
 * @throws `registry/bundle-skipped` when it is something else.
 */
export async function readBundle(client: ContentReader, repository: Repository, manifest: Digest): Promise<Uint8Array> {
  const opened = await client.getManifest(repository, manifest)
  if (!isBundleManifest(opened.manifest)) throw notRead('an artifact of another kind')
  const candidate = { manifest, layer: bundleLayer(opened.manifest) }
  return (await fetchLayer(client, repository, candidate, new Map())).bytes
}

/** The bundle layer of a referrer; undefined when it is an artifact of another kind. */
async function openReferrer(
  reader: ContentReader,
  repository: Repository,
  subject: Digest,
  digest: Digest,
): Promise<Candidate | undefined> {
  const { manifest } = await reader.getManifest(repository, digest)
  if (!isBundleManifest(manifest)) return undefined
  // A list may name anything; what counts is what the manifest itself says it is attached to. For registries that know no subject,
  // actions/attest leaves it out, and the fallback tag alone leads there: what is signed says whom it is about.
  const { subject: attachedTo } = manifest
  if (attachedTo !== undefined && attachedTo.digest !== subject)
    throw notRead('attached to another subject', attachedTo.digest)
  return { manifest: digest, layer: bundleLayer(manifest) }
}
