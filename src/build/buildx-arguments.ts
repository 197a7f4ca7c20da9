import { join } from 'node:path'
import { contextFlags } from './named-contexts.ts'
import type { CheckedRequest } from './request.ts'

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
    '--provenance=mode=min',
    // The generator is an image, and where the world is closed nothing has verified it.
    ...(request.sbom === true && request.push && request.allowed === undefined ? ['--sbom=true'] : []),
    `--metadata-file=${files.metadata}`,
    `--output=${outputOf(request, files)}`,
    ...(request.network === 'none' ? ['--network=none'] : []),
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...pairs('--annotation', request.annotations),
    ...contextFlags(request),
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
