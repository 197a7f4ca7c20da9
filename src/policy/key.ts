import type { CommitFacts, ValidSignature } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, commitText, findingFor, lawText } from './bench.ts'
import { DEFAULT_MIN_RSA, type PrincipalSigner, type SourceRule } from './policy.ts'
import { inForce, revokes } from './revocation.ts'
import { sshFindings } from './ssh-key-findings.ts'
import { coveringTime, type Instant, instantOf } from './times.ts'
import { windowFindings } from './window.ts'

export { revokes } from './revocation.ts'

/** A signed commit; `text` names something else that is signed, such as `tag v1`. */
export type Signed = Pick<CommitFacts, 'id' | 'subject' | 'trustedTime' | 'earlierTime'> & { readonly text?: string }

/** One signature under judgement: what its findings are about, and the time at which its key is judged. */
export interface KeyCase {
  readonly fact: ValidSignature
  readonly at: Instant
  /** @param rest `, which …` */
  reject(code: Finding['code'], rest: string, facts: { readonly expected?: string; readonly found?: string }): Finding
}

/**
 * What is wrong with the key itself, whoever it belongs to: its end, revocations, its strength, what a security key or a
 * certificate says. Dates are judged at the earliest trusted time known, else now (13-adversary 12).
 * @param signer the entry of the policy under which the signature is its principal's; without one only what needs none is
 * judged.
 */
export function keyFindings(
  signed: Signed,
  fact: ValidSignature,
  rules: readonly Pick<SourceRule, 'minRsa'>[],
  bench: Bench,
  signer?: PrincipalSigner,
): readonly Finding[] {
  const text = `${signed.text ?? commitText(signed.id, signed.subject)} is signed by ${fact.kind} key ${fact.fingerprint}`
  const the: KeyCase = {
    fact,
    at: instantOf(signed, fact, bench.now),
    reject: (code, rest, facts) => findingFor(signed.id, code, `${text}${rest}`, facts),
  }
  return [
    ...revokedFindings(the, signed, bench),
    ...windowFindings(the, signer),
    ...(fact.kind === 'ssh' ? sshFindings(the, fact, signer) : []),
    ...weakFindings(the, Math.max(DEFAULT_MIN_RSA, ...rules.map(rule => rule.minRsa)), signer),
  ]
}

function revokedFindings(the: KeyCase, signed: Signed, bench: Bench): readonly Finding[] {
  const { fact } = the
  const own =
    fact.kind === 'openpgp' && fact.keyRevoked
      ? [the.reject('source/key-revoked', ', which its owner has revoked', {})]
      : []
  const covering = coveringTime(signed, fact)
  const entry = bench.law.policy.revoked.find(item => revokes(item, fact) && inForce(item, covering, bench.now))
  if (entry === undefined) return own
  const { mode, effective } = entry
  const what = `, which ${lawText(bench)} calls ${mode}`
  const found = `${mode}, effective ${effective.toISOString()}`
  return [...own, the.reject('source/key-revoked', what, { expected: 'a key that is not revoked', found })]
}

function weakFindings(the: KeyCase, minRsa: number, signer: PrincipalSigner | undefined): readonly Finding[] {
  const { algorithm, bits } = the.fact
  const authority = signer?.kind === 'ssh-ca' ? [{ ...signer, what: ', whose authority’s key is too weak' }] : []
  return [{ algorithm, bits, what: ', which is too weak' }, ...authority].flatMap(key => {
    const expected = strongEnough(key, minRsa)
    if (expected === undefined) return []
    return [the.reject('source/key-weak', key.what, { expected, found: `${key.algorithm}, ${key.bits} bits` })]
  })
}

/** What would have been strong enough, or undefined when the key is. */
function strongEnough({ algorithm, bits }: Pick<ValidSignature, 'algorithm' | 'bits'>, minRsa: number) {
  const name = algorithm.toLowerCase()
  if (name === 'dsa' || name === 'ssh-dss' || name === 'elgamal') return 'Ed25519, ECDSA or RSA'
  return name.includes('rsa') && bits < minRsa ? `RSA with at least ${minRsa} bits` : undefined
}
