import { asWaybillError, type WaybillError } from '../core/error.ts'
import { type Door, door } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { renderResult } from '../report/result.ts'
import { renderError } from '../report/terminal.ts'
import { usageText } from './cli-usage.ts'
import { commandOf, readCall } from './commands/table.ts'
import { exitCodeOfError } from './exit-code.ts'
import { refusedReceipt } from './report-run.ts'
import { WAYBILL_VERSION } from './version.ts'

/** `waybill …`: data to stdout, talk to stderr, the verdict in the exit code. */
export async function runCli(): Promise<void> {
  const world = door()
  world.exit(await cli(world, environment()))
}

/** One command line. @returns the exit code; it never throws. */
export async function cli(world: Door, env: Environment): Promise<number> {
  try {
    const call = readCall(world.args)
    if (call.kind === 'help') return say(world, call.of?.usage ?? usageText())
    if (call.kind === 'version') return say(world, `${WAYBILL_VERSION}\n`)
    return await call.act({ world, env })
  } catch (error) {
    return failed(asWaybillError(error), world)
  }
}

function say(world: Door, text: string): number {
  world.out(text)
  return 0
}

function failed(error: WaybillError, world: Door): number {
  try {
    if (world.args.includes('--json')) world.out(renderResult(refusedReceipt(commandOf(world.args), error)))
    // Also with --quiet: a mistake in the command line that nobody sees would look like a verdict.
    else world.err(renderError(error, world.talk?.columns))
  } catch {
    // A full disk behind standard output: there is nobody left to tell, but the exit code.
  }
  return exitCodeOfError(error.kind)
}
