import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import { formatReference } from '../registry/reference.ts'
import type { Inspection } from '../report/inspection.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import { chainOfFound } from './inspect-chain.ts'
import { originOf } from './inspect-origin.ts'
import type { Found, InspectPorts, InspectRequest } from './inspect-request.ts'
import { failedReceipt } from './subject-receipt.ts'
import { type Evidence, evidenceIn, joined, NO_EVIDENCE, RunBudget } from './verify-evidence.ts'
import type { EvidenceSource, EvidenceSubject, Relatives, Resolved, Verifier } from './verify-request.ts'
import { GateRun, verifyImage } from './verify-subject.ts'

const PARALLEL = 8

/**
 * Collects everything that is said of an image, by anybody, in every place, and puts it in order. With an expectation the gate
 * judges the same evidence, and its verdict stands beside; without one nothing is judged, and nothing is called passed.
 * @throws what resolving the reference and loading the trust root throw; whatever else fails is named in `ignored`.
 */
export async function inspect(request: InspectRequest, world: InspectPorts): Promise<Inspection> {
  const { reference, reach, expectation, policy } = request
  const ports = remembering(world)
  const resolved = await ports.resolve(reference, 'typed', reach)
  const verifier = await ports.verifier(reach, 'image')
  const { digest } = resolved
  const [image, relatives] = await Promise.all([ports.image(reference, digest), relativesOf(resolved)])
  const platforms = distinct([...relatives.platforms, ...image.platforms.map(item => item.digest)], digest)
  const around = { platforms, parents: relatives.parents }
  const evidence = await collect([digest, ...platforms, ...relatives.parents], request, ports, verifier)
  const gate = request.unruled ?? (expectation && (await judged(request, ports)))
  const found: Found = {
    digest,
    image,
    relatives: around,
    statements: evidence.statements,
    ignored: [...image.skipped, ...relatives.skipped, ...distinctFindings(evidence.rejectedBundles)],
    complete: !evidence.incomplete && relatives.complete,
    ...(gate === undefined ? {} : { gate }),
  }
  const { origin, stories } = originOf(found)
  return {
    name: formatReference(reference),
    digest,
    ...(image.kind === undefined ? {} : { kind: image.kind }),
    platforms: image.platforms,
    labels: image.labels,
    chain: chainOfFound(found),
    ...(origin === undefined ? {} : { origin }),
    stories,
    ignored: found.ignored,
    complete: found.complete,
    trust: request.trust,
    ...(expectation === undefined ? {} : { expected: expectation.description }),
    ...(gate === undefined ? {} : { gate }),
    ...(policy === undefined ? {} : { policy }),
  }
}

/** Bundles are fetched once, whoever asks: the gate judges what the description shows. */
function remembering(world: InspectPorts): InspectPorts {
  const known = new Map<string, ReturnType<InspectPorts['evidence']>>()
  const once = (source: EvidenceSource): EvidenceSource => {
    const { holdsRecords } = source
    let asked: ReturnType<EvidenceSource> | undefined
    const ask = () => {
      asked ??= source()
      return asked
    }
    return Object.assign(ask, holdsRecords === undefined ? {} : { holdsRecords })
  }
  return {
    ...world,
    evidence: (subject, reach) => {
      const [first, ...more] = known.get(subject.digest) ?? world.evidence(subject, reach)
      const sources = known.get(subject.digest) ?? ([once(first), ...more.map(once)] as const)
      known.set(subject.digest, sources)
      return sources
    },
  }
}

async function relativesOf(resolved: Resolved): Promise<Relatives> {
  return resolved.relatives().catch(error => {
    const skipped = [findingOf(asWaybillError(error), resolved.digest, 'note')]
    return { platforms: [], parents: [], complete: false, skipped }
  })
}

function distinct(digests: readonly Digest[], own: Digest): readonly Digest[] {
  return [...new Set(digests)].filter(digest => digest !== own)
}

/** One bundle may lie at the index and at each of its platforms. */
function distinctFindings(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map(item => [`${item.code} ${item.subject} ${item.message}`, item])).values()]
}

/** A place that does not answer makes the description incomplete, and is named. */
async function collect(
  digests: readonly Digest[],
  { reference, reach }: InspectRequest,
  ports: InspectPorts,
  verifier: Verifier,
): Promise<Evidence> {
  const budget = new RunBudget()
  const places = digests.flatMap(digest => {
    const subject: EvidenceSubject = { kind: 'image', reference, origin: 'typed', digest }
    return ports.evidence(subject, reach).map(source => ({ digest, source }))
  })
  const found = await inParallel(places, PARALLEL, ({ digest, source }) =>
    budget
      .take(source)
      .then(fetched => evidenceIn(fetched, verifier, { digest }))
      .catch(error => failed(error, digest)),
  )
  return found.reduce(joined, NO_EVIDENCE)
}

function failed(error: unknown, digest: Digest): Evidence {
  const known = asWaybillError(error)
  if (known.kind === 'configuration') throw known
  return { ...NO_EVIDENCE, rejectedBundles: [findingOf(known, digest, 'note')], incomplete: true }
}

async function judged({ reference, expectation }: InspectRequest, ports: InspectPorts): Promise<SubjectReceipt> {
  if (expectation === undefined) throw new TypeError('judged() without an expectation')
  const subject = { kind: 'image', reference, origin: 'typed', certain: true, places: [] } as const
  return verifyImage(subject, expectation, new GateRun(ports)).catch(error => {
    const known = asWaybillError(error)
    if (known.kind === 'configuration') throw known
    return failedReceipt(formatReference(reference), known)
  })
}
