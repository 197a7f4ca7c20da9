import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { makeFolder, remove } from '../io/files.ts'
import { realClock } from '../io/retry.ts'
import type { HistoryOptions } from './git.ts'
import { GitTransport } from './git-transport.ts'
import { Objects } from './objects.ts'

/** Where reviewers put their statements: one ref for each head and principal, pointing at a blob. */
export const REVIEW_REFS = 'refs/waybill/reviews/'

/** What stands behind one such ref. Anybody with write access may have put it there: the name proves nothing. */
export interface StoredReview {
  readonly ref: string
  readonly head: CommitId
  /** As the ref is named. */
  readonly principal: string
  readonly bytes: Uint8Array
}

type Place = Omit<HistoryOptions, 'head' | 'also'>

interface ReviewRef extends Omit<StoredReview, 'bytes'> {
  readonly object: CommitId
}

/**
 * Reads the review statements about some heads: one question for the names, one for the blobs.
 * Absent statements are told by the server's own list; a blob that is too large or no blob at all is left out, as whoever
 * may force-push the ref can make it one, and a review that is not there approves nothing (13-adversary 11).
 * @throws `source/repository-unreachable`, `source/deadline`; silence is never an empty list.
 */
export async function readStoredReviews(
  options: Place,
  heads: ReadonlySet<CommitId>,
): Promise<readonly StoredReview[]> {
  if (heads.size === 0) return []
  await makeFolder(options.folder)
  const transport = new GitTransport({ now: realClock.now, ...options })
  const refs = (await listRefs(transport)).filter(ref => heads.has(ref.head))
  if (refs.length === 0) return []
  const gitDir = `${options.folder}/reviews.git`
  await remove(gitDir)
  await transport.run({
    args: ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', gitDir],
    doing: 'make a private repository for reviews',
  })
  await transport.fetchObjects(gitDir, [...new Set(refs.map(ref => ref.object))], ['--depth=1'], false)
  const objects = new Objects(transport, gitDir, `${gitDir}/objects`)
  try {
    return (await Promise.all(refs.map(ref => readOne(objects, ref)))).flatMap(review => review ?? [])
  } finally {
    await objects.close()
  }
}

async function readOne(objects: Objects, { object, ...ref }: ReviewRef): Promise<StoredReview | undefined> {
  const found = await objects.find({ id: object, keep: LIMITS.reviewBytes })
  if (found?.type !== 'blob' || found.size > LIMITS.reviewBytes) return undefined
  return { ...ref, bytes: found.bytes }
}

async function listRefs(transport: GitTransport): Promise<readonly ReviewRef[]> {
  const { stdout } = await transport.run({
    args: ['ls-remote', '--quiet', '--refs', '--', transport.url, `${REVIEW_REFS}*`],
    doing: 'ask for review statements',
  })
  const lines = latin1(stdout).split('\n').slice(0, -1)
  // Cut short it would say of the rest that there is none.
  if (lines.length > LIMITS.reviewRefs)
    throw fail('source/reviews-too-many', `There are more review statements than are read`, {
      expected: `at most ${LIMITS.reviewRefs}`,
      found: String(lines.length),
    })
  return lines.flatMap(line => refOf(line) ?? [])
}

const NAME = /^([0-9a-f]{40})\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/

function refOf(line: string): ReviewRef | undefined {
  const [object = '', ref = ''] = line.split('\t')
  const [, head = '', principal] = NAME.exec(ref.startsWith(REVIEW_REFS) ? ref.slice(REVIEW_REFS.length) : '') ?? []
  if (!isCommitId(object) || !isCommitId(head) || principal === undefined) return undefined
  return { ref, head, principal, object }
}

/** Name of the ref for one reviewer's statement. */
export function reviewRef(head: CommitId, principal: string): string {
  return `${REVIEW_REFS}${head}/${principal}`
}
