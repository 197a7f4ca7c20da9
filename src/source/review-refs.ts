import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { REVIEW_REFS, type ReviewMention, reviewRefOf } from '../core/review-mention.ts'
import { makeFolder, remove } from '../io/files.ts'
import { realClock } from '../io/retry.ts'
import type { HistoryOptions } from './git.ts'
import { GitTransport } from './git-transport.ts'
import { Objects } from './objects.ts'

/** What stands behind one such ref. Anybody with write access may have put it there: the name proves nothing. */
export interface StoredReview extends Omit<ReviewMention, 'statement'> {
  /** Absent: it is no blob, or a larger one than any statement. */
  readonly bytes?: Uint8Array
}

/** Statements in memory together. */
const AT_ONCE = 64

interface ReviewRef extends Omit<StoredReview, 'bytes'> {
  readonly object: CommitId
}

/**
 * The review statements of a repository. The server is asked once for their names, so that a run sees all of them as they
 * stood at one moment, and once for the blobs of each group of heads.
 */
export class ReviewRefs {
  readonly #folder: string
  readonly #transport: GitTransport
  #refs: Promise<readonly ReviewRef[]> | undefined
  #gitDir: Promise<string> | undefined
  readonly #fetched = new Set<CommitId>()

  constructor(options: Omit<HistoryOptions, 'head' | 'also'>) {
    this.#folder = options.folder
    this.#transport = new GitTransport({ now: realClock.now, ...options })
  }

  /**
   * Statements about some heads, a few at a time in memory. Absent ones are told by the server's own list; whoever may
   * force-push a ref can point it at anything, and what is no statement approves nothing (13-adversary 11).
   * @throws `source/repository-unreachable`, `source/reviews-too-many`, `source/deadline`; silence is never an empty list.
   */
  async *about(heads: ReadonlySet<CommitId>): AsyncGenerator<StoredReview> {
    if (heads.size === 0) return
    this.#refs ??= this.#list()
    const refs = (await this.#refs).filter(ref => heads.has(ref.head))
    if (refs.length === 0) return
    this.#gitDir ??= this.#init()
    const gitDir = await this.#gitDir
    await this.#fetch(gitDir, refs)
    const objects = new Objects(this.#transport, gitDir, `${gitDir}/objects`)
    try {
      for (let at = 0; at < refs.length; at += AT_ONCE) {
        yield* await Promise.all(refs.slice(at, at + AT_ONCE).map(ref => readOne(objects, ref)))
      }
    } finally {
      await objects.close()
    }
  }

  /** Without trees: a ref that was pointed at a commit would bring all of its files. */
  async #fetch(gitDir: string, refs: readonly ReviewRef[]): Promise<void> {
    const wants = [...new Set(refs.map(ref => ref.object))].filter(id => !this.#fetched.has(id))
    if (wants.length === 0) return
    await this.#transport.fetchObjects(gitDir, wants, ['--depth=1', '--filter=tree:0'], true)
    for (const id of wants) this.#fetched.add(id)
  }

  async #list(): Promise<readonly ReviewRef[]> {
    await makeFolder(this.#folder)
    const { stdout } = await this.#transport.run({
      args: ['ls-remote', '--quiet', '--refs', '--', this.#transport.url, `${REVIEW_REFS}*`],
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

  async #init(): Promise<string> {
    const gitDir = `${this.#folder}/reviews.git`
    await remove(gitDir)
    await this.#transport.run({
      args: ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', gitDir],
      doing: 'make a private repository for reviews',
    })
    return gitDir
  }
}

async function readOne(objects: Objects, { object, ...ref }: ReviewRef): Promise<StoredReview> {
  const found = await objects.find({ id: object, keep: LIMITS.reviewBytes })
  return found?.type === 'blob' && found.size <= LIMITS.reviewBytes ? { ...ref, bytes: found.bytes } : ref
}

/** One line of `git ls-remote`; names of another form are nobody's statement. */
export function refOf(line: string): ReviewRef | undefined {
  const [object = '', name = ''] = line.split('\t')
  const ref = reviewRefOf(name)
  return ref !== undefined && isCommitId(object) ? { ...ref, object } : undefined
}
