import type { AttestInputs } from './attest-inputs.ts'
import { contradiction, type Inputs } from './inputs.ts'

/** Inputs of the root action about deployables that are no images. */
export interface FileInputs {
  /** Patterns, relative to the workspace. */
  readonly files: readonly string[]
  /** As written. */
  readonly filesRepository?: string
  /** `env:NAME` or a path: signs image and files in place of the run's identity. */
  readonly key?: string
  /** `env:NAME` */
  readonly keyPassword?: string
}

export function readFiles(inputs: Inputs): FileInputs {
  const [filesRepository, key, keyPassword] = ['files-repository', 'key', 'key-password'].map(name => inputs.text(name))
  return {
    files: inputs.list('files'),
    ...(filesRepository === undefined ? {} : { filesRepository }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { keyPassword }),
  }
}

/** No image at all: `builder: none` without a digest, and files to sign. */
export function isForFilesAlone({
  builder,
  digest,
  files,
}: Pick<AttestInputs, 'builder' | 'digest' | 'files'>): boolean {
  return builder === 'none' && digest === undefined && files.length > 0
}

/** @throws `entry/input-contradiction` */
export function checkFiles(read: AttestInputs): void {
  const { files, filesRepository, key, keyPassword, sign, images, tags, push } = read
  const none = files.length === 0
  if (filesRepository !== undefined && none)
    throw contradiction('The input files-repository is for the bundles of files', 'files: <patterns>', 'no files')
  if (key === undefined && keyPassword !== undefined)
    throw contradiction('The input key-password is for a key', 'key: env:NAME, or no key-password', 'no key')
  if (sign === false && !none)
    throw contradiction('Files are named to be signed, but nothing is signed', 'sign: auto', 'sign: false')
  if (isForFilesAlone(read)) {
    if (images.length + tags.length > 0 || push !== undefined)
      throw contradiction(
        'Without an image there is nothing to push or tag',
        'files alone, or an image',
        'images or tags',
      )
  } else if (key !== undefined) checkImageKey(read)
}

function checkImageKey({ sign, transparencyLog, signingConfig }: AttestInputs): void {
  if (sign === false) throw contradiction('A key is named, but nothing is signed', 'sign: auto', 'sign: false')
  // A gate asks for the word of a service about every image: a signature that nobody saw would pass nowhere.
  if (transparencyLog === 'none' && signingConfig === undefined)
    throw contradiction(
      'Without a log an image needs a timestamp authority of your own, also with a key',
      'signing-config: <path of signing_config.json>',
      'transparency-log: none without signing-config',
    )
}
