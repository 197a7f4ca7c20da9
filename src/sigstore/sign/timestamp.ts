import { createHash, randomBytes } from 'node:crypto'
import { RFC3161Timestamp } from '@sigstore/core'
import { equalBytes } from '../../core/bytes.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { readTimestamp } from '../verify/times.ts'
import { ask, nonsense, reading, refusal, type ServiceCodes, type Transport } from './service.ts'

export interface SignedTimestamp {
  readonly der: Buffer
  readonly time: Date
}

export const TSA: ServiceCodes = {
  name: 'timestamp authority',
  unavailable: 'sigstore/timestamp-unavailable',
  malformed: 'sigstore/timestamp-answer-malformed',
}

/**
 * Asks an RFC 3161 authority for a timestamp over a signature, in the standard's own format, so that any authority can
 * be named. The answer must be granted and for this signature and this question (nonce).
 * @param url the full URL, as signing configurations give it.
 * @throws `sigstore/timestamp-unavailable`, `sigstore/timestamp-answer-malformed`
 */
export async function requestTimestamp(
  transport: Transport,
  url: string,
  signature: Uint8Array,
): Promise<SignedTimestamp> {
  const digest = createHash('sha256').update(signature).digest()
  const nonce = newNonce()
  const endpoint = new URL(url).pathname === '/' ? `${url}/api/v1/timestamp` : url
  const answer = await ask(transport, TSA, {
    method: 'POST',
    url: endpoint,
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: query(digest, nonce),
    maxBytes: SIGSTORE_LIMITS.timestampBytes,
  })
  if (answer.status !== 200 && answer.status !== 201)
    throw refusal('sigstore/timestamp-unavailable', TSA, endpoint, answer)
  return reading(TSA, endpoint, () => checked(endpoint, Buffer.from(answer.body), digest, nonce))
}

function checked(url: string, der: Buffer<ArrayBuffer>, digest: Buffer, nonce: Buffer): SignedTimestamp {
  const stamp = RFC3161Timestamp.parse(der)
  if (stamp.status !== 0n && stamp.status !== 1n)
    throw nonsense(TSA, url, `the request was not granted (${stamp.status})`)
  const { time } = readTimestamp(der)
  if (
    stamp.tstInfo.messageImprintHashAlgorithm !== 'sha256' ||
    !equalBytes(stamp.tstInfo.messageImprintHashedMessage, digest)
  )
    throw nonsense(TSA, url, 'the timestamp is over something else')
  if (!Buffer.from(stamp.tstInfo.raw).includes(der1(0x02, nonce)))
    throw nonsense(TSA, url, 'the timestamp answers another question')
  return { der, time }
}

/** 63 random bits, positive and without a leading zero byte, so that its DER is its bytes. */
function newNonce(): Buffer {
  const bytes = randomBytes(8)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

/** TimeStampReq ::= SEQUENCE { version 1, messageImprint { SHA-256, digest }, nonce }. RFC 3161 § 2.4.1; certReq is false. */
function query(digest: Buffer, nonce: Buffer): Buffer {
  const sha256Oid = Buffer.from('0609608648016503040201', 'hex')
  const imprint = der1(0x30, Buffer.concat([der1(0x30, sha256Oid), der1(0x04, digest)]))
  return der1(0x30, Buffer.concat([der1(0x02, Buffer.from([1])), imprint, der1(0x02, nonce)]))
}

/** One DER element of less than 128 bytes. */
function der1(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.byteLength]), content])
}
