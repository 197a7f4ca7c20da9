import type { Fulcio } from './fulcio.ts'
import { spki } from './keys.ts'
import type { RekorV1 } from './rekor-v1.ts'
import type { RekorV2 } from './rekor-v2.ts'
import type { TimestampAuthority } from './timestamp.ts'

export interface SigstoreServices {
  readonly issuer: string
  readonly fulcio: Fulcio
  readonly rekorV1: RekorV1
  readonly rekorV2: RekorV2
  readonly timestamp: TimestampAuthority
}

const OPERATOR = 'waybill.test'
/** Long before any test's clock: an offset clock must not fall out of the trusted root by accident. */
const START = '2020-01-01T00:00:00Z'

/**
 * `trusted_root.json` (media type v0.1, as the public instance ships it). Log ids: SHA-256 of the public key for the
 * certificate log and Rekor v1, the signed-note key id (not truncated) for Rekor v2. Timestamp chain leaf first.
 */
export function trustedRoot({ fulcio, rekorV1, rekorV2, timestamp }: SigstoreServices): Record<string, unknown> {
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [trustedLog(rekorV1), trustedLog(rekorV2)],
    certificateAuthorities: [
      authority(fulcio.url, 'fulcio root', [fulcio.intermediate.certificate, fulcio.root.certificate]),
    ],
    ctlogs: [log(`${fulcio.url}/ct`, spki(fulcio.ctLog.keys.publicKey), 'PKIX_ECDSA_P256_SHA_256', fulcio.ctLog.logId)],
    timestampAuthorities: [trustedTimestamps(timestamp)],
  }
}

export function trustedLog({ url, keys, logId }: RekorV1 | RekorV2): object {
  const details = keys.publicKey.asymmetricKeyType === 'ed25519' ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256'
  return log(url, spki(keys.publicKey), details, logId)
}

export function trustedTimestamps({ url, leaf, root }: TimestampAuthority): object {
  return authority(url, 'timestamp root', [leaf.certificate, root.certificate])
}

function log(baseUrl: string, key: Buffer, keyDetails: string, id: Buffer): object {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: key.toString('base64'), keyDetails, validFor: { start: START } },
    logId: { keyId: id.toString('base64') },
  }
}

function authority(uri: string, commonName: string, chain: readonly Buffer[]): object {
  return {
    subject: { organization: OPERATOR, commonName },
    uri,
    certChain: { certificates: chain.map(certificate => ({ rawBytes: certificate.toString('base64') })) },
    validFor: { start: START },
  }
}

export interface Listing {
  readonly majorApiVersion?: number
  readonly operator?: string
  readonly validFor?: { readonly start?: string; readonly end?: string }
}

/** One service as a signing config lists it. */
export function listedService(url: string, own: Listing = {}): object {
  return { url, majorApiVersion: 1, validFor: { start: START }, operator: OPERATOR, ...own }
}

export type RekorChoice = 'v1' | 'v2' | 'both'

/** `signing_config.json` v0.2. With `both`, version 2 is listed first, as a newer service would be. */
export function signingConfig(services: SigstoreServices, rekor: RekorChoice = 'v1'): Record<string, unknown> {
  const service = (url: string, majorApiVersion: number) => listedService(url, { majorApiVersion })
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(services.fulcio.url, 1)],
    oidcUrls: [service(services.issuer, 1)],
    rekorTlogUrls: [
      ...(rekor === 'v1' ? [] : [service(services.rekorV2.url, 2)]),
      ...(rekor === 'v2' ? [] : [service(services.rekorV1.url, 1)]),
    ],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [service(services.timestamp.endpoint, 1)],
    tsaConfig: { selector: 'ANY' },
  }
}
