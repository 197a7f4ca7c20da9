import { formatReference, parseReference } from '../registry/reference.ts'
import { itemPath, keyPath } from './json-path.ts'
import { readRunningImage } from './running-image.ts'
import type { YamlMap, YamlSlot } from './yaml.ts'

/** What one container runs, by the status of its pod. */
export interface RunningContainer {
  readonly slot: YamlSlot
  readonly path: string
  /** The image under the name that the specification gives it, with the digest that runs; or why there is none. */
  readonly image: { readonly kind: 'image'; readonly text: string } | { readonly kind: 'unclear'; readonly why: string }
}

const STATUSES = [
  ['initContainers', 'initContainerStatuses'],
  ['containers', 'containerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const

/**
 * The images of a pod as they run (13-adversary 33): `status.*Statuses[].imageID`, which the node wrote. They are judged besides what
 * the specification names and never instead of it, because whoever writes a manifest by hand can write a status into it, too.
 * A container whose specification names the same digest is not repeated, and one without an image id does not run yet.
 */
export function runningContainers(pod: YamlMap, path: string): readonly RunningContainer[] {
  const [spec, status] = [mapAt(pod, 'spec'), mapAt(pod, 'status')]
  if (status === undefined) return []
  return STATUSES.flatMap(([containers, statuses]) => {
    const named = new Map(itemsOf(spec, containers).map(item => [textAt(item, 'name'), textAt(item, 'image')]))
    const at = keyPath(keyPath(path, 'status'), statuses)
    return itemsOf(status, statuses).flatMap((item, index) => {
      const slot = item.entries.get('imageID')
      const id = textAt(item, 'imageID')
      if (slot === undefined || id === undefined || id === '') return []
      const image = imageOf(id, named.get(textAt(item, 'name')))
      return image === undefined ? [] : [{ slot, path: keyPath(itemPath(at, index), 'imageID'), image }]
    })
  })
}

/** @returns undefined when the specification names this digest itself. */
function imageOf(id: string, specified: string | undefined): RunningContainer['image'] | undefined {
  const running = readRunningImage(id)
  if (running.kind === 'unclear') return running
  if (running.kind === 'config')
    return { kind: 'unclear', why: 'the node names only the image’s configuration, and no registry is asked for that' }
  const { digest } = running.reference
  const reference = referenceOf(specified) ?? running.reference
  if (reference.digest === digest) return referenceOf(specified) === undefined ? shown(reference) : undefined
  // Mirrors and imported archives give a digest other names: rules and evidence belong to the one that was asked for.
  return shown({ ...reference, digest })
}

function shown(reference: Parameters<typeof formatReference>[0]): RunningContainer['image'] {
  return { kind: 'image', text: formatReference(reference) }
}

/** Undefined for what is no reference: the specification's own place says so. */
function referenceOf(text: string | undefined) {
  try {
    return text === undefined ? undefined : parseReference(text)
  } catch {
    return undefined
  }
}

function mapAt(map: YamlMap | undefined, key: string): YamlMap | undefined {
  const node = map?.entries.get(key)?.node
  return node?.kind === 'map' ? node : undefined
}

function itemsOf(map: YamlMap | undefined, key: string): readonly YamlMap[] {
  const node = map?.entries.get(key)?.node
  return node?.kind === 'list' ? node.items.flatMap(({ node }) => (node.kind === 'map' ? [node] : [])) : []
}

function textAt(map: YamlMap, key: string): string | undefined {
  const node = map.entries.get(key)?.node
  return node?.kind === 'text' && node.string ? node.text : undefined
}
