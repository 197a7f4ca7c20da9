import type { CommitId } from '../core/digest.ts'
import { isCommitId } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import { after } from '../io/deadline.ts'
import { inspectImage } from '../registry/image.ts'
import { isCommit } from '../report/commits.ts'
import type { ImageReceipt, SinceReceipt } from '../report/receipt.ts'
import { parentsOf } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { type LastAttested, lastAttested } from './last-attested.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/**
 * Begins to find out what changed since the last attested image, while the image is being built; what was found stands in the receipt
 * when the run ends. It never throws, and nothing waits for it but the end of the run, and that not for long.
 */
export function beginComparing(
  request: AttestRequest,
  ports: AttestPorts,
  { history }: SourceOutcome,
  record: RunRecord,
): void {
  // Where there is no branch there is no last one.
  const ref = request.source.base?.ref ?? request.source.ref
  if (request.run === undefined || !ref.startsWith('refs/heads/')) return
  const found = compare(request, ports, history, record)
  record.beforeEnd(async () => {
    const deadline = after(LIMITS.compareMs)
    const late = deadline.reached.then((): Compared => LATE)
    const { since, sizes } = await Promise.race([found, late]).finally(deadline.forget)
    record.since = since
    if (record.image !== undefined) record.image = withSizes(record.image, sizes)
  })
}

interface Compared {
  readonly since: SinceReceipt
  /** Bytes by platform. */
  readonly sizes: ReadonlyMap<string, number>
}

const LATE: Compared = { since: { state: 'unknown', why: 'core/unreachable' }, sizes: new Map() }

async function compare(
  request: AttestRequest,
  ports: AttestPorts,
  history: History,
  record: RunRecord,
): Promise<Compared> {
  const look = await lastAttested(request, ports, record)
  if (look.kind === 'none') return { since: { state: 'none' }, sizes: new Map() }
  if (look.kind === 'unknown') return { since: { state: 'unknown', why: look.why }, sizes: new Map() }
  const { last } = look
  const [commits, sizes] = await Promise.all([
    commitsSince(last.commit, history, record).catch(() => undefined),
    sizesOf(request, ports, last).catch(() => new Map<string, number>()),
  ])
  const { digest, commit, signedAt, materials } = last
  return {
    since: {
      state: 'found',
      image: digest,
      ...(commit === undefined ? {} : { commit }),
      ...(signedAt === undefined ? {} : { signedAt: signedAt.toISOString() }),
      ...(commits === undefined ? {} : { commits }),
      materials: materials.size,
    },
    sizes,
  }
}

/** The digest is the signed one, so whatever the registry answers is that image or an error. */
async function sizesOf(
  { repositories }: AttestRequest,
  ports: AttestPorts,
  { digest }: LastAttested,
): Promise<ReadonlyMap<string, number>> {
  const { platforms } = await inspectImage(ports.registry, repositories[0], digest)
  return new Map(platforms.map(({ platform, contentBytes }) => [platform, contentBytes]))
}

/**
 * How many of the commits that this run looked at are not in the history of that one. Undefined when it is none of them: then this
 * run knows nothing of what lies between.
 */
async function commitsSince(
  commit: CommitId | undefined,
  history: History,
  { subjects, policy }: RunRecord,
): Promise<number | undefined> {
  const known = new Set(subjects.filter(isCommit).map(({ digest }) => digest))
  if (commit === undefined || known.size === 0) return undefined
  if (commit === policy?.anchor) return known.size
  if (!known.has(commit)) return undefined
  const before = new Set<string>([commit])
  let level: readonly string[] = [commit]
  while (level.length > 0) {
    const read = await Promise.all(level.filter(isCommitId).map(async id => parentsOf(await history.commit(id))))
    const next = new Set(read.flat().filter(id => known.has(id) && !before.has(id)))
    for (const id of next) before.add(id)
    level = [...next]
  }
  return known.size - before.size
}

function withSizes(image: ImageReceipt, sizes: ReadonlyMap<string, number>): ImageReceipt {
  const platforms = image.platforms.map(platform => {
    const before = sizes.get(platform.platform)
    return before === undefined ? platform : { ...platform, previousSize: before }
  })
  return { ...image, platforms }
}
