import { basename, dirname, join, resolve } from 'node:path'
import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { Receipt } from '../core/receipt.ts'
import { type Door, door } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { readFileBounded, readSmallFile } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import { lawFromFile } from '../policy/law.ts'
import { loadCredentials } from '../registry/credentials.ts'
import { renderResult } from '../report/result.ts'
import { renderError, renderTerminal, wantsColour } from '../report/terminal.ts'
import { parseCommand, type VerifyImageCommand } from './cli-arguments.ts'
import { USAGE } from './cli-usage.ts'
import { exitCodeOfError, exitCodeOfVerdict } from './exit-code.ts'
import { type GateOptions, runGate } from './gate.ts'
import { refusedReceipt } from './report-run.ts'
import { WAYBILL_VERSION } from './version.ts'

/** `waybill …`: data to stdout, talk to stderr, the verdict in the exit code. */
export async function runCli(): Promise<void> {
  const world = door()
  world.exit(await cli(world, environment()))
}

async function cli(world: Door, env: Environment): Promise<number> {
  const json = world.args.includes('--json')
  try {
    const command = parseCommand(world.args)
    if (command.kind === 'help') return say(world, USAGE)
    if (command.kind === 'version') return say(world, `${WAYBILL_VERSION}\n`)
    const receipt = await verifyImage(command, world, env)
    show(receipt, world, env, command)
    return exitCodeOfVerdict(receipt.verdict)
  } catch (error) {
    const known = asWaybillError(error)
    if (json) world.out(renderResult(refusedReceipt('waybill', known)))
    // Also with --quiet: a mistake in the command line that nobody sees would look like a verdict.
    else world.err(renderError(known, world.columns))
    return exitCodeOfError(known.kind)
  }
}

function say(world: Door, text: string): number {
  world.out(text)
  return 0
}

function show(receipt: Receipt, world: Door, env: Environment, how: { json: boolean; quiet: boolean }): void {
  if (how.json) world.out(renderResult(receipt))
  if (how.json || how.quiet) return
  const options = { colour: wantsColour(env.NO_COLOR, world.isTerminal), columns: world.columns }
  world.out(renderTerminal(receipt, options))
}

async function verifyImage(command: VerifyImageCommand, world: Door, env: Environment): Promise<Receipt> {
  const http = new HttpClient({ plainHttpHosts: command.insecureRegistries })
  try {
    const { images, flags, key, trustedRoot, insecureRegistries } = command
    return await runGate({
      images,
      ...(command.policy === undefined ? {} : { policy: await policyFile(command.policy, world) }),
      flags,
      ...(key === undefined ? {} : { keyFile: resolve(world.workingFolder, key) }),
      ...(trustedRoot === undefined ? {} : { trustedRootFile: resolve(world.workingFolder, trustedRoot) }),
      http,
      credentials: await loadCredentials(env, env.HOME),
      insecureRegistries,
      cacheFolder: join(env.XDG_CACHE_HOME ?? join(env.HOME ?? world.workingFolder, '.cache'), 'waybill', 'tuf'),
    })
  } finally {
    http.close()
  }
}

/** A policy the caller names on disk: constant, its files below its own folder. */
async function policyFile(path: string, world: Door): Promise<NonNullable<GateOptions['policy']>> {
  const file = resolve(world.workingFolder, path)
  const bytes = await readFileBounded(file, LIMITS.policyFileBytes)
  const law = lawFromFile(bytes, basename(file), named =>
    readSmallFile(join(dirname(file), named), LIMITS.policyFileBytes),
  )
  return { law, receipt: { uri: `file:${path}`, digest: law.policyDigest } }
}
