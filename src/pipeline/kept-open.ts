import { join } from 'node:path'
import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { printable } from '../core/text.ts'
import { readFileBounded } from '../io/files.ts'
import { listBelow } from '../io/whole-folder.ts'
import type { FetchedBundle, FetchedBundles } from '../registry/bundles.ts'
import type { KeptPolicy } from './kept.ts'
import { lists, platformsOf } from './kept-indexes.ts'
import { parseLegacy } from './kept-legacy.ts'
import {
  bundlePath,
  indexPath,
  type KeptList,
  type KeptManifest,
  type KeptSubject,
  legacyPath,
  MANIFEST_FILE,
  malformed,
  parseKeptManifest,
  policyDigest,
  policyPath,
  rootPath,
} from './kept-manifest.ts'

/** A folder of kept evidence, every file of it hashed. Nothing in it is verified, and nothing of it is a fact. */
export interface OpenKept {
  /** Of `manifest.json`, and so of everything. */
  readonly digest: Digest
  /** The instant the recorded run judged by, as the folder says. */
  readonly time: Date
  readonly subjects: readonly KeptSubject[]
  readonly trustedRoots: readonly { readonly name: string; readonly digest: Digest; readonly bytes: Uint8Array }[]
  /** With the digest by which a caller pins it: `policyDigest` over all its files. */
  readonly policy?: KeptPolicy & { readonly digest: Digest }
  /** As it was resolved then. @throws `pipeline/kept-incomplete` for a name that the folder does not hold */
  resolve(name: string): KeptSubject
  /**
   * What was fetched then, read and hashed again. A place or digest that was not asked for then is an incomplete list, so
   * that nothing rests on its absence. @throws `pipeline/kept-changed`
   */
  bundles(place: string, digest: Digest): Promise<FetchedBundles>
}

const PARALLEL = 4

interface Listed {
  readonly path: string
  readonly digest: Digest
  readonly most: number
}

/**
 * Opens what `--out` wrote. Strict: exactly the files that the manifest names, each with its digest, nothing else, no links.
 * @param expected digest of `manifest.json`, if the caller knows it from elsewhere.
 * @throws `pipeline/kept-malformed`, `pipeline/kept-changed`, `core/file-unreadable`
 */
export async function openKept(folder: string, expected?: Digest): Promise<OpenKept> {
  const bytes = await readFileBounded(join(folder, MANIFEST_FILE), LIMITS.keptManifestBytes)
  const digest = sha256(bytes)
  if (expected !== undefined && digest !== expected) throw changed(MANIFEST_FILE, expected, digest)
  const manifest = parseKeptManifest(bytes)
  const own = await ownFiles(folder, manifest)
  await inParallel(own, PARALLEL, async file => void (await readKept(folder, file)))
  const indexes = await read(
    folder,
    own.filter(({ path }) => path.startsWith('indexes/')),
  )
  checkSubjects(manifest, of => indexes.get(indexPath(of)))
  return {
    digest,
    time: manifest.time,
    subjects: manifest.subjects,
    ...(await ground(folder, manifest)),
    ...ports(folder, manifest),
  }
}

/** The files that the manifest names; anything more or less in the folder is refused. */
async function ownFiles(folder: string, manifest: KeptManifest): Promise<readonly Listed[]> {
  const entries = await listBelow(folder, LIMITS.keptFiles)
  if (entries === undefined) throw malformed(`at most ${LIMITS.keptFiles} files and folders`, 'more')
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  if (total > LIMITS.keptBytes) throw malformed(`at most ${LIMITS.keptBytes} bytes`, `${total} bytes`)
  const named = new Map(filesOf(manifest).map(file => [file.path, file]))
  const seen = new Set<string>([MANIFEST_FILE])
  for (const { path, kind } of entries) {
    if (kind !== 'file') throw malformed('regular files', `${path}, which is none`)
    if (path === MANIFEST_FILE) continue
    if (!named.has(path)) throw malformed('only files that the manifest names', path)
    seen.add(path)
  }
  const missing = [...named.keys()].find(path => !seen.has(path))
  if (missing !== undefined) throw malformed(missing, 'no such file')
  return [...named.values()]
}

function filesOf({ fetched, indexes, trustedRoots, policy }: KeptManifest): readonly Listed[] {
  return [
    ...fetched.flatMap(({ bundles, legacy }) => [
      ...bundles.map(({ digest }) => ({ path: bundlePath(digest), digest, most: LIMITS.bundleBytes })),
      ...legacy.map(digest => ({ path: legacyPath(digest), digest, most: 2 * LIMITS.bundleBytes })),
    ]),
    ...indexes.map(digest => ({ path: indexPath(digest), digest, most: LIMITS.manifestBytes })),
    ...trustedRoots.map(({ digest }) => ({ path: rootPath(digest), digest, most: LIMITS.serviceAnswerBytes })),
    ...(policy?.files ?? []).map(({ path, digest }) => ({
      path: policyPath(path),
      digest,
      most: LIMITS.policyFileBytes,
    })),
  ]
}

async function readKept(folder: string, { path, digest, most }: Listed): Promise<Uint8Array> {
  const bytes = await readFileBounded(join(folder, path), most)
  const found = sha256(bytes)
  if (found !== digest) throw changed(path, digest, found)
  return bytes
}

async function read(folder: string, files: readonly Listed[]): Promise<ReadonlyMap<string, Uint8Array>> {
  return new Map(await inParallel(files, PARALLEL, async file => [file.path, await readKept(folder, file)] as const))
}

/** Platforms and parents are what the bytes of indexes say, or the folder is refused. */
function checkSubjects({ subjects }: KeptManifest, bytesOf: (digest: Digest) => Uint8Array | undefined): void {
  for (const { name, digest, platforms, parents } of subjects) {
    if (platforms.length > 0) {
      const proved = platformsOf(digest, bytesOf)
      if (proved === undefined) throw malformed(`the index ${digest} of ${printable(name)}`, 'no such file')
      if ([...proved].sort().join() !== [...platforms].sort().join())
        throw malformed(`the platforms of ${printable(name)} as its index lists them`, platforms.join(', '))
    }
    const stranger = parents.find(parent => !lists(parent, digest, bytesOf))
    if (stranger !== undefined) throw malformed(`an index that lists ${digest}`, stranger)
  }
}

async function ground(folder: string, manifest: KeptManifest): Promise<Pick<OpenKept, 'trustedRoots' | 'policy'>> {
  const trustedRoots = await inParallel(manifest.trustedRoots, PARALLEL, async ({ name, digest }) => ({
    name,
    digest,
    bytes: await readKept(folder, { path: rootPath(digest), digest, most: LIMITS.serviceAnswerBytes }),
  }))
  const { policy } = manifest
  if (policy === undefined) return { trustedRoots }
  const files = await inParallel(policy.files, PARALLEL, async ({ path, digest }) => {
    const file = { path: policyPath(path), digest, most: LIMITS.policyFileBytes }
    return [path, await readKept(folder, file)] as const
  })
  return { trustedRoots, policy: { path: policy.path, files: new Map(files), digest: policyDigest(policy.files) } }
}

function ports(folder: string, manifest: KeptManifest): Pick<OpenKept, 'resolve' | 'bundles'> {
  const subjects = new Map(manifest.subjects.map(subject => [subject.name, subject]))
  const lists = new Map(manifest.fetched.map(list => [`${list.digest} ${list.place}`, list]))
  return {
    resolve: name => {
      const subject = subjects.get(name)
      if (subject === undefined) throw notKept(name)
      return subject
    },
    bundles: async (place, digest) => {
      const list = lists.get(`${digest} ${place}`)
      return list === undefined ? { bundles: [], complete: false, skipped: [] } : fetchedOf(folder, list)
    },
  }
}

async function fetchedOf(folder: string, list: KeptList): Promise<FetchedBundles> {
  const bundles = await inParallel(list.bundles, PARALLEL, async ({ digest, manifest }): Promise<FetchedBundle> => {
    const bytes = await readKept(folder, { path: bundlePath(digest), digest, most: LIMITS.bundleBytes })
    return { bytes, manifest }
  })
  const legacy = await inParallel(list.legacy, PARALLEL, async digest => {
    const bytes = await readKept(folder, { path: legacyPath(digest), digest, most: 2 * LIMITS.bundleBytes })
    try {
      return parseLegacy(bytes)
    } catch (error) {
      throw malformed('a signature as --out writes it', asWaybillError(error).message)
    }
  })
  return { bundles, ...(legacy.length === 0 ? {} : { legacy }), complete: list.complete, skipped: [] }
}

function notKept(name: string): Error {
  return fail('pipeline/kept-incomplete', `The folder holds nothing about ${printable(name)}`, {
    expected: 'a subject of the recorded run, as it was asked for then',
    found: name,
  })
}

function changed(path: string, expected: Digest, found: Digest): Error {
  return fail('pipeline/kept-changed', `${printable(path)} is not what was recorded`, { expected, found })
}
