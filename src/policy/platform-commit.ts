import type { CommitFacts, JudgedCommit } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Basis, Finding } from '../core/verdict.ts'
import { type Bench, commitText, findingFor, lawText } from './bench.ts'
import type { Account, MergedPull } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'
import { principalOf, principalOfEmail } from './persons.ts'
import { contentPrincipals, hasSwitch, isAllowed, type Switch } from './platform.ts'
import type { Principal, SourceRule } from './policy.ts'
import { type Backed, evidenceMissing, mergeProof, type Proof, pullsInto, rebaseProof, squashProof } from './proofs.ts'

/** What a commit that no person signed turned out to be. */
export interface PlatformJudgement {
  readonly basis?: Basis
  readonly principal?: Principal
  readonly derivedFrom?: NonNullable<CommitJudgement['derivedFrom']>
  /** Commits of the pull request that were judged for it: they are in no history, but their keys count. */
  readonly inner: readonly CommitJudgement[]
  readonly findings: readonly Finding[]
}

/** Judges a commit of a pull request under the same law. */
export type JudgeInner = (commit: JudgedCommit, pull: MergedPull) => CommitJudgement

type Attempt =
  | ({ readonly kind: 'passed'; readonly basis: Basis } & Omit<PlatformJudgement, 'findings' | 'basis'>)
  | { readonly kind: 'unknown'; readonly finding: Finding; readonly inner?: readonly CommitJudgement[] }
  | { readonly kind: 'rejected'; readonly findings: readonly Finding[]; readonly inner: readonly CommitJudgement[] }
  | { readonly kind: 'no'; readonly why: string }

/**
 * A first-parent commit that the platform signed (13-adversary 8), or one that nobody signed and that may be rebased: a merge,
 * a squash or a rebased commit when it is proved to be nothing else, and content of its author otherwise. Every rule for the
 * ref must allow it.
 */
export function judgePlatformCommit(
  backed: Backed,
  rules: readonly SourceRule[],
  bench: Bench,
  judgeInner: JudgeInner,
  signed: boolean,
): PlatformJudgement {
  const { commit } = backed
  if (!rules.some(hasSwitch)) return { inner: [], findings: [notAccepted(commit, bench)] }
  const attempts = [
    ...(signed && commit.parents.length === 2 ? [tryMerge(backed, rules, bench)] : []),
    ...(signed && commit.parents.length === 1 ? [trySquash(backed, rules, bench, judgeInner)] : []),
    ...(commit.parents.length === 1 ? [tryRebase(backed, rules, bench, judgeInner)] : []),
    ...(signed ? [tryContent(backed, rules, bench)] : []),
  ]
  const passed = attempts.find(attempt => attempt.kind === 'passed')
  if (passed !== undefined) {
    const { kind: _kind, ...rest } = passed
    return { ...rest, findings: [] }
  }
  const rejected = attempts.find(attempt => attempt.kind === 'rejected')
  if (rejected !== undefined) return { inner: rejected.inner, findings: rejected.findings }
  const unknown = attempts.find(attempt => attempt.kind === 'unknown')
  if (unknown !== undefined) return { inner: unknown.inner ?? [], findings: [unknown.finding] }
  const reasons = attempts.flatMap(attempt => (attempt.kind === 'no' ? [attempt.why] : []))
  return { inner: [], findings: [signed ? contentFinding(backed, reasons, bench) : unsignedFinding(commit, reasons)] }
}

function tryMerge(backed: Backed, rules: readonly SourceRule[], bench: Bench): Attempt {
  if (!isAllowed(rules, 'merge')) return denied('merge')
  const proof = mergeProof(backed, bench)
  if (proof.kind !== 'proved') return proof
  const derivedFrom = { pull: proof.pull.number, head: proof.head, commits: backed.broughtIn.map(({ id }) => id) }
  return { kind: 'passed', basis: 'derived', derivedFrom, inner: [] }
}

function trySquash(backed: Backed, rules: readonly SourceRule[], bench: Bench, judgeInner: JudgeInner): Attempt {
  if (!isAllowed(rules, 'squash')) return denied('squash')
  return throughProposal(backed, squashProof(backed, bench), 'squash', judgeInner)
}

function tryRebase(backed: Backed, rules: readonly SourceRule[], bench: Bench, judgeInner: JudgeInner): Attempt {
  if (!isAllowed(rules, 'rebase')) return denied('rebase')
  return throughProposal(backed, rebaseProof(backed, bench), 'rebase', judgeInner)
}

function denied(which: Switch): Attempt {
  return { kind: 'no', why: `the rule says ${which}: deny` }
}

/** The commit is worth what the commits of the pull request are worth, and no more than the least of them. */
function throughProposal(backed: Backed, proof: Proof, how: Switch, judgeInner: JudgeInner): Attempt {
  if (proof.kind === 'no') return { kind: 'no', why: proof.why }
  if (proof.kind === 'unknown') return { kind: 'unknown', finding: proof.finding }
  const { pull, head, proposal, original } = proof
  const inner = (original === undefined ? (proposal?.commits ?? []) : [original]).map(item => judgeInner(item, pull))
  const bad = inner.find(item => item.outcome === 'rejected') ?? inner.find(item => item.outcome === 'unknown')
  if (bad !== undefined) {
    const findings = bad.findings.map(finding => innerFinding(backed.commit, finding, how, pull))
    const [first] = findings
    if (bad.outcome === 'unknown' && first !== undefined) return { kind: 'unknown', finding: first, inner }
    return { kind: 'rejected', findings, inner }
  }
  const derivedFrom = { pull: pull.number, head, commits: inner.map(({ id }) => id) }
  const basis = inner.every(item => item.basis === 'signed' || item.basis === 'derived') ? 'derived' : 'platform'
  return { kind: 'passed', basis, derivedFrom, inner }
}

function innerFinding({ id, subject }: CommitFacts, finding: Finding, how: Switch, { number }: MergedPull): Finding {
  const message = `${commitText(id, subject)} is the ${how} of pull request ${number}, in which ${finding.message}`
  return { ...finding, subject: id, message: printable(message, 600) }
}

/** Content counts for somebody only if he made this commit, opened the pull request, and made every commit of it. */
function tryContent(backed: Backed, rules: readonly SourceRule[], bench: Bench): Attempt {
  const { commit, evidence } = backed
  if (contentPrincipals(rules).size === 0) return { kind: 'no', why: 'the rule says content: deny' }
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return pulls
  const author = evidence?.platform?.kind === 'known' ? evidence.platform.value.author : undefined
  const own = pulls.pulls.filter(({ commits, mergeCommit }) => mergeCommit === commit.id || holds(commits, commit))
  if (own.length === 0) return { kind: 'no', why: 'it came through no pull request' }
  const results = own.map(pull => {
    const claim = contentOf(commit, author, pull, rules, bench)
    return claim.kind !== 'passed' || holds(pull.commits, commit) ? claim : onlyThatPull(backed, bench, claim)
  })
  return best(results)
}

/** What became of the pull request must hold nothing that was not in it: the merge button is anybody's. */
function onlyThatPull(backed: Backed, bench: Bench, claim: Attempt): Attempt {
  const proof = backed.commit.parents.length === 2 ? mergeProof(backed, bench) : squashProof(backed, bench)
  return proof.kind === 'proved' ? claim : proof
}

/** The three conditions of 13-adversary 8 for one commit and one pull request. */
function contentOf(
  commit: CommitFacts,
  author: Account | undefined,
  pull: MergedPull,
  rules: readonly SourceRule[],
  bench: Bench,
): Attempt {
  const principal = principalOf(author, bench.law)
  if (author === undefined || principal === undefined)
    return { kind: 'no', why: `its author is ${accountText(author)}, who is no principal` }
  if (!contentPrincipals(rules).has(principal.name))
    return { kind: 'no', why: `the rule takes no content of ${principal.name}` }
  if (pull.author?.id !== author.id)
    return { kind: 'no', why: `pull request ${pull.number} is of ${accountText(pull.author)}, not ${author.login}` }
  const foreign = pull.commits.find(item => item.author?.id !== author.id)
  if (foreign !== undefined)
    return {
      kind: 'no',
      why: `commit ${foreign.id} of pull request ${pull.number} is of ${accountText(foreign.author)}`,
    }
  if (!pull.commitsComplete || pull.commits.length === 0)
    return {
      kind: 'unknown',
      finding: evidenceMissing(commit, `not all commits of pull request ${pull.number} were listed`),
    }
  return { kind: 'passed', basis: 'platform', principal, inner: [] }
}

function holds(commits: MergedPull['commits'], { id }: CommitFacts): boolean {
  return commits.some(item => item.id === id)
}

/**
 * A platform-signed commit that was brought in, or that a squash holds: only content can count, and only through the pull
 * request that brought it.
 */
export function judgePlatformContent(
  commit: CommitFacts,
  backed: Backed | undefined,
  pull: MergedPull | undefined,
  rules: readonly SourceRule[],
  bench: Bench,
): PlatformJudgement {
  if (!rules.some(hasSwitch)) return { inner: [], findings: [notAccepted(commit, bench)] }
  const attempt: Attempt =
    backed === undefined
      ? { kind: 'no', why: 'it came with a commit that cannot be read' }
      : contentThrough(commit, backed, pull, rules, bench)
  if (attempt.kind === 'passed') return { basis: 'platform', inner: [], findings: [], ...pick(attempt.principal) }
  if (attempt.kind === 'unknown') return { inner: [], findings: [attempt.finding] }
  const why = attempt.kind === 'no' ? [attempt.why] : []
  return { inner: [], findings: [contentFinding({ commit, evidence: undefined }, why, bench)] }
}

function pick(principal: Principal | undefined): Pick<PlatformJudgement, 'principal'> {
  return principal === undefined ? {} : { principal }
}

function contentThrough(
  commit: CommitFacts,
  backed: Backed,
  given: MergedPull | undefined,
  rules: readonly SourceRule[],
  bench: Bench,
): Attempt {
  if (contentPrincipals(rules).size === 0) return { kind: 'no', why: 'the rule says content: deny' }
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return { kind: 'unknown', finding: { ...pulls.finding, subject: commit.id } }
  const own = given === undefined ? pulls.pulls.filter(item => item.mergeCommit === backed.commit.id) : [given]
  const results = own.flatMap(pull => {
    const entry = pull.commits.find(item => item.id === commit.id)
    return entry === undefined ? [] : [contentOf(commit, entry.author, pull, rules, bench)]
  })
  return best(results)
}

function best(results: readonly Attempt[]): Attempt {
  return (
    results.find(({ kind }) => kind === 'passed') ??
    results.find(({ kind }) => kind === 'unknown') ??
    results[0] ?? { kind: 'no', why: 'it came through no pull request' }
  )
}

function accountText(account: Account | undefined): string {
  return account === undefined ? 'nobody the platform knows' : `${account.login} (${account.id})`
}

/** The committer of such a commit is the platform; one that names a person is dressed up as that person's. */
export function dressedUp(commit: CommitFacts, bench: Bench): readonly Finding[] {
  const { id, subject, committer } = commit
  const name = principalOfEmail(committer.email, bench.law)
  if (name === undefined) return []
  return [
    findingFor(
      id,
      'source/committer-mismatch',
      `${commitText(id, subject)} is signed by the platform, but its committer is ${printable(committer.email, 100)} of ${name}`,
      { expected: 'the platform’s own address', found: committer.email },
    ),
  ]
}

function notAccepted({ id, subject, committer }: CommitFacts, bench: Bench): Finding {
  return findingFor(
    id,
    'source/platform-unsupported',
    `${commitText(id, subject)} is signed by the platform, not by a person, and ${lawText(bench)} accepts no such commit`,
    {
      expected: 'a signature of a principal’s own key',
      found: `the platform’s key, committer ${committer.email}`,
      remedy: platformRemedy(id),
    },
  )
}

export function platformRemedy(id: string): string {
  return `Merge or edit on your own machine and sign (git merge --no-ff -S BRANCH), or name the commit: exceptions: [{commit: ${id}, reason: "…", approved-by: NAME}]`
}

function contentFinding(
  { commit, evidence }: Pick<Backed, 'commit' | 'evidence'>,
  reasons: readonly string[],
  bench: Bench,
): Finding {
  const { id, subject, author } = commit
  const answer = evidence?.platform
  const known = answer?.kind === 'known' && answer.value.id === id ? answer.value.author : undefined
  const who = known === undefined ? `${printable(author.name, 60)} (as claimed)` : accountText(known)
  const why = [...new Set(reasons)].join('; ')
  return findingFor(
    id,
    'source/platform-content',
    `${commitText(id, subject)} is signed by the platform and counts as content of ${who}, which ${lawText(bench)} does not accept: ${why}`,
    { expected: 'a commit proved to hold only what principals signed', found: why, remedy: platformRemedy(id) },
  )
}

function unsignedFinding({ id, subject }: CommitFacts, reasons: readonly string[]): Finding {
  const why = [...new Set(reasons)].join('; ')
  return findingFor(
    id,
    'source/unsigned',
    `${commitText(id, subject)} carries no signature and is no rebased commit of a pull request: ${why}`,
  )
}
