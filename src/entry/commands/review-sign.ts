import { isAbsolute, join, resolve } from 'node:path'
import type { CommitId } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'
import { maybe } from '../../github/attest-inputs.ts'
import { makeTemporaryFolder, remove } from '../../io/files.ts'
import { type ReviewRequest, type SignedReview, signReview } from '../../pipeline/review-sign.ts'
import { Clone, repositoryUri } from '../../source/clone.ts'
import { openHistory } from '../../source/git.ts'
import { personalSigner } from '../personal-signer.ts'
import { requireGit } from '../workspace.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

interface ReviewSign {
  readonly range: string
  readonly repo: string
  readonly target?: string
  readonly key?: string
  readonly repository?: string
  readonly repositoryId?: string
  readonly remote: string
  readonly withdraw: boolean
  readonly push: boolean
  readonly json: boolean
}

const OPTIONS = {
  repo: { type: 'string' },
  target: { type: 'string' },
  key: { type: 'string' },
  repository: { type: 'string' },
  'repository-id': { type: 'string' },
  remote: { type: 'string' },
  withdraw: { type: 'boolean' },
  push: { type: 'boolean' },
} as const

export const reviewSignCommand = command({
  words: 'review sign',
  synopsis: 'review sign (PULL-REQUEST | TARGET..HEAD) [--key FILE] [--push]',
  usage: `waybill review sign – say with your own key that you have reviewed what a branch brings

  waybill review sign PULL-REQUEST --target BRANCH [--key FILE] [--push]
  waybill review sign TARGET..HEAD [--key FILE] [--push]

What is reviewed:
  PULL-REQUEST                        its number; the head is fetched from the remote
  TARGET..HEAD                        main..feature: the branch it goes into, and what was reviewed
  --target BRANCH                     the branch it goes into (default: what stands left of the dots)
  --repo DIR                          the clone (default: the present folder)
  --remote NAME                       the remote that holds the repository (default: origin)
  --repository URL                    https://host/owner/name (default: the remote's URL)
  --repository-id NUMBER              the platform's number of the repository

How it is signed and where it goes:
  --key FILE                          an SSH key (the .pub file is enough with an agent), or an OpenPGP fingerprint
                                        (default: git's user.signingkey)
  --withdraw                          takes back an approval of the same head
  --push                              pushes the statement to the remote
  --json                              what was signed, as JSON on stdout

The statement is a blob behind refs/waybill/reviews/HEAD/YOUR-NAME. It is void as soon as the head moves.

Example:
  waybill review sign main..feature --push
`,
  options: OPTIONS,
  read: readReviewSign,
  run: runReviewSign,
})

export function readReviewSign({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): ReviewSign {
  const [range] = references
  if (range === undefined) throw usage('There is nothing to review', 'waybill review sign TARGET..HEAD', 'no range')
  noMore(references, 'review sign', 1)
  const number = values['repository-id']
  if (number !== undefined && !/^[1-9][0-9]{0,15}$/.test(number))
    throw usage('--repository-id is not a number', 'the number that the platform gave the repository', number)
  return {
    range,
    repo: values.repo ?? '.',
    ...maybe('target', values.target),
    ...maybe('key', values.key),
    ...maybe('repository', values.repository),
    ...maybe('repositoryId', number),
    remote: values.remote ?? 'origin',
    withdraw: values.withdraw ?? false,
    push: values.push ?? false,
    json: values.json ?? false,
  }
}

async function runReviewSign(wish: ReviewSign, { world, env }: Desk): Promise<number> {
  const git = requireGit(env)
  const folder = resolve(world.workingFolder, wish.repo)
  const clone = new Clone(git, folder, env)
  const work = await makeTemporaryFolder(env.TMPDIR ?? '/tmp', 'waybill-review-')
  try {
    const request = await requestOf(wish, clone)
    const top = await clone.text('rev-parse', '--show-toplevel')
    const review = await signReview(request, {
      clone,
      openHistory: (head: CommitId, also: readonly CommitId[]) =>
        openHistory({
          git,
          folder: join(work, 'git'),
          url: isAbsolute(top) ? top : folder,
          localPath: true,
          env,
          head,
          also,
          deadline: new Date(Date.now() + LIMITS.sourceStageMs),
        }),
      sign: await personalSigner({ clone, env, ...maybe('key', wish.key), folder: work }),
      now: () => new Date(),
      progress: line => world.err(`${line}\n`),
    })
    world.out(
      wish.json ? `${JSON.stringify({ schemaVersion: 1, command: 'review sign', data: review })}\n` : told(review),
    )
    return 0
  } finally {
    await remove(work)
  }
}

/** What the reviewer means, in full names. */
async function requestOf(wish: ReviewSign, clone: Clone): Promise<ReviewRequest> {
  const { target, head } = await sidesOf(wish, clone)
  const remoteUrl = wish.repository ?? (await clone.find('remote', 'get-url', wish.remote)) ?? ''
  const uri = repositoryUri(remoteUrl)
  if (uri === undefined)
    throw usage('The repository is not known', '--repository https://host/owner/name', printable(remoteUrl, 200))
  return {
    target,
    targetRef: `refs/heads/${branchOf(wish.target ?? target, wish.remote)}`,
    head,
    decision: wish.withdraw ? 'withdraw' : 'approve',
    repositoryUri: uri,
    ...maybe('repositoryId', wish.repositoryId),
    ...(wish.push ? { pushTo: wish.remote } : {}),
  }
}

async function sidesOf({ range, target, remote }: ReviewSign, clone: Clone) {
  if (/^[1-9][0-9]{0,9}$/.test(range)) {
    if (target === undefined)
      throw usage(
        'A pull request alone does not say where it goes',
        `waybill review sign ${range} --target main`,
        range,
      )
    await clone.text('fetch', '--quiet', '--no-tags', remote, `refs/pull/${range}/head`)
    return { target: `${remote}/${branchOf(target, remote)}`, head: await clone.commit('FETCH_HEAD') }
  }
  const [, left = '', right = ''] = /^(.+?)\.\.([^.].*)?$/.exec(range) ?? []
  if (left === '') throw usage('The range has no target', 'TARGET..HEAD, for instance main..feature', range)
  return { target: left, head: right === '' ? 'HEAD' : right }
}

/** `origin/main` and `refs/heads/main` are the branch `main`. */
function branchOf(name: string, remote: string): string {
  const branch = name.replace(/^refs\/(?:heads|remotes)\//, '').replace(new RegExp(`^${escaped(remote)}/`), '')
  if (/^[0-9a-f]{40}$/.test(branch) || !/^[^\s~^:?*[\\]+$/.test(branch))
    throw fail('entry/usage', 'The review is for a branch, but the target is none', {
      expected: '--target BRANCH',
      found: name,
    })
  return branch
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function told(review: SignedReview): string {
  const { principal, key, commits, mergeBase, head, targetRef, decision, ref, pushed } = review
  const did = decision === 'approve' ? 'approves' : 'takes back the approval of'
  const range = `${mergeBase.slice(0, 7)}..${head.slice(0, 7)}`
  const where = pushed ? `pushed to ${ref}` : `kept at ${ref}\npush it with: git push origin ${ref}`
  return `${principal} (${key}) ${did} ${commits} commits, ${range}, into ${targetRef}\n${where}\n`
}
