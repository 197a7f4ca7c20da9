import { CertificateAuthority, TransparencyLogInstance } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify'
import { type Digest, sha256 } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import { type Json, type JsonObject, jsonText, parseJsonObject } from '../../core/json.ts'
import { printable } from '../../core/text.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { checkShape, type Shape } from '../protojson.ts'
import { remembered } from '../remembered.ts'

/** Where a trust root came from: it is named in every verdict, and never mixed with another (13-adversary 29). */
export type TrustOrigin = 'public-good' | 'github' | `file:${Digest}` | `mirror:${string}`

/**
 * The services one verification believes: certificate authorities, certificate logs, transparency logs, timestamp
 * authorities, each with its validity. One bundle is verified against one root alone.
 */
export interface TrustRoot {
  readonly origin: TrustOrigin
  /** SHA-256 of the trusted_root.json that was read. */
  readonly digest: Digest
  /** Services in the file that cannot be used (an unknown key type, a misordered chain), each with its reason. */
  readonly unusable: readonly string[]
  /** For `verify/` only. */
  readonly material: TrustMaterial
}

const MEDIA_TYPES: readonly Json[] = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]

type CertAuthority = TrustMaterial['certificateAuthorities'][number]
type TLogAuthority = TrustMaterial['tlogs'][number]

const VALID_FOR = { start: 'time', end: 'time' } as const satisfies Shape
const LOG = {
  baseUrl: 'string',
  hashAlgorithm: 'enum',
  publicKey: { rawBytes: 'bytes', keyDetails: 'enum', validFor: VALID_FOR },
  logId: { keyId: 'bytes' },
  checkpointKeyId: { keyId: 'bytes' },
  operator: 'string',
} as const satisfies Shape
const AUTHORITY = {
  subject: { organization: 'string', commonName: 'string' },
  uri: 'string',
  certChain: { certificates: [{ rawBytes: 'bytes' }] },
  validFor: VALID_FOR,
  operator: 'string',
} as const satisfies Shape
const TRUSTED_ROOT = {
  mediaType: 'string',
  tlogs: [LOG],
  certificateAuthorities: [AUTHORITY],
  ctlogs: [LOG],
  timestampAuthorities: [AUTHORITY],
} as const satisfies Shape

/**
 * Reads a trusted_root.json strictly. A service that cannot be used is left out and named: nothing it signed is believed.
 * @param source `public-good` and `github` only for bytes that TUF has verified from that instance's own root.
 * @throws `sigstore/trust-malformed`
 */
export function parseTrustRoot(
  bytes: Uint8Array,
  source: 'public-good' | 'github' | 'file' | `mirror:${string}`,
): TrustRoot {
  if (bytes.byteLength > SIGSTORE_LIMITS.trustRootBytes) throw malformed('it is too large')
  const digest = sha256(bytes)
  const json = strictRoot(bytes)
  const unusable: string[] = []
  const material: TrustMaterial = {
    tlogs: usable(json.tlogs, 'transparency log', readLog, unusable),
    ctlogs: usable(json.ctlogs, 'certificate log', readLog, unusable),
    certificateAuthorities: usable(json.certificateAuthorities, 'certificate authority', readAuthority, unusable),
    timestampAuthorities: usable(json.timestampAuthorities, 'timestamp authority', readTimestampAuthority, unusable),
    publicKey: () => {
      throw new Error('a trust root holds no public keys of signers')
    },
  }
  const count = Object.values(material).reduce((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0)
  if (count === 0) throw malformed('it names no usable service', unusable.join('; '))
  return { origin: source === 'file' ? `file:${digest}` : source, digest, unusable, material }
}

function strictRoot(bytes: Uint8Array): JsonObject {
  try {
    const json = parseJsonObject(bytes, 'trust root')
    checkShape(json, TRUSTED_ROOT, 'trustedRoot')
    if (!MEDIA_TYPES.includes(json.mediaType ?? null)) {
      throw malformed('its mediaType is not that of a trusted root', jsonText(json.mediaType))
    }
    return json
  } catch (error) {
    if (error instanceof WaybillError && error.code === 'sigstore/trust-malformed') throw error
    throw malformed(error instanceof Error ? error.message : 'it cannot be read', undefined, error)
  }
}

function usable<T>(list: Json | undefined, what: string, read: (item: Json) => T, unusable: string[]): T[] {
  const items = Array.isArray(list) ? (list as readonly Json[]) : []
  return items.flatMap(item => {
    try {
      return [read(item)]
    } catch (error) {
      unusable.push(`${what} ${nameOf(item)}: ${error instanceof Error ? printable(error.message, 200) : 'unreadable'}`)
      return []
    }
  })
}

function nameOf(item: Json): string {
  const { baseUrl, uri } = item as { baseUrl?: Json; uri?: Json }
  return printable(jsonText(baseUrl ?? uri ?? 'without a URL'), 200)
}

function readLog(item: Json): TLogAuthority {
  const log = TransparencyLogInstance.fromJSON(item)
  // The library would use undefined fields and end in a TypeError later.
  if (log.publicKey?.rawBytes === undefined) throw new Error('it has no public key')
  if ((log.checkpointKeyId ?? log.logId)?.keyId.byteLength === undefined) throw new Error('it has no log id')
  // Without one a key would count for all of the past, also before anybody looked after it. `sigstore_trustroot.proto`.
  if (log.publicKey.validFor?.start === undefined) throw new Error('it does not say from when its key is valid')
  const [authority] = toTrustMaterial({ ...EMPTY, tlogs: [log] }).tlogs
  if (authority === undefined) throw new Error('it cannot be used')
  return authority
}

function readAuthority(item: Json): CertAuthority {
  const authority = CertificateAuthority.fromJSON(item)
  if ((authority.certChain?.certificates.length ?? 0) === 0) throw new Error('it has no certificate')
  const [material] = toTrustMaterial({ ...EMPTY, certificateAuthorities: [authority] }).certificateAuthorities
  if (material === undefined) throw new Error('it cannot be used')
  // Reads every field that verification will read, so that a malformed certificate is found here.
  for (const cert of material.certChain) void [cert.notBefore, cert.notAfter, cert.subject, cert.publicKey, cert.isCA]
  material.certChain.forEach(remembered)
  return material
}

/** The library takes the first certificate of the chain for the one that signs timestamps. */
function readTimestampAuthority(item: Json): CertAuthority {
  const authority = readAuthority(item)
  if (authority.certChain[0]?.isCA && authority.certChain.length > 1)
    throw new Error('its chain does not begin with the certificate that signs timestamps')
  return authority
}

const EMPTY = { mediaType: '', tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] }

function malformed(why: string, found?: string, cause?: unknown): WaybillError {
  return fail('sigstore/trust-malformed', `The trust root cannot be used: ${why}`, {
    ...(found === undefined ? {} : { found }),
    cause,
  })
}
