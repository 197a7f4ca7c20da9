import type { Receipt, RuleChange, RuleLine, SubjectReceipt } from './receipt.ts'
import { table } from './table.ts'
import { cell, codeSpan, shortDigest } from './text.ts'

/** Changes and paths told one by one; more of them are counted. */
const SHOWN = 10

/**
 * Which changes a reader has to see before the verdict (13-adversary 3): what a pull request proposes, what the commit to
 * build brings, and whatever stands in the way of a verdict. The others were accepted in runs of their own.
 */
export function freshChanges({ ruleChanges = [], source, subjects }: Receipt): readonly RuleChange[] {
  const verdicts = new Map(subjects.filter(isJudgedCommit).map(({ digest, verdict }) => [digest, verdict]))
  return ruleChanges.filter(({ proposed, commit, accepted }) => {
    if (proposed === true || commit === source?.commit) return true
    return (verdicts.get(commit) ?? (accepted ? 'passed' : 'rejected')) !== 'passed'
  })
}

function isJudgedCommit({ kind, ref }: SubjectReceipt): boolean {
  return kind !== undefined && ref === undefined
}

/** What loosens stands first: nobody reads to the end of a long list. */
export function loosensFirst(lines: readonly RuleLine[]): readonly RuleLine[] {
  return [...lines.filter(line => line.loosens), ...lines.filter(line => !line.loosens)]
}

/** `2 of 5 differences loosen the rules`, or what else a number of lines comes to. */
export function weight({ lines }: RuleChange): string {
  const loose = lines.filter(line => line.loosens).length
  if (lines.length === 0) return 'no difference in principals, roles, rules, mode or anchor'
  if (loose === 0)
    return `${lines.length} ${lines.length === 1 ? 'difference' : 'differences'}, none of which loosens the rules`
  return `${loose} of ${lines.length} ${lines.length === 1 ? 'difference' : 'differences'} ${loose === 1 ? 'loosens' : 'loosen'} the rules`
}

/** Fixed words alone: `accepted`, `proposed` or `NOT accepted`. */
export function standing({ proposed, accepted }: RuleChange): string {
  if (proposed === true) return 'judged by the rules that hold now'
  return accepted ? 'accepted' : 'NOT accepted'
}

/** Section 0 of the summary (8-report § 1). Undefined when nothing of it changed. */
export function changedRules(receipt: Receipt, limit: number): string | undefined {
  const changes = freshChanges(receipt)
  if (changes.length === 0) return undefined
  const by = changes.some(({ proposed }) => proposed === true) ? 'this pull request' : 'these commits'
  const shown = changes.slice(0, SHOWN)
  const more = changes.length - shown.length
  return [
    `### Rules changed by ${by}`,
    ...shown.map(change => changeText(change, limit)),
    ...(more === 0 ? [] : [`${more} more changes in the result JSON.`]),
  ].join('\n\n')
}

function changeText(change: RuleChange, limit: number): string {
  const mark = change.accepted && change.lines.every(line => !line.loosens) ? 'ℹ️' : '⚠️'
  const about = change.kind === 'policy' ? 'the policy' : 'workflows'
  const head = `${mark} **${about}**, ${standing(change)}: ${weight(change)}. ${origin(change)}`
  if (change.lines.length === 0) return head
  const rows = loosensFirst(change.lines).map(
    ({ how, what, text, loosens }) => `| ${loosens ? '⚠️ loosens' : ''} | ${how} | ${what} | ${cell(text, 600)} |`,
  )
  return `${head}\n\n${table(['', 'change', 'rule', 'in words'], rows, limit)}`
}

function origin({ proposed, commit, title, by, paths }: RuleChange): string {
  const named = title === undefined ? '' : ` ${codeSpan(title, 80)}`
  const signed = by === undefined ? '' : `, signed by ${codeSpan(by, 80)}`
  const who = proposed === true ? '' : `Commit ${codeSpan(shortDigest(commit))}${named}${signed}. `
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ''
  const list = paths.slice(0, SHOWN).map(path => codeSpan(path))
  return `${who}Files: ${list.length === 0 ? 'none' : list.join(', ')}${more}`
}

/** What changed earlier, folded: it was told by the run of its day. */
export function earlierChanges(receipt: Receipt, limit: number): string | undefined {
  const fresh = new Set(freshChanges(receipt))
  const changes = (receipt.ruleChanges ?? []).filter(change => !fresh.has(change))
  if (changes.length === 0) return undefined
  const rows = changes
    .toReversed()
    .map(
      change =>
        `| ${cell(shortDigest(change.commit))} | ${cell(change.title, 80)} | ${cell(change.by, 60)} | ${change.kind} | ${standing(change)} | ${weight(change)} |`,
    )
  const list = table(['commit', 'subject', 'signer', 'about', '', 'differences'], rows, limit)
  const title = `${changes.length} ${changes.length === 1 ? 'change' : 'changes'} of the rules since the anchor, newest first`
  return `<details><summary>${title}</summary>\n\n${list}\n\n</details>`
}
