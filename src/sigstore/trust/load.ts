import { fail } from '../../core/error.ts'
import { parseTrustRoot, type TrustRoot } from './root.ts'
import { loadSigningConfig, type SigningServices } from './services.ts'
import { fetchByTuf, type TufOptions } from './tuf.ts'

export interface TrustRequest extends Partial<TufOptions> {
  /** Bytes of a trusted_root.json. With it nothing is fetched. */
  readonly trustedRootFile?: Uint8Array
  /** Ask TUF for the public instance's; needs `cacheFolder`. */
  readonly tuf?: 'public-good'
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
  const bytes = await fetchByTuf('trusted_root.json', tufOptions(request))
  // A mirror begins from a root of its own, so what it gives is not the public instance's word.
  return parseTrustRoot(bytes, request.mirror === undefined ? 'public-good' : `mirror:${request.mirror.url}`)
}

export interface ServicesRequest extends Partial<TufOptions> {
  /** Bytes of a signing_config.v0.2.json. With it nothing is fetched. */
  readonly signingConfigFile?: Uint8Array
  readonly now: Date
}

/** The services to sign with: those of the file, else the public instance's by TUF. */
export async function loadServices(request: ServicesRequest): Promise<SigningServices> {
  const bytes = request.signingConfigFile ?? (await fetchByTuf('signing_config.v0.2.json', tufOptions(request)))
  return loadSigningConfig(bytes, request.now)
}

function tufOptions(request: Partial<TufOptions>): TufOptions {
  if (request.cacheFolder === undefined) {
    throw fail('sigstore/trust-unavailable', 'No folder was given to keep TUF metadata in', { kind: 'configuration' })
  }
  return { ...request, cacheFolder: request.cacheFolder }
}

function ambiguous(): Error {
  return fail('sigstore/trust-malformed', 'A trust root file and the public instance were both asked for', {
    expected: 'one trust root for one rule',
  })
}
