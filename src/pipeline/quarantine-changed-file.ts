import { type Digest, hexOf, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { matchSigner } from '../policy/signer.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'

/**
 * A file whose own bundle, the one beside it or named for it, is signed as expected and is about other bytes: it was changed
 * after it was signed. That says more than "nothing is attached", which is all that its digest alone can tell; and only a
 * bundle that belongs to the file by its place can say it, never one that was found by digest.
 * @param own the statement of that bundle. @returns undefined when it is about the file, or somebody else's.
 */
export function changedFile(
  file: { readonly name: string; readonly digest: Digest },
  own: Verified<SignedStatement>,
  expected: ExpectedSigner,
): Finding | undefined {
  const subjects = own.statement.subject.map(({ digest }) => digest.sha256)
  if (subjects.includes(hexOf(file.digest))) return undefined
  if (matchSigner(expected, own.signer, file.name).length > 0) return undefined
  const error = fail('verify/digest-mismatch', `The bundle of ${file.name} is about other bytes`, {
    expected: subjects
      .slice(0, 3)
      .map(hex => (hex === undefined ? 'no sha256 digest' : `sha256:${hex}`))
      .join(', '),
    found: file.digest,
  })
  return findingOf(error, file.name)
}

/** What is rejected, with that said first. @param own statements of the bundles that lay beside the file. */
export function withChange(
  receipt: SubjectReceipt,
  own: readonly Verified<SignedStatement>[],
  expected: ExpectedSigner,
): SubjectReceipt {
  if (receipt.verdict !== 'rejected' || own.length === 0) return receipt
  const file = { name: receipt.name, digest: parseDigest(receipt.digest) }
  return {
    ...receipt,
    findings: [...own.flatMap(item => changedFile(file, item, expected) ?? []), ...receipt.findings],
  }
}
