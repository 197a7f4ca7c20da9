import type { ErrorCode } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { ChainLink } from '../policy/chain.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import { shellQuote } from '../report/text.ts'
import { integrityClass } from './quarantine-decision.ts'

/** Lines of evidence in one record or message. */
const MAX_EVIDENCE = 20

/** What a person needs to know of why something is quarantined. */
export interface QuarantineReason {
  readonly findings: readonly Finding[]
  /** Who (or what) was expected, and what was found instead, of the finding that says most about it. */
  readonly expected?: string
  readonly found?: string
  /** Bundles by digest, log entries. */
  readonly evidence: readonly string[]
}

/** The findings behind `codes`, and whom they name: a wrong signer first. */
export function reasonOf(
  subject: Pick<SubjectReceipt, 'findings' | 'links'>,
  codes: readonly ErrorCode[],
): QuarantineReason {
  const findings = subject.findings.filter(({ code, severity }) => severity === 'reject' && codes.includes(code))
  const telling = [...findings].sort((a, b) => rank(a) - rank(b)).find(item => item.found !== undefined)
  const { expected, found } = telling ?? findings[0] ?? {}
  return {
    findings,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    evidence: [...new Set((subject.links ?? []).flatMap(evidenceOf))].slice(0, MAX_EVIDENCE),
  }
}

function rank({ code }: Finding): number {
  return integrityClass(code) === 'foreign' ? 0 : 1
}

function evidenceOf({ link, bundle, log, below }: ChainLink): readonly string[] {
  return [
    ...(bundle === undefined ? [] : [`${link}: bundle ${bundle}`]),
    ...(log === undefined ? [] : [`${link}: entry ${log.index} of ${log.url}`]),
    ...below.flatMap(evidenceOf),
  ]
}

export interface QuarantineFacts extends QuarantineReason {
  /** As the gate named it. */
  readonly name: string
  readonly digest: string
  /** What this run did, in whole sentences without a period. */
  readonly done: readonly string[]
  /** What could not be done, likewise. */
  readonly left: readonly string[]
  /** What `waybill quarantine release` takes: a path or a reference. */
  readonly target: string
}

/**
 * For the person who meets the failure: what failed, who was expected and who was found, where the evidence is, what was done,
 * and how to release it (7-verify-deploy § 2). Text from outside is escaped; the command is left out when the name in it could
 * not be pasted safely (13-adversary 37).
 */
export function quarantineMessage(facts: QuarantineFacts): string {
  const { name, digest, findings, expected, found, evidence, done, left, target } = facts
  const quoted = shellQuote(target)
  return [
    `${printable(name)} is quarantined (${printable(digest, 80)})`,
    ...findings.map(({ code, message }) => `  what failed: ${printable(message, 500)} (${code})`),
    ...labelled('expected', expected),
    ...labelled('found', found),
    ...evidence.map(line => `  evidence: ${printable(line, 500)}`),
    ...done.map(line => `  done: ${printable(line, 500)}`),
    ...left.map(line => `  not done: ${printable(line, 500)}`),
    quoted === undefined
      ? '  to release it, if that was wrong: see waybill quarantine list'
      : `  to release it, if that was wrong: waybill quarantine release ${quoted} --reason TEXT`,
  ].join('\n')
}

function labelled(label: string, text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`  ${label}: ${printable(text, 500)}`]
}
