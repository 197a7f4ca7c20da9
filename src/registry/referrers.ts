import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { type Json, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from '../io/http.ts'
import type { RegistryClient } from './client.ts'
import { appendToFallback, fallbackTag, readFallback } from './fallback.ts'
import type { UpdateOptions } from './kept-update.ts'
import { type Descriptor, OCI_INDEX, OCI_MANIFEST, readDescriptor } from './manifest.ts'
import type { Repository } from './reference.ts'

/** What is attached to a subject, by the word of whoever wrote the lists: open each manifest before believing it. */
export interface ReferrerList {
  /** Without doubles; those that claim the artifact type asked for come first. At most `LIMITS.referrers`. */
  readonly descriptors: readonly Descriptor[]
  /** False when a list was cut, unreadable or not served: then nothing may rest on an absence (13-adversary 26). */
  readonly complete: boolean
  /** Which lists answered. */
  readonly sources: readonly ('api' | 'fallback')[]
  /** Why it is not complete. */
  readonly problems: readonly WaybillError[]
  /**
   * The registry may have left out what claims another artifact type than the one asked for, as older tools do: nothing
   * of another type was in its list. Not every registry says with `OCI-Filters-Applied` what it did.
   */
  readonly filtered?: boolean
}

/** One list as read from one source. */
interface Part {
  readonly source?: 'api' | 'fallback'
  readonly descriptors: readonly Descriptor[]
  readonly problem?: WaybillError
  readonly filtered?: boolean
}

/** Pages read of one list; with `LIMITS.referrers` entries this allows pages as small as twenty. */
const MAX_PAGES = 50
const REFUSED: ReadonlySet<string> = new Set(['registry/unauthorized', 'registry/forbidden'])

/**
 * Lists what is attached to one image: the referrers API and the fallback tag together, because an attestation may have
 * been attached before the registry learned the API. Two requests, or more when the API pages.
 * @param artifactType asked for first; entries of other claimed types are still returned where the registry does not
 *   filter, since a claimed type proves nothing.
 * @throws only when neither list could be asked, the error of the API.
 */
export async function listReferrers(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  artifactType?: string,
): Promise<ReferrerList> {
  const [api, fallback] = await Promise.all([
    readApi(client, repository, subject, artifactType).catch(asProblem),
    readFallbackPart(client, repository, subject).catch(asProblem),
  ])
  if (api.source === undefined && fallback.source === undefined && api.problem && fallback.problem) throw api.problem
  return listOf([api, fallback], artifactType)
}

/**
 * The referrers API alone, asked for everything: what a list that the registry filtered does not show. The fallback is never
 * filtered.
 * @throws what the transport throws
 */
export async function listUnfiltered(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
): Promise<ReferrerList> {
  return listOf([await readApi(client, repository, subject)])
}

function listOf(parts: readonly Part[], artifactType?: string): ReferrerList {
  const unique = new Map(parts.flatMap(({ descriptors }) => descriptors).map(entry => [entry.digest, entry]))
  const all = [...unique.values()].sort((a, b) => rank(a, artifactType) - rank(b, artifactType))
  const cut = all.length > LIMITS.referrers ? incomplete(`more than ${LIMITS.referrers} entries`) : undefined
  const problems = [...parts.map(({ problem }) => problem), cut].filter(problem => problem !== undefined)
  return {
    descriptors: all.slice(0, LIMITS.referrers),
    complete: problems.length === 0,
    sources: parts.map(({ source }) => source).filter(source => source !== undefined),
    problems,
    filtered: parts.some(({ filtered }) => filtered === true),
  }
}

function asProblem(error: unknown): Part {
  return { descriptors: [], problem: asWaybillError(error) }
}

function rank(entry: Descriptor, artifactType: string | undefined): number {
  return artifactType === undefined || entry.artifactType === artifactType ? 0 : 1
}

/** The referrers API. A registry without it answers 404 (or 400, 405, 501), which is no problem. */
async function readApi(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  artifactType?: string,
): Promise<Part> {
  const descriptors: Descriptor[] = []
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`
  let path: string | URL | undefined = `referrers/${subject}${query}`
  let unreadable = 0
  const asked = new Set<string>()
  const part = (found?: string): Part => {
    const problem = found ?? (unreadable > 0 ? `${unreadable} unreadable entries` : undefined)
    const filtered = artifactType !== undefined && !descriptors.some(entry => entry.artifactType !== artifactType)
    return { source: 'api', descriptors, filtered, ...(problem === undefined ? {} : { problem: incomplete(problem) }) }
  }
  for (let page = 0; path !== undefined; page++) {
    const first = page === 0
    if (asked.has(String(path))) return part('a page that leads to itself')
    asked.add(String(path))
    const answer: HttpAnswer | WaybillError = await askReferrers(client, repository, path).catch(asWaybillError)
    if (answer instanceof WaybillError) {
      if (first) throw answer
      // What earlier pages listed is there all the same.
      return part(`a page that could not be had (${answer.code})`)
    }
    if (answer.status !== 200) return first ? { descriptors: [] } : part(`a page with status ${answer.status}`)
    const entries = entriesOf(answer.body)
    if (entries === undefined) return part('an answer that is not an index')
    const read = readEntries(entries)
    descriptors.push(...read.descriptors)
    unreadable += read.unreadable
    path = nextPage(client, repository, answer.headers.link, path)
    if (path !== undefined && (page + 1 >= MAX_PAGES || descriptors.length > LIMITS.referrers))
      return part('more pages than are read')
    if (path === undefined && /rel="?next/i.test(answer.headers.link ?? ''))
      return part('a next page at a place that is not followed')
  }
  return part()
}

function askReferrers(client: RegistryClient, repository: Repository, path: string | URL): Promise<HttpAnswer> {
  const headers = { accept: OCI_INDEX }
  return client.transport.request(
    { method: 'GET', repository, action: 'pull', path, headers, maxBytes: LIMITS.manifestBytes },
    [200, 400, 404, 405, 501],
  )
}

function entriesOf(bytes: Uint8Array): readonly Json[] | undefined {
  try {
    const manifests = parseJsonObject(bytes, 'list of referrers').manifests
    // Some Go servers write an empty list as null.
    return manifests === null ? [] : Array.isArray(manifests) ? manifests : undefined
  } catch {
    return undefined
  }
}

function readEntries(entries: readonly Json[]): { descriptors: Descriptor[]; unreadable: number } {
  const descriptors: Descriptor[] = []
  for (const entry of entries) {
    try {
      descriptors.push(readDescriptor(entry, 'referrer'))
    } catch {
      // Counted by the caller: an entry nobody can read makes the list incomplete.
    }
  }
  return { descriptors, unreadable: entries.length - descriptors.length }
}

/** The next page, only below the same registry's API. RFC 8288; distribution-spec v1.1.1 § Listing Referrers */
function nextPage(
  client: RegistryClient,
  repository: Repository,
  link: string | undefined,
  page: string | URL,
): URL | undefined {
  const target = /<([^<>]{1,2048})>[^<>]{0,200}?rel="?next"?/i.exec(link ?? '')?.[1]
  const base = page instanceof URL ? page : client.transport.urlOf(repository, page)
  const url = client.transport.resolveLocation(repository, target, base)
  return url?.pathname.startsWith('/v2/') && url.host === client.transport.originOf(repository).host ? url : undefined
}

async function readFallbackPart(client: RegistryClient, repository: Repository, subject: Digest): Promise<Part> {
  const state = await readFallback(client, repository, subject)
  if (state.kind === 'none') return { descriptors: [] }
  if (state.kind === 'foreign')
    return { descriptors: [], problem: incomplete(`${fallbackTag(subject)} holds something else`) }
  const read = readEntries(state.index.entries)
  const problem = read.unreadable > 0 ? { problem: incomplete(`${read.unreadable} unreadable entries`) } : {}
  return { source: 'fallback', descriptors: read.descriptors, ...problem }
}

function incomplete(found: string): WaybillError {
  return fail('registry/referrers-incomplete', 'The list of what is attached to the image is not complete', { found })
}

/** One manifest to attach; its blobs are in the repository already. */
export interface Referrer {
  readonly subject: Descriptor
  readonly manifest: Uint8Array
  readonly artifactType: string
  readonly annotations: Readonly<Record<string, string>>
}

export interface Attached {
  readonly subject: Digest
  readonly manifest: Digest
  /** How readers find it: by the registry's referrers API, or by the fallback tag. */
  readonly stored: 'referrers' | 'fallback'
  /** The fallback tag, where it is used. */
  readonly tag?: string
}

interface PutReferrer extends Referrer {
  readonly digest: Digest
  /** The registry said with `OCI-Subject` that it indexed it. */
  readonly indexed: boolean
}

/**
 * Puts manifests with a subject and makes them findable: the referrers API where it answers and knows them, else the
 * fallback tag, one update for each subject.
 *
 * The GET decides, not the `OCI-Subject` header: one registry sends the header without the API, another serves the API
 * without the header. The header only saves asking about each subject.
 * @returns in the order of `referrers`.
 */
export async function attachReferrers(
  client: RegistryClient,
  repository: Repository,
  referrers: readonly Referrer[],
  options: UpdateOptions = {},
): Promise<readonly Attached[]> {
  const first = referrers[0]
  if (first === undefined) return []
  const [served, ...put] = await Promise.all([
    listedByApi(client, repository, first.subject.digest),
    ...referrers.map(referrer => putReferrer(client, repository, referrer)),
  ])
  const groups = [...Map.groupBy(put, referrer => referrer.subject.digest)]
  const inFallback = new Set<Digest>()
  await Promise.all(
    groups.map(async ([subject, group]) => {
      if (served !== undefined && (await isListed(client, repository, subject, group))) return
      inFallback.add(subject)
      await appendToFallback(client, repository, subject, group.map(fallbackEntry), options)
    }),
  )
  return put.map(({ subject: { digest: subject }, digest: manifest }) =>
    inFallback.has(subject)
      ? { subject, manifest, stored: 'fallback', tag: fallbackTag(subject) }
      : { subject, manifest, stored: 'referrers' },
  )
}

async function putReferrer(client: RegistryClient, repository: Repository, referrer: Referrer): Promise<PutReferrer> {
  const digest = sha256(referrer.manifest)
  const { ociSubject } = await client.putManifest(repository, digest, OCI_MANIFEST, referrer.manifest)
  return { ...referrer, digest, indexed: ociSubject === referrer.subject.digest }
}

async function isListed(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  group: readonly PutReferrer[],
): Promise<boolean> {
  if (group.every(referrer => referrer.indexed)) return true
  const listed = await listedByApi(client, repository, subject)
  return listed !== undefined && group.every(referrer => listed.has(referrer.digest))
}

/** Digests the API lists for a subject; undefined when there is no such API. */
async function listedByApi(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
): Promise<ReadonlySet<Digest> | undefined> {
  // Front ends that do not know the endpoint refuse it with 401 or 403: the fallback works there too.
  const part = await readApi(client, repository, subject).catch((error: unknown) => {
    if (REFUSED.has(asWaybillError(error).code)) return { descriptors: [], source: undefined }
    throw error
  })
  return part.source === undefined ? undefined : new Set(part.descriptors.map(entry => entry.digest))
}

/** With artifact type and annotations, so that readers of the tag can choose without opening everything. */
function fallbackEntry(referrer: PutReferrer): Descriptor {
  return {
    mediaType: OCI_MANIFEST,
    digest: referrer.digest,
    size: referrer.manifest.byteLength,
    artifactType: referrer.artifactType,
    annotations: referrer.annotations,
  }
}
