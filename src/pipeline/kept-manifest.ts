import { type Digest, hexOf, parseDigest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'

/**
 * The folder of `--out`, in which everything is known by its digest:
 *
 *     manifest.json              what was judged, when, and by which of these files
 *     bundles/<sha256>.json      Sigstore bundles as they were fetched
 *     legacy/<sha256>.json       signatures of cosign ≤ 2, payload in base64 with their annotations
 *     indexes/<sha256>.json      image indexes, which prove what the platforms of a subject are
 *     trusted-root-<sha256>.json
 *     policy/<path>              the policy and every file it names
 *
 * Whoever wrote the folder chose all of it, also the digests in the manifest: they tie the files together, and prove nothing
 * to anybody who does not know the digest of the manifest from elsewhere (13-adversary 29).
 */
export interface KeptManifest {
  /** When the recorded run judged. */
  readonly time: Date
  readonly subjects: readonly KeptSubject[]
  readonly fetched: readonly KeptList[]
  /** Of the subjects and their parents, with those below them. */
  readonly indexes: readonly Digest[]
  readonly trustedRoots: readonly { readonly name: string; readonly digest: Digest }[]
  readonly policy?: {
    readonly path: string
    readonly files: readonly { readonly path: string; readonly digest: Digest }[]
  }
}

/** A subject as it was resolved then. */
export interface KeptSubject {
  /** As it was asked for, in its canonical form. */
  readonly name: string
  readonly kind: 'image' | 'file' | 'bundle'
  readonly digest: Digest
  /** Of an index: its platform manifests. */
  readonly platforms: readonly Digest[]
  /** Indexes that list it. */
  readonly parents: readonly Digest[]
}

/** What was fetched for one digest in one place. */
export interface KeptList {
  /** Canonical repository; of files whatever the caller calls it, empty for none. */
  readonly place: string
  readonly digest: Digest
  readonly complete: boolean
  /** How many things were looked at and left out; why is not evidence, so it is not kept. */
  readonly skipped: number
  /** With the referrer that each came with. */
  readonly bundles: readonly { readonly digest: Digest; readonly manifest: Digest }[]
  readonly legacy: readonly Digest[]
}

const KINDS = ['image', 'file', 'bundle'] as const
/** Platforms or parents of one subject; an image has at most 200 manifests. */
const RELATED = 200

export const MANIFEST_FILE = 'manifest.json'
export const bundlePath = (digest: Digest): string => `bundles/${hexOf(digest)}.json`
export const legacyPath = (digest: Digest): string => `legacy/${hexOf(digest)}.json`
export const indexPath = (digest: Digest): string => `indexes/${hexOf(digest)}.json`
export const rootPath = (digest: Digest): string => `trusted-root-${hexOf(digest)}.json`
export const policyPath = (path: string): string => `policy/${path}`

/**
 * One digest over a policy with all files it names, for a caller to pin: SHA-256 over a line each, sorted,
 * `<hex digest>  <path>`, which is what `sha256sum` prints. The policy file alone would say nothing of the keys beside it.
 */
export function policyDigest(files: Iterable<{ readonly path: string; readonly digest: Digest }>): Digest {
  const lines = [...files].map(({ path, digest }) => `${hexOf(digest)}  ${path}\n`).sort()
  return sha256(lines.join(''))
}

/** The bytes of `manifest.json`: the same facts give the same bytes. */
export function formatManifest({ time, subjects, fetched, indexes, trustedRoots, policy }: KeptManifest): string {
  const document = {
    schemaVersion: 1,
    time: time.toISOString(),
    subjects: subjects.map(({ name, kind, digest, platforms, parents }) => ({
      name,
      kind,
      digest,
      platforms,
      parents,
    })),
    fetched: fetched.map(({ place, digest, complete, skipped, bundles, legacy }) => ({
      place,
      digest,
      complete,
      skipped,
      bundles: bundles.map(({ digest, manifest }) => ({ digest, manifest })),
      legacy,
    })),
    indexes: indexes.toSorted(),
    trustedRoots: trustedRoots.map(({ name, digest }) => ({ name, digest })),
    ...(policy === undefined
      ? {}
      : { policy: { path: policy.path, files: policy.files.map(({ path, digest }) => ({ path, digest })) } }),
  }
  return `${JSON.stringify(document, undefined, 1)}\n`
}

/** Reads it strictly: what this version does not write is refused. @throws `pipeline/kept-malformed` */
export function parseKeptManifest(bytes: Uint8Array): KeptManifest {
  try {
    const root = closed(parseJsonObject(bytes, MANIFEST_FILE), 'manifest', [
      'schemaVersion',
      'time',
      'subjects',
      'fetched',
      'indexes',
      'trustedRoots',
      'policy',
    ])
    if (root.schemaVersion !== 1) throw malformed('schemaVersion 1', JSON.stringify(root.schemaVersion) ?? 'nothing')
    const policy = optional(root.policy, policyAt, 'policy')
    return {
      time: timeAt(root.time),
      subjects: once(listAt(root.subjects, 'subjects', LIMITS.keptSubjects, subjectAt), ({ name }) => name),
      fetched: once(
        listAt(root.fetched, 'fetched', LIMITS.keptFiles, fetchedAt),
        ({ place, digest }) => `${digest} ${place}`,
      ),
      indexes: listAt(root.indexes, 'indexes', LIMITS.keptFiles, digestAt),
      trustedRoots: listAt(root.trustedRoots, 'trustedRoots', RELATED, rootAt),
      ...(policy === undefined ? {} : { policy }),
    }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'pipeline/kept-malformed' || known.code === 'core/internal') throw error
    throw malformed(known.expected ?? 'what --out writes', known.found ?? known.message)
  }
}

/** A second entry of the same name would be read by one program and not by another. */
function once<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  const seen = new Set<string>()
  for (const item of items) {
    if (seen.has(key(item))) throw malformed('each entry once', key(item))
    seen.add(key(item))
  }
  return items
}

function subjectAt(value: Json, at: string): KeptSubject {
  const object = closed(objectAt(value, at), at, ['name', 'kind', 'digest', 'platforms', 'parents'])
  const text = stringAt(object.kind, `${at}.kind`)
  const kind = KINDS.find(known => known === text)
  if (kind === undefined) throw malformed(KINDS.join(', '), text)
  return {
    name: stringAt(object.name, `${at}.name`),
    kind,
    digest: digestAt(object.digest, `${at}.digest`),
    platforms: listAt(object.platforms, `${at}.platforms`, RELATED, digestAt),
    parents: listAt(object.parents, `${at}.parents`, RELATED, digestAt),
  }
}

function fetchedAt(value: Json, at: string): KeptList {
  const keys = ['place', 'digest', 'complete', 'skipped', 'bundles', 'legacy']
  const object = closed(objectAt(value, at), at, keys)
  if (typeof object.complete !== 'boolean') throw malformed(`true or false at ${at}.complete`, 'something else')
  return {
    place: stringAt(object.place, `${at}.place`),
    digest: digestAt(object.digest, `${at}.digest`),
    complete: object.complete,
    skipped: integerAt(object.skipped, `${at}.skipped`),
    bundles: listAt(object.bundles, `${at}.bundles`, LIMITS.subjectBundles, bundleAt),
    legacy: listAt(object.legacy, `${at}.legacy`, LIMITS.subjectBundles, digestAt),
  }
}

function bundleAt(value: Json, at: string): KeptList['bundles'][number] {
  const object = closed(objectAt(value, at), at, ['digest', 'manifest'])
  return { digest: digestAt(object.digest, `${at}.digest`), manifest: digestAt(object.manifest, `${at}.manifest`) }
}

function rootAt(value: Json, at: string): KeptManifest['trustedRoots'][number] {
  const object = closed(objectAt(value, at), at, ['name', 'digest'])
  return { name: stringAt(object.name, `${at}.name`), digest: digestAt(object.digest, `${at}.digest`) }
}

function policyAt(value: Json, at: string): NonNullable<KeptManifest['policy']> {
  const object = closed(objectAt(value, at), at, ['path', 'files'])
  const path = pathAt(object.path, `${at}.path`)
  const files = listAt(object.files, `${at}.files`, LIMITS.lawFiles, (item, where) => {
    const file = closed(objectAt(item, where), where, ['path', 'digest'])
    return { path: pathAt(file.path, `${where}.path`), digest: digestAt(file.digest, `${where}.digest`) }
  })
  const paths = new Set(files.map(file => file.path))
  if (paths.size !== files.length) throw malformed('each file of the policy once', 'one of them twice')
  if (!paths.has(path)) throw malformed('the policy among its files', path)
  return { path, files }
}

/** A relative path that stays where it is: no root, no drive, no `.` or `..`, no backslash, nothing that hides. */
function pathAt(value: Json | undefined, at: string): string {
  const path = stringAt(value, at)
  if (!isKeptPath(path)) throw malformed('a path inside the folder', path)
  return path
}

/** Also asked before writing: what cannot be read back is not written. */
export function isKeptPath(path: string): boolean {
  const segments = path.split('/')
  const bad = (segment: string) => segment === '' || segment === '.' || segment === '..' || segment.length > 200
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
  return path.length <= 500 && !/[\u0000-\u001f\u007f\\:]/.test(path) && !segments.some(bad)
}

function timeAt(value: Json | undefined): Date {
  const text = stringAt(value, 'time')
  const time = new Date(text)
  if (Number.isNaN(time.getTime()) || time.toISOString() !== text) throw malformed('an instant in ISO 8601', text)
  return time
}

function digestAt(value: Json | undefined, at: string): Digest {
  return parseDigest(stringAt(value, at))
}

function listAt<T>(
  value: Json | undefined,
  at: string,
  most: number,
  read: (item: Json, at: string) => T,
): readonly T[] {
  const items = arrayAt(value, at)
  if (items.length > most) throw malformed(`at most ${most} at ${at}`, `${items.length}`)
  return items.map((item, index) => read(item, `${at}[${index}]`))
}

function closed(object: JsonObject, at: string, keys: readonly string[]): JsonObject {
  const other = Object.keys(object).find(key => !keys.includes(key))
  if (other !== undefined) throw malformed(`${keys.join(', ')} at ${at}`, other)
  return object
}

/** The folder, or its manifest, is not what `--out` writes. */
export function malformed(expected: string, found: string): Error {
  return fail('pipeline/kept-malformed', 'The folder of kept evidence is not what --out writes', {
    expected,
    found: printable(found, 300),
  })
}
