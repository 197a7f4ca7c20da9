import { CATALOGUE } from '../core/catalogue.ts'
import type { ErrorCode } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Approval } from './approvals.ts'
import { type Bench, commitText, lawText } from './bench.ts'
import type { CommitJudgement } from './judgement.ts'
import type { LawDifference } from './law.ts'
import type { ChangeRule } from './policy.ts'
import { tally } from './review.ts'
import type { StepJudgement } from './step.ts'

export type ChangeApproval =
  | { readonly kind: 'approved'; readonly witnesses: readonly Approval[] }
  | { readonly kind: 'refused' | 'unknown'; readonly finding: Finding }

/**
 * Whether this commit may change the law (13-adversary 3): every maker of it is one of `policy-change`, and enough others of
 * them approved exactly what it holds. A commit that is not accepted itself may change nothing.
 */
export function approveChange(
  judgement: StepJudgement,
  difference: Exclude<LawDifference, 'same'>,
  bench: Bench,
): ChangeApproval {
  const { policyChange } = bench.law.policy
  const rule = difference === 'workflows' ? policyChange.workflows : policyChange
  const { commit } = judgement.step
  const what = difference === 'workflows' ? 'workflows' : 'the policy'
  const makers = makersOf(judgement)
  const foreign = makers.find(maker => !isMaker(maker, rule))
  if (commit.outcome !== 'passed' || makers.length === 0 || foreign !== undefined)
    return { kind: 'refused', finding: signerFinding(commit, foreign, rule, what, bench) }
  if (rule.approvals === 0) return { kind: 'approved', witnesses: [] }
  return countApprovals(judgement, rule, makers, what, bench)
}

/** Whoever made a proved merge, squash or rebased commit is who signed what it was made of; nobody, if it is made of nothing. */
export function makersOf({ step: { commit, broughtIn, inner } }: StepJudgement): readonly CommitJudgement[] {
  if (commit.derivedFrom === undefined) return [commit]
  return inner.length > 0 ? inner : broughtIn
}

function isMaker({ outcome, basis, principal }: CommitJudgement, { signers }: ChangeRule): boolean {
  const personal = basis === 'signed' || basis === 'platform'
  return outcome === 'passed' && personal && principal !== undefined && signers.has(principal)
}

function countApprovals(
  { step, backed, judged }: StepJudgement,
  { approvals, signers }: ChangeRule,
  makers: readonly CommitJudgement[],
  what: string,
  bench: Bench,
): ChangeApproval {
  const { commit } = step
  const own = [commit, ...makers].flatMap(({ principal }) => (principal === undefined ? [] : [principal]))
  const distinctFrom = new Set(['author', 'committers', 'last-pusher'] as const)
  const review = { approvals, by: signers, distinctFrom, strength: 'platform-recorded' } as const
  const result =
    backed === undefined
      ? ({ outcome: 'rejected', approvals: [] } as const)
      : tally(backed, judged, review, new Set(own), bench)
  if (result.outcome === 'passed')
    return { kind: 'approved', witnesses: result.approvals.filter(({ how }) => how === 'signed') }
  const why = result.finding
  const finding = changeFinding(
    why === undefined || result.outcome === 'rejected' ? 'policy/unapproved-change' : why.code,
    commit,
    `changes ${what}, which ${lawText(bench)} allows with the approval of ${approvals} other${approvals === 1 ? '' : 's'} only${why === undefined ? '' : `. ${why.message}`}`,
    {
      expected: `${approvals} of ${[...signers].filter(name => !own.includes(name)).join(', ') || 'nobody else'}`,
      ...(why?.found === undefined ? {} : { found: why.found }),
      remedy:
        'Have it approved before it is merged, or let another principal of policy-change sign: waybill review sign PARENT..COMMIT --target BRANCH --push.',
    },
  )
  return { kind: result.outcome === 'unknown' ? 'unknown' : 'refused', finding }
}

function signerFinding(
  commit: CommitJudgement,
  foreign: CommitJudgement | undefined,
  { signers }: ChangeRule,
  what: string,
  bench: Bench,
): Finding {
  const names = [...signers].join(', ')
  const maker = foreign ?? commit
  const who = maker.principal === undefined ? 'no accepted signer' : `${maker.principal}, ${maker.outcome}`
  return changeFinding(
    'policy/unapproved-change',
    commit,
    `changes ${what} without the approval that ${lawText(bench)} asks for`,
    {
      expected:
        names === ''
          ? 'nobody may: the policy has no policy-change and no role maintainers'
          : `a commit accepted and signed by ${names}`,
      found: maker.id === commit.id ? who : `commit ${maker.id.slice(0, 7)} in it: ${who}`,
    },
  )
}

/** A finding about the law that a commit brings. */
export function changeFinding(
  code: ErrorCode,
  { id, subject }: CommitJudgement,
  sentence: string,
  facts: { readonly expected?: string; readonly found?: string; readonly remedy?: string },
): Finding {
  const message = printable(`${commitText(id, subject)} ${sentence}`, 1000)
  return { code, severity: 'reject', subject: id, message, ...facts, remedy: facts.remedy ?? CATALOGUE[code].remedy }
}
