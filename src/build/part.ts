import { type CommitId, type Digest, isCommitId, isDigest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { BuildConditions } from './builder.ts'
import { choice, exactly, list, NUMBER, textAt, unusable } from './plan-fields.ts'
import { SECRET_ID } from './secrets.ts'

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
  readonly conditions?: BuildConditions
  /** How everything undeclared was kept out. */
  readonly enforced?: 'builder' | 'parser'
  /** Ids of the secrets that RUN steps were given; never a value. */
  readonly secrets?: readonly string[]
  /** What came of a second build; absent: nobody asked for one. */
  readonly rebuilt?: Rebuilt
}

/** What the job that built found when it built once more. */
export interface Rebuilt {
  readonly state: 'passed' | 'rejected' | 'unknown'
  /** The platform's manifest that both builds gave; there when `passed`. */
  readonly manifest?: Digest
}

const PART_KEYS = [
  ...['commit', 'run', 'platform', 'digest', 'builder', 'runner', 'tools', 'conditions', 'enforced'],
  ...['secrets', 'rebuilt'],
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
    ...(object.secrets === undefined ? {} : { secrets: secretsOf(object.secrets) }),
    ...(object.rebuilt === undefined ? {} : { rebuilt: rebuiltOf(object.rebuilt) }),
  }
}

function secretsOf(value: Json): readonly string[] {
  const ids = list(value, 'secrets', LIMITS.buildSecrets).map(id => textAt(id, 'secrets', SECRET_ID))
  if (ids.length === 0 || new Set(ids).size < ids.length) throw unusable('secrets of which none or one is twice')
  return ids
}

function rebuiltOf(value: Json): Rebuilt {
  if (!isObject(value)) throw unusable('a second build that is no object')
  const { state, manifest } = exactly(value, ['state', 'manifest'])
  const known = choice(state, 'rebuilt.state', ['passed', 'rejected', 'unknown'])
  if (known !== 'passed' && manifest === undefined) return { state: known }
  if (known !== 'passed' || !isDigest(manifest)) throw unusable('a manifest of both builds, or none')
  return { state: known, manifest }
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

function conditionsOf(value: Json): BuildConditions {
  if (!isObject(value)) throw unusable('conditions that are no object')
  const { builder, cache, network, isolation } = exactly(value, ['builder', 'cache', 'network', 'isolation'])
  return {
    builder: choice(builder, 'conditions.builder', ['fresh', 'shared']),
    cache: choice(cache, 'conditions.cache', ['none', 'shared']),
    network: choice(network, 'conditions.network', ['default', 'none']),
    isolation: choice(isolation, 'conditions.isolation', ['processes', 'none', 'unknown']),
  }
}
