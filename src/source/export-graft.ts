import { latin1 } from '../core/bytes.ts'
import type { CommitId } from '../core/digest.ts'
import type { ExportedTree } from './export.ts'
import type { LargeFile } from './export-large.ts'
import { shownPath } from './submodules.ts'

/** The verified tree of a submodule, as it lies on disk until it becomes part of the tree that names it. */
export interface ExportedSubmodule extends Omit<ExportedTree, 'gitTree' | 'digest'> {
  readonly commit: CommitId
  /** `git+https://host/owner/name@commit` */
  readonly uri: string
  /** Its own listing, without the header. */
  readonly lines: readonly Uint8Array[]
}

/** A submodule that is part of an exported tree. */
export interface Grafted {
  /** For people. */
  readonly path: string
  readonly commit: CommitId
  readonly uri: string
  readonly large: readonly LargeFile[]
  readonly submodules: readonly Grafted[]
}

/** Mode, space, digest, space: what stands before the path in a line. */
const BEFORE_PATH = '100644 '.length + 64 + 1

/** The listing of a submodule as part of that of the tree around it. Pure. */
export function graft(
  path: string,
  { commit, uri, lines, large, submodules }: ExportedSubmodule,
): { readonly grafted: Grafted; readonly lines: Uint8Array } {
  const below = `${shownPath(path)}/`
  const inside = lines.flatMap(piece => latin1(piece).split('\0').slice(0, -1))
  const moved = inside.map(line => `${line.slice(0, BEFORE_PATH)}${path}/${line.slice(BEFORE_PATH)}\0`)
  const grafted = {
    path: shownPath(path),
    commit,
    uri,
    large: large.map(file => ({ within: { commit, path: file.path }, ...file, path: `${below}${file.path}` })),
    submodules: submodules.map(one => under(below, one)),
  }
  return { grafted, lines: Buffer.from(moved.join(''), 'latin1') }
}

function under(prefix: string, grafted: Grafted): Grafted {
  return { ...grafted, path: `${prefix}${grafted.path}`, large: [], submodules: [] }
}
