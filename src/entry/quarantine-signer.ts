import { join, resolve } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded, writeFileAtomic } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { type RecordPorts, type RecordSigner, recordSigner } from '../pipeline/quarantine-record.ts'
import { openKeySession } from '../sigstore/sign/key-session.ts'
import { openSession } from '../sigstore/sign/session.ts'
import type { WitnessOptions } from '../sigstore/sign/witness.ts'
import { loadServices, loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { KeyMaterial } from '../sigstore/verify/keys.ts'
import { requireOwnNames } from '../statements/uris.ts'
import type { CommandLine, Desk } from './commands/command.ts'
import { usage } from './commands/command.ts'
import { checkKeyPlace, type KeyPlace, openSigningKey } from './named-secret.ts'
import { once } from './once.ts'
import { tufCacheOf } from './tuf-cache.ts'
import { RELEASE_BUILD } from './version.ts'

/** Who signs a record, and with which services. */
export const WHO_SIGNS_OPTIONS = {
  'identity-token-file': { type: 'string' },
  'signing-config': { type: 'string' },
} as const

/** Options of every command that signs a record or reads signed ones. */
export const SIGNER_OPTIONS = {
  ...WHO_SIGNS_OPTIONS,
  key: { type: 'string' },
  'key-password': { type: 'string' },
  'trusted-root': { type: 'string' },
  'files-repository': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
  'quarantine-directory': { type: 'string' },
} as const

/** Lines of a command's usage about them. */
export const SIGNER_USAGE = `  --identity-token-file FILE          an OIDC token with audience sigstore, for the certificate of whoever signs; or
  --key FILE|env:NAME                 a private key in PEM that signs in its place
  --key-password env:NAME             the variable that holds its password
  --signing-config FILE               Sigstore services of your own (default: the public instance; identity or key, digest,
                                        reason and time then become public for ever)
  --trusted-root FILE                 the trust root of these services (default: the public instance’s)
  --files-repository REPOSITORY       registry repository with the bundles of files: records of a file are kept there
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)`

/** Exactly one of token and key. */
export interface RecordSignerChoice {
  readonly identityTokenFile?: string
  readonly key?: KeyPlace
  readonly signingConfig?: string
  /** The root by which the record will be read: what the services give must hold by it before anything is stored. */
  readonly trustedRoot?: string
}

export interface SignerChoice extends RecordSignerChoice {
  readonly filesRepository?: string
  readonly insecureRegistries: readonly string[]
  readonly directory: string
}

/**
 * What the command line says of who signs; undefined when it says nothing.
 * @param names of the options for a key. @throws `entry/usage`
 */
export function readRecordSigner(
  given: {
    readonly token: string | undefined
    readonly config: string | undefined
    readonly key: string | undefined
    readonly password: string | undefined
  },
  keyOption: string,
): RecordSignerChoice | undefined {
  const { token, config, key, password } = given
  if (token !== undefined && key !== undefined)
    throw usage('Two signers are named', `--identity-token-file FILE, or ${keyOption} FILE|env:NAME`, 'both')
  if (key === undefined && password !== undefined)
    throw usage(`${keyOption}-password names the password of a key`, `${keyOption} FILE|env:NAME beside it`)
  if (token === undefined && key === undefined) {
    if (config === undefined) return undefined
    throw usage(
      '--signing-config says where to sign, and nothing says who',
      `--identity-token-file FILE or ${keyOption} FILE|env:NAME beside it`,
    )
  }
  const place = key === undefined ? undefined : { key, ...(password === undefined ? {} : { password }) }
  if (place !== undefined) checkKeyPlace(place)
  return {
    ...(token === undefined ? {} : { identityTokenFile: token }),
    ...(place === undefined ? {} : { key: place }),
    ...(config === undefined ? {} : { signingConfig: config }),
  }
}

/** @throws `entry/usage` */
export function readSignerChoice(
  values: CommandLine<typeof SIGNER_OPTIONS>['values'],
  defaultDirectory: string,
): SignerChoice {
  const root = values['trusted-root']
  const repository = values['files-repository']
  const signer = {
    token: values['identity-token-file'],
    config: values['signing-config'],
    key: values.key,
    password: values['key-password'],
  }
  return {
    ...readRecordSigner(signer, '--key'),
    ...(root === undefined ? {} : { trustedRoot: root }),
    ...(repository === undefined ? {} : { filesRepository: repository }),
    insecureRegistries: values['insecure-registry'] ?? [],
    directory: values['quarantine-directory'] ?? defaultDirectory,
  }
}

interface SignerWorld {
  readonly desk: Desk
  readonly http: HttpClient
  /** Absolute; bundles are kept below it. */
  readonly directory: string
}

/**
 * The ports that write signed records. The token is read, the key opened and a service asked only when something is signed.
 * @throws `entry/usage` when nothing says who signs; `statements/placeholder-uri` (13-adversary 44)
 */
export function recordPorts(choice: RecordSignerChoice, { desk, http, directory }: SignerWorld): RecordPorts {
  if (choice.identityTokenFile === undefined && choice.key === undefined)
    throw usage('A signed record needs somebody who signs it', '--identity-token-file FILE, or a key', 'nobody')
  requireOwnNames(RELEASE_BUILD)
  return { signer: once(() => signerOf(choice, desk, http)), keep: keepIn(directory) }
}

/** Bundles of records stay below the quarantine directory, with the files. */
export function keepIn(directory: string): RecordPorts['keep'] {
  return async (name, bytes) => {
    const path = join(directory, 'records', name)
    await writeFileAtomic(path, bytes)
    return path
  }
}

async function signerOf(choice: RecordSignerChoice, desk: Desk, http: HttpClient): Promise<RecordSigner> {
  const { key, identityTokenFile = '', signingConfig, trustedRoot } = choice
  const folder = desk.world.workingFolder
  const opened = key === undefined ? undefined : await openSigningKey(key, folder, desk.env)
  const signingConfigFile = await optionalFile(signingConfig, folder)
  const services = await loadServices({
    now: new Date(),
    cacheFolder: cacheFolder(desk),
    ...(signingConfigFile === undefined ? {} : { signingConfigFile }),
  })
  // Services without a log give the time by a timestamp authority.
  const trust = {
    ownServices: signingConfig !== undefined,
    trustedRootFile: await optionalFile(trustedRoot, folder),
    cacheFolder: cacheFolder(desk),
  }
  const log = services.rekor.length > 0
  const common = { services, http, now: () => Date.now(), log, ...signingTrust(trust) }
  if (opened !== undefined) return openKeySession({ key: opened, witnesses: common })
  const identityToken = async () => tokenIn(await readFileBounded(resolve(folder, identityTokenFile), 64 * 1024))
  return recordSigner(openSession({ ...common, identityToken }))
}

interface SigningTrust {
  /** Of a root that the caller names. */
  readonly trustedRootFile: Uint8Array | undefined
  readonly ownServices: boolean
  readonly cacheFolder: string
}

/**
 * The one root for signing and reading: the caller's, else that of the public instance for its services. Of services of one's own
 * without a root only the rules of a policy say by which root they are read.
 */
export function signingTrust({
  trustedRootFile,
  ownServices,
  cacheFolder,
}: SigningTrust): Pick<WitnessOptions, 'trust'> {
  if (trustedRootFile !== undefined) return { trust: once(() => loadTrust({ trustedRootFile })) }
  return ownServices ? {} : { trust: once(() => loadTrust({ tuf: 'public-good', cacheFolder })) }
}

/** The public half of the key that signs, for records that it signed; none for a certificate. */
export async function ownKeys({ key }: RecordSignerChoice, { world, env }: Desk): Promise<readonly KeyMaterial[]> {
  if (key === undefined) return []
  const { publicKey } = await openSigningKey(key, world.workingFolder, env)
  return [{ publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) }]
}

/** The one root by which signed records are read. @throws `sigstore/trust-…` */
export async function recordTrust({ trustedRoot }: Pick<SignerChoice, 'trustedRoot'>, desk: Desk): Promise<TrustRoot> {
  const trustedRootFile = await optionalFile(trustedRoot, desk.world.workingFolder)
  if (trustedRootFile !== undefined) return loadTrust({ trustedRootFile })
  return loadTrust({ tuf: 'public-good', cacheFolder: cacheFolder(desk) })
}

async function optionalFile(path: string | undefined, folder: string): Promise<Uint8Array | undefined> {
  return path === undefined ? undefined : readFileBounded(resolve(folder, path), LIMITS.serviceAnswerBytes)
}

/** A token file often ends with a line end; the token itself is never shown. */
function tokenIn(bytes: Uint8Array): string {
  const token = decodeUtf8(bytes)?.trim()
  if (token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token
  throw fail('sigstore/identity-token-malformed', 'The file holds no identity token')
}

function cacheFolder({ world, env }: Desk): string {
  return tufCacheOf(env, world.workingFolder)
}
