import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import type { ContentReader } from './bundle-manifest.ts'
import { LeftOut } from './fetched.ts'
import { isAttestation } from './image.ts'
import { parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

export interface ParentHints {
  /** The tag that stands beside the digest in a reference: where the index probably is. */
  readonly tag?: string
  /** Indexes that the caller names. */
  readonly indexes?: readonly Digest[]
}

export interface Parents {
  /** Indexes whose own bytes list the manifest, those that the caller named first. */
  readonly parents: readonly Digest[]
  /** False when one could not be read: it may have been a parent. */
  readonly complete: boolean
  readonly skipped: readonly Finding[]
}

/** Indexes that one caller may name; an image stands in one, rarely two. */
const MAX_INDEXES = 16

/**
 * The indexes through which a platform manifest may be proved (13-adversary 21), for a reference like
 * `repo:tag@sha256:child`. A registry cannot be asked who lists a manifest, so this looks where the reference itself points
 * and nowhere else. A tag is a hint of whoever wrote it: what counts is that the index's bytes, hashed, list the child, and
 * what is signed about that very index.
 */
export async function parentsOf(
  reader: ContentReader,
  repository: Repository,
  child: Digest,
  { tag, indexes = [] }: ParentHints,
): Promise<Parents> {
  const out = new LeftOut()
  const named = [...new Set(indexes)].filter(digest => digest !== child)
  for (const digest of named.slice(MAX_INDEXES)) out.skip(digest, tooMany())
  const places = [...named.slice(0, MAX_INDEXES), ...(tag === undefined ? [] : [tag])]
  const found = await Promise.all(
    places.map(place =>
      parentAt(reader, repository, child, place, out).catch(error => out.skip(nameOf(repository, place), error)),
    ),
  )
  const parents = new Set(found.filter(digest => digest !== undefined))
  return { parents: [...parents], complete: out.complete, skipped: out.findings }
}

async function parentAt(
  reader: ContentReader,
  repository: Repository,
  child: Digest,
  place: string,
  out: LeftOut,
): Promise<Digest | undefined> {
  const isTag = !place.includes(':')
  const raw = await reader.getRaw(repository, place)
  // A tag that is gone or points to the manifest itself names no index, which is no problem.
  if (raw === undefined || raw.digest === child) return isTag ? undefined : unlisted(repository, child, place, out)
  const index = parseManifest(raw.bytes, raw.mediaType)
  // BuildKit's attestation manifests stand in an index too; nobody runs them.
  const lists = index.kind === 'index' && index.manifests.some(entry => entry.digest === child && !isAttestation(entry))
  return lists ? raw.digest : unlisted(repository, child, place, out)
}

/** An index that was named and does not list the manifest is no parent; that is said, since somebody thought it was. */
function unlisted(repository: Repository, child: Digest, place: string, out: LeftOut): undefined {
  const name = nameOf(repository, place)
  const error = fail('registry/not-a-parent', `${name} does not list the manifest`, {
    expected: `an index that lists ${child}`,
    found: 'another manifest',
  })
  out.note(name, asWaybillError(error))
}

function tooMany(): Error {
  return fail('registry/referrers-incomplete', 'More indexes are named than are looked at', {
    expected: `at most ${MAX_INDEXES}`,
  })
}

function nameOf(repository: Repository, place: string): string {
  return place.includes(':')
    ? `${formatReference(repository)}@${place}`
    : formatReference({ ...repository, tag: place })
}
