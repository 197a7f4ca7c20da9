import { join } from 'node:path'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { artifactService, askArtifacts, uploadStep } from '../github/artifacts.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { RunContext } from '../github/context.ts'
import { appendSummary } from '../github/runner-files.ts'
import type { Environment } from '../io/environment.ts'
import { readFileBounded, writeFileAtomic } from '../io/files.ts'
import { plainFilesBelow } from '../io/plain-files.ts'
import { BUNDLE_FOLDER, LEGACY_FOLDER } from '../pipeline/kept-statements.ts'
import { fenced } from '../report/text.ts'
import type { Reporting } from './report-run.ts'

export interface ResultUpload {
  readonly env: Environment
  readonly inputs: Pick<AttestInputs, 'upload'>
  readonly context: Pick<RunContext, 'serverUrl'>
  readonly name: string
  /** The run's private folder. */
  readonly folder: string
  readonly log: WorkflowLog
  readonly artifactScript: string
  readonly reporting: Reporting
}

/** What a run leaves for people and other jobs; not its builds, caches or clones. */
const DOCUMENTS = ['result.json', 'waybill-materials.json', 'provenance.draft.json', 'signing-key.pub']
const FOLDERS = [
  BUNDLE_FOLDER,
  `${BUNDLE_FOLDER}/${LEGACY_FOLDER}`,
  `${BUNDLE_FOLDER}/reviews`,
  `${BUNDLE_FOLDER}/files`,
]

/**
 * The artifact `waybill-<name>`: result, bundles, and what else the run wrote down (1-product § 4). Last of all, on success and on
 * failure. That it cannot be written is told with the step that does it instead, and changes no verdict. Never throws.
 */
export async function uploadResult(upload: ResultUpload): Promise<void> {
  const { env, inputs, context, name, folder, log, artifactScript: script } = upload
  if (inputs.upload === false) return
  const service = artifactService(env, context.serverUrl)
  try {
    if (typeof service === 'string')
      throw fail('github/artifacts-unavailable', 'The runner has no artifact service', { found: service })
    const files = await filesOf(upload)
    if (files.length === 0) return
    const task = { kind: 'upload', name: `waybill-${name}`, folder, files, replace: false } as const
    await askArtifacts({ env, service, script }, task)
    log.info(`Uploaded as the artifact waybill-${name}: ${files.length} files.`)
  } catch (error) {
    await tell(upload, error, typeof service !== 'string' || inputs.upload === true)
  }
}

/** The result is among them also where an input wants it somewhere else. */
async function filesOf({ folder, reporting: { resultPath } }: ResultUpload): Promise<readonly string[]> {
  const own = join(folder, 'result.json')
  if (resultPath !== undefined && resultPath !== own)
    await readFileBounded(resultPath, LIMITS.stateArchiveBytes)
      .then(bytes => writeFileAtomic(own, bytes))
      .catch(() => {})
  const [documents, rest] = await Promise.all([
    plainFilesBelow(folder, [''], LIMITS.artifactFiles),
    plainFilesBelow(folder, FOLDERS, LIMITS.artifactFiles),
  ])
  const wanted = new Set(DOCUMENTS.map(document => join(folder, document)))
  return [...documents.filter(path => wanted.has(path)), ...rest].slice(0, LIMITS.artifactFiles)
}

/** @param loud false: nobody asked for it, and the runner never had it. */
async function tell({ log, name, context, reporting }: ResultUpload, error: unknown, loud: boolean): Promise<void> {
  const { code, message, found, remedy } = asWaybillError(error)
  const why = found === undefined ? message : `${message}: ${found}`
  const step = uploadStep(name, context.serverUrl)
  if (loud) log.annotate({ level: 'warning', title: code, message: `${why}. ${remedy}` })
  log.info([`${why}. What this run made is on this machine; this step uploads it:`, ...step].join('\n'))
  if (!loud || reporting.summary === undefined) return
  const text = `\n### Artifacts\n\nNothing was uploaded (\`${code}\`). This step, after the one of Waybill, does it:\n\n${fenced('yaml', step)}\n`
  await appendSummary(reporting.summary, text).catch(() => {})
}
