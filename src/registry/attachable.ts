import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { RegistryClient } from './client.ts'
import { checkFallbackSize } from './fallback.ts'
import { checkLegacyRoom } from './legacy-append.ts'
import type { Repository } from './reference.ts'
import { listUnfiltered } from './referrers.ts'

export interface AttachableOptions {
  /** Signatures go into the tags of cosign ≤ 2, too (`legacy-signatures`). */
  readonly legacy?: boolean
}

/**
 * Proves, before anything is signed, that something can be attached to an image that is there already: a fallback index of
 * 3 MB takes no more entries (13-adversary 26), and a tag of legacy signatures as many as are read. A registry that has the
 * referrers API needs no index, so that whoever may fill that tag stops nobody there. One request, two for an index that is too
 * large, two more with `legacy`.
 * @throws `registry/fallback-too-large`, `registry/legacy-full`, `registry/tag-not-ours`, and what the transport throws
 */
export async function checkAttachable(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  { legacy = false }: AttachableOptions = {},
): Promise<void> {
  await Promise.all([
    checkIndex(client, repository, subject),
    ...(legacy ? [checkLegacyRoom(client, repository, subject)] : []),
  ])
}

async function checkIndex(client: RegistryClient, repository: Repository, subject: Digest): Promise<void> {
  try {
    await checkFallbackSize(client, repository, subject)
  } catch (error) {
    if (asWaybillError(error).code !== 'registry/fallback-too-large') throw error
    const { sources } = await listUnfiltered(client, repository, subject).catch(() => ({ sources: [] as const }))
    if (!sources.some(source => source === 'api')) throw error
  }
}
