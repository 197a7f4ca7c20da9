import type { TransparencyLogEntry } from '@sigstore/bundle'
import { encodeBase64, utf8 } from '../../core/bytes.ts'
import { hexOf, sha256 } from '../../core/digest.ts'
import { type JsonObject, parseJsonObject } from '../../core/json.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../../core/shape.ts'
import type { HttpAnswer } from '../../io/http.ts'
import { contentOf } from '../verify/content.ts'
import { checkEntryBody, checkLoggedBody } from '../verify/log-entry.ts'
import { envelopeText, type SignedEnvelope, verifierPem } from './envelope.ts'
import { REKOR, readEntry } from './rekor.ts'
import { ask, nonsense, reading, refusal, type Transport } from './service.ts'

const DSSE = { kind: 'dsse', version: '0.0.1' } as const
const HASHED = { kind: 'hashedrekord', version: '0.0.1' } as const
type Kind = typeof DSSE | typeof HASHED

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
  const text = envelopeText(envelope)
  const verifier = encodeBase64(utf8(verifierPem(envelope)))
  const spec = { proposedContent: { envelope: text, verifiers: [verifier] } }
  return logged(transport, base, { ...DSSE, spec }, entry =>
    checkEntryBody(entry.kindVersion, entry.canonicalizedBody, envelope, hexOf(sha256(text))),
  )
}

/** Signed bytes that are no envelope; only their hash goes to the log. */
export interface SignedMessage extends Pick<SignedEnvelope, 'signature' | 'publicKey' | 'certificate'> {
  readonly message: Uint8Array
}

/**
 * Logs a signature over SHA-256 of plain bytes as `hashedrekord/0.0.1`. The answer must be about exactly these bytes, signature
 * and key.
 * @throws as `logByRekorV1`
 */
export async function logMessageByRekorV1(
  transport: Transport,
  base: string,
  signed: SignedMessage,
): Promise<TransparencyLogEntry> {
  const { message, signature, publicKey } = signed
  const spec = {
    data: { hash: { algorithm: 'sha256', value: hexOf(sha256(message)) } },
    signature: {
      content: encodeBase64(signature),
      publicKey: { content: encodeBase64(utf8(verifierPem(signed))) },
    },
  }
  return logged(transport, base, { ...HASHED, spec }, entry =>
    checkLoggedBody(entry.kindVersion, entry.canonicalizedBody, { signed: contentOf(message), signature, publicKey }),
  )
}

async function logged(
  transport: Transport,
  base: string,
  { kind, version, spec }: Kind & { readonly spec: object },
  check: (entry: TransparencyLogEntry) => void,
): Promise<TransparencyLogEntry> {
  const url = `${base}/api/v1/log/entries`
  let answer = await ask(transport, REKOR, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify({ apiVersion: version, kind, spec })),
  })
  if (answer.status === 409) answer = await existing(transport, url, answer)
  if (answer.status !== 200 && answer.status !== 201) throw refusal('sigstore/log-unavailable', REKOR, url, answer)
  return reading(REKOR, url, () => {
    const entry = readEntry(toProtoJson(answer.body, { kind, version }))
    check(entry)
    return entry
  })
}

/** Only the entry's id is taken from Location: the log may not send us to another host. */
function existing(transport: Transport, url: string, answer: HttpAnswer): Promise<HttpAnswer> {
  const id = /\/([0-9a-f]{64}|[0-9a-f]{80})$/.exec(answer.headers.location ?? '')?.[1]
  if (id === undefined) throw nonsense(REKOR, url, 'it says the entry exists, but not where')
  return ask(transport, REKOR, { method: 'GET', url: `${url}/${id}`, headers: { accept: 'application/json' } })
}

/** `{<uuid>: {body, integratedTime, logID, logIndex, verification}}` → the bundle's spelling of an entry. */
function toProtoJson(bytes: Uint8Array, kindVersion: { readonly kind: string; readonly version: string }): JsonObject {
  const entries = Object.values(parseJsonObject(bytes, 'answer'))
  if (entries.length !== 1) throw new Error(`it has ${entries.length} entries instead of one`)
  const entry = objectAt(entries[0], 'entry')
  const verification = objectAt(entry.verification, 'entry.verification')
  const proof = objectAt(verification.inclusionProof, 'entry.verification.inclusionProof')
  return {
    logIndex: String(integerAt(entry.logIndex, 'entry.logIndex')),
    logId: { keyId: fromHex(entry.logID) },
    kindVersion,
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
