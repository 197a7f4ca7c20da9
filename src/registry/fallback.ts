import { utf8 } from '../core/bytes.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { PutOptions, RawManifest, RegistryClient } from './client.ts'
import { type Descriptor, OCI_INDEX } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/**
 * The fallback for registries without a referrers API: a tag `sha256-<hex of the subject>` that holds an OCI index of
 * what is attached. distribution-spec v1.1.1 § Unavailable Referrers API.
 *
 * Trap: it is read, changed and written by many, usually without a lock. Two writers that read the same index lose one
 * entry; so each writer waits until slower ones must have written, reads back, and appends again until its own are in.
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

export interface FallbackOptions {
  /**
   * Milliseconds between a write and its read-back; default: four times this writer's own read-to-write time, at
   * least 250. It must be longer than another writer needs from reading to writing.
   */
  readonly settleMs?: number
  /** Writes before giving up. */
  readonly rounds?: number
}

const SETTLE_MS = 250
const ROUNDS = 12

/**
 * Puts entries into the fallback index of one subject in one update, and makes sure that they stay.
 * @throws `registry/fallback-contended`, `registry/fallback-unavailable`, `registry/fallback-too-large`,
 * `registry/tag-not-ours`, `registry/tag-immutable`
 */
export async function appendToFallback(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  wanted: readonly Descriptor[],
  options: FallbackOptions = {},
): Promise<void> {
  const clock = client.transport.clock
  const rounds = options.rounds ?? ROUNDS
  let written = false
  for (let round = 0; ; round++) {
    const started = clock.now()
    const state = await readFallback(client, repository, subject)
    const missing = missingFrom(state, wanted)
    if (missing.length === 0) return
    if (written && state.kind === 'none' && round >= 3) throw unavailable(repository, subject, state.reason)
    if (round >= rounds) throw contended(repository, subject, missing)
    const taken = await write(client, repository, subject, state, missing)
    written ||= taken
    const settle = options.settleMs ?? Math.max(SETTLE_MS, 4 * (clock.now() - started))
    // The jitter grows, so that writers which collided do not meet again; a refused write may try at once.
    await clock.sleep(Math.round((taken ? settle : 0) + clock.random() * settle * Math.min(4, 1 + round / 2)))
  }
}

function missingFrom(state: FallbackState, wanted: readonly Descriptor[]): readonly Descriptor[] {
  if (state.kind !== 'index') return wanted
  const present = new Set(state.index.entries.map(entry => (isObject(entry) ? entry.digest : undefined)))
  return wanted.filter(entry => !present.has(entry.digest))
}

/** @returns false when somebody else was faster and the registry said so. */
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
  try {
    await client.putManifest(repository, tag, OCI_INDEX, bytes, conditions(state))
    return true
  } catch (error) {
    if (error instanceof WaybillError && error.code === 'registry/precondition-failed') return false
    throw error
  }
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

/** A registry that gives ETags may honour conditions; one that ignores them is caught by the read-back. */
function conditions(state: FallbackState): PutOptions {
  if (state.kind === 'index') return state.index.etag === undefined ? {} : { ifMatch: state.index.etag }
  return state.kind === 'none' && state.reason === 'absent' ? { ifNoneMatch: '*' } : {}
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
