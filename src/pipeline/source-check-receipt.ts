import { fail } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import { rulesFor } from '../policy/commit.ts'
import { explain } from '../report/explain.ts'
import { reviewText } from '../report/explain-evidence.ts'
import type { Receipt, StageReceipt } from '../report/receipt.ts'
import type { EngineTally } from '../source/cross-check.ts'
import { errorOf, errorReceipt } from './run.ts'
import type { CheckedSource, CheckRequest, LawSource } from './source-check.ts'
import { commitReceipt, levelsOf, ruleChanges } from './source-receipt.ts'

/** What the result says beside the judgement. */
export interface CheckWorld {
  /** `https://github.com/acme/app`, or the folder of the clone as it was given. */
  readonly repository: string
  /** Why the rules of this ref hold, after "the rules for refs/heads/main hold: ". */
  readonly refReason: string
  /** `file:PATH` of a policy given by name. */
  readonly policyUri?: string
  /** Why the platform was not asked; absent: it was. */
  readonly platformSilent?: string
  readonly engine?: { readonly choice: 'native' | 'both'; readonly tally: EngineTally }
  readonly ms: number
}

/** The result object of `source check`: one subject a commit, changes of the rules first. */
export function checkReceipt(request: CheckRequest, checked: CheckedSource, world: CheckWorld): Receipt {
  const { judgement, proposed } = checked
  const { outcome, unsupported } = judgement
  const levels = levelsOf(judgement)
  const changes = ruleChanges(proposed, judgement.changes)
  const error = unsupported === undefined ? wholeError(checked) : errorReceipt(unsupported)
  const stage: StageReceipt = { name: 'source', state: outcome, mode: 'enforce', ms: Math.round(world.ms) }
  return {
    schemaVersion: 1,
    command: 'source check',
    verdict: outcome,
    subjects: judgement.commits.map(commitReceipt),
    stages: [stage],
    attestations: [],
    policy: policyOf(checked, world),
    source: {
      repository: world.repository,
      ref: request.ref,
      commit: request.head,
      ...(levels.length === 0 ? {} : { levels }),
    },
    ...(changes.length === 0 ? {} : { ruleChanges: changes }),
    notChecked: notChecked(checked, world),
    notices: noticesOf(request, checked, world),
    ...(world.engine === undefined ? {} : { engines: { asked: world.engine.choice, ...world.engine.tally } }),
    ...(request.explain === undefined ? {} : { explanation: explanationOf(request.explain, checked) }),
    ...(error === undefined ? {} : { error }),
  }
}

/** What is wrong with the history as a whole, and was not said of a commit of it. */
function wholeError({ judgement: { findings, commits } }: CheckedSource): Receipt['error'] {
  const told = new Set(commits.flatMap(commit => commit.findings.map(({ code }) => code)))
  const finding = findings.find(({ code, severity }) => severity === 'reject' && !told.has(code))
  return finding === undefined ? undefined : errorReceipt(errorOf(finding, 'rejected'))
}

function policyOf(
  { judgement: { law, lawAt, anchor } }: CheckedSource,
  world: CheckWorld,
): NonNullable<Receipt['policy']> {
  const digest = law.policyDigest
  if (world.policyUri !== undefined) return { uri: world.policyUri, digest, anchor }
  return { uri: `git+${world.repository}#${law.policyPath}`, ref: lawAt, digest, anchor }
}

function noticesOf(request: CheckRequest, checked: CheckedSource, world: CheckWorld): readonly string[] {
  const { judgement, lawFrom } = checked
  return [
    lawSentence(lawFrom, request, world),
    `The rules for ${request.ref} hold: ${world.refReason}.`,
    ...judgement.findings.filter(finding => isTold(finding, lawFrom)).map(({ code, message }) => `${code}: ${message}`),
  ]
}

/** That an exception changes nothing is worth saying of a whole history, not of a part of it. */
function isTold({ code, severity }: Finding, lawFrom: LawSource): boolean {
  return severity === 'note' && !(code === 'source/exception-unused' && lawFrom !== 'anchor')
}

function lawSentence(lawFrom: LawSource, { base, anchor }: CheckRequest, world: CheckWorld): string {
  const [at, from] = [base?.slice(0, 7), anchor?.slice(0, 7)]
  const sentences: Readonly<Record<LawSource, string>> = {
    file: `The policy ${world.policyUri ?? ''} judges every commit; none of them can change it.`,
    anchor: `The law is that of the anchor ${from}, with every change accepted since.`,
    'anchor-to-base': `What the range brings is judged by the law accepted at ${at}, which the anchor ${from} leads to, as in a pull request.`,
    base: `The law of ${at}, the base of the range, is taken as the anchor: nobody judged here what came before.`,
    'base-alone': `What the range brings is judged by the law of its base ${at}, which is taken as the anchor and is not on the head's line of first parents.`,
  }
  return sentences[lawFrom]
}

function notChecked({ judgement }: CheckedSource, world: CheckWorld): readonly string[] {
  const { platformSilent, engine } = world
  const rules = rulesFor({ law: judgement.law, ref: judgement.ref }).flatMap(({ review, text }) =>
    review === undefined ? [] : [`the rule for ${text} asks for ${reviewText(review)}`],
  )
  const asked = rules.length === 0 ? 'no rule asks for any' : rules.join('; ')
  return [
    ...(platformSilent === undefined ? [] : [`Reviews: ${asked}. The platform was not asked: ${platformSilent}.`]),
    'Review statements (refs/waybill/reviews/…) are not read here.',
    'What the server holds: names and commits are those of this clone.',
    ...(judgement.ref.startsWith('refs/tags/') ? ['The tag itself: a run on the tag judges who made it.'] : []),
    ...(engine === undefined ? [] : uncompared(engine.tally)),
  ]
}

function uncompared({ notCompared, refusedBefore }: EngineTally): readonly string[] {
  const kinds = Object.entries(notCompared).filter(([, count]) => count > 0)
  const texts = kinds.map(([kind, count]) => `${count} ${kind}`)
  const before = `${refusedBefore} signatures that Waybill refuses before any mathematics`
  return [
    ...(texts.length === 0
      ? []
      : [`By another program: ${texts.join(', ')} signatures, which it cannot check or has no key for.`]),
    ...(refusedBefore === 0 ? [] : [`By another program: ${before}.`]),
  ]
}

function explanationOf(id: CheckRequest['explain'] & string, { judgement, explained }: CheckedSource) {
  const steps = explained === undefined ? undefined : explain({ id, ...explained, end: judgement })
  if (steps !== undefined) return steps
  throw fail('entry/usage', `Commit ${id.slice(0, 7)} is not among the ${judgement.commits.length} that were judged`, {
    expected: 'a commit of the range',
    found: id,
    remedy: `Choose a range that holds it: waybill source check --explain ${id} ${id}^..HEAD`,
  })
}
