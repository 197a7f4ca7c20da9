import { join, resolve } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded, writeFileAtomic } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { type RecordPorts, recordSigner } from '../pipeline/quarantine-record.ts'
import { openSession } from '../sigstore/sign/session.ts'
import { loadServices, loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import { requireOwnNames } from '../statements/uris.ts'
import type { CommandLine, Desk } from './commands/command.ts'
import { usage } from './commands/command.ts'
import { RELEASE_BUILD } from './version.ts'

/** Options of every command that signs a record or reads signed ones. */
export const SIGNER_OPTIONS = {
  'identity-token-file': { type: 'string' },
  'signing-config': { type: 'string' },
  'trusted-root': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
  'quarantine-directory': { type: 'string' },
} as const

/** Lines of a command's usage about them. */
export const SIGNER_USAGE = `  --identity-token-file FILE          an OIDC token with audience sigstore, for the certificate of whoever signs
  --signing-config FILE               Sigstore services of your own (default: the public instance; identity, digest, reason
                                        and time then become public for ever)
  --trusted-root FILE                 the trust root of these services (default: the public instance’s)
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)`

export interface SignerChoice {
  readonly identityTokenFile?: string
  readonly signingConfig?: string
  readonly trustedRoot?: string
  readonly insecureRegistries: readonly string[]
  readonly directory: string
}

/** @throws `entry/usage` */
export function readSignerChoice(
  values: CommandLine<typeof SIGNER_OPTIONS>['values'],
  defaultDirectory: string,
): SignerChoice {
  const token = values['identity-token-file']
  const config = values['signing-config']
  const root = values['trusted-root']
  if (config !== undefined && token === undefined)
    throw usage('--signing-config says where to sign, and nothing says who', '--identity-token-file FILE beside it')
  return {
    ...(token === undefined ? {} : { identityTokenFile: token }),
    ...(config === undefined ? {} : { signingConfig: config }),
    ...(root === undefined ? {} : { trustedRoot: root }),
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

/** The ports that write signed records. @throws `entry/usage` when nothing says who signs. */
export function recordPorts(
  choice: SignerChoice,
  { desk, http, directory }: SignerWorld,
): Omit<RecordPorts, 'registry'> {
  const { identityTokenFile, signingConfig } = choice
  if (identityTokenFile === undefined)
    throw usage('A signed record needs somebody who signs it', '--identity-token-file FILE', 'nobody')
  requireOwnNames(RELEASE_BUILD)
  const folder = desk.world.workingFolder
  const signer = async () => {
    const signingConfigFile = await optionalFile(signingConfig, folder)
    const services = await loadServices({
      now: new Date(),
      cacheFolder: cacheFolder(desk),
      ...(signingConfigFile === undefined ? {} : { signingConfigFile }),
    })
    const identityToken = async () => tokenIn(await readFileBounded(resolve(folder, identityTokenFile), 64 * 1024))
    return recordSigner(openSession({ services, http, identityToken, now: () => Date.now() }))
  }
  let signing: ReturnType<typeof signer> | undefined
  return {
    signer: () => {
      signing ??= signer()
      return signing
    },
    keep: async (name, bytes) => {
      const path = join(directory, 'records', name)
      await writeFileAtomic(path, bytes)
      return path
    },
  }
}

/** The one root by which signed records are read. @throws `sigstore/trust-…` */
export async function recordTrust({ trustedRoot }: SignerChoice, desk: Desk): Promise<TrustRoot> {
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
  return join(env.XDG_CACHE_HOME || join(env.HOME || world.workingFolder, '.cache'), 'waybill', 'tuf')
}
