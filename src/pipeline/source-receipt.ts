import type { CommitJudgement } from '../policy/fold.ts'
import type { SubjectReceipt } from '../report/receipt.ts'

/** One commit as the result object shows it. */
export function commitReceipt(commit: CommitJudgement): SubjectReceipt {
  const { id, subject, author, kind, principal, key, outcome, basis, findings } = commit
  return {
    name: id.slice(0, 7),
    digest: id,
    verdict: outcome,
    ...(basis === undefined ? {} : { basis }),
    findings,
    kind,
    ...(principal === undefined ? {} : { principal }),
    ...(key === undefined ? {} : { key }),
    title: subject,
    // E-mail addresses stay out of results that may become public.
    ...(author === undefined ? {} : { author: author.name }),
  }
}
