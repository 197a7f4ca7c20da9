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
  /** Of these, what came from a bundle beside the file itself. */
  readonly beside: readonly Verified<SignedStatement>[]
  readonly rejectedBundles: readonly Finding[]
  readonly incomplete: boolean
}

export const NO_EVIDENCE: Evidence = { statements: [], beside: [], rejectedBundles: [], incomplete: false }

/** A bundle that does not verify is counted and named, never fatal, never evidence (13-adversary 26). */
export async function evidenceIn(fetched: FetchedBundles, verifier: Verifier, artifact: Artifact): Promise<Evidence> {
  const statements: Verified<SignedStatement>[] = []
  const own: Verified<SignedStatement>[] = []
  const rejectedBundles: Finding[] = [...fetched.skipped]
  let incomplete = !fetched.complete
  const check = async (name: string, verify: () => ReturnType<Verifier['bundle']>, beside = false): Promise<void> => {
    try {
      const statement = await verify()
      statements.push(statement)
      if (beside) own.push(statement)
    } catch (error) {
      const known = asWaybillError(error)
      // One of a kind that this version cannot read may hold what is looked for.
      if (known.kind !== 'rejected') incomplete = true
      rejectedBundles.push(findingOf(known, name, 'note'))
    }
  }
  for (const { bytes, manifest, beside } of fetched.bundles)
    await check(manifest, () => verifier.bundle(bytes, artifact), beside)
  for (const signature of fetched.legacy ?? []) await check(signature.manifest, () => legacy(signature, verifier))
  return { statements, beside: own, rejectedBundles, incomplete }
}

function legacy(signature: LegacySignature, verifier: Verifier): Verified<SignedStatement> {
  if (verifier.legacy !== undefined) return verifier.legacy(signature)
  throw fail('verify/not-read', 'A signature in the form of cosign 2 is attached, which is not read here')
}

export function joined(a: Evidence, b: Evidence): Evidence {
  return {
    // One statement may lie in several places; its bundle is its name.
    statements: [...new Map([...a.statements, ...b.statements].map(item => [item.bundle, item])).values()],
    beside: [...a.beside, ...b.beside],
    rejectedBundles: [...a.rejectedBundles, ...b.rejectedBundles],
    incomplete: a.incomplete || b.incomplete,
  }
}

/** Bytes of bundles that one run may read, whatever the number of its subjects (13-adversary 43). */
export class RunBudget {
  readonly #max: number
  #spent = 0

  constructor(max: number = LIMITS.gateBytes) {
    this.#max = max
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
  readonly #wanted: boolean

  constructor(wanted: boolean) {
    this.#wanted = wanted
  }

  add({ bundles, legacy: signatures = [] }: FetchedBundles): void {
    if (!this.#wanted) return
    this.bundles.push(...bundles)
    this.legacy.push(...signatures)
  }
}
