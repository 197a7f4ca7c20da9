import { parseIssuer } from './build-signer.ts'
import { KEYS } from './keys.ts'
import type { Revocation, RevokedIdentity, RevokedKey, RevokedSerial, RevokedSshSerial } from './policy.ts'
import {
  asciiOf,
  dateOf,
  type Field,
  type Fields,
  fieldsOf,
  listOf,
  type Reading,
  required,
  wordOf,
  wrong,
} from './read.ts'
import { serialKey } from './revocation.ts'

const MODES = { judged: ['compromised', 'retired'], later: [] } as const
/** Names of what is revoked; an entry has one of them. */
const NAMES = ['fingerprint', 'serial', 'identity'] as const
const MAX_SERIAL = 2n ** 64n

/**
 * `revoked` of the policy (13-adversary 12):
 *
 *     {fingerprint: …}                            a key, an authority's key, an X.509 certificate
 *     {serial: 2A41…}                             an X.509 certificate, hex as openssl prints it
 *     {serial: 42, authority: "SHA256:…"}         an SSH certificate, decimal as ssh-keygen -L prints it
 *     {identity: alice@example.com, issuer: …}    a person at Fulcio
 */
export function parseRevoked(reading: Reading, field: Field | undefined): readonly Revocation[] {
  return field === undefined ? [] : listOf(reading, field).map(item => parseRevocation(reading, item))
}

function parseRevocation(reading: Reading, field: Field): Revocation {
  const fields = fieldsOf(reading, field, KEYS.revocation)
  const named = NAMES.filter(name => fields.has(name))
  if (named.length > 1) throw wrong(reading, field, `has both ${named.join(' and ')}`, 'one of them')
  return {
    ...parseSubject(reading, field, fields),
    effective: dateOf(reading, required(reading, field, fields, 'effective')),
    mode: wordOf(reading, required(reading, field, fields, 'mode'), MODES),
  }
}

function parseSubject(
  reading: Reading,
  field: Field,
  fields: Fields,
): RevokedKey | RevokedSshSerial | RevokedSerial | RevokedIdentity {
  const serial = fields.get('serial')
  const authority = fields.get('authority')
  const identity = fields.get('identity')
  const issuer = fields.get('issuer')
  if (authority !== undefined && serial === undefined)
    throw wrong(reading, authority, 'belongs to a serial', 'serial: 42')
  if (issuer !== undefined && identity === undefined)
    throw wrong(reading, issuer, 'belongs to an identity', 'identity: alice@example.com')
  if (identity !== undefined) {
    const by = parseIssuer(reading, required(reading, field, fields, 'issuer'))
    return { kind: 'identity', identity: asciiOf(reading, identity), issuer: by }
  }
  if (serial !== undefined) return parseSerial(reading, serial, authority)
  return { kind: 'key', fingerprint: parseFingerprint(reading, required(reading, field, fields, 'fingerprint')) }
}

/** The two tools print the same digits and mean two numbers, so what stands beside the serial says which one is meant. */
function parseSerial(reading: Reading, field: Field, authority: Field | undefined): RevokedSshSerial | RevokedSerial {
  const text = asciiOf(reading, field)
  if (authority === undefined) {
    const hex = text.replaceAll(':', '')
    if (!/^[0-9A-Fa-f]{1,64}$/.test(hex))
      throw wrong(reading, field, 'is no serial number', 'hex, as printed by: openssl x509 -noout -serial', text)
    return { kind: 'serial', serial: serialKey(hex) }
  }
  const by = asciiOf(reading, authority)
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(by))
    throw wrong(
      reading,
      authority,
      'is no SSH fingerprint',
      'SHA256:…, as printed by: ssh-keygen -L -f KEY-cert.pub',
      by,
    )
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text) || BigInt(text) >= MAX_SERIAL)
    throw wrong(reading, field, 'is no serial number', 'digits, as printed by: ssh-keygen -L -f KEY-cert.pub', text)
  return { kind: 'ssh-serial', serial: BigInt(text), authority: by }
}

/** A revocation that misses its key through a spelling would be worse than none, so only whole fingerprints are read. */
function parseFingerprint(reading: Reading, field: Field): string {
  const text = asciiOf(reading, field)
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text
  const hex = text.replaceAll(' ', '').toUpperCase()
  if (/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(hex)) return hex
  throw wrong(
    reading,
    field,
    'is not a whole fingerprint',
    '40 or 64 hex digits, or SHA256:<43 characters of base64>',
    text,
  )
}
