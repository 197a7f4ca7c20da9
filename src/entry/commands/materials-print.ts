import { sourcePolicy } from '../../build/source-policy.ts'
import { parseJson } from '../../core/json.ts'
import { printable } from '../../core/text.ts'
import { EXIT_CODE } from '../../core/verdict.ts'
import { type KnownMaterials, knownMaterials } from '../../pipeline/materials-command-allowed.ts'
import type { MaterialsFiles } from '../../pipeline/materials-command-request.ts'
import { closedWorld } from '../../pipeline/materials-command-world.ts'
import { type ClosedWorld, renderClosedWorld } from '../../report/closed-world.ts'
import { visibleJson } from '../../report/visible-json.ts'
import { withCheckout } from '../checkout-tree.ts'
import { materialsFiles, noPolicy } from '../materials-files.ts'
import {
  MATERIALS_CAVEAT,
  MATERIALS_OPTIONS,
  MATERIALS_USAGE,
  type MaterialsLine,
  type MaterialsWish,
  readMaterialsWish,
} from '../materials-options.ts'
import { terminalOptions } from '../show.ts'
import { type CommandLine, command, type Desk } from './command.ts'

const WORDS = 'materials print'
const OPTIONS = { ...MATERIALS_OPTIONS, 'source-policy': { type: 'boolean' } } as const

export interface PrintWish extends MaterialsWish {
  readonly sourcePolicy: boolean
}

export const materialsPrintCommand = command({
  words: WORDS,
  synopsis: 'materials print [--file DOCKERFILE] [--context DIR] [--policy FILE] [--source-policy]',
  usage: `waybill materials print – what a build would take in, and which rule decides about it

  waybill materials print [--file DOCKERFILE] [--context DIR] [--build-arg NAME=VALUE] [--policy FILE]

Lists everything that the Dockerfile pulls in, what the materials manifest declares, submodules and Git LFS of the commit, and the
lock files that nobody checks.
Without a policy it proposes one. Nobody is asked: what a tag means now, and what ONBUILD of a base image pulls in, tells
waybill materials verify.

${MATERIALS_USAGE}
How to tell:
  --source-policy                     what BuildKit would be told to let in, as far as the files say it
  --json                              the same as JSON on stdout, nothing else

${MATERIALS_CAVEAT}
Exit codes: 0 a rule allows each thing to be looked at, or there is no policy · 1 a rule is missing or denies · 2 something
cannot be told before the build · 3 the command line, policy or manifest could not be understood

Example:
  waybill materials print --build-arg NODE_VERSION=24
`,
  options: OPTIONS,
  read: readPrint,
  run: print,
})

/** Pure. @throws `entry/usage` */
function readPrint(line: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): PrintWish {
  const { 'source-policy': sourcePolicy = false, ...values } = line.values
  return { ...readMaterialsWish({ ...line, values } as MaterialsLine, WORDS), sourcePolicy }
}

async function print(wish: PrintWish, desk: Desk): Promise<number> {
  const read = await materialsFiles(wish, desk.world.workingFolder)
  return withCheckout(desk.world.workingFolder, desk.env, async content =>
    printFiles(wish, desk, content === undefined ? read : { ...read, content }),
  )
}

function printFiles(wish: PrintWish, desk: Desk, files: MaterialsFiles): number {
  const { world } = desk
  const closed = closedWorld(files)
  const known = files.policy === undefined ? undefined : knownMaterials({ ...files, policy: files.policy })
  if (wish.json) world.out(jsonOf(closed, known))
  else if (!wish.sourcePolicy) {
    world.out(renderClosedWorld(closed, terminalOptions(desk)))
  } else if (known === undefined) throw noPolicy()
  else {
    world.out(sourcePolicy(known.allowed))
    for (const line of known.missing) world.err(`not in it: ${printable(line, 1_000)}\n`)
  }
  return closed.outcome === 'not-asked' ? EXIT_CODE.passed : EXIT_CODE[closed.outcome]
}

function jsonOf(closed: ClosedWorld, known: KnownMaterials | undefined): string {
  const policy =
    known === undefined
      ? {}
      : { sourcePolicy: parseJson(sourcePolicy(known.allowed), 'the source policy'), notInSourcePolicy: known.missing }
  const data = { ...closed, ...policy }
  return `${visibleJson(JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2))}\n`
}
