import { createHash, X509Certificate } from 'node:crypto'
import { ASN1Obj } from '@sigstore/core'
import { HashAlgorithm, type TransparencyLogEntry } from '@sigstore/protobuf-specs'
import { FulcioSigner, RekorWitness, TSAWitness } from '@sigstore/sign'
import type { ClaimOverrides } from './claims.ts'
import { attribute, attributesOf, cmsArmor, writeCms } from './cms.ts'
import { octets, oid, sequence, setOf } from './der.ts'

/**
 * Signs as gitsign does in offline mode (sigstore/gitsign 034927d, internal/signature, internal/rekor/oid): a detached CMS
 * with the leaf alone, three signed attributes, and, outside the signature, the log entry as a protocol buffer without its
 * body and, when asked, an RFC 3161 token. Certificate, log and timestamp come from whatever services it is given.
 */
export interface GitsignServices {
  readonly oidc: { mint(claims?: ClaimOverrides): Promise<string> }
  readonly fulcio: { readonly url: string }
  readonly rekorV1: { readonly url: string }
  readonly rekorV2: { readonly url: string }
  readonly timestamp: { readonly url: string }
}

/** The part that is signed, and by whom. */
export interface GitsignSignature {
  /** DER of the signed attributes. */
  readonly attributes: readonly Buffer[]
  readonly signature: Buffer
  readonly leaf: Buffer
}

export interface GitsignExtras {
  /** A serialised TransparencyLogEntry; absent: online mode. */
  readonly entry?: Uint8Array
  /** TimeStampToken. */
  readonly token?: Uint8Array
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
export const LOG_ENTRY = '1.3.6.1.4.1.57264.3.1'
export const TIMESTAMP_TOKEN = '1.2.840.113549.1.9.16.2.14'

/** Certificate from Fulcio, and its signature over the attributes that name this payload. */
export async function gitsignSignature(
  services: GitsignServices,
  payload: Uint8Array,
  claims: ClaimOverrides = {},
): Promise<GitsignSignature> {
  const attributes = attributesOf(payload)
  const identityProvider = { getToken: () => services.oidc.mint(claims) }
  const signer = new FulcioSigner({ fulcioBaseURL: services.fulcio.url, identityProvider })
  const { signature, key } = await signer.sign(setOf(...attributes))
  if (key.$case !== 'x509Certificate') throw new Error('Fulcio gave no certificate')
  return { attributes, signature, leaf: new X509Certificate(key.certificate).raw }
}

/** Logs the signature over the attributes; the log never sees the commit. */
export async function gitsignEntry(
  services: GitsignServices,
  { attributes, signature, leaf }: GitsignSignature,
  rekor: 1 | 2 = 1,
): Promise<TransparencyLogEntry> {
  const digest = createHash('sha256')
    .update(setOf(...attributes))
    .digest()
  const log = rekor === 1 ? services.rekorV1 : services.rekorV2
  const witness = new RekorWitness({ rekorBaseURL: log.url, majorApiVersion: rekor })
  const messageSignature = { messageDigest: { algorithm: HashAlgorithm.SHA2_256, digest }, signature }
  const certificate = new X509Certificate(leaf).toString()
  const { tlogEntries } = await witness.testify({ $case: 'messageSignature', messageSignature }, certificate)
  const [entry] = tlogEntries
  if (entry === undefined) throw new Error('the log gave no entry')
  return entry
}

export async function gitsignToken(services: GitsignServices, { signature }: GitsignSignature): Promise<Buffer> {
  const witness = new TSAWitness({ tsaBaseURL: services.timestamp.url })
  const messageSignature = { messageDigest: { algorithm: HashAlgorithm.SHA2_256, digest: Buffer.alloc(32) }, signature }
  const { rfc3161Timestamps } = await witness.testify({ $case: 'messageSignature', messageSignature })
  const response = Buffer.from(rfc3161Timestamps[0]?.signedTimestamp ?? [])
  const token = ASN1Obj.parseBuffer(response).subs[1]
  if (token === undefined) throw new Error('the authority gave no token')
  return token.toDER()
}

export interface GitsignOptions {
  readonly claims?: ClaimOverrides
  readonly rekor?: 1 | 2
  readonly timestamp?: boolean
}

/** The armor that stands in the `gpgsig` header. */
export async function gitsign(
  services: GitsignServices,
  payload: Uint8Array,
  { claims, rekor = 1, timestamp = rekor === 2 }: GitsignOptions = {},
): Promise<string> {
  const made = await gitsignSignature(services, payload, claims)
  const entry = serialiseEntry(await gitsignEntry(services, made, rekor))
  return gitsignArmor(made, { entry, ...(timestamp ? { token: await gitsignToken(services, made) } : {}) })
}

export function gitsignArmor(made: GitsignSignature, { entry, token }: GitsignExtras = {}): string {
  const { attributes, signature, leaf } = made
  const unsigned = [
    ...(token === undefined ? [] : [attribute(TIMESTAMP_TOKEN, Buffer.from(token))]),
    ...(entry === undefined ? [] : [attribute(LOG_ENTRY, octets(entry))]),
  ]
  const algorithm = sequence(oid(ECDSA_SHA256))
  return cmsArmor(writeCms({ certificate: leaf, attributes, signature, algorithm, unsigned }))
}

/** Protocol buffer of the entry as gitsign keeps it: kind and version always those of Rekor v1, no body. */
export function serialiseEntry(entry: TransparencyLogEntry, body?: Uint8Array): Buffer {
  const { inclusionProof: proof, inclusionPromise: promise } = entry
  return Buffer.concat([
    number(1, entry.logIndex),
    field(2, field(1, entry.logId?.keyId ?? Buffer.alloc(0))),
    field(3, Buffer.concat([field(1, Buffer.from('hashedrekord')), field(2, Buffer.from('0.0.1'))])),
    number(4, entry.integratedTime),
    field(5, promise === undefined ? Buffer.alloc(0) : field(1, promise.signedEntryTimestamp)),
    field(
      6,
      Buffer.concat([
        number(1, proof?.logIndex ?? '0'),
        field(2, proof?.rootHash ?? Buffer.alloc(0)),
        number(3, proof?.treeSize ?? '0'),
        ...(proof?.hashes ?? []).map(hash => field(4, hash)),
        field(5, field(1, Buffer.from(proof?.checkpoint?.envelope ?? ''))),
      ]),
    ),
    ...(body === undefined ? [] : [field(7, body)]),
  ])
}

/** Zero is left out, as proto3 does. */
function number(id: number, value: string): Buffer {
  return value === '0' ? Buffer.alloc(0) : Buffer.concat([varint(BigInt(id << 3)), varint(BigInt(value))])
}

export function field(id: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt((id << 3) | 2)), varint(BigInt(value.byteLength)), value])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
