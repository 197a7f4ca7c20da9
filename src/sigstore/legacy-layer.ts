import type { TransparencyLogEntry } from '@sigstore/bundle'
import { encodeBase64, utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type BundleParts, parseBundle, partsOf } from './bundle.ts'
import { certificatePem, envelopeText } from './sign/envelope.ts'
import { type LegacySignature, readLegacy } from './verify/legacy.ts'

/**
 * The same signature in the form of cosign ≤ 2, one layer of a `.sig` or `.att` tag (`verify/legacy.ts` has the form). Of the log
 * entries the promise of one is kept, and no timestamp: what those versions want stamped is not the signature that ours is over.
 * @param payload what a message signature is over; of an attestation everything is in the bundle.
 * @throws `sigstore/log-without-promise` when no log promised inclusion, as Rekor v2 never does; `sigstore/bundle-malformed`
 */
export function legacyLayer(bundle: Uint8Array, payload?: Uint8Array): LegacySignature {
  const parts = partsOf(parseBundle(bundle))
  const entry = parts.entries.find(({ inclusionPromise }) => inclusionPromise !== undefined)
  if (entry?.inclusionPromise === undefined)
    throw fail('sigstore/log-without-promise', 'No transparency log promised the inclusion of this signature', {
      expected: 'an entry of a Rekor v1 log',
      found: parts.entries.length === 0 ? 'no entry' : 'entries without a promise',
    })
  const annotations = {
    ...('certificate' in parts.signer
      ? { 'dev.sigstore.cosign/certificate': certificatePem(parts.signer.certificate) }
      : {}),
    'dev.sigstore.cosign/bundle': promiseOf(entry, entry.inclusionPromise.signedEntryTimestamp),
  }
  const layer = withContent(parts, annotations, payload)
  readLegacy(layer) // what is published must be what our own gate reads
  return layer
}

function withContent(
  { content, signature }: BundleParts,
  annotations: Readonly<Record<string, string>>,
  payload: Uint8Array | undefined,
): LegacySignature {
  const name = 'dev.cosignproject.cosign/signature'
  if (content.form === 'dsse') {
    const text = utf8(envelopeText({ ...content, signature }))
    return { form: 'attestation', payload: text, annotations: { [name]: '', ...annotations } }
  }
  if (payload === undefined || sha256(payload) !== `sha256:${content.digest.toString('hex')}`)
    throw new TypeError('a signature in a tag without what it is over')
  return { form: 'signature', payload, annotations: { [name]: encodeBase64(signature), ...annotations } }
}

/** Exactly what the log's promise is over, as the log itself answers it. Rekor openapi.yaml, `LogEntry`. */
function promiseOf(entry: TransparencyLogEntry, promise: Uint8Array): string {
  return JSON.stringify({
    SignedEntryTimestamp: encodeBase64(promise),
    Payload: {
      body: encodeBase64(entry.canonicalizedBody),
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId).toString('hex'),
    },
  })
}
