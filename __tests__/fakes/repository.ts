import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SshSigner } from './ssh-signer.ts'

export interface CommitOptions {
  readonly message: string
  /** Path → content written (executable when the path ends in `.sh`), or `null` to delete. Nothing: the tree stays. */
  readonly files?: Readonly<Record<string, string | Uint8Array | null>>
  /** Nobody: the commit is unsigned. */
  readonly signer?: SshSigner
  readonly name?: string
  readonly email?: string
  /** Whoever made the object, where that is not its author. */
  readonly committer?: { readonly name: string; readonly email: string }
  /** Further parents after the present head: a merge. */
  readonly merge?: readonly string[]
  /** Last word on the object's bytes, for malformed commits. */
  readonly tamper?: (object: string) => string
}

export interface TagOptions {
  /** What is tagged; default: the head. A tag object makes a tag of a tag. */
  readonly target?: string
  readonly message?: string
  /** Nobody: the tag is annotated and unsigned. */
  readonly signer?: SshSigner
  readonly name?: string
  readonly email?: string
  /** Name of the ref when it is another than the one inside the object. */
  readonly ref?: string
  /** Last word on the object's bytes, after signing. */
  readonly tamper?: (object: string) => string
}

/** Who signs with the real git, and how: `gpg.format=ssh`, `user.signingkey=…`. */
export interface RealSigner {
  readonly name: string
  readonly email: string
  readonly config: readonly string[]
  /** Further environment, such as the home of gpg. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A git repository whose commits are written object by object, so that a test can make any commit, also one that git
 * itself would never write. Times are fixed: the same steps give the same ids.
 */
export class TestRepository {
  readonly folder: string
  #time = 1_780_000_000

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
    this.git('init', '--quiet', '--initial-branch=main')
  }

  git(...args: string[]): string {
    return this.gitInput(undefined, ...args)
  }

  gitInput(input: string | Uint8Array | undefined, ...args: string[]): string {
    return this.#run({}, input, args)
  }

  /** The real git with a person's name and key, as at his own desk: `gitAs(carol, 'tag', '-s', '-m', 'First', 'v1')`. */
  gitAs({ name, email, config, env = {} }: RealSigner, ...args: string[]): string {
    const settings = [`user.name=${name}`, `user.email=${email}`, ...config].flatMap(pair => ['-c', pair])
    return this.#run(env, undefined, [...settings, ...args])
  }

  #run(env: Readonly<Record<string, string>>, input: string | Uint8Array | undefined, args: readonly string[]): string {
    const environment = {
      PATH: process.env.PATH,
      HOME: this.folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      LC_ALL: 'C',
      ...env,
    }
    return execFileSync('git', args, {
      cwd: this.folder,
      input: input ?? '',
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    })
      .toString('latin1')
      .trimEnd()
  }

  /** Id of the commit at the tip of the current branch, or undefined before the first. */
  head(): string | undefined {
    try {
      return this.git('rev-parse', '--verify', '--quiet', 'HEAD')
    } catch {
      return undefined
    }
  }

  /** Writes a commit on the current branch and returns its id. */
  commit(options: CommitOptions): string {
    this.write(options.files ?? {})
    this.git('add', '--all')
    const id = this.object(options, this.git('write-tree'), [this.head(), ...(options.merge ?? [])])
    this.git('update-ref', 'HEAD', id)
    return id
  }

  /** Writes a commit object without moving any branch. */
  object(options: CommitOptions, tree: string, parents: readonly (string | undefined)[]): string {
    this.#time += 60
    const author = { name: options.name ?? 'Alice', email: options.email ?? 'alice@example.com' }
    const person = ({ name, email }: typeof author) => `${name} <${email}> ${this.#time} +0000`
    const known = parents.filter(parent => parent !== undefined)
    const people = [`author ${person(author)}`, `committer ${person(options.committer ?? author)}`]
    const head = [`tree ${tree}`, ...known.map(parent => `parent ${parent}`), ...people]
    const payload = `${head.join('\n')}\n\n${options.message}\n`
    const object =
      options.signer === undefined ? payload : withSignature(payload, options.signer.sign(Buffer.from(payload)))
    const bytes = Buffer.from(options.tamper?.(object) ?? object, 'utf8')
    return this.gitInput(bytes, 'hash-object', '-t', 'commit', '-w', '--stdin', '--literally')
  }

  /** Writes a tag object and points its ref at it, wherever that pointed before. @returns the id of the object. */
  tag(name: string, options: TagOptions = {}): string {
    this.#time += 60
    const target = this.git('rev-parse', options.target ?? 'HEAD')
    const tagger = `${options.name ?? 'Alice'} <${options.email ?? 'alice@example.com'}> ${this.#time} +0000`
    const head = [`object ${target}`, `type ${this.git('cat-file', '-t', target)}`, `tag ${name}`, `tagger ${tagger}`]
    const payload = `${head.join('\n')}\n\n${options.message ?? `Release ${name}`}\n`
    const object = `${payload}${options.signer === undefined ? '' : `${options.signer.sign(Buffer.from(payload))}\n`}`
    const bytes = Buffer.from(options.tamper?.(object) ?? object, 'utf8')
    const id = this.gitInput(bytes, 'hash-object', '-t', 'tag', '-w', '--stdin', '--literally')
    this.git('update-ref', `refs/tags/${options.ref ?? name}`, id)
    return id
  }

  write(files: Readonly<Record<string, string | Uint8Array | null>>): void {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, path)
      if (content === null) {
        rmSync(file, { force: true })
        continue
      }
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content, { mode: path.endsWith('.sh') ? 0o755 : 0o644 })
    }
  }

  /** A bare copy that a server can serve. */
  serveFrom(bare: string): void {
    rmSync(bare, { recursive: true, force: true })
    this.git('clone', '--quiet', '--bare', '--no-local', this.folder, bare)
  }
}

/** Puts the signature where git puts it: a `gpgsig` header after `committer`, continuation lines indented by a space. */
export function withSignature(payload: string, armored: string): string {
  const cut = payload.indexOf('\n\n')
  const header = `gpgsig ${armored.split('\n').join('\n ')}`
  return `${payload.slice(0, cut)}\n${header}${payload.slice(cut)}`
}
