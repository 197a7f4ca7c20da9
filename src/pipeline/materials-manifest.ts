import type { CommitId } from '../core/digest.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { parseManifest } from '../materials/manifest/parse.ts'
import { fileAt, type TreeReader } from './commit-files.ts'

/** Where the manifest lies unless the input `materials` says otherwise. */
export const MANIFEST_PATH = '.github/waybill.materials.yml'
/** Whoever adds it hopes that some reader prefers it (13-adversary 5). */
const RIVAL = '.github/waybill.materials.yaml'

export interface CommitManifest {
  readonly path: string
  readonly digest: Digest
  readonly items: readonly MaterialItem[]
}

/**
 * The manifest of the judged commit, if it has one.
 * @param path as the input says; absent: the usual place, where a manifest may be missing.
 * @throws `materials/manifest-unusable`
 */
export async function commitManifest(
  history: TreeReader,
  tree: CommitId,
  path: string | undefined,
): Promise<CommitManifest | undefined> {
  const at = path ?? MANIFEST_PATH
  const [bytes, rival] = await Promise.all(
    [at, RIVAL].map(file => fileAt(history, tree, file, LIMITS.materialsFileBytes)),
  )
  if (at !== RIVAL && rival !== undefined)
    throw fail('materials/manifest-unusable', `${RIVAL} could be taken for the manifest`, {
      expected: at,
      found: RIVAL,
      remedy: `Rename it to ${MANIFEST_PATH}, or name it in the input materials.`,
    })
  if (bytes !== undefined) return { path: at, digest: sha256(bytes), items: parseManifest(bytes, at) }
  if (path === undefined) return undefined
  throw fail('materials/manifest-unusable', `The commit has no file ${path}`, {
    expected: 'a regular file of the commit',
    remedy: 'Give the path from the root of the repository, or leave out the input materials.',
  })
}
