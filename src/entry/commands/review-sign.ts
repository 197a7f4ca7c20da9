import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { CommitId } from '../../core/digest.ts'
import { asWaybillError } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { printable } from '../../core/text.ts'
import { makeTemporaryFolder, remove } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { type ReviewPorts, type SignedReview, signReview } from '../../pipeline/review-sign.ts'
import { shellQuote } from '../../report/text.ts'
import { Clone } from '../../source/clone.ts'
import { openHistory } from '../../source/git.ts'
import { requireOwnNames } from '../../statements/uris.ts'
import { personalSigner } from '../personal-signer.ts'
import { type PlatformApi, platformApi } from '../platform-api.ts'
import { policyFile } from '../policy-file.ts'
import { commentOn, type ReviewComment, repositoryNumber } from '../review-comment.ts'
import { type ReviewTarget, type ReviewWords, reviewTarget } from '../review-target.ts'
import { RELEASE_BUILD } from '../version.ts'
import { requireGit } from '../workspace.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

interface ReviewSign extends ReviewWords {
  readonly repo: string
  readonly key?: string
  readonly policy?: string
  readonly repositoryId?: string
  readonly withdraw: boolean
  readonly json: boolean
}

const OPTIONS = {
  repo: { type: 'string' },
  target: { type: 'string' },
  key: { type: 'string' },
  policy: { type: 'string' },
  repository: { type: 'string' },
  'repository-id': { type: 'string' },
  remote: { type: 'string' },
  withdraw: { type: 'boolean' },
  push: { type: 'boolean' },
} as const

const WORDS = 'review sign'

export const reviewSignCommand = command({
  words: WORDS,
  synopsis: 'review sign (PULL-REQUEST | TARGET..HEAD) [--key FILE] [--push]',
  usage: `waybill review sign – say with your own key that you have reviewed what a branch brings

  waybill review sign PULL-REQUEST --target BRANCH [--key FILE] [--push]
  waybill review sign TARGET..HEAD [--key FILE] [--push]

What is reviewed:
  PULL-REQUEST                        its number; its head and the branch are fetched from the remote
  TARGET..HEAD                        main..feature: the branch it goes into, and what was reviewed
  --target BRANCH                     the branch it goes into (default: what stands left of the dots)
  --repo DIR                          the clone (default: the present folder)
  --remote NAME                       the remote that holds the repository (default: origin)
  --repository URL                    https://host/owner/name (default: the remote's URL)
  --repository-id NUMBER              the platform's number of the repository (default: asked for where there is a token)
  --policy FILE                       a policy from outside (default: that of the branch it goes into)

How it is signed and where it goes:
  --key FILE                          an SSH key (the .pub file is enough with an agent), or an OpenPGP fingerprint
                                        (default: git's user.signingkey)
  --withdraw                          takes back an approval of the same head
  --push                              pushes the statement to the remote; for a pull request a comment on it says so
  --json                              what was signed, as JSON on stdout

The statement is a blob behind refs/waybill/reviews/HEAD/YOUR-NAME. It is void as soon as the head moves. The comment is
posted with your own token (GITHUB_TOKEN or GH_TOKEN); without one its text is printed, to be pasted.

Example:
  waybill review sign main..feature --push
`,
  prints: 'report',
  asks: true,
  options: OPTIONS,
  read: readReviewSign,
  run: runReviewSign,
})

export function readReviewSign({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): ReviewSign {
  const [range] = references
  if (range === undefined) throw usage('There is nothing to review', `waybill ${WORDS} TARGET..HEAD`, 'no range')
  noMore(references, WORDS, 1)
  const number = values['repository-id']
  if (number !== undefined && !/^[1-9][0-9]{0,15}$/.test(number))
    throw usage('--repository-id is not a number', 'the number that the platform gave the repository', number)
  return {
    range,
    repo: values.repo ?? '.',
    ...maybe('target', values.target),
    ...maybe('key', values.key),
    ...maybe('policy', values.policy),
    ...maybe('repository', values.repository),
    ...maybe('repositoryId', number),
    remote: values.remote ?? 'origin',
    withdraw: values.withdraw ?? false,
    push: values.push ?? false,
    json: values.json ?? false,
  }
}

async function runReviewSign(wish: ReviewSign, desk: Desk): Promise<number> {
  const { world, env } = desk
  const clone = new Clone(requireGit(env), resolve(world.workingFolder, wish.repo), env)
  const work = await makeTemporaryFolder(env.TMPDIR || tmpdir(), 'waybill-review-')
  const http = new HttpClient()
  try {
    requireOwnNames(RELEASE_BUILD)
    const platform = platformApi(env, http)
    const target = await reviewTarget(wish, clone)
    const review = await signReview(
      {
        ...target,
        decision: wish.withdraw ? 'withdraw' : 'approve',
        ...maybe('repositoryId', wish.repositoryId ?? (await numberOf(target, platform, desk))),
        ...(wish.push ? { pushTo: wish.remote } : {}),
      },
      await portsOf(wish, clone, work, desk),
    )
    const comment =
      review.pushed && target.pull !== undefined ? await commentOn(target.pull, review, platform) : undefined
    if (wish.json) {
      const data = { ...review, ...(comment === undefined ? {} : { comment }) }
      world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data })}\n`)
    } else world.out([toldReview(review, wish.remote), toldComment(comment)].join(''))
    return 0
  } finally {
    http.close()
    await remove(work)
  }
}

async function portsOf(wish: ReviewSign, clone: Clone, work: string, { world, env }: Desk): Promise<ReviewPorts> {
  const git = requireGit(env)
  const tell = (text: string) => world.err(text)
  // A folder below the top of the clone has no objects of its own; a bare repository has no top.
  const top = await clone.find('rev-parse', '--show-toplevel')
  const signer = { clone, env, ...maybe('key', wish.key), workingFolder: world.workingFolder, folder: work, tell }
  const outside = wish.policy === undefined ? undefined : await policyFile(wish.policy, world.workingFolder)
  return {
    clone,
    openHistory: (head: CommitId, also: readonly CommitId[]) =>
      openHistory({
        git,
        folder: join(work, 'git'),
        url: top !== undefined && isAbsolute(top) ? top : clone.folder,
        localPath: true,
        env,
        head,
        also,
        deadline: new Date(Date.now() + LIMITS.sourceStageMs),
      }),
    ...maybe('law', outside?.law),
    sign: await personalSigner(signer),
    now: () => new Date(),
    progress: line => tell(`${line}\n`),
  }
}

/** A number stays the repository's when its name goes to another one. Without it the address has to do. */
async function numberOf(
  { repositoryUri }: ReviewTarget,
  platform: PlatformApi,
  { world }: Desk,
): Promise<string | undefined> {
  try {
    return await repositoryNumber(repositoryUri, platform)
  } catch (error) {
    const { code, message } = asWaybillError(error)
    world.err(`note: ${code}: ${message}. The statement names the repository by its address alone.\n`)
    return undefined
  }
}

function toldReview(review: SignedReview, remote: string): string {
  const { principal, key, commits, mergeBase, head, targetRef, decision, ref, pushed, repositoryUri } = review
  const did = decision === 'approve' ? 'approves' : 'takes back the approval of'
  const count = `${commits} ${commits === 1 ? 'commit' : 'commits'}`
  const range = `${mergeBase.slice(0, 7)}..${head.slice(0, 7)}`
  const into = printable(`${targetRef} of ${repositoryUri}`, 1_000)
  const command = `git push ${shellQuote(remote) ?? 'REMOTE'} ${shellQuote(`+${ref}:${ref}`) ?? ref}`
  const where = pushed ? `pushed to ${ref}` : `kept at ${ref}\npush it with: ${command}`
  return `${principal} (${printable(key)}) ${did} ${count}, ${range}, into ${into}\n${where}\n`
}

function toldComment(comment: ReviewComment | undefined): string {
  if (comment === undefined) return ''
  if (comment.posted) return `the pull request says so: ${printable(comment.url)}\n`
  return `no comment was posted: ${comment.why}\nput this on the pull request, as yourself:\n\n${comment.text}`
}
