import { decodeUtf8, latin1 } from '../../core/bytes.ts'
import { LIMITS } from '../../core/limits.ts'
import { type ArchiveBounds, unsafe } from './bounds.ts'

/**
 * The path of an entry, `/` between its parts and none at its ends.
 * @throws `materials/archive-unsafe` for everything that means another place somewhere: absolute, upwards, a drive, a name that is
 * `.git` to some file system, characters that nobody sees, bytes that are no UTF-8.
 */
export function entryPath(bytes: Uint8Array, { depth, pathBytes }: ArchiveBounds): string {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unsafe(latin1(bytes), 'called by bytes that are no UTF-8')
  if (bytes.byteLength > pathBytes) throw unsafe(text, `called by more than ${pathBytes} bytes`)
  const path = text.replace(/^(?:\.\/)+/, '').replace(/\/$/, '')
  if (path.startsWith('/')) throw unsafe(text, 'an absolute path')
  const parts = path.split('/')
  if (parts.length > depth) throw unsafe(text, `more than ${depth} folders deep`)
  for (const part of parts) {
    if (part === '..') throw unsafe(text, 'a way up')
    if (part === '' || part === '.') throw unsafe(text, 'a path with a second spelling')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    if (/[\\:\u0000-\u001f\u007f]/.test(part)) throw unsafe(text, 'a name that another system reads as a path')
    if (/^(?:\.git|git~[0-9]+)[. ]*$/i.test(part)) throw unsafe(text, 'a name of git’s own')
  }
  return path
}

/** How a file system that knows no case would call it. */
export function folded(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase()
}

/**
 * The target of a link, as it is written. It may go up at its beginning only: a way up behind a name could pass through
 * another link, and then nobody can say by reading where it ends.
 * @throws `materials/archive-unsafe` when it leads out of the archive
 */
export function linkTarget(path: string, bytes: Uint8Array): string {
  const target = decodeUtf8(bytes)
  const wrong = (found: string): Error => unsafe(path, `a link ${found}`)
  if (target === undefined || target === '' || target.includes('\0')) throw wrong('to nothing that has a name')
  if (bytes.byteLength > LIMITS.archiveTargetBytes) throw wrong('with a target that is too long')
  if (target.startsWith('/') || /[\\:]/.test(target)) throw wrong('to an absolute path')
  const parts = target.split('/').filter(part => part !== '' && part !== '.')
  const up = parts.findIndex(part => part !== '..')
  const ups = up === -1 ? parts.length : up
  if (parts.slice(ups).includes('..')) throw wrong('that goes up behind a name')
  if (ups > path.split('/').length - 1) throw wrong('that leads out of the archive')
  return target
}

/** One character a byte, as folders are written. */
export function rawName(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
