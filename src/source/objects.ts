import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type BatchProcess, startBatch } from '../io/batch.ts'
import { CatFileReader, type GitObject, type ObjectRequest, type ObjectType } from './cat-file.ts'
import type { GitTransport } from './git-transport.ts'
import { parseTree, type TreeEntry } from './tree.ts'

/** Reads objects out of private repositories through one long-lived `git cat-file --batch`. Safe to call concurrently. */
export class Objects {
  readonly #reader = new CatFileReader()
  readonly #catFile: BatchProcess
  readonly #deadline: NodeJS.Timeout

  /** @param alternate object folder that is read as well. */
  constructor(transport: GitTransport, gitDir: string, alternate: string) {
    this.#catFile = startBatch({
      file: transport.file,
      args: ['cat-file', '--batch'],
      // No protocol at all: whatever a repository asks for, reading never opens a connection.
      env: transport.environment({
        GIT_DIR: gitDir,
        GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates(alternate),
        GIT_ALLOW_PROTOCOL: 'none',
      }),
      onData: chunk => this.#reader.push(chunk),
      onEnd: failure => this.#reader.fail(asWaybillError(failure ?? closed())),
    })
    this.#deadline = setTimeout(
      () => {
        this.#reader.fail(asWaybillError(transport.late()))
        void this.#catFile.close()
      },
      Math.min(transport.remaining(), 0x7fffffff),
    )
    this.#deadline.unref()
  }

  /** The object, or undefined when the repositories do not have it. @throws `source/object-forged`, `source/deadline` */
  find(request: ObjectRequest): Promise<GitObject | undefined> {
    const answer = this.#reader.expect(request)
    this.#catFile.write(`${request.id}\n`)
    return answer
  }

  /** @throws `source/object-missing`, `source/tree-malformed` when the object is of another type. */
  async read(request: ObjectRequest, type: ObjectType): Promise<GitObject> {
    const object = await this.find(request)
    if (object === undefined) throw missing(request.id, type)
    return ofType(object, request.id, type)
  }

  /** @throws also `source/tree-malformed` */
  async tree(id: CommitId): Promise<readonly TreeEntry[]> {
    return treeOf(await this.read({ id, keep: LIMITS.treeBytes }, 'tree'), id)
  }

  /** See `GitTransport.endStage`: from then on reading may wait as long as the run lasts. */
  endStage(): void {
    clearTimeout(this.#deadline)
  }

  async close(): Promise<void> {
    clearTimeout(this.#deadline)
    await this.#catFile.close()
  }
}

/** The value of `GIT_ALTERNATE_OBJECT_DIRECTORIES` for one folder, whatever characters its path has. */
export function alternates(folder: string): string {
  return `"${folder.replace(/["\\]/g, '\\$&')}"`
}

/** @throws `source/tree-malformed` */
export function treeOf(object: GitObject, id: CommitId): readonly TreeEntry[] {
  ofType(object, id, 'tree')
  if (object.size > LIMITS.treeBytes) {
    throw fail('source/tree-malformed', `The tree ${id} is larger than accepted`, {
      expected: `at most ${LIMITS.treeBytes} bytes`,
      found: `${object.size} bytes`,
    })
  }
  return parseTree(id, object.bytes)
}

export function missing(id: CommitId, type: ObjectType): Error {
  return fail('source/object-missing', `The repository did not give the ${type} ${id}`, { expected: id })
}

function ofType(object: GitObject, id: CommitId, type: ObjectType): GitObject {
  if (object.type === type) return object
  throw fail('source/tree-malformed', `The object ${id} is named as a ${type} but is a ${object.type}`, {
    expected: type,
    found: object.type,
  })
}

function closed(): Error {
  return fail('source/object-missing', 'The repository was closed before the object was read')
}
