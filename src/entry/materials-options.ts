import { maybe } from '../core/maybe.ts'
import { type CommandLine, noMore, usage } from './commands/command.ts'

/** What the three commands of `waybill materials` are told. */
export interface MaterialsWish {
  readonly context: string
  /** Absent: `Dockerfile` of the context. */
  readonly file?: string
  readonly buildArgs: ReadonlyMap<string, string>
  readonly target?: string
  /** Absent: of this machine. */
  readonly platforms?: readonly [string, ...string[]]
  /** Absent: the usual place, if something is there. */
  readonly materials?: string
  readonly policy?: string
  readonly json: boolean
}

export const MATERIALS_OPTIONS = {
  file: { type: 'string', short: 'f' },
  context: { type: 'string' },
  'build-arg': { type: 'string', multiple: true },
  target: { type: 'string' },
  platform: { type: 'string', multiple: true },
  materials: { type: 'string' },
  policy: { type: 'string' },
} as const

/** Lines of the help that the commands share. */
export const MATERIALS_USAGE = `What is built:
  --file FILE                         the Dockerfile (default: Dockerfile of the context)
  --context DIR                       the build's context (default: the present folder)
  --build-arg NAME=VALUE              as the build gets it; several times
  --target STAGE                      the stage that is built (default: the last)
  --platform OS/ARCH                  what is built for; several times (default: linux on this machine's processor)

By which rules:
  --materials FILE                    the materials manifest (default: .github/waybill.materials.yml, where there is one)
  --policy FILE                       the policy (default: .github/waybill.yml, where there is one)
`

/** In every help: what a laptop says is not what a run says. */
export const MATERIALS_CAVEAT = `Files are read as they lie here. What a run judges are the Dockerfile and manifest of the commit that it verified, by the
policy that it accepted before that commit.
`

export type MaterialsLine = CommandLine<typeof MATERIALS_OPTIONS & { json: { type: 'boolean' } }>

/** Pure. @throws `entry/usage` */
export function readMaterialsWish({ values, references }: MaterialsLine, words: string): MaterialsWish {
  noMore(references, words)
  const { context = '.', file, target, materials, policy, json = false } = values
  return {
    context,
    ...maybe('file', file),
    buildArgs: new Map((values['build-arg'] ?? []).map(argument)),
    ...maybe('target', target),
    ...maybe('platforms', platformsOf(values.platform ?? [])),
    ...maybe('materials', materials),
    ...maybe('policy', policy),
    json,
  }
}

function argument(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(text) ?? []
  // Docker takes the value of the environment then; what is judged must not depend on a machine.
  if (name === undefined || value === undefined)
    throw usage('A build argument is not NAME=VALUE', '--build-arg NAME=VALUE', text)
  return [name, value]
}

function platformsOf(given: readonly string[]): readonly [string, ...string[]] | undefined {
  const platforms = given.flatMap(text => text.split(','))
  const bad = platforms.find(platform => !/^[a-z0-9]{1,32}\/[a-z0-9_]{1,32}(\/[a-z0-9.]{1,16})?$/.test(platform))
  if (bad !== undefined) throw usage('--platform is not a platform', 'linux/amd64, or linux/arm/v7', bad)
  const [first, ...more] = new Set(platforms)
  return first === undefined ? undefined : [first, ...more]
}
