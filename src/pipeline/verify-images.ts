import type { Digest } from '../core/digest.ts'
import { asWaybillError, type WaybillError } from '../core/error.ts'
import type { Receipt, StageReceipt, SubjectReceipt } from '../core/receipt.ts'
import { type Finding, findingOf, type Outcome, type Verdict, worst } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { type Expectation, judgeImage } from '../policy/gate.ts'
import type { FetchedBundles } from '../registry/bundles.ts'
import { inParallel } from '../registry/concurrency.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
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
  /** Checks one bundle against the trust root of the expectation. Throws when it proves nothing. */
  verify(bundle: Uint8Array, expectation: Expectation): Promise<Verified<SignedStatement>>
  /** The instant this run judges by. */
  readonly now: Date
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

export interface VerifyRequest {
  readonly images: readonly [string, ...string[]]
  /** The first rule that matches the canonical reference, or the flags. Throws `policy/no-rule`. */
  expectation(reference: Reference): Expectation
  readonly policy?: Receipt['policy']
}

/** Images judged at the same time: enough to hide latency, few enough to bound memory. */
const PARALLEL_IMAGES = 16

/** Judges every image on its own; one that fails never hides another. */
export async function verifyImages(request: VerifyRequest, ports: VerifyPorts): Promise<Receipt> {
  const started = ports.clock()
  const subjects = await inParallel(request.images, PARALLEL_IMAGES, image => verifyImage(image, request, ports))
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
    notChecked: NOT_CHECKED,
    notices: [],
  }
}

const NOT_CHECKED = [
  'Who wrote and reviewed the commits, and the base images: this version judges signature and provenance.',
]

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

/** Steps 2 to 6 of the gate for one resolved image. 7-verify-deploy § 1. */
export async function judge(
  image: ResolvedImage,
  expectation: Expectation,
  ports: Pick<VerifyPorts, 'bundles' | 'verify' | 'now'>,
): Promise<{ verdict: Verdict; findings: readonly Finding[]; statements: readonly Verified<SignedStatement>[] }> {
  const fetched = await ports.bundles(image.reference, image.digest)
  const { statements, rejected } = await verifyBundles(fetched, expectation, ports)
  const name = formatReference(image.reference)
  const subject = { name, digest: image.digest, platforms: image.platforms }
  const context = { rejectedBundles: [...fetched.skipped, ...rejected], incomplete: !fetched.complete, now: ports.now }
  const { verdict, findings } = judgeImage(subject, statements, expectation, context)
  return { verdict, findings, statements }
}

/** A bundle that does not verify is counted and named, never fatal, never evidence (13-adversary 26). */
async function verifyBundles(
  fetched: FetchedBundles,
  expectation: Expectation,
  ports: Pick<VerifyPorts, 'verify'>,
): Promise<{ statements: Verified<SignedStatement>[]; rejected: Finding[] }> {
  const statements: Verified<SignedStatement>[] = []
  const rejected: Finding[] = []
  for (const bundle of fetched.bundles) {
    try {
      statements.push(await ports.verify(bundle.bytes, expectation))
    } catch (error) {
      const known = asWaybillError(error)
      if (known.kind === 'configuration') throw known
      rejected.push(findingOf(known, bundle.manifest, 'note'))
    }
  }
  return { statements, rejected }
}

function receiptOf(name: string, digest: Digest, verdict: Verdict, findings: readonly Finding[]): SubjectReceipt {
  const basis = verdict.kind === 'passed' ? { basis: verdict.basis } : {}
  const cause = verdict.kind === 'unknown' ? [findingOf(verdict.cause, name)] : []
  return { name, digest, verdict: verdict.kind, ...basis, findings: [...cause, ...findings] }
}

function failed(image: string, error: WaybillError): SubjectReceipt {
  const verdict = error.kind === 'rejected' ? 'rejected' : 'unknown'
  return { name: image, digest: '', verdict, findings: [findingOf(error, image)] }
}
