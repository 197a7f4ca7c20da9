import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import { printable } from '../core/text.ts'
import type { Scalar } from './found.ts'
import { SUBJECT_LIMITS } from './limits.ts'
import { isPlainString } from './yaml-scalar.ts'
import { RENDER_FIRST, unreadable } from './yaml-text.ts'

/**
 * YAML reduced to maps with text keys, lists and texts; aliases and merge keys (`<<`) are resolved, so one value may hang at
 * several places of the tree. Every scalar knows its characters in the file.
 */
export type YamlNode = YamlMap | YamlList | YamlText

/** `!reset` and `!override` are those of compose; any other tag is refused. compose-spec 13-merge § Reset value */
export type YamlTag = '!reset' | '!override'

interface Shared {
  readonly tag?: YamlTag
  /** Values in it, itself included, aliases counted in full. */
  readonly weight: number
  /** Levels below it. */
  readonly height: number
}

export interface YamlMap extends Shared {
  readonly kind: 'map'
  /** In the order of the file; merged keys last. */
  readonly entries: ReadonlyMap<string, YamlSlot>
}

export interface YamlList extends Shared {
  readonly kind: 'list'
  readonly items: readonly YamlSlot[]
}

export interface YamlText extends Shared {
  readonly kind: 'text'
  readonly text: string
  /** False for what some reader takes for a number, a truth value, a date or nothing: `1.10`, `yes`, `null`. */
  readonly string: boolean
  readonly scalar: Scalar
}

/** A value at a place. */
export interface YamlSlot {
  readonly node: YamlNode
  /** Where it stands: for an alias the alias, else the value itself. Offset in the text. */
  readonly at: number
  /** Reached through an alias or a merge key, so its characters stand elsewhere too. */
  readonly aliased: boolean
}

/** Turns the nodes of one document into a tree. */
export class Tree {
  readonly #file: string
  readonly #lineOf: (offset: number) => number
  readonly #anchors = new Map<string, YamlNode>()
  #aliased = 0

  constructor(file: string, lineOf: (offset: number) => number) {
    this.#file = file
    this.#lineOf = lineOf
  }

  /** @throws `verify/manifest-unreadable` */
  slot(node: unknown, depth: number): YamlSlot {
    const at = offsetOf(node)
    if (isAlias(node)) return { node: this.#alias(node.source, at, depth), at, aliased: true }
    if (depth > SUBJECT_LIMITS.depth) throw this.#refused(at, `nesting deeper than ${SUBJECT_LIMITS.depth} levels`)
    const converted = this.#convert(node, at, depth)
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined
    if (anchor !== undefined) this.#anchors.set(anchor, converted)
    return { node: converted, at, aliased: false }
  }

  #convert(node: unknown, at: number, depth: number): YamlNode {
    if (isMap(node)) {
      const entries = this.#entries(node, depth)
      return { kind: 'map', entries, ...this.#tagOf(node), ...measure([...entries.values()]) }
    }
    if (isSeq(node)) {
      const items = node.items.map(item => this.slot(item, depth + 1))
      return { kind: 'list', items, ...this.#tagOf(node), ...measure(items) }
    }
    if (!isScalar(node)) return emptyText(at)
    const { value, type, range } = node
    const text = typeof value === 'string' ? value : ''
    const tag = this.#tagOf(node)
    const plain = type === 'PLAIN'
    const string = node.tag === STRING_TAG || !plain || isPlainString(text)
    const scalar = { start: at, end: range?.[1] ?? at, style: STYLES[type ?? 'PLAIN'] ?? 'plain', text } as const
    return { kind: 'text', text, string, scalar, ...tag, weight: 1, height: 0 }
  }

  #tagOf(node: { readonly tag?: string; readonly range?: readonly number[] | null }): { tag?: YamlTag } {
    if (node.tag === undefined || STANDARD_TAGS.has(node.tag)) return {}
    if (node.tag === '!reset' || node.tag === '!override') return { tag: node.tag }
    throw this.#refused(node.range?.[0] ?? 0, `the tag ${printable(node.tag, 60)}`)
  }

  #entries(map: YAMLMap, depth: number): Map<string, YamlSlot> {
    const own = new Map<string, YamlSlot>()
    let merged: { readonly slots: Map<string, YamlSlot>; readonly at: number } | undefined
    for (const pair of map.items) {
      const { key, at, merge } = this.#key(pair.key)
      if (own.has(key) || (merge && merged !== undefined))
        throw this.#refused(at, `the key ${printable(key, 60)} stands here twice`)
      const slot = pair.value === null ? { node: emptyText(at), at, aliased: false } : this.slot(pair.value, depth + 1)
      if (merge) merged = { slots: this.#mergeable(slot, at, own), at }
      else own.set(key, slot)
    }
    for (const [key, slot] of merged?.slots ?? []) if (!own.has(key)) own.set(key, slot)
    return own
  }

  #key(node: unknown): { readonly key: string; readonly at: number; readonly merge: boolean } {
    const at = offsetOf(node)
    // `{{ .Values.x }}` without quotes is a map whose key is a map.
    if (!isScalar(node) || typeof node.value !== 'string')
      throw this.#refused(at, 'a key that is not text', isMap(node) ? RENDER_FIRST : undefined)
    // An anchor on a key would make an image out of a key, which nobody looks at.
    if (node.anchor !== undefined || node.tag !== undefined) throw this.#refused(at, 'a key with an anchor or a tag')
    const merge = node.value === '<<'
    if (merge && node.type !== 'PLAIN')
      throw this.#refused(at, 'a key "<<" in quotes: a merge key to some readers only')
    return { key: node.value, at, merge }
  }

  /**
   * What `<<` brings in; of several maps the first wins (yaml.org/type/merge). What was written before `<<` must not be in it:
   * the reader in kubectl lets the merged value win there, others the written one.
   */
  #mergeable(slot: YamlSlot, at: number, before: ReadonlyMap<string, YamlSlot>): Map<string, YamlSlot> {
    const sources = slot.node.kind === 'list' ? slot.node.items : [slot]
    const slots = new Map<string, YamlSlot>()
    for (const { node, aliased } of sources) {
      if (node.kind !== 'map') throw this.#refused(at, 'a merge key over something that is not a map')
      for (const [key, value] of node.entries) {
        if (before.has(key))
          throw this.#refused(at, `a merge key after ${printable(key, 60)}, which it also brings; move << to the top`)
        const shared = value.aliased || aliased || slot.aliased
        if (!slots.has(key)) slots.set(key, { ...value, aliased: shared })
      }
    }
    return slots
  }

  /** An anchor counts from its end on, so nothing can contain itself. */
  #alias(name: string, at: number, depth: number): YamlNode {
    const node = this.#anchors.get(name)
    if (node === undefined) throw this.#refused(at, `the alias *${printable(name, 60)} names no anchor above it`)
    this.#aliased += node.weight
    if (this.#aliased > SUBJECT_LIMITS.aliasedValues)
      throw this.#refused(at, `aliases that stand for more than ${SUBJECT_LIMITS.aliasedValues} values`)
    if (depth + node.height > SUBJECT_LIMITS.depth)
      throw this.#refused(at, `nesting deeper than ${SUBJECT_LIMITS.depth} levels`)
    return node
  }

  #refused(offset: number, found: string, remedy?: string): Error {
    return unreadable(this.#file, this.#lineOf(offset), found, remedy)
  }
}

const STRING_TAG = 'tag:yaml.org,2002:str'
const STANDARD_TAGS = new Set([STRING_TAG, 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq'])

const STYLES: Readonly<Record<string, Scalar['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
}

function offsetOf(node: unknown): number {
  return isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? ((node as Node).range?.[0] ?? 0) : 0
}

function emptyText(at: number): YamlText {
  const scalar = { start: at, end: at, style: 'plain', text: '' } as const
  return { kind: 'text', text: '', string: false, scalar, weight: 1, height: 0 }
}

function measure(slots: readonly YamlSlot[]): { readonly weight: number; readonly height: number } {
  let [weight, height] = [1, 0]
  for (const { node } of slots) {
    weight += node.weight
    height = Math.max(height, node.height + 1)
  }
  return { weight, height }
}
