import { fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import type { Receipt } from './receipt.ts'
import { table } from './table.ts'
import { cell, shortDigest } from './text.ts'

/** What is shown of a result that somebody else's run wrote. Every word of it is that run's own claim. */
export interface ForkReport {
  readonly verdict: string
  readonly image?: { readonly repository: string; readonly digest: string }
  readonly stages: readonly { readonly name: string; readonly state: string }[]
  readonly findings: readonly { readonly code: string; readonly message: string }[]
  readonly error?: { readonly code: string; readonly message: string }
}

/** Rows of each list that are shown. */
const SHOWN = 20
/** Of one report: a character may take eight when it is escaped, and what was checked here must keep its room. */
const CHARACTERS = 5_000
/** Lists that a result of ours may have at most. */
const MAX_ITEMS = 20_000

/** Every key of a result: one that is new does not compile until it stands here. */
const KEYS: Readonly<Record<keyof Receipt, true>> = {
  schemaVersion: true,
  command: true,
  verdict: true,
  subjects: true,
  stages: true,
  attestations: true,
  sinks: true,
  image: true,
  materials: true,
  policy: true,
  source: true,
  since: true,
  ruleChanges: true,
  identity: true,
  signingKey: true,
  notChecked: true,
  notices: true,
  recorded: true,
  pinned: true,
  evidence: true,
  run: true,
  requests: true,
  stateArtifact: true,
  suggestedPolicy: true,
  explanation: true,
  engines: true,
  reproducible: true,
  error: true,
}
const VERDICTS = ['passed', 'rejected', 'unknown']
const STATES = [...VERDICTS, 'not-asked', 'not-reached']

/**
 * Reads `result.json` of the artifact of a run that anybody may have shaped (schemas/result.json, as far as it is shown).
 * @throws `github/fork-report-unusable`
 */
export function readForkReport(bytes: Uint8Array): ForkReport {
  try {
    return reportAt(parseJsonObject(bytes, 'result.json'))
  } catch (error) {
    throw fail('github/fork-report-unusable', 'The result that the run left is not one of Waybill', {
      ...(error instanceof Error ? { found: error.message } : {}),
      cause: error,
    })
  }
}

function reportAt(result: JsonObject): ForkReport {
  const unknown = Object.keys(result).find(key => !Object.hasOwn(KEYS, key))
  if (unknown !== undefined) throw new RangeError('there is a key that no result has')
  if (result.schemaVersion !== 1) throw new RangeError('schemaVersion is not 1')
  stringAt(result.command, 'command')
  for (const name of ['notices', 'notChecked'])
    for (const item of listAt(result[name], name)) stringAt(item, `${name}[]`)
  listAt(result.attestations, 'attestations')
  const image = optional(result.image, objectAt, 'image')
  return {
    verdict: oneOf(result.verdict, VERDICTS, 'verdict'),
    ...(image === undefined ? {} : { image: imageAt(image) }),
    stages: listAt(result.stages, 'stages').map(item => {
      const stage = objectAt(item, 'stages[]')
      return { name: stringAt(stage.name, 'stages[].name'), state: oneOf(stage.state, STATES, 'stages[].state') }
    }),
    findings: listAt(result.subjects, 'subjects').flatMap(item => {
      const subject = objectAt(item, 'subjects[]')
      oneOf(subject.verdict, STATES, 'subjects[].verdict')
      return listAt(subject.findings, 'subjects[].findings').map(codeAt)
    }),
    ...(result.error === undefined ? {} : { error: codeAt(result.error) }),
  }
}

function imageAt(image: JsonObject): NonNullable<ForkReport['image']> {
  const digest = stringAt(image.digest, 'image.digest')
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new RangeError('image.digest is no digest')
  return { repository: stringAt(image.repository, 'image.repository'), digest }
}

function codeAt(value: Json): { readonly code: string; readonly message: string } {
  const finding = objectAt(value, 'finding')
  const code = stringAt(finding.code, 'finding.code')
  if (!/^[a-z]+\/[a-z0-9-]+$/.test(code)) throw new RangeError('finding.code is no code')
  return { code, message: stringAt(finding.message, 'finding.message') }
}

function listAt(value: Json | undefined, path: string): readonly Json[] {
  const list = arrayAt(value, path)
  if (list.length > MAX_ITEMS) throw new RangeError(`${path} has more items than a result has`)
  return list
}

function oneOf(value: Json | undefined, words: readonly string[], path: string): string {
  const word = stringAt(value, path)
  if (!words.includes(word)) throw new RangeError(`${path} is none of its words`)
  return word
}

const FORK_TITLE = '### Reported by the fork’s own run, not verified'

/** Below what was checked here, without marks and colour: it looks like nothing that anybody checked (13-adversary 36). */
export function renderForkReport({ verdict, image, stages, findings, error }: ForkReport): string {
  const said = [
    ['verdict', verdict],
    ...(image === undefined ? [] : [['image', `${image.repository}@${shortDigest(image.digest)}`]]),
    ...(error === undefined ? [] : [['error', `${error.code}: ${error.message}`]]),
    ...stages.filter(({ state }) => state !== 'not-reached').map(({ name, state }) => [`stage ${name}`, state]),
    ...findings.map(({ code, message }) => ['finding', `${code}: ${message}`]),
  ]
  const rows = said.map(([what, words]) => `| ${cell(what, 60)} | ${cell(words, 200)} |`)
  for (let limit = SHOWN; ; limit--) {
    const text = `${FORK_TITLE}\n\nWhoever opened the pull request decides what stands here.\n\n${table(['said about', 'in its words'], rows, limit)}`
    if (limit === 0 || text.length <= CHARACTERS) return text
  }
}

/** In the place of a report that cannot be shown. @param why fixed words and a code. */
export function noForkReport(why: string): string {
  return `${FORK_TITLE}\n\n${why}`
}
