import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { type Finding, findingOf, type Verdict } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { type Expectation, type ImageJudgement, judgeImage } from '../policy/gate.ts'
import type { FetchedBundles } from '../registry/fetched.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { withBundlePlace } from './bundle-place.ts'
import { withChange } from './quarantine-changed-file.ts'
import { type Evidence, evidenceIn, joined, Kept, NO_EVIDENCE, RunBudget } from './verify-evidence.ts'
import { runningKey } from './verify-plan.ts'
import type {
  Artifact,
  EvidenceSource,
  EvidenceSubject,
  FileSubjectRequest,
  ImageSubjectRequest,
  Relatives,
  Resolved,
  Verifier,
  VerifyBundle,
  VerifyPorts,
} from './verify-request.ts'

const PARALLEL_RELATIVES = 8

/** One digest with everything that is needed to judge it. */
interface Case {
  readonly name: string
  readonly subject: EvidenceSubject
  readonly expectation: Expectation
  readonly artifact: Artifact
  readonly verifier: Promise<Verifier>
  readonly sources: readonly EvidenceSource[]
  readonly relatives: () => Promise<Relatives>
}

const NO_RELATIVES: Relatives = { platforms: [], parents: [], complete: true, skipped: [] }

/** What all subjects of one run share. */
export class GateRun {
  readonly ports: VerifyPorts
  readonly budget: RunBudget
  readonly #judged = new Map<string, Promise<SubjectReceipt>>()

  constructor(ports: VerifyPorts, budget = new RunBudget()) {
    this.ports = ports
    this.budget = budget
  }

  /** Two tags of one digest are one image: same rule, same evidence, one verdict. */
  async once(key: string, name: string, judge: () => Promise<SubjectReceipt>): Promise<SubjectReceipt> {
    const running = this.#judged.get(key) ?? judge()
    this.#judged.set(key, running)
    return { ...(await running), name }
  }
}

/** Of an image: a tag is resolved once; of a digest the evidence is asked for at once. 7-verify-deploy § 1 */
export async function verifyImage(
  request: ImageSubjectRequest,
  expectation: Expectation,
  run: GateRun,
): Promise<SubjectReceipt> {
  const { reference, origin, running } = request
  const { ports } = run
  const name = formatReference(reference)
  const verifier = begun(ports.verifier(expectation, 'image'))
  const judge = (digest: Digest, resolved: Promise<Resolved>): Promise<SubjectReceipt> =>
    run.once(`${reference.canonical}@${digest}${runningKey(request)}`, name, async () => {
      const subject: EvidenceSubject = { kind: 'image', reference, origin, digest }
      const [own, ...later] = ports.evidence(subject, expectation)
      const first = begun(run.budget.take(own))
      // A digest that does not exist, or whose bytes are others, comes before anything that is said about it.
      const { relatives } = await resolved
      const sources = [() => first, ...later.map(source => run.budget.under(source))]
      return judgeCase({ name, subject, expectation, artifact: { digest }, verifier, sources, relatives }, run)
    })
  const resolved = begun(ports.resolve(reference, origin, expectation, running))
  return judge(reference.digest ?? (await resolved).digest, resolved)
}

/** Whatever comes of it is told where it is waited for. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}

/** Of a file: its digest is what is judged; its name is shown and proves nothing. */
export async function verifyFile(
  { name, path }: FileSubjectRequest,
  expectation: Expectation,
  run: GateRun,
): Promise<SubjectReceipt> {
  const verifier = begun(run.ports.verifier(expectation, 'file'))
  const { digest, content } = await run.ports.hashFile(path)
  const subject: EvidenceSubject = { kind: 'file', name, path, digest }
  const sources = run.ports.evidence(subject, expectation).map(source => run.budget.under(source))
  const artifact = { digest, content }
  return judgeCase(
    { name, subject, expectation, artifact, verifier, sources, relatives: async () => NO_RELATIVES },
    run,
  )
}

async function judgeCase(the: Case, { ports, budget }: GateRun): Promise<SubjectReceipt> {
  const { name, subject, expectation } = the
  const kept = new Kept(ports.judged !== undefined)
  const collected = await collectAndJudge(the, ports, budget, kept)
  const judgedReceipt = receiptOf(name, subject.digest, collected.judgement)
  const own = collected.statements.filter(({ bundle }) => kept.beside.has(bundle))
  const receipt =
    subject.kind === 'file' ? withBundlePlace(withChange(judgedReceipt, own, expectation.build)) : judgedReceipt
  const { statements, judgement } = collected
  const matched = judgement.verdict.kind === 'passed' ? judgement.matched : []
  const { bundles, legacy } = kept
  await ports.judged?.({ subject, expectation, receipt, matched, statements, bundles, legacy })
  return receipt
}

interface Collected {
  readonly judgement: ImageJudgement
  readonly statements: readonly Verified<SignedStatement>[]
}

/**
 * Steps 2 to 6 of the gate: collects from one place after the other until what is required is proved, then what is said of
 * the platforms of an index, of which every one must be proved, or of an index that lists the manifest (13-adversary 21).
 * Where the rule believes quarantine records, a pass rests on there being none: then every place is asked that may hold one,
 * also about the platforms (13-adversary 31). Bundles are let go once they are judged.
 */
async function collectAndJudge(
  the: Case,
  ports: Pick<VerifyPorts, 'evidence' | 'now'>,
  budget: RunBudget,
  kept: Kept,
): Promise<Collected> {
  const read = reader(await the.verifier, kept)
  const { quarantineBy, quarantined } = the.expectation
  const collected = new Collecting(the, ports.now)
  for (const [at, source] of the.sources.entries())
    if (collected.wants(source))
      collected.add(await (at === 0 ? read(source, the.artifact) : readLater(read, source, the)))
  const own = collected.passed
  if (own && quarantineBy === undefined && quarantined.length === 0) return collected.result
  collected.learn(await (own ? knownRelatives(the) : the.relatives()))
  const { platforms, parents } = collected.relatives
  const digests = own ? (quarantineBy === undefined ? [] : platforms) : [...platforms, ...parents]
  for (const round of roundsOf(digests, the, ports)) {
    const wanted = round.filter(({ source }) => collected.wants(source))
    const found = await inParallel(wanted, PARALLEL_RELATIVES, ({ source, digest }) =>
      readLater(read, budget.under(source), { ...the, artifact: { digest } }),
    )
    if (found.length > 0) collected.add(found.reduce(joined))
  }
  return collected.result
}

/** What is known of one subject, and what it comes to. */
class Collecting {
  readonly #the: Case
  readonly #now: Date
  #evidence = NO_EVIDENCE
  relatives = NO_RELATIVES
  result: Collected

  constructor(the: Case, now: Date) {
    this.#the = the
    this.#now = now
    this.result = this.#judge()
  }

  get passed(): boolean {
    return this.result.judgement.verdict.kind === 'passed'
  }

  /** Once everything is proved, a place may still tell what speaks against it. */
  wants({ holdsRecords }: EvidenceSource): boolean {
    return !this.passed || (this.#the.expectation.quarantineBy !== undefined && holdsRecords !== false)
  }

  add(evidence: Evidence): void {
    this.#evidence = joined(this.#evidence, evidence)
    this.result = this.#judge()
  }

  learn(relatives: Relatives): void {
    this.relatives = relatives
    this.add({ ...NO_EVIDENCE, rejectedBundles: relatives.skipped, incomplete: !relatives.complete })
  }

  #judge(): Collected {
    return judged(this.#the, this.#evidence, this.relatives, this.#now)
  }
}

/** Of an image that is proved by itself: a platform that nobody can name may be the one in quarantine. */
async function knownRelatives({ name, relatives }: Case): Promise<Relatives> {
  return relatives().catch(error => {
    const cause = asWaybillError(error)
    const message = `The platforms of ${name} cannot be read, and one of them may be in quarantine`
    throw fail('verify/incomplete', message, { found: `${cause.message} (${cause.code})`, cause })
  })
}

function judged(
  { name, subject, expectation }: Case,
  evidence: Evidence,
  { platforms, parents }: Relatives,
  now: Date,
): Collected {
  const { statements } = evidence
  const image = { name, digest: subject.digest, platforms, parents }
  return { judgement: judgeImage(image, statements, expectation, { ...evidence, now }), statements }
}

type Read = (source: EvidenceSource, artifact: Artifact) => Promise<Evidence>

function reader(verifier: Verifier, kept: Kept): Read {
  return async (source, artifact) => {
    const fetched = await source()
    kept.add(fetched)
    return evidenceIn(fetched, verifier, artifact)
  }
}

/** A further place that does not answer makes what is known incomplete; it does not take away what the others said. */
function readLater(read: Read, source: EvidenceSource, { artifact, subject }: Case): Promise<Evidence> {
  return read(source, artifact).catch(error => {
    const known = asWaybillError(error)
    if (known.kind === 'configuration') throw known
    return { ...NO_EVIDENCE, rejectedBundles: [findingOf(known, subject.digest, 'note')], incomplete: true }
  })
}

interface RelativeSource {
  readonly digest: Digest
  readonly source: EvidenceSource
}

/** The first places of all together, then the second ones, and so on. */
function roundsOf(
  digests: readonly Digest[],
  { subject, expectation }: Case,
  ports: Pick<VerifyPorts, 'evidence'>,
): readonly (readonly RelativeSource[])[] {
  const lists = digests.map(digest => ({ digest, sources: ports.evidence({ ...subject, digest }, expectation) }))
  const rounds = Math.max(0, ...lists.map(({ sources }) => sources.length))
  return Array.from({ length: rounds }, (_, at) =>
    lists.flatMap(({ digest, sources }) => {
      const source = sources[at]
      return source === undefined ? [] : [{ digest, source }]
    }),
  )
}

/** One image as a run sees it that has just published it: its digest and, for an index, the manifests of its platforms. */
export interface ResolvedImage {
  readonly reference: Reference
  readonly digest: Digest
  readonly platforms: readonly Digest[]
}

/** Steps 2 to 6 of the gate for one image whose bundles lie in one place: what the gate itself does, for a run's own check. */
export async function judge(
  { reference, digest, platforms }: ResolvedImage,
  expectation: Expectation,
  ports: {
    bundles(reference: Reference, digest: Digest): Promise<FetchedBundles>
    verifier(expectation: Expectation): Promise<VerifyBundle>
    readonly now: Date
  },
): Promise<{ verdict: Verdict; findings: readonly Finding[]; statements: readonly Verified<SignedStatement>[] }> {
  const source = (of: Digest): readonly [EvidenceSource] => [() => ports.bundles(reference, of)]
  const the: Case = {
    name: formatReference(reference),
    subject: { kind: 'image', reference, origin: 'typed', digest },
    expectation,
    artifact: { digest },
    verifier: ports.verifier(expectation).then(bundle => ({ bundle })),
    sources: source(digest),
    relatives: async () => ({ ...NO_RELATIVES, platforms }),
  }
  const world = { now: ports.now, evidence: (subject: EvidenceSubject) => source(subject.digest) }
  const { judgement, statements } = await collectAndJudge(the, world, new RunBudget(), new Kept(false))
  return { verdict: judgement.verdict, findings: judgement.findings, statements }
}

function receiptOf(name: string, digest: Digest, { verdict, findings, links }: ImageJudgement): SubjectReceipt {
  const basis = verdict.kind === 'passed' ? { basis: verdict.basis, by: verdict.by } : {}
  const cause = verdict.kind === 'unknown' ? [findingOf(verdict.cause, name)] : []
  return { name, digest, verdict: verdict.kind, ...basis, findings: [...cause, ...findings], links }
}
