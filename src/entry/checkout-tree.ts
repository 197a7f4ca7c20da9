import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseCommitId } from '../core/digest.ts'
import { LIMITS } from '../core/limits.ts'
import type { Environment } from '../io/environment.ts'
import { exists, makeTemporaryFolder, readFileBounded, remove } from '../io/files.ts'
import type { CheckoutContent } from '../pipeline/materials-command-request.ts'
import { Clone, OFFLINE, repositoryUri } from '../source/clone.ts'
import { parseCommit } from '../source/commit.ts'
import { type History, openHistory } from '../source/git.ts'
import { type LfsPointer, parseLfsPointer } from '../source/lfs-pointer.ts'
import { readSubmodules } from '../source/submodules.ts'
import { REMOTE, rootOf } from './clone-names.ts'
import { serverAddress } from './platform-api.ts'
import { requireGit } from './workspace.ts'

/** A pointer has at least its three lines. */
const POINTER_BYTES = { least: 100, most: 1_024 }

/**
 * What the checkout's commit only points to: submodules and content of Git LFS, read from the commit and not from the folder, where
 * they lie as somebody fetched them. Where no file speaks of either, git is not even asked.
 * @throws `source/clone-failed`, `source/gitmodules-malformed`, and what reading objects throws
 */
export async function withCheckout<T>(
  working: string,
  env: Environment,
  work: (content: CheckoutContent | undefined) => Promise<T>,
): Promise<T> {
  if (!(await speaksOfMore(working))) return work(undefined)
  const folder = await makeTemporaryFolder(resolve(working, env.TMPDIR || tmpdir()), 'waybill-tree-')
  let history: History | undefined
  try {
    const git = requireGit(env)
    const clone = new Clone(git, working, env, OFFLINE)
    const [url, head] = [await rootOf(clone), await clone.commit('HEAD')]
    const deadline = new Date(Date.now() + LIMITS.sourceStageMs)
    history = await openHistory({
      git,
      folder: join(folder, 'git'),
      url,
      localPath: true,
      env,
      head,
      tipOnly: true,
      deadline,
    })
    await history.fetchTree(head)
    const commit = parseCommit(head, await history.commit(head))
    if ('malformed' in commit) return await work(undefined)
    const remote = repositoryUri((await clone.find('config', '--get', `remote.${REMOTE}.url`)) ?? '')
    const tree = { history, tree: commit.tree, remote: remote ?? `${serverAddress(env)}/OWNER/NAME` }
    const submodules = await readSubmodules(history, commit.tree)
    return await work({ tree, submodules, large: await pointersOf(clone, history) })
  } finally {
    await history?.close()
    await remove(folder)
  }
}

async function speaksOfMore(working: string): Promise<boolean> {
  if (await exists(join(working, '.gitmodules'))) return true
  const attributes = join(working, '.gitattributes')
  if (!(await exists(attributes))) return false
  return Buffer.from(await readFileBounded(attributes, LIMITS.policyFileBytes)).includes('filter=lfs')
}

/** `mode SP type SP id SP size TAB path NUL`, git-ls-tree(1) § Output format. Only what may be a pointer is read. */
async function pointersOf(
  clone: Clone,
  history: History,
): Promise<readonly (LfsPointer & { readonly path: string })[]> {
  const rows = (await clone.text('ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD')).split('\0')
  const found: (LfsPointer & { readonly path: string })[] = []
  for (const row of rows) {
    const [, id, digits, name] = /^100[67][0-9]{2} blob ([0-9a-f]{40}) +([0-9]+)\t(.*)$/s.exec(row) ?? []
    const size = Number(digits)
    if (id === undefined || name === undefined || size < POINTER_BYTES.least || size > POINTER_BYTES.most) continue
    const path = Buffer.from(name, 'latin1').toString('utf8')
    const pointer = pointerIn(await history.blob(parseCommitId(id), POINTER_BYTES.most), path)
    if (pointer !== undefined) found.push({ ...pointer, path })
  }
  return found
}

/** One that is malformed ends a run; here it is a file like any other. */
function pointerIn(bytes: Uint8Array, path: string): LfsPointer | undefined {
  try {
    return parseLfsPointer(bytes, path)
  } catch {
    return undefined
  }
}
