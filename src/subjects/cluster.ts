import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import type { RunningAs } from '../registry/running.ts'
import { type Pod, type PodImage, readPod } from './cluster-pod.ts'
import { placeText, readImageText } from './image-text.ts'
import type { Place } from './place.ts'
import { readRunningImage } from './running-image.ts'

/** A pod as the API server sent it: parsed JSON of which nothing is known yet. */
export type UnreadPod = Json

/** Whoever can list the pods of a cluster. */
export interface ClusterPort {
  /**
   * The pods of one namespace, or of all, page by page.
   * @throws `verify/cluster-list-expired` when the list has to be begun again; `verify/cluster-forbidden`,
   * `verify/cluster-unreachable`, `verify/cluster-incomplete` when it cannot be read (to its end).
   */
  pods(namespace: string | undefined, signal?: AbortSignal): AsyncIterable<readonly UnreadPod[]>
}

/** One image of a cluster, with every place where it runs. */
export interface ClusterImage {
  /** The name of the specification, with the digest that runs. Without digest: not started yet, or `running.config`. */
  readonly reference: Reference
  readonly running?: RunningAs
  /** False: no node has begun to run it at any of the places, so it is judged by what the specification names. */
  readonly started: boolean
  readonly places: readonly Place[]
}

/** A pod, or an image of one, that nobody could judge. */
export interface UnclearImage {
  readonly name: string
  readonly error: WaybillError
  readonly places: readonly Place[]
}

export interface ClusterSubjects {
  /** Each image once, in the order in which it was first seen. */
  readonly images: readonly ClusterImage[]
  readonly unclear: readonly UnclearImage[]
  /** Pods that were read, those of which nothing could be understood included. */
  readonly pods: number
  /** Pods that the API server only mirrors. */
  readonly mirrored: number
}

/** Each distinct image as it runs (13-adversary 33). Pure. */
export function clusterSubjects(pods: Iterable<UnreadPod>): ClusterSubjects {
  const reading = new ClusterReading()
  reading.add(pods)
  return reading.result()
}

/** The same, page by page: of what was added only what counts is kept. */
export class ClusterReading {
  readonly #images = new Map<string, ClusterImage & { places: Place[] }>()
  readonly #unclear: UnclearImage[] = []
  #pods = 0
  #places = 0
  #mirrored = 0

  get pods(): number {
    return this.#pods
  }

  /** Containers and volumes that are kept in mind. */
  get places(): number {
    return this.#places
  }

  add(pods: Iterable<UnreadPod>): void {
    for (const unread of pods) {
      const path = `items[${this.#pods++}]`
      try {
        this.#pod(readPod(unread, path))
      } catch (cause) {
        const { message, expected, found } = asWaybillError(cause)
        const error = fail('verify/pod-unreadable', `A pod of the list cannot be read: ${message}`, {
          ...(expected === undefined ? {} : { expected }),
          ...(found === undefined ? {} : { found }),
          cause,
        })
        this.#unclear.push({ name: `pod ${path}`, error, places: [] })
      }
    }
  }

  result(): ClusterSubjects {
    const images = [...this.#images.values()]
    return { images, unclear: this.#unclear, pods: this.#pods, mirrored: this.#mirrored }
  }

  #pod(pod: Pod): void {
    if (pod.mirrored) this.#mirrored++
    for (const image of pod.images) {
      const place = placeOf(pod, image)
      this.#places++
      try {
        this.#image(imageAsRunning(image, pod.started, place), place)
      } catch (error) {
        this.#unclear.push({ name: placeText(place), error: asWaybillError(error), places: [place] })
      }
    }
  }

  #image(image: Omit<ClusterImage, 'places'>, place: Place): void {
    const { reference, running = {}, started } = image
    const key = JSON.stringify([formatReference(reference), running.config, running.specified, started])
    const known = this.#images.get(key)
    if (known === undefined) this.#images.set(key, { ...image, places: [place] })
    else known.places.push(place)
  }
}

function placeOf({ namespace, name }: Pod, image: PodImage): Place {
  return { file: `${namespace}/${name}`, document: 1, path: `${image.list}[${image.name}]`, line: 1, pod: true }
}

/**
 * The image under the name that the specification gives it: mirrors and imported archives give a digest other names, and rules
 * and evidence belong to the one that was asked for. The digest is that of the node.
 * @throws `verify/image-id-unclear`, `verify/unexamined-image`
 */
function imageAsRunning({ list, specified, running, runs }: PodImage, podStarted: boolean, place: Place) {
  if (running === undefined) return notTold(list === 'volumes' ? podStarted : runs === true, specified, place)
  const id = readRunningImage(running)
  if (id.kind === 'unclear') throw unclear(place, id.why, running)
  const named = referenceOf(specified, place)
  if (id.kind === 'config') {
    if (named === undefined) throw unclear(place, 'neither the node nor the specification names a repository', running)
    const { digest, ...reference } = named
    const as = { config: id.digest, ...(digest === undefined ? {} : { specified: digest }) }
    return { reference, running: as, started: true }
  }
  const reference = { ...(named ?? id.reference), digest: id.reference.digest }
  const { digest: specifiedDigest } = named ?? {}
  const drifted = specifiedDigest !== undefined && specifiedDigest !== id.reference.digest
  return { reference, ...(drifted ? { running: { specified: specifiedDigest } } : {}), started: true }
}

/** What has not started is judged by what will be fetched; of what runs or is mounted a tag does not tell what was. */
function notTold(started: boolean, specified: string | undefined, place: Place) {
  const reference = readImageText(specified ?? '', place)
  if (started && reference.digest === undefined)
    throw unclear(place, 'the node does not tell which image it runs or has mounted', specified)
  return { reference, started }
}

/** Undefined for what is no reference, such as the id of an image on one machine. */
function referenceOf(text: string | undefined, place: Place): Reference | undefined {
  try {
    return text === undefined ? undefined : readImageText(text, place)
  } catch {
    return undefined
  }
}

function unclear(place: Place, why: string, found: string | undefined): WaybillError {
  return fail('verify/image-id-unclear', `${placeText(place)}: ${why}`, {
    expected: 'a name with a digest',
    ...(found === undefined ? {} : { found: printable(found, 200) }),
  })
}
