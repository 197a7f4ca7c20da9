import { decodeBase64, encodeBase64, utf8 } from '../core/bytes.ts'
import { parseDigest } from '../core/digest.ts'
import { parseJsonObject } from '../core/json.ts'
import { objectAt, stringAt, stringMapAt } from '../core/shape.ts'
import type { LegacySignature } from '../registry/legacy.ts'
import { malformed } from './kept-manifest.ts'

/** The file of one signature of cosign ≤ 2: the same signature gives the same bytes. */
export function formatLegacy({ form, payload, annotations, manifest }: LegacySignature): Uint8Array {
  const sorted = Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)))
  return utf8(
    `${JSON.stringify({ form, manifest, payload: encodeBase64(payload), annotations: sorted }, undefined, 1)}\n`,
  )
}

/** @throws `core/json-malformed`, `core/shape`, `core/base64-malformed`, `pipeline/kept-malformed` */
export function parseLegacy(bytes: Uint8Array): LegacySignature {
  const object = objectAt(parseJsonObject(bytes, 'legacy signature'), 'legacy')
  const form = stringAt(object.form, 'legacy.form')
  if (form !== 'signature' && form !== 'attestation') throw malformed('signature or attestation', form)
  return {
    form,
    payload: decodeBase64(stringAt(object.payload, 'legacy.payload'), 'payload'),
    annotations: stringMapAt(object.annotations, 'legacy.annotations'),
    manifest: parseDigest(stringAt(object.manifest, 'legacy.manifest')),
  }
}
