import { type CommitId, hexOf, isCommitId, sha256 } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import type { Receipt } from './receipt.ts'
import { freshChanges, weight } from './rule-changes.ts'
import { renderSummary } from './summary.ts'
import { codeSpan } from './text.ts'
import { MARKS, VERDICT_WORDS } from './words.ts'

/** What tells the sections of one comment apart: a step of a job of a workflow. */
export interface CommentKey {
  /** File name of the workflow, `build.yml`: two workflows may have one title. */
  readonly workflow: string
  readonly job: string
  /** The input `name`, or what stands for it. */
  readonly name: string
}

/** One attempt of a run of a workflow, by its numbers. */
export interface RunName {
  readonly id: string
  readonly attempt: string
  /** Made from the server's address and these numbers alone. */
  readonly url: string
}

export interface SectionFacts {
  readonly key: CommentKey
  readonly run: RunName
  /** The run that looked at it again, where that is another one. */
  readonly checkedBy?: RunName
  /** Of the pull request, as this run judged it. */
  readonly head: CommitId
  /** The branch that it is for, whose rules judged it; it may be for another one by now. */
  readonly base?: string
  /** Whether the pull request changes `.github/**`; `unknown`: nobody could say. */
  readonly changesGithub: boolean | 'unknown'
}

/** A part of the comment, as it is written and as it was found. */
export interface Section {
  /** The key as it stands in the marker. */
  readonly key: string
  /** Everything below the marker's line. */
  readonly text: string
}

/** What the first line of a section says of its run. Anybody could have written it, so it is looked up before it counts. */
export interface SectionOrigin {
  readonly run: string
  readonly attempt: string
  readonly head: CommitId
}

const MARKER = /^<!-- waybill:([A-Za-z0-9._%-]{1,400}\/[A-Za-z0-9._%-]{1,400}\/[A-Za-z0-9._%-]{1,400}) -->$/
const ORIGIN = /\[Run ([1-9]\d{0,19}), attempt ([1-9]\d{0,5})\]\([^()\s]{1,500}\) of `([0-9a-f]{40})`/
/** Characters of one part of a key. */
const PART = 300

/** The key in characters that end no comment of HTML. */
export function keyText({ workflow, job, name }: CommentKey): string {
  return [workflow, job, name].map(partOf).join('/')
}

/** One part of a key, as it stands in the marker. */
export function partOf(text: string): string {
  const plain = encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*~]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('--', '%2D%2D')
    .replace(/^-|-$/g, '%2D')
  if (plain === '') return '%20'
  if (plain.length <= PART) return plain
  return `${plain.slice(0, PART - 17)}_${hexOf(sha256(Buffer.from(text))).slice(0, 16)}`
}

/**
 * One section: run, head and what the record is; then the summary by its own renderer.
 * @param more what stands below it. @param budget characters it may have, marker included.
 */
export function renderSection(
  receipt: Receipt,
  facts: SectionFacts,
  budget: number = LIMITS.commentCharacters,
  more = '',
): Section {
  const key = keyText(facts.key)
  const head = firstLine(facts)
  const room = budget - markerLine(key).length - head.length - more.length - 8
  // A ready policy is for the default branch alone; no pull request is on it (13-adversary 35).
  const { suggestedPolicy: _, ...told } = receipt
  const whole = renderSummary(told, Math.max(0, room)).trimEnd()
  const text = whole.length <= room ? whole : tooLong(receipt)
  const below = more === '' ? '' : `\n\n${more}`
  return { key, text: quiet(`${head}\n\n${text}${below}`) }
}

function firstLine({ run, checkedBy, head, base, changesGithub }: SectionFacts): string {
  const rules = {
    true: '⚠️ **This pull request changes `.github/**`, which decides what is checked.** ',
    false: '',
    unknown: '⚠️ **Whether this pull request changes `.github/**` could not be read.** ',
  }[`${changesGithub}`]
  const again = checkedBy === undefined ? '' : `, checked again by ${link(checkedBy)}`
  const judged = base === undefined ? '' : ` Judged for ${codeSpan(base)}.`
  return `${rules}${link(run)} of ${codeSpan(head)}${again}. ${NO_RECORD}${judged}`
}

const NO_RECORD = 'The check is the record, this comment is not.'

function link({ id, attempt, url }: RunName): string {
  return `[Run ${id}, attempt ${attempt}](${url})`
}

/** Fixed words and numbers; that the rules change is what whoever made it too long would like to hide (13-adversary 3). */
function tooLong(receipt: Receipt): string {
  const changes = freshChanges(receipt)
  const said = `${verdictLine(receipt.verdict)} the report is too long for a comment; it stands in the summary of the run.`
  if (changes.length === 0) return said
  const title = changes.some(({ proposed }) => proposed === true) ? RULES_PROPOSED : RULES_BROUGHT
  const shown = changes.slice(0, CHANGES).map(change => `⚠️ **${change.kind}**: ${weight(change)}.`)
  return [title, ...shown, said].join('\n\n')
}

/** Changes of the rules that are told where there is no room. */
const CHANGES = 10
const RULES_PROPOSED = '### Rules changed by this pull request'
const RULES_BROUGHT = '### Rules changed by these commits'

function verdictLine(verdict: Receipt['verdict']): string {
  return `## ${MARKS[verdict]} ${VERDICT_WORDS[verdict]}:`
}

/** Blocks show lines as they are; none of them may look like the beginning of a section. */
function quiet(text: string): string {
  return text.replace(/^(?=<!-- waybill:)/gm, ' ')
}

function markerLine(key: string): string {
  return `<!-- waybill:${key} -->`
}

/** The sections of a body; empty for one that does not begin with a marker. The first of two with one key counts. */
export function readSections(body: string): readonly Section[] {
  const lines = body.replaceAll('\r\n', '\n').split('\n')
  if (MARKER.exec(lines[0] ?? '') === null) return []
  const found = new Map<string, string[]>()
  let into: string[] = []
  for (const line of lines) {
    const key = MARKER.exec(line)?.[1]
    if (key === undefined) into.push(line)
    else {
      into = []
      if (!found.has(key)) found.set(key, into)
    }
  }
  return [...found].map(([key, text]) => ({ key, text: text.join('\n').trim() }))
}

/** Undefined for a text that no section of ours begins with. */
export function originOf({ text }: Section): SectionOrigin | undefined {
  const [, run, attempt, head] = ORIGIN.exec(text.split('\n', 1)[0] ?? '') ?? []
  return run === undefined || attempt === undefined || !isCommitId(head) ? undefined : { run, attempt, head }
}

/**
 * The whole body: sections in the order of their keys; where they are too long together, the longest keep their heads alone. Where
 * not even the heads have room, those that passed go first, and how many went is said.
 */
export function renderComment(sections: readonly Section[], budget: number = LIMITS.commentCharacters): string {
  const ordered = sections.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const shown = new Map(ordered.map(section => [section.key, section.text]))
  const body = () => [...shown].map(([key, text]) => `${markerLine(key)}\n${text}`).join('\n\n')
  for (const { key, text } of ordered.toSorted((a, b) => b.text.length - a.text.length)) {
    if (body().length <= budget) break
    shown.set(key, headOf(text))
  }
  const passed = ({ text }: Section) => Number(verdictOf(text) === PASSED)
  for (const { key } of ordered.toReversed().toSorted((a, b) => passed(b) - passed(a))) {
    if (body().length <= budget) break
    shown.delete(key)
    shown.delete(REST)
    const gone = ordered.length - shown.size
    shown.set(REST, `${gone} more ${gone === 1 ? 'section has' : 'sections have'} no room here: look at the checks.`)
  }
  return body()
}

/** No step has this key, and no run is named below it, so that whoever writes next leaves it out. */
const REST = '%20/%20/%20'

/** First line and verdict of a section that has no more room. */
function headOf(text: string): string {
  const lines = text.split('\n')
  const word = verdictOf(text)
  const rules = lines.find(line => line === RULES_PROPOSED || line === RULES_BROUGHT)
  return [
    lines[0] ?? '',
    ...(rules === undefined ? [] : ['', rules]),
    ...(word === undefined ? [] : ['', `${word} the rest stands in the summary of the run.`]),
  ].join('\n')
}

const VERDICT = /^## \S{1,4} (?:Passed|Rejected|Not checked):/u

const PASSED = `## ${MARKS.passed} ${VERDICT_WORDS.passed}:`

/** The line of the verdict to its colon. */
function verdictOf(text: string): string | undefined {
  const line = text.split('\n').find(line => VERDICT.test(line))
  return VERDICT.exec(line ?? '')?.[0]
}

const OUTCOMES = [VERDICT_WORDS.passed, VERDICT_WORDS.unknown, VERDICT_WORDS.rejected]

/** Whether the verdict of one section is a worse one than that of another. */
export function isWorse(one: Section, other: Section): boolean {
  const rank = ({ text }: Section) => OUTCOMES.findIndex(word => verdictOf(text)?.endsWith(` ${word}:`))
  return rank(one) > rank(other)
}

/**
 * What of a section `on-change` looks at: the word of the verdict, the rows of the base images, and what a reader has to know before
 * both, which is that the rules or `.github/**` change, and for which branch it was judged.
 */
export function changeOf({ text }: Section): string {
  const [github = ''] = text.split('[Run ', 1)
  const [first = ''] = text.split('\n', 1)
  const [, base = ''] = first.split(NO_RECORD)
  const [rules = ''] = /^### Rules changed by [\s\S]*?(?=^## )/m.exec(text) ?? []
  const [, materials = ''] = /^### Base images and other materials$([\s\S]*?)(?=^#{2,3} |(?![\s\S]))/m.exec(text) ?? []
  const rows = materials.split('\n').filter(line => line.startsWith('| '))
  return [github, base, rules.trim(), verdictOf(text) ?? '', ...rows].join('\n')
}

/** Without a section that stands: whether there is something to say. */
export function hasNews(receipt: Receipt, changesGithub: SectionFacts['changesGithub'] = false): boolean {
  const { verdict, materials } = receipt
  if (verdict !== 'passed' || changesGithub !== false || freshChanges(receipt).length > 0) return true
  return (materials?.items ?? []).some(({ previous }) => previous !== undefined)
}
