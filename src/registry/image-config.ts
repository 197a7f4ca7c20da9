import { fail } from '../core/error.ts'
import { isObject, type Json, parseJsonObject } from '../core/json.ts'
import { respelledKey } from '../core/key-spelling.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import type { ContentReader } from './bundle-manifest.ts'
import type { ImageManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/** What of an image's config changes a build on it. image-spec v1.1.1 § Image Configuration; Docker's `OnBuild` beside it. */
export interface BuildConfig {
  /** `NAME=value` */
  readonly Env: readonly string[]
  /** Instructions that run first in a build on the image. */
  readonly OnBuild: readonly string[]
}

/**
 * Reads the config of an image, checked against the digest that its manifest names.
 *
 *     {"architecture": …, "config": {"Env"?: ["PATH=…"] | null, "OnBuild"?: ["COPY . /app"] | null, …} | null, …}
 *
 * @throws `registry/config-malformed`, `core/answer-too-large`, and what the reader throws.
 */
export async function readBuildConfig(
  reader: ContentReader,
  repository: Repository,
  { config }: ImageManifest,
): Promise<BuildConfig> {
  const name = `${formatReference(repository)} (config ${config.digest})`
  if (config.size > LIMITS.manifestBytes) throw malformed(name, `more than ${LIMITS.manifestBytes} bytes`)
  const bytes = await reader.getBlob(repository, config.digest, LIMITS.manifestBytes)
  try {
    const inner = filled(configOf(bytes), objectAt, 'config.config') ?? {}
    const Env = textsAt(inner.Env, 'config.config.Env')
    const OnBuild = textsAt(inner.OnBuild, 'config.config.OnBuild')
    if (OnBuild.length > LIMITS.dockerfileReferences) throw malformed(name, `${OnBuild.length} instructions in OnBuild`)
    return { Env, OnBuild }
  } catch (error) {
    throw malformed(name, error instanceof Error ? error.message : 'no JSON', error)
  }
}

const OUTER = new Set(['config'])
const INNER = new Set(['Env', 'OnBuild'])

/**
 * `config` of an image config. Builders find fields in any case of letters: `ONBUILD` beside `OnBuild` would hide instructions
 * from us and not from them (13-adversary 21).
 * @throws `core/json-malformed`, `core/shape`
 */
export function configOf(bytes: Uint8Array): Json | undefined {
  const document = parseJsonObject(bytes, 'image config')
  const config = document.config ?? null
  const free = new Set([...Object.keys(document), ...(isObject(config) ? Object.keys(config) : [])])
  const respelled = respelledKey(document, OUTER, free) ?? respelledKey(config, INNER, free)
  if (respelled === undefined) return document.config
  throw fail('core/json-malformed', `The image config has the key ${printable(respelled, 40)} in other letters`, {
    expected: 'config, Env and OnBuild',
    found: respelled,
  })
}

/** Go writes an absent list or object as null. */
function filled<T>(value: Json | undefined, read: (value: Json, path: string) => T, path: string): T | undefined {
  return value === null ? undefined : optional(value, read, path)
}

function textsAt(value: Json | undefined, path: string): readonly string[] {
  const list = filled(value, arrayAt, path) ?? []
  return list.map((item, at) => stringAt(item, `${path}[${at}]`))
}

function malformed(name: string, found: string, cause?: unknown): Error {
  return fail('registry/config-malformed', `The config of ${name} cannot be read`, {
    expected: `an image config of at most ${LIMITS.manifestBytes} bytes and ${LIMITS.dockerfileReferences} ONBUILD instructions`,
    found: printable(found, 300),
    cause,
  })
}
