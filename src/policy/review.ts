import type { CommitId, Digest } from '../core/digest.ts'
import type { Finding, Outcome } from '../core/verdict.ts'
import { type Approval, everyApprover, isHeldBack, recordedApprovals, signedApprovals } from './approvals.ts'
import { type Bench, commitText, findingFor, lawText } from './bench.ts'
import { isEnoughEarlier } from './earlier-review.ts'
import type { CommitJudgement, ReviewJudgement } from './judgement.ts'
import { identityOfKey } from './keys-used.ts'
import { type Distinctness, distinctness, type Person, personOf } from './persons.ts'
import type { ReviewRule, SourceRule } from './policy.ts'
import type { Backed } from './proofs.ts'
import { makersOf, type ReviewCase, reviewCases } from './review-case.ts'

/** What the evidence gives for one rule. */
export interface Tally {
  readonly outcome: Outcome
  readonly approvals: readonly Approval[]
  readonly item?: ReviewCase
  /** The signed approvals alone are enough. */
  readonly signedAlone?: boolean
  /** Why it is not passed. */
  readonly finding?: Finding
}

export interface Reviewed {
  readonly review: ReviewJudgement
  readonly findings: readonly Finding[]
  /** The signed approvals that counted. */
  readonly witnesses: readonly Approval[]
}

/** Review of one first-parent commit under every rule that asks for it; undefined when none does (13-adversary 10). */
export function judgeReview(
  backed: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  rules: readonly SourceRule[],
  bench: Bench,
): Reviewed | undefined {
  const asked = rules.flatMap(rule => (rule.review === undefined ? [] : [rule.review]))
  if (asked.length === 0) return undefined
  const earlier = earlierReview(backed, asked, bench)
  if (earlier !== undefined) return earlier
  const tallies = asked.map(rule => tally(backed, judged, rule, new Set(), bench))
  const findings = tallies.flatMap(({ finding }) => (finding === undefined ? [] : [finding]))
  return {
    review: labelled(tallies),
    findings: bench.reviews === 'show' ? [] : findings,
    witnesses: tallies.flatMap(({ approvals }) => approvals.filter(({ how }) => how === 'signed')),
  }
}

function labelled(tallies: readonly Tally[]): ReviewJudgement {
  const enough = tallies.every(({ outcome }) => outcome === 'passed')
  const approvals = tallies.flatMap(item => item.approvals)
  const signed = tallies.every(({ signedAlone }) => signedAlone === true)
  const item = tallies.find(each => each.item !== undefined)?.item
  const { head, pull } = item ?? {}
  return {
    enough,
    label: enough ? (signed ? 'signed-by-reviewer' : 'platform-recorded') : 'none',
    by: [...new Set(approvals.map(({ principal }) => principal.name))],
    ...(head === undefined ? {} : { head }),
    ...(pull === undefined ? {} : { pull: pull.number }),
    statements: [...new Set(approvals.flatMap(({ statement }) => (statement === undefined ? [] : [statement])))],
    keys: [...new Set(approvals.flatMap(({ signature }) => (signature ? [identityOfKey(signature).fingerprint] : [])))],
  }
}

/** What an earlier run found, if nothing speaks against it now and it is what every present rule asks for. */
function earlierReview(backed: Backed, rules: readonly ReviewRule[], bench: Bench): Reviewed | undefined {
  const { commit, broughtIn, evidence } = backed
  const { earlier, reviews = [], missingReviews = [] } = evidence ?? {}
  if (earlier === undefined || missingReviews.length > 0 || !isEnoughEarlier(earlier, commit, broughtIn, rules, bench))
    return undefined
  // Somebody has taken something back since, or what he signed is gone (13-adversary 11): it has to be counted again.
  const about = reviews.filter(({ head }) => head === earlier.head)
  const stands = (digest: Digest) => about.some(fact => fact.digest === digest && fact.decision === 'approve')
  if (about.some(({ decision }) => decision === 'withdraw') || !earlier.statements.every(stands)) return undefined
  const { keys, ...rest } = earlier
  const witnesses = keys.flatMap(({ principal: name, ...key }): readonly Approval[] => {
    const principal = bench.law.policy.principals.get(name)
    return principal === undefined ? [] : [{ principal, how: 'signed', key }]
  })
  const review = { ...rest, enough: true, keys: keys.map(({ fingerprint }) => fingerprint), earlier: true } as const
  return { review, findings: [], witnesses }
}

/**
 * Counts the approvals of one commit for one rule, in the way in which it was reviewed best.
 * @param excluded principals who never count, whatever the rule says.
 */
export function tally(
  backed: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  rule: ReviewRule,
  excluded: ReadonlySet<string>,
  bench: Bench,
): Tally {
  const tallies = reviewCases(backed, judged, bench).map(item => count(backed, item, rule, excluded, bench))
  return (
    tallies.find(({ outcome }) => outcome === 'passed') ??
    tallies.find(({ outcome }) => outcome === 'unknown') ??
    tallies[0] ?? { outcome: 'rejected', approvals: [] }
  )
}

function count(backed: Backed, item: ReviewCase, rule: ReviewRule, excluded: ReadonlySet<string>, bench: Bench): Tally {
  const signed = signedApprovals(backed, item, bench)
  const recorded = rule.strength === 'platform-recorded' ? recordedApprovals(item, bench) : []
  const approvals = firstOfEach([...signed.approvals, ...recorded]).filter(
    ({ principal: { name } }) => rule.by.has(name) && !excluded.has(name) && !signed.withdrawn.has(name),
  )
  const makers = makersOf(item, rule.distinctFrom, bench)
  const sorted = approvals.map(approval => ({ approval, ...relation(approval, makers, item, rule, bench) }))
  const sure = sorted.filter(({ kind }) => kind === 'different').map(({ approval }) => approval)
  const unsure = sorted.filter(({ kind }) => kind === 'unknown')
  const enough = isEnough(sure, item, rule)
  const doubts = [...signed.doubts, ...(enough && onlySigned(sure) && item.byGit ? [] : item.doubts)]
  const incomplete = item.pull?.reviewsComplete === false && recordedMatters(sure, rule)
  const signedAlone = item.byGit && sure.filter(({ how }) => how === 'signed').length >= rule.approvals
  if (enough && doubts.length === 0 && !incomplete) return { outcome: 'passed', approvals: sure, item, signedAlone }
  const [doubt] = doubts
  const { commit } = backed
  const about = { outcome: 'unknown', approvals: sure, item } as const
  const possible = sure.length + unsure.length >= rule.approvals
  if (doubt !== undefined && (possible || couldBeApproved(item, rule) || signed.doubts.length > 0))
    return { ...about, finding: doubt }
  if (incomplete) return { ...about, finding: incompleteFinding(backed, item) }
  if (possible) return { ...about, finding: unsureFinding(backed, rule, unsure, bench) }
  return {
    outcome: 'rejected',
    approvals: sure,
    item,
    finding: unreviewed(commit, item, rule, { sure, sorted, unfit: signed.unfit }, bench),
  }
}

function firstOfEach(approvals: readonly Approval[]): readonly Approval[] {
  const names = new Map<string, Approval>()
  for (const approval of approvals)
    if (!names.has(approval.principal.name)) names.set(approval.principal.name, approval)
  return [...names.values()]
}

function onlySigned(approvals: readonly Approval[]): boolean {
  return approvals.every(({ how }) => how === 'signed')
}

/** Without a pull request in sight nobody knows what was approved in it. */
function couldBeApproved({ unasked }: ReviewCase, { strength }: ReviewRule): boolean {
  return unasked === true && strength === 'platform-recorded'
}

/** Reviews that were not listed could be the missing approval, or the one that takes an approval back. */
function recordedMatters(sure: readonly Approval[], { strength, approvals }: ReviewRule): boolean {
  const signed = sure.filter(({ how }) => how === 'signed').length
  return strength === 'platform-recorded' && signed < approvals
}

interface Relation {
  readonly kind: Distinctness
  readonly to?: string
}

function relation(
  approval: Approval,
  makers: readonly Person[],
  item: ReviewCase,
  rule: ReviewRule,
  bench: Bench,
): Relation {
  const relations = [
    ...makers.map(person => ({ kind: distinctness(approval.principal, person), to: person.text })),
    ...(rule.distinctFrom.has('last-pusher') ? [toPusher(approval, item, bench)] : []),
  ]
  return (
    relations.find(({ kind }) => kind === 'same') ??
    relations.find(({ kind }) => kind === 'unknown') ?? { kind: 'different' }
  )
}

/**
 * Who pushed last may have slipped in a commit under another name. A reviewer who signed what he saw is beyond that when
 * every commit he saw is signed by somebody else; where only the platform says that he approved, the pusher must be known.
 */
function toPusher(approval: Approval, { pull, range }: ReviewCase, bench: Bench): Relation {
  const to = 'who pushed last'
  const pusher = pull?.lastPusher
  if (pusher?.kind === 'known') {
    const person = personOf({ account: pusher.account }, to, bench.law)
    return { kind: distinctness(approval.principal, person), to }
  }
  const signed = range.every(({ judgement }) => judgement?.basis === 'signed')
  if (approval.how === 'signed' && signed) return { kind: 'different' }
  return pusher?.kind === 'others-must-approve' ? { kind: 'different' } : { kind: 'unknown', to }
}

/**
 * A ruleset that makes somebody else approve the last push says that one approver is not the pusher, not which. So one more
 * approval than asked is needed, unless there is exactly one approver and he is the one we count.
 */
function isEnough(sure: readonly Approval[], { pull }: ReviewCase, rule: ReviewRule): boolean {
  const hidden = pull?.lastPusher.kind === 'others-must-approve' && rule.distinctFrom.has('last-pusher')
  if (!hidden || onlySigned(sure)) return sure.length >= rule.approvals
  const single = rule.approvals === 1 && sure.length === 1 && everyApprover(pull).length === 1
  return single || sure.length > rule.approvals
}

function incompleteFinding({ commit: { id, subject } }: Backed, { pull }: ReviewCase): Finding {
  const why = `not all reviews of pull request ${pull?.number ?? 0} were listed`
  return findingFor(
    id,
    'source/review-evidence-missing',
    `${commitText(id, subject)} cannot be called reviewed: ${why}`,
    { found: why },
  )
}

function unsureFinding(
  { commit: { id, subject } }: Backed,
  rule: ReviewRule,
  unsure: readonly (Relation & { readonly approval: Approval })[],
  bench: Bench,
): Finding {
  const [first] = unsure
  const who = first === undefined ? 'a reviewer' : first.approval.principal.name
  const why = `whether ${who} is somebody else than ${first?.to ?? 'who pushed last'} cannot be told`
  return findingFor(
    id,
    'source/reviewer-unknown',
    `${commitText(id, subject)} was approved, but under ${lawText(bench)} it is not known by enough others: ${why}`,
    { expected: needText(rule), found: why },
  )
}

function needText({ approvals, by, distinctFrom, strength }: ReviewRule): string {
  const others = distinctFrom.size === 0 ? '' : `, none of them ${[...distinctFrom].join(', ')}`
  const how = strength === 'signed-by-reviewer' ? ', signed with their own keys' : ''
  return `${approvals} of ${[...by].join(', ')}${others}${how}`
}

interface Counted {
  readonly sure: readonly Approval[]
  readonly sorted: readonly (Relation & { readonly approval: Approval })[]
  /** Why statements are void. */
  readonly unfit: readonly string[]
}

function unreviewed(
  { id, subject }: Backed['commit'],
  item: ReviewCase,
  rule: ReviewRule,
  { sure, sorted, unfit }: Counted,
  bench: Bench,
): Finding {
  const same = sorted.filter(({ kind }) => kind === 'same')
  const held = item.pull !== undefined && isHeldBack(item.pull) ? [`the platform says ${item.pull.reviewDecision}`] : []
  const found = [
    sure.length === 0 ? 'no approval that counts' : `approved by ${sure.map(a => a.principal.name).join(', ')}`,
    ...same.map(({ approval, to }) => `${approval.principal.name} is ${to ?? 'no other'}`),
    ...held,
    // Anybody with write access can leave statements; a person reads a few.
    ...unfit.slice(0, 3),
  ].join('; ')
  const text = `${commitText(id, subject)} was not reviewed as ${lawText(bench)} asks`
  return findingFor(id, 'source/unreviewed', text, { expected: needText(rule), found, ...remedyFor(item, bench) })
}

/** The command that would help, where every word of it is one that needs no quotes. */
function remedyFor({ head, mergeBases }: ReviewCase, { ref }: Bench): { readonly remedy?: string } {
  const [base] = mergeBases
  const [, branch] = /^refs\/heads\/([A-Za-z0-9][A-Za-z0-9._/-]*)$/.exec(ref) ?? []
  if (base === undefined || branch === undefined) return {}
  const command = `waybill review sign ${base}..${head} --target ${branch} --push`
  return { remedy: `Have it reviewed with the reviewer’s own key: ${command}; or name the commit in exceptions.` }
}
