import { isMalformed } from '../core/facts.ts'
import { rulesFor } from '../policy/commit.ts'
import type { Answer, PlatformCommit, StepEvidence, TreeCheck } from '../policy/evidence.ts'
import { isPlatformSigned } from '../policy/platform.ts'
import type { ReviewRule } from '../policy/policy.ts'
import { type Case, decided, type ExplainedStep, line, namesText } from './explain-case.ts'

/** What stands behind the commit beside its own bytes: the platform's answer, and merges made again. */
export function platformLines(the: Case): readonly ExplainedStep[] {
  const { facts, step, id, before, judged } = the
  const evidence = step.commit.id === id ? step.evidence : undefined
  const made = !isMalformed(facts) && isPlatformSigned(facts.signature, before.law)
  const told = [
    ...(evidence?.platform === undefined ? [] : [platformText(evidence.platform)]),
    ...(evidence?.merge === undefined ? [] : [`our own merge of its parents: ${treeText(evidence.merge)}`]),
    ...(evidence === undefined ? [] : proposalTexts(evidence)),
  ].map(text => line('platform', 'note', text))
  const from = judged.derivedFrom
  const pull = from?.pull === undefined ? '' : ` of pull request ${from.pull}`
  const derived = from === undefined ? undefined : `made of nothing but ${from.commits.length} judged commits${pull}`
  const held = derived ?? (made && judged.outcome === 'passed' ? 'accepted as the platform made it' : undefined)
  const results = decided(the, 'platform', held)
  if (told.length > 0 || results.length > 0) return [...told, ...results]
  return [line('platform', 'not-asked', 'no rule looks at what the platform knows about this commit')]
}

function platformText(answer: Answer<PlatformCommit>): string {
  if (answer.kind === 'unavailable') return `the platform could not be asked: ${answer.cause.message}`
  const { author, verification, pushedAt, pulls } = answer.value
  const parts = [
    `author ${author === undefined ? 'no account' : `${author.login} (${author.id})`}`,
    `merged pull requests ${pulls.length === 0 ? 'none' : pulls.map(({ number }) => number).join(', ')}`,
    ...(pushedAt === undefined ? [] : [`pushed ${pushedAt.toISOString()}`]),
    ...(verification === undefined ? [] : [`its own opinion of the signature: ${verification.state}, not believed`]),
  ]
  return `the platform says: ${parts.join('; ')}`
}

function treeText(check: TreeCheck): string {
  if (check.kind === 'equal') return 'the same tree'
  if (check.kind === 'differs') return `another tree, ${check.merged}`
  return check.kind === 'conflict' ? 'a conflict' : `not made: ${check.cause.message}`
}

function proposalTexts({ proposals = [] }: StepEvidence): readonly string[] {
  return proposals.map(({ pull, head, commits, squash, rebase }) => {
    const trees = [
      ...(squash === undefined ? [] : [`squash: ${treeText(squash)}`]),
      ...(rebase === undefined ? [] : [`rebase of ${rebase.original.slice(0, 7)}: ${treeText(rebase.check)}`]),
    ]
    return [`pull request ${pull}: ${commits.length} commits up to ${head.slice(0, 7)}`, ...trees].join('; ')
  })
}

/** What the rules ask of reviews, and what there is. */
export function reviewLines(the: Case): readonly ExplainedStep[] {
  const { before, step, id, judged } = the
  const asked = rulesFor(before).flatMap(({ review, text }) => (review === undefined ? [] : [{ review, text }]))
  if (asked.length === 0)
    return [line('review', 'not-asked', 'no rule asks for a review'), ...decided(the, 'review', undefined)]
  const wanted = asked.map(({ review, text }) => line('review', 'note', `${text} asks for ${reviewText(review)}`))
  if (step.commit.id !== id)
    return [...wanted, line('review', 'not-asked', 'reviews are asked of the merge that brought it in')]
  const { review } = judged
  const by = review === undefined || review.by.length === 0 ? 'nobody' : review.by.join(', ')
  const found = decided(the, 'review', review?.enough === true ? `${review.label}, by ${by}` : undefined)
  if (found.length > 0) return [...wanted, ...found]
  return [
    ...wanted,
    line('review', 'not-asked', `approved by ${by}, as far as it is known here; no verdict rests on it`),
  ]
}

/** `1 approval of alice, bob (platform-recorded), not by author or last-pusher` */
export function reviewText({ approvals, by, distinctFrom, strength }: ReviewRule): string {
  const from = distinctFrom.size === 0 ? '' : `, other than ${[...distinctFrom].join(', ')}`
  return `${approvals} ${approvals === 1 ? 'approval' : 'approvals'} of ${namesText(by)}${from} (${strength})`
}
