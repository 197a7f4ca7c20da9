import { resolve } from 'node:path'
import { CATALOGUE } from '../core/catalogue.ts'
import { maybe } from '../core/maybe.ts'
import { HttpClient } from '../io/http.ts'
import { OfflineHttpClient } from '../io/offline-http.ts'
import { keepEvidence } from '../pipeline/kept.ts'
import { QUARANTINE_FOLDER } from '../pipeline/quarantine-file.ts'
import { type CredentialSource, loadCredentials } from '../registry/credentials.ts'
import { repositoryIn } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { renderSarif } from '../report/sarif.ts'
import { renderTerminal } from '../report/terminal.ts'
import type { Desk } from './commands/command.ts'
import { exitCodeOfVerdict } from './exit-code.ts'
import { type GateResult, runGate } from './gate.ts'
import { afterGate, type QuarantineHands } from './gate-after.ts'
import { clientsOf } from './gate-evidence.ts'
import type { NamedImages } from './gate-manifests.ts'
import { type PinnedFile, pinnedFiles, pinnedReceipt, writePinned } from './gate-pin.ts'
import { GateRecording } from './gate-recording.ts'
import { openReplay, type ReplayCaller, replayedReceipt } from './gate-replay.ts'
import { type GateSubjects, NO_SUBJECTS } from './gate-subjects.ts'
import { platformApi } from './platform-api.ts'
import { type PolicyOnDisk, policyFile } from './policy-file.ts'
import { recordPorts } from './quarantine-signer.ts'
import { showReceipt, terminalOptions, writePage } from './show.ts'
import { tufCacheOf } from './tuf-cache.ts'
import type { VerifyWish } from './verify-options.ts'
import { WAYBILL_VERSION } from './version.ts'

/** What one command line names. */
export interface CommandSubjects extends Partial<Pick<GateSubjects, 'images' | 'files'>> {
  readonly named?: NamedImages
}

interface VerifyWorld {
  readonly wish: VerifyWish
  readonly desk: Desk
  readonly http: HttpClient
  readonly credentials: CredentialSource
}

/** Runs the gate for one command line, does what follows from it, shows it, and gives the exit code. */
export async function verifyCommand(
  command: string,
  wish: VerifyWish,
  { named, ...typed }: CommandSubjects,
  desk: Desk,
): Promise<number> {
  const folder = desk.world.workingFolder
  const found = named === undefined ? {} : { named: named.subjects, unreadable: named.unreadable }
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const world = { wish, desk, http, credentials: await loadCredentials(desk.env, desk.env.HOME) }
    // Whatever could be wrong with who signs is found before anything is judged.
    const hands = handsOf(world)
    const result = await gateOf(command, { ...NO_SUBJECTS, ...typed, ...found, folder }, world)
    const pinned = wish.pin ? pinnedFiles(result.receipt, named?.sources ?? []) : []
    const receipt = await afterGate(result, { ...wish, ...maybe('hands', hands), folder, now: new Date() })
    await writePinned(pinned)
    await show({ ...receipt, ...pinnedReceipt(pinned) }, pinned, wish, desk)
    return exitCodeOfVerdict(receipt.verdict)
  } finally {
    http.close()
  }
}

function handsOf({ wish, desk, http, credentials }: VerifyWorld): QuarantineHands | undefined {
  const { recordSigner, insecureRegistries, filesRepository, quarantineDirectory = QUARANTINE_FOLDER } = wish
  if (recordSigner === undefined) return undefined
  const signer = { ...recordSigner, ...maybe('trustedRoot', wish.trustedRoot) }
  const directory = resolve(desk.world.workingFolder, quarantineDirectory)
  return {
    ...recordPorts(signer, { desk, http, directory }),
    clientFor: clientsOf({ http, credentials, insecureRegistries }),
    ...(filesRepository === undefined ? {} : { filesRepository: repositoryIn(filesRepository) }),
  }
}

async function gateOf(command: string, subjects: GateSubjects, the: VerifyWorld): Promise<GateResult> {
  const { wish, credentials } = the
  const { world, env } = the.desk
  const { insecureRegistries, flags, key, trustedRoot, filesRepository, out } = wish
  const inFolder = (path: string): string => resolve(world.workingFolder, path)
  const offline = wish.offline || wish.replay !== undefined
  const http = offline ? new OfflineHttpClient() : the.http
  const given = wish.policy === undefined ? undefined : await policyFile(wish.policy, world.workingFolder)
  const replay =
    wish.replay === undefined ? undefined : await openReplay(wish.replay, world.workingFolder, callerOf(wish, given))
  const policy = given ?? replay?.policy
  const recording = out === undefined ? undefined : new GateRecording()
  const now = replay?.kept.time ?? new Date()
  const { api } = platformApi(env, http)
  const result = await runGate({
    command,
    subjects,
    ...maybe('policy', policy),
    flags,
    stage: wish.stage,
    ...(key === undefined ? {} : { keyFile: inFolder(key) }),
    ...(trustedRoot === undefined ? {} : { trustedRootFile: inFolder(trustedRoot) }),
    ...maybe('filesRepository', filesRepository),
    bundleFiles: wish.bundles.map(inFolder),
    offline,
    http,
    credentials,
    insecureRegistries,
    cacheFolder: cacheFolderOf(the.desk),
    now,
    ...maybe('progress', the.desk.progress),
    ...(api.hasToken ? { store: api } : {}),
    ...maybe('recording', recording),
    ...maybe('replay', replay),
  })
  if (replay !== undefined) return { ...result, receipt: replayedReceipt(result.receipt, replay) }
  if (out === undefined || recording === undefined) return result
  const digest = await keepEvidence(inFolder(out), recording.kept(now, policy?.kept))
  return { ...result, receipt: { ...result.receipt, evidence: { folder: out, digest } } }
}

/** Where TUF metadata is kept between runs. */
export function cacheFolderOf({ env, world }: Desk): string {
  return tufCacheOf(env, world.workingFolder)
}

/** Everything but `require` says who is expected. */
function callerOf({ flags, key, trustedRoot }: VerifyWish, policy: PolicyOnDisk | undefined): ReplayCaller {
  const { require = [], ...who } = flags
  return {
    ...maybe('policy', policy),
    flags: key !== undefined || Object.keys(who).length > 0,
    trustedRoot: trustedRoot !== undefined,
    require: require.length > 0,
  }
}

/** A verdict in the format that was asked for, and its page. */
export function showVerdict(receipt: Receipt, wish: VerifyWish, desk: Desk): Promise<void> {
  return show(receipt, [], wish, desk)
}

/** With a manifest on standard input and `--pin`, the manifest is the data on standard output, and the verdict is talk. */
async function show(receipt: Receipt, pinned: readonly PinnedFile[], wish: VerifyWish, desk: Desk): Promise<void> {
  const { world } = desk
  await writePage(receipt, wish.html, desk)
  const piped = pinned.find(({ path }) => path === undefined)
  if (wish.format === 'sarif') {
    world.out(renderSarif(receipt, { version: WAYBILL_VERSION, rulesFrom: CATALOGUE }))
  } else if (piped !== undefined || (wish.pin && wish.pipes)) {
    if (piped !== undefined) world.out(piped.bytes)
    const exitCode = exitCodeOfVerdict(receipt.verdict)
    if (!wish.quiet) world.err(renderTerminal(receipt, { ...terminalOptions(desk, 'talk'), exitCode }))
  } else showReceipt(receipt, desk, { json: wish.format === 'json', quiet: wish.quiet })
}
