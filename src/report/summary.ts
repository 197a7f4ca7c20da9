import { LIMITS } from '../core/limits.ts'
import { chain, subjectChain } from './chain.ts'
import {
  cosign2Commands,
  judgedCommands,
  needsTrustedRoot,
  pullCommand,
  TRUSTED_ROOT_LINE,
  verifyCommands,
} from './commands.ts'
import { commitTable, isCommit, isTag, levelWords, tagTable } from './commits.ts'
import { counted, othersOf, recordedWord, worstFirst } from './counts.ts'
import { keptOnDisk, stateSteps } from './kept.ts'
import { materialSubjects, materialsPart } from './materials.ts'
import type { Receipt } from './receipt.ts'
import { reproduciblePart, reproducibleSubjects } from './reproducible.ts'
import { changedRules, earlierChanges } from './rule-changes.ts'
import { sincePart } from './since.ts'
import { subjectDetails } from './subject-details.ts'
import { attestationTable, findingTable, platformTable, sinkTable, subjectTable, timingTable } from './tables.ts'
import { codeSpan, fenced, remedyLines, sentence } from './text.ts'
import { MARKS, STAGE_WORDS, VERDICT_WORDS } from './words.ts'

/** Rows of every list to begin with; halved until the summary fits its budget. */
const FIRST_LIMIT = 4096

/**
 * The job summary (8-report § 1) in GitHub's Markdown, from the receipt alone, on success and on failure.
 * @param budget bytes it may have; the platform drops a whole summary that is too large.
 */
export function renderSummary(receipt: Receipt, budget: number = LIMITS.summaryBytes): string {
  for (let limit = FIRST_LIMIT; ; limit = Math.floor(limit / 2)) {
    const text = render(receipt, limit)
    if (limit === 0 || Buffer.byteLength(text) <= budget) return text
  }
}

function render(receipt: Receipt, limit: number): string {
  const parts = [
    ...notices(receipt),
    changedRules(receipt, limit),
    `## ${MARKS[receipt.verdict]} ${VERDICT_WORDS[receipt.verdict]}: ${headline(receipt)}${recordedWord(receipt)}`,
    levels(receipt),
    auditOnly(receipt),
    optionalCommand(pullCommand(receipt)),
    failure(receipt),
    leftOpen(receipt),
    block('mermaid', graph(receipt)),
    ...lists(receipt, limit),
    notChecked(receipt, limit),
    verifyYourself(receipt, limit),
    written(receipt, limit),
    policy(receipt, limit),
    receipt.stages.length === 0 ? undefined : `### Stages\n\n${timingTable(receipt)}`,
  ]
  return `${parts.filter(part => part !== undefined).join('\n\n')}\n`
}

/** First of all: what a reader must know before the verdict (13-adversary 38). */
function notices(receipt: Receipt): readonly string[] {
  const source = receipt.stages.find(({ name }) => name === 'source')
  const silent = receipt.notices.length === 0 && source?.state === 'not-asked'
  const all = silent ? ['No policy judged the commits: nothing is claimed about them.'] : receipt.notices
  return all.map(notice => `> ⚠️ ${sentence(notice)}`)
}

function headline({ image, source, subjects, command }: Receipt): string {
  if (image !== undefined) return codeSpan(`${image.repository}@${image.digest}`, 500)
  const [only, ...more] = subjects
  if (only !== undefined && more.length === 0) return codeSpan(only.name === '' ? only.digest : only.name, 500)
  if (source !== undefined) return codeSpan(`${source.repository}@${source.commit}`, 500)
  return subjects.length === 0 ? codeSpan(command) : `${subjects.length} subjects (${counted(subjects)})`
}

/** What was proved of the history; nothing is said of a run in which nothing was. */
function levels(receipt: Receipt): string | undefined {
  const words = levelWords(receipt, codeSpan)
  return words.length === 0 ? undefined : words.join(' ')
}

/** The verdict is the same in every mode (13-adversary 41), so it has to be said where it stopped nothing. */
function auditOnly({ stages }: Receipt): string | undefined {
  const told = stages.filter(({ mode, state }) => mode === 'audit' && (state === 'rejected' || state === 'unknown'))
  if (told.length === 0) return undefined
  const words = told.map(({ name, state }) => `${STAGE_WORDS[name]} ${state}`).join(', ')
  return `**Audit only:** ${words}; this was told and stopped nothing.`
}

/** Near the verdict, so that nobody takes it for more than it says; the list itself stands below what was checked. */
function leftOpen({ notChecked: list }: Receipt): string | undefined {
  if (list.length === 0) return undefined
  return `**Not checked: ${list.length === 1 ? '1 point' : `${list.length} points`}**, listed below.`
}

/** The error as it stands in the log: code, expected, found, remedy. */
function failure({ error }: Receipt): string | undefined {
  if (error === undefined) return undefined
  const lines = [
    `${error.code}: ${error.message}`,
    ...(error.expected === undefined ? [] : [`  expected: ${error.expected}`]),
    ...(error.found === undefined ? [] : [`  found:    ${error.found}`]),
    ...remedyLines(error.remedy),
  ]
  return `### Why\n\n${fenced('text', lines)}`
}

/** The stages of a run that made something; else the chain of the one subject. */
function graph({ stages, subjects }: Receipt): readonly string[] {
  const lines = chain(stages)
  const [only, ...more] = othersOf(subjects)
  return lines.length > 0 || only === undefined || more.length > 0 ? lines : subjectChain(only)
}

function lists(receipt: Receipt, limit: number): readonly string[] {
  const { subjects, image, attestations } = receipt
  const found = [...subjects, ...materialSubjects(receipt), ...reproducibleSubjects(receipt)]
  const commits = subjects.filter(isCommit)
  const tags = subjects.filter(isTag)
  const others = worstFirst(othersOf(subjects))
  const parts: string[] = []
  if (found.some(({ findings }) => findings.length > 0)) parts.push(`### Findings\n\n${findingTable(found, limit)}`)
  const since = sincePart(receipt, limit)
  if (since !== undefined) parts.push(since)
  if (tags.length > 0) parts.push(`### Tag\n\n${tagTable(tags, limit)}`)
  if (commits.length > 0) parts.push(`### Commits\n\n${commitTable(commits, limit)}`)
  const materials = materialsPart(receipt, limit)
  if (materials !== undefined) parts.push(materials)
  if (others.length > 0) parts.push(`### Subjects\n\n${subjectTable(others, limit)}`, ...subjectDetails(others, limit))
  if (image !== undefined) parts.push(`### Image\n\n${imageFacts(receipt, limit)}`)
  const again = reproduciblePart(receipt, limit)
  if (again !== undefined) parts.push(again)
  if (attestations.length > 0)
    parts.push(`### Attestations\n\n${attestationTable(attestations, limit)}${kept(receipt)}`)
  const sinks = published(receipt, limit)
  if (sinks !== undefined) parts.push(sinks)
  return parts
}

/** Nothing is said of one registry that took everything: the stages say that. */
function published({ sinks = [] }: Receipt, limit: number): string | undefined {
  const plain = sinks.length < 2 && sinks.every(({ state }) => state === 'passed')
  return plain ? undefined : `### Published\n\n${sinkTable(sinks, limit)}`
}

function kept(receipt: Receipt): string {
  const paths = keptOnDisk(receipt)
  if (paths.length === 0) return ''
  const where = `Signed, but not known to be in the registry; kept on the runner: ${paths.map(path => codeSpan(path)).join(', ')}`
  const { stateArtifact } = receipt
  if (stateArtifact !== undefined)
    return `\n\n${where}\n\nThe artifact ${codeSpan(stateArtifact)} holds them, too: re-run the failed jobs, and nothing is signed twice.`
  const steps = stateSteps(receipt)
  const how = 'So that the next attempt finds them on its own machine and signs nothing twice, add to the job:'
  return `\n\n${where}${steps.length === 0 ? '' : `\n\n${how}\n\n${fenced('yaml', steps)}`}`
}

function imageFacts({ image }: Receipt, limit: number): string {
  if (image === undefined) return ''
  const tags =
    image.tags.length === 0
      ? 'none'
      : image.tags
          .slice(0, limit)
          .map(tag => codeSpan(tag))
          .join(', ')
  const facts = `Built by ${codeSpan(image.builder)}, ${image.pushed ? 'pushed' : 'not pushed'}; tags: ${tags}`
  return image.platforms.length === 0 ? facts : `${facts}\n\n${platformTable(image, limit)}`
}

/** Always there, even when empty: what is not said here was checked. */
function notChecked({ notChecked: list }: Receipt, limit: number): string {
  const shown = list.slice(0, limit).map(item => `- ${sentence(item)}`)
  const more = list.length > shown.length ? [`- ${list.length - shown.length} more in the result JSON`] : []
  return `### What was not checked\n\n${list.length === 0 ? 'Nothing was left out.' : [...shown, ...more].join('\n')}`
}

/** What the run wrote for others to use. */
function written({ pinned = [], evidence }: Receipt, limit: number): string | undefined {
  const shown = pinned.slice(0, limit).map(path => `- ${codeSpan(path)}`)
  const more = pinned.length > shown.length ? [`- ${pinned.length - shown.length} more in the result JSON`] : []
  const parts = [
    ...(pinned.length === 0 ? [] : [`Digests were written into:\n\n${[...shown, ...more].join('\n')}`]),
    ...(evidence === undefined
      ? []
      : [`Evidence to judge again with \`--replay\`: ${codeSpan(evidence.folder)}, ${codeSpan(evidence.digest)}`]),
  ]
  return parts.length === 0 ? undefined : `### Written\n\n${parts.join('\n\n')}`
}

function verifyYourself(receipt: Receipt, limit: number): string | undefined {
  const commands = [...verifyCommands(receipt), ...judgedCommands(receipt)]
  if (commands.length === 0) return undefined
  const root = needsTrustedRoot(receipt) ? [TRUSTED_ROOT_LINE] : []
  const older = limit === 0 ? [] : cosign2Commands(receipt)
  return [
    '### Verify it yourself',
    fenced('sh', [...root, ...commands]),
    ...(older.length === 0
      ? []
      : [`<details><summary>The same with cosign 2</summary>\n\n${fenced('sh', [...root, ...older])}\n\n</details>`]),
  ].join('\n\n')
}

function policy(receipt: Receipt, limit: number): string | undefined {
  const { policy: used, suggestedPolicy } = receipt
  const parts: string[] = []
  if (used !== undefined) {
    const facts = [used.uri, used.ref, used.digest, used.anchor && `anchor ${used.anchor}`].filter(
      fact => fact !== undefined,
    )
    parts.push(`Judged by ${facts.map(fact => codeSpan(fact)).join(', ')}`)
  }
  const earlier = earlierChanges(receipt, limit)
  if (earlier !== undefined) parts.push(earlier)
  if (suggestedPolicy !== undefined && limit > 0) {
    const text = fenced('yaml', suggestedPolicy.trimEnd().split('\n'))
    parts.push(
      `<details><summary>A policy made from what this run saw, to read before using it</summary>\n\n${text}\n\n</details>`,
    )
  }
  return parts.length === 0 ? undefined : `### Policy\n\n${parts.join('\n\n')}`
}

function block(language: 'mermaid', lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : fenced(language, lines)
}

function optionalCommand(line: string | undefined): string | undefined {
  return line === undefined ? undefined : fenced('sh', [line])
}
