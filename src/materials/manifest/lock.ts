import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { utf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import type { DigestName } from './item.ts'
import { parseManifest } from './parse.ts'

/** Item’s name → its digests, hex. */
export type Locked = ReadonlyMap<string, ReadonlyMap<DigestName, string>>

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/**
 * The manifest with these digests in it and every other byte as it was: comments, order, quotes and line ends.
 * @throws `materials/manifest-unusable` for a manifest that is not read, also after the edit.
 */
export function lockManifest(bytes: Uint8Array, path: string, locked: Locked): Uint8Array {
  parseManifest(bytes, path)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const list = parseDocument(text, { schema: 'failsafe' }).get('materials', true)
  const edits = (isSeq(list) ? list.items : []).flatMap(item => (isMap(item) ? editsOf(text, item, locked) : []))
  let out = text
  for (const { from, to, text: given } of edits.sort((a, b) => b.from - a.from || b.to - a.to))
    out = out.slice(0, from) + given + out.slice(to)
  const result = utf8(out)
  const digests = new Map(parseManifest(result, path).map(({ name, digest }) => [name, digest]))
  for (const [name, wanted] of locked)
    for (const [algorithm, hex] of wanted)
      if (digests.get(name)?.get(algorithm) !== hex)
        throw fail('materials/manifest-unusable', `${path}: the digest of ${name} cannot be written into it`, {
          expected: hex,
          remedy: `Write it by hand: digest: {${algorithm}: ${hex}}`,
        })
  return result
}

function editsOf(text: string, item: YAMLMap, locked: Locked): readonly Edit[] {
  const wanted = locked.get(textAt(item, 'name'))
  if (wanted === undefined) return []
  const digest = item.get('digest', true)
  const pairs = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))
  if (!isMap(digest))
    return [
      insertion(text, item, 'uri', `digest: {${pairs.map(([name, hex]) => `${name}: ${scalar(hex)}`).join(', ')}}`),
    ]
  return pairs.flatMap(([name, hex]) => {
    const value = digest.get(name, true)
    const known = digest.items.map(pair => keyOf(pair)).at(-1)
    if (!isScalar(value)) return known === undefined ? [] : [insertion(text, digest, known, `${name}: ${scalar(hex)}`)]
    const [from = 0, to = 0] = value.range ?? []
    return value.value === hex ? [] : [{ from, to, text: scalar(hex) }]
  })
}

/** A new entry behind that of `key`: in the same line in `{…}`, else in one of its own with the same indentation. */
function insertion(text: string, map: YAMLMap, key: string, entry: string): Edit {
  const pair = map.items.find(one => keyOf(one) === key)
  const end = isScalar(pair?.value) ? (pair.value.range?.[1] ?? 0) : 0
  if (map.flow === true) return { from: end, to: end, text: `, ${entry}` }
  const start = isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0
  const column = start - (text.lastIndexOf('\n', start - 1) + 1)
  // Behind a comment of the line.
  const newline = text.indexOf('\n', end)
  const at = newline === -1 ? text.length : newline - (text[newline - 1] === '\r' ? 1 : 0)
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  return { from: at, to: at, text: `${lineEnd}${' '.repeat(column)}${entry}` }
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}

function textAt(map: YAMLMap, key: string): string {
  const value = map.get(key)
  return typeof value === 'string' ? value : ''
}

/** Quoted where other readers would see a number: digits only, or digits with one e. */
function scalar(hex: string): string {
  return /^[0-9]+(?:e[0-9]+)?$/.test(hex) ? `"${hex}"` : hex
}
