import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import { isFolder } from '../io/files.ts'
import type { EvidenceSource, EvidenceSubject } from '../pipeline/verify-request.ts'
import { type FetchedBundle, type FetchedBundles, joinFetched } from '../registry/fetched.ts'
import { fetchBundlesFromLayout, imagesNamed, openLayout, resolveInLayout } from '../registry/layout-evidence.ts'
import type { LayoutReader } from '../registry/layout-reader.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import { bundlesBeside, type FoundBundle, readBundles } from '../subjects/bundle-files.ts'
import type { FileSubject } from '../subjects/files.ts'

/** Evidence on this machine's disk. */
export interface LocalEvidence {
  of(subject: EvidenceSubject): Promise<FetchedBundles>
  /** What a tag means in a layout that was named; undefined when none knows it. */
  digestOf(reference: Reference): Promise<Digest | undefined>
  /** Platforms of an index that lies in a layout; none when it does not. */
  platformsOf(digest: Digest): Promise<readonly Digest[]>
}

/** How many of the caller's own bundles and layouts are read. */
const MAX_PATHS = 10_000

/** @param paths bundles, and image layouts (a folder, or a tar). @throws `core/file-unreadable`, `registry/layout-malformed` */
export async function openLocalEvidence(paths: readonly string[]): Promise<LocalEvidence> {
  if (paths.length > MAX_PATHS)
    throw fail('entry/usage', 'More bundles are named than are read', { expected: `at most ${MAX_PATHS}` })
  const kinds = await Promise.all(paths.map(async path => ({ path, layout: await isLayout(path) })))
  const layouts = await Promise.all(kinds.filter(({ layout }) => layout).map(({ path }) => openLayout(path)))
  const files = kinds.filter(({ layout }) => !layout).map(({ path }) => path)
  const given = (await Promise.all(files.map(path => readBundles(path)))).flatMap(fetchedOf)
  return {
    of: subject => localBundles(subject, given, layouts),
    digestOf: reference => digestIn(layouts, reference),
    platformsOf: digest => platformsIn(layouts, digest),
  }
}

/** @throws `registry/layout-ambiguous` when layouts, or entries of one, say different things */
async function digestIn(layouts: readonly LayoutReader[], reference: Reference): Promise<Digest | undefined> {
  const choice = { name: reference.tag ?? 'latest', repository: reference.canonical }
  const found = await Promise.all(layouts.map(layout => imagesNamed(layout, choice)))
  const [digest, ...more] = new Set(found.flat())
  if (more.length === 0) return digest
  throw fail('registry/layout-ambiguous', `The layouts name several images ${formatReference(reference)}`, {
    expected: 'one image of this name',
    found: String(more.length + 1),
  })
}

async function isLayout(path: string): Promise<boolean> {
  return path.endsWith('.tar') || (await isFolder(path))
}

async function localBundles(
  subject: EvidenceSubject,
  given: readonly FetchedBundle[],
  layouts: readonly LayoutReader[],
): Promise<FetchedBundles> {
  const beside = subject.kind === 'file' ? await besideFile(subject) : []
  const bundles = [...new Map([...given, ...beside].map(bundle => [bundle.manifest, bundle])).values()]
  const found = await Promise.all(layouts.map(layout => fetchBundlesFromLayout(layout, subject.digest)))
  return found.reduce<FetchedBundles>(joinFetched, { bundles, complete: true, skipped: [] })
}

/** `<file>.sigstore.json`, where Waybill and cosign put it; one bundle, or one a line. 6-sign-and-publish § 2 */
async function besideFile(file: Pick<FileSubject, 'name' | 'path'>): Promise<readonly FetchedBundle[]> {
  return fetchedOf((await bundlesBeside(file)) ?? []).map(bundle => ({ ...bundle, beside: true }))
}

function fetchedOf(found: readonly FoundBundle[]): readonly FetchedBundle[] {
  return found.map(({ bytes }) => ({ bytes, manifest: sha256(bytes) }))
}

/** Those of the first layout that holds it. @throws when that layout lacks a part of it: a platform that nobody sees is not none */
async function platformsIn(layouts: readonly LayoutReader[], digest: Digest): Promise<readonly Digest[]> {
  for (const layout of layouts) {
    if ((await layout.layout.sizeOf(digest)) === undefined) continue
    const found = await resolveInLayout(layout, { digest })
    return found.kind === 'index' ? found.platforms.map(item => item.digest) : []
  }
  return []
}

/** What lies on disk counts also when a server does not answer; without it, the server's failure is the answer. */
export async function withLocal(local: EvidenceSource, remote: EvidenceSource): Promise<FetchedBundles> {
  const own = await local()
  try {
    return joinFetched(own, await remote())
  } catch (error) {
    if (own.bundles.length === 0 && (own.legacy ?? []).length === 0) throw error
    const problem = findingOf(asWaybillError(error), 'registry', 'note')
    return joinFetched(own, { bundles: [], complete: false, skipped: [problem] })
  }
}
