import type { AllowedImage } from '../build/allowed.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { normalPlatform } from '../registry/platform-children.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { ImagesRequest } from './materials-images-request.ts'

/** One image with everything that names it. */
export interface NamedImage {
  /** Of `formatReference` and the use. */
  readonly key: string
  /** Canonical; with `latest` where neither tag nor digest is named. */
  readonly reference: Reference
  readonly use: AllowedImage['use']
  /** As written. */
  readonly names: ReadonlySet<string>
  readonly places: ReadonlySet<string>
  /** One spelling each. All must be there, and proved. */
  readonly platforms: ReadonlySet<string>
  /** Proved if they are there: nobody says for which platform a named context is asked. */
  readonly maybe: ReadonlySet<string>
  /** Stages begin with it, so that its config changes the build. */
  readonly base: boolean
}

/** Something in an image's place that is none. */
export interface Misnamed {
  readonly key: string
  readonly name: string
  readonly kind: 'image' | 'url' | 'git'
  readonly places: ReadonlySet<string>
  readonly error: WaybillError
}

export interface Named {
  /** In the order in which they are first named. */
  readonly images: readonly NamedImage[]
  readonly misnamed: readonly Misnamed[]
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends ReadonlySet<infer U> ? Set<U> : T[K] }

/** What one build pulls, with the platforms it is asked for. */
export interface BuildPulls {
  readonly options: PullOptions
  readonly pulls: readonly Pull[]
}

/**
 * Brings all spellings of one image together (13-adversary 34), whatever the number of platforms and stages. What no build
 * of this run pulls, stages that its target does not need and its own ONBUILD, is left out: no builder is allowed to.
 * @throws `materials/too-many-references`
 */
export function imagesNamed(
  builds: readonly BuildPulls[],
  { path, more, frontends = true }: Pick<ImagesRequest, 'path' | 'more' | 'frontends'>,
): Named {
  const all = new Collected()
  const [first] = builds
  for (const { canonical, use, place, platform } of more)
    all.add({ text: canonical, use, place, platforms: [platform ?? first?.options.buildPlatform ?? ''], base: false })
  for (const { options, pulls } of builds)
    for (const pull of pulls) {
      if (!pull.needed || pull.later === true || (pull.how === 'syntax' && !frontends)) continue
      const place = placeOf(pull, path)
      const text = imageText(pull)
      if (text === undefined && pull.unresolved !== undefined) all.refuse(pull, place, unresolved(pull))
      if (text !== undefined) all.add({ text, place, ...askedFor(pull, options) })
    }
  const { images } = all
  if (images.length > LIMITS.dockerfileReferences)
    throw fail('materials/too-many-references', 'The build names too many images', {
      expected: `at most ${LIMITS.dockerfileReferences}`,
      found: String(images.length),
    })
  return all
}

interface Mention {
  readonly text: string
  readonly use: AllowedImage['use']
  readonly place: string
  readonly platforms: readonly string[]
  readonly maybe?: readonly string[]
  readonly base: boolean
}

class Collected implements Named {
  readonly #images = new Map<string, Growing<NamedImage>>()
  readonly #misnamed = new Map<string, Growing<Misnamed>>()

  get images(): readonly NamedImage[] {
    return [...this.#images.values()]
  }

  get misnamed(): readonly Misnamed[] {
    return [...this.#misnamed.values()]
  }

  add({ text, use, place, platforms, maybe = [], base }: Mention): void {
    const reference = readImage(text)
    if (!('canonical' in reference)) {
      this.#refuse(text, 'image', place, reference)
      return
    }
    const key = `${formatReference(reference)} ${use}`
    const image = this.#images.get(key) ?? {
      key,
      reference,
      use,
      names: new Set(),
      places: new Set(),
      platforms: new Set(),
      maybe: new Set(),
      base: false,
    }
    image.names.add(text)
    image.places.add(place)
    for (const platform of platforms) image.platforms.add(normalPlatform(platform))
    for (const platform of maybe) image.maybe.add(normalPlatform(platform))
    image.base ||= base
    this.#images.set(key, image)
  }

  refuse({ how, written }: Pull, place: string, error: WaybillError): void {
    this.#refuse(written, how === 'add-git' ? 'git' : how === 'add-url' ? 'url' : 'image', place, error)
  }

  #refuse(text: string, kind: Misnamed['kind'], place: string, error: WaybillError): void {
    const key = `${kind} ${text}`
    const known = this.#misnamed.get(key) ?? { key, name: printable(text, 300), kind, places: new Set(), error }
    known.places.add(place)
    this.#misnamed.set(key, known)
  }
}

/** Frontends run on the machine that builds; what is only copied from is taken for the platform that is built. */
function askedFor(pull: Pull, options: PullOptions): Pick<Mention, 'use' | 'platforms' | 'maybe' | 'base'> {
  const { buildPlatform, targetPlatform } = options
  const base = pull.how === 'from' || pull.how === 'context'
  if (pull.how === 'syntax') return { use: 'frontend', platforms: [buildPlatform], base }
  const maybe = pull.how === 'context' ? [buildPlatform] : []
  return { use: 'base', platforms: [pull.platform ?? targetPlatform], maybe, base }
}

function placeOf({ how, line, trigger }: Pull, path: string): string {
  if (line > 0) return `${path}:${line}${trigger === true ? ' (ONBUILD of its base image)' : ''}`
  return how === 'syntax' ? 'build argument BUILDKIT_SYNTAX' : 'build-contexts'
}

/** Image as the builder is asked for it; undefined: the pull is of something else. */
export function imageText({ how, source }: Pick<Pull, 'how' | 'source'>): string | undefined {
  if (source === undefined || how === 'add-url' || how === 'add-git') return undefined
  if (how !== 'context') return source
  const [, image] = /^docker-image:\/\/(.*)$/s.exec(source) ?? []
  // A folder, a URL or a repository; an image layout on disk is an image that no registry vouches for.
  return image ?? (source.startsWith('oci-layout:') ? source : undefined)
}

/**
 * Words that BuildKit reads as a name and buildah as a place on disk (13-adversary 18). Of `docker` only with `//`: there is an
 * image of that name.
 */
const TRANSPORTS =
  /^(?:(?:oci|oci-archive|oci-layout|docker-archive|docker-daemon|dir|containers-storage|sif|ostree|atomic|tarball):|docker:\/\/)/i

/** Canonical, with `latest` where the builder would add it; or why it is no image. */
export function readImage(text: string): Reference | WaybillError {
  try {
    if (TRANSPORTS.test(text)) throw notAnImage(text, 'a transport')
    const reference = parseReference(text)
    const named = reference.tag !== undefined || reference.digest !== undefined
    return named ? reference : { ...reference, tag: 'latest' }
  } catch (error) {
    const known = asWaybillError(error)
    return known.code === 'registry/reference-malformed' ? notAnImage(text, known.found ?? 'something else') : known
  }
}

function notAnImage(text: string, found: string): WaybillError {
  return fail('materials/not-an-image', `${printable(text, 300)} is no image in a registry`, {
    expected: 'host/repository[:tag][@sha256:<64 hex>]',
    found,
  })
}

function unresolved({ written, unresolved: why = '' }: Pull): WaybillError {
  return fail('materials/unresolved', `Nobody can say before the build what ${printable(written, 300)} is`, {
    expected: 'a name without variables, or with ones that are set',
    found: why,
  })
}
