import { fail } from '../core/error.ts'
import { parseReference } from '../registry/reference.ts'
import type { AllowedMaterials, ObservedMaterial } from './allowed.ts'
import { gitLocation } from './source-identifiers.ts'

/**
 * Compares what the builder says with what it was allowed, in both name and bytes (4-materials § 4).
 * @throws `materials/undeclared` naming the first thing that is not among it
 */
export function compareObserved(allowed: AllowedMaterials, observed: readonly ObservedMaterial[]): void {
  const [first, ...more] = unexpectedMaterials(allowed, observed)
  if (first === undefined) return
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  throw fail('materials/undeclared', `By the builder’s own provenance ${first.uri}${others} went into the build`, {
    expected: 'only what was verified or pinned before the build',
    found:
      Object.entries(first.digest)
        .map(pair => pair.join(':'))
        .join(', ') || 'no digest',
  })
}

/** What is not allowed in the same name with the same bytes; a thing without a digest never is. */
export function unexpectedMaterials(
  allowed: AllowedMaterials,
  observed: readonly ObservedMaterial[],
): readonly ObservedMaterial[] {
  const known = knownOf(allowed)
  return observed.filter(({ uri, digest }) => {
    const place = placeOf(uri)
    return place === undefined || !Object.values(digest).some(hex => known.has(`${place} ${hex}`))
  })
}

function knownOf(allowed: AllowedMaterials): ReadonlySet<string> {
  const images = allowed.images.filter(({ use }) => use !== 'builder')
  return new Set([
    ...images.map(({ reference, digest }) => `image ${reference.canonical} ${hexOf(digest)}`),
    ...allowed.urls.map(({ url, sha256 }) => `${placeOf(url)} ${sha256}`),
    ...allowed.repositories.map(({ remote, commit }) => `git ${gitLocation(remote)} ${commit}`),
  ])
}

/** Where it came from, in one spelling; `undefined` for kinds that are never allowed (`pkg:oci/…`, other schemes). */
function placeOf(uri: string): string | undefined {
  if (uri.startsWith('pkg:docker/')) return imagePlace(uri.slice('pkg:docker/'.length))
  const [remote = ''] = uri.split('#', 1)
  const location = gitLocation(remote)
  if (/\.git$/.test(remote.split('?', 1)[0] ?? '') || !/^https?:\/\//.test(uri))
    return location === undefined ? undefined : `git ${location}`
  return URL.canParse(uri) ? `url ${withoutLogin(uri)}` : undefined
}

/** `<name>[@<version>][?qualifiers]`, percent-encoded. Source: purl-spec, type docker. */
function imagePlace(purl: string): string | undefined {
  const [path = ''] = purl.split('?', 1)
  const [name = ''] = path.split('@', 1)
  try {
    return `image ${parseReference(decodeURIComponent(name)).canonical}`
  } catch {
    return undefined
  }
}

/** BuildKit blackens a login, and both spellings of a URL are one. */
function withoutLogin(uri: string): string {
  const url = new URL(uri)
  url.username = ''
  url.password = ''
  return url.href
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1)
}
