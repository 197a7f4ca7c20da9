import { utf8 } from '../core/bytes.ts'
import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { formatReference } from '../registry/reference.ts'
import type { FoundImage, Scalar } from './found.ts'
import { placeText } from './image-text.ts'
import { type Leaf, leaves } from './leaves.ts'
import { readYamlFile, type YamlFile } from './yaml-documents.ts'

/** An image of the file and the digest that was judged for it. */
export interface Pin {
  readonly image: FoundImage
  readonly digest: Digest
}

interface Change {
  readonly scalar: Scalar
  readonly text: string
  readonly image: FoundImage
  /** `document path` of every place where an image hangs on these characters. */
  readonly places: Set<string>
}

/**
 * Writes digests into a manifest or compose file and changes nothing else: only the characters of the pinned scalars differ, so
 * comments, quotes, anchors, indentation, line ends and a byte order mark stay. An image becomes `host/repository:tag@sha256:…`
 * in canonical spelling, the tag kept for people; one that has its digest already is not touched. What hangs on one anchor
 * is written once, at the anchor.
 * @param bytes the file as it was examined; @param pins those of its images (`place.file`) that passed.
 * @throws `verify/not-pinnable`: put together from several values, a block of several lines, one anchor with two meanings
 * (two digests, or used where no image stands); `verify/manifest-unreadable`.
 */
export function pinImages(bytes: Uint8Array, pins: readonly Pin[], { file }: { readonly file: string }): Uint8Array {
  const before = readYamlFile(bytes, file)
  const changes = changesOf(pins)
  checkUses(before, changes)
  const text = spliced(before.text, [...changes.values()])
  const pinned = utf8(text)
  checkResult(before, readYamlFile(pinned, file), changes, file)
  return pinned
}

function changesOf(pins: readonly Pin[]): ReadonlyMap<number, Change> {
  const changes = new Map<number, Change>()
  for (const { image, digest } of pins) {
    const { scalar, reference, place } = image
    if (reference.digest === digest) continue
    if (reference.digest !== undefined) throw notPinnable(image, 'it already has another digest')
    if (scalar === undefined) throw notPinnable(image, 'it is put together from several values')
    const text = formatReference({ ...reference, digest })
    const known = changes.get(scalar.start)
    if (known !== undefined && known.text !== text) throw notPinnable(image, 'one anchor stands for two images')
    const places = known?.places ?? new Set<string>()
    places.add(`${place.document} ${place.path}`)
    changes.set(scalar.start, { scalar, text, image, places })
  }
  return changes
}

/** An alias elsewhere would be changed along with the image. Extension fields (`x-…`) of compose are only there to be used. */
function checkUses(file: YamlFile, changes: ReadonlyMap<number, Change>): void {
  const seen = new Set<number>()
  for (const { scalar, aliased, document, path } of leaves(file)) {
    const change = scalar === undefined ? undefined : changes.get(scalar.start)
    if (change === undefined) continue
    if (scalar?.text !== change.scalar.text)
      throw notPinnable(change.image, 'the file is not the one that was examined')
    seen.add(change.scalar.start)
    if (aliased && !change.places.has(`${document} ${path}`) && !path.startsWith('x-') && !path.startsWith('["x-'))
      throw notPinnable(change.image, `the same anchor stands at ${printable(path)}, which is no image`)
  }
  for (const [start, { image }] of changes)
    if (!seen.has(start)) throw notPinnable(image, 'the file is not the one that was examined')
}

function spliced(text: string, changes: readonly Change[]): string {
  const parts: string[] = []
  let from = 0
  for (const change of [...changes].sort((a, b) => a.scalar.start - b.scalar.start)) {
    const { start, end } = change.scalar
    parts.push(text.slice(from, start), written(change, text.slice(start, end)))
    from = end
  }
  return [...parts, text.slice(from)].join('')
}

function written({ scalar, text, image }: Change, now: string): string {
  if (scalar.style === 'single') return `'${text}'`
  if (scalar.style === 'double') return `"${text}"`
  if (scalar.style === 'plain') {
    // An IPv6 host begins with a bracket, which begins a list where no quotes are.
    if (now !== scalar.text || text.startsWith('[')) throw notPinnable(image, 'it needs quotes')
    return text
  }
  const body = now.indexOf('\n') + 1
  const at = now.indexOf(scalar.text, body)
  const around = at < 0 ? now : now.slice(body, at) + now.slice(at + scalar.text.length)
  if (body === 0 || around.trim() !== '') throw notPinnable(image, 'it stands in a block of several lines')
  return now.slice(0, at) + text + now.slice(at + scalar.text.length)
}

/** Reads the result again: exactly the pinned values may have changed, and to exactly what was asked. */
function checkResult(before: YamlFile, after: YamlFile, changes: ReadonlyMap<number, Change>, file: string): void {
  const again = leaves(after)
  for (const old of leaves(before)) {
    const now = again.next()
    const change = old.scalar === undefined ? undefined : changes.get(old.scalar.start)
    const expected = change === undefined ? old : { ...old, text: change.text }
    if (now.done === true || !sameLeaf(expected, now.value)) throw notSame(file)
  }
  if (again.next().done !== true) throw notSame(file)
}

function sameLeaf(a: Leaf, b: Leaf): boolean {
  return a.document === b.document && a.path === b.path && a.text === b.text && a.aliased === b.aliased
}

function notSame(file: string): Error {
  return fail('verify/not-pinnable', `Pinning would change more of ${printable(file)} than its images`)
}

function notPinnable(image: FoundImage, found: string): Error {
  return fail('verify/not-pinnable', `${placeText(image.place)}: cannot write a digest here: ${found}`, { found })
}
