import { latin1 } from '../core/bytes.ts'
import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import type { Person, SignatureScheme } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { subjectLine } from '../core/text.ts'
import type { RefusedTag } from '../policy/tag.ts'
import {
  type Header,
  malformed,
  objectIdOf,
  personOf,
  readSignature,
  type SignatureHeader,
  schemeOf,
  shownText,
  splitObject,
  take,
} from './headers.ts'
import { objectId } from './object-id.ts'
import { nameText } from './tree.ts'

/**
 * A git tag object, byte for byte as its id was computed over it (git Documentation/gitformat-signature.txt, v2.39):
 *
 *     object <40 hex>                     exactly one each, in this order, and no other
 *     type commit|tree|blob|tag
 *     tag <name>                          "v1.2.3", without refs/tags/
 *     tagger <name> SP <email in <>> SP <seconds> SP <+hhmm>
 *     gpgsig-sha256 …                     at most one, of a repository in transition
 *                                         an empty line, then the message, then the signature to the end
 *
 * What is signed: everything before the first line of the armor, without the `gpgsig-sha256` header.
 * Traps: (1) git takes the *last* line that begins like an armor as the signature's begin, other programs the first, so a
 * body with two of them is two tags under one name: refused, also where the first only quotes one; (2) text after the block
 * is part of what git hands to the engine and of nothing that is signed; (3) the name in the object is signed, the ref's
 * name is not: whoever may push could serve the signed tag of an old release as the new one, so the policy compares the two.
 * Vectors: `__tests__/vectors/tag/`.
 */
export interface ParsedTag {
  readonly id: CommitId
  /** The tagged object. */
  readonly object: CommitId
  readonly type: 'commit' | 'tree' | 'blob' | 'tag'
  /** UTF-8 as it is, other bytes as `//hex:…`, which no ref can be called. */
  readonly name: string
  readonly tagger: Person
  /** Without the signature; bytes that are not UTF-8 become U+FFFD (for showing only). */
  readonly message: string
  /** First line of the message, printable. */
  readonly subject: string
  /** `at` is the offset of the armor in the object. */
  readonly signature?: SignatureHeader & { readonly scheme: SignatureScheme }
  /** Never judged, kept so that the object can be written again. */
  readonly sha256Signature?: SignatureHeader
  /** Exactly the bytes the signature is over. */
  readonly payload: Uint8Array
}

const TAG_HEADERS: ReadonlySet<string> = new Set(['object', 'type', 'tag', 'tagger'])
/** Begins of lines that git takes as the begin of a signature (git v2.39, gpg-interface.c, `parse_signed_buffer`). */
const BEGINS = ['PGP SIGNATURE', 'PGP MESSAGE', 'SIGNED MESSAGE', 'SSH SIGNATURE'].map(
  kind => `-----BEGIN ${kind}-----`,
)

/**
 * Reads a tag object strictly. Never throws for anything the bytes hold.
 * @param bytes the whole object, or its first `LIMITS.commitBytes + 1` bytes when it is larger (then it is malformed).
 * @param id must have been recomputed by the caller; absent: it is computed here.
 */
export function parseTag(bytes: Uint8Array, id: CommitId = objectId('tag', bytes)): ParsedTag | RefusedTag {
  try {
    return readTag(id, bytes)
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    const { code, found = '' } = error
    return { id, refused: { code, message: `The tag object is not what git writes: ${found}`, found } }
  }
}

export function isRefusedTag(tag: object): tag is RefusedTag {
  return 'refused' in tag
}

function readTag(id: CommitId, bytes: Uint8Array): ParsedTag {
  const { headers, body } = splitObject(bytes, LIMITS.commitBytes, TAG_HEADERS)
  const cursor = { headers, at: 0 }
  const object = objectIdOf(take(cursor, 'object'))
  const type = typeOf(take(cursor, 'type'))
  const name = nameText(take(cursor, 'tag'))
  if (name === '') throw malformed('an empty tag name')
  const tagger = personOf(take(cursor, 'tagger'))
  const sha256 = readTransition(headers.slice(cursor.at))
  const signature = readBodySignature(bytes, body)
  const end = signature?.at ?? bytes.byteLength
  const message = shownText(bytes.subarray(body, end))
  return {
    id,
    object,
    type,
    name,
    tagger,
    message,
    subject: subjectLine(message),
    ...(signature === undefined ? {} : { signature }),
    ...(sha256 === undefined ? {} : { sha256Signature: readSignature(sha256) }),
    payload: payloadOf(bytes, end, sha256),
  }
}

function typeOf(text: string): ParsedTag['type'] {
  if (text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag') return text
  throw malformed('a type that git does not know')
}

/** The one further header git knows in a tag; it lies outside the signed bytes, so nothing else may stand there. */
function readTransition(headers: readonly Header[]): Header | undefined {
  const [only, second] = headers
  const other = headers.find(({ name }) => name !== 'gpgsig-sha256')
  if (other !== undefined) throw malformed(`a second, misplaced or unknown ${other.name} header`)
  if (second !== undefined) throw malformed('two gpgsig-sha256 headers')
  return only
}

function readBodySignature(bytes: Uint8Array, body: number): ParsedTag['signature'] {
  const text = latin1(bytes.subarray(body))
  const begins = BEGINS.flatMap(begin => placesOf(text, begin))
  const [at, second] = begins
  if (at === undefined) return undefined
  if (second !== undefined) throw malformed('more than one armor block')
  const armor = text.slice(at)
  // Programs that sign by API leave the last line end out; the armor is outside the signed bytes either way.
  const lines = (armor.endsWith('\n') ? armor.slice(0, -1) : armor).split('\n')
  return { scheme: schemeOf(lines, 'a signature'), armor: lines.join('\n'), at: body + at }
}

/** Offsets of lines that begin so; a longer line counts, as it does for git. */
function placesOf(text: string, begin: string): readonly number[] {
  const places: number[] = []
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at + 1)) {
    if (at === 0 || text[at - 1] === '\n') places.push(at)
  }
  return places
}

function payloadOf(bytes: Uint8Array, end: number, sha256: Header | undefined): Uint8Array {
  if (sha256 === undefined) return bytes.subarray(0, end)
  return new Uint8Array(Buffer.concat([bytes.subarray(0, sha256.at), bytes.subarray(sha256.end, end)]))
}
