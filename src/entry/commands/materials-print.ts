import { EXIT_CODE } from '../../core/verdict.ts'
import { closedWorld } from '../../pipeline/materials-command-world.ts'
import { type ClosedWorld, renderClosedWorld } from '../../report/closed-world.ts'
import { wantsColour } from '../../report/terminal.ts'
import { visibleJson } from '../../report/visible-json.ts'
import { materialsFiles } from '../materials-files.ts'
import {
  MATERIALS_CAVEAT,
  MATERIALS_OPTIONS,
  MATERIALS_USAGE,
  type MaterialsLine,
  type MaterialsWish,
  readMaterialsWish,
} from '../materials-options.ts'
import { command, type Desk } from './command.ts'

const WORDS = 'materials print'

export const materialsPrintCommand = command({
  words: WORDS,
  synopsis: 'materials print [--file DOCKERFILE] [--context DIR] [--policy FILE]',
  usage: `waybill materials print – what a build would take in, and which rule decides about it

  waybill materials print [--file DOCKERFILE] [--context DIR] [--build-arg NAME=VALUE] [--policy FILE]

Lists everything that the Dockerfile pulls in, what the materials manifest declares, and the lock files that nobody checks.
Without a policy it proposes one. Nobody is asked: what a tag means now, and what ONBUILD of a base image pulls in, tells
waybill materials verify.

${MATERIALS_USAGE}
How to tell:
  --json                              the same as JSON on stdout, nothing else

${MATERIALS_CAVEAT}
Exit codes: 0 a rule allows each thing to be looked at, or there is no policy · 1 a rule is missing or denies · 2 something
cannot be told before the build · 3 the command line, policy or manifest could not be understood

Example:
  waybill materials print --build-arg NODE_VERSION=24
`,
  options: MATERIALS_OPTIONS,
  read: (line: MaterialsLine) => readMaterialsWish(line, WORDS),
  run: print,
})

async function print(wish: MaterialsWish, { world, env }: Desk): Promise<number> {
  const closed = closedWorld(await materialsFiles(wish, world.workingFolder))
  if (wish.json) world.out(jsonOf(closed))
  else
    world.out(
      renderClosedWorld(closed, { colour: wantsColour(env.NO_COLOR, world.isTerminal), columns: world.columns }),
    )
  return closed.outcome === 'not-asked' ? EXIT_CODE.passed : EXIT_CODE[closed.outcome]
}

function jsonOf(data: ClosedWorld): string {
  return `${visibleJson(JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2))}\n`
}
