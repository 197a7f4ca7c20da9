import { sha256 } from '../core/digest.ts'
import { fail, type WaybillError } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { attachBundles } from '../registry/bundles.ts'
import { copyImage } from '../registry/copy.ts'
import { pushFileBundles } from '../registry/file-bundles.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { AttestationReceipt, Receipt } from '../report/receipt.ts'
import { VERIFICATION_SUMMARY_PREDICATE } from '../statements/statement.ts'
import { type PlannedTag, plannedTags, promoteTags } from './deploy-promote.ts'
import { DeployRecord } from './deploy-record.ts'
import type { DeployPorts, DeployRequest, DeploySigner, DeployUnit } from './deploy-request.ts'
import { type DeploySummarySigned, signSummaries } from './deploy-summaries.ts'
import { errorOf } from './run.ts'

/** What became of a deploy. */
export interface DeployOutcome {
  readonly receipt: Receipt
  readonly error?: WaybillError
  /** Everything that was deployed; absent unless all of it was, to its end. */
  readonly deployed?: Deployed
}

export interface Deployed {
  readonly units: readonly DeployUnit[]
  readonly summaries: readonly DeploySummarySigned[]
  readonly attestations: readonly AttestationReceipt[]
  readonly tags: readonly PlannedTag[]
}

/**
 * Verify → sign → publish → read back → promote (7-verify-deploy § 3). Until everything is proved nothing is signed, and until what
 * was signed is served nothing is promoted. Never throws: what went wrong stands in the outcome.
 */
export async function deploy(request: DeployRequest, ports: DeployPorts): Promise<DeployOutcome> {
  const record = new DeployRecord(request, ports)
  try {
    const deployed = await deployAll(request, ports, record)
    return { receipt: record.receipt(), ...(deployed === undefined ? {} : { deployed }) }
  } catch (error) {
    record.fail(error)
    return { receipt: record.receipt(), ...(record.error === undefined ? {} : { error: record.error }) }
  }
}

async function deployAll(
  request: DeployRequest,
  ports: DeployPorts,
  record: DeployRecord,
): Promise<Deployed | undefined> {
  const signer = await record.stage('preflight', () => ports.preflight())
  const judged = await ports.judge()
  record.judged(judged.receipt)
  if (judged.receipt.verdict !== 'passed') return undefined
  if (judged.units.length === 0) throw fail('deploy/nothing-to-deploy', 'Nothing that was named is an image or a file')
  const planned = plannedTags(request.promote, judged.units)
  const copies = await copiesOf(planned, judged.units, ports, record)
  if (copies === undefined) return undefined
  const units = [...judged.units, ...copies]
  const signing = units.filter(({ expectation }) => expectation.deployer !== undefined)
  tellUnsigned(units, record)
  const summaries = await record.stage('sign', async () => {
    await ports.prepare(judged, await observedOf(signer))
    return signSummaries(signing, signer, request, ports)
  })
  tellSigned(summaries, record)
  const attestations = await record.stage('publish', () => publish(units, summaries))
  record.attestations = attestations
  await record.stage('self-verify', () => readBack(summaries, ports))
  const tags = inTheirRepositories(planned, units)
  if (tags.length === 0) record.notAsked('tags')
  else {
    const told = (sentence: string) => record.notices.push(sentence)
    await record.stage('tags', () => promoteTags(tags, signer, ports, told))
  }
  return { units, summaries, attestations, tags }
}

/** Who it will be; where only the certificate tells, it is asked for now that something will be signed. */
async function observedOf(signer: DeploySigner): Promise<ObservedSigner> {
  return signer.observed ?? (await signer.hand()).signer
}

/** Images that a tag brings into another repository, judged there under the rule for that name. */
async function copiesOf(
  planned: readonly PlannedTag[],
  units: readonly DeployUnit[],
  ports: DeployPorts,
  record: DeployRecord,
): Promise<readonly DeployUnit[] | undefined> {
  const known = new Set(units.map(nameOf))
  const copies = new Map<string, { readonly unit: DeployUnit; readonly to: Repository }>()
  for (const { unit, repository } of planned) {
    const name = `${formatReference(repository)}@${unit.digest}`
    if (!known.has(name)) copies.set(name, { unit, to: repository })
  }
  const judged: DeployUnit[] = []
  for (const { unit, to } of copies.values()) {
    const { receipt, units: found } = await ports.judgeCopy(unit, to)
    record.judged(receipt)
    if (receipt.verdict !== 'passed') return undefined
    judged.push(...found)
  }
  return judged
}

function tellUnsigned(units: readonly DeployUnit[], record: DeployRecord): void {
  for (const { resource, expectation } of units)
    if (expectation.deployer === undefined)
      record.notices.push(`No deploy summary of ${resource}: its rule names no deployer, so nobody asks for one.`)
}

function tellSigned(summaries: readonly DeploySummarySigned[], record: DeployRecord): void {
  const reused = summaries.filter(summary => summary.reused).length
  if (reused > 0)
    record.notices.push(`${reused} of ${summaries.length} deploy summaries were there, signed by an earlier deploy.`)
  const signer = summaries[0]?.signer
  if (signer?.kind === 'certificate') record.signedBy({ san: signer.san.value, issuer: signer.issuer })
}

/** First what is copied, by digest; then the summaries beside every manifest they are about. */
async function publish(
  units: readonly DeployUnit[],
  summaries: readonly DeploySummarySigned[],
): Promise<readonly AttestationReceipt[]> {
  for (const { image, digest } of units)
    if (image?.from !== undefined)
      await copyImage(
        { client: image.from.registry, repository: image.from.repository },
        { client: image.registry, repository: image.repository },
        digest,
      )
  const receipts: AttestationReceipt[] = []
  // One after the other: two updates of one list at once would be in each other's way.
  for (const summary of summaries) receipts.push(await attach(summary))
  return receipts
}

async function attach({
  unit,
  subjects,
  bytes,
  signedAt,
  path,
  log,
}: DeploySummarySigned): Promise<AttestationReceipt> {
  const receipt = {
    predicateType: VERIFICATION_SUMMARY_PREDICATE,
    subject: unit.digest,
    bundle: path,
    ...(log === undefined ? {} : { log }),
  }
  const { image, file } = unit
  if (image !== undefined) {
    const items = subjects.map(subject => {
      return { subject, bundle: bytes, predicateType: VERIFICATION_SUMMARY_PREDICATE, created: signedAt }
    })
    const [first] = await attachBundles(image.registry, image.repository, items)
    if (first === undefined) throw new TypeError('an image without a manifest')
    const stored = [`${formatReference(image.repository)} (${first.stored})`]
    return { ...receipt, manifest: first.manifest, stored }
  }
  if (file?.store === undefined) return receipt
  const { registry, repository } = file.store
  const { tag, manifest } = await pushFileBundles(registry, repository, unit.digest, [bytes])
  return { ...receipt, manifest, stored: [formatReference({ ...repository, tag })] }
}

/** The gate as a cluster's gate: what it does not find, or does not accept, is not promoted. */
async function readBack(summaries: readonly DeploySummarySigned[], ports: DeployPorts): Promise<void> {
  if (summaries.length === 0) return
  const found = await ports.readBack(
    summaries.map(({ unit }) => unit),
    summaries.flatMap(({ unit, path }) => (unit.image === undefined ? [path] : [])),
  )
  for (const { unit, bytes } of summaries) {
    const back = found.find(one => one.resource === unit.resource && one.digest === unit.digest)
    if (back === undefined) throw notServed(unit, 'nothing was read back')
    const [against] = back.findings.filter(({ severity }) => severity === 'reject')
    if (back.verdict !== 'passed')
      throw against === undefined ? notServed(unit, back.verdict) : errorOf(against, back.verdict)
    if (!back.bundles.has(sha256(bytes))) throw notServed(unit, 'other bundles')
  }
}

function notServed(unit: DeployUnit, found: string): Error {
  return fail('deploy/not-served', `The deploy summary of ${nameOf(unit)} is not served`, { found })
}

/** With the registry of where each image is now: that of its copy, where one was made. */
function inTheirRepositories(planned: readonly PlannedTag[], units: readonly DeployUnit[]): readonly PlannedTag[] {
  return planned.map(one => {
    const name = `${formatReference(one.repository)}@${one.unit.digest}`
    return { ...one, unit: units.find(unit => nameOf(unit) === name) ?? one.unit }
  })
}

function nameOf({ resource, digest }: DeployUnit): string {
  return `${resource}@${digest}`
}
