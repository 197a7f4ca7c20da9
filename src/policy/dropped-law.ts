import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import { isMalformed, isRefused, type JudgedCommit, type LawFiles, type ValidSignature } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, lawText } from './bench.ts'
import { approveChange, changeFinding, makersOf } from './change-approval.ts'
import type { CommitJudgement } from './judgement.ts'
import { keyFindings } from './key.ts'
import { differentPaths, isWorkflowPath, type Law, parseLaw, partsOf } from './law.ts'
import { ownersOf } from './owner.ts'
import { isPlatformSigned } from './platform.ts'
import type { ChangeRule } from './policy.ts'
import type { StepJudgement } from './step.ts'

/** A commit that was brought in, whose law files are not those of its first parent. */
export interface BroughtLaw {
  readonly commit: CommitId
  readonly law: LawFiles
  readonly before: LawFiles
  /** The last place on the line that it descends from; -1: the anchor, or below it. */
  readonly since: number
}

/** A law that was accepted on the line, and the place of the commit that brought it; -1: the anchor. */
export interface AcceptedLaw {
  readonly place: number
  readonly law: Law
}

/**
 * A change of the law that a merge brought in and does not hold. Whoever may push can make a merge the wrong way round, with
 * his own old branch as first parent and the protected branch as second: then every change of the law since, his own removal
 * among them, would lie beside the line and never have been. So a change by somebody who could make one is not lost silently.
 */
export interface DroppedLaw {
  /** The merge. */
  readonly by: CommitId
  /** The commit that made the change, and its law. */
  readonly change: CommitId
  readonly law: Law
}

type Kind = 'workflows' | 'policy'

/** Whether one of the laws of this line says that whoever signed this may change it: only then its law files matter. */
export function mayHaveChangedLaw(accepted: readonly AcceptedLaw[], commit: JudgedCommit): boolean {
  return isByChanger(accepted, commit, 'policy') || isByChanger(accepted, commit, 'workflows')
}

function isByChanger(accepted: readonly AcceptedLaw[], commit: JudgedCommit, kind: Kind): boolean {
  if (isMalformed(commit)) return false
  const { signature } = commit
  if (signature.kind === 'none' || isRefused(signature)) return false
  return distinctLaws(accepted).some(law => isAllowed(signature, law, ruleOf(law, kind)))
}

const DISTINCT = new WeakMap<readonly AcceptedLaw[], readonly Law[]>()

/** One of all laws that say the same about people; most changes are of workflows, and every commit is asked about. */
function distinctLaws(accepted: readonly AcceptedLaw[]): readonly Law[] {
  const known = DISTINCT.get(accepted)
  if (known !== undefined) return known
  const textOf = ({ policyDigest, policy, parts }: Law) =>
    [policyDigest, ...policy.files.map(({ path }) => parts.get(path) ?? '')].join(' ')
  const laws = [...new Map(accepted.map(({ law }) => [textOf(law), law])).values()]
  DISTINCT.set(accepted, laws)
  return laws
}

function isAllowed(signature: ValidSignature, law: Law, { signers }: ChangeRule): boolean {
  const [owner, second] = isPlatformSigned(signature, law) ? [] : ownersOf(signature, law)
  return owner !== undefined && second === undefined && signers.has(owner.principal.name)
}

function ruleOf({ policy: { policyChange } }: Law, kind: Kind): ChangeRule {
  return kind === 'workflows' ? policyChange.workflows : policyChange
}

interface Change extends BroughtLaw {
  readonly parsed: Law
  readonly paths: readonly string[]
  readonly parts: Law['parts']
  readonly kind: Kind
}

/**
 * Changes that the merge drops: of each law path the latest ones that were brought in must stand in it, or once have stood on
 * the line since they left it, or the merge must be one that the changed law itself allows.
 */
export function droppedLaws(
  step: { readonly broughtIn: readonly JudgedCommit[]; readonly broughtLaws?: readonly BroughtLaw[]; law: LawFiles },
  judgement: StepJudgement,
  accepted: readonly AcceptedLaw[],
  bench: Bench,
): readonly DroppedLaw[] {
  const changes = (step.broughtLaws ?? []).flatMap(brought => changeOf(brought, step.broughtIn, accepted))
  if (changes.length === 0) return []
  const below = ancestorsIn(step.broughtIn, new Set(changes.map(({ commit }) => commit)))
  const lost = changes.filter(change => {
    const later = changes.filter(other => below.get(other.commit)?.has(change.commit) === true)
    const latest = change.paths.filter(path => !later.some(({ paths }) => paths.includes(path)))
    return latest.some(path => isLost(path, change, step.law, accepted))
  })
  return lost
    .filter(({ parsed, kind, commit }) => !standsUnder(judgement, parsed, kind, { ...bench, lawAt: commit }))
    .map(({ commit, parsed }) => ({ by: judgement.step.commit.id, change: commit, law: parsed }))
}

function changeOf(
  brought: BroughtLaw,
  broughtIn: readonly JudgedCommit[],
  accepted: readonly AcceptedLaw[],
): readonly Change[] {
  const commit = broughtIn.find(({ id }) => id === brought.commit)
  const parsed = parsedLaw(brought.law)
  // What no reader takes for a law could not have been accepted.
  if (commit === undefined || parsed === undefined) return []
  const named = namesOf([parsed, ...accepted.map(({ law }) => law)])
  const parts = partsOf(brought.law, named)
  const paths = differentPaths(partsOf(brought.before, named), parts)
  const kind = paths.every(isWorkflowPath) ? 'workflows' : 'policy'
  return paths.length > 0 && isByChanger(accepted, commit, kind) ? [{ ...brought, parsed, paths, parts, kind }] : []
}

function parsedLaw(files: LawFiles): Law | undefined {
  try {
    return parseLaw(files)
  } catch (error) {
    if (error instanceof WaybillError) return undefined
    throw error
  }
}

function namesOf(laws: readonly Law[]): ReadonlySet<string> {
  return new Set(laws.flatMap(({ policy }) => policy.files.map(({ path }) => path)))
}

function isLost(path: string, { parts, since }: Change, files: LawFiles, accepted: readonly AcceptedLaw[]): boolean {
  const wanted = parts.get(path)
  if (partsOf(files, new Set([path])).get(path) === wanted) return false
  return !accepted.some(({ place, law }) => place > since && law.parts.get(path) === wanted)
}

/** Which of the wanted commits lie below each of them, among what was brought in. */
function ancestorsIn(
  broughtIn: readonly JudgedCommit[],
  wanted: ReadonlySet<CommitId>,
): ReadonlyMap<CommitId, ReadonlySet<CommitId>> {
  const parents = new Map(broughtIn.map(commit => [commit.id, commit.parents]))
  return new Map([...wanted].map(id => [id, below(id, parents, wanted)]))
}

function below(
  id: CommitId,
  parents: ReadonlyMap<CommitId, readonly CommitId[]>,
  wanted: ReadonlySet<CommitId>,
): ReadonlySet<CommitId> {
  const seen = new Set<CommitId>()
  const open = [...(parents.get(id) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    open.push(...(parents.get(next) ?? []))
  }
  return new Set([...seen].filter(item => wanted.has(item)))
}

/**
 * Whether the makers of a commit may change the law under this other law as well, by their keys: names can be given to somebody
 * else on the line.
 */
export function standsUnder(judgement: StepJudgement, law: Law, kind: Kind, bench: Bench): boolean {
  const there = { ...bench, law }
  const makers = makersOf(judgement)
  return (
    makers.every(maker => mayUnder(maker, kind, there)) && approveChange(judgement, kind, there).kind === 'approved'
  )
}

function mayUnder(maker: CommitJudgement, kind: Kind, bench: Bench): boolean {
  const { signature } = maker
  if (signature === undefined || !isAllowed(signature, bench.law, ruleOf(bench.law, kind))) return false
  return keyFindings(maker, signature, [], bench, ownersOf(signature, bench.law)[0]?.signer).length === 0
}

export function droppedFinding({ change }: DroppedLaw, commit: CommitJudgement, bench: Bench): Finding {
  return changeFinding(
    'policy/dropped-change',
    commit,
    `brings in commit ${change.slice(0, 7)}, which changed the law, and does not hold that change; ${lawText(bench)} is older`,
    { expected: `the law of ${change}, or a merge by somebody whom that law allows to change it`, found: 'neither' },
  )
}
