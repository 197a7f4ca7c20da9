import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { RegistryClient } from './client.ts'
import { checkFallbackSize } from './fallback.ts'
import type { Repository } from './reference.ts'
import { listUnfiltered } from './referrers.ts'

/**
 * Proves, before anything is signed, that something can be attached to an image that is there already: a fallback index of
 * 3 MB takes no more entries (13-adversary 26). A registry that has the referrers API needs none, so that whoever may fill
 * the tag stops nobody there. One request, two for an index that is too large.
 * @throws `registry/fallback-too-large`, and what the transport throws
 */
export async function checkAttachable(client: RegistryClient, repository: Repository, subject: Digest): Promise<void> {
  try {
    await checkFallbackSize(client, repository, subject)
  } catch (error) {
    if (asWaybillError(error).code !== 'registry/fallback-too-large') throw error
    const { sources } = await listUnfiltered(client, repository, subject).catch(() => ({ sources: [] as const }))
    if (!sources.some(source => source === 'api')) throw error
  }
}
