import { type Digest, isDigest } from '../core/digest.ts'
import { maybe } from '../core/maybe.ts'
import { BUILD_OPTIONS } from './build-option-inputs.ts'
import { type CommandInputs, checkCommand, readCommand } from './command-input.ts'
import type { FileInputs } from './file-inputs.ts'
import { contradiction, type Inputs, malformed } from './inputs.ts'

/** The inputs that shape the image, or name one that exists. */
export interface BuildInputs extends CommandInputs {
  /** `auto` became `command` with `command`, `none` with `digest` and `layout` with `layout`. */
  readonly builder: 'auto' | 'buildx' | 'buildah' | 'layout' | 'none' | 'command'
  readonly context: string
  readonly file?: string
  readonly target?: string
  readonly platforms: readonly string[]
  readonly buildArgs: Readonly<Record<string, string>>
  readonly recordBuildArgs: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  readonly reproducible: 'off' | 'check'
  readonly layout?: string
  readonly digest?: Digest
}

/** What the inputs say of the build, not yet checked against each other. @throws `entry/input-malformed` */
export function readBuild(inputs: Inputs): BuildInputs {
  const digest = inputs.text('digest')
  if (digest !== undefined && !isDigest(digest)) throw malformed('digest', 'sha256:<64 lower-case hex digits>', digest)
  return {
    builder: inputs.choice('builder', ['auto', 'buildx', 'buildah', 'layout', 'none', 'command']),
    context: inputs.text('context') ?? '.',
    ...maybe('file', inputs.text('file')),
    ...maybe('target', inputs.text('target')),
    platforms: inputs.list('platforms'),
    buildArgs: inputs.pairs('build-args'),
    recordBuildArgs: inputs.list('record-build-args'),
    labels: inputs.pairs('labels'),
    annotations: inputs.pairs('annotations'),
    network: inputs.choice('network', ['default', 'none']),
    reproducible: inputs.choice('reproducible', ['off', 'check']),
    ...maybe('layout', inputs.text('layout')),
    ...maybe('digest', digest),
    ...readCommand(inputs),
  }
}

/** `auto` is `command` with `command`, `none` with `digest` and `layout` with `layout`. */
export function effectiveBuilder({ builder, command, digest, layout }: BuildInputs): BuildInputs['builder'] {
  if (builder !== 'auto') return builder
  if (command !== undefined) return 'command'
  return digest !== undefined ? 'none' : layout !== undefined ? 'layout' : 'auto'
}

/** @throws `entry/input-contradiction` */
export function checkBuilder(read: BuildInputs & Pick<FileInputs, 'files'>, inputs: Inputs): void {
  const { digest, layout } = read
  const builder = effectiveBuilder(read)
  if (digest !== undefined && layout !== undefined)
    throw contradiction('The inputs digest and layout name two images', 'one of digest and layout', 'both')
  if (digest !== undefined && builder !== 'none')
    throw contradiction('The input digest names an image that is not built', 'builder: none', `builder: ${builder}`)
  checkCommand(read, builder, inputs)
  if (layout !== undefined && builder !== 'layout' && builder !== 'command')
    throw contradiction(
      'The input layout names an image that is built already',
      'builder: layout',
      `builder: ${builder}`,
    )
  if (builder === 'none' && digest === undefined && read.files.length === 0)
    throw contradiction('The builder none needs an image or files', 'digest: sha256:…, or files: <patterns>', 'neither')
  if (builder === 'layout' && layout === undefined)
    throw contradiction('The builder layout needs a layout', 'layout: <path>', 'no layout')
  checkReproducible(read.reproducible, builder)
  if (builder === 'none' || builder === 'layout' || builder === 'command') checkNothingToBuild(builder, inputs)
}

/** Who did not drive the first build cannot make a second one of the same kind. */
function checkReproducible(reproducible: BuildInputs['reproducible'], builder: string): void {
  const builds = builder === 'auto' || builder === 'buildx' || builder === 'buildah'
  if (reproducible === 'check' && !builds)
    throw contradiction(
      `The input reproducible asks for a second build, but with builder: ${builder} Waybill makes not even the first`,
      'reproducible: off',
      `builder: ${builder}`,
    )
}

/** What shapes a build says nothing about an image that exists: it would be recorded as if it had. */
function checkNothingToBuild(builder: string, inputs: Inputs): void {
  const shaping = [
    'file',
    'target',
    'platforms',
    'build-args',
    'record-build-args',
    'labels',
    'annotations',
    'bake',
    ...BUILD_OPTIONS,
  ]
  const set = [
    ...shaping.filter(name => inputs.text(name) !== undefined),
    ...(inputs.text('context') === '.' || builder === 'command' ? [] : ['context']),
    ...(inputs.text('network') === 'default' ? [] : ['network']),
  ]
  const first = set[0]
  if (first !== undefined)
    throw contradiction(
      builder === 'command'
        ? `The input ${first} shapes a build of Waybill, but a command builds by itself`
        : `The input ${first} shapes a build, but ${builder} builds nothing`,
      `no ${first}`,
      set.join(', '),
    )
}
