import { fail, type WaybillError } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { contextFor } from './contexts.ts'
import { addSources, copySources, mountSources } from './flags.ts'
import type { Instruction, ReadDockerfile } from './instructions.ts'
import { malformed } from './malformed.ts'
import type { Pull, PullOptions } from './pull.ts'
import { EMPTY_SCOPE, FOREIGN_SCOPE, type Scope, scopeAfter, scopeOf } from './scope.ts'
import { type Stage, type Stages, stagesOf } from './stages.ts'

type Found = Omit<Pull, 'needed'>

/** What one stage asks for: other stages by number, and things from elsewhere. */
interface Wanted {
  readonly stages: readonly number[]
  readonly pulls: readonly Found[]
  readonly end: Scope
  /** Why the builder refuses the stage, if it comes to it. */
  readonly refused?: WaybillError
}

/**
 * Everything that a Dockerfile names to be fetched, with BuildKit's rules for arguments, stages, shadowing and named contexts.
 * It may say too much, and says aloud what it cannot tell; package managers and other network use of RUN are not to be seen
 * here, and ONBUILD of a base image only with `options.bases` (4-materials § 2).
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`
 */
export function pullsOf(file: ReadDockerfile, options: PullOptions): readonly Pull[] {
  const all = stagesOf(file, options)
  const wanted = wantedBy(all, file, options)
  const reached = reachedFrom(targetOf(all.stages, options.target), wanted)
  for (const index of reached) if (wanted[index]?.refused !== undefined) throw wanted[index].refused
  const pulls = [
    ...frontend(file, options),
    ...wanted.flatMap(({ pulls }, index) => pulls.map(pull => ({ ...pull, needed: reached.has(index) }))),
  ]
  if (pulls.length > LIMITS.dockerfileReferences)
    throw fail('materials/too-many-references', 'The Dockerfile names too many images and files', {
      expected: `at most ${LIMITS.dockerfileReferences}`,
      found: String(pulls.length),
    })
  return pulls
}

/** The build argument wins over the file. */
function frontend({ syntax }: ReadDockerfile, options: PullOptions): readonly Pull[] {
  const [given] = (options.buildArgs.get('BUILDKIT_SYNTAX') ?? '').trim().split(' ')
  const image = given || syntax?.image
  if (image === undefined) return []
  // BuildKit would run what the context holds in its place, be it a folder.
  if (contextFor(image, options.buildPlatform, options) ?? contextFor(image, undefined, options))
    throw malformed('has a frontend that is called as a named context', 'another name for the context', image)
  return [{ how: 'syntax', line: given ? 0 : (syntax?.line ?? 0), written: image, source: image, needed: true }]
}

interface Context {
  readonly all: Stages
  readonly file: ReadDockerfile
  readonly options: PullOptions
  readonly done: readonly Wanted[]
}

function wantedBy(all: Stages, file: ReadDockerfile, options: PullOptions): readonly Wanted[] {
  const done: Wanted[] = []
  for (const stage of all.stages) done.push(wantedByStage(stage, { all, file, options, done }))
  return done
}

function wantedByStage(stage: Stage, the: Context): Wanted {
  const { options, file, all } = the
  // A named context with a stage's name stands in for the whole stage; these two names are the builder's own.
  const replaced =
    stage.name === undefined || stage.name === 'scratch' || stage.name === 'context'
      ? undefined
      : contextFor(stage.name, stage.platform, options)
  if (replaced !== undefined)
    return { stages: [], pulls: [contextPull(stage.line, stage.name ?? '', replaced)], end: FOREIGN_SCOPE }
  const base = baseOf(stage, the)
  const stages: number[] = base.stage === undefined ? [] : [base.stage]
  const pulls: Found[] = base.pull === undefined ? [] : [base.pull]
  let { scope } = base
  let refused: WaybillError | undefined
  const add = (instruction: Instruction, extra: Partial<Found>) => {
    for (const item of sourcesOf(instruction, scope, file)) {
      const known = stageNamed(item, stage, all.stages)
      if (known === undefined) pulls.push(...foreign(item, options).map(pull => ({ ...pull, ...extra })))
      else if (extra.later === undefined) stages.push(known)
      if (known !== undefined && known >= stage.index) refused ??= tooEarly(item)
    }
  }
  for (const trigger of base.triggers) {
    add(trigger, base.stage === undefined ? { line: stage.line, trigger: true } : {})
    scope = scopeAfter(scope, trigger, { globals: all.globals, options, mark: file.mark })
  }
  for (const instruction of stage.instructions) {
    const { trigger } = instruction
    add(trigger ?? instruction, trigger === undefined ? {} : { later: true })
    scope = scopeAfter(scope, instruction, { globals: all.globals, options, mark: file.mark })
  }
  return { stages, pulls, end: scope, ...(refused === undefined ? {} : { refused }) }
}

interface Base {
  readonly stage?: number
  readonly pull?: Found
  readonly scope: Scope
  readonly triggers: readonly Instruction[]
}

/** A stage of that name before anything else, `scratch` as well; names of stages are lower case, and compared as they are. */
function baseOf(stage: Stage, { all, done, options }: Context): Base {
  const { base, written, line, platform } = stage
  const earlier = all.stages.findLast(({ name, index }) => index < stage.index && name === base)
  if (earlier !== undefined)
    return {
      stage: earlier.index,
      scope: done[earlier.index]?.end ?? FOREIGN_SCOPE,
      triggers: earlier.instructions.flatMap(({ trigger }) => trigger ?? []),
    }
  if (base === 'scratch') return { scope: EMPTY_SCOPE, triggers: [] }
  const from: Found = { how: 'from', line, written, source: base, ...(platform === undefined ? {} : { platform }) }
  const pull = throughContext(from, options)
  const config = options.bases?.(pull)
  return { pull, scope: scopeOf(config), triggers: config?.triggers ?? [] }
}

function sourcesOf(instruction: Instruction, scope: Scope, { mark }: ReadDockerfile): readonly Found[] {
  const { keyword } = instruction
  if (keyword === 'ADD') return addSources(instruction, scope, mark)
  if (keyword === 'RUN') return mountSources(instruction)
  return keyword === 'COPY' ? copySources(instruction) : []
}

/**
 * The last stage of a name, wherever it stands: of one that comes later the builder says so, and does not look elsewhere.
 * Only COPY knows numbers.
 */
function stageNamed({ how, source = '', line }: Found, current: Stage, stages: readonly Stage[]): number | undefined {
  if (how !== 'copy-from' && how !== 'mount-from') return undefined
  if (how === 'copy-from' && /^[+-]?[0-9]+$/.test(source)) {
    const index = Number(source)
    if (index >= 0 && index < stages.length) return index
    throw malformed(`copies in line ${line} from a stage that is not there`, `a number below ${stages.length}`, source)
  }
  const found = stages.findLast(({ name }) => name === source.toLowerCase())?.index
  if (found === current.index && how === 'copy-from')
    throw malformed(`copies in line ${line} from its own stage`, 'another', source)
  return found
}

function tooEarly({ line, written }: Found): WaybillError {
  return malformed(`takes in line ${line} from a stage that comes later`, 'a stage before it', written)
}

/** Through a named context, or as it is; nothing for the empty image. */
function foreign(item: Found, options: PullOptions): readonly Found[] {
  if (item.how === 'add-url' || item.how === 'add-git') return [item]
  return item.source === 'scratch' ? [] : [throughContext(item, options)]
}

/** Named contexts answer to a name before any registry does. */
function throughContext(pull: Found, options: PullOptions): Found {
  const context = contextFor(pull.source ?? '', pull.platform, options)
  return context === undefined ? pull : contextPull(pull.line, pull.written, context)
}

function contextPull(line: number, written: string, source: string): Found {
  return { how: 'context', line, written, source }
}

function targetOf(stages: readonly Stage[], target: string | undefined): number {
  if (target === undefined || target === '') return stages.length - 1
  const index = stages.findLast(({ name }) => name === target.toLowerCase())?.index
  if (index !== undefined) return index
  const names = stages.flatMap(({ name }) => name ?? []).join(', ') || 'no target: no stage has a name'
  throw malformed('has no stage of that name', names, target)
}

function reachedFrom(target: number, wanted: readonly Wanted[]): ReadonlySet<number> {
  const reached = new Set<number>()
  const open = [target]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(wanted[next]?.stages ?? []))
  }
  return reached
}
