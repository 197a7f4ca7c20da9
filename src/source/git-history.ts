import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { LawFiles } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { remove } from '../io/files.ts'
import type { TreeCheck } from '../policy/evidence.ts'
import type { GitObject, ObjectRequest } from './cat-file.ts'
import type { Head, History } from './git.ts'
import { unlessStageEnds } from './git-failure.ts'
import type { GitTransport } from './git-transport.ts'
import { LawReader } from './law-files.ts'
import { type MergeQuestion, MergeTrees } from './merge-tree.ts'
import { missing, type Objects } from './objects.ts'
import { RecentBytes } from './recent-bytes.ts'
import type { TreeEntry } from './tree.ts'

/** Private repositories of one history, and what is known of it. */
export interface OpenedFolders {
  readonly commits: string
  readonly trees: string
  readonly head: CommitId
  readonly gitVersion: string
  /** Nothing below the head is here, nor is to be. */
  readonly tipOnly?: boolean
}

/** Heads asked for one by one, when all together failed. */
const ALONE = 16

/** Commits of some ten thousand usual ones. */
const RECENT_BYTES = 16 * 1024 * 1024

/** Objects of one repository over a private copy, see `openHistory`. */
export class GitHistory implements History {
  readonly #transport: GitTransport
  readonly #objects: Objects
  readonly #laws: LawReader
  readonly #merges: MergeTrees
  readonly #opened: OpenedFolders
  readonly #recent = new RecentBytes(RECENT_BYTES)
  readonly #whole = new Map<CommitId, Promise<void>>()

  constructor(transport: GitTransport, objects: Objects, opened: OpenedFolders) {
    this.#transport = transport
    this.#objects = objects
    this.#opened = opened
    const { commits, trees } = opened
    this.#merges = new MergeTrees(transport, objects, { commits, trees })
    this.#laws = new LawReader(objects, {
      roots: ids => transport.fetchObjects(commits, ids, ['--filter=tree:0'], true),
      trees: ids => transport.fetchObjects(commits, ids, ['--filter=blob:none'], true),
      whole: ids => transport.fetchObjects(trees, ids, [], false),
    })
  }

  get gitVersion(): string {
    return this.#opened.gitVersion
  }

  async commit(id: CommitId): Promise<Uint8Array> {
    const recent = this.#recent.take(id)
    if (recent !== undefined) return recent
    const { bytes } = await this.#objects.read({ id, keep: LIMITS.commitBytes + 1 }, 'commit')
    this.#recent.keep(id, bytes)
    return bytes
  }

  async tag(id: CommitId): Promise<Uint8Array> {
    if ((await this.#objects.find({ id, keep: 0 })) === undefined) await this.#fetchCommits([id])
    return (await this.#objects.read({ id, keep: LIMITS.commitBytes + 1 }, 'tag')).bytes
  }

  async ensure(commits: readonly CommitId[]): Promise<void> {
    for (const id of commits) {
      if (await isCommit(this.#objects, id)) continue
      await this.#fetchCommits([id])
      if (!(await isCommit(this.#objects, id))) throw missing(id, 'commit')
    }
  }

  async ensureHeads(heads: readonly Head[]): Promise<ReadonlySet<CommitId>> {
    let absent = await this.#absent(heads)
    const ways = [
      () => this.#fetchCommits(absent.map(({ id }) => id)),
      () => this.#fetchCommits(absent.map(({ ref }) => ref)),
      // One that is gone fails all that are asked for with it.
      async () => {
        for (const { id, ref } of absent.slice(0, ALONE))
          for (const want of [id, ref]) await this.#fetchCommits([want]).catch(unlessStageEnds)
      },
    ]
    for (const way of ways) {
      if (absent.length === 0) break
      await way().catch(unlessStageEnds)
      absent = await this.#absent(absent)
    }
    return new Set(absent.map(({ id }) => id))
  }

  async #absent(heads: readonly Head[]): Promise<readonly Head[]> {
    const found = await Promise.all(heads.map(({ id }) => this.#objects.find({ id, keep: 0 })))
    return heads.filter((_, at) => found[at]?.type !== 'commit')
  }

  /** What is below the head is here already; without saying so the server would send all of it again. */
  async #fetchCommits(wants: readonly string[]): Promise<void> {
    const { head, commits, tipOnly } = this.#opened
    if (tipOnly === true) return fetchTips(this.#transport, commits, wants)
    const known = (await this.#objects.find({ id: head, keep: 0 }))?.type === 'commit'
    const flags = ['--filter=tree:0', ...(known ? [`--negotiation-tip=${head}`] : [])]
    await this.#transport.fetchObjects(commits, wants, flags, true)
  }

  async guess(tips: readonly CommitId[], without: readonly CommitId[]): Promise<Iterable<CommitId>> {
    const { code, stdout } = await this.#transport.settle({
      args: ['rev-list', '--stdin'],
      gitDir: this.#opened.commits,
      env: { GIT_ALLOW_PROTOCOL: 'none' },
      input: [...tips, ...without.map(id => `^${id}`), ''].join('\n'),
      doing: 'list commits',
    })
    return code === 0 ? idsIn(stdout) : []
  }

  checkMerges(questions: readonly MergeQuestion[]): Promise<readonly TreeCheck[]> {
    return this.#merges.check(questions)
  }

  remaining(): number {
    return this.#transport.remaining()
  }

  endStage(): void {
    this.#transport.endStage()
    this.#objects.endStage()
  }

  tree(id: CommitId): Promise<readonly TreeEntry[]> {
    return this.#objects.tree(id)
  }

  async blob(id: CommitId, maxBytes: number): Promise<Uint8Array> {
    const { size, bytes } = await this.#objects.read({ id, keep: maxBytes }, 'blob')
    if (size <= maxBytes) return bytes
    throw fail('source/blob-too-large', `The file with id ${id} is larger than accepted here`, {
      expected: `at most ${maxBytes} bytes`,
      found: `${size} bytes`,
    })
  }

  object(request: ObjectRequest, type: 'blob' | 'tree'): Promise<GitObject> {
    return this.#objects.read(request, type)
  }

  lawFiles(
    commits: readonly { readonly id: CommitId; readonly tree: CommitId }[],
  ): AsyncIterable<{ readonly id: CommitId; readonly law: LawFiles }> {
    return this.#laws.read(commits)
  }

  /** Once: what nothing refers to would be sent again. */
  async fetchTree(commit: CommitId): Promise<void> {
    const fetched = this.#whole.get(commit) ?? this.#fetchWhole(commit)
    this.#whole.set(commit, fetched)
    await fetched.catch(error => {
      this.#whole.delete(commit)
      throw error
    })
  }

  /** The `shallow` file says "this commit has no parents"; nothing may believe that, so it goes. */
  async #fetchWhole(commit: CommitId): Promise<void> {
    const { trees } = this.#opened
    await this.#transport.fetchObjects(trees, [commit], ['--depth=1'], false)
    await remove(`${trees}/shallow`)
  }

  close(): Promise<void> {
    return this.#objects.close()
  }
}

/** Commits or tags without what is below them. */
export async function fetchTips(transport: GitTransport, gitDir: string, wants: readonly string[]): Promise<void> {
  await transport.fetchObjects(gitDir, wants, ['--filter=tree:0', '--depth=1'], true)
  // It would say "this commit has no parents", which nothing may believe.
  await remove(`${gitDir}/shallow`)
}

/** One id a line, read as they are needed. */
function* idsIn(lines: Uint8Array): Generator<CommitId> {
  for (let at = 0; at + 40 < lines.byteLength; at += 41) {
    const id = latin1(lines.subarray(at, at + 40))
    if (!isCommitId(id)) return
    yield id
  }
}

async function isCommit(objects: Objects, id: CommitId): Promise<boolean> {
  const object = await objects.find({ id, keep: 0 })
  if (object !== undefined && object.type !== 'commit') {
    throw fail('source/commit-not-found', `${id} is a ${object.type}, not a commit`, {
      expected: 'the id of a commit',
      found: `the id of a ${object.type}`,
      remedy: 'Give the commit behind the tag: git rev-parse TAG^{commit}',
    })
  }
  return object !== undefined
}
