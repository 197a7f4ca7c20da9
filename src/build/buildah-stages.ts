import { normalPlatform } from '../materials/dockerfile/contexts.ts'
import type { Instruction, ReadDockerfile } from '../materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { argumentsOf, type Stage, stagesOf } from '../materials/dockerfile/stages.ts'
import { isImage } from './buildah-dockerfile.ts'
import { notWithBuildah, readDifferently } from './buildah-refusal.ts'

/** Characters that stand for themselves in a name, whoever reads it. */
const PLAIN = '[\\w.:@/+[\\]-]*'
const PLAIN_WORD = new RegExp(`^${PLAIN}$`)
const PART = new RegExp(`^(?:[\\w.:@/+[\\]-]+|\\$(?:(\\w+)|\\{(\\w+)(?::[-+]${PLAIN})?\\}))`)
/** Set by builders, each in its own way: buildah 1.28 knows them in `FROM` only where an `ARG` names them. */
const BUILDERS_OWN =
  /^(?:(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)|PATH|TERM|(?:HTTPS?|FTP|ALL|NO)_PROXY)$/i

/**
 * Refuses stages, and names of stages and images, that buildah 1.28 resolves otherwise than BuildKit.
 * @throws `materials/read-differently`
 */
export function checkStages(file: ReadDockerfile, options: PullOptions): void {
  const { stages } = stagesOf(file, options)
  const heads = file.instructions.filter(({ keyword }) => keyword === 'FROM')
  const names = new Set<string>()
  for (const [at, stage] of stages.entries()) {
    checkName(stage, heads[at]?.words[2], names, options)
    checkBase(stage, file, names, options)
    checkPlatformFlag(stage, heads[at], options, file)
    if (stage.name !== undefined) names.add(stage.name)
  }
  const all = new Set(stages.flatMap(({ name }) => name ?? []))
  for (const stage of stages)
    for (const instruction of stage.instructions) checkSources(instruction.trigger ?? instruction, all)
}

function checkName(
  { name, line }: Stage,
  written: string | undefined,
  earlier: ReadonlySet<string>,
  { contexts }: PullOptions,
): void {
  if (name === undefined) return
  const taken = name === 'scratch' || earlier.has(name) || [...contexts.keys()].some(key => key.toLowerCase() === name)
  if (written === name && !taken) return
  throw readDifferently(line, `calls a stage ${written}`, {
    expected: 'a name in lower case that nothing else has',
    found: written ?? name,
  })
}

function checkBase(
  { written, base, line }: Stage,
  file: ReadDockerfile,
  earlier: ReadonlySet<string>,
  options: PullOptions,
): void {
  checkWord(written, { file, options, line, before: Number.POSITIVE_INFINITY })
  if (/^[0-9]+$/.test(base))
    throw readDifferently(line, 'builds on a number, which is a stage to one builder and an image to the other', {
      expected: 'the name of a stage or an image',
      found: base,
    })
  if (earlier.has(base) && written !== base)
    throw readDifferently(line, 'names a stage through a variable, which buildah then does not build', {
      expected: base,
      found: written,
    })
}

interface Place {
  readonly file: ReadDockerfile
  readonly options: PullOptions
  readonly line: number
  /** Only arguments of earlier lines may stand in the default of an argument. */
  readonly before: number
}

/** A word whose variables mean the same to both: plain ARGs before the first FROM, in the forms that both know. */
function checkWord(word: string, place: Place): void {
  let at = 0
  while (at < word.length) {
    const [found, plain, braced] = PART.exec(word.slice(at)) ?? []
    if (found === undefined)
      throw readDifferently(place.line, 'has a word that builders read differently', {
        expected: 'letters, digits, . : @ / - and $name, braces and a plain default as the only extras',
        found: word,
      })
    at += found.length
    const name = plain ?? braced
    if (name !== undefined) checkVariable(name, place)
  }
}

function checkVariable(name: string, { file, options, line, before }: Place): void {
  const found = headings(file).filter(({ words }) => argumentsOf(words).some(([own]) => own === name))
  const [declared] = found
  if (
    declared === undefined ||
    found.length > 1 ||
    declared.words.length > 1 ||
    declared.line >= before ||
    BUILDERS_OWN.test(name)
  )
    throw readDifferently(line, `needs the variable ${name}`, {
      expected: 'one `ARG` line for it alone before the first FROM, and none of the names that builders set themselves',
      found: `$${name}`,
    })
  const given = options.buildArgs.get(name)
  const [[, value = ''] = []] = argumentsOf(declared.words)
  const [, , text = ''] = /^(["']?)(.*)\1$/s.exec(value) ?? []
  if (given === undefined) checkWord(text, { file, options, line: declared.line, before: declared.line })
  else if (!PLAIN_WORD.test(given))
    throw readDifferently(line, `needs the variable ${name}, whose value builders read differently`, {
      expected: 'letters, digits, . : @ / -',
      found: given,
    })
}

function headings(file: ReadDockerfile): readonly Instruction[] {
  const start = file.instructions.findIndex(({ keyword }) => keyword === 'FROM')
  return file.instructions.slice(0, start).filter(({ keyword }) => keyword === 'ARG')
}

/** `$BUILDPLATFORM` and `$TARGETPLATFORM` are handed to buildah as build arguments; other variables it does not see here. */
function checkPlatformFlag(
  { line }: Stage,
  head: Instruction | undefined,
  options: PullOptions,
  file: ReadDockerfile,
): void {
  const written = head?.flags.find(({ name }) => name === 'platform')?.value ?? ''
  if (/^[\w./]*$/.test(written)) return
  const [, name = ''] = /^\$\{?((?:BUILD|TARGET)PLATFORM)\}?$/.exec(written) ?? []
  const redefined = headings(file).some(({ words }) =>
    argumentsOf(words).some(([own, value]) => own === name && value !== undefined),
  )
  if (name === '' || redefined || options.buildArgs.has(name))
    throw readDifferently(line, 'asks for a platform that builders read differently', {
      expected: 'os/arch, $BUILDPLATFORM or $TARGETPLATFORM',
      found: written,
    })
}

function checkSources({ keyword, flags, line }: Instruction, stages: ReadonlySet<string>): void {
  for (const { name, value = '' } of flags) {
    const sources =
      keyword === 'COPY' && name === 'from'
        ? [value]
        : name === 'mount'
          ? value.split(',').flatMap(part => (part.startsWith('from=') ? part.slice('from='.length) : []))
          : []
    for (const from of sources)
      if ((stages.has(from.toLowerCase()) && !stages.has(from)) || /^[+-]/.test(from))
        throw readDifferently(line, 'names a stage in another spelling', { expected: from.toLowerCase(), found: from })
  }
}

/**
 * In buildah 1.28 a `FROM --platform` is also that of everything behind it, until the next one (run): an image of the wrong
 * platform would be taken, or, since it is not there, none.
 * @throws `materials/not-with-buildah`
 */
export function checkPlatformOrder(file: ReadDockerfile, options: PullOptions, pulls: readonly Pull[]): void {
  const target = normalPlatform(options.targetPlatform)
  const { stages } = stagesOf(file, options)
  let current = target
  for (const [at, stage] of stages.entries()) {
    if (stage.platform !== undefined) current = normalPlatform(stage.platform)
    const end = stages[at + 1]?.line ?? Number.POSITIVE_INFINITY
    const own = pulls.filter(pull => pull.line >= stage.line && pull.line < end && pull.later === undefined)
    const other = own.find(pull => isTaken(pull) && normalPlatform(pull.platform ?? target) !== current)
    if (other === undefined) continue
    throw notWithBuildah(other.line, `takes ${other.written} for ${target}, but buildah would look for ${current}`, {
      expected: `FROM --platform=$TARGETPLATFORM ${other.written}`,
      found: `the platform of the FROM --platform before it`,
      remedy:
        other.how === 'from' || other.how === 'context'
          ? 'Write `FROM --platform=$TARGETPLATFORM …` in this line, or set `builder: buildx`.'
          : 'Make it a stage of its own with `FROM --platform=$TARGETPLATFORM … AS name` and take it from there, or set `builder: buildx`.',
    })
  }
}

function isTaken(pull: Pull): boolean {
  return isImage(pull) || (pull.how === 'context' && pull.source?.startsWith('docker-image://') === true)
}
