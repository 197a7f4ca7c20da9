import type { TransparencyLogEntry } from '@sigstore/bundle'
import { encodeBase64, utf8 } from '../../core/bytes.ts'
import { parseJsonObject } from '../../core/json.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { checkEntryBody, paeHash } from '../verify/log-entry.ts'
import type { SignedEnvelope } from './envelope.ts'
import { REKOR, readEntry } from './rekor.ts'
import { ask, reading, refusal, type Transport } from './service.ts'

/** The log has this very entry already, from an attempt whose answer was lost, and does not say it again. */
export class AlreadyLogged extends Error {}

/**
 * Logs an envelope in a Rekor v2 log as `hashedrekord/0.0.2` over SHA-256(PAE). Own code because `@sigstore/sign` 5.1
 * sends a DSSE entry, which rekor-tiles ≥ 2.3 refuses. The entry has no time: a timestamp is mandatory beside it.
 * @throws `sigstore/log-unavailable`, `sigstore/log-answer-malformed`; `AlreadyLogged`: sign again, since a new signature
 * is a new entry.
 */
export async function logByRekorV2(
  transport: Transport,
  base: string,
  envelope: SignedEnvelope,
): Promise<TransparencyLogEntry> {
  const url = `${base}/api/v2/log/entries`
  const answer = await ask(patient(transport), REKOR, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify(proposal(envelope))),
  })
  if (answer.status === 409) throw new AlreadyLogged('the log has this entry already')
  if (answer.status !== 200 && answer.status !== 201) throw refusal('sigstore/log-unavailable', REKOR, url, answer)
  return reading(REKOR, url, () => {
    const entry = readEntry(parseJsonObject(answer.body, 'answer'))
    checkEntryBody(entry.kindVersion, entry.canonicalizedBody, envelope)
    return entry
  })
}

function proposal(envelope: SignedEnvelope): object {
  return {
    hashedRekordRequestV002: {
      digest: Buffer.from(paeHash(envelope), 'hex').toString('base64'),
      signature: {
        content: encodeBase64(envelope.signature),
        verifier: verifierOf(envelope),
      },
    },
  }
}

/** Our certificates are for P-256 keys; a key without one says itself what it is. */
function verifierOf({ certificate, publicKey, keyDetails }: SignedEnvelope): object {
  if (certificate !== undefined)
    return { x509Certificate: { rawBytes: encodeBase64(certificate) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' }
  const der = publicKey.export({ format: 'der', type: 'spki' })
  return { publicKey: { rawBytes: encodeBase64(der) }, keyDetails }
}

/** The answer comes only after the next checkpoint, which takes seconds. */
function patient(transport: Transport): Transport {
  return { ...transport, requestMs: transport.requestMs ?? SIGSTORE_LIMITS.rekorV2RequestMs }
}
