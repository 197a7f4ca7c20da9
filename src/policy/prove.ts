import type { Digest } from '../core/digest.ts'
import type { Finding } from '../core/verdict.ts'
import { judgeClaimLink } from './claim-link.ts'
import {
  type Attempt,
  type Case,
  type Kind,
  type Link,
  type ProofPart,
  type Signed,
  statementsAbout,
} from './gate-case.ts'
import { distinct, finding } from './gate-findings.ts'
import type { Requirement, SourceRequirement } from './policy.ts'
import { builtFrom } from './provenance.ts'
import { isClaimRequirement, isSourceRequirement } from './requirements.ts'
import { judgeSourceLink } from './source-link.ts'
import { isOfKind, judgeStatement } from './statement-kind.ts'

/** Findings shown of statements that did not count; a flood of planted ones must not drown the rest. */
const MAX_FINDINGS = 20

/**
 * Items that one statement proves. All that hangs on a provenance hangs on the same one: a commit that was signed and another
 * that was reviewed, both of which gave these bytes, are not one commit that was both.
 */
interface Group {
  readonly kind: Kind
  readonly items: readonly [Requirement, ...Requirement[]]
}

/** Tries every requirement, in the order of the rule. */
export function proveAll(the: Case): readonly Attempt[] {
  const attempts = groupsOf(the.expectation.require).flatMap(group => prove(group, the))
  return the.expectation.require.flatMap(item => attempts.filter(({ requirement }) => requirement === item))
}

function groupsOf(require: readonly Requirement[]): readonly Group[] {
  const groups = new Map<Kind, [Requirement, ...Requirement[]]>()
  for (const item of require) {
    const kind = isSourceRequirement(item) || isClaimRequirement(item) ? 'provenance' : item
    const known = groups.get(kind)
    if (known === undefined) groups.set(kind, [item])
    else known.push(item)
  }
  return [...groups].map(([kind, items]) => ({ kind, items }))
}

/** Digests whose statements together prove the subject (13-adversary 21). */
interface Scope {
  readonly via: 'own' | 'index' | 'platforms'
  readonly digests: readonly [Digest, ...Digest[]]
}

function prove(group: Group, the: Case): readonly Attempt[] {
  const outcomes: { readonly scope: Scope; readonly found: readonly Outcome[] }[] = []
  for (const scope of scopesOf(the)) {
    const found = scope.digests.map(digest => bestAt(digest, group, the))
    if (found.every(({ complete }) => complete)) return attemptsOf(group, scope, found, the)
    outcomes.push({ scope, found })
  }
  const some = outcomes.find(({ found }) => found.some(({ complete }) => complete))
  if (some !== undefined) return partly(group, some.found, outcomes[0]?.found[0], the)
  // Where anything was found is told more than where nothing was.
  const told = outcomes.find(({ found }) => found.some(({ candidates }) => candidates > 0)) ?? outcomes[0]
  return told === undefined ? [] : attemptsOf(group, told.scope, told.found, the)
}

function scopesOf({ subject: { digest, parents = [], platforms = [] } }: Case): readonly Scope[] {
  const [first, ...more] = platforms
  return [
    { via: 'own', digests: [digest] },
    ...parents.map((parent): Scope => ({ via: 'index', digests: [parent] })),
    ...(first === undefined ? [] : [{ via: 'platforms', digests: [first, ...more] } as const]),
  ]
}

/** What the best statement about one digest proves. */
interface Outcome {
  readonly digest: Digest
  readonly candidates: number
  /** It holds, and so does everything that hangs on it. */
  readonly complete: boolean
  /** The statement that counts by itself and on which most else holds; absent when none counts. */
  readonly held?: Held
  /** Without one: what is held against each, closest first. */
  readonly against: readonly Finding[]
  readonly closest?: Signed
}

interface Held {
  readonly statement: Signed
  readonly links: ReadonlyMap<Requirement, Link>
}

function bestAt(digest: Digest, { kind, items }: Group, the: Case): Outcome {
  const candidates = statementsAbout(digest, the).filter(item => isOfKind(item, kind, the.expectation))
  const failed: { readonly statement: Signed; readonly findings: readonly Finding[] }[] = []
  let best: { readonly held: Held; readonly findings: number } | undefined
  for (const statement of candidates) {
    const findings = judgeStatement(kind, statement, the)
    if (findings.length > 0) {
      failed.push({ statement, findings })
      continue
    }
    const links = new Map(items.map(item => [item, follow(item, statement, digest, the)] as const))
    const held = { statement, links }
    const against = [...links.values()].reduce((sum, link) => sum + ('findings' in link ? link.findings.length : 0), 0)
    if (against === 0) return { digest, candidates: candidates.length, complete: true, held, against: [] }
    if (best === undefined || against < best.findings) best = { held, findings: against }
  }
  const sorted = failed.sort((a, b) => a.findings.length - b.findings.length)
  const [closest] = sorted
  return {
    digest,
    candidates: candidates.length,
    complete: false,
    ...(best === undefined ? {} : { held: best.held }),
    against: sorted.flatMap(({ findings }) => findings),
    ...(closest === undefined ? {} : { closest: closest.statement }),
  }
}

/** Step 5: from a statement that counts to what the item rests on besides. */
function follow(item: Requirement, statement: Signed, digest: Digest, the: Case): Link {
  if (isSourceRequirement(item)) return sourceOf(item, statement, the)
  if (!isClaimRequirement(item)) return { statements: [] }
  const { subject, expectation } = the
  const candidates = statementsAbout(digest, the)
    .filter(other => isOfKind(other, 'scai', expectation))
    .map(scai => ({ scai, against: judgeStatement('scai', scai, the) }))
  return judgeClaimLink({ requirement: item, provenance: statement, subject: subject.name }, candidates)
}

/** From the provenance's commit to its verification. */
function sourceOf(requirement: SourceRequirement, provenance: Signed, the: Case): Link {
  const known = the.sources.get(requirement) ?? new WeakMap<Signed, Link>()
  the.sources.set(requirement, known)
  const link = known.get(provenance) ?? linkToSource(requirement, provenance, the)
  known.set(provenance, link)
  return link
}

function linkToSource(
  requirement: SourceRequirement,
  provenance: Signed,
  { subject, signed, expectation }: Case,
): Link {
  const built = builtFrom(provenance.statement)
  const { source: rule, revoked } = expectation
  if (rule === undefined) throw new TypeError(`judgeImage() of ${requirement} without a rule for the source`)
  if (built !== undefined) return judgeSourceLink({ requirement, built, rule, revoked, subject: subject.name }, signed)
  const facts = { expected: 'a build from a commit', found: 'a provenance without one' }
  return { findings: [finding(subject, 'verify/builder-not-allowed', 'The provenance names no commit', facts)] }
}

function attemptsOf(group: Group, { via }: Scope, found: readonly Outcome[], the: Case): readonly Attempt[] {
  return group.items.map(requirement => {
    const parts = found.flatMap(outcome => partOf(requirement, outcome))
    const [first, ...more] = parts.flatMap(({ statements }) => statements)
    if (parts.length === found.length && first !== undefined)
      return { requirement, proof: { requirement, via, statements: [first, ...more], parts }, findings: [] }
    const failing = found.find(outcome => partOf(requirement, outcome).length === 0)
    const closest = failing?.held?.statement ?? failing?.closest
    return {
      requirement,
      findings: failing === undefined ? [] : against(requirement, group, failing, the),
      ...(closest === undefined ? {} : { closest }),
    }
  })
}

function partOf(requirement: Requirement, { digest, held }: Outcome): readonly ProofPart[] {
  const link = held?.links.get(requirement)
  if (held === undefined || link === undefined || 'findings' in link) return []
  return [{ digest, statements: [held.statement, ...link.statements] }]
}

function against(requirement: Requirement, group: Group, outcome: Outcome, the: Case): readonly Finding[] {
  const link = outcome.held?.links.get(requirement)
  if (link !== undefined && 'findings' in link) return distinct(link.findings).slice(0, MAX_FINDINGS)
  const findings = distinct(outcome.against).slice(0, MAX_FINDINGS)
  return findings.length > 0 ? findings : [nothing(group.kind, the)]
}

/** One signed child never vouches for its index (13-adversary 21). */
function partly(group: Group, found: readonly Outcome[], own: Outcome | undefined, the: Case): readonly Attempt[] {
  const { subject, expectation } = the
  const lacking = found.filter(({ complete }) => !complete).map(({ digest }) => digest)
  const shown = `${lacking.slice(0, 5).join(', ')}${lacking.length > 5 ? ` and ${lacking.length - 5} more` : ''}`
  const message = `The ${group.items.join(', ')} of ${lacking.length} platforms is not proved: ${shown}`
  const facts = { expected: expectation.description, found: shown }
  const findings = [
    finding(subject, 'verify/platform-unproven', message, facts),
    ...distinct(own?.against ?? []).slice(0, MAX_FINDINGS),
  ]
  return group.items.map(requirement => ({ requirement, findings }))
}

const NOUNS = {
  signature: 'signature',
  provenance: 'provenance',
  sbom: 'software bill of materials',
  'deploy-verified': 'deploy summary',
  scai: 'claims',
} as const satisfies Record<Kind, string>

function nothing(kind: Kind, { subject, signed, expectation, context }: Case): Finding {
  const others = signed.length === 0 ? '' : `; ${signed.length} verified about other digests or of other kinds`
  const ignored = context.rejectedBundles.length === 0 ? '' : `; ${context.rejectedBundles.length} not verifiable`
  const code = kind === 'deploy-verified' ? 'verify/no-deploy-summary' : 'verify/no-attestation'
  return finding(subject, code, `No ${NOUNS[kind]} of ${subject.digest} was found`, {
    expected: expectation.description,
    found: `nothing${others}${ignored}`,
  })
}
