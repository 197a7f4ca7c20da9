import { isAbsolute } from 'node:path'
import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { exists } from '../io/files.ts'
import type { Clone } from '../source/clone.ts'
import { usage } from './commands/command.ts'

/** What the words of a command line mean in a clone: commits, and the ref whose rules hold. */
export interface CloneRange {
  readonly head: CommitId
  readonly base?: CommitId
  readonly anchor?: CommitId
  /** In full. */
  readonly ref: string
  /** Why that one, for people. */
  readonly refReason: string
}

export interface RangeWords {
  /** `OLD..NEW`, `NEW`, or absent. */
  readonly range?: string
  readonly since?: string
  readonly ref?: string
}

/** The remote whose default branch and address count where nothing else is said. */
export const REMOTE = 'origin'

/** Where git keeps the clone: its working tree, or the repository itself when it is bare. @throws `source/clone-failed` */
export async function rootOf(clone: Clone): Promise<string> {
  const found = (await exists(clone.folder))
    ? ((await clone.find('rev-parse', '--show-toplevel')) ?? (await clone.find('rev-parse', '--absolute-git-dir')))
    : undefined
  const root = found === undefined ? undefined : unicode(found)
  if (root !== undefined && isAbsolute(root)) return root
  throw fail('source/clone-failed', `${printable(clone.folder)} is not a clone that git reads`, {
    expected: 'a git repository',
    found: printable(clone.folder),
    remedy: 'Run in the clone, or name it: --repo DIR',
  })
}

/** @throws `entry/usage` for words that say no range, `source/clone-failed` for names that stand for nothing. */
export async function readRange(words: RangeWords, clone: Clone): Promise<CloneRange> {
  const { left, right } = await sidesOf(words, clone)
  const { ref, refReason } = await refOf(words.ref, left, right, clone)
  const [head, base, anchor] = [
    await clone.commit(right),
    left === undefined ? undefined : await clone.commit(left),
    words.since === undefined ? undefined : await clone.commit(words.since),
  ]
  return {
    head,
    ...(base === undefined ? {} : { base }),
    ...(anchor === undefined ? {} : { anchor }),
    ref,
    refReason,
  }
}

interface Sides {
  readonly left: string | undefined
  readonly right: string
}

async function sidesOf({ range, since }: RangeWords, clone: Clone): Promise<Sides> {
  if (range?.includes('..')) {
    const [, left = '', right = ''] = /^(.+?)\.\.([^.].*)?$/.exec(range) ?? []
    if (left === '' || range.includes('...') || right.includes('..'))
      throw usage('The range has no beginning, or more than one', 'OLD..NEW, for instance main..HEAD', range)
    return { left, right: right === '' ? 'HEAD' : right }
  }
  if (since !== undefined) return { left: undefined, right: range ?? 'HEAD' }
  if (range !== undefined)
    throw usage('Nothing says where to begin', `OLD..${printable(range, 100)}, or --since ANCHOR`, range)
  const left = `${REMOTE}/HEAD`
  if ((await fullName(left, clone)) !== undefined) return { left, right: 'HEAD' }
  throw usage(
    'Nothing says where to begin, and this clone does not know the default branch of its remote',
    'OLD..NEW, for instance main..HEAD; or --since ANCHOR',
    'no range',
  )
}

/**
 * The ref whose rules hold. What a range brings goes into the branch on its left, as in a pull request; else a history is
 * that of the branch at its end; where neither is a branch, the one checked out, then the default branch of the remote.
 */
async function refOf(
  given: string | undefined,
  left: string | undefined,
  right: string,
  clone: Clone,
): Promise<Pick<CloneRange, 'ref' | 'refReason'>> {
  if (given !== undefined) return { ref: given, refReason: 'given by --ref' }
  const ways: readonly (readonly [string | undefined, string])[] = [
    [left, `${printable(left ?? '', 100)} stands left of the dots`],
    [right, `${printable(right, 100)} is that branch`],
    ['HEAD', 'it is checked out'],
    [`${REMOTE}/HEAD`, `it is the default branch of ${REMOTE}`],
  ]
  for (const [name, refReason] of ways) {
    const ref = name === undefined ? undefined : await branchOf(name, clone)
    if (ref !== undefined) return { ref, refReason: `${refReason} (--ref names another)` }
  }
  throw usage('Which branch the rules are for is not known', '--ref refs/heads/main', 'no branch')
}

/** `main`, `origin/main` and a checked-out `HEAD` are `refs/heads/main`; undefined for what is no branch. */
async function branchOf(name: string, clone: Clone): Promise<string | undefined> {
  const full = await fullName(name, clone)
  if (full === undefined || full.startsWith('refs/heads/')) return full
  if (!full.startsWith('refs/remotes/')) return undefined
  const path = full.slice('refs/remotes/'.length)
  const remotes = unicode((await clone.find('remote')) ?? '').split('\n')
  const remote = remotes.filter(item => path.startsWith(`${item}/`)).sort((a, b) => b.length - a.length)[0]
  return remote === undefined ? undefined : `refs/heads/${path.slice(remote.length + 1)}`
}

/** The ref that a name means; undefined when it is a commit id, something computed (`HEAD~3`), or nothing. */
async function fullName(name: string, clone: Clone): Promise<string | undefined> {
  const found = await clone.find('rev-parse', '--verify', '--quiet', '--symbolic-full-name', '--end-of-options', name)
  const full = unicode(found ?? '')
  return full.startsWith('refs/') ? full : undefined
}

/** git speaks UTF-8; `Clone` hands out its bytes one letter each. */
function unicode(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
