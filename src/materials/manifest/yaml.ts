import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { decodeUtf8 } from '../../core/bytes.ts'
import { fail, type WaybillError } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { isPrintable, printable } from '../../core/text.ts'

/** A value of the manifest with its place, `line:column` from 1, and the name by which messages call it. */
export interface Field {
  readonly at: string
  readonly name: string
  readonly value: string | readonly Field[] | ReadonlyMap<string, Field>
  /** A text without quotes: only then may it be read as a number or a boolean. */
  readonly plain: boolean
}

/** Nesting of maps and lists. The format needs seven. */
const MAX_DEPTH = 16

/** @throws `materials/manifest-unusable` `path:line:column: sentence` */
export function unusable(path: string, at: string, sentence: string, expected?: string, found?: string): WaybillError {
  return fail('materials/manifest-unusable', `${path}:${at}: ${sentence}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy: `Correct ${path} at line ${at.split(':')[0]}.`,
  })
}

/**
 * The manifest's YAML with the places of all values. All scalars stay the text that was written: a commit id of digits is no
 * number. Refused, because two readers could see two documents: duplicate keys, anchors, aliases, tags, merge keys, directives,
 * several documents, invisible characters. An alias is needed nowhere here, so a bomb has nothing to be made of.
 */
export function readManifestYaml(bytes: Uint8Array, path: string): Field {
  if (bytes.byteLength > LIMITS.materialsFileBytes)
    throw unusable(path, '1:1', `The manifest has more than ${LIMITS.materialsFileBytes} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unusable(path, '1:1', 'The manifest is not UTF-8')
  const bad = text.split('\n').findIndex(line => !isPrintable(line.replace(/\r$/, '').replaceAll('\t', ' ')))
  if (bad !== -1) throw unusable(path, `${bad + 1}:1`, 'An invisible character stands in this line')
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  return fieldOf(onlyRoot(text, lines, path, place), { path, place }, '', 0)
}

function onlyRoot(text: string, lineCounter: LineCounter, path: string, place: (offset: number) => string): unknown {
  const documents = parsed(text, lineCounter, path)
  const [first, second] = documents
  for (const { errors, warnings } of documents) {
    const [problem] = [...errors, ...warnings]
    if (problem !== undefined) throw unusable(path, place(problem.pos[0]), `YAML: ${printable(problem.message, 200)}`)
  }
  if (first === undefined || first.contents === null) throw unusable(path, '1:1', 'The manifest is empty', 'version: 1')
  if (second !== undefined) throw unusable(path, place(second.range[0]), 'A second YAML document begins here', 'one')
  if (/^%/m.test(text.slice(0, first.contents.range[0])))
    throw unusable(path, '1:1', 'YAML directives are not accepted')
  return first.contents
}

function parsed(text: string, lineCounter: LineCounter, path: string) {
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
    throw fail('materials/manifest-unusable', `${path}:1:1: YAML: it cannot be read`, { cause: error })
  }
}

interface Reader {
  readonly path: string
  readonly place: (offset: number) => string
}

function fieldOf(node: unknown, reader: Reader, name: string, depth: number): Field {
  const known = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)
  const at = reader.place(known ? (node.range?.[0] ?? 0) : 0)
  const refuse = (what: string) => unusable(reader.path, at, `${what} in ${name || 'the manifest'}`)
  if (isAlias(node)) throw refuse('An alias stands')
  if (known && (node.tag !== undefined || node.anchor !== undefined)) throw refuse('A tag or an anchor stands')
  if (depth > MAX_DEPTH) throw refuse(`More than ${MAX_DEPTH} levels stand`)
  if (isSeq(node)) {
    const value = node.items.map((item, index) => fieldOf(item, reader, `${name}[${index}]`, depth + 1))
    return { at, name, value, plain: false }
  }
  if (!isMap(node)) {
    const value = isScalar(node) && typeof node.value === 'string' ? node.value : ''
    return { at, name, value, plain: !isScalar(node) || node.type === 'PLAIN' }
  }
  const value = new Map<string, Field>()
  for (const { key, value: item } of node.items) {
    if (!isScalar(key) || typeof key.value !== 'string' || key.tag !== undefined || key.anchor !== undefined)
      throw refuse('A key that is not plain text stands')
    if (key.value === '<<' || value.has(key.value)) throw refuse(`The key ${printable(key.value, 60)} stands again`)
    const inner = `${name === '' ? '' : `${name}.`}${printable(key.value, 60)}`
    const field = fieldOf(item, reader, inner, depth + 1)
    value.set(key.value, item === null ? { ...field, at: reader.place(key.range?.[0] ?? 0) } : field)
  }
  return { at, name, value, plain: false }
}
