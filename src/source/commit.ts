import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId, parseCommitId } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import type { MalformedCommit, Person, SignatureScheme } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { printable, subjectLine } from '../core/text.ts'

/**
 * A git commit object, byte for byte as its id was computed over it (git Documentation/gitformat-signature.txt, v2.39):
 *
 *     tree <40 hex>                                exactly one, first
 *     parent <40 hex>                              zero or more
 *     author <name> SP <email in <>> SP <seconds> SP <+hhmm>
 *     committer …                                  exactly one each, in this order
 *     encoding, mergetag, HG:… , gpgsig …          any order; a line that begins with one space continues its header
 *                                                  an empty line, then the message to the end
 *
 * What is signed: the object without every header whose name begins with `gpgsig`, continuation lines included.
 * Traps: (1) programs that take the first, and programs that take the last, of two equal headers see two commits under one
 * signature (CVE-2026-44309, CVE-2026-45022), so duplicates refuse; (2) any header called `gpgsig…` lies outside the signed
 * bytes, so an unknown one could carry what nobody signed; (3) a NUL hides the rest of a message from programs in C, so it
 * refuses everywhere, in the message too. Vectors: `__tests__/vectors/commit/`.
 */
export interface ParsedCommit {
  readonly id: CommitId
  readonly tree: CommitId
  readonly parents: readonly CommitId[]
  readonly author: Person
  readonly committer: Person
  /** Whole message; bytes that are not UTF-8 become U+FFFD (for showing only, never for comparing). */
  readonly message: string
  /** First line of the message, printable. */
  readonly subject: string
  readonly signature?: SignatureHeader & { readonly scheme: SignatureScheme }
  /** A `gpgsig-sha256` header of a repository in transition; never judged, kept so that the object can be written again. */
  readonly sha256Signature?: SignatureHeader
  /** Exactly the bytes the signature is over. */
  readonly payload: Uint8Array
}

export interface SignatureHeader {
  /** The value with the continuation spaces removed: one armor block, lines joined with a newline. */
  readonly armor: string
  /** Offset of the header in the object. */
  readonly at: number
}

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  'PGP SIGNATURE': 'openpgp',
  'SSH SIGNATURE': 'ssh',
  'SIGNED MESSAGE': 'x509',
}
const CORE_HEADERS: ReadonlySet<string> = new Set(['tree', 'parent', 'author', 'committer'])
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9:._-]{0,63}$/
const PERSON = /^([^<>\n]*) <([^<>\n]*)> (0|[1-9][0-9]{0,11}) ([+-][0-9]{4})$/
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads a commit object strictly. Never throws for anything the bytes hold.
 * @param id must have been recomputed over the object by the caller.
 * @param bytes the whole object, or its first `LIMITS.commitBytes + 1` bytes when it is larger (then it is malformed).
 */
export function parseCommit(id: CommitId, bytes: Uint8Array): ParsedCommit | MalformedCommit {
  try {
    return readCommit(id, bytes)
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    const { code, message, found } = error
    return { id, parents: parentsOf(bytes), malformed: { code, message, found: found ?? '' } }
  }
}

/**
 * Parents named in the well-formed head of an object (`tree`, then `parent` lines), whatever follows. This is what git itself
 * walks along; it lets the walk go on below a commit that is refused.
 */
export function parentsOf(bytes: Uint8Array): readonly CommitId[] {
  const parents: CommitId[] = []
  const tree = lineAt(bytes, 0, 'tree ')
  if (tree === undefined) return parents
  for (let at = 46; ; at += 48) {
    const parent = lineAt(bytes, at, 'parent ')
    if (parent === undefined) return parents
    parents.push(parent)
  }
}

/** The id in the line `<prefix><40 hex>\n` at this offset. */
function lineAt(bytes: Uint8Array, at: number, prefix: string): CommitId | undefined {
  const end = at + prefix.length + 40
  if (bytes[end] !== 0x0a) return undefined
  const line = latin1(bytes.subarray(at, end))
  const id = line.slice(prefix.length)
  return line.startsWith(prefix) && isCommitId(id) ? id : undefined
}

function readCommit(id: CommitId, bytes: Uint8Array): ParsedCommit {
  if (bytes.byteLength > LIMITS.commitBytes) throw malformed(`more than ${LIMITS.commitBytes} bytes`)
  if (bytes.includes(0)) throw malformed('a NUL byte')
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\n\n')
  if (end === -1) throw malformed('no empty line after the headers')
  const headers = splitHeaders(latin1(bytes.subarray(0, end)))
  const cursor = { headers, at: 0 }
  const tree = idOf(take(cursor, 'tree'))
  const parents: CommitId[] = []
  while (headers[cursor.at]?.name === 'parent') parents.push(idOf(take(cursor, 'parent')))
  const author = personOf(take(cursor, 'author'))
  const committer = personOf(take(cursor, 'committer'))
  const signatures = readExtraHeaders(headers.slice(cursor.at))
  const message = lossy.decode(bytes.subarray(end + 2))
  const payload = without(bytes, signatures.spans)
  return { id, tree, parents, author, committer, message, subject: subjectLine(message), ...signatures.found, payload }
}

interface Header {
  readonly name: string
  readonly lines: readonly string[]
  readonly at: number
  /** Offset of the next header. */
  readonly end: number
}

function splitHeaders(text: string): readonly Header[] {
  const headers: { name: string; lines: string[]; at: number; end: number }[] = []
  let at = 0
  for (const line of text.split('\n')) {
    const end = at + line.length + 1
    const last = headers.at(-1)
    if (line.startsWith(' ')) {
      if (last === undefined || CORE_HEADERS.has(last.name)) throw malformed('a continuation line where none may be')
      last.lines.push(line.slice(1))
      last.end = end
    } else {
      const space = line.indexOf(' ')
      const name = space === -1 ? line : line.slice(0, space)
      if (space === -1 || !HEADER_NAME.test(name)) throw malformed(`the header line ${printable(line, 80)}`)
      headers.push({ name, lines: [line.slice(space + 1)], at, end })
    }
    at = end
  }
  return headers
}

function take(cursor: { headers: readonly Header[]; at: number }, name: string): string {
  const header = cursor.headers[cursor.at]
  if (header?.name !== name) {
    throw malformed(header === undefined ? `no ${name}` : `${header.name} where ${name} must be`)
  }
  cursor.at++
  return header.lines[0] ?? ''
}

function idOf(text: string): CommitId {
  if (!isCommitId(text)) throw malformed(`${printable(text, 80)} where an object id of 40 lower-case digits must be`)
  return parseCommitId(text)
}

function personOf(text: string): Person {
  const [, name, email, time, offset] = PERSON.exec(text) ?? []
  if (name === undefined || email === undefined || time === undefined || offset === undefined) {
    throw malformed(`the person ${printable(text, 120)}`)
  }
  return { name: textOf(name), email: textOf(email), time: Number(time), offset }
}

/** Headers are split as one character a byte; names are mostly UTF-8. Bytes that are not become U+FFFD, which no policy names. */
function textOf(latin: string): string {
  return lossy.decode(Buffer.from(latin, 'latin1'))
}

interface Signatures {
  readonly found: Pick<ParsedCommit, 'signature' | 'sha256Signature'>
  readonly spans: readonly { readonly at: number; readonly end: number }[]
}

function readExtraHeaders(headers: readonly Header[]): Signatures {
  const once = new Map<string, Header>()
  const spans: Header[] = []
  for (const header of headers) {
    const lower = header.name.toLowerCase()
    if (CORE_HEADERS.has(lower)) throw malformed(`a second or misplaced ${lower} header`)
    const signs = lower.startsWith('gpgsig')
    if (signs && header.name !== 'gpgsig' && header.name !== 'gpgsig-sha256') {
      throw malformed(`the header ${header.name}, which lies outside the signed bytes`)
    }
    if (!signs && header.name !== 'encoding') continue
    if (once.has(header.name)) throw malformed(`two ${header.name} headers`)
    once.set(header.name, header)
    if (signs) spans.push(header)
  }
  const signature = once.get('gpgsig')
  const sha256Signature = once.get('gpgsig-sha256')
  const found = {
    ...(signature === undefined ? {} : { signature: readSignature(signature) }),
    ...(sha256Signature === undefined ? {} : { sha256Signature: readSignature(sha256Signature) }),
  }
  return { found, spans }
}

/** One armor block and nothing else; what is inside it is for the reader of that scheme. */
function readSignature(header: Header): SignatureHeader & { readonly scheme: SignatureScheme } {
  const armor = header.lines.join('\n')
  const lines = [...header.lines]
  // GitHub's own commits end the header with one empty continuation line.
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  const [, kind] = /^-----BEGIN ([A-Z ]{1,40})-----$/.exec(lines[0] ?? '') ?? []
  if (kind === undefined) throw malformed(`a ${header.name} header that does not begin with an armor block`)
  const scheme = Object.hasOwn(SCHEMES, kind) ? SCHEMES[kind] : undefined
  // An inline PGP MESSAGE carries its own text: its signature would be valid for words that are not this commit.
  if (scheme === undefined) throw malformed(`an armor block of type ${kind}`)
  if (lines.at(-1) !== `-----END ${kind}-----`)
    throw malformed('an armor block with text after its end, or without end')
  const inner = lines.slice(1, -1)
  if (inner.some(line => line.startsWith('-----'))) throw malformed('more than one armor block')
  if (inner.some(line => !/^[\x20-\x7e]*$/.test(line)))
    throw malformed('an armor line with CR or other control characters')
  return { scheme, armor, at: header.at }
}

function without(bytes: Uint8Array, spans: Signatures['spans']): Uint8Array {
  if (spans.length === 0) return bytes
  const parts: Uint8Array[] = []
  let at = 0
  for (const span of spans) {
    parts.push(bytes.subarray(at, span.at))
    at = span.end
  }
  return new Uint8Array(Buffer.concat([...parts, bytes.subarray(at)]))
}

function malformed(found: string): Error {
  return fail('source/malformed', `The commit object is not what git writes: ${found}`, { found })
}
