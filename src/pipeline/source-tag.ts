import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import { currentLaw, endFold, endFoldAt, type Fold, type SourceJudgement } from '../policy/fold.ts'
import type { Law } from '../policy/law.ts'
import type { TagRule } from '../policy/policy.ts'
import { judgeTag, type ServedTag, type TagJudgement, tagRulesFor, withTagKey } from '../policy/tag.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { History } from '../source/git.ts'
import type { Keyring } from '../source/keyring.ts'
import { isRefusedTag, type ParsedTag, parseTag } from '../source/tag.ts'
import { tagFactsOf } from '../source/verify.ts'
import type { SourcePort } from './attest-request.ts'
import { acceptedLaw } from './base-law.ts'

/** `tag`: who tagged the commit, for a run on a tag of which a rule speaks. */
export type TaggedJudgement = SourceJudgement & { readonly tag: TagJudgement }

export interface TagRun {
  /** Full name, `refs/tags/…`. */
  readonly ref: string
  /** The commit that is built. */
  readonly head: CommitId
  readonly anchor: CommitId
  readonly history: History
  readonly git: Pick<SourcePort, 'resolveRef' | 'resolveTag'>
  readonly driver: Driver
  readonly now: Date
}

/** What of `SourceFold` a tag needs. */
export interface Driver {
  alongFirstParents(anchor: CommitId, head: CommitId, ref: string): Promise<Fold>
  keyring(law: Law): Promise<Keyring>
}

/**
 * Judges a run on a tag (13-adversary 6). A tag has no history of its own, so the law comes from a branch; and the rule that
 * says which branch is itself part of the law. The knot is cut at the anchor, which was named from outside:
 *
 * 1. *Home* is the first branch of `on` in the first tag rule for this ref in the anchor's law. Has that law none, home is
 *    the first branch that its source rules name without a star, that the server serves and that descends from the anchor.
 * 2. The history is folded along home, from the anchor to the tip as the server serves it now. The law accepted there says
 *    which tag rules hold for the ref; none: undefined, and the run is judged as on any ref without a rule.
 * 3. Each of these rules needs a branch of its `on` in which the commit lies: the first one whose fold, done in this run,
 *    holds the commit between the anchor and the tip. The law at that branch's tip then speaks too: its own tag rules for
 *    the ref must exist, and each needs such a branch.
 * 4. The tag itself is judged under the law of home and of every such branch; all of them must accept it.
 * 5. Of each such branch everything up to the commit, with the merge that brought it in, must be accepted.
 *
 * What an attacker would try: a branch that was forked before he was removed from the maintainers, whose old law still
 * names him. It is asked only when the law at home names that branch, and even then home's law has to accept his tag too.
 * @throws `source/ref-gone`, `source/anchor-without-policy` and what reading throws.
 */
export async function judgeTagRun(run: TagRun): Promise<TaggedJudgement | undefined> {
  const branches = new Branches(run)
  const home = await findHome(run, branches)
  if (home === undefined || rulesOf(home, run.ref).length === 0) return undefined
  const holding = await branchesHolding(home, run, branches)
  const tag = await judgeUnderAll([home, ...holding.filter(branch => branch !== home)], holding, run)
  const judgement = worstOf(holding.flatMap(branch => endFoldAt(branch.fold, run.head, run.now) ?? []))
  const { level, ...rest } = judgement ?? nothingOf(home.judgement)
  const outcome = worst([tag.outcome, rest.outcome])
  const { unsupported = rest.unsupported } = home.judgement
  return {
    ...rest,
    keys: withTagKey(tag, rest.keys),
    outcome,
    ...(outcome === 'passed' && level !== undefined ? { level } : {}),
    ...(unsupported === undefined ? {} : { unsupported }),
    tag,
  }
}

/** Should several branches hold the commit, all must accept it, so the worst judgement is the one to show. */
function worstOf(judgements: readonly SourceJudgement[]): SourceJudgement | undefined {
  const withOutcome = (wanted: Outcome) => judgements.find(({ outcome }) => outcome === wanted)
  return withOutcome('rejected') ?? withOutcome('unknown') ?? withOutcome('passed')
}

interface Branch {
  /** Full name. */
  readonly name: string
  readonly fold: Fold
  readonly judgement: SourceJudgement
}

/** Branches as served now, each folded once and only when asked for. */
class Branches {
  readonly #run: TagRun
  readonly #known = new Map<string, Promise<Branch | undefined>>()

  constructor(run: TagRun) {
    this.#run = run
  }

  /** Undefined: the server serves no such branch, or it does not descend from the anchor by first parents. */
  find(name: string): Promise<Branch | undefined> {
    const known = this.#known.get(name) ?? this.#judge(name)
    this.#known.set(name, known)
    return known
  }

  async #judge(name: string): Promise<Branch | undefined> {
    const { history, git, driver, anchor, now } = this.#run
    const tip = await git.resolveRef(name)
    if (tip === undefined) return undefined
    await history.ensure([tip])
    try {
      const fold = await driver.alongFirstParents(anchor, tip, name)
      // A change of the law that nobody could check may take away the right to tag.
      acceptedLaw(fold)
      return { name, fold, judgement: endFold(fold, now) }
    } catch (error) {
      if (asWaybillError(error).code === 'source/anchor-not-ancestor') return undefined
      throw error
    }
  }
}

function rulesOf({ fold }: Branch, ref: string): readonly TagRule[] {
  return tagRulesFor({ law: currentLaw(fold) }, ref)
}

async function findHome({ driver, anchor, ref }: TagRun, branches: Branches): Promise<Branch | undefined> {
  const law = currentLaw(await driver.alongFirstParents(anchor, anchor, ref))
  const [rule] = tagRulesFor({ law }, ref)
  if (rule === undefined) return firstOf(literalBranches(law), branches)
  const [name] = rule.on
  const home = await branches.find(name)
  // Another branch in its place would let whoever can delete or rewrite this one choose the law.
  if (home !== undefined) return home
  throw fail(
    'source/ref-gone',
    `${name}, along which ${ref} has to be judged, is not served or does not hold the anchor`,
    {
      expected: `${name} with ${anchor} among its first parents`,
      remedy: `Restore ${name}, or set a later anchor whose policy names another branch: since: <commit that contains the policy>`,
    },
  )
}

async function firstOf(names: readonly string[], branches: Branches): Promise<Branch | undefined> {
  for (const name of names) {
    const branch = await branches.find(name)
    if (branch !== undefined) return branch
  }
  return undefined
}

function literalBranches(law: Law): readonly string[] {
  const texts = law.policy.source.flatMap(rule => rule.refs.map(({ text }) => text))
  return [...new Set(texts.filter(text => text.startsWith('refs/heads/') && !text.includes('*')))]
}

/** For every rule of every law that has a say, the first branch of its `on` that holds the commit. */
async function branchesHolding(home: Branch, run: TagRun, branches: Branches): Promise<readonly Branch[]> {
  const holding = new Set<Branch>()
  const asked = new Set([home])
  // A set hands out what is added while it is walked, each once.
  for (const branch of asked) {
    for (const { on } of rulesOf(branch, run.ref)) {
      const found = await firstHolding(on, run, branches)
      if (found === undefined) continue
      holding.add(found)
      asked.add(found)
    }
  }
  return [...holding]
}

async function firstHolding(names: readonly string[], run: TagRun, branches: Branches): Promise<Branch | undefined> {
  for (const name of names) {
    const branch = await branches.find(name)
    if (branch !== undefined && endFoldAt(branch.fold, run.head, run.now) !== undefined) return branch
  }
  return undefined
}

async function judgeUnderAll(laws: readonly Branch[], holding: readonly Branch[], run: TagRun): Promise<TagJudgement> {
  const served = await readTag(run)
  const expected = { ref: run.ref, commit: run.head, on: new Set(holding.map(({ name }) => name)) }
  const judged: TagJudgement[] = []
  for (const branch of laws) {
    const { fold } = branch
    const law = currentLaw(fold)
    // The law's own keys: what home's key files hold must not make another law's signature readable.
    const tag = 'payload' in served ? await tagFactsOf(served, await run.driver.keyring(law)) : served
    judged.push(judgeTag(tag, expected, rulesOf(branch, run.ref), { law, lawAt: fold.lawAt, now: run.now }))
  }
  return together(judged)
}

/** The first judgement, made worse by the others. */
function together([first, ...others]: readonly TagJudgement[]): TagJudgement {
  if (first === undefined) throw fail('core/internal', 'A tag was judged under no law')
  const all = [first, ...others]
  const findings = new Map(all.flatMap(judged => judged.findings.map(item => [`${item.code} ${item.message}`, item])))
  return { ...first, findings: [...findings.values()], outcome: worst([first.outcome, ...others.map(o => o.outcome)]) }
}

/** The tag as the server serves it at this moment, its id recomputed. @throws `source/ref-gone` */
async function readTag({ git, ref, history }: TagRun): Promise<ParsedTag | Exclude<ServedTag, { object: CommitId }>> {
  const served = await git.resolveTag(ref)
  if (served === undefined) throw fail('source/ref-gone', `${ref} does not exist any more`, { expected: ref })
  if (served.peeled === undefined) return { lightweight: served.id }
  const tag = parseTag(await history.tag(served.id), served.id)
  if (isRefusedTag(tag) || tag.type === 'commit') return tag
  const message = `It names a ${tag.type}, not a commit`
  return { id: tag.id, refused: { code: 'source/tag-not-of-commit', message, found: `${tag.type} ${tag.object}` } }
}

/** The commit lies in no branch: nothing of the history speaks for it. */
function nothingOf(judgement: SourceJudgement): SourceJudgement {
  return { ...judgement, commits: [], keys: [], exceptions: [] }
}

/** The tag as the result object shows it. */
export function tagReceipt(tag: TagJudgement, title = ''): SubjectReceipt {
  const { ref, name, id, outcome, findings, kind, principal, githubId, key, tagger } = tag
  return {
    name,
    digest: id,
    verdict: outcome,
    ...(outcome === 'passed' ? { basis: 'signed' as const } : {}),
    findings,
    kind,
    ...(principal === undefined ? {} : { principal }),
    ...(key === undefined ? {} : { key }),
    ...(githubId === undefined ? {} : { githubId }),
    title: title === '' ? `Tag ${name}` : title,
    ref,
    ...(tagger === undefined ? {} : { author: tagger }),
  }
}
