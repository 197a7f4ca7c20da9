import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { matchSigner, observedText } from '../policy/signer.ts'
import { canonical, sameClaim } from '../statements/same.ts'
import type { SignedStatement, Statement } from '../statements/statement.ts'
import type { VerifyBundle } from './verify-request.ts'

/** What lies where a bundle would be written. */
export type PresentBundle =
  | { readonly kind: 'none' }
  /** It says what would be signed: signing again would say nothing new. */
  | { readonly kind: 'equal'; readonly signed: Verified<SignedStatement> }
  /** By the same signer, and overtaken; `why` is for people. */
  | { readonly kind: 'outdated'; readonly why: string }

/** What would be signed, and where. */
export interface Wanted {
  readonly path: string
  readonly digest: Digest
  readonly statement: Statement
  readonly signer: ExpectedSigner
}

/**
 * Judges what lies at a bundle's place before anything is signed. Only what the same signer said about an earlier state of the
 * file, or in the same words' place, is written over, and that is told; whatever else lies there is left alone.
 * @throws `pipeline/bundle-present` for what does not verify, is somebody else's, or says something of another kind.
 */
export function judgePresent(bytes: Uint8Array | undefined, wanted: Wanted, verify: VerifyBundle): PresentBundle {
  if (bytes === undefined) return { kind: 'none' }
  const signed = verified(bytes, wanted, verify)
  if (matchSigner(wanted.signer, signed.signer).length > 0)
    throw inTheWay(wanted.path, `a bundle of somebody else: ${observedText(signed.signer)}`)
  const { statement } = signed
  if (!statement.subject.some(({ digest }) => digest.sha256 === hexOf(wanted.digest)))
    return { kind: 'outdated', why: 'The bundle that lay there was about other bytes of this file and was replaced.' }
  if (statement.predicateType !== wanted.statement.predicateType)
    throw inTheWay(wanted.path, `another statement about this very file: ${statement.predicateType}`)
  if (sameStatement(statement, wanted.statement)) return { kind: 'equal', signed }
  return { kind: 'outdated', why: 'The bundle that lay there said something else about this file and was replaced.' }
}

/** 13-adversary 24: a found one passes the gate's own verification, or it is not ours to use or to remove. */
function verified(bytes: Uint8Array, { path }: Wanted, verify: VerifyBundle): Verified<SignedStatement> {
  try {
    return verify(bytes)
  } catch (error) {
    const { code, message } = asWaybillError(error)
    throw inTheWay(path, `something that does not verify here: ${message} (${code})`)
  }
}

function inTheWay(path: string, found: string): Error {
  return fail('pipeline/bundle-present', `${path} exists, and it is not replaced`, {
    expected: 'no file, or a bundle of the same signer of the same kind',
    found,
  })
}

/** 6-sign-and-publish § 1: the same subjects and type, and an equal predicate after dropping times and the attempt number. */
function sameStatement(a: Statement, b: Statement): boolean {
  const subjects = ({ subject }: Statement) => canonical(subject.map(({ digest }) => ({ ...digest })))
  return subjects(a) === subjects(b) && sameClaim(a, b)
}
