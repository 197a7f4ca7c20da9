import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { FetchedBundle, FetchedBundles } from '../registry/fetched.ts'
import type { LegacySignature } from '../registry/legacy.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Artifact, EvidenceSource, Verifier } from './verify-request.ts'

/** What is known of one subject so far. */
export interface Evidence {
  readonly statements: readonly Verified<SignedStatement>[]
  readonly rejectedBundles: readonly Finding[]
  readonly incomplete: boolean
}

export const NO_EVIDENCE: Evidence = { statements: [], rejectedBundles: [], incomplete: false }

/** A bundle that does not verify is counted and named, never fatal, never evidence (13-adversary 26). */
export async function evidenceIn(fetched: FetchedBundles, verifier: Verifier, artifact: Artifact): Promise<Evidence> {
  const statements: Verified<SignedStatement>[] = []
  const rejectedBundles: Finding[] = [...fetched.skipped]
  let incomplete = !fetched.complete
  const check = async (name: string, verify: () => ReturnType<Verifier['bundle']>): Promise<void> => {
    try {
      statements.push(await verify())
    } catch (error) {
      const known = asWaybillError(error)
      // One of a kind that this version cannot read may hold what is looked for.
      if (known.kind !== 'rejected') incomplete = true
      rejectedBundles.push(findingOf(known, name, 'note'))
    }
  }
  for (const { bytes, manifest } of fetched.bundles) await check(manifest, () => verifier.bundle(bytes, artifact))
  for (const signature of fetched.legacy ?? []) await check(signature.manifest, () => legacy(signature, verifier))
  return { statements, rejectedBundles, incomplete }
}

function legacy(signature: LegacySignature, verifier: Verifier): Verified<SignedStatement> {
  if (verifier.legacy !== undefined) return verifier.legacy(signature)
  throw fail('verify/not-read', 'A signature in the form of cosign 2 is attached, which is not read here')
}

export function joined(a: Evidence, b: Evidence): Evidence {
  return {
    statements: [...new Map([...a.statements, ...b.statements].map(item => [nameOf(item), item])).values()],
    rejectedBundles: [...a.rejectedBundles, ...b.rejectedBundles],
    incomplete: a.incomplete || b.incomplete,
  }
}

/**
 * One statement may lie in several places. A signature of cosign ≤ 2 has no bundle, and what it is over are the same bytes for
 * everybody: by those alone a stranger's would stand in for the one that counts.
 */
function nameOf({ bundle, signer, signedAt }: SignedStatement): string {
  return `${bundle} ${signer.fingerprint} ${signedAt?.getTime() ?? 'no time'}`
}

/** Bytes of bundles that one run may read, whatever the number of its subjects (13-adversary 43). */
export class RunBudget {
  readonly #max: number
  #spent = 0

  constructor(max: number = LIMITS.gateBytes) {
    this.#max = max
  }

  /** The same place, under this budget. */
  under(source: EvidenceSource): EvidenceSource {
    const { holdsRecords } = source
    return Object.assign(() => this.take(source), holdsRecords === undefined ? {} : { holdsRecords })
  }

  /** @throws `verify/out-of-bytes` once it is spent: the caller's subject is then unknown, never rejected. */
  async take(source: EvidenceSource): Promise<FetchedBundles> {
    if (this.#spent >= this.#max)
      throw fail('verify/out-of-bytes', 'The bundles of this run are larger than is read in one run', {
        expected: `at most ${this.#max} bytes`,
      })
    const fetched = await source()
    this.#spent += bytesOf(fetched)
    return fetched
  }
}

function bytesOf({ bundles, legacy: signatures = [] }: FetchedBundles): number {
  const sizes = [...bundles.map(({ bytes }) => bytes), ...signatures.map(({ payload }) => payload)]
  return sizes.reduce((sum, bytes) => sum + bytes.byteLength, 0)
}

/** Keeps what was read only for a caller who will be told of it: memory is bounded by the subjects under way. */
export class Kept {
  readonly bundles: FetchedBundle[] = []
  readonly legacy: LegacySignature[] = []
  /** Names of the bundles that lay beside a file. */
  readonly beside = new Set<string>()
  readonly #wanted: boolean

  constructor(wanted: boolean) {
    this.#wanted = wanted
  }

  add({ bundles, legacy: signatures = [] }: FetchedBundles): void {
    for (const { manifest, beside } of bundles) if (beside === true) this.beside.add(manifest)
    if (!this.#wanted) return
    this.bundles.push(...bundles)
    this.legacy.push(...signatures)
  }
}
