import { asWaybillError } from '../core/error.ts'
import { type Door, door } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { renderResult } from '../report/result.ts'
import { renderError } from '../report/terminal.ts'
import { usageText } from './cli-usage.ts'
import { readCall } from './commands/table.ts'
import { exitCodeOfError } from './exit-code.ts'
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
    const call = readCall(world.args)
    if (call.kind === 'help') return say(world, call.of?.usage ?? usageText())
    if (call.kind === 'version') return say(world, `${WAYBILL_VERSION}\n`)
    return await call.act({ world, env })
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
