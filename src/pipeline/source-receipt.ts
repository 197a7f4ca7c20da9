import type { LawChange } from '../policy/changes.ts'
import type { CommitJudgement, SourceJudgement } from '../policy/fold.ts'
import type { ReviewJudgement } from '../policy/judgement.ts'
import type { ReviewReceipt, RuleChange, SubjectReceipt } from '../report/receipt.ts'

/** One commit as the result object shows it. */
export function commitReceipt(commit: CommitJudgement): SubjectReceipt {
  const { id, subject, author, kind, principal, key, outcome, basis, findings } = commit
  const { githubId, derivedFrom, review, earlierTime, trustedTime = earlierTime } = commit
  return {
    name: id.slice(0, 7),
    digest: id,
    verdict: outcome,
    ...(basis === undefined ? {} : { basis }),
    findings,
    kind,
    ...(principal === undefined ? {} : { principal }),
    ...(githubId === undefined ? {} : { githubId }),
    ...(key === undefined ? {} : { key }),
    title: subject,
    // E-mail addresses stay out of results that may become public.
    ...(author === undefined ? {} : { author: author.name }),
    ...(derivedFrom === undefined ? {} : { derivedFrom }),
    ...(review === undefined ? {} : { review: reviewReceipt(review) }),
    ...(trustedTime === undefined
      ? {}
      : { trustedTime: { time: trustedTime.time.toISOString(), from: trustedTime.from } }),
  }
}

function reviewReceipt({ enough, label, by, head, pull, statements, earlier }: ReviewJudgement): ReviewReceipt {
  return {
    enough,
    label,
    by,
    ...(head === undefined ? {} : { head }),
    ...(pull === undefined ? {} : { pull }),
    statements,
    ...(earlier === undefined ? {} : { earlier }),
  }
}

/** What was proved of every commit since the anchor; empty unless all of it passed. */
export function levelsOf({ commits, level, reviewed }: SourceJudgement): readonly string[] {
  // Of no commit at all everything would be true.
  if (level === undefined || commits.length === 0) return []
  return [level, ...(reviewed === true ? ['ORG_SOURCE_REVIEWED'] : [])]
}

/** What changed in the law, the proposed change first. */
export function ruleChanges(proposed: LawChange | undefined, changes: readonly LawChange[]): readonly RuleChange[] {
  const first = proposed === undefined ? [] : [{ ...ruleChange(proposed), proposed: true as const }]
  return [...first, ...changes.map(ruleChange)]
}

function ruleChange({ commit, subject, accepted, by, kind, paths, lines }: LawChange): RuleChange {
  return {
    commit,
    ...(subject === '' ? {} : { title: subject }),
    accepted,
    ...(by === undefined ? {} : { by }),
    kind,
    paths,
    lines: lines.map(({ how, what, text, loosens = false }) => ({ how, what, text, loosens })),
  }
}
