import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { LawFiles } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import { together } from '../core/together.ts'
import type { Pin } from '../io/address.ts'
import type { Environment } from '../io/environment.ts'
import { makeFolder, remove } from '../io/files.ts'
import { realClock } from '../io/retry.ts'
import type { TreeCheck } from '../policy/evidence.ts'
import type { GitObject, ObjectRequest } from './cat-file.ts'
import { sha256Repository } from './git-failure.ts'
import { fetchTips, GitHistory } from './git-history.ts'
import { GitTransport, type TransportOptions } from './git-transport.ts'
import { linkLocalObjects } from './local-source.ts'
import type { MergeQuestion } from './merge-tree.ts'
import { Objects } from './objects.ts'
import type { TreeEntry } from './tree.ts'

export interface HistoryOptions {
  /** Absolute path of git, from `findTool`. */
  readonly git: string
  /** A folder of this run alone; two bare repositories are made below it. */
  readonly folder: string
  /** `https://host/owner/name`, http on loopback, or with `localPath` an absolute path. */
  readonly url: string
  /** The URL is a path of this machine (a laptop's clone). Never derived from judged content. */
  readonly localPath?: boolean
  readonly token?: string
  readonly env: Environment
  readonly head: CommitId
  /** Without its ancestors: who wants one commit and its tree needs no history. */
  readonly tipOnly?: boolean
  /** Where the host of the URL is: nothing else is connected to. */
  readonly pin?: Pin
  /** Further commits that must be there, such as the anchor or the base of a pull request. */
  readonly also?: readonly CommitId[]
  readonly deadline: Date
  /** Ends what is being fetched. */
  readonly signal?: AbortSignal
  /** Milliseconds since the epoch; for the deadline only. */
  readonly now?: () => number
  /** Default: `LIMITS.sourceDiskBytes`. */
  readonly maxDiskBytes?: number
}

/** The head of a pull request, and the ref under which the server may give it where it refuses ids. */
export interface Head {
  readonly id: CommitId
  /** `refs/pull/7/head` */
  readonly ref: string
}

/** Objects of one repository, every id recomputed from the bytes. Safe to call concurrently. */
export interface History {
  /**
   * Raw bytes of a commit; of one larger than `LIMITS.commitBytes` the first `LIMITS.commitBytes + 1`, which the parser
   * refuses. @throws `source/object-missing`, `source/object-forged`, `source/deadline`
   */
  commit(id: CommitId): Promise<Uint8Array>
  /** Raw bytes of a tag object, fetched when they are not there yet; cut as a commit's. @throws as `commit` */
  tag(id: CommitId): Promise<Uint8Array>
  /** @throws also `source/tree-malformed` */
  tree(id: CommitId): Promise<readonly TreeEntry[]>
  /** @throws also `source/blob-too-large` */
  blob(id: CommitId, maxBytes: number): Promise<Uint8Array>
  /** Makes commits readable, with their ancestors. @throws `source/object-missing`, `source/commit-not-found` */
  ensure(commits: readonly CommitId[]): Promise<void>
  /** Makes heads of pull requests readable. @returns those that the repository does not give; they are unknown, not absent. */
  ensureHeads(heads: readonly Head[]): Promise<ReadonlySet<CommitId>>
  /**
   * Ids that are probably reachable from the tips and not from the others, as git itself believes. Only for reading ahead:
   * nothing may rest on it.
   */
  guess(tips: readonly CommitId[], without: readonly CommitId[]): Promise<Iterable<CommitId>>
  /** Makes merges again, see `MergeTrees`. @throws `source/deadline`, `source/disk-limit` */
  checkMerges(questions: readonly MergeQuestion[]): Promise<readonly TreeCheck[]>
  /** `2.39.5`: who merged. */
  readonly gitVersion: string
  /** Milliseconds until the deadline. @throws `source/deadline` */
  remaining(): number
  /** The source stage is over in time: what is read later, after a build perhaps, is no longer bound to its deadline. */
  endStage(): void
  /** For large blobs: content as it comes, see `ObjectRequest.sink`. */
  object(request: ObjectRequest, type: 'blob' | 'tree'): Promise<GitObject>
  /** Law files of many commits with two fetches, in the order given. */
  lawFiles(
    commits: readonly { readonly id: CommitId; readonly tree: CommitId }[],
  ): AsyncIterable<{ readonly id: CommitId; readonly law: LawFiles }>
  /** Makes the full tree of a commit readable. */
  fetchTree(commit: CommitId): Promise<void>
  close(): Promise<void>
}

/**
 * Fetches the history of `head` (commits only, to the roots) into a private repository.
 * @throws `source/commit-not-found`, `source/repository-unreachable`, `source/repository-unsupported`,
 * `source/git-too-old`, `source/deadline`
 */
export async function openHistory(options: HistoryOptions): Promise<History> {
  await makeFolder(options.folder)
  const { transport, gitVersion } = await openTransport(options)
  const [commits, trees] = await together([
    initBare(transport, options.folder, 'commits.git'),
    initBare(transport, options.folder, 'trees.git'),
  ] as const)
  const tipOnly = options.tipOnly === true
  if (tipOnly) await fetchTips(transport, commits, [options.head])
  else await transport.fetchObjects(commits, [options.head], ['--filter=tree:0'], true)
  const objects = new Objects(transport, trees, `${commits}/objects`)
  try {
    const history = new GitHistory(transport, objects, { commits, trees, head: options.head, gitVersion, tipOnly })
    await history.ensure([options.head, ...(options.also ?? [])])
    return history
  } catch (error) {
    await objects.close()
    throw error
  }
}

/**
 * Asks the server where a full ref (`refs/heads/main`) points now; for an annotated tag, at the commit behind it.
 * @returns undefined when the server answers that there is no such ref.
 */
export async function resolveRef(
  options: Omit<HistoryOptions, 'head' | 'also'>,
  ref: string,
): Promise<CommitId | undefined> {
  const served = await resolveTag(options, ref)
  return served?.peeled ?? served?.id
}

/** What a tag's ref points at as served now. */
export interface ServedRef {
  readonly id: CommitId
  /** What lies behind a tag object, through any number of tags; absent: `id` is no tag object, the tag is lightweight. */
  readonly peeled?: CommitId
}

/** As `resolveRef`, with the tag object itself. */
export async function resolveTag(
  options: Omit<HistoryOptions, 'head' | 'also'>,
  ref: string,
): Promise<ServedRef | undefined> {
  if (!/^refs\/[^\s~^:?*[\\]+$/.test(ref) || ref.includes('..') || ref.includes('\0')) {
    throw fail('source/repository-unsupported', `${printable(ref, 200)} is not a full ref name`, {
      expected: 'refs/heads/… or refs/tags/…',
      found: ref,
      remedy: 'Give the ref in full, for example refs/heads/main.',
    })
  }
  await makeFolder(options.folder)
  const transport = new GitTransport({ now: realClock.now, ...options })
  const { stdout } = await transport.run({
    args: ['ls-remote', '--quiet', '--', transport.url, ref, `${ref}^{}`],
    doing: `ask for ${printable(ref, 200)}`,
  })
  const refs = new Map<string, CommitId>()
  for (const line of latin1(stdout).split('\n')) {
    const [id = '', name] = line.split('\t')
    // ls-remote matches the end of names; only the exact one counts.
    const exact = name === undefined ? undefined : Buffer.from(name, 'latin1').toString('utf8')
    if (exact === ref || exact === `${ref}^{}`) refs.set(exact, servedId(id))
  }
  const id = refs.get(ref)
  const peeled = refs.get(`${ref}^{}`)
  return id === undefined ? undefined : { id, ...(peeled === undefined ? {} : { peeled }) }
}

function servedId(id: string): CommitId {
  if (id.length === 64) throw sha256Repository()
  if (isCommitId(id)) return id
  throw fail('source/repository-unreachable', 'The server gave no object id', { found: printable(id, 100) })
}

async function openTransport(options: HistoryOptions): Promise<{ transport: GitTransport; gitVersion: string }> {
  const base: TransportOptions = { now: realClock.now, ...options }
  const transport = new GitTransport(base)
  const gitVersion = await transport.checkVersion()
  if (options.localPath !== true) return { transport, gitVersion }
  const link = await initBare(transport, options.folder, 'link.git')
  await linkLocalObjects(options.url, link)
  return { transport: new GitTransport({ ...base, url: link }), gitVersion }
}

async function initBare(transport: GitTransport, folder: string, name: string): Promise<string> {
  const gitDir = `${folder}/${name}`
  await remove(gitDir)
  await transport.run({
    args: ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', gitDir],
    doing: 'make a private repository',
  })
  return gitDir
}
