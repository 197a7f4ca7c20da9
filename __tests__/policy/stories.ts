import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { WaybillError } from '../../src/core/error.ts'
import type { LawFiles } from '../../src/core/facts.ts'
import { endFold, type Fold, type FoldStep, type SourceJudgement, startFold, stepFold } from '../../src/policy/fold.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import { needsOf } from '../../src/policy/needs.ts'
import type { PolicyChange } from '../../src/policy/policy.ts'
import { evidenceOf, type StoryEvidence } from './story-evidence.ts'
import {
  BASE,
  type CommitOptions,
  commit,
  type Files,
  filled,
  idOf,
  lawFiles,
  MAIN,
  malformed,
  NOW,
  PEOPLE,
  signatureOf,
} from './world.ts'

/**
 * A history as a folder: `story.json` with its commits, policy files beside it. A file's value is the name of a file in the
 * folder, `=text` for a text given in place, or null to remove it; what a commit does not name stays as its parent had it.
 */
export interface Story {
  /** First-parent commits, oldest first. */
  readonly commits: readonly StoryCommit[]
  readonly ref?: string
  /** Files of the anchor beside the usual ones. */
  readonly anchor?: Readonly<Record<string, string | null>>
  /** Parts of every law of the story, in the words of `Policy`; with it the people have accounts (`PEOPLE`). */
  readonly rules?: StoryRules
  /** Number of the repository; null: not known. Default 4711. */
  readonly repository?: number | null
  readonly reviews?: 'judge' | 'show'
  readonly pending?: boolean
  /** False: the driver does not say what is on the line. */
  readonly line?: boolean
  readonly expect: {
    readonly outcome: SourceJudgement['outcome']
    readonly level?: string
    readonly reviewed?: boolean
    /** Codes of `reject` findings by commit name; a commit that is not named must have none. */
    readonly codes: Readonly<Record<string, readonly string[]>>
    /** Codes of notes by commit name; left out: not looked at. */
    readonly notes?: Readonly<Record<string, readonly string[]>>
    /** Basis by commit name, of those that are named. */
    readonly basis?: Readonly<Record<string, string>>
    /** Label of the review by commit name, of those that are named. */
    readonly labels?: Readonly<Record<string, string>>
    /** Name of the commit whose law is accepted at the end, or `anchor`. */
    readonly law: string
  }
}

/** Parts of a policy as the strict parser leaves them, names of roles unfolded. */
export interface StoryRules {
  readonly platform?: {
    readonly merge?: 'clean'
    readonly squash?: 'evidence'
    readonly rebase?: 'evidence'
    readonly content?: readonly string[]
  }
  readonly review?: {
    readonly approvals?: number
    readonly by?: readonly string[]
    readonly distinctFrom?: readonly ('author' | 'committers' | 'last-pusher')[]
    readonly strength?: 'platform-recorded' | 'signed-by-reviewer'
  }
  readonly change?: {
    readonly approvals?: number
    readonly workflows?: { readonly signers: readonly string[]; readonly approvals?: number }
  }
  readonly platformKeys?: readonly string[]
}

export interface StoryCommit extends Omit<CommitOptions, 'signature'> {
  readonly name: string
  readonly malformed?: boolean
  readonly files?: Readonly<Record<string, string | null>>
  /** Takes the whole `.github` of an earlier commit, or of `anchor`. */
  readonly filesOf?: string
  /** Each the parent of the next, the last one the second parent. */
  readonly broughtIn?: readonly (Omit<CommitOptions, 'signature'> & { readonly name: string })[]
  /** Whose signed tag of the head that is brought in the commit carries. */
  readonly mergetag?: string
  readonly evidence?: StoryEvidence
}

export const STORIES = join(import.meta.dirname, '../vectors/policy/fold')

export function storyFolders(): readonly string[] {
  return readdirSync(STORIES).sort()
}

export function readStory(folder: string): Story {
  return JSON.parse(readFileSync(join(STORIES, folder, 'story.json'), 'utf8')) as Story
}

/** Codes of findings by the name of their commit, those without any left out. */
export function codesOf(story: Story, judgement: SourceJudgement, severity: 'reject' | 'note') {
  const names = namesOf(story)
  const codes = judgement.commits.map(
    ({ id, findings }) =>
      [names.get(id) ?? id, findings.filter(f => f.severity === severity).map(f => f.code)] as const,
  )
  return Object.fromEntries(codes.filter(([, list]) => list.length > 0))
}

function namesOf(story: Story): ReadonlyMap<string, string> {
  const all = story.commits.flatMap(item => [item.name, ...(item.broughtIn ?? []).map(b => b.name)])
  return new Map(all.map(name => [idOf(name), name]))
}

/** Everything that a story expects, compared. */
export function expectStory(folder: string): void {
  const story = readStory(folder)
  const judgement = tell(folder, story, true)
  const names = namesOf(story)
  expect(codesOf(story, judgement, 'reject')).toEqual(story.expect.codes)
  if (story.expect.notes !== undefined) expect(codesOf(story, judgement, 'note')).toEqual(story.expect.notes)
  expect(judgement.outcome).toBe(story.expect.outcome)
  expect(judgement.level).toBe(story.expect.level)
  expect(judgement.reviewed).toBe(story.expect.reviewed)
  expect(judgement.lawAt).toBe(idOf(story.expect.law))
  const bases = judgement.commits.map(({ id, basis }) => [names.get(id) ?? id, basis])
  expect(Object.fromEntries(bases)).toMatchObject(story.expect.basis ?? {})
  const labels = judgement.commits.map(({ id, review }) => [names.get(id) ?? id, review?.label])
  expect(Object.fromEntries(labels)).toMatchObject(story.expect.labels ?? {})
}

/**
 * Runs the fold over the story.
 * @param asked also checks that a driver would have fetched the evidence it tells.
 * @param watch told of every step, as a driver's.
 */
export function tell(
  folder: string,
  story: Story,
  asked = false,
  watch: (watched: { step: FoldStep; before: Fold; after: Fold }) => void = () => {},
): SourceJudgement {
  const base = story.rules === undefined ? BASE : { ...BASE, '.github/waybill.yml': PEOPLE }
  const trees = new Map<string, Files>([['anchor', change(base, story.anchor ?? {}, folder)]])
  const start = trees.get('anchor') ?? {}
  const ref = story.ref ?? MAIN
  const { repository = 4711, reviews, pending } = story
  let fold: Fold = startFold({ id: idOf('anchor') }, ruled(parseLaw(lawFiles(start)), story.rules), ref, {
    ...(repository === null ? {} : { repositoryId: repository }),
    ...(reviews === undefined ? {} : { reviews }),
    ...(pending === undefined ? {} : { pending }),
    ...(story.line === false ? {} : { line: story.commits.map(({ name }) => idOf(name)) }),
  })
  let files = start
  let previous = 'anchor'
  for (const item of story.commits) {
    const from = item.filesOf === undefined ? files : (trees.get(item.filesOf) ?? {})
    files = change(from, item.files ?? {}, folder)
    trees.set(item.name, files)
    if (asked) expectAsked(item, fold.law, ref)
    const [before, step] = [fold, stepOf(item, previous, lawFiles(files), story)]
    fold = stepFold(before, step, NOW)
    watch({ step, before, after: fold })
    previous = item.name
  }
  return endFold(fold, NOW)
}

function stepOf(item: StoryCommit, previous: string, law: LawFiles, story: Story) {
  const broughtIn = (item.broughtIn ?? []).map(({ name, ...options }, at, all) =>
    commit(name, { parents: [all[at - 1]?.name ?? 'anchor'], ...options }),
  )
  const head = item.broughtIn?.at(-1)?.name
  const parents = [previous, ...(head === undefined ? [] : [head])]
  const own = commit(item.name, { parents, ...item })
  const tag = item.mergetag === undefined || head === undefined ? {} : { mergetags: [mergetag(item.mergetag, head)] }
  const facts = item.malformed === true ? malformed(item.name) : { ...own, ...tag }
  const evidence = item.evidence === undefined ? {} : { evidence: evidenceOf(item.evidence, own, head) }
  return { commit: facts, broughtIn, law, ...evidence, ...candidateOf(law, story) }
}

/** A story says what a driver would fetch, and a driver fetches only what it is told to; push times come with the rest. */
function expectAsked({ name, evidence, ...item }: StoryCommit, law: Law, ref: string): void {
  if (evidence === undefined || (typeof evidence.platform === 'object' && evidence.platform.pushedAt !== undefined))
    return
  const side = item.broughtIn ?? []
  const parents = ['anchor', ...(side.length > 0 ? ['h'] : [])]
  const broughtIn = side.map(one => commit(one.name, one))
  const needs = needsOf(law, ref, commit(name, { parents, ...item }), { broughtIn })
  expect(Object.values(needs)).toContain(true)
}

/** The rules of the story hold for every law in it, also for those that commits bring. */
function candidateOf(law: LawFiles, { rules }: Story): { readonly candidate?: Law | WaybillError } {
  if (rules === undefined) return {}
  try {
    return { candidate: ruled(parseLaw(law), rules) }
  } catch (error) {
    if (error instanceof WaybillError) return { candidate: error }
    throw error
  }
}

function mergetag(by: string, head: string) {
  const tagger = { name: by, email: `${by}@example.com`, time: 1_780_000_000, offset: '+0000' }
  return { id: idOf(`tag of ${head}`), object: idOf(head), name: 'for-main', tagger, signature: signatureOf(by) }
}

function ruled(law: Law, rules: StoryRules | undefined): Law {
  if (rules === undefined) return law
  const { platform, review, change: approvals, platformKeys = [] } = rules
  const source = law.policy.source.map(rule => ({
    ...rule,
    platform: { ...rule.platform, ...platform, content: new Set(platform?.content ?? []) },
    ...(review === undefined ? {} : { review: reviewRule(review) }),
  }))
  const keys = platformKeys.map(fingerprint => ({ fingerprint, file: '.github/keys/platform.asc' }))
  const policyChange = changed(law.policy.policyChange, approvals)
  return { ...law, policy: { ...law.policy, source, policyChange, platformKeys: keys } }
}

function reviewRule(review: NonNullable<StoryRules['review']>) {
  const { approvals = 1, by = ['alice', 'bob'], distinctFrom, strength = 'platform-recorded' } = review
  return {
    approvals,
    strength,
    by: new Set(by),
    distinctFrom: new Set(distinctFrom ?? (['author', 'committers', 'last-pusher'] as const)),
  }
}

function changed(rule: PolicyChange, change: StoryRules['change']): PolicyChange {
  const { approvals = 0, workflows } = change ?? {}
  const part =
    workflows === undefined
      ? { signers: rule.signers, approvals }
      : { signers: new Set(workflows.signers), approvals: workflows.approvals ?? 0 }
  return { signers: rule.signers, approvals, workflows: part }
}

function change(files: Files, changes: Readonly<Record<string, string | null>>, folder: string): Files {
  const after = new Map(Object.entries(files))
  for (const [path, value] of Object.entries(changes)) {
    if (value === null) after.delete(path)
    else if (value.startsWith('=')) after.set(path, filled(value.slice(1)))
    else after.set(path, filled(readFileSync(join(STORIES, folder, value), 'utf8')))
  }
  return Object.fromEntries(after)
}
