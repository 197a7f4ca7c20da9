import { join } from 'node:path'
import { contextFlags } from './named-contexts.ts'
import { type CheckedRequest, pushes } from './request.ts'
import { buildxSecretFlags, csvField } from './secrets.ts'
import { sshFlags } from './ssh.ts'

export interface BuildxFiles {
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
    ...attestationFlags(request),
    `--metadata-file=${files.metadata}`,
    `--output=${outputOf(request, files)}`,
    ...(request.noCache === true ? ['--no-cache'] : []),
    ...(request.network === 'none' ? ['--network=none'] : []),
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...pairs('--annotation', request.annotations),
    ...contextFlags(request),
    ...buildxSecretFlags(request.secrets),
    ...sshFlags(request.ssh),
    ...(request.cacheFrom ?? []).map(entry => `--cache-from=${entry}`),
    ...(request.cacheTo ?? []).map(entry => `--cache-to=${entry}`),
    `--file=${request.filePath}`,
    '--',
    request.contextPath,
  ]
}

function attestationFlags(request: CheckedRequest): readonly string[] {
  if (request.attestations === false) return ['--provenance=false', '--sbom=false']
  // The generator is an image, and where the world is closed nothing has verified it.
  const sbom = request.sbom === true && pushes(request) && request.allowed === undefined
  return ['--provenance=mode=min', ...(sbom ? ['--sbom=true'] : [])]
}

/** `--output` is CSV: a list of names and a path with a comma are quoted as one field. */
function outputOf(request: CheckedRequest, files: BuildxFiles): string {
  const rewrite = request.sourceDateEpoch === undefined ? [] : ['rewrite-timestamp=true']
  const fields = pushes(request)
    ? ['type=image', `name=${request.images.join(',')}`, 'push-by-digest=true', 'name-canonical=true', 'push=true']
    : ['type=oci', `dest=${files.layout}`]
  return [...fields, ...rewrite].map(csvField).join(',')
}

function pairs(flag: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${flag}=${name}=${value}`)
}
