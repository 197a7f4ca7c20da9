import { type Digest, isCommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { together } from '../core/together.ts'
import type { Verified } from '../core/verified.ts'
import { fetchBundles } from '../registry/bundles.ts'
import type { RawManifest } from '../registry/client.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import { confirmTags, type MovedTag, moveTag } from '../registry/tags.ts'
import { firstParentsDownTo } from '../source/range.ts'
import { readProvenance } from '../statements/provenance.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest, TagTarget } from './attest-request.ts'
import type { ServedImage } from './digest-stage.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'
import type { VerifyBundle } from './verify-request.ts'

/** What has to be known before the first tag is moved. */
interface ReadyTags {
  /** Of the image's manifest. */
  readonly bytes: Uint8Array
  readonly judged: readonly JudgedTag[]
}

/** @returns what to wait for, begun when it is first called and told by whoever waits for it. */
export type Tags = () => Promise<ReadyTags>

/**
 * Judges the tags while what was attached is read back: it only reads, and each is read again right before it is moved. Where files are
 * signed in between, that may take long, and nothing is begun before.
 */
export function beginTags(request: AttestRequest, ports: AttestPorts, image: ServedImage, source: SourceOutcome): Tags {
  let begun: Promise<ReadyTags> | undefined
  const ready: Tags = () => {
    begun ??= judgeTags(request, ports, image, source)
    return begun
  }
  if (request.tags.length > 0 && request.files === undefined) ready().catch(() => {})
  return ready
}

/** All are judged before the first is moved: a tag that must not be moved back leaves the others where they are, too. */
async function judgeTags(
  request: AttestRequest,
  ports: AttestPorts,
  image: ServedImage,
  source: SourceOutcome,
): Promise<ReadyTags> {
  const [home] = image.repositories
  const [{ bytes }, judged] = await together([
    ports.registry.getManifest(home, image.descriptor.digest),
    inParallel(request.tags, PARALLEL, tag => judgeTag(tag, image, request, ports, source)),
  ] as const)
  return { bytes, judged }
}

/** Moves the tags, last of all: a tag never points at an image whose attestations are not there (13-adversary 25). */
export async function moveTags(
  request: AttestRequest,
  ports: AttestPorts,
  image: ServedImage,
  tags: Tags,
  record: RunRecord,
): Promise<void> {
  if (request.tags.length === 0) return
  await record.stages.run('tags', undefined, async () => {
    const { bytes, judged } = await tags()
    const target = { mediaType: image.descriptor.mediaType, bytes }
    const moved: (MovedTag & { readonly repository: Repository })[] = []
    for (const { repository, tag, digest } of judged)
      moved.push({ repository, ...(await moveTag(ports.registry, repository, tag, target, { judged: { digest } })) })
    await confirmTags(ports.registry, moved)
    const names = moved.map(({ repository, tag }) => formatReference({ ...repository, tag }))
    if (record.image !== undefined) record.image = { ...record.image, tags: [...record.image.tags, ...names] }
    return { state: 'passed', value: undefined }
  })
}

/** Tags looked at side by side. */
const PARALLEL = 4

interface JudgedTag extends TagTarget {
  /** What the tag led to when it was judged. */
  readonly digest: Digest | undefined
}

/** @throws `registry/tag-newer` */
async function judgeTag(
  target: TagTarget,
  image: ServedImage,
  request: AttestRequest,
  ports: AttestPorts,
  source: SourceOutcome,
): Promise<JudgedTag> {
  const present = await ports.registry.getRaw(target.repository, target.tag)
  if (present !== undefined && present.digest !== image.descriptor.digest && !request.allowRollback)
    await refuseRollback(target, present, request, ports, source)
  return { ...target, digest: present?.digest }
}

/**
 * A run that was slow, or is run again, must not move `latest` back over the image of a later commit.
 * @throws `registry/tag-newer`
 */
async function refuseRollback(
  target: TagTarget,
  present: RawManifest,
  request: AttestRequest,
  ports: AttestPorts,
  source: SourceOutcome,
): Promise<void> {
  const { bundles } = await fetchBundles(ports.registry, target.repository, present.digest)
  const verify = await ports.verifier()
  for (const { bytes } of bundles) {
    // What does not verify says nothing about what the tag holds, and never stops us.
    const signed = verifiedOrNothing(verify, bytes)
    const origin = signed === undefined ? undefined : originOf(signed, request)
    if (origin === undefined || !(await isNewer(origin, ports, source))) continue
    throw fail('registry/tag-newer', `${formatReference({ ...target.repository, tag: target.tag })} is newer`, {
      expected: `an image of an ancestor of ${source.commit.id}, or of an earlier run than ${request.run?.id ?? 'this'}`,
      found: `${present.digest} of commit ${origin.commit}, run ${origin.run}`,
    })
  }
}

function verifiedOrNothing(verify: VerifyBundle, bytes: Uint8Array): Verified<SignedStatement> | undefined {
  try {
    return verify(bytes)
  } catch {
    return undefined
  }
}

interface Origin {
  readonly commit: string
  readonly run: string
  readonly ownRun: string
}

/**
 * Only provenance of this very repository counts: anybody may attach a statement about our commit. What a certificate does not
 * say of the run, the provenance does where the key of this run signed it; no other key's is verified at all.
 */
function originOf({ statement, signer }: Verified<SignedStatement>, request: AttestRequest): Origin | undefined {
  if (statement.predicateType !== PROVENANCE_PREDICATE) return undefined
  const { resolvedDependencies, claimedSource, github, invocationId } = readProvenance(statement.predicate)
  const { sourceRepositoryIdentifier, runInvocationUri } =
    signer.kind === 'certificate'
      ? signer.ci
      : { sourceRepositoryIdentifier: github?.repository_id, runInvocationUri: invocationId }
  if (request.run === undefined || sourceRepositoryIdentifier !== request.run.repositoryId) return undefined
  const commit = (resolvedDependencies[0] ?? claimedSource)?.digest.gitCommit
  const run = /\/actions\/runs\/(\d+)/.exec(runInvocationUri ?? '')?.[1]
  return commit === undefined || run === undefined ? undefined : { commit, run, ownRun: request.run.id }
}

async function isNewer({ commit, run, ownRun }: Origin, ports: AttestPorts, source: SourceOutcome): Promise<boolean> {
  const own = source.commit.id
  if (commit === own) return BigInt(run) > BigInt(ownRun)
  if (!isCommitId(commit)) return false
  if (source.newer.has(commit)) return true
  const older = await firstParentsDownTo(own, commit, id => source.history.commit(id))
  if (older !== undefined) return false
  // Not in what was fetched when the run began: perhaps pushed since.
  try {
    const history = await ports.git.openHistory(commit, [])
    const line = await firstParentsDownTo(commit, own, id => history.commit(id)).finally(() => history.close())
    return line !== undefined
  } catch (error) {
    if (asWaybillError(error).code === 'source/commit-not-found') return false
    throw error
  }
}
