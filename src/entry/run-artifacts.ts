import { join } from 'node:path'
import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type ArtifactService, artifactService, askArtifacts } from '../github/artifacts.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { RunContext } from '../github/context.ts'
import type { Environment } from '../io/environment.ts'
import { hashFile, makeTemporaryFolder, namesIn, remove } from '../io/files.ts'
import { plainFilesBelow } from '../io/plain-files.ts'
import { readStateFolder, type StateBounds, type StateFolder } from '../io/state-folder.ts'
import type { AttestPorts } from '../pipeline/attest-request.ts'
import { BUNDLE_FOLDER, LEGACY_FOLDER } from '../pipeline/kept-statements.ts'
import type { SavedState } from '../pipeline/saved-state.ts'
import { readStateArchive } from './state-archive.ts'

/** As much as of one subject in a registry. */
export const STATE_BOUNDS: StateBounds = {
  files: LIMITS.subjectBundles,
  fileBytes: LIMITS.bundleBytes,
  totalBytes: LIMITS.subjectBundleBytes,
}

export interface ArtifactsSetting {
  readonly env: Environment
  readonly inputs: Pick<AttestInputs, 'upload'>
  readonly context: Pick<RunContext, 'serverUrl' | 'runAttempt'>
  readonly request: { readonly name: string }
  /** The run's private folder. */
  readonly folder: string
  /** Script of the thread that holds the artifact client. */
  readonly artifactScript: string
}

/** What an earlier attempt left: in this run's folder, and in the artifact of its state, which counts no more than a folder would. */
export function statePorts(setting: ArtifactsSetting): Pick<AttestPorts, 'state' | 'saveState'> {
  const { env, inputs, context, folder } = setting
  const service = inputs.upload === false ? 'upload is false' : artifactService(env, context.serverUrl)
  const bundles = join(folder, BUNDLE_FOLDER)
  const onDisk = async () => joined([await readStateFolder(bundles, STATE_BOUNDS), await legacyOn(bundles)])
  if (typeof service === 'string') return { state: onDisk }
  const again = context.runAttempt !== '1'
  return {
    state: async () => joined(await Promise.all([onDisk(), ...(again ? [downloadState(setting, service)] : [])])),
    saveState: stateSaver(setting, service, bundles),
  }
}

async function legacyOn(bundles: string): Promise<StateFolder> {
  const { files, ignored } = await readStateFolder(join(bundles, LEGACY_FOLDER), STATE_BOUNDS)
  return { files: files.map(({ name, bytes }) => ({ name: `${LEGACY_FOLDER}/${name}`, bytes })), ignored }
}

function joined(folders: readonly StateFolder[]): StateFolder {
  return { files: folders.flatMap(({ files }) => files), ignored: folders.flatMap(({ ignored }) => ignored) }
}

async function downloadState(setting: ArtifactsSetting, service: ArtifactService): Promise<StateFolder> {
  const name = stateName(setting)
  const { env, artifactScript: script, folder: own } = setting
  let folder: string | undefined
  try {
    folder = await makeTemporaryFolder(own, 'state-')
    const task = { kind: 'download', name, folder, most: LIMITS.stateArchiveBytes } as const
    const { state } = await askArtifacts({ env, service, script }, task)
    const [archive] = state === 'done' ? await namesIn(folder) : []
    if (archive === undefined) return { files: [], ignored: [] }
    return await readStateArchive(join(folder, archive), `the artifact ${name}`, STATE_BOUNDS)
  } catch (error) {
    const { message, found } = asWaybillError(error)
    return { files: [], ignored: [{ name: `the artifact ${name}`, why: found ?? message }] }
  } finally {
    if (folder !== undefined) await remove(folder).catch(() => {})
  }
}

/** One after the other; what is there already is not written again. */
function stateSaver(setting: ArtifactsSetting, service: ArtifactService, bundles: string): () => Promise<SavedState> {
  let last: Saving = Promise.resolve({ told: undefined })
  return () => {
    const before = last
    last = saveOnce(setting, service, bundles, before)
    return last.then(({ told }) => told)
  }
}

/** `of`: digest of what was saved last. */
type Saving = Promise<{ readonly of?: Digest; readonly told: SavedState }>

async function saveOnce(setting: ArtifactsSetting, service: ArtifactService, bundles: string, before: Saving): Saving {
  const name = stateName(setting)
  const { of, told } = await before
  // The client asked a service that does not answer five times already.
  if (told !== undefined && 'trouble' in told) return { told }
  try {
    const files = await plainFilesBelow(bundles, STATE_FOLDERS, LIMITS.subjectBundles)
    const digests = await Promise.all(files.map(async file => `${file} ${(await hashFile(file)).digest}`))
    const now = sha256(Buffer.from(digests.join('\n')))
    if (files.length === 0 || now === of) return { ...(of === undefined ? {} : { of }), told }
    const task = { kind: 'upload', name, folder: bundles, files, replace: of !== undefined } as const
    await askArtifacts({ env: setting.env, service, script: setting.artifactScript }, task)
    return { of: now, told: { artifact: name } }
  } catch (error) {
    const { code, message, found, remedy } = asWaybillError(error)
    const why = found === undefined ? message : `${message}: ${found}`
    return { ...(of === undefined ? {} : { of }), told: { trouble: { code, why, remedy } } }
  }
}

/** Bundles of the image; those of files and reviews are made or brought again. */
const STATE_FOLDERS = ['', LEGACY_FOLDER]

function stateName({ request }: Pick<ArtifactsSetting, 'request'>): string {
  return `waybill-state-${request.name}`
}
