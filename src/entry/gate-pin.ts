import { type Digest, parseDigest } from '../core/digest.ts'
import { writeFileAtomic } from '../io/files.ts'
import { formatReference } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { pinImages } from '../subjects/pin.ts'
import type { PinSource } from './gate-manifests.ts'

export interface PinnedFile {
  /** As places name it. */
  readonly file: string
  /** Absolute; absent for standard input. */
  readonly path?: string
  readonly bytes: Uint8Array
}

/**
 * The files with the digests that were judged. Nothing is made unless every subject passed: a file that is pinned looks as if it
 * had been let through.
 * @throws `verify/not-pinnable`: nothing is written then.
 */
export function pinnedFiles(receipt: Receipt, sources: readonly PinSource[]): readonly PinnedFile[] {
  if (receipt.verdict !== 'passed') return []
  const digests = new Map(receipt.subjects.map(({ name, digest }) => [name, digest]))
  return sources.map(({ file, path, bytes, images }) => {
    const pins = images.map(image => ({ image, digest: digestOf(digests, formatReference(image.reference)) }))
    const pinned = pinImages(bytes, pins, { file })
    return { file, ...(path === undefined ? {} : { path }), bytes: pinned }
  })
}

function digestOf(digests: ReadonlyMap<string, string>, name: string): Digest {
  return parseDigest(digests.get(name) ?? '')
}

/** What the result says of it: the files as they were named; standard input is no file. */
export function pinnedReceipt(files: readonly PinnedFile[]): Pick<Receipt, 'pinned'> {
  const names = files.flatMap(({ file, path }) => (path === undefined ? [] : [file]))
  return names.length === 0 ? {} : { pinned: names }
}

/** @returns the paths that were written. @throws `core/file-unwritable` */
export async function writePinned(files: readonly PinnedFile[]): Promise<readonly string[]> {
  const paths: string[] = []
  for (const { path, bytes } of files) {
    if (path === undefined) continue
    await writeFileAtomic(path, bytes)
    paths.push(path)
  }
  return paths
}
