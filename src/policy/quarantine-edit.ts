import { type Document, isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import { utf8 } from '../core/bytes.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { isPrintable } from '../core/text.ts'
import { readYaml, unusable, type YamlNode } from './yaml.ts'

/** One entry of `quarantined:` (13-adversary 31). */
export interface QuarantinedDigest {
  readonly digest: Digest
  readonly reason: string
  /** `2026-01-31` */
  readonly since: string
}

const KEY = 'quarantined'
const MAX_REASON = 500

/** The entries of a policy's text, in order. @throws `policy/unusable` with line and column. */
export function quarantinedDigests(text: string, path: string): readonly QuarantinedDigest[] {
  const list = readYaml(utf8(text), path).entries.find(({ key }) => key === KEY)?.value
  if (list === undefined) return []
  if (list.kind !== 'list') throw unusable({ path, at: list.at }, `${KEY} is not a list`, `${KEY}: [{digest: …}]`)
  return list.items.map(item => entryAt(item, path))
}

function entryAt(node: YamlNode, path: string): QuarantinedDigest {
  const field = (name: string): string => {
    const value = node.kind === 'map' ? node.entries.find(({ key }) => key === name)?.value : undefined
    if (value?.kind === 'text') return value.text
    throw unusable({ path, at: node.at }, `An entry of ${KEY} has no ${name}`, '{digest: …, reason: …, since: …}')
  }
  const digest = field('digest')
  if (!isDigest(digest)) throw unusable({ path, at: node.at }, 'The digest is not one', 'sha256:<64 hex>', digest)
  return { digest, reason: field('reason'), since: field('since') }
}

/**
 * The policy with one entry more, and not one other byte changed where that can be done; comments are kept in any case. The
 * result is read again and must say exactly what it said before, and the entry.
 * @returns the same text when the digest stands there already.
 * @throws `pipeline/quarantine-policy`, `policy/unusable`
 */
export function addQuarantined(text: string, path: string, entry: QuarantinedDigest): string {
  checkEntry(entry)
  const before = quarantinedDigests(text, path)
  if (before.some(({ digest }) => digest === entry.digest)) return text
  const wanted = meaning(text, list => [...list, { ...entry }])
  const made = firstThatMeans(wanted, [() => spliceIn(text, entry), () => writtenAnew(text, entry)])
  return checked(made, path, [...before, entry])
}

/**
 * The policy without the entries of a digest; likewise.
 * @returns undefined when it has none. @throws `pipeline/quarantine-policy`, `policy/unusable`
 */
export function removeQuarantined(text: string, path: string, digest: Digest): string | undefined {
  const before = quarantinedDigests(text, path)
  const left = before.filter(entry => entry.digest !== digest)
  if (left.length === before.length) return undefined
  const wanted = meaning(text, list => list.filter(item => (item as { digest?: unknown }).digest !== digest))
  const made = firstThatMeans(wanted, [() => cutOut(text, digest), () => withoutEntries(text, digest)])
  return checked(made, path, left)
}

function checkEntry({ reason, since }: QuarantinedDigest): void {
  if (reason === '' || reason.length > MAX_REASON || !isPrintable(reason))
    throw fail('entry/usage', 'The reason cannot be put into a policy', {
      expected: `1 to ${MAX_REASON} characters on one line`,
      found: reason,
    })
  if (!/^\d{4}-\d{2}-\d{2}$/.test(since)) throw new TypeError('addQuarantined() without a day')
}

function documentOf(text: string): Document.Parsed {
  return parseDocument(text, { schema: 'failsafe', keepSourceTokens: true })
}

/** What a text says, as comparable text, after a change of its list; an empty list and none are the same. */
function meaning(text: string, change: (list: readonly unknown[]) => readonly unknown[]): string {
  const document = documentOf(text)
  if (document.errors.length > 0) return 'not YAML'
  const { [KEY]: list = [], ...rest } = document.toJS({ maxAliasCount: LIMITS.yamlAliases }) as Record<string, unknown>
  return JSON.stringify([rest, change(Array.isArray(list) ? list : [])])
}

function firstThatMeans(wanted: string, ways: readonly (() => string | undefined)[]): string {
  for (const way of ways) {
    const made = way()
    if (made !== undefined && meaning(made, list => list) === wanted) return made
  }
  throw refused('the list stands in a form that cannot be changed by machine')
}

/** The strict reader has the last word: what it would not read is not written. */
function checked(text: string, path: string, expected: readonly QuarantinedDigest[]): string {
  if (JSON.stringify(quarantinedDigests(text, path)) === JSON.stringify(expected)) return text
  throw refused('the changed file would say something else')
}

/** JSON text is YAML text, and its escapes are those of a double-quoted scalar (YAML 1.2.2 § 5.7). */
function flow({ digest, reason, since }: QuarantinedDigest): string {
  return `{digest: "${digest}", reason: ${JSON.stringify(reason)}, since: ${since}}`
}

function spliceIn(text: string, entry: QuarantinedDigest): string | undefined {
  const list = listOf(documentOf(text))
  if (list === undefined) return `${endedLine(text)}${KEY}:\n  - ${flow(entry)}\n`
  const last = list.items.at(-1)
  const range = list.range
  if (!range || !isNode(last)) return undefined
  if (list.flow === true) return insert(text, last.range?.[1] ?? 0, `, ${flow(entry)}`)
  const indent = dashOf(text, list.items[0])
  const end = lineEnd(text, last.range?.[1] ?? 0)
  return indent === undefined ? undefined : insert(endedLine(text), end, `${indent}- ${flow(entry)}\n`)
}

/** Only the list is written by the library; it may lay out the rest anew, and keeps comments. */
function writtenAnew(text: string, entry: QuarantinedDigest): string {
  const document = documentOf(text)
  const item = document.createNode({ ...entry }, { flow: true })
  if (isSeq(document.get(KEY, true))) document.addIn([KEY], item)
  else document.set(KEY, document.createNode([item]))
  return document.toString({ lineWidth: 0 })
}

function cutOut(text: string, digest: Digest): string | undefined {
  const document = documentOf(text)
  const list = listOf(document)
  if (list === undefined || list.flow === true) return undefined
  const about = list.items.filter(item => isMap(item) && isAbout(item, digest))
  const whole = about.length === list.items.length ? keyOf(document) : undefined
  // From the end, so that earlier positions stay what they are.
  const cuts = about.map(item => (item as Node).range).reverse()
  if (whole !== undefined) return cut(text, whole.range?.[0] ?? 0, cuts[0]?.[1] ?? 0)
  return cuts.reduce((rest, range) => cut(rest, range?.[0] ?? 0, range?.[1] ?? 0), text)
}

/** Takes out whole lines, from that of one position to that of another. */
function cut(text: string, begin: number, end: number): string {
  return text.slice(0, text.lastIndexOf('\n', begin - 1) + 1) + text.slice(lineEnd(text, end))
}

function keyOf({ contents }: Document.Parsed): Node | undefined {
  const keys = isMap(contents) ? contents.items.map(({ key }) => key) : []
  return keys.filter(isNode).find(key => isScalar(key) && key.value === KEY)
}

function withoutEntries(text: string, digest: Digest): string {
  const document = documentOf(text)
  const list = listOf(document)
  if (list !== undefined) list.items = list.items.filter(item => !isMap(item) || !isAbout(item, digest))
  if (list?.items.length === 0) document.delete(KEY)
  return document.toString({ lineWidth: 0 })
}

function isAbout(item: YAMLMap, digest: Digest): boolean {
  const value = item.get('digest', true)
  return isScalar(value) && value.value === digest
}

function listOf(document: Document.Parsed): YAMLSeq | undefined {
  const list = document.get(KEY, true)
  return isSeq(list) ? list : undefined
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isScalar(value) || isSeq(value)
}

/** What stands before the dash of an item, if nothing but blanks does. */
function dashOf(text: string, item: unknown): string | undefined {
  if (!isNode(item)) return undefined
  const at = item.range?.[0] ?? 0
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
  return /^( *)- +$/.exec(line)?.[1]
}

function insert(text: string, at: number, part: string): string {
  return text.slice(0, at) + part + text.slice(at)
}

function endedLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

/** Where the next line begins; a comment behind a value belongs to its line. */
function lineEnd(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length + 1 : end + 1
}

function refused(found: string): Error {
  return fail('pipeline/quarantine-policy', 'The policy cannot be changed without touching something else in it', {
    expected: `${KEY}: a list, one entry a line`,
    found,
  })
}
