import { type Digest, hexOf } from '../core/digest.ts'
import type { JsonObject } from '../core/json.ts'
import { buildStatement } from './build.ts'
import { COSIGN_SIGN_PREDICATE, type Subject } from './statement.ts'

/** A file as its statement names it. */
export interface NamedFile {
  /** Relative path with `/`, or the bare name: chosen by the signer, so it proves nothing; the digest does. */
  readonly name: string
  readonly digest: Digest
}

/** What is stated about a file; absent: that it was signed, and nothing else. */
export interface FileClaim {
  readonly predicateType: string
  readonly predicate: JsonObject
}

/** What a signature alone states, of an image and of a file. */
export const SIGNATURE_CLAIM: FileClaim = { predicateType: COSIGN_SIGN_PREDICATE, predicate: {} }

/** in-toto ResourceDescriptor of a file. */
export function fileSubject({ name, digest }: NamedFile): Subject {
  return { name, digest: { sha256: hexOf(digest) } }
}

/**
 * The statement about one file: its digest, never its bytes (13-adversary 22: a file can be made to look like something else
 * that is signed). One file a statement, so that each bundle stands alone beside its file.
 * @throws `statements/malformed` when the name or the predicate are not acceptable.
 */
export function fileStatement(file: NamedFile, claim: FileClaim = SIGNATURE_CLAIM): Uint8Array {
  return buildStatement({ subjects: [fileSubject(file)], ...claim })
}
