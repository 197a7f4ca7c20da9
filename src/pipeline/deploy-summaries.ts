import { hexOf, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject } from '../core/json.ts'
import type { ObservedSigner } from '../core/signer.ts'
import type { Finding } from '../core/verdict.ts'
import { judgeDeploySummary } from '../policy/deploy-link.ts'
import type { Expectation } from '../policy/gate.ts'
import { isSameDeployer } from '../policy/same-deployer.ts'
import { matchSigner, observedText } from '../policy/signer.ts'
import { inspectImage } from '../registry/image.ts'
import type { Descriptor } from '../registry/manifest.ts'
import {
  type DeployInput,
  deploySummaryStatement,
  deployVerifierId,
  isDeploySummary,
} from '../statements/deploy-vsa.ts'
import { parseStatement } from '../statements/parse.ts'
import { sameClaim, sameSubjects } from '../statements/same.ts'
import type { SOURCE_LEVELS } from '../statements/source-vsa.ts'
import type { SignedStatement, Statement } from '../statements/statement.ts'
import type { DeployHand, DeployPorts, DeployRequest, DeploySigner, DeployUnit, KnownBundle } from './deploy-request.ts'

/** A summary that counts for one unit, signed now or in a deploy before. */
export interface DeploySummarySigned {
  readonly unit: DeployUnit
  /** The image's manifest and those of its platforms; none of a file. */
  readonly subjects: readonly Descriptor[]
  readonly bytes: Uint8Array
  readonly signer: ObservedSigner
  readonly signedAt: Date
  readonly log?: { readonly url: string; readonly index: string }
  readonly path: string
  /** An earlier deploy signed it, and it says the same. */
  readonly reused: boolean
}

interface Wanted {
  readonly unit: DeployUnit
  readonly subjects: readonly Descriptor[]
}

/**
 * Signs a summary for each unit whose rule names a deployer, all with one certificate or key, but for those that say what an own
 * summary of an earlier deploy says already. A bundle is on disk the moment it exists.
 * @throws `deploy/not-the-deployer` before anything is signed, `sigstore/…`
 */
export async function signSummaries(
  units: readonly DeployUnit[],
  signer: DeploySigner,
  request: DeployRequest,
  ports: DeployPorts,
): Promise<readonly DeploySummarySigned[]> {
  const wanted: Wanted[] = []
  for (const unit of units) wanted.push({ unit, subjects: await subjectsOf(unit) })
  if (wanted.length === 0) return []
  const hand = once(() => signer.hand())
  const observed = signer.observed ?? (await hand()).signer
  // Nothing is signed for one image when it cannot be for another.
  for (const one of wanted) requireDeployer(one, statementOf(one, observed, signer, request, ports), observed)
  const state = await ports.state()
  const signed: DeploySummarySigned[] = []
  for (const one of wanted) signed.push(await summaryOf(one, { signer, observed, hand, state, request, ports }))
  return signed
}

interface World {
  readonly signer: DeploySigner
  /** As certified, or as it will be. */
  readonly observed: ObservedSigner
  readonly hand: () => Promise<DeployHand>
  readonly state: readonly Uint8Array[]
  readonly request: DeployRequest
  readonly ports: DeployPorts
}

async function summaryOf(one: Wanted, world: World): Promise<DeploySummarySigned> {
  const { unit, subjects } = one
  const name = `bundles/deploy-${hexOf(sha256(unit.resource)).slice(0, 12)}-${hexOf(unit.digest).slice(0, 12)}.sigstore.json`
  const earlier = await earlierOf(one, world)
  const { log, ...made } = earlier === undefined ? await signedNow(one, world) : signedBefore(earlier)
  const path = await world.ports.keep(name, made.bytes)
  return { unit, subjects, ...made, path, reused: earlier !== undefined, ...(log === undefined ? {} : { log }) }
}

type Made = Pick<DeploySummarySigned, 'bytes' | 'signer' | 'signedAt' | 'log'>

function signedBefore({ bytes, signed: { signer, signedAt, log } }: KnownBundle): Made {
  if (signedAt === undefined) throw fail('core/internal', 'A found summary without a time')
  return { bytes, signer, signedAt, ...(log === undefined ? {} : { log }) }
}

async function signedNow(one: Wanted, { signer, hand, request, ports }: World): Promise<Made> {
  const own = await hand()
  const statement = statementOf(one, own.signer, signer, request, ports)
  requireDeployer(one, statement, own.signer)
  const { bundle: bytes, signedAt, log } = await own.sign(statement)
  return { bytes, signer: own.signer, signedAt, ...(log === undefined ? {} : { log }) }
}

/** Planted ones do not verify, are of somebody else, or say something else: they are passed over (13-adversary 24). */
async function earlierOf(one: Wanted, world: World): Promise<KnownBundle | undefined> {
  const { unit } = one
  const { signer, observed, request, ports } = world
  const wanted = parseStatement(statementOf(one, observed, signer, request, ports))
  const found = [...unit.known, ...(await verifiedState(unit, world))].filter(({ signed }) => {
    return isReusable(signed, wanted, unit, ports.now()) && isSameDeployer(signed.signer, observed)
  })
  const [first] = found.sort((a, b) => timeOf(b) - timeOf(a) || (a.signed.bundle < b.signed.bundle ? -1 : 1))
  return first
}

async function verifiedState(
  { expectation, digest }: DeployUnit,
  { state, ports }: World,
): Promise<readonly KnownBundle[]> {
  if (state.length === 0) return []
  const verifier = await ports.verifier(expectation)
  const found: KnownBundle[] = []
  for (const bytes of state) {
    try {
      found.push({ bytes, signed: await verifier.bundle(bytes, { digest }) })
    } catch (error) {
      const { code } = asWaybillError(error)
      ports.progress(`ignored a bundle in the output folder: ${code}`)
    }
  }
  return found
}

/** One that has lived through half of its time is signed anew: what runs shall not expire the day after it was deployed. */
function isReusable(
  found: SignedStatement,
  wanted: Statement,
  { expectation, resource }: DeployUnit,
  now: Date,
): boolean {
  const { statement, signedAt, form } = found
  if (form !== undefined || signedAt === undefined || !isDeploySummary(statement)) return false
  const { maxAgeSeconds } = expectation
  if (maxAgeSeconds !== undefined && now.getTime() - signedAt.getTime() > (maxAgeSeconds * 1000) / 2) return false
  const same = sameSubjects(statement, wanted) && sameClaim(withoutVersion(statement), withoutVersion(wanted))
  return same && refusals(found, expectation, resource).length === 0
}

/** Another version of Waybill, or another event of the same workflow, lets in the same thing. */
function withoutVersion(statement: Statement): Statement {
  const { verifier: _verifier, waybill_run: run, ...predicate } = statement.predicate
  if (!isObject(run)) return { ...statement, predicate }
  const { event_name: _event, ...same } = run
  return { ...statement, predicate: { ...predicate, waybill_run: same } }
}

/** What a gate where it runs would say of the summary, asked before it exists. @throws `deploy/not-the-deployer` */
function requireDeployer({ unit }: Wanted, bytes: Uint8Array, signer: ObservedSigner): void {
  const { expectation, resource } = unit
  const draft = { statement: parseStatement(bytes), signer } as SignedStatement
  const [first] = refusals(draft, expectation, resource)
  if (first === undefined) return
  throw fail('deploy/not-the-deployer', `No cluster would accept this deploy of ${resource}: ${first.message}`, {
    expected: first.expected ?? expectation.description,
    found: first.found ?? observedText(signer),
  })
}

/** What a gate where it runs holds against a summary, whoever made it. */
function refusals(signed: SignedStatement, expectation: Expectation, resource: string): readonly Finding[] {
  const { deployer } = expectation
  if (deployer === undefined) throw new TypeError('a deploy summary without a deployer')
  return [
    ...matchSigner(deployer.signer, signed.signer, resource),
    ...judgeDeploySummary(signed, expectation, resource),
  ]
}

function statementOf(
  { unit, subjects }: Wanted,
  signer: ObservedSigner,
  { run }: DeploySigner,
  { environment, policy, waybillVersion }: DeployRequest,
  ports: Pick<DeployPorts, 'now'>,
): Uint8Array {
  const digests = [...new Set([unit.digest, ...subjects.map(({ digest }) => digest)])]
  const [first, ...more] = digests
  if (first === undefined) throw new TypeError('a summary about nothing')
  return deploySummaryStatement({
    digests: [first, ...more],
    verifierId: deployVerifierId(signer),
    resource: unit.resource,
    environment,
    policy: { uri: policy.uri, digest: policy.digest },
    inputs: inputsOf(unit),
    verifiedAt: ports.now(),
    waybillVersion,
    sourceLevels: sourceLevels(unit),
    ...(run === undefined || signer.kind === 'key' ? {} : { run: withoutId(run) }),
  })
}

function withoutId({ id: _id, ...run }: NonNullable<DeploySigner['run']>) {
  return run
}

/** Everything the verdict rests on, each once, in one order: the same evidence gives the same bytes. */
function inputsOf({ proofs }: DeployUnit): readonly DeployInput[] {
  const statements = proofs.flatMap(({ parts }) => parts.flatMap(part => part.statements))
  const inputs = new Map(statements.map(item => [`${item.statement.predicateType} ${item.payload}`, item]))
  return [...inputs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { statement, payload }]) => ({ uri: statement.predicateType, digest: payload }))
}

type SourceLevel = (typeof SOURCE_LEVELS)[number]

/** What was proved of the source, and nothing that was not asked: this is how a cluster learns it. */
function sourceLevels({ proofs }: DeployUnit): readonly SourceLevel[] {
  const proved = new Set(proofs.map(({ requirement }) => requirement))
  const levels: SourceLevel[] = []
  if (proved.has('source-signed')) levels.push('ORG_SOURCE_COMMITS_SIGNED')
  // A signed history meets whoever asks for an accepted one.
  if (proved.has('source-signed') || proved.has('source-accepted')) levels.push('ORG_SOURCE_COMMITS_ACCEPTED')
  if (proved.has('source-reviewed')) levels.push('ORG_SOURCE_REVIEWED')
  return levels
}

/** Manifest and platforms, read by digest from where the image is now. */
async function subjectsOf({ image, digest }: DeployUnit): Promise<readonly Descriptor[]> {
  if (image === undefined) return []
  const { registry, repository } = image.from ?? image
  const { descriptor, platforms } = await inspectImage(registry, repository, digest)
  return [...new Map([descriptor, ...platforms.map(one => one.descriptor)].map(one => [one.digest, one])).values()]
}

function timeOf({ signed }: KnownBundle): number {
  return signed.signedAt?.getTime() ?? 0
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
