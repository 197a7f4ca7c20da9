import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { ChainLink, Expectation } from '../policy/gate.ts'
import type { Reference } from '../registry/reference.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { ImagesPorts } from './materials-images-request.ts'
import { RunBudget } from './verify-evidence.ts'
import type { EvidenceSource, EvidenceSubject, JudgedSubject, Reach, Relatives, VerifyPorts } from './verify-request.ts'
import { GateRun, verifyImage } from './verify-subject.ts'

/** What the gate says of one digest. */
export type GateAnswer =
  | {
      readonly kind: 'passed'
      /** Who, in words. */
      readonly by: string
      /** SHA-256 of the bundle that proved it; of several the first. */
      readonly evidence: Digest
      /** `platforms`: nothing is signed about the digest itself, but about each manifest in it that a build may take. */
      readonly via: 'own' | 'platforms'
      readonly notes: readonly Finding[]
    }
  | { readonly kind: 'rejected' | 'unknown'; readonly findings: readonly Finding[] }

/** The gate's own code, for images that go into a build. All of one run share what was fetched, and one budget. */
export class ImageGate {
  readonly #gate: ImagesPorts['gate']
  readonly #budget = new RunBudget()
  readonly #sources = new Map<string, readonly [EvidenceSource, ...EvidenceSource[]]>()

  constructor({ gate }: Pick<ImagesPorts, 'gate'>) {
    this.#gate = gate
  }

  /**
   * Any one of the expectations is enough; they are tried in order. If none holds, and of one nobody could say, nobody can say.
   * @param reference with the digest to judge.
   * @param relatives what else may prove it; asked for only when it is not proved by itself.
   */
  async judge(
    reference: Reference & { readonly digest: Digest },
    expectations: readonly Expectation[],
    relatives: () => Promise<Relatives>,
  ): Promise<GateAnswer> {
    const failed: Exclude<GateAnswer, { kind: 'passed' }>[] = []
    for (const expectation of expectations) {
      const answer = await this.#ask(reference, expectation, relatives)
      if (answer.kind === 'passed') return answer
      failed.push(answer)
    }
    const unknown = failed.filter(({ kind }) => kind === 'unknown')
    const told = closestOf(unknown.length > 0 ? unknown : failed)
    return {
      kind: unknown.length > 0 ? 'unknown' : 'rejected',
      findings: distinct(told.flatMap(item => item.findings)),
    }
  }

  async #ask(
    reference: Reference & { readonly digest: Digest },
    expectation: Expectation,
    relatives: () => Promise<Relatives>,
  ): Promise<GateAnswer> {
    let seen: JudgedSubject | undefined
    const ports: VerifyPorts = {
      ...this.#gate,
      // The tag was resolved before, and only the platforms of this build count.
      resolve: async () => ({ digest: reference.digest, relatives }),
      evidence: (subject, of) => this.#evidence(subject, of),
      hashFile: () => {
        throw new TypeError('hashFile() of an image')
      },
      judged: async subject => {
        seen = subject
      },
    }
    try {
      const request = { kind: 'image', reference, origin: 'judged', certain: true, places: [] } as const
      // A run of its own: what one expectation says of a digest is not what another says.
      const receipt = await verifyImage(request, expectation, new GateRun(ports, this.#budget))
      return answerOf(receipt, reference.digest, seen)
    } catch (error) {
      const known = asWaybillError(error)
      if (known.kind === 'configuration') throw known
      return { kind: known.kind, findings: [findingOf(known, reference.canonical)] }
    }
  }

  /** What was fetched for one expectation is there for the next; the platform's store is asked by repository. */
  #evidence(subject: EvidenceSubject, expectation: Reach): readonly [EvidenceSource, ...EvidenceSource[]] {
    const { build } = expectation
    const store = build?.kind === 'github' ? build.repository : ''
    const name = subject.kind === 'image' ? subject.reference.canonical : subject.name
    const key = `${name}@${subject.digest} ${expectation.private} ${store}`
    const known = this.#sources.get(key)
    if (known !== undefined) return known
    const [first, ...more] = this.#gate.evidence(subject, expectation)
    const sources = [once(first), ...more.map(once)] as const
    this.#sources.set(key, sources)
    return sources
  }
}

/** Those with the least against them: of a signer that is almost right, the rest is what people need to know. */
function closestOf<T extends { readonly findings: readonly Finding[] }>(answers: readonly T[]): readonly T[] {
  const against = ({ findings }: T) => findings.filter(({ severity }) => severity === 'reject').length
  const least = Math.min(...answers.map(against))
  return answers.filter(answer => against(answer) === least)
}

function once(source: EvidenceSource): EvidenceSource {
  let asked: ReturnType<EvidenceSource> | undefined
  const ask = () => {
    asked ??= source()
    return asked
  }
  return Object.assign(ask, source.holdsRecords === undefined ? {} : { holdsRecords: source.holdsRecords })
}

function answerOf(receipt: SubjectReceipt, digest: Digest, seen: JudgedSubject | undefined): GateAnswer {
  const { verdict, findings, links = [], by = '' } = receipt
  if (verdict === 'rejected' || verdict === 'unknown') return { kind: verdict, findings }
  const [evidence] = bundlesIn(links)
  // A pass without a bundle would be a pass by nobody.
  if (verdict !== 'passed' || evidence === undefined) throw new TypeError('verifyImage() passed without evidence')
  const statement = seen?.statements.find(({ bundle }) => bundle === evidence)?.statement
  const own = statement?.subject.some(subject => subject.digest.sha256 === hexOf(digest)) === true
  return { kind: 'passed', by, evidence, via: own ? 'own' : 'platforms', notes: findings }
}

function bundlesIn(links: readonly ChainLink[]): readonly Digest[] {
  return links.flatMap(({ link, bundle, below }) => [
    ...(bundle === undefined || link === 'quarantine' ? [] : [bundle]),
    ...bundlesIn(below),
  ])
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map(item => [`${item.code} ${item.message} ${item.found}`, item])).values()]
}
