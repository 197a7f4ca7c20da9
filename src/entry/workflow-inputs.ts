import { type Part, readPart } from '../build/part.ts'
import { type BuildPlan, isPlanned, outputOf, PLANNED_PLATFORMS, readPlan } from '../build/plan.ts'
import { fail } from '../core/error.ts'
import { isObject, type Json, parseJsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import type { InputRow } from '../github/input-table.ts'
import { Inputs, malformed } from '../github/inputs.ts'
import type { Environment } from '../io/environment.ts'
import { GITHUB_HOSTED_LABELS } from '../statements/runners.ts'

/** A login as the inputs give it; without a host it is for the registry of the images. */
export interface GivenLogin {
  readonly host?: string
  readonly username?: string
  readonly password: string
}

/**
 * The environment with the inputs of the root action in place of a door's own: those that both have, and what the door adds.
 * @param own names of inputs that the root action does not have. @throws `entry/input-unsupported`
 */
export function rootEnvironment(
  env: Environment,
  table: readonly InputRow[],
  own: readonly string[],
  more: Readonly<Record<string, string>>,
): Environment {
  const inputs = new Inputs(env, table)
  const handed = table.flatMap(({ name }) => {
    const value = own.includes(name) ? undefined : inputs.text(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const rest = Object.entries(env).filter(([name]) => !name.startsWith('INPUT_'))
  const set = [...handed, ...Object.entries(more)].map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  return Object.fromEntries([...rest, ...set])
}

/** @throws `build/plan-unusable` */
export function readPlanInput(inputs: Inputs): BuildPlan {
  return readPlan(inputs.text('plan') ?? '')
}

/** For the verdict of the workflow alone: nothing that is signed rests on it. */
const VERDICT_OUTPUT = 'not-passed'

/** The outputs of the jobs that built: `{"linux-amd64": "<part>", …}`; empty ones are those of other platforms. @throws `build/part-…` */
export function readPartsInput(inputs: Inputs): readonly Part[] {
  const outputs = Object.entries(parseJsonObject(inputs.text('parts') ?? '{}', 'outputs of the jobs that built'))
  return outputs.flatMap(([name, value]) => {
    if (name === VERDICT_OUTPUT) return []
    if (!PLANNED_PLATFORMS.some(platform => outputOf(platform) === name)) throw unplanned(name)
    if (value === '' || value === null) return []
    if (typeof value !== 'string') throw unplanned(name)
    const part = readPart(value, name)
    if (outputOf(part.platform) === name) return [part]
    throw fail('build/part-differs', `The output ${printable(name, 40)} is about another platform`, {
      expected: name,
      found: part.platform,
    })
  })
}

function unplanned(name: string): Error {
  return fail('build/part-unplanned', `An output ${printable(name, 60)} is none of a platform`, {
    expected: PLANNED_PLATFORMS.map(outputOf).join(', '),
    found: printable(name, 60),
  })
}

/** What the matrix gets for a platform: a label, or labels that one runner must have all of. */
export interface Leg {
  readonly platform: string
  readonly runner: string | readonly string[]
  /** Name of the output. */
  readonly output: string
}

/**
 * The runner of each platform; those of GitHub where the input `runners` names none.
 * @throws `entry/input-malformed`, `build/request-malformed`, `build/runner-not-listed` (13-adversary 40)
 */
export function legsOf(inputs: Inputs): readonly Leg[] {
  const listed = inputs.list('platforms')
  const platforms = listed.length === 0 ? ['linux/amd64'] : listed
  for (const platform of platforms) checkPlatform(platform)
  if (new Set(platforms).size < platforms.length)
    throw malformed('platforms', 'each platform once', platforms.join(', '))
  const given = givenRunners(inputs, platforms)
  const legs = platforms.map(platform => ({
    platform,
    runner: given.get(platform) ?? (/^linux\/arm/.test(platform) ? 'ubuntu-24.04-arm' : 'ubuntu-24.04'),
    output: outputOf(platform),
  }))
  const selfHosted = inputs.flag('self-hosted') ?? false
  const other = legs.find(({ runner }) => !GITHUB_HOSTED_LABELS.has(labelOf(runner)))
  if (other !== undefined && !selfHosted)
    throw fail('build/runner-not-listed', `The runner of ${other.platform} is not one of GitHub's own labels`, {
      expected: [...GITHUB_HOSTED_LABELS].filter(label => label.startsWith('ubuntu')).join(', '),
      found: labelOf(other.runner),
    })
  return legs
}

/** As it is recorded. */
export function labelOf(runner: Leg['runner']): string {
  return typeof runner === 'string' ? runner : runner.join(',')
}

function checkPlatform(platform: string): void {
  if (isPlanned(platform)) return
  throw malformed('platforms', PLANNED_PLATFORMS.join(', '), platform)
}

const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._:=-]{0,99}$/

function givenRunners(inputs: Inputs, platforms: readonly string[]): ReadonlyMap<string, Leg['runner']> {
  const text = inputs.text('runners')
  if (text === undefined) return new Map()
  const entries = Object.entries(parseJsonObject(text, 'input runners'))
  return new Map(
    entries.map(([platform, value]) => {
      // A typo must not send a build to the default runner in silence.
      if (!platforms.includes(platform)) throw malformed('runners', `keys among ${platforms.join(', ')}`, platform)
      const labels = (Array.isArray(value) ? value : [value]) as readonly Json[]
      const texts = labels.filter(label => typeof label === 'string').filter(label => LABEL.test(label))
      const [first, ...more] = texts
      if (first === undefined || texts.length !== labels.length || texts.length > 10 || isObject(value))
        throw malformed('runners', 'a label, or a list of labels, for each platform', JSON.stringify(value))
      return [platform, more.length === 0 ? first : texts]
    }),
  )
}

/** Values are never shown. @throws `entry/input-malformed` */
export function readLogins(inputs: Inputs): readonly GivenLogin[] {
  return inputs.list('registry-password').map(line => {
    const [, host, username, password = ''] =
      /^(?:((?:\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)(?::[0-9]{1,5})?)=)?(?:([^:\s]+):)?([\x21-\x7e]+)$/.exec(line) ?? []
    if (password === '' || (host !== undefined && username === undefined))
      throw malformed('registry-password', 'PASSWORD, USER:PASSWORD or HOST=USER:PASSWORD', 'something else')
    return {
      password,
      ...(host === undefined ? {} : { host }),
      ...(username === undefined ? {} : { username }),
    }
  })
}
