import { fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'

/** One image that a pod runs, mounts or will run. */
export interface PodImage {
  /** The list of the specification that it stands in. */
  readonly list: 'initContainers' | 'containers' | 'ephemeralContainers' | 'volumes'
  /** Of the container or the volume. */
  readonly name: string
  /** As the specification names it; absent: only the node knows of it. */
  readonly specified?: string
  /** As the node tells it: `imageID` of a container, `imageRef` of an image volume. Absent: it does not tell. */
  readonly running?: string
  /** The node says that the container runs, whether or not it tells which image. */
  readonly runs?: true
}

/** What counts of a pod: some hundred bytes of what may be a megabyte. */
export interface Pod {
  readonly namespace: string
  readonly name: string
  /** The kubelet made it from a file on its node; the API server only mirrors it. */
  readonly mirrored: boolean
  readonly images: readonly PodImage[]
  /** A node has begun to run it, so what it says of its containers can be expected. */
  readonly started: boolean
}

const STATUSES = [
  ['initContainers', 'initContainerStatuses'],
  ['containers', 'containerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const

/** RFC 1123, as the API server enforces it: what else an answer holds is no name, and nothing a terminal should be shown. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/
/** Set by the kubelet alone; the admission plugin NodeRestriction keeps others from it. Kubernetes, Well-Known Annotations. */
const MIRROR = 'kubernetes.io/config.mirror'

/**
 * Reads one pod of a list. Kubernetes API reference v1.36, Pod v1.
 * @param path where it stands, `items[3]`
 * @throws `core/shape` for wrong types and for names that no API server accepts
 */
export function readPod(value: Json, path: string): Pod {
  const pod = objectAt(value, path)
  const metadata = objectAt(pod.metadata, `${path}.metadata`)
  const spec = objectAt(pod.spec, `${path}.spec`)
  const status = objectAt(pod.status ?? {}, `${path}.status`)
  const mounted = mountedImages(status, path)
  const containers = STATUSES.flatMap(([list, statuses]) => {
    return containerImages(list, listAt(spec, list, path), listAt(status, statuses, path), path)
  })
  return {
    namespace: nameAt(metadata.namespace, `${path}.metadata.namespace`),
    name: nameAt(metadata.name, `${path}.metadata.name`),
    mirrored: Object.hasOwn(stringMapAt(metadata.annotations, `${path}.metadata.annotations`), MIRROR),
    images: [...containers, ...volumeImages(spec, mounted, path)],
    started: containers.some(({ running }) => running !== undefined),
  }
}

function containerImages(
  list: PodImage['list'],
  containers: readonly JsonObject[],
  statuses: readonly JsonObject[],
  path: string,
): readonly PodImage[] {
  const running = new Map(
    statuses.map(status => [nameAt(status.name, `${path}.${list}`), textAt(status.imageID, `${path}.imageID`)]),
  )
  const alive = new Set(
    statuses.filter(({ state }) => isObject(state) && isObject(state.running)).map(({ name }) => name),
  )
  const images = containers.map(container => {
    const name = nameAt(container.name, `${path}.${list}`)
    const image = imageOf(list, name, textAt(container.image, `${path}.image`), running.get(name))
    running.delete(name)
    return alive.has(name) ? { ...image, runs: true as const } : image
  })
  return [...images, ...[...running].map(([name, id]) => imageOf(list, name, undefined, id))]
}

/** Kubernetes API reference v1.36, Volume § image: what is mounted comes from a registry like what runs. */
function volumeImages(
  spec: JsonObject,
  mounted: ReadonlyMap<string, readonly string[]>,
  path: string,
): readonly PodImage[] {
  return listAt(spec, 'volumes', path).flatMap(volume => {
    const image = optional(volume.image ?? undefined, objectAt, `${path}.volumes.image`)
    if (image === undefined) return []
    const name = nameAt(volume.name, `${path}.volumes`)
    const specified = textAt(image.reference, `${path}.volumes.image.reference`)
    const told = mounted.get(name) ?? []
    // Each container tells it again; should two tell different things, both are mounted.
    return told.length === 0
      ? [imageOf('volumes', name, specified, undefined)]
      : told.map(id => imageOf('volumes', name, specified, id))
  })
}

/** By volume, the images that containers tell they have mounted. VolumeMountStatus, since v1.35. */
function mountedImages(status: JsonObject, path: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const [, statuses] of STATUSES)
    for (const container of listAt(status, statuses, path))
      for (const mount of listAt(container, 'volumeMounts', path)) {
        const volume = objectAt(mount.volumeStatus ?? {}, `${path}.volumeStatus`)
        const image = objectAt(volume.image ?? {}, `${path}.volumeStatus.image`)
        const id = textAt(image.imageRef, `${path}.volumeStatus.image.imageRef`)
        if (id === undefined) continue
        const name = nameAt(mount.name, `${path}.volumeMounts`)
        found.set(name, [...new Set([...(found.get(name) ?? []), id])])
      }
  return found
}

function imageOf(
  list: PodImage['list'],
  name: string,
  specified: string | undefined,
  running: string | undefined,
): PodImage {
  return {
    list,
    name,
    ...(specified === undefined ? {} : { specified }),
    ...(running === undefined ? {} : { running }),
  }
}

/** The API writes `null` for a list that is empty. */
function listAt(object: JsonObject, key: string, path: string): readonly JsonObject[] {
  const at = `${path}.${key}`
  return arrayAt(object[key] ?? [], at).map((item, index) => objectAt(item, `${at}[${index}]`))
}

/** Undefined for an empty text, which the API writes for what is not known yet. */
function textAt(value: Json | undefined, path: string): string | undefined {
  const text = stringAt(value ?? '', path)
  return text === '' ? undefined : text
}

function nameAt(value: Json | undefined, path: string): string {
  const name = stringAt(value, path)
  if (NAME.test(name)) return name
  throw fail('core/shape', `${path} is not a name`, {
    expected: 'lower-case letters, digits, dots and dashes',
    found: JSON.stringify(name).slice(0, 100),
  })
}
