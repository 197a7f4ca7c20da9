import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject } from '../core/json.ts'
import { stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import {
  type AnnotatedIdentity,
  type AnnotatedImage,
  EXPECTED_ANNOTATION,
  readExpectedAnnotation,
} from './annotations.ts'
import { type ClusterImage, clusterSubjects, type UnreadPod } from './cluster.ts'
import { placeText } from './image-text.ts'

/** One image as it runs in a namespace, with what whoever deployed it said of it. */
export interface RunningImage {
  /** Canonical `host/repository`. */
  readonly name: string
  readonly digest: Digest
  /** What was specified or deployed, where another digest runs. */
  readonly specified?: Digest
  readonly build?: AnnotatedIdentity
  readonly deployer?: AnnotatedIdentity
  /** `production/web-7c9f containers[app]`. */
  readonly places: readonly string[]
}

export interface RunningPods {
  /** Sorted by name and digest, each once. */
  readonly images: readonly RunningImage[]
  /** What runs, and nobody can tell as what. */
  readonly unclear: readonly { readonly place: string; readonly why: string }[]
}

type Kept = RunningImage & { places: string[]; specified?: Digest }

/** Gathers what the pods of a namespace run, page by page; of a pod only what counts is kept. */
export class RunningReading {
  readonly #images = new Map<string, Kept>()
  readonly #unclear: { place: string; why: string }[] = []
  #places = 0

  /** Containers that were seen. */
  get places(): number {
    return this.#places
  }

  add(pods: Iterable<UnreadPod>): void {
    for (const pod of pods) if (!isOver(pod)) this.#pod(pod)
  }

  result(): RunningPods {
    const key = ({ name, digest }: RunningImage): string => `${name}@${digest}`
    const images = [...this.#images.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
    return { images, unclear: this.#unclear }
  }

  #pod(pod: UnreadPod): void {
    const { images, unclear } = clusterSubjects([pod])
    this.#places += images.length + unclear.length
    for (const { name, error } of unclear) this.#hidden(name, error.message)
    const said = this.#annotated(pod)
    for (const image of images) this.#image(image, said)
  }

  /** A note that cannot be read is no reason not to tell what runs; that it is there is told. */
  #annotated(pod: UnreadPod): readonly AnnotatedImage[] {
    try {
      const metadata = isObject(pod) && isObject(pod.metadata) ? pod.metadata : {}
      const text = stringMapAt(metadata.annotations, 'metadata.annotations')[EXPECTED_ANNOTATION]
      return text === undefined ? [] : readExpectedAnnotation(text)
    } catch {
      return []
    }
  }

  #image({ reference, running = {}, started, places }: ClusterImage, said: readonly AnnotatedImage[]): void {
    // Nothing of it runs yet.
    if (!started) return
    const { canonical: name, digest } = reference
    const texts = places.map(place => printable(placeText(place), 500))
    if (digest === undefined) {
      for (const place of texts) this.#hidden(place, 'the node names only the image’s configuration')
      return
    }
    const deployed = said.filter(item => item.name === name)
    const about = deployed.find(item => item.digest === digest) ?? deployed[0]
    const other = about !== undefined && about.digest !== digest ? about.digest : undefined
    const specified = running.specified ?? other
    const known = this.#images.get(`${name}@${digest}`)
    if (known === undefined) {
      const { build, deployer } = about ?? {}
      this.#images.set(`${name}@${digest}`, {
        name,
        digest,
        ...(specified === undefined ? {} : { specified }),
        ...(build === undefined ? {} : { build }),
        ...(deployer === undefined ? {} : { deployer }),
        places: texts,
      })
      return
    }
    known.places.push(...texts)
    // One pod in which another image was to run is not hidden by a hundred in which it was this one.
    if (specified !== undefined) known.specified = specified
  }

  #hidden(place: string, why: string): void {
    this.#unclear.push({ place: printable(place, 500), why: printable(why, 500) })
  }
}

/** A pod whose containers have all ended runs nothing. Kubernetes API reference v1.36, PodStatus § phase */
function isOver(pod: UnreadPod): boolean {
  const status = isObject(pod) ? pod.status : undefined
  return isObject(status) && (status.phase === 'Succeeded' || status.phase === 'Failed')
}

/** Reads a list of pods, begun again when the API server has forgotten it. Half a list is none (13-adversary 32). */
export async function runningPods(
  begin: () => AsyncIterable<readonly UnreadPod[]>,
  most: number,
): Promise<RunningPods> {
  for (let beginning = 1; ; beginning++) {
    const reading = new RunningReading()
    try {
      for await (const page of begin()) {
        reading.add(page)
        if (reading.places > most) throw tooMuch(most)
      }
      return reading.result()
    } catch (error) {
      if (asWaybillError(error).code !== 'verify/cluster-list-expired' || beginning === BEGINNINGS) throw error
    }
  }
}

const BEGINNINGS = 3

function tooMuch(most: number): Error {
  return fail('serve/too-much-runs', 'The namespace runs more containers than a document can hold', {
    expected: `at most ${most}`,
  })
}
