import { utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type AnnotatedImage, EXPECTED_ANNOTATION, expectedAnnotation } from './annotations.ts'
import type { FoundImage } from './found.ts'
import { itemPath, keyPath } from './json-path.ts'
import { type Leaf, leaves } from './leaves.ts'
import { imagesInManifests } from './manifests.ts'
import { fileWords } from './place.ts'
import { kindOf, podSpecPath } from './workload-kinds.ts'
import type { YamlMap, YamlSlot } from './yaml.ts'
import { readYamlFile, type YamlFile } from './yaml-documents.ts'

/** The pod template of one workload, or a pod itself. */
interface Template {
  readonly document: number
  /** JSON path of the map that has `metadata` and `spec`; empty for a pod at the root. */
  readonly path: string
  readonly slot: YamlSlot
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Writes who is expected to have built and deployed each image into the pod templates of the built-in kinds, also inside a List:
 * one annotation a pod, `EXPECTED_ANNOTATION`. Nothing else changes: comments, quotes and anchors stay.
 * @param bytes a manifest with digests; @param images those that were deployed, by name and digest.
 * @throws `deploy/not-annotatable` where it cannot be written without changing more
 */
export function annotatePods(
  bytes: Uint8Array,
  images: readonly AnnotatedImage[],
  { file }: { readonly file: string },
): Uint8Array {
  const before = readYamlFile(bytes, file)
  const found = imagesInManifests(bytes, { file }).images
  const splices: Splice[] = []
  const changed = new Map<string, string>()
  for (const template of templatesIn(before)) {
    const value = valueFor(template, found, images)
    if (value === undefined) continue
    splices.push(spliceFor(template, value, before, file))
    changed.set(`${template.document} ${annotationPath(template.path)}`, value)
  }
  const annotated = utf8(spliced(before.text, splices))
  checkResult(before, readYamlFile(annotated, file), changed, file)
  return annotated
}

function annotationPath(template: string): string {
  return keyPath(keyPath(keyPath(template, 'metadata'), 'annotations'), EXPECTED_ANNOTATION)
}

function templatesIn(file: YamlFile): readonly Template[] {
  const templates: Template[] = []
  for (const { number, root } of file.documents()) if (root !== undefined) collect(root, '', number, templates)
  return templates
}

function collect(slot: YamlSlot, path: string, document: number, templates: Template[]): void {
  if (slot.node.kind !== 'map') return
  const kind = kindOf(slot.node)
  if (kind === undefined) return
  const items = slot.node.entries.get('items')?.node
  if (kind.kind.endsWith('List') && items?.kind === 'list')
    for (const [at, item] of items.items.entries())
      collect(item, itemPath(keyPath(path, 'items'), at), document, templates)
  const keys = podSpecPath(kind)?.slice(0, -1)
  if (keys === undefined) return
  let [found, at]: [YamlSlot | undefined, string] = [slot, path]
  for (const key of keys) {
    found = found?.node.kind === 'map' ? found.node.entries.get(key) : undefined
    at = keyPath(at, key)
  }
  if (found?.node.kind === 'map') templates.push({ document, path: at, slot: found })
}

/** Undefined for a template of which nothing was deployed. */
function valueFor(
  { document, path }: Template,
  found: readonly FoundImage[],
  images: readonly AnnotatedImage[],
): string | undefined {
  const spec = `${keyPath(path, 'spec')}.`
  const here = found.filter(({ place }) => place.document === document && place.path.startsWith(spec))
  const named = new Set(here.map(({ reference }) => `${reference.canonical}@${reference.digest}`))
  const own = images.filter(({ name, digest }) => named.has(`${name}@${digest}`))
  const unique = new Map(own.map(image => [`${image.name}@${image.digest}`, image]))
  return unique.size === 0 ? undefined : expectedAnnotation([...unique.values()])
}

function spliceFor(template: Template, value: string, { text }: YamlFile, file: string): Splice {
  const refuse = (found: string): Error => refused(file, template.path, found)
  const map = mapIn(template.slot, refuse)
  const metadata = map.entries.get('metadata')
  if (metadata === undefined) return inserted(template.slot, map, ['metadata', 'annotations'], value, text, refuse)
  const inner = mapIn(metadata, refuse)
  const annotations = inner.entries.get('annotations')
  if (annotations === undefined) return inserted(metadata, inner, ['annotations'], value, text, refuse)
  const known = mapIn(annotations, refuse)
  const old = known.entries.get(EXPECTED_ANNOTATION)
  if (old === undefined) return inserted(annotations, known, [], value, text, refuse)
  const { node } = old
  if (node.kind !== 'text' || old.aliased || !['plain', 'single', 'double'].includes(node.scalar.style))
    throw refuse('the annotation is there already in a form that is not replaced')
  const written = text[annotations.at] === '{' ? JSON.stringify(value) : single(value)
  return { start: node.scalar.start, end: node.scalar.end, text: written }
}

function mapIn({ node, aliased }: YamlSlot, refuse: (found: string) => Error): YamlMap {
  if (node.kind !== 'map') throw refuse('metadata or annotations without anything in it')
  if (aliased) throw refuse('an alias, whose text stands elsewhere')
  return node
}

/** Before the first key of a map, so that what stands behind it, comments too, is not touched. */
function inserted(
  { at }: YamlSlot,
  map: YamlMap,
  keys: readonly string[],
  value: string,
  text: string,
  refuse: (found: string) => Error,
): Splice {
  if (text[at] === '{') {
    const json = [...keys].reverse().reduce((inner, key) => `${JSON.stringify(key)}: {${inner}}`, pair(value))
    return { start: at + 1, end: at + 1, text: map.entries.size === 0 ? json : `${json}, ` }
  }
  const line = text.lastIndexOf('\n', at - 1) + 1
  if (!/^\ufeff?[ -]*$/.test(text.slice(line, at))) throw refuse('a map that begins behind something on its line')
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const indent = (level: number): string => ' '.repeat(at - line + 2 * level - (text[line] === '\ufeff' ? 1 : 0))
  const lines = [...keys.map(key => `${key}:`), `${EXPECTED_ANNOTATION}: ${single(value)}`]
  return {
    start: at,
    end: at,
    text: lines.map((words, level) => `${words}${end}${indent(level === lines.length - 1 ? 0 : level + 1)}`).join(''),
  }
}

function pair(value: string): string {
  return `${JSON.stringify(EXPECTED_ANNOTATION)}: ${JSON.stringify(value)}`
}

function single(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function spliced(text: string, splices: readonly Splice[]): string {
  const parts: string[] = []
  let from = 0
  for (const { start, end, text: added } of [...splices].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(from, start), added)
    from = end
  }
  return [...parts, text.slice(from)].join('')
}

/** Reads the result again: exactly the annotations may have been added or changed. */
function checkResult(before: YamlFile, after: YamlFile, changed: ReadonlyMap<string, string>, file: string): void {
  const others = (leaf: Leaf): boolean => !changed.has(`${leaf.document} ${leaf.path}`) && !isEmptied(leaf, changed)
  const words = ({ document, path, text, aliased }: Leaf): string => JSON.stringify([document, path, text, aliased])
  const old = [...leaves(before)].filter(others).map(words)
  const now = [...leaves(after)]
  const left = now.filter(others).map(words)
  const right = now.filter(({ document, path, text }) => changed.get(`${document} ${path}`) === text)
  if (old.join('\n') !== left.join('\n') || right.length !== changed.size)
    throw refused(file, '', 'something else would change')
}

/** `metadata: {}` is a leaf of its own until something stands in it. */
function isEmptied({ document, path, text }: Leaf, changed: ReadonlyMap<string, string>): boolean {
  return (
    text === '{}' &&
    [...changed.keys()].some(key => key.startsWith(`${document} ${path}.`) || key.startsWith(`${document} ${path}[`))
  )
}

function refused(file: string, path: string, found: string): Error {
  const where = path === '' ? '' : ` ${printable(path)}`
  return fail('deploy/not-annotatable', `Cannot annotate ${fileWords(file)}${where}: ${found}`, { found })
}
