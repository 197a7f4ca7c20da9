import { posix } from 'node:path'
import { isPrintable } from '../core/text.ts'

/**
 * A path as somebody wrote it, from the root of the tree: `.` and empty segments removed, `.` for the root itself.
 * @returns undefined for one that leads out, is absolute, or that programs read in different ways.
 */
export function treePath(path: string): string | undefined {
  const leadsOut = path.startsWith('/') || path.split('/').includes('..')
  if (leadsOut || /[\\\0]/.test(path) || !isPrintable(path)) return undefined
  return posix.normalize(path === '' ? '.' : path).replace(/(?<=.)\/$/, '')
}
