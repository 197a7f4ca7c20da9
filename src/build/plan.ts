import { type CommitId, isCommitId } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { choice, exactly, flag, list, NUMBER, textAt, unusable } from './plan-fields.ts'

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

export type StageVerdict = (typeof STAGE_VERDICTS)[number]

export interface Pin {
  readonly uri: string
  /** `algorithm:hex`, sorted. */
  readonly digests: readonly string[]
}

const STAGE_VERDICTS = ['passed', 'rejected', 'unknown', 'not-asked'] as const
const REPOSITORY = /^[^\s/@]{1,300}(\/[a-z0-9._-]{1,200}){1,20}$/
const REF = /^refs\/.{1,1000}$/
const DIGESTS = /^[A-Za-z0-9]{1,20}:[0-9a-f]{32,128}$/
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
]

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
    source: choice(object.source, 'source', STAGE_VERDICTS),
    materials: choice(object.materials, 'materials', STAGE_VERDICTS),
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
