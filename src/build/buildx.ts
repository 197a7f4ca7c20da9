import { join } from 'node:path'
import { fail } from '../core/error.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { makeFolder, readFileBounded } from '../io/files.ts'
import type { Builder, BuildResult, BuildWorld, ImageDescriptor, ToolRecord } from './builder.ts'
import { readBuildxMetadata } from './buildx-metadata.ts'
import { dockerCredentials } from './credentials.ts'
import { type BuildRequest, type CheckedRequest, checkRequest } from './request.ts'
import { runBuilder } from './tools.ts'

/** A machine's buildx as `detect.ts` found it. */
export interface BuildxHost {
  readonly kind: 'buildx'
  /** Absolute path of `docker`. */
  readonly docker: string
  /** `docker-container`, `remote`, `kubernetes`, `docker`. */
  readonly driver: string
  readonly tools: readonly ToolRecord[]
}

/** Variables that say which daemon and builder to use; none of them is a secret. */
const DOCKER_VARIABLES = [
  'DOCKER_CONFIG',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'BUILDX_BUILDER',
  'BUILDX_CONFIG',
] as const

/** Bytes of the metadata file: it may hold BuildKit's provenance of every platform. */
const METADATA_BYTES = 16 * 1024 * 1024

export function dockerEnvironment(
  env: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const docker: Record<string, string> = {}
  for (const name of DOCKER_VARIABLES) {
    const value = env[name]
    if (value !== undefined) docker[name] = value
  }
  return childEnvironment(env, { ...docker, ...extra })
}

/** Builds with `docker buildx build`; pushes by digest, or writes an OCI layout (tar) when the request does not push. */
export class BuildxBuilder implements Builder {
  readonly name = 'buildx'
  readonly #host: BuildxHost
  readonly #world: BuildWorld
  readonly #secrets: readonly string[]

  constructor(host: BuildxHost, world: BuildWorld, secrets: readonly string[]) {
    this.#host = host
    this.#world = world
    this.#secrets = secrets
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const checked = await checkRequest(request, this.#secrets)
    const files = buildxFiles(this.#world.folder)
    await makeFolder(files.folder)
    const credentials = await dockerCredentials(this.#world.env, files.folder, this.#world.logins)
    await runBuilder(
      'buildx',
      {
        file: this.#host.docker,
        args: buildxArguments(checked, files),
        env: dockerEnvironment(this.#world.env, { ...credentials, ...epochVariable(checked) }),
        // Never the workspace: a `docker-bake` file or `.env` there must not shape the build.
        cwd: files.folder,
        ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      },
      this.#world.output,
      lines => adviceFor(this.#host.driver, lines),
    )
    const image = readBuildxMetadata(await this.#metadata(files.metadata))
    if (!checked.push) await this.#compare(image, files.layout)
    return this.#result(checked, image, files.layout)
  }

  async #metadata(path: string): Promise<Uint8Array> {
    return readFileBounded(path, METADATA_BYTES).catch((error: unknown) => {
      throw fail('build/digest-missing', 'buildx wrote no metadata file', { cause: error })
    })
  }

  async #compare(image: ImageDescriptor, layout: string): Promise<void> {
    const written = await this.#world.layouts.read(layout)
    if (written.digest !== image.digest)
      throw fail('build/digest-mismatch', 'buildx says another digest than the layout it wrote', {
        expected: image.digest,
        found: written.digest,
      })
  }

  #result(request: CheckedRequest, image: ImageDescriptor, layout: string): BuildResult {
    return {
      digest: image.digest,
      ...(image.mediaType === '' ? {} : { mediaType: image.mediaType }),
      builder: 'buildx',
      tools: this.#host.tools,
      pushedTo: request.push ? request.images : [],
      ...(request.push ? {} : { layout }),
      // Nobody but this run may have made a `fresh` builder, and Waybill did not make this one (13-adversary 19).
      conditions: {
        builder: 'shared',
        cache: 'shared',
        network: request.network,
        isolation: this.#host.driver === 'remote' ? 'unknown' : 'processes',
      },
      notes: ['The builder is shared: layers and cache mounts of other builds on it can be part of this image.'],
    }
  }
}

interface BuildxFiles {
  readonly folder: string
  readonly metadata: string
  readonly layout: string
}

export function buildxFiles(runFolder: string): BuildxFiles {
  const folder = join(runFolder, 'buildx')
  return { folder, metadata: join(folder, 'metadata.json'), layout: join(folder, 'layout.tar') }
}

/** The argument list; every value from outside stands behind a `--name=` or after `--`. */
export function buildxArguments(request: CheckedRequest, files: BuildxFiles): readonly string[] {
  return [
    'buildx',
    'build',
    '--progress=plain',
    '--provenance=mode=min',
    `--metadata-file=${files.metadata}`,
    `--output=${outputOf(request, files)}`,
    ...(request.network === 'none' ? ['--network=none'] : []),
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...pairs('--annotation', request.annotations),
    `--file=${request.filePath}`,
    '--',
    request.contextPath,
  ]
}

/** `--output` is CSV: a list of names and a path with a comma are quoted as one field. */
function outputOf(request: CheckedRequest, files: BuildxFiles): string {
  const rewrite = request.sourceDateEpoch === undefined ? [] : ['rewrite-timestamp=true']
  const fields = request.push
    ? ['type=image', `name=${request.images.join(',')}`, 'push-by-digest=true', 'name-canonical=true', 'push=true']
    : ['type=oci', `dest=${files.layout}`]
  return [...fields, ...rewrite].map(csvField).join(',')
}

function csvField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

function pairs(flag: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${flag}=${name}=${value}`)
}

/** buildx hands this variable of its own environment to BuildKit as a build argument. */
function epochVariable(request: CheckedRequest): Record<string, string> {
  return request.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(request.sourceDateEpoch) }
}

function adviceFor(driver: string, lines: readonly string[]): string | undefined {
  const text = lines.join('\n')
  if (driver === 'docker' && /not supported for the docker driver|attestation|exporter/i.test(text))
    return 'Add a step `uses: docker/setup-buildx-action` before this one: the docker driver cannot push by digest.'
  // "permission denied" is what a RUN step says of a file.
  if (/((?<!permission )denied|unauthorized|403 Forbidden|401 Unauthorized)/i.test(text))
    return 'Give the job `permissions: { packages: write }` for ghcr.io, or log in to the registry in an earlier step.'
  return undefined
}
