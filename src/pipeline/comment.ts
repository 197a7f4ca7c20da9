import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import {
  changeOf,
  hasNews,
  isWorse,
  originOf,
  partOf,
  readSections,
  renderComment,
  renderSection,
  type Section,
  type SectionFacts,
} from '../report/comment.ts'
import type { Receipt } from '../report/receipt.ts'

/** A comment of a pull request that the token itself wrote. */
export interface OwnComment {
  readonly id: number
  readonly body: string
  readonly url: string
}

/** A run as the platform tells it. */
export interface RunFacts {
  readonly repositoryId: number
  readonly head: string
  /** Path of the workflow, `.github/workflows/build.yml`. */
  readonly path: string
}

/** What a comment asks of the platform. Every method throws what its API throws. */
export interface CommentPort {
  /** Head of the pull request as it is now. */
  head(): Promise<CommitId>
  /** Comments of the token's own account, oldest first; those of others are never looked at. @throws `github/comment-crowded` */
  own(): Promise<readonly OwnComment[]>
  create(body: string): Promise<OwnComment>
  /** @returns undefined when it is not there any more. */
  update(id: number, body: string): Promise<OwnComment | undefined>
  /** One that is not there any more counts as removed. */
  remove(id: number): Promise<void>
  /** @returns undefined for a run that the platform does not know. */
  run(id: string, attempt: string): Promise<RunFacts | undefined>
  /** Whether files below `.github/` differ; `unknown`: there are more files than are listed. */
  changesGithub(): Promise<boolean | 'unknown'>
  /** Lets others write. */
  pause(round: number): Promise<void>
}

export type CommentMode = 'auto' | 'always' | 'on-change' | 'never'

export interface CommentRequest extends Omit<SectionFacts, 'changesGithub'> {
  readonly receipt: Receipt
  readonly mode: Exclude<CommentMode, 'never'>
  readonly repositoryId: number
  /** Stands below the section's own text. */
  readonly more?: string
}

export type CommentResult =
  | { readonly state: 'written' | 'unchanged'; readonly url?: string }
  /** A newer commit or attempt is what the comment is about now. */
  | { readonly state: 'stale' }

/**
 * Writes this run's section into the one comment of the pull request (8-report § 2). What stands is read before and after, for
 * another run may write at the same moment; sections whose run is not one of this head are left out, never copied on
 * (13-adversary 35). Nothing is decided by what a comment says but what a comment says next.
 * @throws what the port throws, `github/comment-unsettled`
 */
export async function comment(request: CommentRequest, port: CommentPort): Promise<CommentResult> {
  const changesGithub = await port.changesGithub()
  const facts = { ...request, changesGithub }
  const known = new Map<string, Promise<RunFacts | undefined>>()
  let written: OwnComment | undefined
  for (let round = 0; round < LIMITS.commentRounds; round++) {
    if (round > 0) await port.pause(round)
    if ((await port.head()) !== request.head) return { state: 'stale' }
    const all = await ourComments(port)
    const sections = mergedSections(all)
    const mine = renderSection(request.receipt, facts, roomFor(sections), request.more)
    const standing = sections.find(({ key }) => key === mine.key)
    const genuine = (section: Section) => isOfThisHead(section, request, port, known)
    const asItStands = await standsFor(standing, mine, written === undefined, { request: facts, port, known, genuine })
    if (asItStands === 'stale') return { state: 'stale' }
    if (asItStands === 'unchanged') return stands(written === undefined ? 'unchanged' : 'written', all[0])
    const others: Section[] = []
    for (const section of sections) if (section.key !== mine.key && (await genuine(section))) others.push(section)
    const body = renderComment([...others, mine])
    const settled = await settle(all, body, port)
    if (settled === 'equal') return stands(written === undefined ? 'unchanged' : 'written', all[0])
    written = settled ?? written
  }
  throw fail('github/comment-unsettled', 'The comment was written by other runs at the same time, again and again', {
    expected: `one that stands after ${LIMITS.commentRounds} tries`,
  })
}

function stands(state: 'written' | 'unchanged', comment: OwnComment | undefined): CommentResult {
  return { state, ...(comment === undefined ? {} : { url: comment.url }) }
}

/** By marker **and** author: the port gives what the token's account wrote, the marker says which of it is a report. */
async function ourComments(port: CommentPort): Promise<readonly OwnComment[]> {
  return (await port.own()).filter(({ body }) => readSections(body).length > 0)
}

/** Of two runs that both found no comment, each wrote one: the oldest stays, with what both say. */
function mergedSections(all: readonly OwnComment[]): readonly Section[] {
  const merged = new Map<string, Section>()
  for (const section of all.flatMap(({ body }) => readSections(body))) {
    const known = merged.get(section.key)
    if (known === undefined || isLater(section, known)) merged.set(section.key, section)
  }
  return [...merged.values()]
}

function isLater(one: Section, other: Section): boolean {
  const [a, b] = [originOf(one), originOf(other)]
  return a !== undefined && (b === undefined || order(a.run, a.attempt, b.run, b.attempt) > 0)
}

/** Numbers of runs grow; those of attempts, too. */
function order(run: string, attempt: string, otherRun: string, otherAttempt: string): number {
  const [a, b] = [BigInt(run), BigInt(otherRun)]
  return a === b ? Number(attempt) - Number(otherAttempt) : a < b ? -1 : 1
}

interface Asking {
  readonly request: CommentRequest & Pick<SectionFacts, 'changesGithub'>
  readonly port: CommentPort
  readonly known: Map<string, Promise<RunFacts | undefined>>
  genuine(section: Section): Promise<boolean>
}

/** Whether what stands is to be left as it is. Only a section whose run the platform knows can keep another from being written. */
async function standsFor(
  standing: Section | undefined,
  mine: Section,
  first: boolean,
  { request, port, known, genuine }: Asking,
): Promise<'stale' | 'unchanged' | undefined> {
  if (standing !== undefined) {
    // Legs of a matrix have one key: the one that passed must not wipe out the one that did not.
    if (isOfThisAttempt(standing, request) && isWorse(standing, mine) && (await genuine(standing))) return 'unchanged'
    if (first && isNewer(standing, request) && (await genuine(standing))) return 'stale'
  }
  if (!first || request.mode !== 'on-change') return undefined
  if (standing === undefined) return hasNews(request.receipt, request.changesGithub) ? undefined : 'unchanged'
  if (changeOf(standing) !== changeOf(mine)) return undefined
  const head = originOf(standing)?.head ?? request.head
  return (await isOfThisHead(standing, { ...request, head }, port, known)) ? 'unchanged' : undefined
}

function isOfThisAttempt(standing: Section, { run, head }: CommentRequest): boolean {
  const origin = originOf(standing)
  return origin?.head === head && origin.run === run.id && origin.attempt === run.attempt
}

function isNewer(standing: Section, { run, head }: CommentRequest): boolean {
  const origin = originOf(standing)
  return origin?.head === head && order(origin.run, origin.attempt, run.id, run.attempt) > 0
}

/** 13-adversary 35: a section counts when the platform knows its run, as one of this repository, this head, this workflow. */
async function isOfThisHead(
  section: Section,
  { head, repositoryId }: CommentRequest,
  port: CommentPort,
  known: Map<string, Promise<RunFacts | undefined>>,
): Promise<boolean> {
  const origin = originOf(section)
  if (origin?.head !== head) return false
  const name = `${origin.run}/${origin.attempt}`
  const asked = known.get(name) ?? port.run(origin.run, origin.attempt)
  known.set(name, asked)
  const run = await asked
  const [workflow] = section.key.split('/')
  const file = run?.path.split('@', 1)[0]?.split('/').at(-1) ?? ''
  return run !== undefined && run.repositoryId === repositoryId && run.head === head && partOf(file) === workflow
}

/** Half of the comment at most is taken by others before their sections are cut. */
function roomFor(sections: readonly Section[]): number {
  const others = sections.reduce((sum, { key, text }) => sum + key.length + text.length + 25, 0)
  return Math.max(LIMITS.commentCharacters / 2, LIMITS.commentCharacters - others)
}

/** @returns `equal` when exactly one comment stands and says this already; what was written; undefined when it was deleted meanwhile. */
async function settle(
  [first, ...more]: readonly OwnComment[],
  body: string,
  port: CommentPort,
): Promise<OwnComment | 'equal' | undefined> {
  const same = first !== undefined && first.body.replaceAll('\r\n', '\n').trim() === body.trim()
  if (same && more.length === 0) return 'equal'
  const written = same ? first : await (first === undefined ? port.create(body) : port.update(first.id, body))
  // Only once everything that they say stands in the one that is kept.
  if (written !== undefined) for (const { id } of more) await port.remove(id)
  return written
}
