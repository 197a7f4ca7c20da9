import type { Digest } from '../core/digest.ts'
import { worst } from '../core/verdict.ts'
import type { Attempt, Case, ProofPart, Signed } from './gate-case.ts'
import type { Requirement } from './policy.ts'
import { builtFrom } from './provenance.ts'
import type { QuarantineJudgement } from './quarantine.ts'
import { isClaimRequirement, isSourceRequirement } from './requirements.ts'
import { observedText } from './signer.ts'

/**
 * One link of a subject's chain, with what it rests on below it: the tree that people see (7-verify-deploy § 1, step 6). Pure
 * data; the words that a signer chose are in `by` alone, and printable.
 */
export interface ChainLink {
  readonly link:
    | 'signature'
    | 'provenance'
    | 'commit'
    | 'source'
    | 'source-detail'
    | 'materials'
    | 'sbom'
    | 'reproducible'
    | 'deploy'
    | 'quarantine'
  readonly state: LinkState
  /** What it is about or rests on: a digest, a commit id. */
  readonly digest?: string
  readonly by?: string
  /** ISO 8601, of a trusted service. */
  readonly signedAt?: string
  /** SHA-256 of the bundle. */
  readonly bundle?: Digest
  readonly log?: { readonly url: string; readonly index: string }
  readonly below: readonly ChainLink[]
}

export type LinkState = 'passed' | 'rejected' | 'unknown' | 'not-asked'

/**
 * The chain as a tree: a root for each requirement, except that what hangs on a provenance's commit hangs below it. What nobody
 * asked for stands in it as `not-asked`, where a reader would look for it.
 */
export function chainOf(
  attempts: readonly Attempt[],
  the: Case,
  quarantine: QuarantineJudgement,
): readonly ChainLink[] {
  const of = (...items: readonly Requirement[]) => attempts.filter(({ requirement }) => items.includes(requirement))
  const materials = of('materials-verified', 'materials-pinned', 'closed-world')
  const built = attempts.some(({ requirement }) => hangsOnProvenance(requirement))
  return [
    ...rootsOf('signature', of('signature'), 0, the),
    ...(built ? [provenanceRoot(attempts, the)] : []),
    ...(built && materials.length === 0 ? [notAsked('materials')] : rootsOf('materials', materials, 1, the)),
    ...rootsOf('sbom', of('sbom'), 0, the),
    ...rootsOf('reproducible', of('reproducible'), 1, the),
    ...(the.expectation.stage === 'run' && of('deploy-verified').length === 0
      ? [notAsked('deploy')]
      : rootsOf('deploy', of('deploy-verified'), 0, the)),
    quarantineRoot(quarantine, the),
  ]
}

function hangsOnProvenance(item: Requirement): boolean {
  return item === 'provenance' || isSourceRequirement(item) || isClaimRequirement(item)
}

/** Requirements that one statement of each part proves, as one root; `at`: where it stands in the part. */
function rootsOf(link: ChainLink['link'], attempts: readonly Attempt[], at: number, the: Case): readonly ChainLink[] {
  if (attempts.length === 0) return []
  const proof = attempts.find(attempt => attempt.proof !== undefined)?.proof
  const parts = proof?.parts ?? []
  const state = stateOf(attempts, the)
  const closest = attempts.find(attempt => attempt.closest !== undefined)?.closest
  const told = at === 0 && closest !== undefined ? factsOf(closest) : {}
  if (parts.length === 0) return [{ link, state, digest: the.subject.digest, ...told, below: [] }]
  return [byPart(link, parts, state, the, part => ({ ...factsOf(part.statements[at]), below: [] }))]
}

function provenanceRoot(attempts: readonly Attempt[], the: Case): ChainLink {
  const mine = attempts.filter(({ requirement }) => hangsOnProvenance(requirement))
  const sources = mine.filter(({ requirement }) => isSourceRequirement(requirement))
  const proven = mine.find(({ proof }) => proof !== undefined)?.proof
  // A provenance that counts holds, also where the source behind it does not.
  const own = mine.filter(({ requirement }) => requirement === 'provenance')
  const state = proven !== undefined && own.every(({ proof }) => proof !== undefined) ? 'passed' : stateOf(mine, the)
  if (proven === undefined) {
    const closest = mine.find(attempt => attempt.closest !== undefined)?.closest
    const told = closest === undefined ? {} : factsOf(closest)
    return { link: 'provenance', state, digest: the.subject.digest, ...told, below: [] }
  }
  return byPart('provenance', proven.parts, state, the, ({ digest, statements: [statement] }) => ({
    ...factsOf(statement),
    below: [commitLink(statement, digest, sources, the)],
  }))
}

/** One node where one statement speaks of all, else one for each part below it. */
function byPart(
  link: ChainLink['link'],
  parts: readonly ProofPart[],
  state: LinkState,
  the: Case,
  draw: (part: ProofPart) => Pick<ChainLink, 'by' | 'signedAt' | 'bundle' | 'log' | 'below'>,
): ChainLink {
  const { digest } = the.subject
  const different = new Map(parts.map(part => [part.statements[0].bundle, part]))
  const [only, ...more] = different.values()
  if (only !== undefined && more.length === 0) return { link, state, digest, ...draw(only) }
  const below = [...different.values()].map(part => ({ link, state, digest: part.digest, ...draw(part) }))
  return { link, state, digest, below }
}

function commitLink(provenance: Signed, digest: Digest, sources: readonly Attempt[], the: Case): ChainLink {
  const built = builtFrom(provenance.statement)
  if (built === undefined) return notAsked('commit')
  return {
    link: 'commit',
    state: 'passed',
    digest: built.commit,
    below: [sourceLink(built.commit, digest, sources, the)],
  }
}

function sourceLink(commit: string, digest: Digest, sources: readonly Attempt[], the: Case): ChainLink {
  if (sources.length === 0) return notAsked('source')
  const parts = sources.flatMap(({ proof }) => proof?.parts ?? [])
  const [, summary, detail] = parts.find(part => part.digest === digest)?.statements ?? []
  const node = { link: 'source', state: stateOf(sources, the), digest: commit } as const
  if (summary === undefined || detail === undefined) return { ...node, below: [] }
  const below: ChainLink = {
    link: 'source-detail',
    state: node.state,
    digest: detail.payload,
    ...factsOf(detail),
    below: [],
  }
  return { ...node, ...factsOf(summary), below: [below] }
}

function quarantineRoot(
  { against, record, asked }: QuarantineJudgement,
  { subject, expectation, context }: Case,
): ChainLink {
  const open = context.incomplete && expectation.quarantineBy !== undefined
  const state = against.length > 0 ? 'rejected' : !asked ? 'not-asked' : open ? 'unknown' : 'passed'
  const told = record === undefined ? {} : factsOf(record)
  return { link: 'quarantine', state, digest: subject.digest, ...told, below: [] }
}

/** What is missing may stand in the part that could not be read. */
function stateOf(attempts: readonly Attempt[], { context }: Case): LinkState {
  const [first, ...more] = attempts.map(({ proof }) =>
    proof !== undefined ? 'passed' : context.incomplete ? 'unknown' : 'rejected',
  )
  return first === undefined ? 'not-asked' : worst([first, ...more])
}

function factsOf(signed: Signed | undefined): Pick<ChainLink, 'by' | 'signedAt' | 'bundle' | 'log'> {
  if (signed === undefined) return {}
  const { signer, signedAt, bundle, log } = signed
  return {
    by: observedText(signer),
    ...(signedAt === undefined ? {} : { signedAt: signedAt.toISOString() }),
    bundle,
    ...(log === undefined ? {} : { log }),
  }
}

function notAsked(link: ChainLink['link']): ChainLink {
  return { link, state: 'not-asked', below: [] }
}
