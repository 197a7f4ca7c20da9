import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type GitServer, startGitServer } from '../../__tests__/fakes/git-server.ts'
import { type Github, repositoryOf, startGithub } from '../../__tests__/fakes/github.ts'
import { addGithubApi, type GithubApiDouble } from '../../__tests__/fakes/github-api.ts'
import { type PrivateAuthority, tlsFront } from '../../__tests__/fakes/network.ts'
import { type Oidc, startOidc } from '../../__tests__/fakes/oidc.ts'
import { prepareRun, type Run, type RunOptions } from '../../__tests__/fakes/runner.ts'
import { type BuildKit, startBuildKit } from './buildkit.ts'
import { type CertifiedService, mintFulcioRoot, startFulcio, startTimestampAuthority } from './certification.ts'
import { findPeers, type Peers } from './install.ts'
import { Supervisor } from './process.ts'
import { type PeerRegistry, type RegistryName, startRegistries } from './registries.ts'
import { type Log, startCtLog, startRekorV1, startRekorV2, startTrillian, type Trillian } from './transparency.ts'

const run = promisify(execFile)
const START = '2020-01-01T00:00:00Z'

/**
 * Real servers for everything that can be installed here, and doubles only for what cannot: GitHub's git server, API
 * and token issuer. It offers what the embedded stack offers to a scenario.
 */
export interface PeerStack {
  readonly folder: string
  readonly peers: Peers
  readonly oidc: Oidc
  /** Another issuer that Fulcio trusts, too: its signers are never the expected ones. */
  readonly otherOidc: Oidc
  readonly git: GitServer
  readonly github: Github
  /** What the GitHub double's API tells: a model to write into. */
  readonly platform: GithubApiDouble
  readonly trillian: Trillian
  /** Its certificates say that the platform is the stack's git server. */
  readonly fulcio: CertifiedService
  /** The same authority for the platform of Fulcio's own configuration, `https://github.com`. */
  readonly githubFulcio: CertifiedService
  readonly ctLog: Log
  readonly rekorV1: Log
  readonly rekorV2: Log
  readonly timestamp: CertifiedService
  readonly registries: Readonly<Record<RegistryName, PeerRegistry>>
  /** The registry a scenario pushes to unless it says otherwise. */
  readonly registry: PeerRegistry
  readonly buildkit: BuildKit
  readonly trustedRootFile: string
  /** With Rekor v1; `signingConfig` writes others. */
  readonly signingConfigFile: string
  /** What a job or a person needs in the environment to believe the git server: empty unless it speaks TLS. */
  readonly trusting: Readonly<Record<string, string>>
  /** Written by cosign. */
  signingConfig(name: string, services: SigningServices): Promise<string>
  run(options?: RunOptions): Run
  close(): Promise<void>
}

/** Addresses a signing config names; default: the stack's own, with Rekor v1. */
export interface SigningServices {
  readonly fulcio?: string
  /** `none`: what is signed is timestamped only. */
  readonly rekor?: { readonly url: string; readonly version: 1 | 2 } | 'none'
  readonly timestamp?: string
}

export interface PeerOptions {
  /** The git server speaks TLS, as a policy wants it of a server that it names: `stack.git.url` is `https://localhost:<port>`. */
  readonly tls?: PrivateAuthority
}

/** Starts every peer, ports chosen by the system. When one fails, all are stopped and its last log lines are the error. */
export async function startPeers(options: PeerOptions = {}): Promise<PeerStack> {
  const peers = findPeers()
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'waybill-peers-'))
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    await supervisor.stop()
    for (const closer of closers.splice(0)) await closer()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return await assemble({ folder, peers, supervisor }, closers, close, options)
  } catch (error) {
    await close()
    throw error
  }
}

async function assemble(
  workshop: { folder: string; peers: Peers; supervisor: Supervisor },
  closers: (() => Promise<void>)[],
  close: () => Promise<void>,
  { tls }: PeerOptions,
): Promise<PeerStack> {
  const { folder, peers } = workshop
  const closing = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const service = await starting
    closers.push(() => service.close())
    return service
  }
  await mkdir(join(folder, 'git'))
  const [oidc, otherOidc, plain] = await Promise.all([
    closing(startOidc()),
    closing(startOidc()),
    closing(startGitServer({ folder: join(folder, 'git') })),
  ])
  const git = tls === undefined ? plain : await closing(secure(plain, tls))
  const github = await closing(startGithub({ repositories: new Map([repositoryOf(oidc.claims())]) }))
  const [certified, rekorV2, timestamp, built] = await allSettled([
    startCertification(workshop, [oidc.issuer, otherOidc.issuer], git.url),
    startRekorV2(workshop),
    closing(startTimestampAuthority(workshop)),
    startBuilding(workshop),
  ])
  const services = { ...certified, ...built, rekorV2, timestamp }
  const config = (name: string, chosen: SigningServices) =>
    writeSigningConfig(peers.go.cosign3, join(folder, name), {
      fulcio: chosen.fulcio ?? services.fulcio.url,
      rekor: chosen.rekor ?? { url: services.rekorV1.url, version: 1 },
      timestamp: chosen.timestamp ?? timestamp.url,
      issuer: oidc.issuer,
    })
  const trustedRootFile = await writeTrustedRoot(peers.go.cosign3, join(folder, 'trusted_root.json'), services)
  const signingConfigFile = await config('signing_config.json', {})
  const world = { folder, oidc, serverUrl: git.url, apiUrl: github.url }
  const trusting = tls === undefined ? {} : await trustingEnvironment(folder, tls)
  return {
    folder,
    peers,
    oidc,
    otherOidc,
    git,
    github,
    platform: addGithubApi(github),
    ...services,
    registry: built.registries.referrers,
    trustedRootFile,
    signingConfigFile,
    signingConfig: config,
    trusting,
    run: (options = {}) => prepareRun(world, { ...options, env: { ...trusting, ...options.env } }),
    close,
  }
}

/** The same server behind TLS. Closing it closes the front alone. */
async function secure(git: GitServer, authority: PrivateAuthority): Promise<GitServer> {
  const { port, close } = await tlsFront(authority, ['localhost'], git.port)
  return { ...git, url: `https://localhost:${port}`, close }
}

async function trustingEnvironment(folder: string, { pem }: PrivateAuthority): Promise<Record<string, string>> {
  const path = join(folder, 'authority.pem')
  await writeFile(path, pem)
  return { NODE_EXTRA_CA_CERTS: path, SSL_CERT_FILE: path }
}

async function startCertification(
  workshop: { folder: string; peers: Peers; supervisor: Supervisor },
  issuers: readonly string[],
  platform: string,
) {
  const root = await mintFulcioRoot(workshop.folder)
  const trillian = await startTrillian(workshop)
  const [rekorV1, ctLog] = await allSettled([
    startRekorV1(workshop, trillian),
    startCtLog(workshop, trillian, root.certificateFile),
  ])
  const [fulcio, githubFulcio] = await allSettled([
    startFulcio(workshop, { name: 'fulcio', root, ctLog, issuers, platform }),
    startFulcio(workshop, { name: 'fulcio-github', root, ctLog, issuers }),
  ])
  return { trillian, rekorV1, ctLog, fulcio, githubFulcio }
}

async function startBuilding(workshop: { folder: string; peers: Peers; supervisor: Supervisor }) {
  const registries = await startRegistries(workshop)
  const buildkit = await startBuildKit(workshop, Object.values(registries), registries.debian)
  return { registries, buildkit }
}

/** All results, or the first error once nothing is still starting: what starts after a stop would be left running. */
async function allSettled<T extends readonly unknown[]>(
  starting: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const settled = await Promise.allSettled(starting)
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return settled.map(result => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T
}

/** What a trust root names. */
export interface Trusted {
  readonly fulcio: CertifiedService
  readonly ctLog: Log
  readonly rekorV1: Log
  readonly rekorV2: Log
  readonly timestamp: CertifiedService
  /** More logs of the second generation. */
  readonly moreRekorV2?: readonly Log[]
}

/** Written by cosign. @returns the path. */
export async function writeTrustedRoot(cosign: string, path: string, services: Trusted): Promise<string> {
  const { fulcio, ctLog, rekorV1, rekorV2, timestamp, moreRekorV2 = [] } = services
  await run(cosign, [
    'trusted-root',
    'create',
    `--fulcio=url=${fulcio.url},certificate-chain=${fulcio.chainFile},start-time=${START}`,
    `--ctfe=url=${ctLog.url},public-key=${ctLog.publicKeyFile},start-time=${START}`,
    `--rekor=url=${rekorV1.url},public-key=${rekorV1.publicKeyFile},start-time=${START}`,
    ...[rekorV2, ...moreRekorV2].map(
      ({ url, publicKeyFile }) => `--rekor=url=${url},public-key=${publicKeyFile},start-time=${START},origin=127.0.0.1`,
    ),
    `--tsa=url=${timestamp.url},certificate-chain=${timestamp.chainFile},start-time=${START}`,
    `--out=${path}`,
  ])
  return path
}

interface NamedServices extends Required<SigningServices> {
  readonly issuer: string
}

async function writeSigningConfig(cosign: string, path: string, services: NamedServices): Promise<string> {
  const { rekor } = services
  const service = (url: string, version: number) =>
    `url=${url},api-version=${version},start-time=${START},operator=waybill.test`
  await run(cosign, [
    'signing-config',
    'create',
    `--fulcio=${service(services.fulcio, 1)}`,
    ...(rekor === 'none' ? [] : [`--rekor=${service(rekor.url, rekor.version)}`, '--rekor-config=ANY']),
    `--oidc-provider=${service(services.issuer, 1)}`,
    `--tsa=${service(services.timestamp, 1)}`,
    '--tsa-config=ANY',
    `--out=${path}`,
  ])
  return path
}
