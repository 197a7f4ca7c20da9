import type { Digest } from '../core/digest.ts'
import { BUNDLE_TYPE } from './bundle-manifest.ts'
import type { RegistryClient } from './client.ts'
import { EvidenceBudget } from './evidence-budget.ts'
import { type BundleLimits, fetchBundles, readBundles } from './fetch-bundles.ts'
import { type FetchedBundles, joinFetched, LeftOut, NOTHING_FOUND } from './fetched.ts'
import { fetchLegacy } from './legacy.ts'
import type { Descriptor } from './manifest.ts'
import type { Repository } from './reference.ts'
import { listUnfiltered } from './referrers.ts'

/** One way to find evidence about a subject; nothing is asked before it is called, and it is asked once. */
export type FindEvidence = () => Promise<FetchedBundles>

/** The ways that lead through a registry, in the order to ask; each gives only what is new. */
export interface RegistryEvidence {
  /**
   * Those known by digest, then what today's tools attach: bundles listed by the referrers API and the fallback tag.
   * @throws as `fetchBundles`
   */
  readonly attached: FindEvidence
  /**
   * What older tools wrote: `.sig` and `.att` tags of cosign ≤ 2, and, where the registry may have left them out of its
   * list, bundles under other artifact types. Two or three requests, all at once; never throws.
   *
   * It is honest not to ask after a pass, since what is found here can only add to what is proved. Nothing may be refused
   * before it was asked.
   */
  readonly older: FindEvidence
}

/** Step 2 of the gate for one subject in a registry (7-verify-deploy § 1). All ways share one budget (13-adversary 43). */
export function registryEvidence(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  limits: BundleLimits = {},
): RegistryEvidence {
  const shared = {
    budget: limits.budget ?? new EvidenceBudget(limits),
    read: limits.read ?? new Map<string, Promise<Uint8Array>>(),
  }
  const attached = once(() => fetchBundles(client, repository, subject, { ...limits, ...shared }))
  const older = once(async () => {
    const legacy = fetchLegacy(client, repository, subject, shared)
    const found = await attached().catch(() => undefined)
    const others = await otherBundles(client, repository, subject, found, shared)
    return joinFetched(others, { bundles: [], ...(await legacy) })
  })
  return { attached, older }
}

function once(find: FindEvidence): FindEvidence {
  let asked: Promise<FetchedBundles> | undefined
  return () => {
    asked ??= find()
    return asked
  }
}

/** Bundles that a filtered list did not show; those that were read already are not read again. */
function otherBundles(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  found: FetchedBundles | undefined,
  limits: Required<Pick<BundleLimits, 'budget' | 'read'>>,
): Promise<FetchedBundles> {
  // A list that could not be read at all may have been filtered, too.
  if (found !== undefined && found.filtered !== true) return Promise.resolve(NOTHING_FOUND)
  const read = new Set(found?.bundles.map(({ manifest }) => manifest))
  const isNew = ({ digest, artifactType }: Descriptor) =>
    found === undefined || (artifactType !== BUNDLE_TYPE && !read.has(digest))
  const list = async () => {
    const all = await listUnfiltered(client, repository, subject)
    return { ...all, filtered: false, descriptors: all.descriptors.filter(isNew) }
  }
  return readBundles(client, repository, subject, list, limits).catch(error => {
    const out = new LeftOut()
    out.skip(subject, error)
    return { bundles: [], complete: out.complete, skipped: out.findings }
  })
}
