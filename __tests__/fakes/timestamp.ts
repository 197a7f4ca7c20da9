import { randomBytes, sign } from 'node:crypto'
import { ASN1Obj } from '@sigstore/core'
import {
  type Authority,
  authorityKeyId,
  extendedUsage,
  mintAuthority,
  mintCertificate,
  name,
  randomSerial,
  subjectKeyId,
  TIME_STAMPING,
  usageSignature,
} from './certificate.ts'
import { context, generalizedTime, integer, octets, oid, sequence, setOf, utcTime } from './der.ts'
import { hash256, p256 } from './keys.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface TimestampOptions extends ServiceOptions {
  readonly clockOffsetMs?: number
}

export interface TimestampAuthority extends Service {
  /** Full URL to ask, as signing configs name it. */
  readonly endpoint: string
  readonly root: Authority
  /** Signs the tokens. */
  readonly leaf: Authority
  clockOffsetMs: number
}

interface Query {
  readonly hashOid: string
  readonly digest: Buffer
  readonly nonce?: Uint8Array
  readonly certificates: boolean
}

const HASHES: Readonly<Record<string, { oid: string; size: number }>> = {
  sha256: { oid: '2.16.840.1.101.3.4.2.1', size: 32 },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', size: 48 },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', size: 64 },
}
const SHA256 = '2.16.840.1.101.3.4.2.1'
const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const POLICY = '1.3.6.1.4.1.57264.2'
const CONTENT_TSTINFO = '1.2.840.113549.1.9.16.1.4'
const CONTENT_SIGNED_DATA = '1.2.840.113549.1.7.2'
const YEAR_MS = 365 * 24 * 3600_000

/**
 * An RFC 3161 authority: `POST /api/v1/timestamp` with a DER query (`application/timestamp-query`) or sigstore's JSON;
 * `GET /api/v1/timestamp/certchain`. Chain: leaf (critical timeStamping purpose) ← root.
 *
 * Checks: hash is SHA-2 and the digest as long as it says. Honours nonce and certReq.
 * Does not check: the asked policy (always answers with sigstore's own) or query extensions.
 */
export async function startTimestampAuthority(options: TimestampOptions = {}): Promise<TimestampAuthority> {
  const [rootKeys, leafKeys] = await Promise.all([p256(), p256()])
  const validity = { notBefore: new Date(Date.now() - 10 * YEAR_MS), notAfter: new Date(Date.now() + 10 * YEAR_MS) }
  const root = mintAuthority({
    name: name('waybill.test', 'timestamp root'),
    keys: rootKeys,
    pathLength: 0,
    ...validity,
  })
  const serial = randomSerial()
  const subject = name('waybill.test', 'timestamp')
  const certificate = mintCertificate({
    issuer: { name: root.name, key: rootKeys.privateKey },
    subject,
    publicKey: leafKeys.publicKey,
    serial,
    ...validity,
    extensions: [
      usageSignature(),
      extendedUsage(TIME_STAMPING, true),
      subjectKeyId(leafKeys.publicKey),
      authorityKeyId(rootKeys.publicKey),
    ],
  })
  const service = await startService('timestamp', request => answer(authority, request), options)
  const authority: TimestampAuthority = Object.assign(service, {
    endpoint: `${service.url}/api/v1/timestamp`,
    root,
    leaf: { name: subject, keys: leafKeys, certificate, serial },
    clockOffsetMs: options.clockOffsetMs ?? 0,
  })
  return authority
}

function answer(authority: TimestampAuthority, request: ServiceRequest): ServiceAnswer {
  if (request.method !== 'POST' || request.path !== '/api/v1/timestamp') return { status: 404, body: 'not found' }
  const query = readQuery(request)
  if (query === undefined) return { status: 400, body: { code: 400, message: 'error generating timestamp response' } }
  return {
    status: 201,
    headers: { 'content-type': 'application/timestamp-reply' },
    body: timestampResponse(authority, query),
  }
}

function readQuery(request: ServiceRequest): Query | undefined {
  try {
    const isJson = (request.headers['content-type'] ?? '').startsWith('application/json')
    const query = isJson ? readJsonQuery(request.body) : readDerQuery(request.body)
    const known = Object.values(HASHES).find(hash => hash.oid === query.hashOid)
    return known?.size === query.digest.byteLength ? query : undefined
  } catch {
    return undefined
  }
}

function readJsonQuery(body: Buffer): Query {
  const json = JSON.parse(body.toString())
  const nonce = json.nonce === undefined ? {} : { nonce: numberBytes(json.nonce) }
  return {
    hashOid: HASHES[String(json.hashAlgorithm).toLowerCase()]?.oid ?? '',
    digest: Buffer.from(String(json.artifactHash), 'base64'),
    certificates: json.certificates === true,
    ...nonce,
  }
}

function numberBytes(value: unknown): Buffer {
  const hex = BigInt(value as number).toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

/** TimeStampReq ::= SEQUENCE { version, messageImprint, reqPolicy OID?, nonce INTEGER?, certReq BOOLEAN? } */
function readDerQuery(body: Buffer): Query {
  const [, imprint, ...rest] = ASN1Obj.parseBuffer(Buffer.from(body)).subs
  const [algorithm, digest] = imprint?.subs ?? []
  const nonce = rest.find(part => part.tag.number === 0x02)
  const wanted = rest.find(part => part.tag.number === 0x01)
  return {
    hashOid: algorithm?.subs[0]?.toOID() ?? '',
    digest: digest?.value ?? Buffer.alloc(0),
    certificates: wanted?.toBoolean() ?? false,
    ...(nonce === undefined ? {} : { nonce: nonce.value }),
  }
}

function timestampResponse(authority: TimestampAuthority, query: Query): Buffer {
  const now = new Date(Date.now() + authority.clockOffsetMs)
  const info = sequence(
    integer(1),
    oid(POLICY),
    sequence(sequence(oid(query.hashOid)), octets(query.digest)),
    integer(randomBytes(16)),
    generalizedTime(now),
    sequence(integer(1)), // accuracy: one second
    ...(query.nonce === undefined ? [] : [integer(query.nonce)]),
  )
  const signedData = sequence(
    integer(3),
    setOf(sequence(oid(SHA256))),
    sequence(oid(CONTENT_TSTINFO), context(0, octets(info))),
    ...(query.certificates ? [context(0, authority.leaf.certificate)] : []),
    setOf(signerInfo(authority, info, now)),
  )
  return sequence(sequence(integer(0)), sequence(oid(CONTENT_SIGNED_DATA), context(0, signedData)))
}

function signerInfo({ leaf, root }: TimestampAuthority, info: Buffer, now: Date): Buffer {
  const attribute = (type: string, value: Buffer) => sequence(oid(type), setOf(value))
  const attributes = setOf(
    attribute('1.2.840.113549.1.9.3', oid(CONTENT_TSTINFO)),
    attribute('1.2.840.113549.1.9.5', utcTime(now)),
    attribute('1.2.840.113549.1.9.4', octets(hash256(info))),
    // signingCertificateV2 (RFC 5035), hash algorithm left at its default, SHA-256
    attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(sequence(octets(hash256(leaf.certificate)))))),
  )
  // RFC 5652 § 5.4: signed as a SET, carried as [0].
  const signature = sign('sha256', attributes, leaf.keys.privateKey)
  const carried = Buffer.from(attributes)
  carried.writeUInt8(0xa0, 0)
  return sequence(
    integer(1),
    sequence(root.name, integer(leaf.serial)),
    sequence(oid(SHA256)),
    carried,
    sequence(oid(ECDSA_SHA256)),
    octets(signature),
  )
}
