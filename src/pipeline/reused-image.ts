import { machinePlatform } from '../build/platforms.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { readBundleIndex } from '../registry/bundle-index.ts'
import { inspectImage } from '../registry/image.ts'
import { formatReference } from '../registry/reference.ts'
import type { ExportedTree } from '../source/export.ts'
import { parseStatement } from '../statements/parse.ts'
import { isRecorded, provenanceStatement, readProvenance, type Tool } from '../statements/provenance.ts'
import { readTools } from '../statements/read-tools.ts'
import { withoutAttempt } from '../statements/same.ts'
import { PROVENANCE_PREDICATE } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { type Built, exportVerified } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { sourceIndexTag } from './earlier.ts'
import type { MaterialsOutcome } from './materials-outcome.ts'
import type { Ready } from './preflight.ts'
import { provenanceFacts } from './provenance-facts.ts'
import type { EarlierBundle, EarlierBundles } from './resume.ts'
import type { RunRecord } from './run.ts'
import { statedSubjects } from './sign-stage.ts'
import { claimant } from './signing-hand.ts'
import type { SourceOutcome } from './source-stage.ts'

export interface ReuseInput {
  readonly ready: Ready
  readonly source: SourceOutcome
  readonly materials: MaterialsOutcome
  readonly earlier: EarlierBundles
}

/**
 * The image that an earlier attempt of this very run built from this very commit, where a signed provenance names it that says all that
 * this run would say of it (13-adversary 15). A digest that merely lies somewhere is never believed: without such a statement the image
 * is built again, and that is also what happens where the statement cannot tell everything that shapes an image.
 * @returns undefined when it has to be built.
 */
export async function reusedImage(
  request: AttestRequest,
  ports: AttestPorts,
  input: ReuseInput,
  record: RunRecord,
): Promise<Built | undefined> {
  if (!mayReuse(request, input)) return undefined
  const candidates = await candidatesOf(request, ports, input)
  if (candidates.length === 0) return undefined
  const startedOn = ports.now()
  const exported = await exportVerified(request, ports, input)
  for (const candidate of candidates) {
    const built = await confirmed(candidate, { exported, startedOn }, { request, ports, input })
    if (built === undefined) continue
    return record.stages.run('build', undefined, async () => {
      record.notices.push(
        `Not built again: the signed provenance of attempt ${candidate.attempt} of this run names ${candidate.digest}.`,
      )
      return { state: 'passed', value: built }
    })
  }
  return undefined
}

/**
 * Only where the provenance tells every input by its value, and nothing was asked of the builder that only a build can answer. Jobs of
 * one run that differ in a build argument or a label whose value is not recorded would take each other's images.
 */
function mayReuse(request: AttestRequest, { ready, materials, earlier }: ReuseInput): boolean {
  const { buildArgs, labels, annotations, secrets = [], ssh = [], contexts } = request.build
  const told =
    Object.keys(buildArgs).every(name => request.recordBuildArgs.includes(name)) &&
    Object.keys(labels).length === 0 &&
    Object.keys(annotations).length === 0 &&
    secrets.length + ssh.length + (contexts?.size ?? 0) === 0
  // Parts that other jobs built are put together again: it costs nothing, and each is held against its plan.
  const builds = request.planned === undefined && request.sign && request.push && !isRecorded(ready.builder.name)
  const nothingAsked =
    materials.claim.verdict === 'not-asked' && materials.contexts.size === 0 && materials.placed.size === 0
  // Their folders are moved into the export, which a build that follows would make again.
  const whole = (materials.submodules?.size ?? 0) === 0
  return earlier.again && earlier.own !== undefined && builds && told && nothingAsked && whole
}

interface Candidate {
  readonly digest: Digest
  readonly attempt: string
  readonly tools: readonly Tool[]
}

/** Where an earlier attempt left a way to its image: on disk, at its tags, in the index of its branch. */
async function candidatesOf(
  request: AttestRequest,
  ports: AttestPorts,
  { earlier }: ReuseInput,
): Promise<readonly Candidate[]> {
  const [home] = request.repositories
  const { ref } = request.source
  const tags = request.tags.map(({ repository, tag }) =>
    ports.registry.getRaw(repository, tag).then(present => present?.digest, asWaybillError),
  )
  const index = ref.startsWith('refs/heads/')
    ? await readBundleIndex(ports.registry, home, sourceIndexTag(ref)).catch(() => [])
    : []
  const tagged = (await Promise.all(tags)).filter(digest => typeof digest === 'string')
  earlier.lookBeside([...new Set(tagged)])
  await earlier.take(index, `in the index of ${ref}`)
  const found = await earlier.ofThisRun()
  return found.flatMap(bundle => candidateOf(bundle, earlier))
}

function candidateOf({ signed }: EarlierBundle, { own, attempt: now }: EarlierBundles): readonly Candidate[] {
  const { statement, signer } = signed
  if (statement.predicateType !== PROVENANCE_PREDICATE || signed.form !== undefined) return []
  try {
    const { invocationId = '' } = readProvenance(statement.predicate)
    // Where a certificate says which run it was, the statement may not say another.
    if (signer.kind === 'certificate' && signer.ci.runInvocationUri !== invocationId) return []
    if (own?.kind === 'run' && withoutAttempt(invocationId) !== own.run) return []
    const attempt = /\/attempts\/(\d{1,9})$/.exec(invocationId)?.[1]
    const digest = `sha256:${statement.subject[0].digest.sha256}`
    if (attempt === undefined || !isDigest(digest)) return []
    // Another step of this attempt is another build.
    if (BigInt(attempt) >= now) return []
    return [{ digest, attempt, tools: readTools(statement.predicate) }]
  } catch {
    return []
  }
}

interface World {
  readonly request: AttestRequest
  readonly ports: AttestPorts
  readonly input: ReuseInput
}

/** The statement is made as if it had been built now; only where the found one says the same in full, the image is the same build. */
async function confirmed(
  { digest, tools }: Candidate,
  { exported, startedOn }: { readonly exported: ExportedTree; readonly startedOn: Date },
  { request, ports, input }: World,
): Promise<Built | undefined> {
  const { ready, materials, source, earlier } = input
  const image = await servedImage(digest, request, ports)
  if (image === undefined) return undefined
  const result = {
    digest,
    mediaType: image.descriptor.mediaType,
    builder: ready.builder.name,
    tools,
    pushedTo: request.repositories.map(formatReference),
    notes: [],
  }
  const built: Built = { result, materials, exported, startedOn, finishedOn: ports.now() }
  const facts = provenanceFacts(request, { source, built, image, ready, ...claimant(ready) }, statedSubjects(image))
  const found = await earlier.find(parseStatement(provenanceStatement(facts)))
  return found === undefined ? undefined : built
}

/** As every repository serves it, on the platform that this machine would build where none is named. */
async function servedImage(
  digest: Digest,
  { repositories, build }: AttestRequest,
  { registry }: AttestPorts,
): Promise<ServedImage | undefined> {
  try {
    const [image] = await Promise.all(repositories.map(repository => inspectImage(registry, repository, digest)))
    if (image === undefined) return undefined
    const wanted = build.platforms.length > 0 ? build.platforms : [machinePlatform()]
    const found = image.platforms.map(({ platform }) => platform)
    const same = wanted.every(
      (platform, at) => found[at] === platform || found[at]?.startsWith(`${platform}/`) === true,
    )
    return same && found.length === wanted.length ? { ...image, repositories } : undefined
  } catch {
    return undefined // It is not there as a whole: an attempt that was cut while it pushed.
  }
}
