import { contextTwice } from '../build/named-contexts.ts'
import { type Digest, parseDigest } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import { contextName } from '../materials/dockerfile/contexts.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { fileAt } from './commit-files.ts'
import type { ImagesRequest, JudgedImage } from './materials-images-request.ts'
import { type CommitManifest, commitManifest } from './materials-manifest.ts'
import type { FetchedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import { type MaterialsLaw, noPolicy } from './materials-plan.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/** A folder that no machine has: a build that needs it ends. */
const NOWHERE = '/nonexistent/waybill'

const IMAGE_CONTEXT = 'docker-image://'

interface Bringing {
  readonly ports: AttestPorts
  readonly source: SourceOutcome
  readonly law: MaterialsLaw
}

/** Fetches and verifies what the manifest declares, images apart. */
export async function bringMaterials(
  { ports, source, law }: Bringing,
  manifest: CommitManifest | undefined,
): Promise<readonly FetchedMaterial[]> {
  const items = (manifest?.items ?? []).filter(({ uri }) => uri.kind !== 'image')
  if (manifest === undefined || items.length === 0) return []
  const { history, commit } = source
  return ports.materials.bring({
    items,
    manifest: manifest.path,
    policy: law.policy,
    policyFiles: law.files,
    commitFile: path => fileAt(history, commit.tree, path, LIMITS.policyFileBytes),
    folder: await ports.folder('materials'),
  })
}

/**
 * Where no policy judges, the build still gets what its manifest puts into the context, each with the digest that stands there.
 * Nothing is claimed of it. What cannot be had is told, and left out.
 */
export async function bringUnjudged(
  request: AttestRequest,
  ports: AttestPorts,
  source: SourceOutcome,
  record: RunRecord,
): Promise<Pick<MaterialsOutcome, 'placed' | 'contexts'>> {
  const { history, commit } = source
  // Most commits have none; then nothing of their files needs to be here yet.
  await history.fetchTree(commit.id)
  const manifest = await commitManifest(history, commit.tree, request.materials.manifest)
  refuseSameContext(request, manifest?.items ?? [])
  const wanted = (manifest?.items ?? []).filter(({ use }) => use.kind === 'path' || use.kind === 'build-context')
  if (manifest === undefined || wanted.length === 0) return { placed: new Map(), contexts: inputContexts(request) }
  const fetched = await bringMaterials({ ports, source, law: noPolicy() }, { ...manifest, items: wanted })
  for (const { item, judged } of fetched)
    for (const { code, message } of judged.verdict === 'passed' ? [] : judged.findings)
      record.notices.push(`The material ${item.name} is left out of the build: ${message} (${code})`)
  const contexts = new Map([...contextsOf(wanted, fetched), ...inputContexts(request)])
  return { placed: placedOf(fetched), contexts }
}

/** A name that the manifest declares means what the manifest says: an input that said otherwise would be taken for it. */
export function refuseSameContext({ build }: Pick<AttestRequest, 'build'>, items: readonly MaterialItem[]): void {
  const declared = new Set(items.flatMap(({ use }) => (use.kind === 'build-context' ? [contextName(use.context)] : [])))
  for (const name of build.contexts?.keys() ?? [])
    if (declared.has(contextName(name))) throw contextTwice(name, 'build-contexts and the materials manifest')
}

/**
 * Named contexts of the inputs: folders of the commit, and images, by their digest once that is known.
 * @param closed leave out an image that nothing asks for: of it nobody knows a digest
 */
export function inputContexts(
  { build }: Pick<AttestRequest, 'build'>,
  images: readonly JudgedImage[] = [],
  closed = false,
): ReadonlyMap<string, string> {
  return new Map(
    [...(build.contexts ?? [])].flatMap(([name, source]) => {
      const told = pinned(source, images)
      return closed && told.startsWith(IMAGE_CONTEXT) && !told.includes('@sha256:') ? [] : [[name, told] as const]
    }),
  )
}

function pinned(source: string, images: readonly JudgedImage[]): string {
  if (!source.startsWith(IMAGE_CONTEXT) || source.includes('@')) return source
  const name = source.slice(IMAGE_CONTEXT.length)
  const allowed = images
    .flatMap(image => image.allowed ?? [])
    .find(({ reference }) => formatReference(reference) === name)
  return allowed === undefined ? source : `${source}@${allowed.digest}`
}

/** Verified files that have to lie in the context; what was not verified is never placed, whatever the mode. */
export function placedOf(fetched: readonly FetchedMaterial[]): MaterialsOutcome['placed'] {
  return new Map(
    fetched.flatMap(({ item: { use }, judged, path }) =>
      use.kind === 'path' && path !== undefined && judged.verdict === 'passed'
        ? [[use.path, { path, ...(use.unpack === undefined ? {} : { unpack: use.unpack }) }] as const]
        : [],
    ),
  )
}

/** Whether a repository becomes a named context, of which the folder has to be known first. */
export function contextFolders(items: readonly MaterialItem[]): boolean {
  return items.some(({ use, uri }) => use.kind === 'build-context' && uri.kind !== 'image')
}

/**
 * Named contexts that the manifest declares: an image by its reference and, once that is known, its digest; a repository by
 * the folder of its verified tree.
 */
export function contextsOf(
  items: readonly MaterialItem[],
  fetched: readonly FetchedMaterial[],
  images: readonly JudgedImage[] = [],
): ReadonlyMap<string, string> {
  return new Map(
    items.flatMap(item => {
      if (item.use.kind !== 'build-context') return []
      const source = item.uri.kind === 'image' ? imageContext(item, images) : folderContext(item, fetched)
      return source === undefined ? [] : [[item.use.context, source] as const]
    }),
  )
}

function imageContext(item: MaterialItem, images: readonly JudgedImage[]): string | undefined {
  if (item.uri.kind !== 'image') return undefined
  const { reference } = item.uri
  const allowed = images
    .flatMap(image => image.allowed ?? [])
    .find(image => formatReference(image.reference) === reference)
  const digest = allowed?.digest ?? manifestDigest(item)
  return `docker-image://${reference}${digest === undefined ? '' : `@${digest}`}`
}

/**
 * Of a repository that was refused the name stays taken, by a folder that nothing is in: without it builders would look for an
 * image of that name, which anybody may publish (13-adversary 20).
 */
function folderContext(item: MaterialItem, fetched: readonly FetchedMaterial[]): string {
  const found = fetched.find(one => one.item.name === item.name)
  const path = found?.judged.verdict === 'passed' ? found.path : undefined
  return path ?? `${NOWHERE}/${item.name}`
}

/** What the manifest says of images: digests for those that the Dockerfile names, and those that nothing else names. */
export function declaredImages(
  manifest: CommitManifest | undefined,
): Pick<ImagesRequest, 'declared' | 'more' | 'manifest'> {
  const images = (manifest?.items ?? []).flatMap(item => (item.uri.kind === 'image' ? [{ item, uri: item.uri }] : []))
  const declared = images.flatMap(({ item, uri }) => {
    const digest = manifestDigest(item)
    return digest === undefined ? [] : [[uri.reference, digest] as const]
  })
  const more = images.flatMap(({ item, uri }) => {
    const place = `${manifest?.path}:${item.at.split(':')[0]}`
    return item.use.kind === 'builder' ? [{ canonical: uri.reference, use: 'builder' as const, place }] : []
  })
  return { declared: new Map(declared), more, ...(manifest === undefined ? {} : { manifest: manifest.path }) }
}

function manifestDigest({ digest }: MaterialItem): Digest | undefined {
  const hex = digest.get('sha256')
  return hex === undefined ? undefined : parseDigest(`sha256:${hex}`)
}
