import type { Finding } from '../core/verdict.ts'
import type { LawChange } from '../policy/changes.ts'
import type { CommitJudgement } from '../policy/fold.ts'
import type { Exception } from '../policy/policy.ts'
import { type Case, decided, type ExplainedStep, findingLine, line } from './explain-case.ts'

/** Whether the commit changes the law, and whether that was accepted. */
export function lawChangeLines(the: Case): readonly ExplainedStep[] {
  const { step, id, before, after } = the
  if (step.commit.id !== id)
    return [line('law-change', 'note', 'what a merge brings in changes no law; the merge does')]
  const change = after.changes === before.changes ? undefined : after.changes?.last
  if (change === undefined) {
    if (before.law.constant) return [line('law-change', 'not-asked', 'the law is constant here')]
    return decided(the, 'law-change', 'its law is the accepted one')
  }
  const outcome = change.accepted ? 'passed' : 'rejected'
  const lines = change.lines.map(item => line('law-change', 'note', `${item.how} ${item.what} ${item.text}`))
  const findings = the.findings('law-change').map(finding => findingLine('law-change', finding))
  const verdict = findings.length > 0 && !change.accepted ? findings : [line('law-change', outcome, changeText(change))]
  return [...lines, ...verdict]
}

function changeText({ kind, paths, accepted, by }: LawChange): string {
  const who = by === undefined ? '' : ` by ${by}`
  return `changes the ${kind} (${paths.join(', ')})${who}: ${accepted ? 'accepted from here on' : 'not accepted'}`
}

/** What the law accepted last says about it, and what came out. */
export function endLines({ judged, final, end, id }: Case): readonly ExplainedStep[] {
  const at = `the law accepted last (${end.lawAt.slice(0, 7)})`
  const known = new Set(judged.findings.map(({ code, message }) => `${code} ${message}`))
  const added = final.findings.filter(({ code, message }) => !known.has(`${code} ${message}`))
  const revoked = added.map((finding: Finding) => findingLine('revocation', { ...finding, severity: 'reject' }))
  const exception = final.basis === 'excepted' ? exceptionOf(end.law.policy.exceptions, id) : undefined
  return [
    ...(revoked.length > 0
      ? revoked
      : [line('revocation', 'passed', `${at} calls nothing compromised that it rests on`)]),
    final.basis === 'excepted'
      ? line('exception', 'passed', `${at} excepts it: ${exception?.reason ?? 'no reason given'}`)
      : line('exception', 'note', `${at} does not except it${final.outcome === 'passed' ? '; it needs none' : ''}`),
    line('verdict', final.outcome, verdictText(final)),
  ]
}

/** By its own name, else by the seal that covers it. */
function exceptionOf(exceptions: readonly Exception[], id: string): Exception | undefined {
  return (
    exceptions.find(({ kind, commit }) => kind === 'commit' && commit === id) ??
    exceptions.find(({ kind }) => kind === 'until')
  )
}

function verdictText({ outcome, basis, principal, findings }: CommitJudgement): string {
  if (outcome === 'passed')
    return `passed, basis ${basis ?? 'none'}${principal === undefined ? '' : `, by ${principal}`}`
  const codes = [...new Set(findings.map(({ code }) => code))].join(', ')
  return `${outcome}${codes === '' ? '' : `: ${codes}`}`
}
