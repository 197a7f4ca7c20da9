import { join, resolve } from 'node:path'
import { HttpClient } from '../io/http.ts'
import { OfflineHttpClient } from '../io/offline-http.ts'
import { loadCredentials } from '../registry/credentials.ts'
import type { Receipt } from '../report/receipt.ts'
import type { Desk } from './commands/command.ts'
import { exitCodeOfVerdict } from './exit-code.ts'
import { runGate } from './gate.ts'
import { type GateSubjects, NO_SUBJECTS } from './gate-subjects.ts'
import { policyFile } from './policy-file.ts'
import { showReceipt } from './show.ts'
import type { VerifyWish } from './verify-options.ts'

/** Runs the gate for one command line, shows what it found and gives the exit code. */
export async function verifyCommand(
  command: string,
  wish: VerifyWish,
  subjects: Partial<Omit<GateSubjects, 'folder'>>,
  desk: Desk,
): Promise<number> {
  const receipt = await gateOf(command, wish, { ...NO_SUBJECTS, ...subjects, folder: desk.world.workingFolder }, desk)
  showReceipt(receipt, desk, { json: wish.format === 'json', quiet: wish.quiet })
  return exitCodeOfVerdict(receipt.verdict)
}

async function gateOf(
  command: string,
  wish: VerifyWish,
  subjects: GateSubjects,
  { world, env }: Desk,
): Promise<Receipt> {
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
    })
  } finally {
    http.close()
  }
}
