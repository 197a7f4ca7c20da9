import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { AllowedImage, AllowedMaterials } from '../../src/build/allowed.ts'
import type { BuildResult } from '../../src/build/builder.ts'
import { BuildxBuilder, type BuildxHost } from '../../src/build/buildx.ts'
import { detectBuilder } from '../../src/build/detect.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { type Digest, parseDigest } from '../../src/core/digest.ts'
import type { Environment } from '../../src/io/environment.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { startBuildKit } from '../../tools/peers/buildkit.ts'
import { type Dockerd, releaseMounts, startDockerd } from '../../tools/peers/dockerd.ts'
import { findPeers, type Peers } from '../../tools/peers/install.ts'
import { answers, onFreePorts, Supervisor } from '../../tools/peers/process.ts'
import type { PeerRegistry } from '../../tools/peers/registries.ts'
import { request, tree, world } from '../build/support.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { type Service, startService } from '../fakes/service.ts'

const run = promisify(execFile)

/** Real BuildKit, buildx, dockerd and a registry, and servers on loopback for what a build may fetch. */
export interface Building {
  readonly folder: string
  readonly peers: Peers
  readonly registry: PeerRegistry
  readonly git: GitServer
  /** Answers every path with the path's own text, or with what `files` holds. */
  readonly web: Service
  readonly files: Map<string, string>
  readonly env: Environment
  /** With a plain wrapper around docker in the place of docker, if `docker` is given. */
  host(docker?: string): Promise<BuildxHost>
  dockerd(): Promise<Dockerd>
  close(): Promise<void>
}

/** Where images are made from nothing and pushed to: this, or the stack of a world. */
export interface Workplace {
  readonly folder: string
  readonly peers: Peers
  readonly registry: Pick<PeerRegistry, 'host'>
}

export async function startBuilding(): Promise<Building> {
  const peers = findPeers()
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'waybill-building-'))
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  const workshop = { folder, peers, supervisor }
  const files = new Map<string, string>()
  mkdirSync(join(folder, 'git'))
  const web = await startService('web', ({ path }) => ({ status: 200, body: files.get(path) ?? path }))
  const git = await startGitServer({ folder: join(folder, 'git') })
  const close = async () => {
    await supervisor.stop()
    await Promise.all([web.close(), git.close(), releaseMounts(folder)])
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const registry = await startRegistry(workshop)
    const { dockerConfig } = await startBuildKit(workshop, [registry], registry)
    const path = `${dirname(peers.debian.docker)}:${process.env.PATH ?? ''}`
    const env = { PATH: path, HOME: folder, DOCKER_CONFIG: dockerConfig }
    const host = async (docker?: string) => {
      const found = await detectBuilder('buildx', env)
      if (found.kind !== 'buildx') throw new Error('detectBuilder() found another builder')
      return docker === undefined ? found : { ...found, docker }
    }
    let started: Promise<Dockerd> | undefined
    const dockerd = () => {
      started ??= startDockerd(workshop)
      return started
    }
    return { folder, peers, registry, git, web, files, env, host, dockerd, close }
  } catch (error) {
    await close()
    throw error
  }
}

function startRegistry({ peers, supervisor }: { peers: Peers; supervisor: Supervisor }): Promise<PeerRegistry> {
  return onFreePorts(1, async ([port = 0]) => {
    const host = `127.0.0.1:${port}`
    const ready = answers(`http://${host}/v2/`)
    const command = peers.go['referrers-registry']
    return { host, peer: await supervisor.start({ name: 'registry', command, args: [host], ready }) }
  })
}

export interface Built {
  readonly result: BuildResult
  /** What BuildKit printed. */
  readonly log: string
}

/** Builds one Dockerfile as a run would, and pushes it by digest. */
export async function build(
  building: Building,
  dockerfile: string,
  allowed: AllowedMaterials | undefined,
  over: Partial<BuildRequest> & { readonly docker?: string; readonly env?: Environment } = {},
): Promise<Built> {
  const { docker, env, ...more } = over
  const outer = world({ env: { ...building.env, ...env }, insecureRegistries: [building.registry.host] })
  const asked = request({
    commitFolder: tree({ Dockerfile: dockerfile }),
    images: [`${building.registry.host}/acme/out`],
    ...(allowed === undefined ? {} : { allowed }),
    ...more,
  })
  const result = await new BuildxBuilder(await building.host(docker), outer, []).build(asked)
  return { result, log: outer.printed() }
}

/** An image of busybox and a file `/version` that says which; pushed under a tag. @returns its digest. */
export async function pushBase(building: Workplace, name: string, version: string): Promise<Digest> {
  const root = join(building.folder, 'roots', version)
  mkdirSync(join(root, 'bin'), { recursive: true })
  cpSync(building.peers.debian.busybox, join(root, 'bin', 'busybox'))
  for (const applet of ['sh', 'cat', 'ls', 'echo', 'test']) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'version'), `this is ${version}\n`)
  return pushRoot(building, name, root, ['--env=PATH=/bin'])
}

/** A folder as an image from nothing. @returns its digest. */
export async function pushRoot(
  building: Workplace,
  name: string,
  root: string,
  settings: readonly string[],
): Promise<Digest> {
  const target = `${building.registry.host}/${name}`
  const layer = `${root}.tar`
  await run('tar', ['-C', root, '-cf', layer, '.'])
  await crane(building, ['append', '--oci-empty-base', `--new_layer=${layer}`, `--new_tag=${target}`])
  await crane(building, ['mutate', target, '--set-platform=linux/amd64', ...settings, `--tag=${target}`])
  return parseDigest(await crane(building, ['digest', target]))
}

export async function crane(building: Workplace, args: readonly string[]): Promise<string> {
  const { stdout } = await run(building.peers.go.crane, [...args, '--insecure'])
  return stdout.trim()
}

/** A root with programs and the libraries they ask for. */
export async function rootOf(building: Building, name: string, programs: readonly string[]): Promise<string> {
  // Beside nothing of the servers, which keep their data in this folder, too.
  const root = join(building.folder, 'roots', name)
  mkdirSync(join(root, 'usr', 'bin'), { recursive: true })
  mkdirSync(join(root, 'tmp'))
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  for (const program of programs) {
    cpSync(program, join(root, 'usr', 'bin', basename(program)))
    for (const library of await librariesOf(program)) {
      mkdirSync(join(root, dirname(library)), { recursive: true })
      cpSync(realpathSync(library), join(root, library))
    }
  }
  return root
}

/** None for a program without the C library, of which `ldd` says so and ends with 1. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }))
  return [...stdout.matchAll(/(\/lib\S*)/g)].map(([, path = '']) => path)
}

export function imageOf(
  building: Building,
  name: string,
  digest: Digest,
  use: AllowedImage['use'] = 'base',
): AllowedImage {
  const written = `${building.registry.host}/${name}`
  return { reference: parseReference(written), digest, names: [written], use, private: true }
}

export interface Committed {
  readonly remote: string
  readonly commit: string
  /** Commits another state of the same files and moves the tag `v1` to it. */
  change(files: Readonly<Record<string, string>>): Promise<string>
}

/** A repository with one commit, tagged `v1`; `modules` are submodules, path → repository. */
export async function publish(
  { git, folder }: Building,
  name: string,
  files: Readonly<Record<string, string>>,
  modules: Readonly<Record<string, Committed>> = {},
): Promise<Committed> {
  const work = mkdtempSync(join(folder, 'work-'))
  const settings = ['-c', 'user.name=alice', '-c', 'user.email=alice@example.com']
  const command = async (...args: string[]) => (await run('git', ['-C', work, ...settings, ...args])).stdout.trim()
  await command('init', '-q', '-b', 'main')
  for (const [path, { remote, commit }] of Object.entries(modules)) {
    writeFileSync(join(work, '.gitmodules'), `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${remote}\n`)
    await command('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  }
  const commit = async (changed: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(changed)) writeFileSync(join(work, path), text)
    await command('add', ...Object.keys(changed), ...(Object.keys(modules).length === 0 ? [] : ['.gitmodules']))
    await command('commit', '-q', '-m', 'Change')
    await command('tag', '-f', 'v1')
    return git.publish(work, name)
  }
  return { remote: `${git.url}/${name}.git`, commit: await commit(files), change: commit }
}
