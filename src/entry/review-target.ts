import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type Clone, repositoryUri } from '../source/clone.ts'
import { usage } from './commands/command.ts'

/** What a reviewer gives on the command line. */
export interface ReviewWords {
  /** A pull request's number, or `main..feature`. */
  readonly range: string
  readonly target?: string
  readonly repository?: string
  readonly remote: string
  readonly push: boolean
}

/** The same in full names. */
export interface ReviewTarget {
  readonly target: string
  readonly targetRef: string
  readonly head: string
  readonly repositoryUri: string
  /** Number of the pull request, where one was given. */
  readonly pull?: string
}

/** Fetches a pull request's head and base where one is named. @throws `entry/usage`, `source/clone-failed` */
export async function reviewTarget(words: ReviewWords, clone: Clone): Promise<ReviewTarget> {
  if (!/^[A-Za-z0-9_.][A-Za-z0-9_./-]*$/.test(words.remote))
    throw usage('The remote is not one that git would name so', '--remote NAME', words.remote)
  await clone.text('rev-parse', '--git-dir')
  // Told before anything is signed.
  if (words.push) await clone.text('remote', 'get-url', words.remote)
  const given = words.repository ?? (await clone.find('remote', 'get-url', words.remote)) ?? ''
  const uri = repositoryUri(given)
  if (uri === undefined)
    throw usage('The repository is not known', '--repository https://host/owner/name', printable(given, 200))
  const sides = /^[1-9][0-9]{0,9}$/.test(words.range) ? await pullSides(words, clone) : await rangeSides(words, clone)
  return { ...sides, repositoryUri: uri }
}

/** Both sides as the server has them now: a stale copy of the base would give another common ancestor. */
async function pullSides({ range, target, remote }: ReviewWords, clone: Clone) {
  if (target === undefined)
    throw usage('A pull request alone does not say where it goes', `waybill review sign ${range} --target main`, range)
  const branch = branchOf(target, remote)
  const base = await fetched(`refs/heads/${branch}`, remote, clone)
  const head = await fetched(`refs/pull/${range}/head`, remote, clone)
  return { target: base, targetRef: `refs/heads/${branch}`, head, pull: range }
}

async function fetched(ref: string, remote: string, clone: Clone): Promise<string> {
  await clone.text('fetch', '--quiet', '--no-tags', '--no-recurse-submodules', remote, ref)
  return clone.commit('FETCH_HEAD')
}

async function rangeSides({ range, target: given, remote }: ReviewWords, clone: Clone) {
  const [, left = '', right = ''] = /^(.+?)\.\.([^.].*)?$/.exec(range) ?? []
  if (left === '' || left.endsWith('.'))
    throw usage('The range has no target', 'TARGET..HEAD, for instance main..feature', range)
  const branch = branchOf(given ?? left, remote)
  if (given === undefined && !(await isBranch(branch, remote, clone))) throw notABranch(left)
  return { target: left, targetRef: `refs/heads/${branch}`, head: right === '' ? 'HEAD' : right }
}

/** A tag or a commit can stand left of the dots, but nothing is ever merged into one. */
async function isBranch(branch: string, remote: string, clone: Clone): Promise<boolean> {
  for (const ref of [`refs/heads/${branch}`, `refs/remotes/${remote}/${branch}`])
    if ((await clone.find('rev-parse', '--verify', '--quiet', '--end-of-options', ref)) !== undefined) return true
  return false
}

/** `origin/main` and `refs/heads/main` are the branch `main`. */
export function branchOf(name: string, remote: string): string {
  const short = name.replace(/^refs\/(?:heads|remotes)\//, '')
  const branch = short.startsWith(`${remote}/`) ? short.slice(remote.length + 1) : short
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in refs
  const wrong = /[\u0000- ~^:?*[\\\u007f]|\.\.|@\{|\/\/|^[-/.]|[/.]$/
  if (/^[0-9a-f]{40}$/.test(branch) || branch === '' || branch === 'HEAD' || branch.length > 1000 || wrong.test(branch))
    throw notABranch(name)
  return branch
}

function notABranch(name: string): Error {
  return fail('entry/usage', 'The review is for a branch, but the target is none', {
    expected: '--target BRANCH',
    found: name,
  })
}
