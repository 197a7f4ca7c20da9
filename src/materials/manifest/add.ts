import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { utf8 } from '../../core/bytes.ts'
import type { Digest } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { parseManifest } from './parse.ts'

/** A base image that is to have an item. */
export interface NewImage {
  readonly name: string
  /** Canonical, with its tag and without a digest: `docker.io/library/node:24`. */
  readonly reference: string
  readonly digest: Digest
}

const BEGIN = '# What a build takes in beside its source.\nversion: 1\nmaterials:'

/**
 * The manifest with further items behind its last one, in the form the list has, and every other byte as it was.
 * @param bytes undefined: there is none yet.
 * @throws `materials/manifest-unusable` for a manifest that is not read, also after the edit (too many, a name twice).
 */
export function addImages(bytes: Uint8Array | undefined, path: string, images: readonly NewImage[]): Uint8Array {
  if (images.length === 0) return bytes ?? new Uint8Array()
  if (bytes === undefined) {
    const made = utf8(`${BEGIN}${images.map(image => blockItem(image, '  ', '\n')).join('')}\n`)
    parseManifest(made, path)
    return made
  }
  const before = parseManifest(bytes, path)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const result = utf8(inserted(text, images))
  const after = parseManifest(result, path)
  // The places of what stood there already stay, because everything new comes behind it.
  const kept = isDeepStrictEqual(after.slice(0, before.length), before)
  if (kept && after.length === before.length + images.length) return result
  throw fail('materials/manifest-unusable', `${path}: the new items cannot be written into it`, {
    expected: 'a list of items, one a line or a paragraph',
    remedy: `Write it by hand:${images.map(image => blockItem(image, '  ', '\n')).join('')}`,
  })
}

function inserted(text: string, images: readonly NewImage[]): string {
  const list = parseDocument(text, { schema: 'failsafe' }).get('materials', true)
  const last = isSeq(list) ? list.items.at(-1) : undefined
  if (!isSeq(list) || !isMap(last)) return text
  const end = endOf(last)
  if (list.flow === true)
    return text.slice(0, end) + images.map(image => `, ${flowItem(image)}`).join('') + text.slice(end)
  const dash = text.lastIndexOf('-', last.range?.[0] ?? 0)
  const indent = text.slice(text.lastIndexOf('\n', dash) + 1, dash)
  // Behind a comment of the line.
  const newline = text.indexOf('\n', end)
  const at = newline === -1 ? text.length : newline - (text[newline - 1] === '\r' ? 1 : 0)
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  return text.slice(0, at) + images.map(image => blockItem(image, indent, lineEnd)).join('') + text.slice(at)
}

/** Where the last letter of a value stands; what a list or map ends with else is the space before the next thing. */
function endOf(node: unknown): number {
  if (isMap(node) && node.flow !== true) {
    const pair = node.items.at(-1)
    return endOf(pair?.value ?? pair?.key)
  }
  if (isSeq(node) && node.flow !== true) return endOf(node.items.at(-1))
  return isMap(node) || isSeq(node) || isScalar(node) ? (node.range?.[1] ?? 0) : 0
}

function blockItem({ name, reference, digest }: NewImage, indent: string, lineEnd: string): string {
  const lines = [
    `- name: ${name}`,
    `  uri: docker-image://${reference}`,
    `  digest: {sha256: ${hexOf(digest)}}`,
    '  use: {base-image: true}',
  ]
  return lines.map(line => `${lineEnd}${indent}${line}`).join('')
}

function flowItem({ name, reference, digest }: NewImage): string {
  return `{name: ${name}, uri: "docker-image://${reference}", digest: {sha256: ${hexOf(digest)}}, use: {base-image: true}}`
}

/** Quoted where other readers would see a number. */
function hexOf(digest: Digest): string {
  const hex = digest.slice('sha256:'.length)
  return /^[0-9]+(?:e[0-9]+)?$/.test(hex) ? `"${hex}"` : hex
}

/**
 * A name for an item of this image that no other has: `node-24`, `node-24-2`.
 * @param taken names in use, in any case of letters.
 */
export function nameFor(reference: string, taken: Iterable<string>): string {
  const used = new Set([...taken].map(name => name.toLowerCase()))
  const [last = ''] = reference.split('/').slice(-1)
  const base =
    last
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 90) || 'image'
  for (let count = 1; ; count++) {
    const name = count === 1 ? base : `${base}-${count}`
    if (!used.has(name.toLowerCase())) return name
  }
}
