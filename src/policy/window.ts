import { isMalformed, isRefused, type JudgedCommit, type ValidSignature } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import type { KeyCase } from './key.ts'
import type { Law } from './law.ts'
import { ownersOf } from './owner.ts'
import type { PrincipalSigner } from './policy.ts'
import { instantOf } from './times.ts'

/** A span of time in which something is valid, the end not included. */
interface Window {
  readonly begin?: Date | undefined
  readonly end?: Date | undefined
}

/** Whether the key, the entry of the policy and the certificate were all valid when it signed (13-adversary 12). */
export function windowFindings(the: KeyCase, signer: PrincipalSigner | undefined): readonly Finding[] {
  return [...keyWindow(the, keySpan(the.fact, signer)), ...certificateWindow(the, certificateSpan(the.fact))]
}

/**
 * Whether key, certificate or entry of the policy had ended at the earliest time known of the commit, else now: then an
 * earlier time is worth asking for. Never a verdict.
 */
export function hasEnded(commit: JudgedCommit, law: Law, now: Date): boolean {
  if (isMalformed(commit) || commit.signature.kind === 'none' || isRefused(commit.signature)) return false
  const { signature } = commit
  const { time } = instantOf(commit, signature, now)
  const spans = [keySpan(signature, ownersOf(signature, law)[0]?.signer), certificateSpan(signature)]
  return spans.some(span => outside(span, time).end !== undefined)
}

function keySpan(fact: ValidSignature, signer: PrincipalSigner | undefined): Window {
  const own = fact.kind === 'openpgp' ? fact.keyExpires : undefined
  if (signer === undefined || (signer.kind !== 'openpgp' && signer.kind !== 'ssh')) return { end: own }
  const { notBefore, notAfter } = signer
  const end = own !== undefined && notAfter !== undefined && own.getTime() < notAfter.getTime() ? own : notAfter
  return { begin: notBefore, end: end ?? own }
}

/** A certificate of Fulcio has none here: its log entry or timestamp was proved to lie within its minutes. */
function certificateSpan(fact: ValidSignature): Window {
  // RFC 5280 § 4.1.2.5: the last second still counts.
  if (fact.kind === 'x509') return { begin: fact.notBefore, end: new Date(fact.notAfter.getTime() + 1_000) }
  if (fact.kind !== 'ssh' || fact.certificate === undefined) return {}
  return { begin: fact.certificate.validAfter, end: fact.certificate.validBefore }
}

function keyWindow(the: KeyCase, window: Window): readonly Finding[] {
  const { end, begin } = outside(window, the.at.time)
  const expected = `a key valid at ${the.at.text}`
  if (end !== undefined)
    return [the.reject('source/key-expired', `, which ended on ${end}`, { expected, found: `ended ${end}` })]
  if (begin === undefined) return []
  return [the.reject('source/key-not-yet-valid', `, which begins on ${begin}`, { expected, found: `begins ${begin}` })]
}

function certificateWindow(the: KeyCase, window: Window): readonly Finding[] {
  const { end, begin } = outside(window, the.at.time)
  const expected = `a certificate valid at ${the.at.text}`
  if (end !== undefined) {
    const what = `, whose certificate ended on ${end}`
    return [the.reject('source/certificate-expired', what, { expected, found: `ended ${end}` })]
  }
  if (begin === undefined) return []
  const what = `, whose certificate begins on ${begin}`
  return [the.reject('source/certificate-not-yet-valid', what, { expected, found: `begins ${begin}` })]
}

/** The bound that the time lies beyond, as it is written; neither when the time lies within. */
function outside({ begin, end }: Window, time: Date): { readonly begin?: string; readonly end?: string } {
  if (end !== undefined && end.getTime() <= time.getTime()) return { end: end.toISOString() }
  if (begin !== undefined && time.getTime() < begin.getTime()) return { begin: begin.toISOString() }
  return {}
}
