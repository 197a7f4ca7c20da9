import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId, parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Person, SignatureScheme } from '../core/facts.ts'
import { printable } from '../core/text.ts'

/** Headers of commits and tags: `name SP value LF`, each line that begins with one space continues the one above. */
export interface Header {
  readonly name: string
  /** The value, the continuation spaces removed. One character for each byte. */
  readonly lines: readonly string[]
  readonly at: number
  /** Offset of the next header. */
  readonly end: number
}

export interface Cursor {
  readonly headers: readonly Header[]
  at: number
}

/** Armor of a signature that stands in a header. */
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
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9:._-]{0,63}$/
const PERSON = /^([^<>\n]*) <([^<>\n]*)> (0|[1-9][0-9]{0,11}) ([+-][0-9]{4})$/
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Headers and body of an object, from its bytes.
 * @param single names of headers that no line may continue.
 * @throws `source/malformed`
 */
export function splitObject(
  bytes: Uint8Array,
  limit: number,
  single: ReadonlySet<string>,
): { readonly headers: readonly Header[] /** Offset of the body. */; readonly body: number } {
  if (bytes.byteLength > limit) throw malformed(`more than ${limit} bytes`)
  if (bytes.includes(0)) throw malformed('a NUL byte')
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\n\n')
  if (end === -1) throw malformed('no empty line after the headers')
  return { headers: splitHeaders(latin1(bytes.subarray(0, end)), single), body: end + 2 }
}

function splitHeaders(text: string, single: ReadonlySet<string>): readonly Header[] {
  const headers: { name: string; lines: string[]; at: number; end: number }[] = []
  let at = 0
  for (const line of text.split('\n')) {
    const end = at + line.length + 1
    const last = headers.at(-1)
    if (line.startsWith(' ')) {
      if (last === undefined || single.has(last.name)) throw malformed('a continuation line where none may be')
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

/** The value of the header that must come next. @throws `source/malformed` */
export function take(cursor: Cursor, name: string): string {
  const header = cursor.headers[cursor.at]
  if (header?.name !== name) {
    throw malformed(header === undefined ? `no ${name}` : `${header.name} where ${name} must be`)
  }
  cursor.at++
  return header.lines[0] ?? ''
}

/** @throws `source/malformed` */
export function objectIdOf(text: string): CommitId {
  if (!isCommitId(text)) throw malformed(`${printable(text, 80)} where an object id of 40 lower-case digits must be`)
  return parseCommitId(text)
}

/** @throws `source/malformed` */
export function personOf(text: string): Person {
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

/** For showing only, never for comparing: bytes that are not UTF-8 become U+FFFD. */
export function shownText(bytes: Uint8Array): string {
  return lossy.decode(bytes)
}

/** One armor block in a header and nothing else; what is inside it is for the reader of that scheme. */
export function readSignature(header: Header): SignatureHeader & { readonly scheme: SignatureScheme } {
  const lines = [...header.lines]
  // GitHub's own commits end the header with one empty continuation line.
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return { scheme: schemeOf(lines, `a ${header.name} header`), armor: header.lines.join('\n'), at: header.at }
}

/**
 * The kind of the one armor block that these lines are, from the first to the last.
 * @throws `source/malformed` for anything before, after or beside it.
 */
export function schemeOf(lines: readonly string[], where: string): SignatureScheme {
  const [, kind] = /^-----BEGIN ([A-Z ]{1,40})-----$/.exec(lines[0] ?? '') ?? []
  if (kind === undefined) throw malformed(`${where} that does not begin with an armor block`)
  const scheme = Object.hasOwn(SCHEMES, kind) ? SCHEMES[kind] : undefined
  // An inline PGP MESSAGE carries its own text: its signature would be valid for words that are not this object.
  if (scheme === undefined) throw malformed(`an armor block of type ${kind}`)
  if (lines.at(-1) !== `-----END ${kind}-----`)
    throw malformed('an armor block with text after its end, or without end')
  const inner = lines.slice(1, -1)
  if (inner.some(line => line.startsWith('-----'))) throw malformed('more than one armor block')
  if (inner.some(line => !/^[\x20-\x7e]*$/.test(line)))
    throw malformed('an armor line with CR or other control characters')
  return scheme
}

/** The bytes without these spans. */
export function without(
  bytes: Uint8Array,
  spans: readonly { readonly at: number; readonly end: number }[],
): Uint8Array {
  if (spans.length === 0) return bytes
  const parts: Uint8Array[] = []
  let at = 0
  for (const span of spans) {
    parts.push(bytes.subarray(at, span.at))
    at = span.end
  }
  return new Uint8Array(Buffer.concat([...parts, bytes.subarray(at)]))
}

/** @param found what is wrong; the parsers say in which kind of object. */
export function malformed(found: string): Error {
  return fail('source/malformed', `The object is not what git writes: ${found}`, { found })
}
