import { latin1 } from '../core/bytes.ts'
import type { LawFiles } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { LawLine, LawPart } from './changes.ts'
import { type Budget, COVER_BUDGET, isCovered } from './cover.ts'
import { isWorkflowPath, type Law } from './law.ts'
import type { LawFact } from './law-fact.ts'
import { lawFacts } from './law-facts.ts'
import type { Policy } from './policy.ts'

/** Characters of one line as shown; a longer one tells what only it has. */
const MAX_LINE = 500
/** Lines of workflows that are shown. */
const MAX_WORKFLOW_LINES = 50

/**
 * How the law of a commit differs from the accepted one, in words.
 * @param candidate the commit's law; undefined when it does not parse, then its workflows alone are compared.
 */
export function lawDifference(accepted: Law, candidate: Law | undefined, files: LawFiles): readonly LawLine[] {
  const policy = candidate === undefined ? [] : policyDifference(accepted.policy, candidate.policy)
  return [...policy, ...workflowDifference({ files: accepted.workflows }, files)]
}

/** Differences between two policies, removed before added, in the order of the file (13-adversary 3). */
export function policyDifference(before: Policy, after: Policy): readonly LawLine[] {
  const old = lawFacts(before)
  const now = lawFacts(after)
  const oldByKey = new Map(old.map(fact => [fact.key, fact]))
  const nowByKey = new Map(now.map(fact => [fact.key, fact]))
  const budget: Budget = { left: COVER_BUDGET }
  return [
    ...old
      .filter(fact => nowByKey.get(fact.key)?.text !== fact.text)
      .map(fact => {
        const other = nowByKey.get(fact.key)
        return lineOf(
          'removed',
          fact,
          other,
          other === undefined && (fact.loosensBy === 'going' || fact.exposes === true),
        )
      }),
    ...now
      .filter(fact => oldByKey.get(fact.key)?.text !== fact.text)
      .map(fact => {
        const other = oldByKey.get(fact.key)
        return lineOf('added', fact, other, other === undefined ? opens(fact, oldByKey, budget) : isLooser(fact, other))
      }),
    ...orderLines(old, now),
  ]
}

function lineOf(how: LawLine['how'], fact: LawFact, other: LawFact | undefined, loosens: boolean): LawLine {
  return { what: fact.what, how, text: shownText(fact, other), ...(loosens ? { loosens: true } : {}) }
}

/** Cut off, two long lists of people would look the same and hide the one name that differs. */
function shownText({ text, grants }: LawFact, other: LawFact | undefined): string {
  if (text.length <= MAX_LINE || other === undefined) return printable(text, MAX_LINE)
  const own = [...grants].filter(grant => !other.grants.has(grant))
  const only = own.length === 0 ? '' : ` (only here: ${own.join(', ')})`
  return `${printable(text, 200)}${printable(only, MAX_LINE)}`
}

function opens(
  { what, opens: refs, loosensBy, within }: LawFact,
  old: ReadonlyMap<string, LawFact>,
  budget: Budget,
): boolean {
  if (within !== undefined && !old.has(within)) return false
  if (refs === undefined) return loosensBy === 'coming'
  const known = [...old.values()].filter(fact => fact.what === what).flatMap(fact => fact.opens ?? [])
  return !refs.every(pattern => isCovered(pattern, known, budget))
}

function isLooser(now: LawFact, before: LawFact): boolean {
  const more = [...now.grants].some(grant => !before.grants.has(grant))
  const less = [...before.demands].some(([name, amount]) => (now.demands.get(name) ?? 0) < amount)
  return more || less
}

/** Parts of a policy that are read top down. */
const ORDERED: readonly LawPart[] = ['base-images', 'materials', 'deploy-rule']

/** The first match decides, so the same rules in another order are another policy. */
function orderLines(old: readonly LawFact[], now: readonly LawFact[]): readonly LawLine[] {
  const rules = (what: LawPart, facts: readonly LawFact[], others: readonly LawFact[]) => {
    const keys = new Set(others.map(fact => fact.key))
    return facts.filter(fact => fact.what === what && keys.has(fact.key)).map(fact => fact.key)
  }
  const text = 'another order of the rules above: the first match decides'
  return ORDERED.filter(what => rules(what, old, now).join('\n') !== rules(what, now, old).join('\n')).map(what => ({
    what,
    how: 'added',
    text,
    loosens: true,
  }))
}

/** Inputs with which a workflow says how strictly it judges; a line that sets one of them. */
const INPUT = /(?:^|[\s{,"'])(source-mode|since|policy|materials-mode)["']?\s*:/

/**
 * Lines of changed workflows and actions that set `source-mode`, `since`, `policy` or `materials-mode`: a workflow that
 * stops judging looks like any other edit (13-adversary 3). Text against text, for a person's eyes; no verdict rests on it.
 */
export function workflowDifference(before: LawFiles, after: LawFiles): readonly LawLine[] {
  const old = workflowsOf(before)
  const now = workflowsOf(after)
  const lines = [...new Set([...old.keys(), ...now.keys()])].sort().flatMap(path => {
    const was = inputLines(old.get(path))
    const is = inputLines(now.get(path))
    return [
      ...missingIn(is, was).map(text => workflowLine('removed', path, text)),
      ...missingIn(was, is).map(text => workflowLine('added', path, text)),
    ]
  })
  return lines.slice(0, MAX_WORKFLOW_LINES)
}

function workflowsOf({ files }: LawFiles): ReadonlyMap<string, Uint8Array> {
  return new Map(files.filter(({ path }) => isWorkflowPath(path)).map(({ path, bytes }) => [path, bytes]))
}

function inputLines(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined) return []
  const lines = latin1(bytes).split(/\r\n|\n|\r/)
  return lines.map(line => line.trim()).filter(line => !line.startsWith('#') && INPUT.test(line))
}

/** Lines of `lines` that `others` does not have as often. */
function missingIn(others: readonly string[], lines: readonly string[]): readonly string[] {
  const left = [...others]
  return lines.filter(line => {
    const at = left.indexOf(line)
    if (at === -1) return true
    left.splice(at, 1)
    return false
  })
}

function workflowLine(how: LawLine['how'], path: string, text: string): LawLine {
  const strict = /(?:source|materials)-mode["']?\s*:\s*["']?enforce\b/.test(text)
  const loosens = how === 'added' ? !strict : strict || /(?:since|policy)["']?\s*:/.test(text)
  return { what: 'workflow', how, text: printable(`${path}: ${text}`, MAX_LINE), ...(loosens ? { loosens: true } : {}) }
}
