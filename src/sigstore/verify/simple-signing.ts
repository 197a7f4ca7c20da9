import { type Digest, parseDigest } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import { type JsonObject, jsonText, parseJsonObject } from '../../core/json.ts'
import { objectAt, stringAt } from '../../core/shape.ts'
import { printable } from '../../core/text.ts'
import { SIMPLE_SIGNING } from '../../statements/statement.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'

/**
 * The digest that a simple signing payload is about.
 *
 *     {"critical": {"identity": {"docker-reference": "…"}, "image": {"docker-manifest-digest": "sha256:…"},
 *                   "type": "cosign container image signature"}, "optional": {…} | null}
 *
 * Under `critical` every field counts, so one that is not known refuses the whole (containers-signature(5)). `optional` and the reference
 * are free text of the signer and prove nothing.
 * @throws `sigstore/legacy-malformed`
 */
export function readSimpleSigning(payload: Uint8Array): Digest {
  if (payload.byteLength > SIGSTORE_LIMITS.legacyTextBytes)
    throw legacyMalformed('its payload is too large', `at most ${SIGSTORE_LIMITS.legacyTextBytes} bytes`)
  try {
    const critical = objectAt(only(parseJsonObject(payload, 'payload'), ['critical', 'optional']).critical, 'critical')
    const { type, identity, image } = only(critical, ['type', 'identity', 'image'])
    if (type !== SIMPLE_SIGNING) throw legacyMalformed('its payload is of another type', SIMPLE_SIGNING, jsonText(type))
    if (identity !== undefined) {
      const { 'docker-reference': name } = only(objectAt(identity, 'critical.identity'), ['docker-reference'])
      stringAt(name, 'critical.identity.docker-reference')
    }
    const { 'docker-manifest-digest': digest } = only(objectAt(image, 'critical.image'), ['docker-manifest-digest'])
    return parseDigest(stringAt(digest, 'critical.image.docker-manifest-digest'))
  } catch (error) {
    throw asLegacyMalformed(error, 'its payload is not simple signing')
  }
}

function only(object: JsonObject, fields: readonly string[]): JsonObject {
  const other = Object.keys(object).find(field => !fields.includes(field))
  if (other !== undefined) throw legacyMalformed('its payload has a field that is not known', fields.join(', '), other)
  return object
}

export function legacyMalformed(why: string, expected?: string, found?: string, cause?: unknown): WaybillError {
  return fail('sigstore/legacy-malformed', `The signature is not one that cosign writes: ${why}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found: printable(found, 200) }),
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What a reader of foreign JSON refuses, under the one code of these signatures. */
export function asLegacyMalformed(error: unknown, why: string): WaybillError {
  if (!(error instanceof WaybillError) || error.code.startsWith('sigstore/')) throw error
  return legacyMalformed(why, error.expected, error.found ?? error.message, error)
}
