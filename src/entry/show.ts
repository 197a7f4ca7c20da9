import { resolve } from 'node:path'
import { writeFileAtomic } from '../io/files.ts'
import { renderReceiptPage } from '../report/html-receipt.ts'
import type { Receipt } from '../report/receipt.ts'
import { renderResult } from '../report/result.ts'
import { renderTerminal, type TerminalOptions, wantsColour } from '../report/terminal.ts'
import type { Desk } from './commands/command.ts'
import { exitCodeOfVerdict } from './exit-code.ts'

/** A verdict on stdout: with `json` the result object and nothing else, with `quiet` nothing. */
export function showReceipt(receipt: Receipt, desk: Desk, how: { json: boolean; quiet: boolean }): void {
  if (how.json) desk.world.out(renderResult(receipt))
  if (how.json || how.quiet) return
  const exitCode = exitCodeOfVerdict(receipt.verdict)
  desk.world.out(renderTerminal(receipt, { ...terminalOptions(desk), exitCode }))
}

/** A verdict as a page of its own, beside whatever else is shown. @param path as written; absent: none was asked for. */
export async function writePage(receipt: Receipt, path: string | undefined, { world }: Desk): Promise<void> {
  if (path !== undefined) await writeFileAtomic(resolve(world.workingFolder, path), renderReceiptPage(receipt))
}

/**
 * How text for people is written to one of the two streams.
 * @param stream `out`, default: standard output; `talk`: standard error.
 */
export function terminalOptions({ world, env }: Desk, stream: 'out' | 'talk' = 'out'): TerminalOptions {
  const { isTerminal, columns } = stream === 'out' ? world : (world.talk ?? { isTerminal: false, columns: 80 })
  return { colour: coloured(env, isTerminal), columns }
}

/** no-color.org; what it says holds whatever asks for colour. A terminal that knows no escapes is asked for none. */
function coloured({ NO_COLOR, FORCE_COLOR, TERM }: Desk['env'], isTerminal: boolean): boolean {
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
  if (FORCE_COLOR === '0') return false
  return wantsColour(NO_COLOR, forced || (isTerminal && TERM !== 'dumb'))
}
