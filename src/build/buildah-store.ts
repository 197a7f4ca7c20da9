import { join } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { childEnvironment } from '../io/environment.ts'
import { makeFolder, makeTemporaryFolder, writeFileAtomic } from '../io/files.ts'
import { machinePolicy, registryPolicy } from './buildah-policy.ts'
import type { BuildWorld, ToolRecord } from './builder.ts'
import { answer, ask } from './tools.ts'

/** A machine's buildah as `detect.ts` found it. */
export interface BuildahHost {
  readonly kind: 'buildah'
  /** Absolute path of `buildah`. */
  readonly buildah: string
  readonly tools: readonly ToolRecord[]
}

/** Image storage of one run alone: no layer of another build can enter (13-adversary 19). */
export interface BuildahStore {
  readonly folder: string
  readonly graphRoot: string
  readonly runRoot: string
  readonly driver: 'overlay' | 'vfs'
  readonly rootless: boolean
  readonly isolation: 'oci' | 'rootless' | 'chroot'
  readonly configuration: {
    readonly storage: string
    readonly registries: string
    /** Empty: the machine's own may put folders of it into every RUN step (run with 1.28). Only of a closed build. */
    readonly containers?: string
  }
  /** Temporary files, and the folders behind `RUN --mount=type=cache`, which buildah else shares with every build of the user. */
  readonly temporary: string
  /** Signature policy that lets images come from registries alone; absent: the machine has none, and pulls nothing. */
  readonly registryPolicy?: string
  readonly notes: readonly string[]
}

type Storage = Omit<BuildahStore, 'rootless' | 'isolation' | 'notes'>
type Flagged = Pick<BuildahStore, 'folder' | 'graphRoot' | 'runRoot' | 'driver'>

const INSECURE_HOST = /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?$/
/** A program that exists in no image: its absence is told only after the container around it was made. */
const PROBE = '/waybill-isolation-probe'

export function buildahFlags(store: Flagged): readonly string[] {
  return [
    `--root=${store.graphRoot}`,
    `--runroot=${store.runRoot}`,
    `--storage-driver=${store.driver}`,
    // A folder that stays empty: drop-in files of the machine could send a name to another registry.
    `--registries-conf-dir=${join(store.folder, 'registries.d')}`,
  ]
}

/**
 * Makes the run's storage: overlay where the machine can, else vfs; containers where the machine can, else chroot.
 * @throws `build/builder-unavailable` when buildah can use neither driver.
 */
export async function prepareStore(host: BuildahHost, world: BuildWorld, closed = false): Promise<BuildahStore> {
  const folder = await makeTemporaryFolder(world.folder, 'buildah-')
  for (const driver of ['overlay', 'vfs'] as const) {
    const storage = await writeStorage(folder, driver, world, closed)
    const info = await storeInfo(host, world, storage)
    if (info === undefined) continue
    const rootless = isObject(info.host) && info.host.rootless === true
    const isolation = await probeIsolation(host, world, storage, rootless)
    return { ...storage, rootless, isolation, notes: isolation === 'chroot' ? [CHROOT_NOTE] : [] }
  }
  throw fail('build/builder-unavailable', 'buildah can use neither overlay nor vfs storage on this machine', {
    found: printable(folder),
    remedy: 'See what it says: buildah --storage-driver vfs info',
  })
}

const CHROOT_NOTE =
  'RUN steps were isolated by chroot only and could see the other processes of the job: this machine cannot make containers.'

/**
 * The same with temporary files where paths are short: buildah makes the socket of an agent among them, whose whole path has at most
 * 107 bytes (unix(7)), and a run's own folder has a long one.
 */
export async function withShortPaths(store: BuildahStore): Promise<BuildahStore> {
  return { ...store, temporary: await makeTemporaryFolder('/tmp', 'waybill-') }
}

/** Own `storage.conf` and `registries.conf`: the machine's may point at images that other jobs left (13-adversary 18). */
async function writeStorage(
  folder: string,
  driver: 'overlay' | 'vfs',
  world: BuildWorld,
  closed: boolean,
): Promise<Storage> {
  const own = join(folder, driver)
  const graphRoot = join(own, 'root')
  const runRoot = join(own, 'run')
  await makeFolder(graphRoot)
  await makeFolder(runRoot)
  await makeFolder(join(folder, 'registries.d'))
  const configuration = {
    storage: join(own, 'storage.conf'),
    registries: join(own, 'registries.conf'),
    ...(closed ? { containers: join(own, 'containers.conf') } : {}),
  }
  if (configuration.containers !== undefined) await writeFileAtomic(configuration.containers, '')
  await writeFileAtomic(configuration.storage, storageConf(driver, graphRoot, runRoot))
  await writeFileAtomic(configuration.registries, registriesConf(world.insecureRegistries))
  const temporary = join(folder, 'tmp')
  await makeFolder(temporary)
  const storage = { folder, graphRoot, runRoot, driver, configuration, temporary }
  const policy = registryPolicy((await machinePolicy(world.env)) ?? {})
  if (policy === undefined) return storage
  const path = join(own, 'policy.json')
  await writeFileAtomic(path, JSON.stringify(policy))
  return { ...storage, registryPolicy: path }
}

function storageConf(driver: string, graphRoot: string, runRoot: string): string {
  // A JSON string is a TOML basic string.
  return [
    '[storage]',
    `driver = ${JSON.stringify(driver)}`,
    `graphroot = ${JSON.stringify(graphRoot)}`,
    `runroot = ${JSON.stringify(runRoot)}`,
    `rootless_storage_path = ${JSON.stringify(graphRoot)}`,
    '',
  ].join('\n')
}

/** Names without a host mean Docker Hub, as for every other builder; only the listed hosts may lack TLS. */
function registriesConf(insecure: readonly string[]): string {
  const lines = ['unqualified-search-registries = ["docker.io"]']
  for (const host of insecure) {
    if (!INSECURE_HOST.test(host))
      throw fail('build/request-malformed', `The insecure registry ${printable(host)} is not host[:port]`, {
        expected: 'host or host:port',
        found: host,
      })
    lines.push('', '[[registry]]', `location = ${JSON.stringify(host)}`, 'insecure = true')
  }
  return `${lines.join('\n')}\n`
}

/** What every buildah program of this storage is told. */
export function storeEnvironment({
  configuration,
  temporary,
}: Pick<BuildahStore, 'configuration' | 'temporary'>): Record<string, string> {
  const { storage, registries, containers } = configuration
  return {
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_REGISTRIES_CONF: registries,
    TMPDIR: temporary,
    ...(containers === undefined ? {} : { CONTAINERS_CONF: containers }),
  }
}

function environmentOf(world: BuildWorld, storage: Storage): Record<string, string> {
  return childEnvironment(world.env, storeEnvironment(storage))
}

async function storeInfo(host: BuildahHost, world: BuildWorld, storage: Storage): Promise<JsonObject | undefined> {
  const text = await ask(host.buildah, [...buildahFlags(storage), 'info'], environmentOf(world, storage))
  if (text === undefined) return undefined
  try {
    return parseJsonObject(text, 'answer of buildah info')
  } catch {
    return undefined
  }
}

/**
 * Tries to make a container. Under chroot a RUN step sees every process of the job and, as the same user, their
 * environment with the job's token request (13-adversary 16): it is the last resort, and never silent.
 */
async function probeIsolation(
  host: BuildahHost,
  world: BuildWorld,
  storage: Storage,
  rootless: boolean,
): Promise<BuildahStore['isolation']> {
  const wanted = rootless ? 'rootless' : 'oci'
  const env = environmentOf(world, storage)
  const flags = buildahFlags(storage)
  const container = (await ask(host.buildah, [...flags, 'from', 'scratch'], env))?.trim()
  if (container === undefined || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(container)) return 'chroot'
  const args = ['run', `--isolation=${wanted}`, '--network=none', '--', container, PROBE]
  const result = await answer(host.buildah, [...flags, ...args], env)
  await ask(host.buildah, [...flags, 'rm', '--', container], env)
  const said = result === undefined ? '' : (decodeUtf8(result.stderr) ?? '')
  return said.includes(PROBE) && said.includes('no such file or directory') ? wanted : 'chroot'
}
