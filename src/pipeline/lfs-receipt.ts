import { utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import type { MaterialReceipt } from '../report/receipt.ts'
import { bytes } from '../report/text.ts'
import type { ExportedTree } from '../source/export.ts'
import type { LargeFile } from '../source/export-large.ts'
import type { ResourceDescriptor } from '../statements/provenance.ts'
import type { JudgedMaterial } from './materials-outcome.ts'
import type { RunRecord } from './run.ts'

/** One line about all of them, and where materials are listed at all a row for each, as far as there are not too many. */
export function tellLarge({ large }: ExportedTree, record: RunRecord): void {
  if (large.length === 0) return
  const size = large.reduce((sum, file) => sum + file.size, 0)
  const what = large.length === 1 ? '1 file' : `${large.length} files`
  record.notices.push(
    `The content of ${what} (${bytes(size)}) came from Git LFS, with the SHA-256 that the commit names for each.`,
  )
  if (record.materials === undefined) return
  const rows = large.slice(0, LIMITS.lfsListed).map(largeReceipt)
  record.materials = { ...record.materials, items: [...record.materials.items, ...rows] }
}

function largeReceipt({ path, oid }: LargeFile): MaterialReceipt {
  return {
    name: path,
    kind: 'lfs',
    places: [path],
    digest: `sha256:${oid}`,
    verdict: 'passed',
    proof: 'pinned',
    findings: [],
  }
}

/**
 * For the provenance: what the tree of the commit only points to. Git LFS objects as `git+<repository>@<commit>#<path>` (the form of
 * SPDX § package download location); of very many one entry with the SHA-256 over the lines `sha256 SP size SP path LF`. Submodules
 * that no stage judged are pinned by the commit all the same.
 * @param repository of the built commit, `https://host/owner/name`
 */
export function contentOf(
  { large, submodules }: ExportedTree,
  commit: string,
  judged: readonly JudgedMaterial[],
  repository: string,
): readonly ResourceDescriptor[] {
  const known = new Set(judged.map(({ uri }) => uri))
  const open = submodules.filter(({ uri }) => !known.has(uri))
  return [
    ...open.map(({ path, uri, commit: gitCommit }) => ({
      name: path,
      uri,
      digest: { gitCommit },
      annotations: { proof: 'pinned', verdict: 'not-asked' },
    })),
    ...(large.length > LIMITS.lfsListed
      ? [sumOf(large, `git+${repository}@${commit}#*`)]
      : large.map(file => largeDescriptor(file, commit))),
  ]
}

function largeDescriptor({ path, oid, size, remote, within }: LargeFile, commit: string): ResourceDescriptor {
  const fragment = (within?.path ?? path).split('/').map(encodeURIComponent).join('/')
  return {
    name: path,
    uri: `git+${remote}@${within?.commit ?? commit}#${fragment}`,
    digest: { sha256: oid },
    annotations: { proof: 'pinned', by: 'git-lfs pointer', size: String(size) },
  }
}

/** Of the built commit, which pins what lies in submodules, too. */
function sumOf(large: readonly LargeFile[], uri: string): ResourceDescriptor {
  const lines = large.map(({ oid, size, path }) => `${oid} ${size} ${path}\n`)
  const digest = sha256(utf8(lines.join(''))).slice('sha256:'.length)
  return {
    name: 'git-lfs',
    uri,
    digest: { sha256: digest },
    annotations: { proof: 'pinned', by: 'git-lfs pointers', objects: String(large.length) },
  }
}
