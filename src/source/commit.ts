import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import type { MalformedCommit, Person, SignatureScheme } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { subjectLine } from '../core/text.ts'
import {
  type Header,
  malformed,
  objectIdOf,
  personOf,
  readSignature,
  type SignatureHeader,
  shownText,
  splitObject,
  take,
  without,
} from './headers.ts'
import { isRefusedTag, type ParsedTag, parseTag } from './tag.ts'

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
  /** Tags that a merge brought in, from its `mergetag` headers; inside the signed bytes. Absent: none. */
  readonly mergetags?: readonly ParsedTag[]
  /** A `gpgsig-sha256` header of a repository in transition; never judged, kept so that the object can be written again. */
  readonly sha256Signature?: SignatureHeader
  /** Exactly the bytes the signature is over. */
  readonly payload: Uint8Array
}

const CORE_HEADERS: ReadonlySet<string> = new Set(['tree', 'parent', 'author', 'committer'])

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
    const { code, found = '' } = error
    const message = `The commit object is not what git writes: ${found}`
    return { id, parents: parentsOf(bytes), malformed: { code, message, found } }
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
  const { headers, body } = splitObject(bytes, LIMITS.commitBytes, CORE_HEADERS)
  const cursor = { headers, at: 0 }
  const tree = objectIdOf(take(cursor, 'tree'))
  const parents: CommitId[] = []
  while (headers[cursor.at]?.name === 'parent') parents.push(objectIdOf(take(cursor, 'parent')))
  const author = personOf(take(cursor, 'author'))
  const committer = personOf(take(cursor, 'committer'))
  const extra = headers.slice(cursor.at)
  const signatures = readExtraHeaders(extra)
  const mergetags = readMergetags(extra)
  const message = shownText(bytes.subarray(body))
  return {
    id,
    tree,
    parents,
    author,
    committer,
    message,
    subject: subjectLine(message),
    ...signatures.found,
    ...(mergetags.length === 0 ? {} : { mergetags }),
    payload: without(bytes, signatures.spans),
  }
}

/**
 * Tags that a merge brought in, each written by git into a header line by line (git v2.39, commit.c, `add_extra_header`).
 * git ends the header with a line end whether or not the tag had one, so of a tag without it the id cannot be known.
 *
 * One that cannot be read refuses the whole commit, although the committer signed it: people see it as a valid review in
 * `git log --show-signature`, and what two programs read as two different tags must not stand in an accepted history.
 * Nobody is locked out by a strange tag: git merge --no-ff -S 'TAG^{commit}' brings the same commits without it.
 */
function readMergetags(headers: readonly Header[]): readonly ParsedTag[] {
  const found = headers.filter(({ name }) => name.toLowerCase() === 'mergetag')
  if (found.length > LIMITS.mergetags) throw malformed(`more than ${LIMITS.mergetags} mergetag headers`)
  return found.map(({ name, lines }) => {
    if (name !== 'mergetag') throw malformed(`the header ${name}`)
    const tag = parseTag(new Uint8Array(Buffer.from(`${lines.join('\n')}\n`, 'latin1')))
    if (isRefusedTag(tag)) throw malformed(`a mergetag with ${tag.refused.found}`)
    return tag
  })
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
