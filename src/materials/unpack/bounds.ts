import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'

/** What may come out of one archive. */
export interface ArchiveBounds {
  readonly entries: number
  readonly bytes: number
  /** Bytes out for each byte in, looked at above `smallBytes` only. */
  readonly ratio: number
  readonly smallBytes: number
  readonly depth: number
  readonly pathBytes: number
}

export const ARCHIVE_BOUNDS: ArchiveBounds = {
  entries: LIMITS.archiveEntries,
  bytes: LIMITS.archiveBytes,
  ratio: LIMITS.archiveRatio,
  smallBytes: LIMITS.archiveSmallBytes,
  depth: LIMITS.archiveDepth,
  pathBytes: LIMITS.archivePathBytes,
}

/** Bytes that may come out of an archive of this size. */
export function mostOf(size: number, { bytes, ratio, smallBytes }: ArchiveBounds): number {
  return Math.min(bytes, Math.max(smallBytes, size * ratio))
}

export function malformed(found: string, cause?: unknown): Error {
  return fail('materials/archive-malformed', `The archive cannot be unpacked: it has ${found}`, {
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}

export function unsafe(path: string, found: string): Error {
  return fail(
    'materials/archive-unsafe',
    `The archive's entry ${printable(path, 200)} is not unpacked: it is ${found}`,
    {
      expected: 'a file, folder or link inside the archive',
      found,
    },
  )
}

export function tooLarge(expected: string): Error {
  return fail('materials/archive-too-large', 'The archive unpacks to more than is accepted', { expected })
}
