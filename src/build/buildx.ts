import { utf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { makeFolder, readFileBounded } from '../io/files.ts'
import type { Builder, BuildResult, BuildWorld, ImageDescriptor, ToolRecord } from './builder.ts'
import { refusalOf } from './buildkit-refusal.ts'
import { submodulesOf } from './buildkit-version.ts'
import { type BuildxFiles, buildxArguments, buildxFiles } from './buildx-arguments.ts'
import { type Closed, closeWorld, hostsOf, observe, SOURCE_POLICY } from './buildx-closed.ts'
import { readBuildxMetadata } from './buildx-metadata.ts'
import { dockerCredentials } from './credentials.ts'
import { builderImage, createBuilder } from './fresh-builder.ts'
import { cacheVariables, openedBy, optionNotes } from './openings.ts'
import { type BuildRequest, type CheckedRequest, checkRequest, checkValues, pushes } from './request.ts'
import { runBuilder } from './tools.ts'

/** A machine's buildx as `detect.ts` found it. */
export interface BuildxHost {
  readonly kind: 'buildx'
  /** Absolute path of `docker`. */
  readonly docker: string
  /** `docker-container`, `remote`, `kubernetes`, `docker`. */
  readonly driver: string
  /** Machines behind it; each builds some of the platforms. Default: one. */
  readonly nodes?: number
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

/** One build's way to a builder: what every call of it gets, and what is known of who answers. */
interface Session {
  readonly env: Readonly<Record<string, string>>
  readonly driver: string
  readonly tools: readonly ToolRecord[]
  readonly fresh: boolean
  readonly files: BuildxFiles
}

interface Prepared {
  readonly request: Omit<BuildRequest, 'commitFolder'>
  readonly session: Session
  readonly closed: Closed
}

/** Builds with `docker buildx build`; pushes by digest, or writes an OCI layout (tar) when the request does not push. */
export class BuildxBuilder implements Builder {
  readonly name = 'buildx'
  readonly #host: BuildxHost
  readonly #world: BuildWorld
  readonly #secrets: readonly string[]
  #prepared: Prepared | undefined

  constructor(host: BuildxHost, world: BuildWorld, secrets: readonly string[]) {
    this.#host = host
    this.#world = world
    this.#secrets = secrets
  }

  /** A builder that is made for this build alone is made and proved by `build`, which also removes it. */
  async prepare(request: Omit<BuildRequest, 'commitFolder'>): Promise<void> {
    checkValues(request, this.#secrets)
    if (builderImage(request.allowed) !== undefined) return
    const session = await this.#open(request)
    this.#prepared = { request, session, closed: await this.#close(session, request) }
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const checked = await checkRequest(request, this.#secrets)
    const prepared = this.#preparedFor(request)
    if (prepared !== undefined) return this.#buildIn(prepared.session, checked, prepared.closed)
    const session = await this.#open(checked)
    const image = builderImage(checked.allowed)
    if (image === undefined) return this.#buildIn(session, checked)
    const fresh = await createBuilder({
      docker: this.#host.docker,
      env: session.env,
      run: this.#world.env,
      folder: session.files.folder,
      image,
      hosts: hostsOf(checked),
      insecureRegistries: this.#world.insecureRegistries,
    })
    let left: string | undefined
    let result: BuildResult
    try {
      const tools = [...session.tools.filter(({ name }) => name !== 'buildkit'), ...fresh.tools]
      const env = { ...session.env, ...fresh.env }
      result = await this.#buildIn({ ...session, driver: 'docker-container', env, tools, fresh: true }, checked)
    } finally {
      left = await fresh.remove()
      if (left !== undefined) this.#world.output.write(utf8(`${left}\n`))
    }
    return left === undefined ? result : { ...result, notes: [...result.notes, left] }
  }

  /** What was proved holds for the very request that it was proved for: any other is proved anew. */
  #preparedFor(request: BuildRequest): Prepared | undefined {
    const prepared = this.#prepared
    if (prepared === undefined) return undefined
    const { commitFolder: _written, ...wanted } = { ...prepared.request, ...request }
    const names = Object.keys(wanted) as (keyof typeof wanted)[]
    return names.every(name => prepared.request[name] === request[name]) ? prepared : undefined
  }

  async #open(checked: Omit<BuildRequest, 'commitFolder'>): Promise<Session> {
    const files = buildxFiles(this.#world.folder)
    await makeFolder(files.folder)
    const credentials = await dockerCredentials(this.#world.env, files.folder, this.#world.logins)
    const env = dockerEnvironment(this.#world.env, { ...credentials, ...epochVariable(checked) })
    const { driver, tools } = this.#host
    return { env, driver, tools, fresh: false, files }
  }

  #close({ env, files, fresh }: Session, checked: Omit<BuildRequest, 'commitFolder'>): Promise<Closed> {
    const { docker, nodes = 1 } = this.#host
    return closeWorld(checked, {
      docker,
      env,
      folder: files.folder,
      second: this.#world.env[SOURCE_POLICY],
      // Of several nodes each builds some of the platforms, and each must refuse.
      platforms: fresh || nodes < 2 ? [] : checked.platforms,
    })
  }

  async #buildIn(session: Session, checked: CheckedRequest, proved?: Closed): Promise<BuildResult> {
    const { docker } = this.#host
    const { files } = session
    const submodules = checked.allowed === undefined ? undefined : submodulesOf(checked.allowed, session.tools)
    const closed = proved ?? (await this.#close(session, checked))
    await this.#run(session, checked, closed.env)
    const metadata = await this.#metadata(files.metadata)
    const image = readBuildxMetadata(metadata)
    if (!pushes(checked)) await this.#compare(image, files.layout)
    const observed = await observe({ docker, env: session.env, metadata, checked })
    const result = this.#result(session, checked, image, { ...closed.facts, ...observed })
    return submodules === undefined ? result : { ...result, notes: [...result.notes, submodules] }
  }

  async #run(session: Session, checked: CheckedRequest, more: Readonly<Record<string, string>>): Promise<void> {
    const { allowed, timeoutMs } = checked
    await runBuilder(
      'buildx',
      {
        file: this.#host.docker,
        args: buildxArguments(checked, session.files),
        env: { ...session.env, ...more, ...cacheVariables(this.#world.env, checked) },
        // Never the workspace: a `docker-bake` file or `.env` there must not shape the build.
        cwd: session.files.folder,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
      this.#world.output,
      (lines, text) => (allowed && refusalOf(text, allowed)) ?? adviceFor(session.driver, lines),
    )
  }

  async #metadata(path: string): Promise<Uint8Array> {
    return readFileBounded(path, METADATA_BYTES).catch((error: unknown) => {
      throw fail('build/digest-missing', 'buildx wrote no metadata file that can be read', {
        expected: `a file of at most ${METADATA_BYTES} bytes`,
        found: asWaybillError(error).found ?? 'nothing',
        cause: error,
      })
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

  #result(
    { fresh, driver, tools, files }: Session,
    request: CheckedRequest,
    image: ImageDescriptor,
    facts: Pick<BuildResult, 'enforcement' | 'observed'>,
  ): BuildResult {
    return {
      digest: image.digest,
      ...(image.mediaType === '' ? {} : { mediaType: image.mediaType }),
      builder: 'buildx',
      tools,
      pushedTo: pushes(request) ? request.images : [],
      ...(pushes(request) ? {} : { layout: files.layout }),
      // `fresh` is only a builder that Waybill itself made for this build (13-adversary 19); its storage began empty.
      conditions: {
        builder: fresh ? 'fresh' : 'shared',
        cache: fresh && (request.cacheFrom ?? []).length === 0 ? 'none' : 'shared',
        network: request.network,
        isolation: driver === 'remote' ? 'unknown' : 'processes',
      },
      ...openedBy(request),
      ...facts,
      notes: notesOf(fresh, request, facts),
    }
  }
}

const SHARED = 'The builder is shared: layers and cache mounts of other builds on it can be part of this image.'
const SILENT = 'The builder wrote no provenance that could be compared with what was allowed.'

function notesOf(
  fresh: boolean,
  request: CheckedRequest,
  { observed }: Pick<BuildResult, 'observed'>,
): readonly string[] {
  const silent = request.allowed !== undefined && observed === undefined
  return [...(fresh ? [] : [SHARED]), ...(silent ? [SILENT] : []), ...optionNotes(request)]
}

/** buildx hands this variable of its own environment to BuildKit as a build argument. */
function epochVariable(request: Pick<BuildRequest, 'sourceDateEpoch'>): Record<string, string> {
  return request.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(request.sourceDateEpoch) }
}

function adviceFor(driver: string, lines: readonly string[]): string | undefined {
  const text = lines.join('\n')
  if (driver === 'docker' && /not supported for the docker driver|attestation|exporter/i.test(text))
    return 'Add a step `uses: docker/setup-buildx-action@v3` before this one: the docker driver cannot push by digest.'
  // "permission denied" is what a RUN step says of a file.
  if (/((?<!permission )denied|unauthorized|403 Forbidden|401 Unauthorized)/i.test(text))
    return 'Give the job `permissions: { packages: write }` for ghcr.io, or log in to the registry in an earlier step.'
  return undefined
}
