import { embedded } from './embedded.ts'
import type { Gathering } from './gathering.ts'
import { composedImage, isImageKey, isImageList, isLabels } from './image-keys.ts'
import { namesOneImage, unexamined } from './image-text.ts'
import { itemPath, keyPath } from './json-path.ts'
import type { Place } from './place.ts'
import { runningContainers } from './running-pods.ts'
import { deploysElsewhere, kindOf, podSpecPath } from './workload-kinds.ts'
import type { YamlMap, YamlSlot, YamlText } from './yaml.ts'

export interface DocumentSite {
  readonly file: string
  readonly document: number
  lineOf(offset: number): number
}

/** A value and its JSON path. */
interface At {
  readonly slot: YamlSlot
  readonly path: string
}

/** The shape of a pod, also in a custom resource: there `nginx` is `nginx:latest` as everywhere. */
const IN_CONTAINER = /(?:^|\.)(?:initContainers|containers|ephemeralContainers)\[\d+\]\.image$/
const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** Walks one document. Known kinds say where images stand; whatever else there is, is walked by the names of its keys. */
export class ManifestWalk {
  readonly #found: Gathering
  readonly #site: DocumentSite
  /** Paths that a known kind has already explained. */
  readonly #done = new Set<string>()

  constructor(found: Gathering, site: DocumentSite) {
    this.#found = found
    this.#site = site
  }

  root(slot: YamlSlot): void {
    const at = { slot, path: '' }
    if (slot.node.kind === 'text') this.#unknown(at, 'the document is only text', 'an object with a kind')
    else this.walk(slot, '', '')
  }

  /** @param key under which the value stands; items of a list have the key of the list. */
  walk(slot: YamlSlot, path: string, key: string): void {
    const { node } = slot
    if (node.kind === 'text') this.#text({ slot, path }, node, key)
    else if (node.kind === 'list')
      for (const [index, item] of node.items.entries()) this.walk(item, itemPath(path, index), key)
    else this.#map({ slot, path }, node, key)
  }

  #map(at: At, map: YamlMap, key: string): void {
    const workload = this.#object(at, map)
    if (isImageKey(key) || isImageList(key)) this.#composed(at, map)
    if (key === 'env') this.#environment(at, map)
    for (const [name, value] of map.entries) {
      // Written by the cluster, never deployed: the API server ignores the status of these kinds. Of pods: #running.
      if ((workload && name === 'status') || isLabels(name, value)) continue
      const named = isImageList(key) && value.node.kind === 'text' && !/\[\d+\]$/.test(at.path) ? key : name
      this.walk(value, keyPath(at.path, name), named)
    }
  }

  /** @returns true for an object of a built-in workload kind. */
  #object(at: At, map: YamlMap): boolean {
    const kind = kindOf(map)
    if (kind === undefined) return false
    if (deploysElsewhere(kind)) {
      const sentence = `an object of the kind ${kind.kind} (${kind.group}) deploys images that stand elsewhere`
      this.#unknown(at, sentence, 'the manifests themselves', undefined, RENDERED)
    }
    const keys = podSpecPath(kind)
    if (keys === undefined) return false
    let [slot, path]: [YamlSlot | undefined, string] = [at.slot, at.path]
    for (const key of keys) {
      path = keyPath(path, key)
      slot = slot === undefined ? undefined : entry(slot, key)
    }
    if (slot?.node.kind === 'map') this.#podSpec(slot.node, path)
    if (kind.kind === 'Pod') this.#running(at, map)
    return true
  }

  #running({ path }: At, pod: YamlMap): void {
    for (const { slot, path: at, image } of runningContainers(pod, path)) {
      if (image.kind === 'image') this.#found.composed(image.text, this.#place({ slot, path: at }), true)
      else this.#unknown({ slot, path: at }, image.why, 'a name with a digest', undefined, PIN_FIRST)
    }
  }

  #podSpec(spec: YamlMap, path: string): void {
    for (const list of CONTAINER_LISTS) for (const at of items(spec, list, path)) this.#container(at)
    for (const at of items(spec, 'volumes', path)) this.#imageVolume(at)
  }

  #container(at: At): void {
    const image = entry(at.slot, 'image')
    if (image !== undefined) this.#certain(image, keyPath(at.path, 'image'))
    else this.#unknown(at, 'a container without an image: something else will choose one', 'image: …')
  }

  /** Kubernetes API reference v1.34, Volume § image: what is mounted comes from a registry like what runs. */
  #imageVolume({ slot, path }: At): void {
    const image = entry(slot, 'image')
    if (image === undefined) return
    const at = { slot: image, path: keyPath(path, 'image') }
    this.#done.add(at.path)
    const reference = entry(image, 'reference')
    if (reference !== undefined) this.#certain(reference, keyPath(at.path, 'reference'))
    else this.#unknown(at, 'an image volume without a reference', 'image: {reference: …}')
  }

  #certain(slot: YamlSlot, path: string): void {
    this.#done.add(path)
    this.#found.image(slot, this.#place({ slot, path }), true)
  }

  #text(at: At, { text, string }: YamlText, key: string): void {
    if (this.#done.has(at.path)) return
    this.#embedded(at, key, text)
    if (!isImageKey(key) && !isImageList(key)) return
    // Numbers and truth values under `useImage` name nothing, nor does ""; under `image` itself something must stand.
    if (key !== 'image' && (!string || text === '')) return
    const complete = !string || namesOneImage(text) || IN_CONTAINER.test(at.path)
    if (complete) this.#found.image(at.slot, this.#place(at), false)
    else this.#unknown(at, 'neither tag nor digest, so what is made of it is not known', 'repository:tag', text)
  }

  #embedded(at: At, key: string, text: string): void {
    const inside = embedded(key, text)
    if (inside === 'kept')
      this.#found.note(this.#place(at), 'the text looks like a manifest with images; it is not looked into')
    if (inside === 'created')
      this.#unknown(at, 'a manifest inside a text, which a controller creates', 'a manifest of its own')
  }

  /** `image: {repository, tag, digest}`, as charts write it. */
  #composed(at: At, map: YamlMap): void {
    if (this.#done.has(at.path)) return
    const parts = composedImage(map)
    if (parts.kind === 'image') this.#found.composed(parts.text, this.#place(at), false)
    if (parts.kind === 'unclear') this.#unknown(at, parts.why, 'repository with tag or digest')
  }

  /** Operators take the images they deploy from variables; which ones, only they know. */
  #environment(at: At, map: YamlMap): void {
    const [name, value] = [map.entries.get('name')?.node, map.entries.get('value')?.node]
    if (name?.kind !== 'text' || value?.kind !== 'text') return
    if (/image/i.test(name.text) && /[/:@]/.test(value.text))
      this.#found.note(this.#place(at), 'a variable that may name an image; variables are not looked at')
  }

  #unknown(at: At, sentence: string, expected: string, found?: string, remedy?: string): void {
    const place = this.#place(at)
    this.#found.unknown(place, unexamined(place, sentence, expected, found?.slice(0, 200), remedy))
  }

  #place({ slot, path }: At): Place {
    const { file, document, lineOf } = this.#site
    return { file, document, path, line: lineOf(slot.at) }
  }
}

const PIN_FIRST = 'Deploy the image by digest, as waybill verify manifest --pin writes it.'
const RENDERED =
  'Verify what is deployed in the end: the manifests that the chart, the folder or the repository renders to.'

function entry({ node }: YamlSlot, key: string): YamlSlot | undefined {
  return node.kind === 'map' ? node.entries.get(key) : undefined
}

function items(map: YamlMap, key: string, path: string): readonly At[] {
  const list = map.entries.get(key)?.node
  if (list?.kind !== 'list') return []
  return list.items.map((slot, index) => ({ slot, path: itemPath(keyPath(path, key), index) }))
}
