import { encodeBase64, latin1, utf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { Pin } from '../io/address.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { folderBytes, watchFolder } from '../io/folder-size.ts'
import { isLoopbackHost } from '../io/http.ts'
import { type ProcessResult, run } from '../io/process.ts'
import { explainFailure } from './git-failure.ts'

export interface TransportOptions {
  /** Absolute path of git. */
  readonly git: string
  /** Private folder; also the home of git, so that no `.netrc` or configuration of a person is read. */
  readonly folder: string
  /** `https://…`, `http://` on loopback, or (with `localPath`) an absolute path. */
  readonly url: string
  /** Sent to exactly this repository URL and nowhere else. */
  readonly token?: string
  readonly env: Environment
  readonly deadline: Date
  /** Ends the command that runs, and every later one. */
  readonly signal?: AbortSignal
  /** Where the host of the URL is, whatever its name means a moment later (13-adversary 39). */
  readonly pin?: Pin
  readonly now: () => number
  /** The URL is a path of this machine, asked for by name; otherwise paths are refused. */
  readonly localPath?: boolean
  /** Bytes that `folder` may come to hold; default: `LIMITS.sourceDiskBytes`. */
  readonly maxDiskBytes?: number
}

export interface GitCommand {
  readonly args: readonly string[]
  readonly gitDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** Default: the private folder. */
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Beside the deadline. */
  readonly timeoutMs?: number
  readonly config?: readonly (readonly [string, string])[]
  readonly input?: string
  /** Said in the error when it fails. */
  readonly doing: string
}

/** First version whose `merge-tree --write-tree` and `cat-file` behave as this code needs. 3-source § 1. */
const MIN_GIT = [2, 38] as const

/**
 * Runs git as a transport, never as the judge, in an environment that nothing outside can reach: no system or user
 * configuration, no hooks, no replacement objects, no prompts, no helpers, only https (13-adversary 17).
 */
export class GitTransport {
  readonly #options: TransportOptions
  #deadline: Date | undefined
  readonly url: string

  /** @throws `source/repository-unsupported` for a URL that is not https, loopback http, or a path asked for by name. */
  constructor(options: TransportOptions) {
    this.#options = options
    this.#deadline = options.deadline
    this.url = checkedUrl(options.url, options.localPath === true)
  }

  /** @returns `2.39.5`. @throws `source/git-too-old` */
  async checkVersion(): Promise<string> {
    const { stdout } = await this.run({ args: ['version'], doing: 'ask git for its version' })
    const text = latin1(stdout)
    const [, major = '0', minor = '0'] = /^git version (\d{1,4})\.(\d{1,4})/.exec(text) ?? []
    const old = Number(major) < MIN_GIT[0] || (Number(major) === MIN_GIT[0] && Number(minor) < MIN_GIT[1])
    if (old) {
      throw fail('source/git-too-old', 'The installed git is too old to check the source with', {
        expected: `git ${MIN_GIT.join('.')} or newer`,
        found: text.trim(),
      })
    }
    return printable(text.replace(/^git version /, '').trim(), 40)
  }

  /** Runs git to its end. @throws what `explainFailure` makes of a failure, or `source/deadline`. */
  async run(command: GitCommand): Promise<ProcessResult> {
    const result = await this.settle(command)
    if (result.code !== 0)
      throw explainFailure(result, { doing: command.doing, url: this.url, token: this.#hasToken() })
    return result
  }

  /**
   * Fetches objects by id, or refs by their full names, into a repository; nothing else (no ref, no FETCH_HEAD) is written.
   * @throws `source/disk-limit` and what `run` throws
   */
  async fetchObjects(
    gitDir: string,
    wants: readonly string[],
    flags: readonly string[],
    promisor: boolean,
  ): Promise<void> {
    const partial = [
      ['remote.source.promisor', 'true'],
      ['remote.source.partialCloneFilter', 'tree:0'],
    ] as const
    const quiet = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules']
    await this.#boundedOnDisk(signal =>
      this.run({
        args: ['fetch', ...quiet, ...flags, '--stdin', 'source'],
        gitDir,
        config: promisor ? partial : [],
        input: `${wants.join('\n')}\n`,
        doing: wants.length === 1 ? `fetch ${wants[0]}` : `fetch ${wants.length} objects`,
        signal,
      }),
    )
  }

  /** A server decides how much it sends, so the folder is watched while it does (13-adversary 13). */
  async #boundedOnDisk(act: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const { folder, maxDiskBytes = LIMITS.sourceDiskBytes } = this.#options
    const full = new AbortController()
    const watch = watchFolder(folder, maxDiskBytes, () => full.abort())
    try {
      await act(full.signal)
    } catch (error) {
      if (!full.signal.aborted) throw error
    } finally {
      watch.stop()
    }
    if (full.signal.aborted || (await folderBytes(folder)) > maxDiskBytes)
      throw fail('source/disk-limit', 'The history needs more room on disk than it may take', {
        expected: `at most ${maxDiskBytes} bytes`,
      })
  }

  /** The whole environment of a git process. `GIT_CONFIG_*` because a command line can be read by every process. */
  environment(extra: Readonly<Record<string, string>>, config: GitCommand['config'] = []): Record<string, string> {
    const all = [...this.#config(), ...config]
    const pairs = all.flatMap(([key, value], i) => [
      [`GIT_CONFIG_KEY_${i}`, key] as const,
      [`GIT_CONFIG_VALUE_${i}`, value] as const,
    ])
    return childEnvironment(this.#options.env, {
      HOME: this.#options.folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_SYSTEM: '/dev/null',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_NO_LAZY_FETCH: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: this.#protocol(),
      LC_ALL: 'C',
      GIT_CONFIG_COUNT: String(all.length),
      ...Object.fromEntries(pairs),
      ...extra,
    })
  }

  get file(): string {
    return this.#options.git
  }

  /** Milliseconds until the deadline. @throws `source/deadline` */
  remaining(): number {
    if (this.#deadline === undefined) return LIMITS.sourceStageMs
    const ms = this.#deadline.getTime() - this.#options.now()
    if (ms <= 0) throw this.late()
    return ms
  }

  /** The stage is over: its deadline has been kept, and each later command has a time of its own. */
  endStage(): void {
    this.#deadline = undefined
  }

  late(): Error {
    return fail('source/deadline', 'The time for reading the source is over', {
      expected: `an end before ${this.#options.deadline.toISOString()}`,
    })
  }

  /** As `run`, whatever the exit code. @throws `source/deadline`, and `core/process-failed` when git cannot be run */
  async settle(command: GitCommand): Promise<ProcessResult> {
    const timeoutMs = Math.min(this.remaining(), command.timeoutMs ?? Number.POSITIVE_INFINITY)
    try {
      return await run({
        file: this.#options.git,
        args: command.args,
        cwd: command.cwd ?? this.#options.folder,
        env: this.environment(
          { ...(command.gitDir === undefined ? {} : { GIT_DIR: command.gitDir }), ...command.env },
          command.config,
        ),
        timeoutMs,
        ...this.#signal(command.signal),
        ...(command.input === undefined ? {} : { input: utf8(command.input) }),
      })
    } catch (error) {
      this.remaining()
      throw asWaybillError(error)
    }
  }

  #signal(own: AbortSignal | undefined): { readonly signal?: AbortSignal } {
    const signals = [this.#options.signal, own].filter(signal => signal !== undefined)
    return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }
  }

  #config(): readonly (readonly [string, string])[] {
    const { token, pin, env } = this.#options
    const basic = token === undefined ? '' : encodeBase64(utf8(`x-access-token:${token}`))
    return [
      ['remote.source.url', this.url],
      // A redirect would carry the question, and with an unscoped header the token, to a host nobody named.
      ['http.followRedirects', 'false'],
      // git's own client knows no variable for it.
      ...(env.SSL_CERT_FILE ? [['http.sslCAInfo', env.SSL_CERT_FILE] as const] : []),
      ['http.lowSpeedLimit', '1000'],
      ['http.lowSpeedTime', '60'],
      ['protocol.version', '2'],
      ['credential.helper', ''],
      ['core.hooksPath', '/dev/null'],
      ['core.commitGraph', 'false'],
      // Checks of git would turn old repositories away; ids are recomputed and the strict parser judges.
      ['fetch.fsckObjects', 'false'],
      ['transfer.fsckObjects', 'false'],
      ['fetch.unpackLimit', '1'],
      ['fetch.recurseSubmodules', 'false'],
      ['gc.auto', '0'],
      ['maintenance.auto', 'false'],
      ...(pin === undefined ? [] : [['http.curloptResolve', pinnedTo(this.url, pin)] as const]),
      ...(token === undefined ? [] : [[`http.${this.url}.extraHeader`, `Authorization: Basic ${basic}`] as const]),
    ]
  }

  #protocol(): string {
    if (this.url.startsWith('/')) return 'file'
    return this.url.startsWith('https:') ? 'https' : 'http'
  }

  #hasToken(): boolean {
    return this.#options.token !== undefined
  }
}

/** `host:port:address,address`, libcurl § CURLOPT_RESOLVE; git has passed it on since 2.37. */
function pinnedTo(text: string, { host, addresses }: Pin): string {
  const url = new URL(text)
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const named = host.includes(':') ? `[${host}]` : host
  return `${named}:${port}:${addresses.map(({ address, family }) => (family === 6 ? `[${address}]` : address)).join(',')}`
}

function checkedUrl(text: string, localPath: boolean): string {
  if (localPath) {
    if (text.startsWith('/') && !/[\n\r\0]/.test(text)) return text
    throw unsupported(text, 'an absolute path')
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const loopback = url?.protocol === 'http:' && isLoopbackHost(url.hostname)
  if (url === undefined || (url.protocol !== 'https:' && !loopback)) throw unsupported(text, 'an https URL')
  // A name or password in the URL would stand in process lists, messages and the receipt.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw unsupported(url.origin + url.pathname, 'an https URL without name, password, query or fragment')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function unsupported(found: string, expected: string): Error {
  return fail('source/repository-unsupported', `The repository ${printable(found, 200)} cannot be read from there`, {
    expected,
    found,
    remedy: 'Give the repository as https://host/owner/name.',
  })
}
