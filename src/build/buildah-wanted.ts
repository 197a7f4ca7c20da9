import type { Digest } from '../core/digest.ts'
import { hexOf } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { normalPlatform } from '../materials/dockerfile/contexts.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { AllowedImage, AllowedMaterials } from './allowed.ts'
import { isImage } from './buildah-dockerfile.ts'
import { remoteAdd } from './buildah-reading.ts'
import { notWithBuildah, undeclared } from './buildah-refusal.ts'

/** One allowed image for one platform, with the name under which buildah will look for it. */
export interface WantedImage {
  readonly image: AllowedImage
  readonly platform: string
  /** As the Dockerfile spells it, variables resolved. */
  readonly name: string
  readonly line: number
}

const IMAGE_CONTEXT = 'docker-image://'

/**
 * What of the allowed list these pulls need. A stage that the target does not need is not built by buildah either.
 * @throws `materials/undeclared` for an image that is not in it; `materials/not-with-buildah` for what buildah fetches by itself.
 */
export function wantedImages(
  pulls: readonly Pull[],
  allowed: AllowedMaterials,
  target: string,
): readonly WantedImage[] {
  return pulls
    .filter(({ needed, later }) => needed && later === undefined)
    .flatMap(pull => wantedBy(pull, allowed, normalPlatform(pull.platform ?? target)))
}

function wantedBy(pull: Pull, allowed: AllowedMaterials, platform: string): readonly WantedImage[] {
  const { line, written, source } = pull
  // Nobody knows its variables; that it cannot become remote was seen from its first letters.
  if (pull.how === 'add-url' && source === undefined) return []
  if (pull.how === 'add-url' || pull.how === 'add-git') throw remoteAdd(line, source ?? written)
  if (pull.how === 'syntax')
    throw notWithBuildah(line, 'names a frontend image', {
      expected: 'no frontend: buildah runs none',
      found: written,
      remedy: 'Remove BUILDKIT_SYNTAX from the build arguments, or set `builder: buildx`.',
    })
  if (source === undefined)
    throw undeclared(line, 'names something that nobody can say', { expected: 'a plain name', found: written })
  if (isImage(pull)) return [{ image: allowedImage(source, pull, allowed), platform, name: source, line }]
  const name = contextName(pull, allowed)
  if (!source.startsWith(IMAGE_CONTEXT)) return []
  const image = source.slice(IMAGE_CONTEXT.length)
  return [{ image: allowedImage(image, { ...pull, written: name }, allowed), platform, name: image, line }]
}

/** buildah compares names of contexts as they stand; BuildKit also takes `alpine` for `docker.io/library/alpine:latest`. */
function contextName({ line, written, source = '' }: Pull, { contexts }: AllowedMaterials): string {
  if (contexts.get(written) === source) return written
  throw notWithBuildah(line, `takes the named context behind ${written} in another spelling`, {
    expected: [...contexts.keys()].join(', '),
    found: written,
  })
}

function allowedImage(source: string, pull: Pull, { images }: AllowedMaterials): AllowedImage {
  const reference = read(source, pull)
  const own = images.filter(({ use }) => use === 'base')
  const found =
    own.find(image => image.names.includes(source) && fits(image, reference)) ??
    own.find(image => names(image, reference))
  if (found !== undefined) return found
  throw undeclared(pull.line, `takes the image ${source}, which nobody declared`, {
    expected: own.map(({ reference }) => formatReference(reference)).join(', ') || 'no image at all',
    found: formatReference(reference),
    remedy: remedyFor(reference),
  })
}

function read(source: string, { line }: Pull): Reference {
  try {
    return parseReference(source)
  } catch (error) {
    throw undeclared(line, `takes an image whose name cannot be read`, {
      expected: 'host/repository:tag',
      found: asWaybillError(error).found ?? source,
    })
  }
}

function fits({ digest }: AllowedImage, reference: Reference): boolean {
  return reference.digest === undefined || reference.digest === digest
}

/** A digest decides; without one the tag that was resolved. */
function names(image: AllowedImage, reference: Reference): boolean {
  if (image.reference.canonical !== reference.canonical || !fits(image, reference)) return false
  return reference.digest !== undefined || (image.reference.tag ?? 'latest') === (reference.tag ?? 'latest')
}

function remedyFor({ canonical, tag, digest }: Reference): string {
  const text = `docker-image://${canonical}${tag === undefined ? '' : `:${tag}`}`
  return [
    `Let a rule of \`base-images\` in the policy match ${canonical}; to pin it, add to the materials manifest:`,
    `- {name: base, uri: "${text}", digest: {sha256: ${digest === undefined ? '…' : hexOf(digest)}}, use: {base-image: true}}`,
  ].join(' ')
}

/** The name that finds the image in the storage: buildah itself takes names without a host for Docker Hub's. */
export function tagFor({ name, image, platform }: WantedImage): string {
  const [path = '', digest] = name.split('@')
  const colon = path.lastIndexOf(':')
  const tagged = colon > path.lastIndexOf('/')
  const bare = withHost(tagged ? path.slice(0, colon) : path)
  // A digest cannot be given as a tag; it is found through any tag of the same repository.
  const tag = digest === undefined ? (tagged ? path.slice(colon + 1) : 'latest') : pinTag(image.digest, platform)
  return `${bare}:${tag}`
}

function pinTag(digest: Digest, platform: string): string {
  return `waybill-${hexOf(digest).slice(0, 16)}-${platform.replaceAll('/', '-')}`
}

function withHost(path: string): string {
  const [first = '', ...more] = path.split('/')
  if (more.length > 0 && (first === 'localhost' || /[.:[]/.test(first))) return path
  return more.length === 0 ? `docker.io/library/${path}` : `docker.io/${path}`
}
