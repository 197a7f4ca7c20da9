import { fail } from '../../core/error.ts'
import { parseTrustRoot, type TrustRoot } from './root.ts'
import { loadSigningConfig, type SigningServices } from './services.ts'
import { fetchByTuf, type TufInstance, type TufOptions } from './tuf.ts'

export interface TrustRequest extends Partial<Omit<TufOptions, 'instance'>> {
  /** Bytes of a trusted_root.json. With it nothing is fetched. */
  readonly trustedRootFile?: Uint8Array
  /**
   * Ask TUF for that of an instance; needs `cacheFolder`. `github` is GitHub's own, which signs for private repositories: it has
   * timestamps, and neither a transparency log nor a certificate log. Default `public-good`.
   */
  readonly tuf?: TufInstance
}

/**
 * The one trust root a rule names. Exactly one source must be given: two would be two roots in one bag.
 * @throws `sigstore/trust-malformed`, `sigstore/trust-unavailable`
 */
export async function loadTrust(request: TrustRequest): Promise<TrustRoot> {
  if (request.trustedRootFile !== undefined) {
    if (request.tuf !== undefined) throw ambiguous()
    return parseTrustRoot(request.trustedRootFile, 'file')
  }
  const instance = request.tuf ?? 'public-good'
  const bytes = await fetchByTuf('trusted_root.json', { ...tufOptions(request), instance })
  // A mirror begins from a root of its own, so what it gives is not the instance's word.
  return parseTrustRoot(bytes, request.mirror === undefined ? instance : `mirror:${request.mirror.url}`)
}

export interface ServicesRequest extends Partial<Omit<TufOptions, 'instance'>> {
  /** Bytes of a signing_config.v0.2.json. With it nothing is fetched. */
  readonly signingConfigFile?: Uint8Array
  readonly now: Date
  /** Only transparency logs that promise inclusion (Rekor v1). Default: any. */
  readonly promised?: boolean
}

/** The services to sign with: those of the file, else the public instance's by TUF. */
export async function loadServices(request: ServicesRequest): Promise<SigningServices> {
  const bytes = request.signingConfigFile ?? (await fetchByTuf('signing_config.v0.2.json', tufOptions(request)))
  return loadSigningConfig(bytes, request.now, request.promised)
}

function tufOptions(request: Partial<Omit<TufOptions, 'instance'>>): TufOptions {
  if (request.cacheFolder === undefined) {
    throw fail('sigstore/trust-unavailable', 'No folder was given to keep TUF metadata in', { kind: 'configuration' })
  }
  return { ...request, cacheFolder: request.cacheFolder }
}

function ambiguous(): Error {
  return fail('sigstore/trust-malformed', 'A trust root file and an instance by name were both asked for', {
    expected: 'one trust root for one rule',
  })
}
