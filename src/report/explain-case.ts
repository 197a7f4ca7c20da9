import type { CommitId } from '../core/digest.ts'
import type { JudgedCommit } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding, Outcome } from '../core/verdict.ts'
import type { CommitJudgement, Fold, FoldStep, SourceJudgement } from '../policy/fold.ts'

/** One step of a decision; `note` decides nothing by itself. */
export interface ExplainedStep {
  readonly step: ExplainedWhat
  readonly outcome: Outcome | 'note' | 'not-asked'
  /** One sentence or two, printable. */
  readonly text: string
}

export type ExplainedWhat =
  | 'commit'
  | 'place'
  | 'law'
  | 'signature'
  | 'key'
  | 'time'
  | 'owner'
  | 'committer'
  | 'rule'
  | 'platform'
  | 'review'
  | 'law-change'
  | 'revocation'
  | 'exception'
  | 'verdict'

/** What is known of the step in which a commit was judged. */
export interface Explained {
  readonly id: CommitId
  readonly step: FoldStep
  readonly before: Fold
  readonly after: Fold
  readonly end: SourceJudgement
}

/** Everything that the lines of an explanation are made of. */
export interface Case extends Explained {
  readonly facts: JudgedCommit
  /** Under the law of its moment, before the law accepted last had its say. */
  readonly judged: CommitJudgement
  /** As it stands in the result. */
  readonly final: CommitJudgement
  /** Findings of its moment that no step has told yet are told by the step that they belong to. */
  findings(step: ExplainedWhat): readonly Finding[]
}

/** Names shown of one list. */
const NAMES = 12

export function namesText(names: ReadonlySet<string>): string {
  const all = [...names]
  const rest = all.length > NAMES ? ` and ${all.length - NAMES} more` : ''
  return all.length === 0 ? 'nobody' : `${all.slice(0, NAMES).join(', ')}${rest}`
}

export function line(step: ExplainedWhat, outcome: ExplainedStep['outcome'], text: string): ExplainedStep {
  return { step, outcome, text: printable(text, 2_000) }
}

/** The findings of a step, each with what was expected and found; without any the sentence that says what holds. */
export function decided(the: Case, step: ExplainedWhat, held: string | undefined): readonly ExplainedStep[] {
  const found = the.findings(step).map(finding => findingLine(step, finding))
  if (found.length > 0) return found
  return held === undefined ? [] : [line(step, 'passed', held)]
}

export function findingLine(step: ExplainedWhat, { code, severity, message, expected, found }: Finding): ExplainedStep {
  const facts = [
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    ...(found === undefined ? [] : [`found ${found}`]),
  ].join('; ')
  const text = `${code}: ${message}${facts === '' ? '' : ` (${facts})`}`
  return line(step, severity === 'reject' ? 'rejected' : 'unknown', text)
}
