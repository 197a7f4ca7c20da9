import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'

/**
 * YAML reduced to what a policy needs: maps with text keys, lists, texts. Every node knows its line and column.
 *
 * All scalars stay the text that was written (failsafe schema): `0123456789` may be a commit id, `1e5…` a fingerprint, and a
 * parser that turns them into numbers loses digits. Whoever wants a number or a boolean asks for one (`read.ts`).
 *
 * Refused, because two readers could see two documents: duplicate keys, merge keys, tags, directives, several documents,
 * keys that are not text, invisible characters; aliases over a small bound (an alias bomb turns 1 KB into gigabytes).
 */
export type YamlNode = YamlMap | YamlList | YamlText

export interface YamlMap {
  readonly kind: 'map'
  readonly at: string
  readonly entries: readonly { readonly key: string; readonly at: string; readonly value: YamlNode }[]
}

export interface YamlList {
  readonly kind: 'list'
  readonly at: string
  readonly items: readonly YamlNode[]
}

export interface YamlText {
  readonly kind: 'text'
  /** `line:column`, both from 1. */
  readonly at: string
  readonly text: string
  /** Written without quotes: only then may it be read as a number, a boolean or nothing. */
  readonly plain: boolean
}

/** Nesting of maps and lists. A policy needs eight. */
const MAX_DEPTH = 32

/** Where in which file, for messages. */
export interface Site {
  readonly path: string
  readonly at: string
}

/** @throws `policy/unusable` naming file, line and column. */
export function readYaml(bytes: Uint8Array, path: string): YamlMap {
  const text = checkedText(bytes, path)
  const lines = new LineCounter()
  const site = (offset: number): Site => {
    const { line, col } = lines.linePos(offset)
    return { path, at: `${Math.max(line, 1)}:${Math.max(col, 1)}` }
  }
  const root = onlyDocument(text, lines, site)
  const node = new Converter(site).node(root, 0)
  if (node.kind !== 'map') throw unusable({ path, at: node.at }, 'The policy is not a map of keys', 'version: 1, …')
  return node
}

/** `path:line:column: sentence`. */
export function unusable(site: Site, sentence: string, expected?: string, found?: string): WaybillError {
  return fail('policy/unusable', `${site.path}:${site.at}: ${sentence}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy: `Correct ${site.path} at line ${site.at.split(':')[0]}.`,
  })
}

function checkedText(bytes: Uint8Array, path: string): string {
  if (bytes.byteLength > LIMITS.policyFileBytes)
    throw unusable({ path, at: '1:1' }, `The policy has more than ${LIMITS.policyFileBytes} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unusable({ path, at: '1:1' }, 'The policy is not UTF-8')
  // Bidi overrides and zero-width characters show a reviewer another file than the one that is parsed.
  const odd = hiddenCharacter(text)
  if (odd !== undefined) throw unusable({ path, at: odd.at }, `An invisible character stands here: ${odd.shown}`)
  return text
}

function hiddenCharacter(text: string): { readonly at: string; readonly shown: string } | undefined {
  const lines = text.split('\n')
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    const clean = line.replaceAll('\t', ' ')
    const shown = printable(clean, clean.length)
    if (shown === clean) continue
    const column = [...clean].findIndex((c, i) => c !== [...shown][i])
    return { at: `${index + 1}:${column + 1}`, shown: shown.slice(column, column + 8) }
  }
  return undefined
}

function onlyDocument(text: string, lineCounter: LineCounter, site: (offset: number) => Site): Node {
  const documents = parsed(text, lineCounter, site)
  const [document, second] = documents
  for (const { errors, warnings } of documents) {
    const [problem] = [...errors, ...warnings]
    if (problem !== undefined) throw unusable(site(problem.pos[0]), `YAML: ${printable(problem.message, 200)}`)
  }
  if (document === undefined || document.contents === null) throw unusable(site(0), 'The policy is empty')
  if (second !== undefined)
    throw unusable(site(second.range?.[0] ?? 0), 'More than one YAML document stands in the file', 'one document')
  if (document.directives?.yaml.explicit === true || /^%/m.test(text.slice(0, document.contents.range?.[0] ?? 0)))
    throw unusable(site(0), 'YAML directives (%) are not accepted')
  return document.contents
}

/** Uniqueness of keys is checked in `Converter`: the library compares every pair, half a minute for a hostile file. */
function parsed(text: string, lineCounter: LineCounter, site: (offset: number) => Site) {
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      version: '1.2',
      merge: false,
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter,
    })
    return Array.isArray(documents) ? documents : []
  } catch (error) {
    // The library recurses: thousands of open brackets end in a RangeError.
    const why = error instanceof RangeError ? 'it is nested too deeply' : 'it cannot be read'
    throw fail('policy/unusable', `${site(0).path}:1:1: YAML: ${why}`, { cause: error })
  }
}

class Converter {
  readonly #site: (offset: number) => Site
  readonly #anchors = new Map<string, YamlNode>()
  #aliases = 0

  constructor(site: (offset: number) => Site) {
    this.#site = site
  }

  /** @param depth levels above this node. */
  node(node: unknown, depth: number): YamlNode {
    if (isAlias(node)) return this.#alias(node.source, this.#at(node))
    if (depth > MAX_DEPTH) throw unusable(this.#at(node), `Nested deeper than ${MAX_DEPTH} levels`)
    const converted = this.#plainNode(node, depth)
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined
    if (anchor !== undefined) this.#anchors.set(anchor, converted)
    return converted
  }

  #plainNode(node: unknown, depth: number): YamlNode {
    const site = this.#at(node)
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.tag !== undefined)
      throw unusable(site, `YAML tags are not accepted: ${printable(node.tag, 60)}`, 'the value without "!…"')
    if (isMap(node)) return { kind: 'map', at: site.at, entries: this.#entries(node, depth) }
    if (isSeq(node)) return { kind: 'list', at: site.at, items: node.items.map(item => this.node(item, depth + 1)) }
    if (isScalar(node) && typeof node.value === 'string')
      return { kind: 'text', at: site.at, text: node.value, plain: node.type === 'PLAIN' }
    return { kind: 'text', at: site.at, text: '', plain: true }
  }

  #entries(map: YAMLMap, depth: number): YamlMap['entries'] {
    const seen = new Set<string>()
    return map.items.map(pair => {
      const site = this.#at(pair.key)
      if (!isScalar(pair.key) || typeof pair.key.value !== 'string' || pair.key.tag !== undefined)
        throw unusable(site, 'A key is not plain text', 'a word followed by a colon')
      const key = pair.key.value
      if (key === '<<') throw unusable(site, 'Merge keys (<<) are not accepted', 'the keys written out')
      if (seen.has(key)) throw unusable(site, `The key ${printable(key, 60)} stands here twice`)
      seen.add(key)
      const value: YamlNode =
        pair.value === null ? { kind: 'text', at: site.at, text: '', plain: true } : this.node(pair.value, depth + 1)
      return { key, at: site.at, value }
    })
  }

  /** An anchor counts from its end on, so an alias inside its own anchor is dangling and nothing can contain itself. */
  #alias(name: string, site: Site): YamlNode {
    const node = this.#anchors.get(name)
    if (node === undefined) throw unusable(site, `The alias *${printable(name, 60)} names no anchor above it`)
    this.#aliases += this.#weight(node)
    if (this.#aliases > LIMITS.yamlAliases)
      throw unusable(site, `Aliases stand for more than ${LIMITS.yamlAliases} values`, 'few anchors, or none')
    return node
  }

  /** Values inside a node, aliases in it counted in full, cut off above the bound. */
  #weight(node: YamlNode): number {
    if (node.kind === 'text') return 1
    const children = node.kind === 'map' ? node.entries.map(entry => entry.value) : node.items
    let weight = 1
    for (const child of children) {
      weight += this.#weight(child)
      if (weight > LIMITS.yamlAliases) break
    }
    return weight
  }

  #at(node: unknown): Site {
    const range = isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined
    return this.#site(range?.[0] ?? 0)
  }
}
