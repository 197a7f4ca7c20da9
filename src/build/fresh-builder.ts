import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { makeFolder, writeFileAtomic } from '../io/files.ts'
import type { ProcessResult } from '../io/process.ts'
import type { AllowedImage, AllowedMaterials } from './allowed.ts'
import type { ToolRecord } from './builder.ts'
import { readInspect } from './buildx-inspect.ts'
import { isOnThisMachine } from './this-machine.ts'
import { answer } from './tools.ts'

/** A BuildKit that this run made from a verified image, for one build: empty storage, no cache of anybody (13-adversary 19). */
export interface FreshBuilder {
  readonly name: string
  /** To add to the environment of every `docker buildx` that shall use it. */
  readonly env: Readonly<Record<string, string>>
  readonly tools: readonly ToolRecord[]
  /** Container and storage are gone afterwards. @returns what to tell when they are not. */
  remove(): Promise<string | undefined>
}

export interface FreshBuilderRequest {
  readonly docker: string
  readonly env: Readonly<Record<string, string>>
  /** Facts of the run for the name: its id and attempt. */
  readonly run: Environment
  readonly folder: string
  readonly image: AllowedImage
  /** `host[:port]` of registries. Loopback is reached from the machine's own network only. */
  readonly hosts: readonly string[]
  /** Those without TLS. Loopback has none. */
  readonly insecureRegistries: readonly string[]
}

/** The image to make a builder of, if one was declared. @throws `build/request-malformed` for several. */
export function builderImage(allowed: AllowedMaterials | undefined): AllowedImage | undefined {
  const [image, other] = (allowed?.images ?? []).filter(({ use }) => use === 'builder')
  if (image !== undefined && other !== undefined)
    throw fail('build/request-malformed', 'Two images are declared as the builder’s own', {
      expected: 'at most one',
      found: `${image.reference.canonical}, ${other.reference.canonical}`,
    })
  return image
}

/**
 * Its name tells whose it is, `waybill-run-<run>-<attempt>-<random>`: what a killed run leaves behind can be recognised, and
 * nobody removes another's. Its description lies in a configuration of its own, so no other build finds it.
 * @throws `build/builder-unavailable`; nothing is left then
 */
export async function createBuilder(request: FreshBuilderRequest): Promise<FreshBuilder> {
  const { docker, folder, run } = request
  const name = builderName(run)
  const config = join(folder, 'builders')
  await makeFolder(config)
  const env = { ...request.env, BUILDX_CONFIG: config, BUILDX_BUILDER: name }
  const remove = async () => removal(name, await answer(docker, ['buildx', 'rm', '--force', name], env))
  try {
    demand('create', await answer(docker, await createArguments(request, name), env))
    const state = demand('inspect', await answer(docker, ['buildx', 'inspect', '--bootstrap', name], env))
    return { name, env: { BUILDX_CONFIG: config, BUILDX_BUILDER: name }, tools: toolsOf(state), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Letters, digits and dashes only: it becomes the name of a container and of a volume. */
export function builderName(run: Environment, random = randomBytes(6).toString('hex')): string {
  const part = (value: string | undefined) => (value !== undefined && /^[0-9]{1,20}$/.test(value) ? value : '0')
  return `waybill-run-${part(run.GITHUB_RUN_ID)}-${part(run.GITHUB_RUN_ATTEMPT)}-${random}`
}

async function createArguments(request: FreshBuilderRequest, name: string): Promise<readonly string[]> {
  const { reference, digest } = request.image
  return [
    'buildx',
    'create',
    `--name=${name}`,
    '--driver=docker-container',
    // By digest alone: a tag beside it would only be for show.
    `--driver-opt=image=${reference.canonical}@${digest}`,
    ...(request.hosts.some(isOnThisMachine) ? ['--driver-opt=network=host'] : []),
    ...(await configArgument(request)),
  ]
}

async function configArgument({ folder, hosts, insecureRegistries }: FreshBuilderRequest): Promise<readonly string[]> {
  const plain = [...new Set([...insecureRegistries, ...hosts.filter(isOnThisMachine)])].sort()
  if (plain.length === 0) return []
  const path = join(folder, 'buildkitd.toml')
  const sections = plain.map(host => `[registry.${JSON.stringify(host)}]\n  http = true\n`)
  await writeFileAtomic(path, utf8(sections.join('\n')))
  return [`--buildkitd-config=${path}`]
}

function toolsOf(state: string): readonly ToolRecord[] {
  return readInspect(state).buildkit.map(version => ({ name: 'buildkit', version: printable(version, 120) }))
}

function demand(what: string, result: ProcessResult | undefined): string {
  if (result?.code === 0) return decodeUtf8(result.stdout) ?? ''
  throw fail('build/builder-unavailable', 'The declared builder image could not be started', {
    kind: 'unknown',
    expected: `docker buildx ${what} to end well`,
    found: result === undefined ? 'it did not run to an end' : lastWords(result),
    remedy:
      'A builder of its own needs a Docker daemon and an image of BuildKit. Without one, remove the item with `use: {builder: true}` from the materials manifest: the builder then counts as shared.',
  })
}

function removal(name: string, result: ProcessResult | undefined): string | undefined {
  if (result?.code === 0) return undefined
  return `The builder ${name} could not be removed: docker rm --force --volumes buildx_buildkit_${name}0`
}

function lastWords({ stderr }: ProcessResult): string {
  const lines = (decodeUtf8(stderr) ?? '').split('\n').filter(line => line.trim() !== '')
  return printable(lines.slice(-3).join(' ⏎ '), 500)
}
