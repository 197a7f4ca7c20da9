import { createHash } from 'node:crypto'
import { fail } from './error.ts'
import { printable } from './text.ts'

declare const digestBrand: unique symbol
/** `sha256:` + 64 lowercase hex digits; the only spelling of a digest inside Waybill. OCI image-spec v1.1.1 § Digests. */
export type Digest = string & { readonly [digestBrand]: true }

declare const commitBrand: unique symbol
/** 40 lowercase hex digits: the SHA-1 object id of a git object. SHA-256 repositories are refused by name. */
export type CommitId = string & { readonly [commitBrand]: true }

const DIGEST = /^sha256:[0-9a-f]{64}$/
const COMMIT_ID = /^[0-9a-f]{40}$/

/** @throws `core/digest-malformed` for any other spelling (upper case, sha512, missing algorithm). */
export function parseDigest(text: string): Digest {
  if (!DIGEST.test(text)) {
    throw fail('core/digest-malformed', `${printable(text, 100)} is not a sha256 digest`, {
      expected: 'sha256:<64 lowercase hex digits>',
      found: text,
    })
  }
  return text as Digest
}

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text)
}

/** SHA-256 of the bytes as given. */
export function sha256(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}

/** The 64 hex digits behind `sha256:`. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** @throws `core/commit-malformed` for anything but 40 lowercase hex digits. */
export function parseCommitId(text: string): CommitId {
  if (!COMMIT_ID.test(text)) {
    const sha256Repository = /^[0-9a-f]{64}$/.test(text)
    throw fail('core/commit-malformed', `${printable(text, 100)} is not a commit id`, {
      expected: '40 lowercase hex digits',
      found: sha256Repository ? 'an id of a SHA-256 repository, which is not supported' : text,
    })
  }
  return text as CommitId
}

export function isCommitId(text: unknown): text is CommitId {
  return typeof text === 'string' && COMMIT_ID.test(text)
}
