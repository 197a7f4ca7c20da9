import type { Digest } from '../core/digest.ts'
import { asWaybillError, type WaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { type Finding, findingOf, type Outcome, type Verdict, worst } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { type Expectation, judgeImage } from '../policy/gate.ts'
import type { Requirement } from '../policy/policy.ts'
import type { FetchedBundles } from '../registry/bundles.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { Receipt, StageReceipt, SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'

/** One image as the gate sees it: its digest and, for an index, the manifests of its platforms. */
export interface ResolvedImage {
  readonly reference: Reference
  readonly digest: Digest
  readonly platforms: readonly Digest[]
}

/** All that the gate may ask of the world. Safe to call concurrently. */
export interface VerifyPorts {
  /** Resolves the tag once; everything later is by digest. */
  resolve(reference: Reference): Promise<ResolvedImage>
  /** Raw bundle bytes attached to the digest, bounded. Never parsed, never trusted. */
  bundles(reference: Reference, digest: Digest): Promise<FetchedBundles>
  /**
   * Loads the one trust root that the expectation names and gives the check of a bundle against it.
   * Throws `sigstore/trust-unavailable`: without a root nothing is known about any bundle.
   */
  verifier(expectation: Expectation): Promise<VerifyBundle>
  /** The instant this run judges by. */
  readonly now: Date
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

/** Throws a `sigstore/…` or `statements/…` error when the bundle proves nothing. */
export type VerifyBundle = (bundle: Uint8Array) => Verified<SignedStatement>

export interface VerifyRequest {
  readonly images: readonly [string, ...string[]]
  /** The first rule that matches the canonical reference, or the flags. Throws `policy/no-rule`. */
  expectation(reference: Reference): Expectation
  readonly policy?: Receipt['policy']
}

/** Images judged at the same time: enough to hide latency, few enough to bound memory. */
const PARALLEL_IMAGES = 16
const PARALLEL_PLATFORMS = 8

/** Judges every image on its own; one that fails never hides another. */
export async function verifyImages(request: VerifyRequest, ports: VerifyPorts): Promise<Receipt> {
  const started = ports.clock()
  const asked: Expectation[] = []
  const noting = {
    ...request,
    expectation: (reference: Reference) => {
      const expectation = request.expectation(reference)
      asked.push(expectation)
      return expectation
    },
  }
  const subjects = await inParallel(request.images, PARALLEL_IMAGES, image => verifyImage(image, noting, ports))
  const [first, ...rest] = subjects.map(subject => subject.verdict as Outcome)
  const verdict = first === undefined ? 'unknown' : worst([first, ...rest])
  const stage: StageReceipt = { name: 'judge', state: verdict, ms: Math.round(ports.clock() - started) }
  return {
    schemaVersion: 1,
    command: 'verify image',
    verdict,
    subjects,
    stages: [stage],
    attestations: [],
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    notChecked: notChecked(asked),
    notices: [],
  }
}

/** A requirement that stands in no rule was not judged, and nobody must think that it was. */
function notChecked(asked: readonly Expectation[]): readonly string[] {
  const all = (items: readonly Requirement[]) =>
    asked.length > 0 && asked.every(({ require }) => items.some(item => require.includes(item)))
  return [
    ...(all(['source-signed', 'source-accepted', 'source-reviewed'])
      ? []
      : ['Who wrote the commits: nothing is required of the source of every image.']),
    ...(all(['source-reviewed']) ? [] : ['Who reviewed the commits: no review is required of every image.']),
    'The base images, and whatever else a build downloads.',
  ]
}

/** @throws only `configuration` errors: what was asked could not be understood, so nothing was judged. */
async function verifyImage(image: string, request: VerifyRequest, ports: VerifyPorts): Promise<SubjectReceipt> {
  try {
    const reference = parseReference(image)
    const expectation = request.expectation(reference)
    const resolved = await ports.resolve(reference)
    const { verdict, findings } = await judge(resolved, expectation, ports)
    return receiptOf(formatReference(reference), resolved.digest, verdict, findings)
  } catch (error) {
    const known = asWaybillError(error)
    if (known.kind === 'configuration') throw known
    return failed(image, known)
  }
}

/**
 * Steps 2 to 6 of the gate for one resolved image. 7-verify-deploy § 1.
 * An index that is not proved by its own statements may be proved by those of its every platform (13-adversary 21); they
 * are only fetched then.
 */
export async function judge(
  image: ResolvedImage,
  expectation: Expectation,
  ports: Pick<VerifyPorts, 'bundles' | 'verifier' | 'now'>,
): Promise<{ verdict: Verdict; findings: readonly Finding[]; statements: readonly Verified<SignedStatement>[] }> {
  const { reference, digest, platforms } = image
  const verify = await ports.verifier(expectation)
  const subject = { name: formatReference(reference), digest, platforms }
  const judged = (evidence: Evidence) => ({
    ...judgeImage(subject, evidence.statements, expectation, { ...evidence, now: ports.now }),
    statements: evidence.statements,
  })
  const own = evidenceIn(await ports.bundles(reference, digest), verify)
  const first = judged(own)
  if (first.verdict.kind === 'passed' || platforms.length === 0) return first
  const below = await inParallel(platforms, PARALLEL_PLATFORMS, platform => ports.bundles(reference, platform))
  return judged(below.map(fetched => evidenceIn(fetched, verify)).reduce(joined, own))
}

interface Evidence {
  readonly statements: readonly Verified<SignedStatement>[]
  readonly rejectedBundles: readonly Finding[]
  readonly incomplete: boolean
}

/** A bundle that does not verify is counted and named, never fatal, never evidence (13-adversary 26). */
function evidenceIn(fetched: FetchedBundles, verify: VerifyBundle): Evidence {
  const statements: Verified<SignedStatement>[] = []
  const rejectedBundles: Finding[] = [...fetched.skipped]
  let incomplete = !fetched.complete
  for (const bundle of fetched.bundles) {
    try {
      statements.push(verify(bundle.bytes))
    } catch (error) {
      const known = asWaybillError(error)
      // One of a kind that this version cannot read may hold what is looked for.
      if (known.kind !== 'rejected') incomplete = true
      rejectedBundles.push(findingOf(known, bundle.manifest, 'note'))
    }
  }
  return { statements, rejectedBundles, incomplete }
}

function joined(a: Evidence, b: Evidence): Evidence {
  return {
    statements: [...a.statements, ...b.statements],
    rejectedBundles: [...a.rejectedBundles, ...b.rejectedBundles],
    incomplete: a.incomplete || b.incomplete,
  }
}

function receiptOf(name: string, digest: Digest, verdict: Verdict, findings: readonly Finding[]): SubjectReceipt {
  const basis = verdict.kind === 'passed' ? { basis: verdict.basis, by: verdict.by } : {}
  const cause = verdict.kind === 'unknown' ? [findingOf(verdict.cause, name)] : []
  return { name, digest, verdict: verdict.kind, ...basis, findings: [...cause, ...findings] }
}

function failed(image: string, error: WaybillError): SubjectReceipt {
  const verdict = error.kind === 'rejected' ? 'rejected' : 'unknown'
  return { name: image, digest: '', verdict, findings: [findingOf(error, image)] }
}
