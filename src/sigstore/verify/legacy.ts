import { X509Certificate } from 'node:crypto'
import {
  BUNDLE_V01_MEDIA_TYPE,
  type Bundle,
  type TransparencyLogEntry,
  toDSSEBundle,
  toMessageSignatureBundle,
} from '@sigstore/bundle'
import { decodeBase64 } from '../../core/bytes.ts'
import { sha256 } from '../../core/digest.ts'
import { type JsonObject, parseJsonObject } from '../../core/json.ts'
import { LIMITS } from '../../core/limits.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../../core/shape.ts'
import { requireCompleteEntry } from '../bundle.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { checkShape, type Shape } from '../protojson.ts'
import type { Evidence } from './checks.ts'
import { contentOf } from './content.ts'
import { preAuthEncoding } from './log-entry.ts'
import { asLegacyMalformed, legacyMalformed } from './simple-signing.ts'

/**
 * What cosign ≤ 2 keeps in one layer beside an image; of the same shape as what `registry/legacy.ts` fetches.
 *
 *     payload      `signature`: simple signing JSON, signed as it is; `attestation`: a DSSE envelope
 *     annotations  dev.cosignproject.cosign/signature   base64, over the payload; empty for an attestation
 *                  dev.sigstore.cosign/certificate      PEM of the leaf; absent: a key signed
 *                  dev.sigstore.cosign/chain            never read: issuers come from the trust root only
 *                  dev.sigstore.cosign/bundle           {SignedEntryTimestamp, Payload: {body, integratedTime, logIndex, logID}}
 *                  dev.sigstore.cosign/rfc3161timestamp {SignedRFC3161Timestamp: base64 of a TimeStampResp}
 *
 * Source: cosign specs/SIGNATURE_SPEC.md. There is no proof of inclusion, only the log's promise. The timestamp is over the signature, but
 * of an attestation over the envelope's whole text, in which the signature stands (seen of cosign 2.6.4).
 */
export interface LegacySignature {
  readonly form: 'signature' | 'attestation'
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

export interface ReadLegacy {
  readonly evidence: Evidence
  /** Of an attestation. */
  readonly envelope?: { readonly payloadType: string; readonly payload: Buffer }
}

const SIGNATURE = 'dev.cosignproject.cosign/signature'
const CERTIFICATE = 'dev.sigstore.cosign/certificate'
const BUNDLE = 'dev.sigstore.cosign/bundle'
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp'

/** The same as a bundle of v0.1 would hold. @throws `sigstore/legacy-malformed`, `sigstore/bundle-malformed` */
export function readLegacy(legacy: LegacySignature): ReadLegacy {
  try {
    const { annotations, payload } = legacy
    for (const name of [SIGNATURE, CERTIFICATE, BUNDLE, TIMESTAMP]) bounded(annotations[name]?.length ?? 0, name)
    const content = legacy.form === 'signature' ? plain(payload, annotations) : enveloped(payload)
    const certificate = leafOf(annotations[CERTIFICATE])
    const entries = annotations[BUNDLE] === undefined ? [] : [entryOf(annotations[BUNDLE])]
    const timestamps = annotations[TIMESTAMP] === undefined ? [] : [timestampOf(annotations[TIMESTAMP])]
    const bundle = bundleOf(content, certificate, entries, timestamps)
    const signer = certificate === undefined ? { hint: '' } : { certificate }
    const { signature, signed, envelope } = content
    const evidence = { bundle, signed: contentOf(signed), signature, signer, entries, timestamps }
    return envelope === undefined
      ? { evidence }
      : { evidence: { ...evidence, stamped: Buffer.from(payload) }, envelope }
  } catch (error) {
    throw asLegacyMalformed(error, 'a part of it is malformed')
  }
}

interface Content {
  readonly signed: Buffer
  readonly signature: Buffer
  readonly envelope?: { readonly payloadType: string; readonly payload: Buffer }
}

function plain(payload: Uint8Array, annotations: LegacySignature['annotations']): Content {
  const signature = Buffer.from(decodeBase64(annotations[SIGNATURE] ?? '', 'signature'))
  if (signature.byteLength === 0) throw legacyMalformed('it has no signature', `the annotation ${SIGNATURE}`)
  return { signed: Buffer.from(payload), signature }
}

const ENVELOPE = {
  payloadType: 'string',
  payload: 'bytes',
  signatures: [{ keyid: 'string', sig: 'bytes' }],
} as const satisfies Shape

function enveloped(bytes: Uint8Array): Content {
  if (bytes.byteLength > LIMITS.bundleBytes)
    throw legacyMalformed('its envelope is too large', `at most ${LIMITS.bundleBytes} bytes`)
  const json = parseJsonObject(bytes, 'envelope')
  checkShape(json, ENVELOPE, 'envelope')
  const signatures = arrayAt(json.signatures, 'envelope.signatures')
  if (signatures.length !== 1)
    throw legacyMalformed('its envelope has not exactly one signature', '1', String(signatures.length))
  const payload = bytesAt(json, 'payload')
  const payloadType = stringAt(json.payloadType, 'envelope.payloadType')
  const signature = bytesAt(objectAt(signatures[0], 'envelope.signatures[0]'), 'sig')
  return { signed: preAuthEncoding({ payloadType, payload }), signature, envelope: { payloadType, payload } }
}

/** Exactly one certificate, and nothing around it: a program that takes the last of two would see another signer. */
function leafOf(pem: string | undefined): Buffer | undefined {
  if (pem === undefined || pem === '') return undefined
  const one = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?$/.test(pem)
  if (!one) throw legacyMalformed('its certificate is not one in PEM', `one certificate in ${CERTIFICATE}`)
  let raw: Buffer
  try {
    raw = new X509Certificate(pem).raw
  } catch (error) {
    throw legacyMalformed('its certificate cannot be read', undefined, undefined, error)
  }
  return raw
}

/** The promise is checked over exactly these four values, as JSON numbers and text. */
function entryOf(text: string): TransparencyLogEntry {
  const json = only(parseJsonObject(text, 'bundle annotation'), ['SignedEntryTimestamp', 'Payload'])
  const payload = only(objectAt(json.Payload, 'Payload'), ['body', 'integratedTime', 'logIndex', 'logID'])
  const body = bytesAt(payload, 'body')
  const logID = stringAt(payload.logID, 'logID')
  if (!/^[0-9a-f]{64}$/.test(logID)) throw legacyMalformed('its log has no id', '64 lower-case hex digits', logID)
  const inner = parseJsonObject(body, 'log entry')
  const entry: TransparencyLogEntry = {
    logIndex: String(integerAt(payload.logIndex, 'logIndex')),
    logId: { keyId: Buffer.from(logID, 'hex') },
    kindVersion: { kind: stringAt(inner.kind, 'entry.kind'), version: stringAt(inner.apiVersion, 'entry.apiVersion') },
    integratedTime: String(integerAt(payload.integratedTime, 'integratedTime')),
    inclusionPromise: { signedEntryTimestamp: bytesAt(json, 'SignedEntryTimestamp') },
    inclusionProof: undefined,
    canonicalizedBody: body,
  }
  requireCompleteEntry(entry)
  return entry
}

function timestampOf(text: string): Buffer {
  const der = bytesAt(
    only(parseJsonObject(text, 'timestamp annotation'), ['SignedRFC3161Timestamp']),
    'SignedRFC3161Timestamp',
  )
  if (der.byteLength > SIGSTORE_LIMITS.timestampBytes)
    throw legacyMalformed('its timestamp is too large', `at most ${SIGSTORE_LIMITS.timestampBytes} bytes`)
  return der
}

function bundleOf(
  { signed, signature, envelope }: Content,
  certificate: Buffer | undefined,
  entries: readonly TransparencyLogEntry[],
  timestamps: readonly Buffer[],
): Bundle {
  const by = certificate === undefined ? { keyHint: '' } : { certificate }
  const bundle: Bundle =
    envelope === undefined
      ? toMessageSignatureBundle({
          digest: Buffer.from(sha256(signed).slice('sha256:'.length), 'hex'),
          signature,
          ...by,
        })
      : toDSSEBundle({
          artifact: envelope.payload,
          artifactType: envelope.payloadType,
          signature,
          ...by,
          certificateChain: false,
        })
  bundle.mediaType = BUNDLE_V01_MEDIA_TYPE
  bundle.verificationMaterial.tlogEntries = [...entries]
  bundle.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: timestamps.map(signedTimestamp => ({ signedTimestamp })),
  }
  return bundle
}

function bytesAt(object: JsonObject, field: string): Buffer {
  return Buffer.from(decodeBase64(stringAt(object[field], field), field))
}

function only(object: JsonObject, fields: readonly string[]): JsonObject {
  const other = Object.keys(object).find(field => !fields.includes(field))
  if (other !== undefined)
    throw legacyMalformed('an annotation has a field that is not known', fields.join(', '), other)
  return object
}

function bounded(length: number, name: string): void {
  if (length > SIGSTORE_LIMITS.legacyTextBytes)
    throw legacyMalformed(
      `${name} is too long`,
      `at most ${SIGSTORE_LIMITS.legacyTextBytes} characters`,
      String(length),
    )
}
