import { type Interpolated, interpolate, type Lookup } from './compose-variables.ts'
import { itemPath, keyPath } from './json-path.ts'
import type { Place } from './place.ts'
import type { YamlMap, YamlSlot } from './yaml.ts'

/** One document of a compose file, and what its variables and relative paths mean. */
export interface ComposeSource {
  /** Relative to the folder of the project's files, with `/`. */
  readonly file: string
  readonly document: number
  /** Relative paths in it begin here. */
  readonly folder: string
  readonly lookup: Lookup
  readonly root: YamlSlot
  lineOf(offset: number): number
}

/** A value, where it stands and in which file. */
export interface ComposeValue {
  readonly slot: YamlSlot
  readonly path: string
  readonly source: ComposeSource
}

/** A service (or model) as one file describes it. Several lie on top of each other: `extends`, override files. */
export interface Layer {
  readonly map: YamlMap
  readonly path: string
  readonly source: ComposeSource
}

export interface Service {
  /** Where it is named; of several files in the last one. */
  readonly value: ComposeValue
  /** The lowest first. */
  readonly layers: readonly Layer[]
}

/** What all layers say about a key, the lowest first, `!reset` and `!override` applied. compose-spec 13-merge */
export function valuesAt(layers: readonly Layer[], key: string): readonly ComposeValue[] {
  let values: ComposeValue[] = []
  for (const { map, path, source } of layers) {
    const slot = map.entries.get(key)
    if (slot === undefined) continue
    if (slot.node.tag !== undefined) values = []
    if (slot.node.tag !== '!reset') values.push({ slot, path: keyPath(path, key), source })
  }
  return values
}

export function entryOf({ slot, path, source }: ComposeValue, key: string): ComposeValue | undefined {
  const found = slot.node.kind === 'map' ? slot.node.entries.get(key) : undefined
  return found === undefined || found.node.tag === '!reset'
    ? undefined
    : { slot: found, path: keyPath(path, key), source }
}

/** The entries of a map under a key of the document: its services, its models. */
export function childrenOf(source: ComposeSource, key: string): readonly (readonly [string, ComposeValue])[] {
  const map = entryOf({ slot: source.root, path: '', source }, key)
  if (map?.slot.node.kind !== 'map') return []
  return [...map.slot.node.entries].map(
    ([name, slot]) => [name, { slot, path: keyPath(map.path, name), source }] as const,
  )
}

export function itemsOf({ slot, path, source }: ComposeValue): readonly ComposeValue[] {
  if (slot.node.kind !== 'list') return []
  return slot.node.items.map((item, index) => ({ slot: item, path: itemPath(path, index), source }))
}

export function placeOf({ slot, path, source }: ComposeValue): Place {
  return { file: source.file, document: source.document, path, line: source.lineOf(slot.at) }
}

/** The text of a value with its variables filled in; undefined when it is no text. */
export function textOf({ slot, source }: ComposeValue): Interpolated | undefined {
  const { node } = slot
  return node.kind === 'text' && node.string ? interpolate(node.text, source.lookup) : undefined
}

/** `key:` with nothing behind it. */
export function isNothing({ slot }: ComposeValue): boolean {
  return slot.node.kind === 'text' && !slot.node.string && /^(?:|~|null)$/i.test(slot.node.text)
}
