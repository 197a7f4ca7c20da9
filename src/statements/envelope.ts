import { decodeBase64, encodeBase64, utf8 } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { arrayAt, objectAt, stringAt } from '../core/shape.ts'
import { IN_TOTO_PAYLOAD_TYPE } from './statement.ts'

/**
 * A DSSE envelope outside a Sigstore bundle: what `waybill review sign` writes (DSSE v1 § Envelope).
 *
 *     {"payloadType": "application/vnd.in-toto+json", "payload": "<base64>",
 *      "signatures": [{"keyid": "<fingerprint>", "sig": "<base64 of the armored text that ssh-keygen or gpg printed>"}]}
 *
 * Nothing in it is proven until the signature over the pre-authentication encoding of both fields is checked. `keyid` is a hint and
 * never looked at: the signature itself names its key.
 */
export interface Envelope {
  readonly payload: Uint8Array
  /** ASCII armor. */
  readonly armor: string
}

/** One line of JSON with a line end, so that the object reads well in a terminal. */
export function encodeEnvelope({ payload, armor }: Envelope, keyid: string): Uint8Array {
  const envelope = {
    payloadType: IN_TOTO_PAYLOAD_TYPE,
    payload: encodeBase64(payload),
    signatures: [{ keyid, sig: encodeBase64(utf8(armor)) }],
  }
  return utf8(`${JSON.stringify(envelope)}\n`)
}

/**
 * Exactly one signature: with two, one program checks the first and another the last.
 * @throws `statements/malformed`
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  try {
    const document = parseJsonObject(bytes, 'envelope')
    const type = stringAt(document.payloadType, 'envelope.payloadType')
    if (type !== IN_TOTO_PAYLOAD_TYPE) throw refused(IN_TOTO_PAYLOAD_TYPE, type)
    const [signature, ...more] = arrayAt(document.signatures, 'envelope.signatures')
    if (more.length > 0) throw refused('one signature', `${more.length + 1} signatures`)
    const sig = stringAt(objectAt(signature, 'envelope.signatures[0]').sig, 'envelope.signatures[0].sig')
    return {
      payload: decodeBase64(stringAt(document.payload, 'envelope.payload'), 'payload'),
      armor: Buffer.from(decodeBase64(sig, 'signature')).toString('latin1'),
    }
  } catch (error) {
    if (!(error instanceof WaybillError) || error.code === 'statements/malformed') throw error
    throw refused(error.expected ?? 'a DSSE envelope', error.found ?? error.message)
  }
}

function refused(expected: string, found: string): WaybillError {
  return fail('statements/malformed', 'The envelope is malformed', { expected, found })
}
