import { utf8 } from '../core/bytes.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { PutOptions, RawManifest, RegistryClient } from './client.ts'
import { conditionsOf, putUnlessChanged, type UpdateOptions, updateUntilKept } from './kept-update.ts'
import { type Descriptor, OCI_INDEX } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/**
 * The fallback for registries without a referrers API: a tag `sha256-<hex of the subject>` that holds an OCI index of
 * what is attached. distribution-spec v1.1.1 § Unavailable Referrers API.
 *
 * Trap: it is read, changed and written by many, usually without a lock (`updateUntilKept`).
 */
export interface FallbackIndex {
  /** The document as it was, unknown fields and entries included. */
  readonly document: JsonObject
  readonly entries: readonly Json[]
  readonly digest: Digest
  readonly bytes: number
  readonly etag?: string
}

export function fallbackTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`
}

/** What the tag holds: an index of artifacts, nothing that counts as one, or something foreign that is left alone. */
export type FallbackState =
  | { readonly kind: 'none'; readonly etag?: string; readonly reason: 'absent' | 'subject' }
  | { readonly kind: 'index'; readonly index: FallbackIndex }
  | { readonly kind: 'foreign'; readonly raw: RawManifest }

/** @throws what the transport throws; a foreign or broken document is a state, not an error. */
export async function readFallback(
  client: Pick<RegistryClient, 'getRaw'>,
  repository: Repository,
  subject: Digest,
): Promise<FallbackState> {
  const raw = await client.getRaw(repository, fallbackTag(subject))
  if (raw === undefined) return { kind: 'none', reason: 'absent' }
  // GitLab resolves `sha256-<hex>` to the subject itself: that is no index of ours, and appending to it would break it.
  if (raw.digest === subject) return { kind: 'none', reason: 'subject' }
  const document = raw.mediaType === OCI_INDEX ? readDocument(raw.bytes) : undefined
  const entries = document?.manifests
  if (document === undefined || !Array.isArray(entries) || entries.some(hasPlatform)) return { kind: 'foreign', raw }
  const etag = raw.etag === undefined ? {} : { etag: raw.etag }
  return { kind: 'index', index: { document, entries, digest: raw.digest, bytes: raw.bytes.byteLength, ...etag } }
}

function readDocument(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseJsonObject(bytes, 'fallback index')
  } catch {
    return undefined
  }
}

/** Entries of a multi-platform image have platforms; referrers have none. */
function hasPlatform(entry: Json): boolean {
  return isObject(entry) && isObject(entry.platform)
}

/**
 * Puts entries into the fallback index of one subject in one update, and makes sure that they stay.
 * @throws `registry/fallback-contended`, `registry/fallback-unavailable`, `registry/fallback-too-large`,
 * `registry/tag-not-ours`, `registry/tag-immutable`
 */
export function appendToFallback(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  wanted: readonly Descriptor[],
  options: UpdateOptions = {},
): Promise<void> {
  return updateUntilKept(client.transport.clock, options, async ({ number, written, last }) => {
    const state = await readFallback(client, repository, subject)
    const missing = missingFrom(state, wanted)
    if (missing.length === 0) return { kept: undefined }
    if (written && state.kind === 'none' && number >= 3) throw unavailable(repository, subject, state.reason)
    if (last) throw contended(repository, subject, missing)
    return { taken: await write(client, repository, subject, state, missing) }
  })
}

function missingFrom(state: FallbackState, wanted: readonly Descriptor[]): readonly Descriptor[] {
  if (state.kind !== 'index') return wanted
  const present = new Set(state.index.entries.map(entry => (isObject(entry) ? entry.digest : undefined)))
  return wanted.filter(entry => !present.has(entry.digest))
}

async function write(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  state: FallbackState,
  missing: readonly Descriptor[],
): Promise<boolean> {
  const tag = fallbackTag(subject)
  if (state.kind === 'foreign') throw notOurs(repository, tag, state.raw)
  const bytes = utf8(JSON.stringify(nextDocument(state, missing)))
  if (bytes.byteLength > LIMITS.fallbackIndexBytes) throw tooLarge(repository, tag, bytes.byteLength)
  return putUnlessChanged(client, repository, { tag, mediaType: OCI_INDEX, bytes }, conditions(state))
}

/** Preflight: an index too large to append to is known before anything is signed (13-adversary 26). */
export async function checkFallbackSize(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
): Promise<void> {
  const state = await readFallback(client, repository, subject)
  if (state.kind === 'index' && state.index.bytes > LIMITS.fallbackIndexBytes)
    throw tooLarge(repository, fallbackTag(subject), state.index.bytes)
}

function nextDocument(state: FallbackState, missing: readonly Descriptor[]): object {
  if (state.kind !== 'index') return { schemaVersion: 2, mediaType: OCI_INDEX, manifests: missing }
  return { ...state.index.document, manifests: [...state.index.entries, ...missing] }
}

function conditions(state: FallbackState): PutOptions {
  // Where the tag leads to the subject itself there is something, and it is not what is replaced.
  if (state.kind === 'none' && state.reason === 'subject') return {}
  return conditionsOf(state.kind === 'index' ? state.index : undefined)
}

function contended(repository: Repository, subject: Digest, missing: readonly Descriptor[]): Error {
  return fail(
    'registry/fallback-contended',
    `Other writers kept removing entries from ${named(repository, fallbackTag(subject))}`,
    {
      expected: missing.map(entry => entry.digest).join(', '),
    },
  )
}

function unavailable(repository: Repository, subject: Digest, reason: 'absent' | 'subject'): Error {
  const found = reason === 'subject' ? 'the image itself' : 'nothing'
  return fail(
    'registry/fallback-unavailable',
    `${named(repository, fallbackTag(subject))} was written and reads as ${found}`,
    {
      expected: 'the index that was written',
      found,
    },
  )
}

function tooLarge(repository: Repository, tag: string, bytes: number): Error {
  return fail('registry/fallback-too-large', `${named(repository, tag)} is too large to append to`, {
    expected: `at most ${LIMITS.fallbackIndexBytes} bytes`,
    found: `${bytes} bytes`,
  })
}

function notOurs(repository: Repository, tag: string, raw: RawManifest): Error {
  return fail('registry/tag-not-ours', `${named(repository, tag)} is not an index of referrers`, {
    expected: `an ${OCI_INDEX} of artifacts`,
    found: `${raw.mediaType} ${raw.digest}`,
  })
}

function named(repository: Repository, tag: string): string {
  return formatReference({ ...repository, tag })
}
