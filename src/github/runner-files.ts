import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { appendTo, exists, readFileBounded } from '../io/files.ts'

/** Bytes of the whole summary of one step; above, GitHub shows none of it. */
const STEP_SUMMARY_BYTES = 1024 * 1024
const CUT_NOTE = '\n\n*The summary was cut here: a job step may show 1 MiB. The result file holds all of it.*\n'
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/

/**
 * Writes one output or state value: `name<<delimiter`, the value, `delimiter`.
 * The delimiter is random, because a value that contains it could add outputs of its own.
 * @param file `GITHUB_OUTPUT` or `GITHUB_STATE`. @param random a fresh unguessable word. @throws `core/file-unwritable`
 */
export async function writeRunnerValue(file: string, name: string, value: string, random: () => string): Promise<void> {
  await appendTo(file, runnerValue(name, value, random))
}

/** The lines of one value. Exported for its property test. */
export function runnerValue(name: string, value: string, random: () => string): string {
  if (!NAME.test(name)) throw fail('core/internal', `The output name ${name} is not one`)
  let delimiter = `waybill_${random()}`
  while (value.includes(delimiter)) delimiter = `waybill_${random()}`
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
}

/** Bytes that this run may add to the job summary: what is there already counts. @param file `GITHUB_STEP_SUMMARY`. */
export async function summaryRoom(file: string): Promise<number> {
  const there = (await exists(file)) ? (await readFileBounded(file, 8 * STEP_SUMMARY_BYTES)).byteLength : 0
  return Math.max(0, Math.min(LIMITS.summaryBytes, STEP_SUMMARY_BYTES - there))
}

/**
 * Appends Markdown to the job summary, cut at the end of a line when the step would exceed what GitHub shows.
 * @param file `GITHUB_STEP_SUMMARY`. @returns whether all of it was written. @throws `core/file-unwritable`
 */
export async function appendSummary(file: string, markdown: string): Promise<boolean> {
  const text = markdown.endsWith('\n') ? markdown : `${markdown}\n`
  const fitting = cutToBytes(text, await summaryRoom(file))
  if (fitting !== '') await appendTo(file, fitting)
  return fitting === text
}

/** All of the text, or its first whole lines with a note, in at most `bytes` bytes of UTF-8; empty when not even that fits. */
export function cutToBytes(text: string, bytes: number): string {
  if (utf8(text).byteLength <= bytes) return text
  const budget = bytes - utf8(CUT_NOTE).byteLength
  let size = 0
  let end = 0
  for (let start = 0; start < text.length; ) {
    const next = text.indexOf('\n', start) + 1 || text.length
    size += utf8(text.slice(start, next)).byteLength
    if (size > budget) break
    end = next
    start = next
  }
  return budget < 0 ? '' : `${text.slice(0, end)}${CUT_NOTE}`
}

/** Bytes of the list of a job's artifacts. Ten thousand references are under this. */
const ARTIFACTS_BYTES = 4 * 1024 * 1024

/**
 * Appends references, `host/repository@sha256:…`, to the runner's list of what a job made, one a line and each once.
 * @param file `GITHUB_ARTIFACTS`. @returns how many were not in it. @throws `core/file-unreadable`, `core/file-unwritable`
 */
export async function appendArtifacts(file: string, references: readonly string[]): Promise<number> {
  const there = (await exists(file)) ? (decodeUtf8(await readFileBounded(file, ARTIFACTS_BYTES)) ?? '') : ''
  const known = new Set(there.split('\n').map(line => line.trim()))
  const missing = references.filter(reference => !known.has(reference))
  if (missing.length === 0) return 0
  // The last line may be somebody else's, and not ended yet.
  const begin = there === '' || there.endsWith('\n') ? '' : '\n'
  await appendTo(file, `${begin}${missing.join('\n')}\n`)
  return missing.length
}
