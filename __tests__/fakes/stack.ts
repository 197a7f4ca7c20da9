import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClaimOverrides } from './claims.ts'
import { type Fulcio, startFulcio } from './fulcio.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { type Github, repositoryOf, startGithub } from './github.ts'
import { addGithubApi, type GithubApiDouble } from './github-api.ts'
import { type Oidc, startOidc } from './oidc.ts'
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from './registry/registry.ts'
import { type RekorV1, startRekorV1 } from './rekor-v1.ts'
import { type RekorV2, startRekorV2 } from './rekor-v2.ts'
import { prepareRun, type Run, type RunOptions } from './runner.ts'
import { startTimestampAuthority, type TimestampAuthority } from './timestamp.ts'
import { type RekorChoice, signingConfig, trustedRoot } from './trusted-root.ts'

export interface StackOptions {
  /** Where files are written; default: a temporary folder that `close` removes. */
  readonly folder?: string
  /** Over the defaults of `githubClaims`, for every token and run. */
  readonly claims?: ClaimOverrides
  /** `iss` of tokens and certificates; default: the issuer's loopback URL. */
  readonly issuer?: string
  /** Which transparency log the signing config names; default `v1`. */
  readonly rekor?: RekorChoice
  readonly registry?: RegistryOptions
  /** The platform's address in certificates; default: the git server's, which the runs name as theirs. */
  readonly platform?: string
  /** Asked for by the git server always, and by the GitHub double for repositories that are not public. */
  readonly githubToken?: string
}

export interface Stack {
  readonly folder: string
  readonly oidc: Oidc
  readonly fulcio: Fulcio
  readonly rekorV1: RekorV1
  readonly rekorV2: RekorV2
  readonly timestamp: TimestampAuthority
  readonly registry: EmbeddedRegistry
  readonly github: Github
  /** What the GitHub double's API tells about commits, pull requests, users: a model to write into. */
  readonly platform: GithubApiDouble
  readonly git: GitServer
  readonly trustedRoot: Record<string, unknown>
  readonly signingConfig: Record<string, unknown>
  /** Absolute paths of `trusted_root.json` and `signing_config.json`. */
  readonly trustedRootFile: string
  readonly signingConfigFile: string
  /** Sets up one job: environment, event, runner files. */
  run(options?: RunOptions): Run
  /** The environment of a fresh job with these variables over it. */
  environment(overrides?: Readonly<Record<string, string | undefined>>): Record<string, string>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts every service of the embedded stack on loopback, ports chosen by the system, in well under a second. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = options.folder ?? (await mkdtemp(join(await realpath(tmpdir()), 'waybill-stack-')))
  const gitFolder = join(folder, 'git')
  await mkdir(gitFolder, { recursive: true })
  const token = options.githubToken === undefined ? {} : { token: options.githubToken }
  const oidc = await startOidc(options)
  const [, fulcio, rekorV1, rekorV2, timestamp, registry, github, git] = await allOrNone([
    oidc,
    startFulcio({ issuers: new Map([[oidc.issuer, oidc.url]]) }),
    startRekorV1(),
    startRekorV2(),
    startTimestampAuthority(),
    startRegistry(options.registry),
    startGithub({ ...token, repositories: new Map([repositoryOf(oidc.claims())]) }),
    startGitServer({ ...token, folder: gitFolder }),
  ])
  // Certificates speak of the server that the runs name, as an own Fulcio beside an own GitHub server would.
  fulcio.platform = options.platform ?? git.url
  const services = { issuer: oidc.issuer, fulcio, rekorV1, rekorV2, timestamp }
  const root = trustedRoot(services)
  const config = signingConfig(services, options.rekor)
  const close = async () => {
    const all = [oidc, fulcio, rekorV1, rekorV2, timestamp, registry, github, git]
    await Promise.all(all.map(service => service.close()))
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  const files = [
    writeJson(join(folder, 'trusted_root.json'), root),
    writeJson(join(folder, 'signing_config.json'), config),
  ]
  const [trustedRootFile = '', signingConfigFile = ''] = await Promise.all(files).catch(async error => {
    await close()
    throw error
  })
  const world = { folder, oidc, serverUrl: git.url, apiUrl: github.url }
  return {
    folder,
    oidc,
    fulcio,
    rekorV1,
    rekorV2,
    timestamp,
    registry,
    github,
    platform: addGithubApi(github),
    git,
    trustedRoot: root,
    signingConfig: config,
    trustedRootFile,
    signingConfigFile,
    run: runOptions => prepareRun(world, runOptions),
    environment: (env = {}) => prepareRun(world, { env }).environment,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** All services, or the error of the first that failed with the others closed: an open server keeps a process alive. */
async function allOrNone<T extends readonly unknown[]>(
  starting: readonly [...{ [K in keyof T]: T[K] | Promise<T[K]> }],
): Promise<T> {
  const settled = await Promise.allSettled(starting)
  const failed = settled.find((result): result is PromiseRejectedResult => result.status === 'rejected')
  const values = settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  if (failed === undefined) return values as unknown as T
  await Promise.all((values as { close(): Promise<void> }[]).map(service => service.close()))
  throw failed.reason
}

async function writeJson(path: string, value: object): Promise<string> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`)
  return path
}
