import { CATALOGUE } from '../core/catalogue.ts'
import type { ErrorCode } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Revocation } from './policy.ts'
import { revokes } from './revocation.ts'
import { observedText } from './signer.ts'

/** What a finding is about, as the user knows it. */
interface Named {
  readonly name: string
}

/**
 * The signature's time is a trusted one, so what was signed before the revocation took effect still counts. Without a time
 * nobody can say that it was: whoever has the key now can have made it now.
 */
export function revokedFinding(
  { signer, signedAt }: SignedStatement,
  revoked: readonly Revocation[],
  subject: Named,
): readonly Finding[] {
  const entry = revoked.find(
    item => isSigner(signer, item) && (signedAt === undefined || item.effective.getTime() <= signedAt.getTime()),
  )
  if (entry === undefined) return []
  const message = `The signer is revoked (${entry.mode}) since ${entry.effective.toISOString()}`
  return [
    finding(subject, 'verify/signer-revoked', message, {
      expected: 'a signer that is not revoked',
      found: observedText(signer),
    }),
  ]
}

function isSigner(signer: ObservedSigner, revocation: Revocation): boolean {
  const fingerprint = signer.fingerprint.toUpperCase()
  if (signer.kind === 'key') return revokes(revocation, { fingerprint })
  const { serial, san, issuer } = signer
  return revokes(revocation, { fingerprint, serials: [serial], identity: san.value, issuer })
}

export function ageFinding(
  { signedAt }: SignedStatement,
  maxAgeSeconds: number | undefined,
  now: Date,
  subject: Named,
): readonly Finding[] {
  if (maxAgeSeconds === undefined) return []
  const oldest = new Date(now.getTime() - maxAgeSeconds * 1000)
  if (signedAt === undefined) {
    const untimed = { expected: `signed at or after ${oldest.toISOString()}`, found: 'no time of any service' }
    return [finding(subject, 'verify/too-old', 'No service says when the statement was signed', untimed)]
  }
  if (oldest.getTime() <= signedAt.getTime()) return []
  const facts = { expected: `signed at or after ${oldest.toISOString()}`, found: signedAt.toISOString() }
  return [finding(subject, 'verify/too-old', `The statement was signed at ${signedAt.toISOString()}`, facts)]
}

/** Ten bundles by the same wrong signer are one thing to know. */
export function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map(item => [`${item.code} ${item.message} ${item.found}`, item])).values()]
}

/** A `reject` finding about the image. */
export function finding(
  subject: Named,
  code: ErrorCode,
  message: string,
  facts: { readonly expected?: string; readonly found?: string },
): Finding {
  const { expected, found } = facts
  return {
    code,
    severity: 'reject',
    subject: printable(subject.name),
    message: printable(message, 600),
    ...(expected === undefined ? {} : { expected: printable(expected, 600) }),
    ...(found === undefined ? {} : { found: printable(found, 600) }),
    remedy: CATALOGUE[code].remedy,
  }
}
