import { isAbsolute } from 'node:path'
import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { type ProcessResult, run } from '../io/process.ts'

/** What a person's own programs need to find that person's keys and agents. */
const PERSONAL = [
  'SSH_AUTH_SOCK',
  'SSH_ASKPASS',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'DBUS_SESSION_BUS_ADDRESS',
  'XDG_CONFIG_HOME',
  'GNUPGHOME',
  'GPG_TTY',
  'TERM',
] as const

/** With these git asks no server, not even for objects that a partial clone lacks. */
export const OFFLINE = { GIT_ALLOW_PROTOCOL: 'none', GIT_NO_LAZY_FETCH: '1', GIT_TERMINAL_PROMPT: '0' } as const

/**
 * A clone on its owner's machine, used with its owner's configuration: to find out what is meant by a name, and to write
 * and push what the owner signed. It never judges: what is judged is read through `openHistory`, which trusts no clone.
 */
export class Clone {
  readonly folder: string
  readonly #git: string
  readonly #env: Environment
  readonly #extra: Readonly<Record<string, string>>

  /**
   * @param git absolute path of the program.
   * @param extra further variables for it, as `OFFLINE`.
   */
  constructor(git: string, folder: string, env: Environment, extra: Readonly<Record<string, string>> = {}) {
    this.#git = git
    this.#env = env
    this.#extra = extra
    this.folder = folder
  }

  /** Output of a git command without its last line end. @throws `source/clone-failed` with what git said. */
  async text(...args: readonly string[]): Promise<string> {
    const result = await this.run(args)
    if (result.code !== 0) throw failed(args, result)
    return latin1(result.stdout).trimEnd()
  }

  /** As `text`; undefined when git answers with an exit code other than 0, as it does for what does not exist. */
  async find(...args: readonly string[]): Promise<string | undefined> {
    const result = await this.run(args)
    return result.code === 0 ? latin1(result.stdout).trimEnd() : undefined
  }

  /** The commit that a name stands for. @throws `source/clone-failed` */
  async commit(name: string): Promise<CommitId> {
    const id = await this.find('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`)
    if (isCommitId(id)) return id
    throw fail('source/clone-failed', `There is no commit called ${printable(name, 100)} in this clone`, {
      expected: 'a branch, a tag or a commit id',
      found: name,
      remedy: 'Look for it: git branch --all --list; bring what is missing: git fetch',
    })
  }

  /** Writes bytes as a blob and returns its id. */
  async blob(bytes: Uint8Array): Promise<CommitId> {
    const args = ['hash-object', '-w', '--stdin', '--no-filters']
    const result = await this.run(args, bytes)
    const id = latin1(result.stdout).trim()
    if (result.code === 0 && isCommitId(id)) return id
    throw failed(args, result)
  }

  run(args: readonly string[], input?: Uint8Array): Promise<ProcessResult> {
    return run({
      file: this.#git,
      args,
      cwd: this.folder,
      env: personalEnvironment(this.#env, { GIT_TERMINAL_PROMPT: '1', ...this.#extra }),
      terminal: true,
      ...(input === undefined ? {} : { input }),
    })
  }
}

/** The allow-list of children, and what a person's keys need. No token, no `GIT_*` of the caller. */
export function personalEnvironment(
  env: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const own = PERSONAL.flatMap(name => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return childEnvironment(env, { ...Object.fromEntries(own), ...extra })
}

/** `https://host/owner/name` of a remote's URL as people write it; undefined when it is none of a server. */
export function repositoryUri(remote: string): string | undefined {
  if (isAbsolute(remote)) return undefined
  const scp = /^(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):([^/\s][^\s]*)$/.exec(remote)
  const [, host, path] = scp ?? []
  const text = host === undefined || remote.includes('://') ? remote : `https://${host}/${path}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol)) return undefined
  const name = url.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  if (!/^[^/\s]+(?:\/[^/\s]+)+$/.test(name)) return undefined
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  const origin = isWeb ? `${url.protocol}//${url.host}` : `https://${url.hostname}`
  return `${origin}/${name}`
}

function failed(args: readonly string[], { stderr }: ProcessResult): Error {
  const said = printable(latin1(stderr).trim(), 400)
  return fail('source/clone-failed', `git ${args[0] ?? ''} did not succeed in this clone`, {
    found: said === '' ? 'no message' : said,
  })
}
