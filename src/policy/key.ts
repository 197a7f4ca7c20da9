import type { CommitId } from '../core/digest.ts'
import type { CommitFacts, ValidSignature } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, commitText, findingFor, lawText } from './bench.ts'
import { DEFAULT_MIN_RSA, type PrincipalSigner, type Revocation, type SourceRule } from './policy.ts'

/** A signed commit; `text` names something else that is signed, such as `tag v1`. */
export type Signed = Pick<CommitFacts, 'id' | 'subject'> & { readonly text?: string }

/** What is wrong with the key itself, whoever it belongs to. */
export function keyFindings(
  { id, subject, text: what = commitText(id, subject) }: Signed,
  fact: ValidSignature,
  rules: readonly Pick<SourceRule, 'minRsa'>[],
  bench: Bench,
  signer?: PrincipalSigner,
): readonly Finding[] {
  const key = `${fact.kind} key ${fact.fingerprint}`
  const text = `${what} is signed by ${key}`
  const findings: Finding[] = []
  if (fact.kind === 'openpgp' && fact.keyRevoked)
    findings.push(findingFor(id, 'source/key-revoked', `${text}, which its owner has revoked`))
  const revocation = bench.law.policy.revoked.find(entry => revokes(entry, fact) && inForce(entry, bench.now))
  if (revocation !== undefined) findings.push(revokedFinding(id, text, revocation, bench))
  const end = earliest(
    fact.kind === 'openpgp' ? fact.keyExpires : undefined,
    signer !== undefined && 'notAfter' in signer ? signer.notAfter : undefined,
  )
  if (end !== undefined && end.getTime() <= bench.now.getTime()) findings.push(expiredFinding(id, text, end, bench))
  const minRsa = Math.max(DEFAULT_MIN_RSA, ...rules.map(rule => rule.minRsa))
  const weak = weakness(fact, minRsa)
  if (weak !== undefined)
    findings.push(
      findingFor(id, 'source/key-weak', `${text}, which is too weak`, {
        expected: weak,
        found: `${fact.algorithm}, ${fact.bits} bits`,
      }),
    )
  return findings
}

/** A compromise has no beginning anybody can trust; a retirement begins on its date. */
function inForce({ mode, effective }: Revocation, now: Date): boolean {
  return mode === 'compromised' || effective.getTime() <= now.getTime()
}

/** Whether the entry names this key or its primary key. */
export function revokes(
  { fingerprint }: Revocation,
  key: { readonly fingerprint: string; readonly primary?: string },
): boolean {
  return fingerprint === key.fingerprint || fingerprint === key.primary
}

function revokedFinding(id: CommitId, text: string, { mode, effective }: Revocation, bench: Bench): Finding {
  return findingFor(id, 'source/key-revoked', `${text}, which ${lawText(bench)} calls ${mode}`, {
    expected: 'a key that is not revoked',
    found: `${mode}, effective ${effective.toISOString()}`,
  })
}

function expiredFinding(id: CommitId, text: string, end: Date, bench: Bench): Finding {
  return findingFor(id, 'source/key-expired', `${text}, which ended on ${end.toISOString()}`, {
    expected: `a key valid at ${bench.now.toISOString()}, as no trusted time of the signature is known`,
    found: `ended ${end.toISOString()}`,
  })
}

function earliest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.getTime() <= b.getTime() ? a : b
}

/** What would have been strong enough, or undefined when the key is. */
function weakness({ algorithm, bits }: ValidSignature, minRsa: number): string | undefined {
  const name = algorithm.toLowerCase()
  if (name === 'dsa' || name === 'ssh-dss' || name === 'elgamal') return 'Ed25519, ECDSA or RSA'
  return name.includes('rsa') && bits < minRsa ? `RSA with at least ${minRsa} bits` : undefined
}
