import { isAbsolute, join } from 'node:path'
import { fail } from '../core/error.ts'
import { isFolder, writeFileAtomic } from '../io/files.ts'
import { normalPlatform } from '../materials/dockerfile/contexts.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import { type BaseConfig, readBase } from '../materials/dockerfile/triggers.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import type { AllowedMaterials, Enforcement, ObservedMaterial } from './allowed.ts'
import type { BuildahDockerfile } from './buildah-dockerfile.ts'
import { checkStored, type StoredImage, storedConfig, storedImages } from './buildah-inventory.ts'
import { CLOSED_POLICY } from './buildah-policy.ts'
import { checkInstruction, checkReading } from './buildah-reading.ts'
import { notWithBuildah, readDifferently } from './buildah-refusal.ts'
import { checkPlatformOrder, checkStages } from './buildah-stages.ts'
import type { BuildahStore } from './buildah-store.ts'
import { tagFor, type WantedImage, wantedImages } from './buildah-wanted.ts'

/** What buildah calls an image between two instructions, before it takes the name away again (run with 1.28). */
const INTERMEDIATE = /^docker\.io\/library\/[0-9a-f]{64}-tmp:latest$/
const CONTEXT_NAME = /^[a-z0-9][a-z0-9_.-]*$/
/** Nothing listens on port 0, and nothing can. */
const NOWHERE = 'http://127.0.0.1:0'
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'] as const

/** How one buildah program is run; the first arguments, which name the storage, are not among these. */
export type RunBuildah = (args: readonly string[]) => Promise<void>

/**
 * A build that may take in only what was verified (4-materials § 4, 13-adversary 18). The parser decides what may be asked for;
 * and whatever it does not see is kept out as far as buildah 1.28 can be kept: its storage holds the allowed images alone, its
 * signature policy lets no other in, and its proxy leads nowhere.
 */
export class ClosedBuild {
  readonly #allowed: AllowedMaterials
  readonly #dockerfile: BuildahDockerfile
  readonly #store: BuildahStore
  readonly #pullFlags: readonly string[]
  /** Names given to images here, with the id of the image that has it now. */
  readonly #tags = new Map<string, string>()
  /** `digest platform` → what is stored for it. */
  readonly #stored = new Map<string, StoredImage>()
  readonly #observed = new Map<string, ObservedMaterial>()

  /** @param pullFlags what a pull needs besides: the file with the logins. */
  constructor(
    dockerfile: BuildahDockerfile,
    allowed: AllowedMaterials,
    store: BuildahStore,
    pullFlags: readonly string[],
  ) {
    this.#dockerfile = dockerfile
    this.#allowed = allowed
    this.#store = store
    this.#pullFlags = pullFlags
  }

  /** Files that a closed build is pointed to. */
  async prepare(): Promise<void> {
    await writeFileAtomic(this.#policy, JSON.stringify(CLOSED_POLICY))
    await writeFileAtomic(this.#noMounts, '')
  }

  /** Pulls by digest what the build for one platform needs, and gives it the names that the Dockerfile uses. */
  async admit(options: PullOptions, run: RunBuildah): Promise<void> {
    const tagged = new Map<string, WantedImage>()
    const bases = new Map<string, BaseConfig>()
    const known: PullOptions = {
      ...options,
      bases: ({ source = '', platform }) =>
        bases.get(`${imageName(source)} ${normalPlatform(platform ?? options.targetPlatform)}`),
    }
    for (;;) {
      const pulls = pullsOf(this.#dockerfile.file, known)
      const wanted = wantedImages(pulls, this.#allowed, options.targetPlatform)
      const next = wanted.filter(image => !bases.has(`${image.name} ${image.platform}`))
      if (next.length === 0) return checkPlatformOrder(this.#dockerfile.file, options, pulls)
      for (const image of next) {
        const stored = await this.#take(image, tagged, run)
        bases.set(`${image.name} ${image.platform}`, await this.#baseOf(stored, image, pulls))
      }
    }
  }

  async #take(wanted: WantedImage, tagged: Map<string, WantedImage>, run: RunBuildah): Promise<StoredImage> {
    const { image, platform, line } = wanted
    const stored = this.#stored.get(keyOf(wanted)) ?? (await this.#pull(wanted, run))
    const tag = tagFor(wanted)
    const other = tagged.get(tag)
    if (other !== undefined && keyOf(other) !== keyOf(wanted))
      throw notWithBuildah(line, `takes ${wanted.name} for a second platform, and buildah knows one of a name`, {
        expected: `${wanted.name}@${image.digest}`,
        found: `${other.platform} and ${platform}`,
        remedy: 'Name the image with its digest in both places, or set `builder: buildx`.',
      })
    tagged.set(tag, wanted)
    if (this.#tags.get(tag) !== stored.id) await run(['tag', '--', stored.id, tag])
    this.#tags.set(tag, stored.id)
    return stored
  }

  async #pull(wanted: WantedImage, run: RunBuildah): Promise<StoredImage> {
    const { image, platform } = wanted
    const { host, repository } = image.reference
    const name = formatReference({ host, repository, digest: image.digest })
    const { registryPolicy } = this.#store
    const policy = registryPolicy === undefined ? [] : [`--signature-policy=${registryPolicy}`]
    await run(['pull', ...policy, ...this.#pullFlags, `--platform=${platform}`, '--', name])
    const stored = (await storedImages(this.#store)).find(({ names }) => names.includes(name))
    if (stored === undefined)
      throw fail('materials/store-unreadable', `buildah stored no image of the name ${name}`, { expected: name })
    await checkStored(this.#store, stored, image.digest, platform)
    this.#stored.set(keyOf(wanted), stored)
    this.#tags.set(name, stored.id)
    const uri = packageUrl(image.reference)
    this.#observed.set(`${uri} ${image.digest}`, { uri, digest: { sha256: image.digest.slice('sha256:'.length) } })
    return stored
  }

  /** Only a FROM runs the ONBUILD of its image. buildah reads all of them as one file, so each must be one line. */
  async #baseOf(stored: StoredImage, { name, line }: WantedImage, pulls: readonly Pull[]): Promise<BaseConfig> {
    const config = await storedConfig(this.#store, stored)
    const isBase = pulls.some(({ how, source = '' }) => /^(?:from|context)$/.test(how) && imageName(source) === name)
    if (!isBase) return readBase({ ...config, OnBuild: [] })
    const strange = config.OnBuild?.find(text => /[\n\r]|\\[ \t]*$|^\s*#/.test(text))
    if (strange !== undefined)
      throw readDifferently(line, `builds on ${name}, whose ONBUILD builders read differently`, {
        expected: 'one instruction on one line',
        found: strange,
      })
    const base = readBase(config)
    for (const trigger of base.triggers) checkInstruction({ ...trigger, line })
    return base
  }

  /** Flags before the name of the command. */
  get globalFlags(): readonly string[] {
    return [`--default-mounts-file=${this.#noMounts}`]
  }

  /** Flags of `buildah build`. */
  buildFlags(options: PullOptions, environment: Readonly<Record<string, string>>): readonly string[] {
    const own = platformArguments(options).filter(([name]) => this.#dockerfile.text.includes(name))
    return [
      '--pull=never',
      `--signature-policy=${this.#policy}`,
      ...(environment.HTTP_PROXY === NOWHERE ? ['--http-proxy=false'] : []),
      ...[...this.#allowed.contexts].map(([name, source]) => `--build-context=${name}=${source}`),
      ...own.filter(([name]) => !options.buildArgs.has(name)).map(([name, value]) => `--build-arg=${name}=${value}`),
    ]
  }

  /**
   * Without logins; and with a proxy that answers nothing, unless a RUN step needs the machine's own, which stands in the same
   * variables. Addresses of the machine itself are asked without a proxy: those only the parser keeps out.
   */
  environment(environment: Readonly<Record<string, string>>, network: 'default' | 'none'): Record<string, string> {
    const { REGISTRY_AUTH_FILE: _file, DOCKER_CONFIG: _folder, ...rest } = environment
    if (network === 'default' && PROXIES.some(name => rest[name] !== undefined)) return rest
    const { NO_PROXY: _upper, no_proxy: _lower, ...closed } = rest
    return { ...closed, ...Object.fromEntries(PROXIES.map(name => [name, NOWHERE])) }
  }

  /**
   * The storage holds what was admitted, the result, and what buildah made on the way, and every name is where it was put.
   * @param result name of the result.
   * @throws `materials/undeclared`, `materials/store-unreadable`
   */
  async checkStore(result: string): Promise<void> {
    const admitted = new Map([...this.#stored.values()].map(image => [image.id, image]))
    for (const image of await storedImages(this.#store)) {
      const expected = admitted.get(image.id)
      const names = image.names.filter(name => this.#tags.get(name) !== image.id && name !== result)
      const strange =
        expected === undefined
          ? [...names, ...image.history.filter(name => name !== result && !INTERMEDIATE.test(name))]
          : [...names, ...(image.manifest === expected.manifest ? [] : [image.manifest])]
      if (strange.length > 0 || (expected !== undefined && image.names.includes(result)))
        throw fail('materials/undeclared', 'After the build the storage holds an image that nobody declared', {
          expected: 'the declared base images and the result',
          found: [...strange, image.manifest].join(', '),
        })
    }
  }

  get enforcement(): Enforcement {
    return { by: 'parser' }
  }

  get observed(): readonly ObservedMaterial[] {
    return [...this.#observed.values()]
  }

  get #policy(): string {
    return join(this.#store.folder, 'closed-policy.json')
  }

  get #noMounts(): string {
    return join(this.#store.folder, 'mounts.conf')
  }
}

/**
 * All that can be refused before any program runs.
 * @throws `materials/undeclared`, `materials/read-differently`, `materials/not-with-buildah`
 */
export async function checkClosed(
  dockerfile: BuildahDockerfile,
  allowed: AllowedMaterials,
  builds: readonly PullOptions[],
): Promise<void> {
  checkReading(dockerfile)
  await checkContexts(allowed)
  for (const options of builds) {
    checkStages(dockerfile.file, options)
    const pulls = pullsOf(dockerfile.file, options)
    wantedImages([...pulls, ...allowed.pulls.filter(({ trigger }) => trigger)], allowed, options.targetPlatform)
    checkPlatformOrder(dockerfile.file, options, pulls)
  }
}

/** Folders of this run and images; buildah would also fetch a URL, and read an archive. */
async function checkContexts({ contexts }: AllowedMaterials): Promise<void> {
  for (const [name, source] of contexts) {
    const good = source.startsWith('docker-image://') || (isAbsolute(source) && (await isFolder(source)))
    if (!good || !CONTEXT_NAME.test(name))
      throw notWithBuildah(0, `is the named context ${name}`, {
        expected: 'a name in lower case without ::, and a folder of this run or docker-image://…@sha256:…',
        found: `${name}=${source}`,
      })
  }
}

function platformArguments({ buildPlatform, targetPlatform }: PullOptions): readonly (readonly [string, string])[] {
  const named = (prefix: string, platform: string): readonly (readonly [string, string])[] => {
    const [os = '', architecture = '', variant = ''] = platform.split('/')
    return [
      [`${prefix}PLATFORM`, platform],
      [`${prefix}OS`, os],
      [`${prefix}ARCH`, architecture],
      [`${prefix}VARIANT`, variant],
    ]
  }
  return [...named('BUILD', buildPlatform), ...named('TARGET', targetPlatform)]
}

/** As BuildKit names an image in its provenance. Source: purl-spec, type docker. */
function packageUrl({ canonical, tag }: Reference): string {
  const path = canonical.split('/').map(encodeURIComponent).join('/')
  return `pkg:docker/${path}${tag === undefined ? '' : `@${tag}`}`
}

/** Of a named context, too. */
function imageName(source: string): string {
  return source.replace(/^docker-image:\/\//, '')
}

function keyOf({ image, platform }: WantedImage): string {
  return `${image.digest} ${platform}`
}
