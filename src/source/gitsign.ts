import { fail } from '../core/error.ts'
import type { TrustedTime, ValidGitsign } from '../core/facts.ts'
import type { CertificateSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import type { TrustRoot } from '../sigstore/verify/message.ts'
import { verifyMessage } from '../sigstore/verify/verify.ts'
import type { CmsSignature } from './cms.ts'
import { describeKey } from './cms-verify.ts'
import { readLogEntry } from './gitsign-entry.ts'

/**
 * A gitsign signature made in offline mode, against the trust root alone: no network. The caller has checked
 *
 *     gitsign 1/5  messageDigest equals the hash of the commit without `gpgsig`
 *     gitsign 2/5  the leaf's key signed the signed attributes
 *
 * and that an authority of this trust root issued the leaf.
 * Trap: the log has the hash of the signed attributes, not of the commit; without 1/5 an entry would vouch for any commit.
 * @throws `source/malformed`, `source/signature-unsupported`, `sigstore/…`; `source/gitsign-online` (unknown) when the
 * signature has no log entry although the instance has a log.
 */
export function verifyGitsign(cms: CmsSignature, trust: TrustRoot): ValidGitsign {
  const { hash, algorithm, signed, signature, signer, logEntry, timestamp } = cms
  // gitsign knows no others, and the log's entry is over SHA-256.
  if (hash !== 'sha256' || algorithm.family !== 'ecdsa') throw unsupported(`${algorithm.family} with ${hash}`)
  if (logEntry === undefined && trust.material.tlogs.length > 0) throw online()
  const parts = { certificate: signer.der, signed, signature }
  const entries = logEntry === undefined ? [] : [strictly(() => readLogEntry(logEntry, parts))] // gitsign 3/5: what must have been logged
  const tokens = timestamp === undefined ? [] : [timestamp]
  const message = verifyMessage({ ...parts, entries, tokens }, trust) // gitsign 4/5: chain, SCT, log entry, time inside the certificate
  return {
    kind: 'gitsign',
    fingerprint: signer.fingerprint,
    serial: message.signer.serial.toUpperCase(),
    identity: identityOf(message.signer), // gitsign 5/5: one e-mail address or URI
    issuer: message.signer.issuer,
    ...describeKey(signer.key),
    trustedTime: timeOf(message.signedAt, message.timeSource),
  }
}

function timeOf(time: Date, source: 'rekor-v1' | 'rfc3161'): TrustedTime {
  return { time, from: source === 'rekor-v1' ? 'log' : 'timestamp' }
}

/** A policy compares plain text, so a name of one kind must never look like one of the other. */
function identityOf({ san }: CertificateSigner): string {
  const { type, value } = san
  const plain = type === 'email' ? /^[^@:/]+@[^@:/]+$/ : /^[a-z][a-z0-9+.-]*:\/\/[^/]/
  if (type !== 'other' && plain.test(value)) return value
  throw unsupported(`an identity of type ${type}: ${printable(value, 200)}`)
}

function strictly<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    const found = error instanceof Error ? error.message : 'unreadable'
    throw fail('source/malformed', `The gitsign signature has ${printable(found, 300)}`, {
      expected: 'the log entry that gitsign embeds',
      found,
      cause: error,
    })
  }
}

function unsupported(found: string): Error {
  return fail('source/signature-unsupported', `The gitsign signature uses ${found}, which is not judged`, {
    expected: 'ECDSA with SHA-256 and one e-mail address or URI, as gitsign signs',
    found,
  })
}

function online(): Error {
  return fail(
    'source/gitsign-online',
    'The gitsign signature has no log entry in it, so it cannot be checked by itself',
    {
      expected: 'a signature made in gitsign’s offline mode',
      found: 'no transparency log entry',
    },
  )
}
