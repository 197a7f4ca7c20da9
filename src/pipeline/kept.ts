import { utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type FolderFile, writeFolderAtomic } from '../io/whole-folder.ts'
import type { FetchedBundles } from '../registry/bundles.ts'
import { indexesNeeded, lists, platformsOf } from './kept-indexes.ts'
import { formatLegacy } from './kept-legacy.ts'
import {
  bundlePath,
  formatManifest,
  indexPath,
  isKeptPath,
  type KeptList,
  type KeptManifest,
  type KeptSubject,
  legacyPath,
  MANIFEST_FILE,
  malformed,
  policyPath,
  rootPath,
} from './kept-manifest.ts'

export type { KeptSubject } from './kept-manifest.ts'

/** All that a run of the gate rested on, as plain data. */
export interface Kept {
  /** The instant the run judged by. */
  readonly time: Date
  readonly subjects: readonly KeptSubject[]
  /** One for each (place, digest) that was asked for, also where nothing was found. */
  readonly fetched: readonly KeptFetch[]
  /** Bytes of indexes that were read while resolving; what is not needed is not written. */
  readonly indexes: ReadonlyMap<Digest, Uint8Array>
  /** Each with the name by which the rules ask for it: `public-good`, `github`, `flag`; a rule's `file:` lies in the policy. */
  readonly trustedRoots: readonly { readonly name: string; readonly bytes: Uint8Array }[]
  /** Absent: judged by flags, which whoever replays gives again. */
  readonly policy?: KeptPolicy
}

export interface KeptFetch {
  /** Canonical repository; of files whatever the caller calls it, empty for none. */
  readonly place: string
  readonly digest: Digest
  readonly fetched: FetchedBundles
}

export interface KeptPolicy {
  /** Of the policy file among `files`. */
  readonly path: string
  /** The policy and every file it names, as `lawFromFile` or `parseLaw` was given them. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/**
 * Writes what a run rested on, so that it can be judged again: the whole folder or nothing of it.
 * @param folder that does not exist yet, or is empty.
 * @returns the digest of its `manifest.json`, which ties everything together: kept elsewhere, it tells any later change.
 * @throws `pipeline/kept-too-large`, `core/file-unwritable`
 */
export async function keepEvidence(folder: string, kept: Kept): Promise<Digest> {
  const files = new Map<string, Uint8Array>()
  const manifest = manifestOf(kept, files)
  const bytes = utf8(formatManifest(manifest))
  files.set(MANIFEST_FILE, bytes)
  checkSize(kept, files)
  await writeFolderAtomic(folder, listOf(files))
  return sha256(bytes)
}

function manifestOf(kept: Kept, files: Map<string, Uint8Array>): KeptManifest {
  const { time, subjects, fetched, trustedRoots, policy } = kept
  const put = (path: (digest: Digest) => string, bytes: Uint8Array): Digest => {
    const digest = sha256(bytes)
    files.set(path(digest), bytes)
    return digest
  }
  const proved = subjects.map(subject => provedSubject(subject, kept.indexes))
  const tops = proved.flatMap(({ digest, platforms, parents }) => [
    ...(platforms.length > 0 ? [digest] : []),
    ...parents,
  ])
  const needed = indexesNeeded(tops, digest => kept.indexes.get(digest))
  for (const index of needed.values()) put(indexPath, index)
  return {
    time,
    subjects: onceBy(proved, ({ name }) => name),
    fetched: onceBy(fetched, ({ place, digest }) => `${digest} ${place}`).map(item => listOfFetch(item, put)),
    indexes: [...needed.keys()],
    trustedRoots: trustedRoots.map(({ name, bytes }) => ({ name, digest: put(rootPath, bytes) })),
    ...(policy === undefined ? {} : { policy: policyOf(policy, files) }),
  }
}

function onceBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.toReversed().map(item => [key(item), item])).values()].toReversed()
}

/** Only what the bytes of indexes say: what they do not prove would not be believed when it is read back. */
function provedSubject(subject: KeptSubject, indexes: ReadonlyMap<Digest, Uint8Array>): KeptSubject {
  const { name, kind, digest, platforms, parents } = subject
  const bytesOf = (of: Digest) => indexes.get(of)
  return {
    name,
    kind,
    digest,
    platforms: platforms.length === 0 ? [] : (platformsOf(digest, bytesOf) ?? []),
    parents: parents.filter(parent => lists(parent, digest, bytesOf)),
  }
}

function listOfFetch(
  { place, digest, fetched }: KeptFetch,
  put: (path: (digest: Digest) => string, bytes: Uint8Array) => Digest,
): KeptList {
  const { bundles, legacy = [], complete, skipped } = fetched
  return {
    place,
    digest,
    complete,
    skipped: skipped.length,
    bundles: bundles.map(({ bytes, manifest }) => ({ digest: put(bundlePath, bytes), manifest })),
    legacy: legacy.map(signature => put(legacyPath, formatLegacy(signature))),
  }
}

function policyOf({ path, files }: KeptPolicy, written: Map<string, Uint8Array>): NonNullable<KeptManifest['policy']> {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const bad = [path, ...files.keys()].find(name => !isKeptPath(name))
  if (bad !== undefined) throw malformed('paths inside the folder', bad)
  for (const [name, bytes] of entries) written.set(policyPath(name), bytes)
  return { path, files: entries.map(([name, bytes]) => ({ path: name, digest: sha256(bytes) })) }
}

function checkSize({ subjects }: Kept, files: ReadonlyMap<string, Uint8Array>): void {
  const bytes = [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  const manifest = files.get(MANIFEST_FILE)?.byteLength ?? 0
  const fits =
    subjects.length <= LIMITS.keptSubjects &&
    // Folders count, too, when it is read back.
    files.size + 100 <= LIMITS.keptFiles &&
    bytes <= LIMITS.keptBytes &&
    manifest <= LIMITS.keptManifestBytes
  if (fits) return
  throw fail('pipeline/kept-too-large', 'There is more evidence than a folder may hold', {
    expected: `at most ${LIMITS.keptSubjects} subjects, ${LIMITS.keptFiles} files, ${LIMITS.keptBytes} bytes`,
    found: `${subjects.length} subjects, ${files.size} files, ${bytes} bytes`,
  })
}

function* listOf(files: ReadonlyMap<string, Uint8Array>): Iterable<FolderFile> {
  for (const [path, bytes] of files) yield { path, bytes }
}
