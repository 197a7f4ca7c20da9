import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { ContentReader } from './bundle-manifest.ts'
import { EvidenceBudget } from './evidence-budget.ts'
import { fallbackTag, readFallback } from './fallback.ts'
import { type BundleLimits, readBundles } from './fetch-bundles.ts'
import { type FetchedBundles, joinFetched } from './fetched.ts'
import { type InspectedImage, inspectImage } from './image.ts'
import { readLayout } from './layout.ts'
import { cosignKind, LayoutReader, type Opened, REF_NAME, tagOf } from './layout-reader.ts'
import { fetchLegacy } from './legacy.ts'
import { type Descriptor, readDescriptor } from './manifest.ts'
import { parseReference, type Repository } from './reference.ts'
import type { ReferrerList } from './referrers.ts'

/** A layout stands for itself: its manifests have no host. */
const HERE: Repository = { host: 'layout', repository: 'layout' }

/** @param path a folder, or an uncompressed tar. @throws `registry/layout-malformed` */
export async function openLayout(path: string): Promise<LayoutReader> {
  return new LayoutReader(await readLayout(path))
}

/**
 * All evidence that an image layout holds about a subject, legacy signatures too, without any network: entries of
 * `index.json` and unnamed manifests whose own `subject` it is, the index named `sha256-<hex>`, and `.sig` and `.att` names
 * or the kinds that `cosign save` writes.
 */
export async function fetchBundlesFromLayout(
  layout: LayoutReader,
  subject: Digest,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  const shared = {
    ...limits,
    budget: limits.budget ?? new EvidenceBudget(limits),
    read: limits.read ?? new Map<string, Promise<Uint8Array>>(),
  }
  const bundles = await readBundles(layout, HERE, subject, () => referrersIn(layout, subject), shared)
  return joinFetched(bundles, { bundles: [], ...(await fetchLegacy(layout, HERE, subject, shared)) })
}

async function referrersIn(layout: LayoutReader, subject: Digest): Promise<ReferrerList> {
  const opened = await layout.opened()
  const own = opened.flatMap(item => (item.manifest?.subject?.digest === subject ? [descriptorOf(item)] : []))
  const { descriptors, problems } = await fallbackIn(layout, subject)
  const unique = new Map([...own, ...descriptors].map(entry => [entry.digest, entry]))
  const all = [...unique.values()]
  // An entry that cannot be read may be what is looked for.
  const unread = opened.filter(({ error, entry }) => error !== undefined && entry !== undefined).length
  const found = [
    ...(unread === 0 ? [] : [`${unread} unreadable entries`]),
    ...problems,
    ...(all.length > LIMITS.referrers ? [`more than ${LIMITS.referrers} entries`] : []),
    ...(layout.cut ? [`more than ${LIMITS.layoutBlobs} blobs`] : []),
  ]
  return {
    descriptors: all.slice(0, LIMITS.referrers),
    complete: found.length === 0,
    sources: [],
    problems: found.map(incomplete),
  }
}

function descriptorOf({ digest, entry, manifest }: Opened): Descriptor {
  return entry ?? { digest, mediaType: manifest?.mediaType ?? '', size: 0 }
}

/** What a copied fallback index lists; it may name manifests that were not copied with it. */
async function fallbackIn(
  layout: ContentReader,
  subject: Digest,
): Promise<{ descriptors: readonly Descriptor[]; problems: readonly string[] }> {
  const state = await readFallback(layout, HERE, subject)
  if (state.kind === 'none') return { descriptors: [], problems: [] }
  if (state.kind === 'foreign') return { descriptors: [], problems: [`${fallbackTag(subject)} names something else`] }
  const readable = state.index.entries.flatMap(entry => {
    try {
      return [readDescriptor(entry, 'referrer')]
    } catch {
      return []
    }
  })
  const lost = state.index.entries.length - readable.length
  return { descriptors: readable, problems: lost === 0 ? [] : [`${lost} unreadable entries`] }
}

function incomplete(found: string) {
  return fail('registry/referrers-incomplete', 'The list of what is attached to the image is not complete', { found })
}

/** Which image of a layout is meant: by digest, by its name, or the only one. */
export interface LayoutChoice {
  readonly digest?: Digest
  /** The whole name in `index.json`, or its tag. */
  readonly name?: string
  /** Canonical `host/repository`: an entry whose name is a whole reference must be of it. */
  readonly repository?: string
}

/**
 * The image of a layout and its platforms, every part confirmed to be there.
 * @throws `registry/layout-ambiguous` (none or several are meant), and what `inspectImage` throws
 */
export async function resolveInLayout(layout: LayoutReader, choice: LayoutChoice = {}): Promise<InspectedImage> {
  const digest = choice.digest ?? (await chosenImage(layout, choice))
  return inspectImage(layout, HERE, digest)
}

async function chosenImage(layout: LayoutReader, choice: LayoutChoice): Promise<Digest> {
  const { name } = choice
  const digests = await imagesNamed(layout, choice)
  const [digest, ...more] = digests
  if (digest !== undefined && more.length === 0) return digest
  throw fail('registry/layout-ambiguous', `${printable(layout.layout.path)} does not name exactly one image`, {
    expected: name === undefined ? 'one image in index.json' : `one image named ${printable(name)}`,
    found: String(digests.length),
  })
}

/** The images of a layout that are meant: none, one, or several, of which nobody knows which. */
export async function imagesNamed(
  layout: LayoutReader,
  { name, repository }: LayoutChoice,
): Promise<readonly Digest[]> {
  const meant = (await imagesIn(layout)).filter(({ entry }) => {
    const whole = entry.annotations?.[REF_NAME]
    const isNamed = name === undefined || whole === name || tagOf(entry) === name
    return isNamed && (repository === undefined || isOf(whole, repository))
  })
  return [...new Set(meant.map(({ digest }) => digest))]
}

/** A bare tag is of any repository; a whole reference of its own alone. */
function isOf(name: string | undefined, repository: string): boolean {
  if (name?.includes('/') !== true) return true
  try {
    return parseReference(name).canonical === repository
  } catch {
    return false
  }
}

/** Entries that are images: not attached to something, no list of attached things, and no part of another entry. */
async function imagesIn(layout: LayoutReader): Promise<readonly (Opened & { readonly entry: Descriptor })[]> {
  const opened = await layout.opened()
  const listed = opened.flatMap(item => (item.entry === undefined ? [] : [{ ...item, entry: item.entry }]))
  const parts = new Set(
    listed.flatMap(({ manifest }) =>
      manifest?.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : [],
    ),
  )
  return listed.filter(({ entry, manifest, digest }) => {
    if (manifest?.subject !== undefined || parts.has(digest)) return false
    if (['sigs', 'atts', 'sboms'].includes(cosignKind(entry) ?? '')) return false
    return !/^sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$/.test(tagOf(entry) ?? '')
  })
}
