import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { HttpAnswer } from '../io/http.ts'
import type { RawManifest, RegistryClient } from './client.ts'
import { formatReference, type Repository } from './reference.ts'
import { checkTagName } from './tags.ts'

/** What became of the tags of a quarantined image. */
export interface SetAside {
  /** Under which the image is kept: without any tag a registry may collect it, and the evidence with it. */
  readonly kept: string
  /** The tag that was asked for, if any. */
  readonly tag?: string
  /** Whether that tag does not exist any more. */
  readonly removed: boolean
  /** Why it does: `registry/tag-not-removed`, `registry/tag-reserved` … Always unknown, never a verdict. */
  readonly problem?: WaybillError
}

/** `waybill-quarantine-` and twelve digits of the digest; users may not ask for such a tag (13-adversary 25). */
export function quarantineTag(digest: Digest): string {
  return `waybill-quarantine-${hexOf(digest).slice(0, 12)}`
}

/**
 * Takes a tag away from an image (13-adversary 31): puts the quarantine tag on it first, reads that back, and only then asks the
 * registry to delete the tag, if it still points to this image. Repeating it changes nothing. Deleting a tag is no part of
 * the specification that every registry serves, so what could not be done is told, and the tag then still leads to the image.
 * @throws when the image could not be kept under its quarantine tag: then no tag was touched.
 */
export async function setAside(
  client: RegistryClient,
  repository: Repository,
  digest: Digest,
  tag?: string,
): Promise<SetAside> {
  const kept = quarantineTag(digest)
  const manifest = await keep(client, repository, digest, kept)
  if (tag === undefined || tag === kept) return { kept, removed: false }
  try {
    // A list of referrers or a tag of our own is never deleted, whatever the reference said.
    checkTagName(tag)
    await removeTag(client, repository, tag, digest)
    if ((await client.getRaw(repository, kept))?.digest !== digest)
      // Some registries take the image away together with the tag; what is left of it is put back.
      await client.putManifest(repository, kept, manifest.mediaType, manifest.bytes)
    return { kept, tag, removed: true }
  } catch (error) {
    return { kept, tag, removed: false, problem: asWaybillError(error) }
  }
}

async function keep(
  client: RegistryClient,
  repository: Repository,
  digest: Digest,
  tag: string,
): Promise<Pick<RawManifest, 'bytes' | 'mediaType'>> {
  const image = await client.getRaw(repository, digest)
  if (image === undefined) throw fail('registry/not-found', `The registry has no ${named(repository, digest)} any more`)
  const present = await client.getRaw(repository, tag)
  if (present !== undefined && present.digest !== digest)
    throw fail('registry/tag-not-ours', `${formatReference({ ...repository, tag })} exists and is not replaced`, {
      expected: digest,
      found: present.digest,
    })
  if (present === undefined) await client.putManifest(repository, tag, image.mediaType, image.bytes)
  const found = await client.getRaw(repository, tag)
  if (found?.digest === digest) return image
  throw fail('registry/tag-changed', `${formatReference({ ...repository, tag })} does not lead to what was put there`, {
    expected: digest,
    found: found?.digest ?? 'nothing',
  })
}

async function removeTag(client: RegistryClient, repository: Repository, tag: string, digest: Digest): Promise<void> {
  const name = formatReference({ ...repository, tag })
  const present = await client.getRaw(repository, tag)
  if (present === undefined) return
  if (present.digest !== digest)
    throw notRemoved(name, `a tag that still leads to ${digest}`, `it leads to ${present.digest} by now`)
  const request = { method: 'DELETE', repository, action: 'delete', path: `manifests/${tag}` } as const
  const answer = await client.transport.send(request)
  if (![200, 202, 204, 404].includes(answer.status))
    throw notRemoved(name, 'status 202', `status ${answer.status}${hint(answer)}`)
  const left = await client.getRaw(repository, tag)
  if (left !== undefined) throw notRemoved(name, 'no such tag', `it still leads to ${left.digest}`)
}

/** distribution-spec v1.1.1 § Deleting tags: 400 or 405 where deletion is disabled or unknown. */
function hint({ status }: HttpAnswer): string {
  if (status === 405 || status === 400) return ', the registry deletes no tags'
  return status === 401 || status === 403 ? ', the login may not delete' : ''
}

function notRemoved(name: string, expected: string, found: string): Error {
  return fail('registry/tag-not-removed', `${printable(name, 300)} was not removed`, { expected, found })
}

function named(repository: Repository, digest: Digest): string {
  return formatReference({ ...repository, digest })
}
