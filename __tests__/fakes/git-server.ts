import { execFile, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { LfsStore } from './lfs-store.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface GitServerOptions extends ServiceOptions {
  /** Bare repositories lie below it: `<folder>/acme/app.git` is served as `/acme/app` and `/acme/app.git`. */
  readonly folder: string
  /** Asked for as the password of basic authentication, whatever the user name; absent: everything is public. */
  readonly token?: string
}

export interface GitServer extends Service {
  readonly folder: string
  /** May be changed while running. */
  token: string | undefined
  /** Objects of Git LFS, served by their digest beside every repository. */
  readonly lfs: LfsStore
  /** The platform's own public keys, served to everybody at `/web-flow.gpg`; undefined: 404. */
  webFlow: string | undefined
  /** Where the bare repository of `acme/app` belongs. */
  repositoryFolder(repository: string): string
  /** Puts a bare mirror of a local repository in place, replacing what was served before. @returns the id of its HEAD. */
  publish(from: string, repository: string): Promise<string>
}

/** What GitHub allows to clients, and no pushes. */
const SERVER_CONFIG: Readonly<Record<string, string>> = {
  'uploadpack.allowFilter': 'true',
  'uploadpack.allowAnySHA1InWant': 'true',
  'http.receivepack': 'false',
  'safe.directory': '*',
}

/**
 * A smart HTTP git server over the real `git http-backend`, protocols 0 and 2, read-only, partial clones and any object
 * by id as on GitHub.
 *
 * Checks: the token, when one is set (401 with a challenge for none or a wrong one).
 * Serves Git LFS objects as well, see `LfsStore`.
 * Does not have: dumb HTTP's `objects/info/…` of GitHub, pushes, rate limits, hidden refs; answers are held in memory.
 */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const service = await startService('git', request => answer(server, request), options)
  const repositoryFolder = (repository: string) => join(options.folder, `${repository}.git`)
  const server: GitServer = Object.assign(service, {
    folder: options.folder,
    token: options.token,
    webFlow: undefined,
    lfs: new LfsStore(),
    repositoryFolder,
    publish: (from: string, repository: string) => publish(from, repositoryFolder(repository)),
  })
  return server
}

async function answer(server: GitServer, request: ServiceRequest): Promise<ServiceAnswer> {
  if (request.path === '/web-flow.gpg') {
    const { webFlow } = server
    return webFlow === undefined ? { status: 404, body: 'Not Found' } : { status: 200, body: webFlow }
  }
  // Storage has logins of its own.
  if (request.path.startsWith('/lfs-storage/')) return server.lfs.answer(request, server.url)
  if (server.token !== undefined && password(request) !== server.token) {
    return { status: 401, headers: { 'www-authenticate': 'Basic realm="GitHub"' }, body: 'Repository not found.' }
  }
  if (/\.git\/info\/lfs\//.test(request.path)) return server.lfs.answer(request, server.url)
  return parseCgi(await runBackend(server.folder, request))
}

function password(request: ServiceRequest): string | undefined {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value ?? '', 'base64').toString()
  return pair.slice(pair.indexOf(':') + 1)
}

function runBackend(folder: string, request: ServiceRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['http-backend'], {
      env: { ...environment(), ...variables(folder, request) },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', chunk => chunks.push(chunk))
    // The backend may end without reading its input; its answer says why.
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', () => resolve(Buffer.concat(chunks)))
    child.stdin.end(request.body)
  })
}

/** RFC 3875. */
function variables(folder: string, request: ServiceRequest): Record<string, string> {
  return {
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: request.method,
    PATH_INFO: decodeURIComponent(request.path),
    QUERY_STRING: request.queryText,
    CONTENT_LENGTH: String(request.body.byteLength),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_ADDR: '127.0.0.1',
  }
}

function environment(): Record<string, string> {
  const settings = Object.entries(SERVER_CONFIG)
  return {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(settings.map(([key], at) => [`GIT_CONFIG_KEY_${at}`, key])),
    ...Object.fromEntries(settings.map(([, value], at) => [`GIT_CONFIG_VALUE_${at}`, value])),
  }
}

function parseCgi(output: Buffer): ServiceAnswer {
  const end = output.indexOf('\r\n\r\n')
  if (end < 0) return { status: 500, body: 'git http-backend gave no answer' }
  const headers: Record<string, string> = {}
  for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const { status = '200', ...others } = headers
  return { status: Number.parseInt(status, 10), headers: others, body: output.subarray(end + 4) }
}

async function publish(from: string, to: string): Promise<string> {
  await mkdir(dirname(to), { recursive: true })
  const git = (...args: string[]) => promisify(execFile)('git', args, { env: environment() })
  // Fetching every ref into an existing mirror, with deletions, makes a second publish replace the first.
  await git('init', '--quiet', '--bare', '--initial-branch=main', to)
  await git('-C', to, 'fetch', '--quiet', '--prune', '--no-write-fetch-head', from, '+refs/*:refs/*')
  const [id = '', branch = ''] = (
    await git('-C', from, 'rev-parse', 'HEAD', '--symbolic-full-name', 'HEAD')
  ).stdout.split('\n')
  if (branch.startsWith('refs/')) await git('-C', to, 'symbolic-ref', 'HEAD', branch)
  return id
}
