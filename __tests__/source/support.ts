import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { asWaybillError, type WaybillError } from '../../src/core/error.ts'
import { type ParsedCommit, parseCommit } from '../../src/source/commit.ts'

export function readBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path))
}

export function idOf(type: string, bytes: Uint8Array): CommitId {
  return parseCommitId(createHash('sha1').update(`${type} ${bytes.byteLength}\0`).update(bytes).digest('hex'))
}

export function idOfCommit(bytes: Uint8Array): CommitId {
  return idOf('commit', bytes)
}

/** A commit that the strict parser accepts. */
export function commitOf(object: string | Uint8Array): ParsedCommit {
  const bytes = typeof object === 'string' ? utf8(object) : object
  const commit = parseCommit(idOfCommit(bytes), bytes)
  if ('malformed' in commit) throw new Error(commit.malformed.message)
  return commit
}

export async function errorOf(act: () => unknown): Promise<WaybillError> {
  try {
    await act()
  } catch (error) {
    return asWaybillError(error)
  }
  throw new Error('expected an error, but there was none')
}

/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'source-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The git of this machine, or a clear failure. */
export function findGit(): string {
  return execFileSync('sh', ['-c', 'command -v git']).toString().trim()
}

/** A clone as a person has it, with a working tree. */
export class Clone {
  readonly path: string

  constructor(path: string) {
    this.path = path
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', path], { env: this.#env() })
  }

  git(...args: string[]): string {
    return this.bytes(...args)
      .toString()
      .trim()
  }

  bytes(...args: string[]): Buffer {
    return execFileSync('git', ['-C', this.path, ...args], { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Stores an object as it is, well formed or not. */
  store(type: 'commit' | 'tree' | 'blob', bytes: Uint8Array): CommitId {
    const args = ['-C', this.path, 'hash-object', '-w', '--literally', '-t', type, '--stdin']
    const id = execFileSync('git', args, { input: bytes, env: this.#env() }).toString()
    return parseCommitId(id.trim())
  }

  /** Commits everything that is in the folder. */
  commit(message: string, ...args: string[]): CommitId {
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '-m', message, ...args)
    return this.head()
  }

  head(name = 'HEAD'): CommitId {
    return parseCommitId(this.git('rev-parse', name))
  }

  /** Stores a tree from the lines of `git ls-tree`. */
  treeOf(lines: string): CommitId {
    const args = ['-C', this.path, 'mktree', '--missing']
    return parseCommitId(execFileSync('git', args, { input: lines, env: this.#env() }).toString().trim())
  }

  tree(commit: string): CommitId {
    return parseCommitId(this.git('rev-parse', `${commit}^{tree}`))
  }

  #env(): NodeJS.ProcessEnv {
    const person = { NAME: 'alice', EMAIL: 'alice@example.com', DATE: '2026-01-01T00:00:00Z' }
    const names = Object.entries(person).flatMap(([key, value]) => [
      [`GIT_AUTHOR_${key}`, value],
      [`GIT_COMMITTER_${key}`, value],
    ])
    const quiet = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
    return { PATH: process.env.PATH, HOME: '/nonexistent', ...quiet, ...Object.fromEntries(names) }
  }
}

export async function allOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
