import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { findingOf } from '../core/verdict.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import { normalPlatform } from '../registry/platform-children.ts'
import { formatReference } from '../registry/reference.ts'
import { inTime } from './in-time.ts'
import { placed } from './materials-images-findings.ts'
import { ImageGate } from './materials-images-gate.ts'
import { type ImageOutcome, type ImageWorld, judgeNamed, refusal } from './materials-images-judge.ts'
import {
  type BuildPulls,
  imagesNamed,
  imageText,
  type Misnamed,
  type Named,
  type NamedImage,
  readImage,
} from './materials-images-named.ts'
import { ImageReader } from './materials-images-reader.ts'
import type { ImagesPorts, ImagesRequest, JudgedImage, JudgedImages } from './materials-images-request.ts'

export { declaredKey } from './materials-images-judge.ts'
export type { ImagesPorts, ImagesRequest, JudgedImage, JudgedImages, MoreImage } from './materials-images-request.ts'

/** Images judged at the same time; each has a few requests under way. */
const PARALLEL = 8

/**
 * Judges every image that a build pulls by the `base-images` of the accepted policy, as the gate judges images (4-materials § 3):
 * the Dockerfile's own, then those that the ONBUILD of base images which passed adds, until nothing new is named. Each tag is
 * resolved once, before anything else is asked, and meant by its digest from then on. One image that fails is a
 * `JudgedMaterial` with its verdict and findings.
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`, and configuration errors
 */
export async function judgeImages(request: ImagesRequest, ports: ImagesPorts): Promise<JudgedImages> {
  const run = new Run(request, ports)
  // Each round reads the config of a base image that was not known before, or is the last: there are at most 500 of them.
  for (;;) {
    const builds = request.builds.map((options): BuildPulls => ({ options, pulls: run.pulls(options) }))
    const named = imagesNamed(builds, request)
    const open = named.images.filter(image => run.isNew(image))
    if (open.length === 0) return run.result(named, builds)
    await run.judge(open)
  }
}

class Run {
  readonly #request: ImagesRequest
  readonly #ports: ImagesPorts
  readonly #world: ImageWorld
  /** By the image with everything that is asked of it: more platforms are another question. */
  readonly #done = new Map<string, ImageOutcome>()

  constructor(request: ImagesRequest, ports: ImagesPorts) {
    this.#request = request
    this.#ports = ports
    this.#world = { request, reader: new ImageReader(ports), gate: new ImageGate(ports) }
  }

  pulls(options: PullOptions): readonly Pull[] {
    const { targetPlatform } = options
    const bases = (from: Pick<Pull, 'source' | 'platform'>) => {
      const how = from.source?.includes('://') === true ? 'context' : 'from'
      const reference = readImage(
        imageText({ how, ...(from.source === undefined ? {} : { source: from.source }) }) ?? '',
      )
      if (!('canonical' in reference)) return undefined
      const platform = normalPlatform(from.platform ?? targetPlatform)
      return this.#bases.get(`${formatReference(reference)} ${platform}`)
    }
    return pullsOf(this.#request.dockerfile, { ...options, bases })
  }

  readonly #bases = new Map<string, ReturnType<NonNullable<PullOptions['bases']>>>()

  isNew(image: NamedImage): boolean {
    return !this.#done.has(questionOf(image))
  }

  async judge(images: readonly NamedImage[]): Promise<void> {
    let judged = 0
    await inParallel(images, PARALLEL, async image => {
      const late = () =>
        fail('materials/out-of-time', 'The time of the stage was over before this was judged', {
          found: `${judged} of ${images.length} were judged by then`,
        })
      const outcome = await inTime(this.#ports.expired, () => judgeNamed(image, this.#world), late).catch(error => {
        const known = asWaybillError(error)
        if (known.kind === 'configuration') throw known
        return refusal(image, known)
      })
      judged++
      this.#done.set(questionOf(image), outcome)
      const name = formatReference(image.reference)
      for (const [platform, base] of outcome.bases) this.#bases.set(`${name} ${platform}`, base)
    })
  }

  result({ images, misnamed }: Named, builds: readonly BuildPulls[]): JudgedImages {
    const judged = images.flatMap((image): readonly JudgedImage[] => {
      const outcome = this.#done.get(questionOf(image))
      if (outcome === undefined) throw new TypeError('an image that was not judged')
      const { bases: _, ...rest } = outcome
      return [rest]
    })
    const pulls = new Map(builds.flatMap(build => build.pulls.map(pull => [JSON.stringify(pull), pull] as const)))
    return { images: [...judged, ...misnamed.map(misjudged)], pulls: [...pulls.values()] }
  }
}

function questionOf({ key, platforms, maybe, base }: NamedImage): string {
  return `${key} ${[...platforms].sort().join()} ${[...maybe].sort().join()} ${base}`
}

function misjudged({ name, kind, places, error }: Misnamed): JudgedImage {
  const verdict = error.kind === 'rejected' ? 'rejected' : 'unknown'
  const findings = placed([findingOf(error, name)], name, places)
  return { judged: { name, kind, uri: name, places: [...places], digest: {}, verdict, findings } }
}
