import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { addSources, mountSources } from './flags.ts'
import type { Instruction, ReadDockerfile } from './instructions.ts'
import { notExpanded, type Pull, type PullOptions } from './pull.ts'
import { EMPTY_SCOPE, FOREIGN_SCOPE, type Scope, scopeAfter } from './scope.ts'
import { type Stage, type Stages, stagesOf } from './stages.ts'
import type { Expanded } from './words.ts'

type Found = Omit<Pull, 'needed'>

/** What one stage asks for: other stages by number, and things from elsewhere. */
interface Wanted {
  readonly stages: readonly number[]
  readonly pulls: readonly Found[]
  readonly end: Scope
}

/**
 * Everything that a Dockerfile names to be fetched, with BuildKit's rules for arguments, stages, shadowing and named contexts.
 * It may say too much, and says aloud what it cannot tell; ONBUILD of a base image, package managers and other network use
 * of RUN are not to be seen here (4-materials § 2).
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`
 */
export function pullsOf(file: ReadDockerfile, options: PullOptions): readonly Pull[] {
  const all = stagesOf(file, options)
  const wanted = wantedBy(all, file, options)
  const reached = reachedFrom(targetOf(all.stages, options.target), wanted)
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
function frontend({ syntax }: ReadDockerfile, { buildArgs }: PullOptions): readonly Pull[] {
  const [given] = (buildArgs.get('BUILDKIT_SYNTAX') ?? '').trim().split(' ')
  const image = given || syntax?.image
  if (image === undefined) return []
  return [{ how: 'syntax', line: given ? 0 : (syntax?.line ?? 0), written: image, source: image, needed: true }]
}

function wantedBy(all: Stages, file: ReadDockerfile, options: PullOptions): readonly Wanted[] {
  const done: Wanted[] = []
  for (const stage of all.stages) done.push(wantedByStage(stage, { all, file, options, done }))
  return done
}

interface Context {
  readonly all: Stages
  readonly file: ReadDockerfile
  readonly options: PullOptions
  readonly done: readonly Wanted[]
}

function wantedByStage(stage: Stage, the: Context): Wanted {
  const { options, file, all } = the
  // A named context with a stage's name stands in for the whole stage.
  const replaced = stage.name === undefined ? undefined : options.contexts.get(stage.name)
  if (replaced !== undefined)
    return { stages: [], pulls: [contextPull(stage.line, stage.name ?? '', replaced)], end: FOREIGN_SCOPE }
  const base = baseOf(stage, the)
  const stages: number[] = base.stage === undefined ? [] : [base.stage]
  const pulls: Found[] = base.pull === undefined ? [] : [base.pull]
  let scope = base.scope
  for (const instruction of stage.instructions) {
    const trigger = instruction.keyword === 'ONBUILD' ? instruction.trigger : undefined
    const asked = sourcesOf(trigger ?? instruction, scope, file)
    for (const item of asked) {
      const known = trigger === undefined ? stageNamed(item, stage.index, all.stages) : undefined
      if (known !== undefined) stages.push(known)
      else pulls.push({ ...throughContext(item, options), ...(trigger === undefined ? {} : { later: true }) })
    }
    scope = scopeAfter(scope, instruction, { globals: all.globals, options, mark: file.mark })
  }
  return { stages, pulls, end: scope }
}

function baseOf(stage: Stage, { all, done, options }: Context): { stage?: number; pull?: Found; scope: Scope } {
  const { base, written, line, platform } = stage
  const found: Found = {
    how: 'from',
    line,
    written,
    ...resolved(base),
    ...(platform === undefined || platform.text === '' ? {} : { platform: platform.text }),
  }
  if (base.text === 'scratch') return { scope: EMPTY_SCOPE }
  const earlier = all.stages.findLast(({ name, index }) => index < stage.index && name === base.text.toLowerCase())
  if (earlier !== undefined) return { stage: earlier.index, scope: done[earlier.index]?.end ?? FOREIGN_SCOPE }
  return { pull: throughContext(found, options), scope: FOREIGN_SCOPE }
}

function resolved({ text, unset }: Expanded): Pick<Pull, 'source' | 'unresolved'> {
  if (text === '') return { unresolved: `nobody sets ${unset.join(', ') || 'a name'}` }
  return unset.length === 0 ? { source: text } : { source: text, unresolved: `nobody sets ${unset.join(', ')}` }
}

function sourcesOf(instruction: Instruction, scope: Scope, { mark }: ReadDockerfile): readonly Found[] {
  const { keyword, line, flags } = instruction
  if (keyword === 'ADD') return addSources(instruction, scope, mark)
  if (keyword === 'RUN') return mountSources(instruction)
  if (keyword !== 'COPY') return []
  return flags
    .filter(({ name }) => name === 'from')
    .map(({ value }) => ({ how: 'copy-from', line, written: value, ...notExpanded(value) }))
}

/** A stage by its number or its name; what comes later in the file is none. */
function stageNamed({ how, source }: Found, current: number, stages: readonly Stage[]): number | undefined {
  if (source === undefined || (how !== 'copy-from' && how !== 'mount-from')) return undefined
  if (/^[0-9]+$/.test(source)) return Number(source) < current ? Number(source) : undefined
  return stages.findLast(({ name, index }) => index < current && name === source.toLowerCase())?.index
}

/** Named contexts answer to a name before any registry does; `:latest` is understood. */
function throughContext(pull: Found, { contexts }: PullOptions): Found {
  if (pull.how === 'add-url' || pull.how === 'add-git' || pull.source === undefined) return pull
  const name = pull.source.toLowerCase()
  const context = contexts.get(name) ?? contexts.get(name.replace(/:latest$/, ''))
  return context === undefined ? pull : contextPull(pull.line, pull.written, context)
}

function contextPull(line: number, written: string, source: string): Found {
  return { how: 'context', line, written, source }
}

function targetOf(stages: readonly Stage[], target: string | undefined): number {
  if (target === undefined || target === '') return stages.length - 1
  const named = stages.findLast(({ name }) => name === target.toLowerCase())
  const index = named?.index ?? (/^[0-9]+$/.test(target) ? Number(target) : -1)
  if (index >= 0 && index < stages.length) return index
  throw fail('materials/dockerfile-malformed', 'The Dockerfile has no stage of that name', {
    expected: stages.flatMap(({ name }) => name ?? []).join(', ') || 'a number below the number of stages',
    found: target,
  })
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
