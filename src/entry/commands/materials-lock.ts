import { resolve } from 'node:path'
import { fail } from '../../core/error.ts'
import { EXIT_CODE } from '../../core/verdict.ts'
import { writeFileAtomic } from '../../io/files.ts'
import { type LockOutcome, lockFiles } from '../../pipeline/materials-command-lock.ts'
import { MANIFEST_PATH } from '../../pipeline/materials-manifest.ts'
import { unifiedDiff } from '../../report/line-diff.ts'
import { renderLock } from '../../report/lock.ts'
import { renderError } from '../../report/terminal.ts'
import { visibleJson } from '../../report/visible-json.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import {
  JUDGING_OPTIONS,
  JUDGING_USAGE,
  type JudgingLine,
  type JudgingWish,
  readJudgingWish,
  withMaterials,
} from '../materials-judging.ts'
import { MATERIALS_USAGE } from '../materials-options.ts'
import { terminalOptions } from '../show.ts'
import { type CommandLine, command, type Desk } from './command.ts'

const WORDS = 'materials lock'

export interface LockWish extends JudgingWish {
  /** Nothing is written; a difference is exit code 1. */
  readonly check: boolean
}

const OPTIONS = { ...JUDGING_OPTIONS, check: { type: 'boolean' } } as const

export const materialsLockCommand = command({
  words: WORDS,
  synopsis: 'materials lock [--check] [--file DOCKERFILE] [--context DIR] [--policy FILE]',
  usage: `waybill materials lock – writes the digests of today into the materials manifest, for a review

  waybill materials lock [--check] [--file DOCKERFILE] [--context DIR] [--build-arg NAME=VALUE] [--policy FILE]

Looks up what every item of the manifest is now, verifies it by the policy and by the item's own signature, and writes its
digest; base images under digest-lock that nothing pins yet get an item. Comments and everything else stay as they are. While
one item fails its verification, nothing is written. What nobody signed is trusted because somebody reviews the difference.

  --check                             write nothing; exit 1 when something would change

${MATERIALS_USAGE}
${JUDGING_USAGE}
How to tell:
  --json                              the same as JSON on stdout, nothing else

Exit codes: 0 written, or nothing to write · 1 rejected, or with --check: something would change · 2 unknown · 3 the command
line, policy or manifest could not be understood

Example:
  waybill materials lock && git diff .github/waybill.materials.yml
`,
  prints: 'report',
  options: OPTIONS,
  read: readLock,
  run: lock,
})

/** Pure. @throws `entry/usage` */
function readLock(line: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): LockWish {
  const { check = false, ...values } = line.values
  return { ...readJudgingWish({ ...line, values } as JudgingLine, WORDS), check }
}

async function lock(wish: LockWish, desk: Desk): Promise<number> {
  const { world } = desk
  const path = wish.materials ?? MANIFEST_PATH
  const { before, ...outcome } = await withMaterials(wish, desk, async (files, ports) => ({
    ...(await lockFiles(files, path, ports)),
    before: files.manifest?.bytes,
  }))
  const { bytes } = outcome
  const diff = bytes === undefined ? '' : unifiedDiff(path, before && textOf(before), textOf(bytes))
  const written = bytes !== undefined && !wish.check
  if (written) await writeFileAtomic(resolve(world.workingFolder, path), bytes)
  show({ outcome, diff, written, wish }, desk)
  if (outcome.outcome !== 'passed') return exitCodeOfVerdict(outcome.outcome)
  return bytes !== undefined && wish.check ? EXIT_CODE.rejected : EXIT_CODE.passed
}

interface Shown {
  readonly outcome: LockOutcome
  readonly diff: string
  readonly written: boolean
  readonly wish: LockWish
}

function show({ outcome, diff, written, wish }: Shown, desk: Desk): void {
  const { world } = desk
  const { bytes, ...report } = outcome
  if (wish.json) {
    const data = { ...report, written, diff }
    world.out(`${visibleJson(JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2))}\n`)
    return
  }
  world.out(renderLock(report, wish.check ? 'checked' : 'written', terminalOptions(desk)))
  if (diff !== '') world.out(`\n${diff}`)
  if (bytes !== undefined && wish.check) world.err(renderError(outdated(report.path), world.columns))
  if (written) world.err(`Wrote ${report.path}. Have the difference reviewed before it is merged.\n`)
}

function outdated(path: string) {
  return fail('materials/lock-outdated', `${path} lacks digests, or has others than are served now`)
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
