import { type Digest, hexOf } from '../core/digest.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Expectation } from './expectation.ts'
import type { Requirement, SourceRequirement } from './policy.ts'

export type Signed = Verified<SignedStatement>

/** What is judged: an image or a file. Every digest was resolved and its bytes hashed before. */
export interface ImageSubject {
  /** As the user knows it; for findings. */
  readonly name: string
  readonly digest: Digest
  /** For an index: its platform manifests that are deployed, all of them (attestation manifests are none). */
  readonly platforms?: readonly Digest[]
  /** For a platform manifest: indexes whose own bytes list it. */
  readonly parents?: readonly Digest[]
}

export interface GateContext {
  /** Why bundles could not be verified, one finding each. Named, never evidence (13-adversary 26). */
  readonly rejectedBundles: readonly Finding[]
  /** The list of bundles was capped, broken or partly unreachable. */
  readonly incomplete: boolean
  readonly now: Date
}

/** What a statement may prove by its type alone; source and materials hang on a provenance. */
export type Kind = 'signature' | 'provenance' | 'sbom' | 'deploy-verified' | 'scai'

/** One subject with everything known about it. */
export interface Case {
  readonly subject: ImageSubject
  readonly signed: readonly Signed[]
  readonly expectation: Expectation
  readonly context: GateContext
  /** Statements by the hex of each of their subjects: with thousands of subjects a search for each question would be slow. */
  readonly about: ReadonlyMap<string, readonly Signed[]>
  /** What was held against a statement of a kind; an index asks the same for each of its platforms. */
  readonly judged: Map<Kind, WeakMap<Signed, readonly Finding[]>>
  /** What the source of a provenance came to, which is the same for each of its subjects. */
  readonly sources: Map<SourceRequirement, WeakMap<Signed, Link>>
}

/** What a statement rests on besides itself, or why it does not hold. */
export type Link = { readonly statements: readonly Signed[] } | { readonly findings: readonly Finding[] }

export interface Proof {
  readonly requirement: Requirement
  /** By a statement about the digest itself, about an index that lists it, or about every platform. */
  readonly via: 'own' | 'index' | 'platforms'
  /** Of every part, in order; the first is the one about the digest. */
  readonly statements: readonly [Signed, ...Signed[]]
  /** One for each digest it is proved of; of an own or index proof there is one. */
  readonly parts: readonly ProofPart[]
}

export interface ProofPart {
  readonly digest: Digest
  /** About the digest, then what it rests on: of a source item provenance, summary, detail; of materials provenance, SCAI. */
  readonly statements: readonly [Signed, ...Signed[]]
}

/** One requirement after judging. */
export interface Attempt {
  readonly requirement: Requirement
  readonly proof?: Proof
  /** Why it does not hold; empty exactly when there is a proof. */
  readonly findings: readonly Finding[]
  /** Without a proof: the statement that came closest. */
  readonly closest?: Signed
}

export function caseOf(
  subject: ImageSubject,
  signed: readonly Signed[],
  expectation: Expectation,
  context: GateContext,
): Case {
  return {
    subject,
    signed,
    expectation,
    context,
    about: bySubject(signed),
    judged: new Map(),
    sources: new Map(),
  }
}

/** Statements about exactly this digest. */
export function statementsAbout(digest: Digest, { about }: Case): readonly Signed[] {
  return about.get(hexOf(digest)) ?? []
}

/** Step 4: the subject's own digest, the same algorithm, whole. Names of subjects are the signer's choice and ignored. */
function bySubject(signed: readonly Signed[]): ReadonlyMap<string, readonly Signed[]> {
  const about = new Map<string, Signed[]>()
  for (const item of signed) {
    const own = item.statement.subject.flatMap(({ digest }) => (Object.hasOwn(digest, 'sha256') ? [digest.sha256] : []))
    for (const hex of new Set(own)) {
      const list = about.get(hex ?? '')
      if (list === undefined) about.set(hex ?? '', [item])
      else list.push(item)
    }
  }
  return about
}
