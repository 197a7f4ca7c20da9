import { gunzipSync } from 'node:zlib'

/** A regular file of an archive. */
export interface TarballFile {
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  /** Seconds since 1970. */
  readonly time: number
  readonly bytes: Uint8Array
}

/** Far more than a package of this project has. */
const MOST_BYTES = 64 * 1024 * 1024
const BLOCK = 512

/**
 * The files of what `npm pack` wrote (POSIX ustar, gzip).
 * @throws for anything that is no regular file with a short name: a package of this project has no links and no folders.
 */
export function readTarball(packed: Uint8Array): readonly TarballFile[] {
  const archive = gunzipSync(packed, { maxOutputLength: MOST_BYTES })
  const files: TarballFile[] = []
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.every(byte => byte === 0)) return files
    const type = text(header, 156, 1)
    const path = [text(header, 345, 155), text(header, 0, 100)].filter(part => part !== '').join('/')
    if (type !== '0' && type !== '') throw new Error(`${path} is an entry of the type ${type}`)
    const size = octal(header, 124, 12)
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size)
    if (bytes.length !== size) throw new Error(`${path} is cut off`)
    files.push({ path, mode: octal(header, 100, 8), time: octal(header, 136, 12), bytes })
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  throw new Error('The archive has no end')
}

function text(header: Uint8Array, at: number, length: number): string {
  return Buffer.from(header.subarray(at, at + length))
    .toString('latin1')
    .replace(/\0.*$/s, '')
}

function octal(header: Uint8Array, at: number, length: number): number {
  const digits = text(header, at, length).trim()
  if (!/^[0-7]+$/.test(digits)) throw new Error('The archive has a number that is none')
  return Number.parseInt(digits, 8)
}
