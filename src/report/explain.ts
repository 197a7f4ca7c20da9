import type { CommitId } from '../core/digest.ts'
import { type CommitFacts, isMalformed, isRefused, type JudgedCommit } from '../core/facts.ts'
import { rulesFor } from '../policy/commit.ts'
import type { CommitJudgement, Fold } from '../policy/fold.ts'
import { ownersOf } from '../policy/owner.ts'
import { isPlatformSigned } from '../policy/platform.ts'
import type { JudgedStep } from '../policy/step.ts'
import {
  type Case,
  decided,
  type Explained,
  type ExplainedStep,
  type ExplainedWhat,
  findingLine,
  line,
  namesText,
} from './explain-case.ts'
import { endLines, lawChangeLines } from './explain-end.ts'
import { platformLines, reviewLines } from './explain-evidence.ts'
import { keyText, signatureText, timeText } from './explain-signature.ts'

/**
 * How the verdict about one commit came about, in the order in which it is decided: where it stands, under which law, what its
 * signature says, whose it is, what each rule makes of it, what stands behind it elsewhere, and what the law accepted last adds.
 * Every finding appears in exactly one step.
 * @returns undefined when the step is not about this commit.
 */
export function explain(explained: Explained): readonly ExplainedStep[] | undefined {
  const the = caseOf(explained)
  if (the === undefined) return undefined
  return [
    ...[commitLine(the), placeLine(the), lawLine(the)],
    ...signatureLines(the),
    ...ownerLines(the),
    ...ruleLines(the),
    ...platformLines(the),
    ...reviewLines(the),
    ...lawChangeLines(the),
    ...endLines(the),
  ]
}

function caseOf(explained: Explained): Case | undefined {
  const { id, step, after, end } = explained
  const facts = [step.commit, ...step.broughtIn].find(commit => commit.id === id)
  const last = after.steps?.last
  const judged = last === undefined ? undefined : judgedIn(last, id)
  const final = end.commits.find(commit => commit.id === id)
  if (facts === undefined || judged === undefined || final === undefined) return undefined
  return {
    ...explained,
    facts,
    judged,
    final,
    findings: wanted => judged.findings.filter(({ code }) => stepOf(code, facts) === wanted),
  }
}

function judgedIn({ commit, broughtIn }: JudgedStep, id: CommitId): CommitJudgement | undefined {
  return [commit, ...broughtIn].find(item => item.id === id)
}

const OF_KEY =
  /^source\/(key-(expired|revoked|weak|not-yet-valid)|certificate-(expired|not-yet-valid|options|names|too-long)|user-(presence|verification)-missing)$/
const STEPS: Readonly<Record<string, ExplainedWhat>> = {
  'source/unsigned': 'signature',
  'source/malformed': 'signature',
  'source/signer-unknown': 'owner',
  'source/signer-ambiguous': 'owner',
  'source/committer-mismatch': 'committer',
  'source/signer-not-allowed': 'rule',
  'policy/no-rule': 'rule',
  'source/unreviewed': 'review',
  'source/reviewer-unknown': 'review',
  'source/review-evidence-missing': 'review',
  'source/mergetag-unrelated': 'review',
}

/** What no table names stands behind the commit: the platform, merges made again, pull requests. */
function stepOf(code: string, facts: JudgedCommit): ExplainedWhat {
  if (isMalformed(facts)) return 'signature'
  if (isRefused(facts.signature) && facts.signature.code === code) return 'signature'
  if (OF_KEY.test(code)) return 'key'
  return STEPS[code] ?? (code.startsWith('policy/') ? 'law-change' : 'platform')
}

function commitLine({ id, facts }: Case): ExplainedStep {
  if (isMalformed(facts)) return line('commit', 'note', `${id}, an object that cannot be read as a commit`)
  const { subject, author, committer } = facts
  const by = `author ${author.name} <${author.email}> and committer ${committer.name} <${committer.email}>, as claimed`
  return line('commit', 'note', `${id} "${subject}", ${by}`)
}

function placeLine({ id, step, before }: Case): ExplainedStep {
  if (step.commit.id !== id)
    return line('place', 'note', `brought in by the merge ${step.commit.id.slice(0, 7)}, not a first parent itself`)
  const place = before.places?.get(id)
  if (place === undefined)
    return line('place', 'note', `proposed to ${before.ref}: reachable from the head and not from ${short(before)}`)
  return line('place', 'note', `first parent ${place + 1} of ${before.places?.size ?? 0} after ${short(before)}`)
}

const short = ({ anchor }: Fold): string => anchor.slice(0, 7)

function lawLine({ before: { law, lawAt, ref } }: Case): ExplainedStep {
  const { policyPath, policyDigest, constant, tree } = law
  const given = tree === undefined ? 'given by name' : `of ${lawAt.slice(0, 7)}`
  const from = constant ? `${given}, and changed by no commit here` : `brought by commit ${lawAt.slice(0, 7)}`
  return line('law', 'note', `${policyPath} (${policyDigest}), ${from}; its rules for ${ref} hold`)
}

function signatureLines(the: Case): readonly ExplainedStep[] {
  const { facts } = the
  if (isMalformed(facts)) return decided(the, 'signature', undefined)
  const lines = decided(the, 'signature', signatureText(facts.signature))
  const key = keyText(facts.signature)
  const keys = decided(the, 'key', key)
  // A key that has expired is still worth its name.
  const named = key !== undefined && keys.some(({ outcome }) => outcome !== 'passed') ? [line('key', 'note', key)] : []
  return [...lines, ...named, ...keys, line('time', 'note', timeText(facts, the.judged))]
}

function ownerLines(the: Case): readonly ExplainedStep[] {
  const { facts, before, judged } = the
  // A squash is held against what its commits were found to be, whoever signed it itself.
  const against = [...decided(the, 'owner', undefined), ...decided(the, 'committer', undefined)]
  if (isMalformed(facts) || facts.signature.kind === 'none' || isRefused(facts.signature)) return against
  if (isPlatformSigned(facts.signature, before.law)) {
    const who = judged.principal === undefined ? '' : `, for ${judged.principal}`
    const text = `the platform's own key${who}: it says what the platform did, not who wanted it`
    return [line('owner', 'note', text), ...against]
  }
  const [owner] = ownersOf(facts.signature, before.law)
  const lines = decided(the, 'owner', owner && `${owner.principal.name}, by its signer ${owner.signer.kind}`)
  return owner === undefined ? lines : [...lines, ...committerLines(the, facts, owner.principal.emails)]
}

function committerLines(the: Case, { committer }: CommitFacts, emails: readonly string[]): readonly ExplainedStep[] {
  return decided(the, 'committer', `its e-mail ${committer.email} is one of ${emails.join(', ')}`)
}

function ruleLines(the: Case): readonly ExplainedStep[] {
  const { before, judged, facts } = the
  const against = the.findings('rule')
  const { principal } = judged
  const others = rulesFor(before).filter(({ text }) => !against.some(({ message }) => message.includes(ruleName(text))))
  const rules = others.map(({ text, signers }) =>
    principal !== undefined && signers.has(principal) && !isPlatform(facts, before)
      ? line('rule', 'passed', `${text} names ${principal}`)
      : line('rule', 'note', `${text} lets ${namesText(signers)} commit`),
  )
  return [...rules, ...against.map(finding => findingLine('rule', finding))]
}

/** As findings about a rule name it. */
function ruleName(text: string): string {
  return `the rule for ${text} of`
}

function isPlatform(facts: JudgedCommit, { law }: Fold): boolean {
  return !isMalformed(facts) && isPlatformSigned(facts.signature, law)
}
