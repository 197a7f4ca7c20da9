import { WaybillError } from '../core/error.ts'
import type { RetryClock } from '../io/retry.ts'
import type { PutOptions, RegistryClient } from './client.ts'
import type { Repository } from './reference.ts'

export interface UpdateOptions {
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

/** Where an update of many writers stands. */
export interface Round {
  /** Writes tried so far. */
  readonly number: number
  /** One of them was taken, so what is read now is read back. */
  readonly written: boolean
  /** True when nothing may be written any more. */
  readonly last: boolean
}

/** What one round came to: what was wanted is there, or something was written (`taken`: the registry did not refuse it). */
export type RoundResult<T> = { readonly kept: T } | { readonly taken: boolean }

/**
 * Changes what many write without a lock, and makes sure that it stays: two writers that read the same document lose one
 * change, so each waits until slower ones must have written, reads back, and writes again until its own change is in.
 * @param round reads, and writes what is missing; it throws when it is the last one and something is missing still.
 */
export async function updateUntilKept<T>(
  clock: RetryClock,
  { rounds = ROUNDS, settleMs }: UpdateOptions,
  round: (the: Round) => Promise<RoundResult<T>>,
): Promise<T> {
  let written = false
  for (let number = 0; ; number++) {
    const started = clock.now()
    const result = await round({ number, written, last: number >= rounds })
    if ('kept' in result) return result.kept
    const { taken } = result
    written ||= taken
    const settle = settleMs ?? Math.max(SETTLE_MS, 4 * (clock.now() - started))
    // The jitter grows, so that writers which collided do not meet again; a refused write may try at once.
    await clock.sleep(Math.round((taken ? settle : 0) + clock.random() * settle * Math.min(4, 1 + number / 2)))
  }
}

/** What a write rests on: nothing was there, or what was read, by its ETag where the registry gives one. */
export function conditionsOf(read: { readonly etag?: string } | undefined): PutOptions {
  // A registry that gives ETags may honour conditions; one that ignores them is caught by the read-back.
  if (read === undefined) return { ifNoneMatch: '*' }
  return read.etag === undefined ? {} : { ifMatch: read.etag }
}

/** @returns false when somebody else was faster and the registry said so. */
export async function putUnlessChanged(
  client: RegistryClient,
  repository: Repository,
  { tag, mediaType, bytes }: { readonly tag: string; readonly mediaType: string; readonly bytes: Uint8Array },
  conditions: PutOptions,
): Promise<boolean> {
  try {
    await client.putManifest(repository, tag, mediaType, bytes, conditions)
    return true
  } catch (error) {
    if (error instanceof WaybillError && error.code === 'registry/precondition-failed') return false
    throw error
  }
}
