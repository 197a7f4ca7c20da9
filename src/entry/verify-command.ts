import { join, resolve } from 'node:path'
import { CATALOGUE } from '../core/catalogue.ts'
import { HttpClient } from '../io/http.ts'
import { OfflineHttpClient } from '../io/offline-http.ts'
import { loadCredentials } from '../registry/credentials.ts'
import type { Receipt } from '../report/receipt.ts'
import { renderSarif } from '../report/sarif.ts'
import { renderTerminal, wantsColour } from '../report/terminal.ts'
import type { Desk } from './commands/command.ts'
import { exitCodeOfVerdict } from './exit-code.ts'
import { type GateResult, runGate } from './gate.ts'
import { afterGate } from './gate-after.ts'
import type { NamedImages } from './gate-manifests.ts'
import { type PinnedFile, pinnedFiles, writePinned } from './gate-pin.ts'
import { type GateSubjects, NO_SUBJECTS } from './gate-subjects.ts'
import { policyFile } from './policy-file.ts'
import { showReceipt } from './show.ts'
import type { VerifyWish } from './verify-options.ts'
import { WAYBILL_VERSION } from './version.ts'

/** What one command line names. */
export interface CommandSubjects extends Partial<Pick<GateSubjects, 'images' | 'files'>> {
  readonly named?: NamedImages
}

/** Runs the gate for one command line, does what follows from it, shows it, and gives the exit code. */
export async function verifyCommand(
  command: string,
  wish: VerifyWish,
  { named, ...typed }: CommandSubjects,
  desk: Desk,
): Promise<number> {
  const folder = desk.world.workingFolder
  const now = new Date()
  const found = named === undefined ? {} : { named: named.subjects, unreadable: named.unreadable }
  const result = await gateOf(command, wish, { ...NO_SUBJECTS, ...typed, ...found, folder }, now, desk)
  const pinned = wish.pin ? pinnedFiles(result.receipt, named?.sources ?? []) : []
  const receipt = await afterGate(result, { ...wish, folder, now })
  const written = await writePinned(pinned)
  show(pinnedNotice(receipt, written), pinned, wish, desk)
  return exitCodeOfVerdict(receipt.verdict)
}

async function gateOf(
  command: string,
  wish: VerifyWish,
  subjects: GateSubjects,
  now: Date,
  { world, env }: Desk,
): Promise<GateResult> {
  const { offline, insecureRegistries, flags, key, trustedRoot, filesRepository } = wish
  const inFolder = (path: string): string => resolve(world.workingFolder, path)
  const http = offline ? new OfflineHttpClient() : new HttpClient({ plainHttpHosts: insecureRegistries })
  try {
    return await runGate({
      command,
      subjects,
      ...(wish.policy === undefined ? {} : { policy: await policyFile(wish.policy, world.workingFolder) }),
      flags,
      stage: wish.stage,
      ...(key === undefined ? {} : { keyFile: inFolder(key) }),
      ...(trustedRoot === undefined ? {} : { trustedRootFile: inFolder(trustedRoot) }),
      ...(filesRepository === undefined ? {} : { filesRepository }),
      bundleFiles: wish.bundles.map(inFolder),
      offline,
      http,
      credentials: await loadCredentials(env, env.HOME),
      insecureRegistries,
      cacheFolder: join(env.XDG_CACHE_HOME ?? join(env.HOME ?? world.workingFolder, '.cache'), 'waybill', 'tuf'),
      now,
    })
  } finally {
    http.close()
  }
}

function pinnedNotice(receipt: Receipt, written: readonly string[]): Receipt {
  if (written.length === 0) return receipt
  return { ...receipt, notices: [...receipt.notices, `Digests were written into ${written.join(', ')}`] }
}

/** With a manifest on standard input and `--pin`, the manifest is the data on standard output, and the verdict is talk. */
function show(receipt: Receipt, pinned: readonly PinnedFile[], wish: VerifyWish, desk: Desk): void {
  const { world, env } = desk
  const piped = pinned.find(({ path }) => path === undefined)
  if (wish.format === 'sarif') {
    world.out(renderSarif(receipt, { version: WAYBILL_VERSION, rulesFrom: CATALOGUE }))
  } else if (piped !== undefined || (wish.pin && wish.pipes)) {
    if (piped !== undefined) world.out(piped.bytes)
    const options = { colour: wantsColour(env.NO_COLOR, false), columns: world.columns }
    if (!wish.quiet) world.err(renderTerminal(receipt, options))
  } else showReceipt(receipt, desk, { json: wish.format === 'json', quiet: wish.quiet })
}
