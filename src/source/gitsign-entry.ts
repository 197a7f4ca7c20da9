import { createHash } from 'node:crypto'
import { decodeUtf8, encodeBase64, utf8 } from '../core/bytes.ts'
import type { LoggedMessage } from '../sigstore/verify/message.ts'

/**
 * The log entry inside a gitsign signature: a `TransparencyLogEntry` of sigstore_rekor.proto (protobuf-specs v0.5) in
 * binary, without its body, which can be written again from the signature itself.
 *
 *     1 logIndex · 2 logId {1 keyId} · 3 kindVersion {1 kind, 2 version} · 4 integratedTime
 *     5 inclusionPromise {1 signedEntryTimestamp}
 *     6 inclusionProof {1 logIndex, 2 rootHash, 3 treeSize, 4 hashes…, 5 checkpoint {1 envelope}}
 *     7 canonicalizedBody, empty
 *
 * What was logged is a `hashedrekord` over SHA-256 of the signed attributes (DER, as SET), the signature, and the leaf
 * (sigstore/gitsign internal/rekor/oid, 034927d). gitsign writes "hashedrekord 0.0.1" for logs of version 2 as well, which
 * make no promise and log another body; the promise tells them apart.
 * Traps: a reader of protocol buffers that takes the last of two equal fields and skips unknown ones lets one entry mean
 * two things, so both refuse here.
 */
export interface EntryParts {
  /** The bytes whose hash was logged. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  /** DER of the leaf. */
  readonly certificate: Uint8Array
}

const INT = 0
const BYTES = 2

/** @throws an Error with a sentence for anything else than one complete entry. */
export function readLogEntry(bytes: Uint8Array, parts: EntryParts): LoggedMessage {
  const fields = readMessage(bytes, { 1: INT, 2: BYTES, 3: BYTES, 4: INT, 5: BYTES, 6: BYTES, 7: BYTES })
  const kindVersion = readMessage(bytesAt(fields, 3), { 1: BYTES, 2: BYTES })
  const promise = readMessage(bytesAt(fields, 5), { 1: BYTES })
  const set = bytesAt(promise, 1)
  if (textAt(kindVersion, 1) !== 'hashedrekord' || textAt(kindVersion, 2) !== '0.0.1')
    throw new Error(`a log entry of kind ${textAt(kindVersion, 1)} ${textAt(kindVersion, 2)}`)
  const version = set.byteLength > 0 ? '0.0.1' : '0.0.2'
  const body = version === '0.0.1' ? bodyOfVersion1(parts) : bodyOfVersion2(parts)
  const stored = bytesAt(fields, 7)
  if (stored.byteLength > 0 && Buffer.compare(stored, body) !== 0)
    throw new Error('a log entry about another signature')
  return {
    logIndex: numberAt(fields, 1),
    keyId: bytesAt(readMessage(bytesAt(fields, 2), { 1: BYTES }), 1),
    kind: 'hashedrekord',
    version,
    integratedTime: numberAt(fields, 4),
    ...(set.byteLength > 0 ? { promise: set } : {}),
    proof: readProof(bytesAt(fields, 6)),
    body,
  }
}

function readProof(bytes: Uint8Array): LoggedMessage['proof'] {
  const fields = readMessage(bytes, { 1: INT, 2: BYTES, 3: INT, 4: BYTES, 5: BYTES }, 4)
  const checkpoint = readMessage(bytesAt(fields, 5), { 1: BYTES })
  if (bytesAt(checkpoint, 1).byteLength === 0) throw new Error('a log entry without a checkpoint')
  return {
    logIndex: numberAt(fields, 1),
    rootHash: bytesAt(fields, 2),
    treeSize: numberAt(fields, 3),
    hashes: (fields.get(4) ?? []).filter(value => value instanceof Uint8Array),
    checkpoint: textAt(checkpoint, 1),
  }
}

type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>

/** @param repeated the one field that may stand there more than once. */
function readMessage(bytes: Uint8Array, known: Readonly<Record<number, number>>, repeated?: number): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>()
  const cursor = { at: 0 }
  while (cursor.at < bytes.byteLength) {
    const tag = varint(bytes, cursor)
    const field = Number(tag >> 3n)
    if (known[field] === undefined || known[field] !== Number(tag & 7n))
      throw new Error('a log entry with an unknown field')
    const values = fields.get(field) ?? []
    if (values.length > 0 && field !== repeated) throw new Error('a log entry with a field twice')
    const value = varint(bytes, cursor)
    values.push(known[field] === INT ? value : take(bytes, cursor, Number(value)))
    fields.set(field, values)
  }
  return fields
}

/** Base 128, least first; at most 63 bits, so that no number is negative, and in its shortest form. */
function varint(bytes: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) break
    value |= BigInt(byte & 0x7f) << shift
    if (byte >= 0x80) continue
    if (byte === 0 && shift > 0n) break
    return value
  }
  throw new Error('a log entry with a malformed number')
}

function take(bytes: Uint8Array, cursor: { at: number }, length: number): Uint8Array {
  const end = cursor.at + length
  if (end > bytes.byteLength) throw new Error('a log entry that is cut off')
  const value = bytes.slice(cursor.at, end)
  cursor.at = end
  return value
}

/** Absent fields of protocol buffers are empty. */
function bytesAt(fields: Fields, field: number): Uint8Array {
  const [value] = fields.get(field) ?? []
  return value instanceof Uint8Array ? value : new Uint8Array()
}

function numberAt(fields: Fields, field: number): string {
  const [value] = fields.get(field) ?? []
  return typeof value === 'bigint' ? value.toString() : '0'
}

function textAt(fields: Fields, field: number): string {
  const text = decodeUtf8(bytesAt(fields, field))
  if (text === undefined) throw new Error('a log entry with text that is not UTF-8')
  return text
}

/** Rekor v1, `hashedrekord` 0.0.1 in canonical JSON (RFC 8785): the leaf is PEM inside base64. */
function bodyOfVersion1({ signed, signature, certificate }: EntryParts): Uint8Array {
  const lines = encodeBase64(certificate).match(/.{1,64}/g) ?? []
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  const value = createHash('sha256').update(signed).digest('hex')
  return canonical({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value } },
      signature: { content: encodeBase64(signature), publicKey: { content: encodeBase64(utf8(pem)) } },
    },
  })
}

/** Rekor v2, `hashedrekord` 0.0.2; gitsign's keys are ECDSA on P-256. */
function bodyOfVersion2({ signed, signature, certificate }: EntryParts): Uint8Array {
  const digest = createHash('sha256').update(signed).digest('base64')
  const verifier = {
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    x509Certificate: { rawBytes: encodeBase64(certificate) },
  }
  return canonical({
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: {
        data: { algorithm: 'SHA2_256', digest },
        signature: { content: encodeBase64(signature), verifier },
      },
    },
  })
}

/** Keys above stand in order and texts are plain ASCII, so that JSON.stringify is canonical. */
function canonical(body: object): Uint8Array {
  return utf8(JSON.stringify(body))
}
