import type { Receipt } from '../report/receipt.ts'
import { renderResult } from '../report/result.ts'
import { renderTerminal, wantsColour } from '../report/terminal.ts'
import type { Desk } from './commands/command.ts'

/** A verdict on stdout: with `json` the result object and nothing else, with `quiet` nothing. */
export function showReceipt(receipt: Receipt, { world, env }: Desk, how: { json: boolean; quiet: boolean }): void {
  if (how.json) world.out(renderResult(receipt))
  if (how.json || how.quiet) return
  const options = { colour: wantsColour(env.NO_COLOR, world.isTerminal), columns: world.columns }
  world.out(renderTerminal(receipt, options))
}
