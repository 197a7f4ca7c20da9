import { join } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { exists, readFileBounded } from '../io/files.ts'
import { askHelper } from './credential-helper.ts'
import { parseHost } from './reference.ts'

/** What a registry is told about who asks. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A long-lived token that the token server exchanges (`identitytoken`: Azure and others). */
  | { readonly kind: 'refresh'; readonly refreshToken: string }
  /** A token that is sent as it is (`registrytoken`). */
  | { readonly kind: 'bearer'; readonly token: string }

/** Where logins come from. Safe to call concurrently. */
export interface CredentialSource {
  /**
   * The login for one repository; undefined = none is known, which is an ordinary answer (anonymous).
   * @param host in canonical form (`docker.io` for Docker Hub).
   * @throws `registry/credential-helper-failed`
   */
  find(host: string, repository: string): Promise<Credential | undefined>
  /** The same logins without those that no entry names by host; absent: there is no telling them apart. */
  readonly exact?: CredentialSource
}

/** Nobody: for hosts that judged content names (13-adversary 39). */
export const ANONYMOUS: CredentialSource = { find: () => Promise.resolve(undefined) }

/**
 * For hosts that judged content names (a manifest, a compose file, a Dockerfile): a login only from an entry that names
 * exactly this host, never from a bare `credsStore`, which answers for whatever host it is asked about (13-adversary 39).
 * A source that cannot tell gives none. https and the token server's domain are the transport's rules for every source.
 */
export function exactHostOnly(source: CredentialSource): CredentialSource {
  return source.exact ?? ANONYMOUS
}

export interface CredentialOptions {
  /** Logins given for this run, by host; they win over every file. */
  readonly logins?: Readonly<Record<string, { readonly username: string; readonly password: string }>>
  /**
   * For hosts that judged content names: only entries that name exactly this host count, never `credsStore`, which
   * would hand out whatever the machine's owner keeps for anybody who asks (13-adversary 39).
   */
  readonly exactEntriesOnly?: boolean
}

/** One configuration file, its keys in canonical form. */
interface LoginFile {
  readonly auths: ReadonlyMap<string, Credential>
  readonly helpers: ReadonlyMap<string, string>
  readonly store: string | undefined
}

/**
 * Reads the logins this machine has: explicit ones, then `REGISTRY_AUTH_FILE`, then docker's `config.json`
 * (`DOCKER_CONFIG` or `~/.docker`), then containers' `auth.json`. In each file the longest matching key wins
 * (`quay.io/acme/app` over `quay.io/acme` over `quay.io`); hosts match whole, never by suffix.
 * @throws `registry/credentials-unreadable` (a file is there, or named by a variable, and cannot be used)
 */
export async function loadCredentials(
  env: Environment,
  home: string | undefined,
  options: CredentialOptions = {},
): Promise<CredentialSource> {
  const logins = new Map(
    Object.entries(options.logins ?? {}).map(([host, login]) => [
      parseHost(host),
      { kind: 'password', ...login } as const,
    ]),
  )
  const files: LoginFile[] = []
  for (const path of await candidateFiles(env, home)) files.push(await readLoginFile(path))
  const finder = (exactOnly: boolean) =>
    remember(async (host, repository) => {
      const explicit = logins.get(host)
      if (explicit !== undefined) return explicit
      for (const file of files) {
        const found = await findInFile(file, host, repository, env, exactOnly)
        if (found !== undefined) return found
      }
      return undefined
    })
  const exact = { find: finder(true) }
  return options.exactEntriesOnly === true ? { ...exact, exact } : { find: finder(false), exact }
}

/** Helpers may ask a person or a cloud: one question for each repository, also when many requests start together. */
function remember(find: CredentialSource['find']): CredentialSource['find'] {
  const known = new Map<string, Promise<Credential | undefined>>()
  return (host, repository) => {
    const key = `${host}/${repository}`
    const asked = known.get(key) ?? find(host, repository)
    known.set(key, asked)
    return asked
  }
}

async function candidateFiles(env: Environment, home: string | undefined): Promise<readonly string[]> {
  const named = env.REGISTRY_AUTH_FILE ? [env.REGISTRY_AUTH_FILE] : []
  const docker = env.DOCKER_CONFIG ?? (home === undefined ? undefined : join(home, '.docker'))
  const optionalFiles = [
    ...(docker === undefined ? [] : [join(docker, 'config.json')]),
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
    ...(home === undefined ? [] : [join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json')]),
  ]
  const present = await Promise.all(optionalFiles.map(exists))
  return [...named, ...optionalFiles.filter((_, i) => present[i])]
}

async function readLoginFile(path: string): Promise<LoginFile> {
  try {
    return parseLoginFile(await readFileBounded(path, LIMITS.serviceAnswerBytes))
  } catch (error) {
    const known = asWaybillError(error)
    // The text of the file is never shown: it holds passwords.
    throw fail('registry/credentials-unreadable', `Cannot use the logins of ${printable(path)}`, {
      found: known.code === 'core/file-unreadable' ? (known.found ?? known.code) : known.code,
    })
  }
}

/**
 * Docker's and containers' login files are one format: `auths`, `credHelpers`, `credsStore`.
 * @throws `core/json-malformed`, `core/shape`
 */
export function parseLoginFile(bytes: Uint8Array): LoginFile {
  const object = parseJsonObject(bytes, 'login file')
  const auths = new Map<string, Credential>()
  for (const [key, value] of Object.entries(isObject(object.auths) ? object.auths : {})) {
    const credential = readEntry(objectAt(value, 'auths entry'))
    const name = canonicalKey(key)
    if (credential === undefined || name === undefined) continue
    // `https://quay.io` beside `quay.io`: the plain spelling is what today's tools write.
    if (!auths.has(name) || !key.includes('://')) auths.set(name, credential)
  }
  const helpers = new Map<string, string>()
  for (const [key, helper] of Object.entries(stringMapAt(object.credHelpers, 'credHelpers'))) {
    const name = canonicalKey(key)
    if (name !== undefined && helper !== '') helpers.set(name, helper)
  }
  const store = optional(object.credsStore, stringAt, 'credsStore')
  return { auths, helpers, store: store === '' ? undefined : store }
}

/** `{}` (what a credsStore leaves behind) gives undefined. */
function readEntry(entry: JsonObject): Credential | undefined {
  const text = (value: Json | undefined): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined
  const identityToken = text(entry.identitytoken)
  if (identityToken !== undefined) return { kind: 'refresh', refreshToken: identityToken }
  const registryToken = text(entry.registrytoken)
  if (registryToken !== undefined) return { kind: 'bearer', token: registryToken }
  const username = text(entry.username)
  const password = text(entry.password)
  if (username !== undefined && password !== undefined) return { kind: 'password', username, password }
  const auth = text(entry.auth)
  const pair = auth === undefined ? undefined : decodeUtf8(Buffer.from(auth, 'base64'))
  const colon = pair?.indexOf(':') ?? -1
  if (pair === undefined || colon < 1) return undefined
  // Old docker versions pad with NUL bytes.
  return { kind: 'password', username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') }
}

/**
 * `https://index.docker.io/v1/` → `docker.io`; `quay.io/acme` stays; undefined for a key that names no host, and for
 * `https://index.docker.io/v1/access-token` and `/refresh-token`, where docker keeps what belongs to its website.
 */
function canonicalKey(key: string): string | undefined {
  const url = /^https?:\/\/([^/]+)/.exec(key)
  if (/^https?:\/\/[^/]+\/v\d\/[^/]/.test(key)) return undefined
  const host = url?.[1] ?? key.split('/', 1)[0] ?? ''
  // A URL's path (`/v1/`, `/v2/`) is docker's API version, never a scope.
  const path = url === null ? key.slice(host.length).replace(/\/$/, '') : ''
  try {
    return `${parseHost(host)}${path}`
  } catch {
    return undefined
  }
}

async function findInFile(
  file: LoginFile,
  host: string,
  repository: string,
  env: Environment,
  exactOnly: boolean,
): Promise<Credential | undefined> {
  const parts = repository.split('/')
  for (let length = parts.length; length >= 0; length--) {
    const key = [host, ...parts.slice(0, length)].join('/')
    const helper = file.helpers.get(key)
    const kept = helper === undefined ? undefined : await askHelper(helper, host, env)
    const found = kept ?? file.auths.get(key)
    if (found !== undefined) return found
  }
  return file.store === undefined || exactOnly ? undefined : askHelper(file.store, host, env)
}
