import { dirname, resolve } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { exists, readFileBounded, writeFileAtomic } from '../io/files.ts'
import { sha256Repository } from './git-failure.ts'

/**
 * A repository on this machine is read through a "link": a private bare repository of ours whose only content is the
 * line that names the other one's object folder. git then serves objects from there under *our* configuration: no hook,
 * filter, pack command, replacement ref, graft, shallow or commit-graph setting of the other repository has a say
 * (13-adversary 9). The link is a source to fetch from, never an alternate of the repositories that are judged: fetching
 * copies each object and names it anew by its content.
 */
export async function linkLocalObjects(path: string, link: string): Promise<void> {
  const objects = await objectFolderOf(path)
  await writeFileAtomic(`${link}/objects/info/alternates`, `${objects}\n`)
  await writeFileAtomic(`${link}/config`, LINK_CONFIG)
}

/**
 * Serves any object that is there; trusts no index of the other repository that is not checked by content later. Nothing is
 * compressed on the way: it stays on this machine.
 */
const LINK_CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
	commitGraph = false
	multiPackIndex = false
	compression = 0
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[pack]
	useBitmaps = false
	window = 0
`

const SMALL = 4_096

/** Object folder of a clone, a bare repository, a linked worktree or a submodule. */
async function objectFolderOf(path: string): Promise<string> {
  const { common: base } = await gitFoldersOf(path)
  if (!(await exists(`${base}/objects`))) throw noRepository(path)
  await refuseSha256(base)
  return `${base}/objects`
}

/**
 * Where a clone keeps what is its own (`HEAD`), and what it shares with other working trees of the same repository.
 * @throws `source/repository-unreachable` when the path is no repository.
 */
export async function gitFoldersOf(path: string): Promise<{ readonly own: string; readonly common: string }> {
  const own = await gitDirOf(path)
  const common = await pointer(`${own}/commondir`)
  return { own, common: common === undefined ? own : resolve(own, common) }
}

async function gitDirOf(path: string): Promise<string> {
  if (await exists(`${path}/.git/objects`)) return `${path}/.git`
  if ((await exists(`${path}/objects`)) && (await exists(`${path}/HEAD`))) return path
  const link = await pointer(`${path}/.git`)
  if (link?.startsWith('gitdir: ') !== true) throw noRepository(path)
  const target = resolve(path, link.slice('gitdir: '.length))
  return (await exists(target)) ? target : resolve(dirname(path), target)
}

/** The one line of a small file; undefined when there is none. */
export async function pointer(path: string): Promise<string | undefined> {
  if (!(await exists(path))) return undefined
  try {
    const text = decodeUtf8(await readFileBounded(path, SMALL))?.replace(/\n$/, '')
    return text === undefined || /[\n\r\0]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Only to refuse by name: under SHA-1 no object of such a repository could be found anyway. */
async function refuseSha256(gitDir: string): Promise<void> {
  if (!(await exists(`${gitDir}/config`))) return
  const config = decodeUtf8(await readFileBounded(`${gitDir}/config`, 1024 * 1024)) ?? ''
  if (/^[ \t]*objectformat[ \t]*=[ \t]*"?sha256/im.test(config)) throw sha256Repository()
}

function noRepository(path: string): Error {
  return fail('source/repository-unreachable', `${printable(path, 200)} is not a git repository`, {
    expected: 'a folder with .git, or a bare repository',
    remedy: 'Run in the clone, or give its folder.',
  })
}
