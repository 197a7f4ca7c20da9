import { join } from 'node:path'
import { utf8 } from '../core/bytes.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import type { Environment } from '../io/environment.ts'
import { exists, readFileBounded, writeFileAtomic } from '../io/files.ts'
import type { Login } from './builder.ts'

/**
 * Registry logins for builders: files that stand in HOME already are used as they are. Only when the run has a login
 * that none of them holds (the job's token for ghcr.io) a merged file is written, mode 600, below the run's folder.
 * Never an argument: every process of the machine can read arguments.
 */

/** Bytes of a configuration file of docker or containers. */
const CONFIG_BYTES = 1024 * 1024
/** Docker Hub's key in `auths`, for docker and for containers alike. */
const HUB_KEY = 'https://index.docker.io/v1/'

/** Docker's own configuration folder. */
export function dockerConfigFolder(env: Environment): string | undefined {
  return env.DOCKER_CONFIG ?? (env.HOME === undefined ? undefined : join(env.HOME, '.docker'))
}

/**
 * What `docker` must be told to find every login: nothing, or a `DOCKER_CONFIG` of its own which still finds the
 * plugins and builders of the original.
 */
export async function dockerCredentials(
  env: Environment,
  folder: string,
  logins: readonly Login[],
): Promise<Readonly<Record<string, string>>> {
  const original = dockerConfigFolder(env)
  const config = original === undefined ? {} : await readConfig(join(original, 'config.json'))
  const missing = logins.filter(login => !holds(config, login.host))
  // With a credential store docker reads no `auths`: what the person set up stays as it is.
  if (missing.length === 0 || typeof config.credsStore === 'string') return {}
  const merged = addLogins(config, missing)
  const target = join(folder, 'docker')
  const plugins = original === undefined ? [] : [join(original, 'cli-plugins')]
  const extra = Array.isArray(config.cliPluginsExtraDirs) ? config.cliPluginsExtraDirs : []
  await writePrivate(join(target, 'config.json'), { ...merged, cliPluginsExtraDirs: [...plugins, ...extra] })
  return {
    DOCKER_CONFIG: target,
    ...(original === undefined || env.BUILDX_CONFIG !== undefined ? {} : { BUILDX_CONFIG: join(original, 'buildx') }),
  }
}

/** Path for `--authfile`, or `undefined` when the tool's own search finds everything. */
export async function containersAuthFile(
  env: Environment,
  folder: string,
  logins: readonly Login[],
): Promise<string | undefined> {
  const configs = await Promise.all(containersFiles(env).map(readConfig))
  const missing = logins.filter(login => !configs.some(config => holds(config, login.host)))
  if (missing.length === 0) return undefined
  const target = join(folder, 'auth.json')
  // The tool takes the first file that holds a host; with `--authfile` it reads one alone, so all are merged in that order.
  await writePrivate(target, addLogins(configs.reduceRight<JsonObject>(overlay, {}), missing))
  return target
}

function containersFiles(env: Environment): readonly string[] {
  if (env.REGISTRY_AUTH_FILE !== undefined) return [env.REGISTRY_AUTH_FILE]
  const files: string[] = []
  if (env.XDG_RUNTIME_DIR !== undefined) files.push(join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json'))
  else files.push('/run/containers/0/auth.json')
  if (env.HOME !== undefined) files.push(join(env.HOME, '.config', 'containers', 'auth.json'))
  const docker = dockerConfigFolder(env)
  if (docker !== undefined) files.push(join(docker, 'config.json'))
  return files
}

async function readConfig(path: string): Promise<JsonObject> {
  if (!(await exists(path))) return {}
  const bytes = await readFileBounded(path, CONFIG_BYTES)
  return bytes.byteLength === 0 ? {} : parseJsonObject(bytes, `registry configuration ${path}`)
}

function holds(config: JsonObject, host: string): boolean {
  const keys = [...Object.keys(record(config.auths)), ...Object.keys(record(config.credHelpers))]
  return keys.some(key => hostOf(key) === hostOf(keyOf(host)))
}

function addLogins(config: JsonObject, logins: readonly Login[]): JsonObject {
  const added = Object.fromEntries(
    logins.map(({ host, username, password }) => [
      keyOf(host),
      { auth: Buffer.from(`${username}:${password}`).toString('base64') },
    ]),
  )
  return { ...config, auths: { ...record(config.auths), ...added } }
}

/** `first` wins over `base` for every host. */
function overlay(base: JsonObject, first: JsonObject): JsonObject {
  return {
    ...base,
    ...first,
    auths: { ...record(base.auths), ...record(first.auths) },
    credHelpers: { ...record(base.credHelpers), ...record(first.credHelpers) },
  }
}

function keyOf(host: string): string {
  return host === 'docker.io' || host === 'index.docker.io' ? HUB_KEY : host
}

/** `https://index.docker.io/v1/` and `ghcr.io/acme` → the host. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
}

function record(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

async function writePrivate(path: string, config: JsonObject): Promise<void> {
  await writeFileAtomic(path, utf8(JSON.stringify(config)), 0o600)
}
