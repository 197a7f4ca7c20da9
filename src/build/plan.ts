import { type CommitId, type Digest, isCommitId, isDigest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, stringAt } from '../core/shape.ts'
import { isPrintable, printable } from '../core/text.ts'

/**
 * Platforms that `build.yml` builds, each with the name of its one output: the legs of a matrix overwrite a name that
 * they share, and a workflow's outputs are a fixed list. docs.github.com, "Workflow syntax", jobs.<job_id>.outputs
 */
export const PLANNED_PLATFORMS = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'linux/arm/v6',
  'linux/386',
  'linux/ppc64le',
  'linux/riscv64',
  'linux/s390x',
] as const

/** `linux/arm/v7` → `linux-arm-v7` */
export function outputOf(platform: string): string {
  return platform.replaceAll('/', '-')
}

/** What the job `prepare` found and decided; the jobs behind it are held to it. It travels as one output of that job. */
export interface BuildPlan {
  readonly commit: CommitId
  /** Full name. */
  readonly ref: string
  /** Id of the run. A later attempt may go on with what an earlier one made. */
  readonly run: string
  /** Repositories as `host/path`. */
  readonly images: readonly [string, ...string[]]
  readonly push: boolean
  readonly sign: boolean
  /** Somebody said that machines of their own may build (13-adversary 40). */
  readonly selfHosted: boolean
  /** Platform → label of its runner, in the order in which the index names them. */
  readonly runners: Readonly<Record<string, string>>
  readonly source: StageVerdict
  readonly materials: StageVerdict
  /** What was judged to go in, by name and bytes. */
  readonly pins: readonly Pin[]
}

export type StageVerdict = 'passed' | 'rejected' | 'unknown' | 'not-asked'

export interface Pin {
  readonly uri: string
  /** `algorithm:hex`, sorted. */
  readonly digests: readonly string[]
}

const STAGE_VERDICTS: readonly string[] = ['passed', 'rejected', 'unknown', 'not-asked']
const NUMBER = /^[1-9][0-9]{0,19}$/
const REPOSITORY = /^[^\s/@]{1,300}(\/[a-z0-9._-]{1,200}){1,20}$/
const REF = /^refs\/.{1,1000}$/
const DIGESTS = /^[A-Za-z0-9]{1,20}:[0-9a-f]{32,128}$/
const OPENED = /^(?:secret|ssh agent) [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** A label, or several with commas. */
const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._,:=-]{0,200}$/

export function planText(plan: BuildPlan): string {
  const { commit, ref, run, images, push, sign, selfHosted, runners, source, materials, pins } = plan
  const text = JSON.stringify({
    version: 1,
    ...{ commit, ref, run, images, push, sign, selfHosted, runners, source, materials },
    pins: pins.map(({ uri, digests }) => ({ uri, digests })),
  })
  readPlan(text) // what could not be read again is told here, where it can still be understood
  return text
}

/** @throws `build/plan-unusable` */
export function readPlan(text: string): BuildPlan {
  try {
    if (text.length > LIMITS.buildPlanBytes) throw unusable(`${text.length} characters`)
    return planOf(exactly(parseJsonObject(text, 'build plan'), PLAN_KEYS))
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'build/plan-unusable' || known.code === 'core/internal') throw error
    throw unusable(known.found ?? known.message, error)
  }
}

const PLAN_KEYS = [
  ...[
    'version',
    'commit',
    'ref',
    'run',
    'images',
    'push',
    'sign',
    'selfHosted',
    'runners',
    'source',
    'materials',
    'pins',
  ],
] as const

function planOf(object: JsonObject): BuildPlan {
  const text = (name: string, grammar: RegExp): string => textAt(object[name], name, grammar)
  if (object.version !== 1) throw unusable('another version')
  const commit = object.commit
  if (!isCommitId(commit)) throw unusable('no commit')
  const [image, ...more] = list(object.images, 'images', 20).map(item => textAt(item, 'images', REPOSITORY))
  if (image === undefined) throw unusable('no image')
  return {
    commit,
    ref: text('ref', REF),
    run: text('run', NUMBER),
    images: [image, ...more],
    push: flag(object, 'push'),
    sign: flag(object, 'sign'),
    selfHosted: flag(object, 'selfHosted'),
    runners: runnersOf(object.runners),
    source: stageVerdict(object, 'source'),
    materials: stageVerdict(object, 'materials'),
    pins: list(object.pins, 'pins', LIMITS.observedMaterials).map(pinOf),
  }
}

function runnersOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isObject(value)) throw unusable('no runners')
  const entries = Object.entries(value).map(([platform, label]) => {
    if (!isPlanned(platform)) throw unusable(`the platform ${platform}`)
    return [platform, textAt(label, 'runners', LABEL)] as const
  })
  if (entries.length === 0) throw unusable('no platform')
  return Object.fromEntries(entries)
}

function pinOf(value: Json): Pin {
  if (!isObject(value)) throw unusable('a pin that is no object')
  const { uri, digests } = exactly(value, ['uri', 'digests'])
  return {
    uri: textAt(uri, 'pins.uri', /^.{1,8192}$/),
    digests: list(digests, 'pins.digests', 10).map(digest => textAt(digest, 'pins.digests', DIGESTS)),
  }
}

export function isPlanned(platform: string): boolean {
  return PLANNED_PLATFORMS.some(known => known === platform)
}

/** What one leg of the matrix made; the one output with its platform's name. */
export interface Part {
  readonly commit: CommitId
  readonly run: string
  readonly platform: string
  readonly digest: Digest
  readonly builder: 'buildx' | 'buildah'
  /** What the runner said of itself: `github-hosted`, `self-hosted`, or nothing known. */
  readonly runner: string
  readonly tools: readonly { readonly name: string; readonly version: string; readonly digest?: Digest }[]
  readonly conditions?: PartConditions
  /** How everything undeclared was kept out. */
  readonly enforced?: 'builder' | 'parser'
  /** What RUN steps were given to fetch with, by name (13-adversary 19). */
  readonly opened?: readonly string[]
}

export interface PartConditions {
  readonly builder: 'fresh' | 'shared'
  readonly cache: 'none' | 'shared'
  readonly network: 'default' | 'none'
  readonly isolation: 'processes' | 'none' | 'unknown'
}

const PART_KEYS = [
  ...['commit', 'run', 'platform', 'digest', 'builder', 'runner', 'tools', 'conditions', 'enforced', 'opened'],
] as const

export function partText(part: Part): string {
  return JSON.stringify(part)
}

/** @throws `build/part-unusable` */
export function readPart(text: string, output: string): Part {
  try {
    if (text.length > LIMITS.buildPlanBytes) throw unusable(`${text.length} characters`)
    return partOf(exactly(parseJsonObject(text, 'part'), PART_KEYS))
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'core/internal') throw error
    throw fail('build/part-unusable', `What the job that built ${printable(output, 40)} says cannot be read`, {
      expected: 'what the door leg writes',
      found: known.found ?? known.message,
      cause: error,
    })
  }
}

function partOf(object: JsonObject): Part {
  const { commit, digest } = object
  if (!isCommitId(commit)) throw unusable('no commit')
  if (!isDigest(digest)) throw unusable('no digest')
  return {
    commit,
    run: textAt(object.run, 'run', NUMBER),
    platform: textAt(object.platform, 'platform', /^[a-z0-9/]{3,40}$/),
    digest,
    builder: choice(object.builder, 'builder', ['buildx', 'buildah']),
    runner: textAt(object.runner, 'runner', /^[a-z-]{1,40}$/),
    tools: list(object.tools, 'tools', 10).map(toolOf),
    ...(object.conditions === undefined ? {} : { conditions: conditionsOf(object.conditions) }),
    ...(object.enforced === undefined ? {} : { enforced: choice(object.enforced, 'enforced', ['builder', 'parser']) }),
    ...(object.opened === undefined
      ? {}
      : { opened: list(object.opened, 'opened', 2 * LIMITS.buildSecrets).map(text => textAt(text, 'opened', OPENED)) }),
  }
}

function toolOf(value: Json): Part['tools'][number] {
  if (!isObject(value)) throw unusable('a tool that is no object')
  const { name, version, digest } = exactly(value, ['name', 'version', 'digest'])
  if (digest !== undefined && !isDigest(digest)) throw unusable('the digest of a tool')
  return {
    name: textAt(name, 'tools.name', /^[a-z][a-z0-9-]{0,40}$/),
    version: textAt(version, 'tools.version', /^.{0,200}$/),
    ...(digest === undefined ? {} : { digest }),
  }
}

function conditionsOf(value: Json): PartConditions {
  if (!isObject(value)) throw unusable('conditions that are no object')
  const { builder, cache, network, isolation } = exactly(value, ['builder', 'cache', 'network', 'isolation'])
  return {
    builder: choice(builder, 'conditions.builder', ['fresh', 'shared']),
    cache: choice(cache, 'conditions.cache', ['none', 'shared']),
    network: choice(network, 'conditions.network', ['default', 'none']),
    isolation: choice(isolation, 'conditions.isolation', ['processes', 'none', 'unknown']),
  }
}

/** A key that nobody reads could be one that another version would have judged by. */
function exactly(object: JsonObject, keys: readonly string[]): JsonObject {
  const other = Object.keys(object).find(key => !keys.includes(key))
  if (other !== undefined) throw unusable(`the key ${other}`)
  return object
}

function list(value: Json | undefined, name: string, most: number): readonly Json[] {
  const items = arrayAt(value, name)
  if (items.length > most) throw unusable(`${items.length} items of ${name}`)
  return items
}

function textAt(value: Json | undefined, name: string, grammar: RegExp): string {
  const text = stringAt(value, name)
  if (!grammar.test(text) || !isPrintable(text)) throw unusable(`${name} ${text.slice(0, 200)}`)
  return text
}

function flag(object: JsonObject, name: string): boolean {
  const value = object[name]
  if (typeof value !== 'boolean') throw unusable(`${name} that is neither true nor false`)
  return value
}

function choice<const T extends string>(value: Json | undefined, name: string, choices: readonly T[]): T {
  const found = choices.find(one => one === value)
  if (found === undefined) throw unusable(`${name} that is none of ${choices.join(', ')}`)
  return found
}

function stageVerdict(object: JsonObject, name: string): StageVerdict {
  const found = STAGE_VERDICTS.find(verdict => verdict === object[name])
  if (found === undefined) throw unusable(`no verdict of the stage ${name}`)
  return found as StageVerdict
}

function unusable(found: string, cause?: unknown): Error {
  return fail('build/plan-unusable', 'The plan of the job that prepares cannot be read', {
    expected: 'what the door prepare writes',
    found: printable(found),
    ...(cause === undefined ? {} : { cause }),
  })
}
