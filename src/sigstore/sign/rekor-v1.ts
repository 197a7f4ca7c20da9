import type { TransparencyLogEntry } from '@sigstore/bundle'
import { encodeBase64, utf8 } from '../../core/bytes.ts'
import { hexOf, sha256 } from '../../core/digest.ts'
import { type JsonObject, parseJsonObject } from '../../core/json.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../../core/shape.ts'
import type { HttpAnswer } from '../../io/http.ts'
import { checkEntryBody } from '../verify/log-entry.ts'
import { type SignedEnvelope, verifierPem } from './envelope.ts'
import { REKOR, readEntry } from './rekor.ts'
import { ask, nonsense, reading, refusal, type Transport } from './service.ts'

const KIND = { kind: 'dsse', version: '0.0.1' } as const

/**
 * Logs an envelope as `dsse/0.0.1`. The answer must be about exactly this envelope: its text, payload, signature, key.
 * 409 means that an earlier attempt, whose answer was lost, did arrive: the entry is fetched where the log says it is.
 * @throws `sigstore/log-unavailable`, `sigstore/log-answer-malformed`
 */
export async function logByRekorV1(
  transport: Transport,
  base: string,
  envelope: SignedEnvelope,
): Promise<TransparencyLogEntry> {
  const url = `${base}/api/v1/log/entries`
  const text = envelopeText(envelope)
  const verifier = encodeBase64(utf8(verifierPem(envelope)))
  const proposed = { ...KIND_FIELDS, spec: { proposedContent: { envelope: text, verifiers: [verifier] } } }
  let answer = await ask(transport, REKOR, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify(proposed)),
  })
  if (answer.status === 409) answer = await existing(transport, url, answer)
  if (answer.status !== 200 && answer.status !== 201) throw refusal('sigstore/log-unavailable', REKOR, url, answer)
  return reading(REKOR, url, () => {
    const entry = readEntry(toProtoJson(answer.body))
    checkEntryBody(entry.kindVersion, entry.canonicalizedBody, envelope, hexOf(sha256(text)))
    return entry
  })
}

const KIND_FIELDS = { apiVersion: KIND.version, kind: KIND.kind }

/** Only the entry's id is taken from Location: the log may not send us to another host. */
function existing(transport: Transport, url: string, answer: HttpAnswer): Promise<HttpAnswer> {
  const id = /\/([0-9a-f]{64}|[0-9a-f]{80})$/.exec(answer.headers.location ?? '')?.[1]
  if (id === undefined) throw nonsense(REKOR, url, 'it says the entry exists, but not where')
  return ask(transport, REKOR, { method: 'GET', url: `${url}/${id}`, headers: { accept: 'application/json' } })
}

/** The text whose SHA-256 the log records as envelopeHash. */
function envelopeText(envelope: SignedEnvelope): string {
  return JSON.stringify({
    payload: encodeBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: [{ sig: encodeBase64(envelope.signature) }],
  })
}

/** `{<uuid>: {body, integratedTime, logID, logIndex, verification}}` → the bundle's spelling of an entry. */
function toProtoJson(bytes: Uint8Array): JsonObject {
  const entries = Object.values(parseJsonObject(bytes, 'answer'))
  if (entries.length !== 1) throw new Error(`it has ${entries.length} entries instead of one`)
  const entry = objectAt(entries[0], 'entry')
  const verification = objectAt(entry.verification, 'entry.verification')
  const proof = objectAt(verification.inclusionProof, 'entry.verification.inclusionProof')
  return {
    logIndex: String(integerAt(entry.logIndex, 'entry.logIndex')),
    logId: { keyId: fromHex(entry.logID) },
    kindVersion: KIND,
    integratedTime: String(integerAt(entry.integratedTime, 'entry.integratedTime')),
    inclusionPromise: { signedEntryTimestamp: stringAt(verification.signedEntryTimestamp, 'signedEntryTimestamp') },
    inclusionProof: {
      logIndex: String(integerAt(proof.logIndex, 'inclusionProof.logIndex')),
      rootHash: fromHex(proof.rootHash),
      treeSize: String(integerAt(proof.treeSize, 'inclusionProof.treeSize')),
      hashes: arrayAt(proof.hashes, 'inclusionProof.hashes').map(fromHex),
      checkpoint: { envelope: stringAt(proof.checkpoint, 'inclusionProof.checkpoint') },
    },
    canonicalizedBody: stringAt(entry.body, 'entry.body'),
  }
}

function fromHex(value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new Error('a hash is not 64 hex digits')
  return Buffer.from(value, 'hex').toString('base64')
}
