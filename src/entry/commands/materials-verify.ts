import { asWaybillError, type WaybillError } from '../../core/error.ts'
import { verifyFiles } from '../../pipeline/materials-command-judge.ts'
import { renderMaterials } from '../../report/materials-table.ts'
import type { Receipt } from '../../report/receipt.ts'
import { renderResult } from '../../report/result.ts'
import { exitCodeOfError, exitCodeOfVerdict } from '../exit-code.ts'
import {
  JUDGING_OPTIONS,
  JUDGING_USAGE,
  type JudgingWish,
  readJudgingWish,
  withMaterials,
} from '../materials-judging.ts'
import { MATERIALS_CAVEAT, MATERIALS_USAGE } from '../materials-options.ts'
import { refusedReceipt } from '../report-run.ts'
import { terminalOptions } from '../show.ts'
import { command, type Desk } from './command.ts'

const WORDS = 'materials verify'

export const materialsVerifyCommand = command({
  words: WORDS,
  synopsis: 'materials verify [--file DOCKERFILE] [--context DIR] [--policy FILE]',
  usage: `waybill materials verify – whether everything that a build would take in may enter it

  waybill materials verify [--file DOCKERFILE] [--context DIR] [--build-arg NAME=VALUE] [--policy FILE]

Resolves every image, verifies who signed it or which digest was reviewed, fetches what the materials manifest declares, and
compares signatures and digests, as the stage "materials" of a run does. Nothing is built, nothing is kept.

${MATERIALS_USAGE}
${JUDGING_USAGE}
How to tell:
  --json                              the result object on stdout, nothing else

${MATERIALS_CAVEAT}
Exit codes: 0 passed · 1 rejected · 2 unknown · 3 the command line, policy or manifest could not be understood

Example:
  waybill materials verify --context services/api --platform linux/amd64 --platform linux/arm64
`,
  prints: 'report',
  options: JUDGING_OPTIONS,
  read: line => readJudgingWish(line, WORDS),
  run: verify,
})

async function verify(wish: JudgingWish, desk: Desk): Promise<number> {
  try {
    const receipt = await withMaterials(wish, desk, verifyFiles)
    const exitCode = exitCodeOfVerdict(receipt.verdict)
    show(receipt, exitCode, wish, desk)
    return exitCode
  } catch (thrown) {
    return failed(asWaybillError(thrown), wish, desk)
  }
}

function show(receipt: Receipt, exitCode: number, { json }: JudgingWish, desk: Desk): void {
  desk.world.out(json ? renderResult(receipt) : renderMaterials(receipt, { ...terminalOptions(desk), exitCode }))
}

/** A Dockerfile that cannot be read is a verdict and belongs to stdout; a mistake of the caller does not. */
function failed(error: WaybillError, wish: JudgingWish, desk: Desk): number {
  const receipt = { ...refusedReceipt(WORDS, error), notChecked: ['Everything: the judging did not come to its end.'] }
  if (!wish.json && error.kind === 'configuration') throw error
  const exitCode = exitCodeOfError(error.kind)
  show(receipt, exitCode, wish, desk)
  return exitCode
}
