import { isPrintable } from '../core/text.ts'
import { matches } from './match.ts'
import type { SubjectPattern } from './policy.ts'

/** What a deploy rule is looked up for. */
export type GateTarget =
  /** Canonical `host/repository` without tag and digest (13-adversary 34). */
  | { readonly kind: 'image'; readonly reference: string }
  /** In the form that `filePath` gives. */
  | { readonly kind: 'file'; readonly path: string }

/** How patterns and names of files begin. A registry that is called plainly `file` and has a port needs another name. */
export const FILE = 'file:'

/**
 * The one spelling of a file's path for rules: relative to the folder in which the gate was started, `/` between its parts, no
 * `.` or `..` left in it.
 * @param path as the user named it, relative to that folder, with `/`; a caller with other separators turns them first.
 * @returns undefined for a path that is absolute, leads out of the folder, or holds what nobody can read: no rule matches it.
 */
export function filePath(path: string): string | undefined {
  if (!isPrintable(path) || /\\|^\/|^[A-Za-z]:/.test(path)) return undefined
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.length === 0 || parts.includes('..')) return undefined
  return parts.join('/')
}

/** The target as rules, results and deploy summaries name it. */
export function targetText(target: GateTarget): string {
  return target.kind === 'image' ? target.reference : `${FILE}${target.path}`
}

/** Whether a rule's pattern is about this target. */
export function matchesTarget(pattern: SubjectPattern, target: GateTarget): boolean {
  return pattern.of === target.kind && matches(pattern, targetText(target))
}
