import { basename, join } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { childEnvironment } from '../io/environment.ts'
import { makeTemporaryFolder, readFileBounded, remove } from '../io/files.ts'
import { findTool } from '../io/process.ts'
import type { PullOptions } from '../materials/dockerfile/pull.ts'
import type { AllowedMaterials } from './allowed.ts'
import { ClosedBuild, checkClosed } from './buildah-closed.ts'
import { checkContextNames } from './buildah-contexts.ts'
import { checkImagePositions, pullOptions, readBuildahDockerfile } from './buildah-dockerfile.ts'
import { checkRunNetwork } from './buildah-reading.ts'
import {
  type BuildahHost,
  type BuildahStore,
  buildahFlags,
  prepareStore,
  storeEnvironment,
  withShortPaths,
} from './buildah-store.ts'
import type { Builder, BuildResult, BuildWorld } from './builder.ts'
import { containersAuthFile } from './credentials.ts'
import { pushEverywhere } from './layout.ts'
import { contextFlags } from './named-contexts.ts'
import { openedBy, optionNotes } from './openings.ts'
import { checkPlatforms, machinePlatform } from './platforms.ts'
import { type BuildRequest, type CheckedRequest, checkRequest, pushes } from './request.ts'
import { buildahSecretFlags } from './secrets.ts'
import { sshFlags } from './ssh.ts'
import { isOnThisMachine } from './this-machine.ts'
import { answer, runBuilder } from './tools.ts'

/** Local name of the one index a run's own storage holds; it never leaves the machine. */
const LIST = 'localhost/waybill:build'
/** Bytes of a digest file: `sha256:` and 64 digits. */
const DIGEST_FILE_BYTES = 256

/**
 * Builds with buildah in a storage of this run alone, writes an OCI layout, and lets Waybill's own client push it.
 * buildah itself never pushes to a registry: it cannot push a list by digest without a tag, and so needs no login to push.
 */
export class BuildahBuilder implements Builder {
  readonly name = 'buildah'
  readonly #host: BuildahHost
  readonly #world: BuildWorld
  readonly #secrets: readonly string[]

  constructor(host: BuildahHost, world: BuildWorld, secrets: readonly string[]) {
    this.#host = host
    this.#world = world
    this.#secrets = secrets
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const checked = await checkRequest(request, this.#secrets)
    refuseCaches(checked)
    refuseSbom(checked)
    const dockerfile = await readBuildahDockerfile(checked.filePath)
    const builds = platformsOf(checked).map(platform => pullOptions(checked, platform, machinePlatform()))
    for (const options of builds) {
      checkImagePositions(dockerfile.file, options)
      checkContextNames(dockerfile.file, options)
    }
    const { allowed, network } = checked
    if (network === 'none') for (const instruction of dockerfile.file.instructions) checkRunNetwork(instruction)
    if (allowed !== undefined) await checkClosed(dockerfile, allowed, builds)
    const prepared = await prepareStore(this.#host, withPlainHosts(this.#world, allowed), allowed !== undefined)
    const store = (checked.ssh ?? []).length === 0 ? prepared : await withShortPaths(prepared)
    try {
      const authFile = await containersAuthFile(this.#world.env, store.folder, this.#world.logins)
      if (allowed === undefined) return await this.#buildOpen(store, checked, authFile)
      const closed = new ClosedBuild(dockerfile, allowed, store, authFlags(authFile))
      return await this.#buildClosed(store, checked, closed, builds)
    } finally {
      await this.#removeStore(store)
    }
  }

  async #buildOpen(store: BuildahStore, request: CheckedRequest, authFile: string | undefined): Promise<BuildResult> {
    checkNetwork(store, request)
    // One platform after the other: buildah adds them to the list in the order they end, and the list has a digest, too.
    const platforms = request.platforms.length === 0 ? [undefined] : request.platforms
    const policy = store.registryPolicy === undefined ? [] : [`--signature-policy=${store.registryPolicy}`]
    for (const platform of platforms)
      await this.#run(
        store,
        buildArguments(store, request, platform, [...policy, ...authFlags(authFile), ...contextFlags(request)]),
        request.timeoutMs,
      )
    return this.#finish(store, request)
  }

  async #buildClosed(
    store: BuildahStore,
    request: CheckedRequest,
    closed: ClosedBuild,
    builds: readonly PullOptions[],
  ): Promise<BuildResult> {
    checkNetwork(store, request)
    await closed.prepare()
    const env = closed.environment(buildahEnvironment(this.#world, store), request.network)
    const flags = buildahFlags(store)
    for (const options of builds) {
      await closed.admit(options, args => this.#run(store, [...flags, ...args], request.timeoutMs))
      const more = closed.buildFlags(options, env)
      const args = buildArguments(store, request, options.targetPlatform, more)
      await this.#run(store, [...closed.globalFlags, ...args], request.timeoutMs, env)
      await closed.checkStore(LIST)
    }
    const result = await this.#finish(store, request)
    return { ...result, enforcement: closed.enforcement, observed: closed.observed }
  }

  /** Everything is checked before this: here the image leaves the machine. */
  async #finish(store: BuildahStore, request: CheckedRequest): Promise<BuildResult> {
    const layout = await makeTemporaryFolder(this.#world.folder, 'layout-')
    const digestFile = join(store.folder, 'digest')
    await this.#run(store, exportArguments(store, layout, digestFile), request.timeoutMs)
    const digest = await readDigestFile(digestFile)
    const image = await pushEverywhere(this.#world.layouts, layout, pushes(request) ? request.images : [])
    if (image.digest !== digest)
      throw fail('build/digest-mismatch', 'buildah says another digest than the layout it wrote', {
        expected: digest,
        found: image.digest,
      })
    await checkPlatforms(layout, digest, request.platforms)
    return {
      ...image,
      builder: 'buildah',
      tools: this.#host.tools,
      pushedTo: pushes(request) ? request.images : [],
      layout,
      conditions: {
        builder: 'fresh',
        cache: 'none',
        network: request.network,
        isolation: store.isolation === 'chroot' ? 'none' : 'processes',
      },
      ...openedBy(request),
      notes: [...store.notes, ...optionNotes(request)],
    }
  }

  async #run(
    store: BuildahStore,
    args: readonly string[],
    timeoutMs: number | undefined,
    env: Readonly<Record<string, string>> = buildahEnvironment(this.#world, store),
  ): Promise<void> {
    const limit = timeoutMs === undefined ? {} : { timeoutMs }
    await runBuilder(
      'buildah',
      { file: this.#host.buildah, args, env, cwd: this.#world.folder, ...limit },
      this.#world.output,
    )
  }

  /** A container that a failed or killed build leaves stays mounted, and then its folder cannot be removed. */
  async #removeStore(store: BuildahStore): Promise<void> {
    const env = buildahEnvironment(this.#world, store)
    const flags = buildahFlags(store)
    await answer(this.#host.buildah, [...flags, 'rm', '--all'], env)
    const rm = findTool('rm', this.#world.env.PATH ?? '')
    // Rootless storage holds files of mapped users, which only `buildah unshare` may remove.
    if (store.rootless && rm !== undefined)
      await answer(this.#host.buildah, [...flags, 'unshare', rm, '-rf', '--', store.graphRoot, store.temporary], env)
    // What cannot be removed is left to the machine's own clean-up: the image is made, and the folder is private.
    for (const folder of [store.folder, store.temporary]) await remove(folder).catch(() => undefined)
  }
}

function buildahEnvironment(
  world: BuildWorld,
  store: Pick<BuildahStore, 'configuration' | 'temporary'>,
): Record<string, string> {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG } = world.env
  return childEnvironment(world.env, {
    ...storeEnvironment(store),
    ...(REGISTRY_AUTH_FILE === undefined ? {} : { REGISTRY_AUTH_FILE }),
    ...(DOCKER_CONFIG === undefined ? {} : { DOCKER_CONFIG }),
  })
}

/** The argument list of the build, with `more` flags; every value from outside stands behind a `--name=` or after `--`. */
function buildArguments(
  store: BuildahStore,
  request: CheckedRequest,
  platform: string | undefined,
  more: readonly string[],
): readonly string[] {
  return [
    ...buildahFlags(store),
    'build',
    '--layers',
    // buildah 1.28 takes the cached layer of another platform for its own, and the image gets the wrong architecture.
    '--no-cache',
    '--force-rm',
    '--format=oci',
    `--manifest=${LIST}`,
    `--isolation=${store.isolation}`,
    ...(request.network === 'none' ? ['--network=none'] : []),
    ...more,
    ...(request.sourceDateEpoch === undefined ? [] : [`--timestamp=${request.sourceDateEpoch}`]),
    ...buildahSecretFlags(request.secrets),
    ...sshFlags(request.ssh),
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...pairs('--annotation', request.annotations),
    `--file=${request.filePath}`,
    '--',
    request.contextPath,
  ]
}

/**
 * buildah 1.28 takes the cached layer of another platform for its own, so its builds run without a cache; and it would write
 * layers to tags of their own beside the cache's name.
 */
export function refuseCaches({ cacheFrom = [], cacheTo = [] }: Pick<BuildRequest, 'cacheFrom' | 'cacheTo'>): void {
  const [entry] = [...cacheFrom, ...cacheTo]
  if (entry !== undefined)
    throw fail('build/unsupported', 'buildah is not given a cache', {
      expected: 'no cache-from and no cache-to with builder: buildah',
      found: entry,
      remedy: 'Remove `cache-from` and `cache-to`, or set `builder: buildx`.',
    })
}

function refuseSbom({ sbom }: CheckedRequest): void {
  if (sbom === true)
    throw fail('build/unsupported', 'buildah makes no bill of materials', {
      expected: 'builder: buildx, or a file in sbom',
      found: 'sbom: auto',
      remedy:
        'Set `builder: buildx`, or remove `sbom: auto`; a file that another tool wrote is named as `sbom: sbom.json`.',
    })
}

function checkNetwork({ isolation }: BuildahStore, { network }: CheckedRequest): void {
  if (network === 'none' && isolation === 'chroot')
    throw fail('build/unsupported', 'buildah cannot close the network on this machine', {
      expected: 'an OCI runtime that can make containers',
      found: 'chroot isolation only',
      remedy: 'Remove `network: none`, or run on a machine where runc or crun works.',
    })
}

function authFlags(authFile: string | undefined): readonly string[] {
  return authFile === undefined ? [] : [`--authfile=${authFile}`]
}

function platformsOf({ platforms }: CheckedRequest): readonly string[] {
  return platforms.length === 0 ? [machinePlatform()] : platforms
}

function exportArguments(store: BuildahStore, layout: string, digestFile: string): readonly string[] {
  // Relative to the run's folder: in `oci:<path>[:<tag>]` a colon in an absolute path would begin a tag.
  const target = `oci:${basename(layout)}`
  return [...buildahFlags(store), 'manifest', 'push', '--all', `--digestfile=${digestFile}`, '--', LIST, target]
}

async function readDigestFile(path: string): Promise<Digest> {
  const bytes = await readFileBounded(path, DIGEST_FILE_BYTES).catch((error: unknown) => {
    throw fail('build/digest-missing', 'buildah wrote no digest file', { cause: error })
  })
  const text = (decodeUtf8(bytes) ?? '').trim()
  if (!isDigest(text))
    throw fail('build/digest-missing', 'The digest file of buildah holds no digest', {
      expected: 'sha256:…',
      found: text,
    })
  return text
}

function pairs(flag: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${flag}=${name}=${value}`)
}

/** Images that were verified in a registry on this machine are asked of it without TLS, as they were when they were verified. */
function withPlainHosts(world: BuildWorld, allowed: AllowedMaterials | undefined): BuildWorld {
  const hosts = allowed?.images.map(({ reference }) => reference.host).filter(isOnThisMachine) ?? []
  return { ...world, insecureRegistries: [...new Set([...world.insecureRegistries, ...hosts])] }
}
