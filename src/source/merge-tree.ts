import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { latin1, utf8 } from '../core/bytes.ts'
import { type CommitId, isCommitId, parseCommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { printable } from '../core/text.ts'
import { writeFileAtomic, writeNamedByContent } from '../io/files.ts'
import type { TreeCheck } from '../policy/evidence.ts'
import { unlessStageEnds } from './git-failure.ts'
import type { GitTransport } from './git-transport.ts'
import { IdSet } from './id-set.ts'
import { alternates, type Objects } from './objects.ts'
import { contestedBlobs } from './tree-pair.ts'

/** A commit and its root tree, both from bytes whose ids were recomputed. */
export interface Side {
  readonly commit: CommitId
  readonly tree: CommitId
}

/** A merge that is made again to see whether it gives the tree it should. */
export interface MergeQuestion {
  /** `merge`: as git merges the two commits. `replay`: what `theirs` changed since the one base is put on `ours`. */
  readonly kind: 'merge' | 'replay'
  readonly expected: CommitId
  readonly ours: Side
  readonly theirs: Side
  /** Best common ancestors, at least one. */
  readonly bases: readonly Side[]
  /** Root trees that git reads beside these, to merge several bases with each other. */
  readonly deeper?: readonly CommitId[]
}

export interface MergeFolders {
  /** Private repository of commits, and of trees without blobs. */
  readonly commits: string
  /** Private repository in which git merges; what it lacks is read from the other one. */
  readonly trees: string
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
/** Merges that run at once. */
const LANES = 3
/** Objects asked for in one fetch. */
const WANTS = 10_000
/** Milliseconds for one merge: a few small trees can be made that unfold without end. */
const MERGE_MS = 60_000

/**
 * What git's own defaults are, said aloud: a clean merge on GitHub is one with these. Run on git 2.39: with `core.bare` unset
 * git takes its current folder for a work tree and obeys the `.gitattributes` there; in a bare repository it obeys
 * `info/attributes` alone (2.43 to 2.45 also that of HEAD, which no private repository has). So the attributes that steer a
 * merge are unset there, above every other source, and `GIT_ATTR_SOURCE` (2.41 and later, ignored before) says the same.
 * GitHub obeys no `.gitattributes` of a repository either: `merge=union` there is a conflict like any other.
 */
const MERGE_CONFIG = [
  ['merge.renames', 'true'],
  ['merge.directoryRenames', 'conflict'],
  ['merge.renormalize', 'false'],
  ['merge.renameLimit', '7000'],
  ['core.attributesFile', '/dev/null'],
] as const
const NO_ATTRIBUTES = '* !merge !conflict-marker-size !diff !text !eol !ident !filter !working-tree-encoding\n'

/** Makes merges again with `git merge-tree --write-tree` (git v2.39, Documentation/git-merge-tree.txt). 13-adversary 9. */
export class MergeTrees {
  readonly #transport: GitTransport
  readonly #objects: Objects
  readonly #folders: MergeFolders
  /** Root trees that were fetched with everything below them but the blobs. */
  readonly #whole = new IdSet()
  readonly #blobs = new IdSet()
  #prepared: Promise<void> | undefined

  constructor(transport: GitTransport, objects: Objects, folders: MergeFolders) {
    this.#transport = transport
    this.#objects = objects
    this.#folders = folders
  }

  /**
   * One answer for each question, in their order, with two fetches for all of them.
   * @throws `source/deadline`, `source/disk-limit`; whatever else fails makes an answer `unavailable`.
   */
  async check(questions: readonly MergeQuestion[]): Promise<readonly TreeCheck[]> {
    const hard = questions.filter(question => settled(question) === undefined)
    const failed = hard.length === 0 ? new Map<MergeQuestion, WaybillError>() : await this.#bring(hard)
    return inParallel(questions, LANES, async question => {
      const easy = settled(question)
      if (easy !== undefined) return easy
      const cause = failed.get(question)
      return cause === undefined ? this.#merge(question) : unchecked(cause)
    })
  }

  /** Fetches the trees, then of the files those that two sides changed. @returns the questions for which that failed. */
  async #bring(questions: readonly MergeQuestion[]): Promise<Map<MergeQuestion, WaybillError>> {
    const failed = new Map<MergeQuestion, WaybillError>()
    this.#prepared ??= writeFileAtomic(`${this.#folders.trees}/info/attributes`, NO_ATTRIBUTES)
    await this.#prepared
    await this.#fetchTrees(questions.flatMap(rootsOf)).catch(unlessStageEnds)
    const blobs = new Set<CommitId>()
    await inParallel(questions, LANES, async question => {
      try {
        for (const blob of await this.#contested(question)) if (!this.#blobs.has(blob)) blobs.add(blob)
      } catch (error) {
        failed.set(question, unlessStageEnds(error))
      }
    })
    const wanted = [...blobs]
    for (let at = 0; at < wanted.length; at += WANTS) {
      const part = wanted.slice(at, at + WANTS)
      // A blob that does not come makes the merges that need it end with an error of git, and only these.
      await this.#transport.fetchObjects(this.#folders.trees, part, [], false).catch(unlessStageEnds)
      for (const blob of part) this.#blobs.add(blob)
    }
    return failed
  }

  async #fetchTrees(roots: readonly CommitId[]): Promise<void> {
    const wanted = [...new Set(roots)].filter(root => !this.#whole.has(root))
    for (let at = 0; at < wanted.length; at += WANTS) {
      const part = wanted.slice(at, at + WANTS)
      await this.#transport.fetchObjects(this.#folders.commits, part, ['--filter=blob:none'], true)
      for (const root of part) this.#whole.add(root)
    }
  }

  /**
   * git before 2.44 takes a tree it does not have for an empty one and says nothing, so every tree on which the sides differ
   * is read here first. One that is missing is asked for once more, alone.
   */
  async #contested(question: MergeQuestion): Promise<ReadonlySet<CommitId>> {
    const roots = rootsOf(question)
    try {
      return await contestedBlobs(roots, id => this.#objects.tree(id))
    } catch (error) {
      if (asWaybillError(error).code !== 'source/object-missing') throw error
      await this.#transport.fetchObjects(this.#folders.commits, roots, ['--filter=blob:none'], true)
      return contestedBlobs(roots, id => this.#objects.tree(id))
    }
  }

  async #merge(question: MergeQuestion): Promise<TreeCheck> {
    try {
      const [ours, theirs] = question.kind === 'merge' ? commitsOf(question) : await this.#writeReplay(question)
      const { code, stdout, stderr } = await this.#transport.settle({
        args: ['merge-tree', '--write-tree', '--no-messages', ours, theirs],
        gitDir: this.#folders.trees,
        // Not a folder in which anybody else could have put a file.
        cwd: this.#folders.trees,
        config: MERGE_CONFIG,
        env: {
          GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates(`${this.#folders.commits}/objects`),
          GIT_ALLOW_PROTOCOL: 'none',
          GIT_ATTR_SOURCE: EMPTY_TREE,
        },
        timeoutMs: MERGE_MS,
        doing: 'merge two commits',
      })
      if (code === 1) return { kind: 'conflict' }
      if (code !== 0) throw noMerge(printable(latin1(stderr).trim(), 300) || `exit code ${code}`)
      const [, tree] = /^([0-9a-f]{40})\n$/.exec(latin1(stdout)) ?? []
      if (!isCommitId(tree)) throw noMerge(printable(latin1(stdout), 300))
      // git names what it wrote; that this is what stands there now is seen by reading it with an own hash.
      await this.#objects.read({ id: tree, keep: 0 }, 'tree')
      return tree === question.expected ? { kind: 'equal' } : { kind: 'differs', merged: tree }
    } catch (error) {
      return unchecked(unlessStageEnds(error))
    }
  }

  /**
   * git before 2.40 cannot be told the base of a merge, so three commits are made whose only common ancestor it is. Nothing
   * refers to them, and nobody signs them.
   */
  async #writeReplay({ bases, ours, theirs }: MergeQuestion): Promise<readonly [CommitId, CommitId]> {
    const [base] = bases
    if (base === undefined) throw noMerge('a replay without base')
    const root = await this.#writeCommit(base.tree)
    return [await this.#writeCommit(ours.tree, root), await this.#writeCommit(theirs.tree, root)]
  }

  async #writeCommit(tree: CommitId, parent?: CommitId): Promise<CommitId> {
    const person = 'replay <> 0 +0000'
    const parents = parent === undefined ? '' : `parent ${parent}\n`
    const body = `tree ${tree}\n${parents}author ${person}\ncommitter ${person}\n\nreplay\n`
    const object = utf8(`commit ${body.length}\0${body}`)
    const id = parseCommitId(createHash('sha1').update(object).digest('hex'))
    const file = `${this.#folders.trees}/objects/${id.slice(0, 2)}/${id.slice(2)}`
    await writeNamedByContent(file, new Uint8Array(deflateSync(object)))
    return id
  }
}

/** What needs no merge: a side that changed nothing, or both the same, whatever lies in the trees. */
function settled({ bases, ours, theirs, expected }: MergeQuestion): TreeCheck | undefined {
  const [base, second] = bases
  if (base === undefined) return unchecked(noMerge('two histories without common ancestor'))
  if (second !== undefined) return undefined
  const merged = base.tree === ours.tree ? theirs.tree : base.tree === theirs.tree ? ours.tree : undefined
  if (merged === undefined && ours.tree !== theirs.tree) return undefined
  const tree = merged ?? ours.tree
  return tree === expected ? { kind: 'equal' } : { kind: 'differs', merged: tree }
}

function rootsOf({ ours, theirs, bases, deeper = [] }: MergeQuestion): readonly CommitId[] {
  return [ours.tree, theirs.tree, ...bases.map(base => base.tree), ...deeper]
}

function commitsOf({ ours, theirs }: MergeQuestion): readonly [CommitId, CommitId] {
  return [ours.commit, theirs.commit]
}

/** A merge that could not be made again. Never "tampered": nothing was compared (13-adversary 9). */
export function unchecked(cause: WaybillError): TreeCheck {
  if (cause.code === 'source/merge-not-checked') return { kind: 'unavailable', cause }
  return { kind: 'unavailable', cause: noMerge(cause.message, cause) }
}

function noMerge(found: string, cause?: WaybillError): WaybillError {
  return fail('source/merge-not-checked', 'The merge could not be made again to compare it', {
    expected: 'git merge-tree to end with a tree or a conflict',
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
