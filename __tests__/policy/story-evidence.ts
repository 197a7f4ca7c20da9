import { sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { CommitFacts } from '../../src/core/facts.ts'
import type {
  Account,
  Answer,
  LastPusher,
  MergedPull,
  PlatformCommit,
  ProposalEvidence,
  PullReview,
  ReviewFact,
  StepEvidence,
  TreeCheck,
} from '../../src/policy/evidence.ts'
import { ACCOUNTS, type CommitOptions, commit, idOf, MAIN, signatureOf } from './world.ts'

/** What stands behind a commit of a story, everything usual left out. Names are names of commits and of people. */
export interface StoryEvidence {
  readonly platform?: StoryPlatform | 'unavailable'
  readonly merge?: Check
  readonly proposals?: readonly StoryProposal[]
  readonly reviews?: readonly StoryReview[]
  readonly missingReviews?: readonly string[]
}

type Check = TreeCheck['kind']

interface StoryPlatform {
  readonly author?: string
  readonly pushedAt?: string
  readonly pulls?: readonly StoryPull[]
}

/** By default number 1, by carol, of this repository into main, its head what the commit brings in, merged as the commit. */
interface StoryPull {
  readonly number?: number
  readonly author?: string
  readonly repository?: number
  readonly base?: string
  readonly mergeCommit?: string
  readonly mergedAt?: string
  readonly head?: string
  readonly headPushedAt?: string
  readonly baseChangedAt?: string
  readonly pending?: true
  /** `name author`; the committer is the same. */
  readonly commits?: readonly string[]
  readonly commitsComplete?: boolean
  readonly reviews?: readonly StoryPullReview[]
  readonly reviewsComplete?: boolean
  /** An account, `others-must-approve` or `unknown`; default: the author. */
  readonly lastPusher?: string
  readonly decision?: MergedPull['reviewDecision']
}

interface StoryPullReview {
  readonly by?: string
  readonly state?: PullReview['state']
  /** Default: the head. */
  readonly on?: string
  /** Default: an hour before the merge. */
  readonly at?: string
  readonly mayWrite?: boolean
}

interface StoryProposal {
  readonly pull?: number
  readonly mergeBase?: string
  /** Each the parent of the next; the last one is the head. */
  readonly commits: readonly (Omit<CommitOptions, 'signature'> & { readonly name: string })[]
  readonly head?: string
  readonly squash?: Check
  readonly rebase?: { readonly original: string; readonly check: Check }
}

interface StoryReview {
  readonly by: string
  readonly head: string
  readonly mergeBase?: string
  readonly decision?: 'approve' | 'withdraw'
  readonly ref?: string
  readonly repository?: string
  /** Name of the commit whose tree it names; default: the head. */
  readonly tree?: string
}

const MERGED = '2026-05-30T10:00:00Z'
const REVIEWED = '2026-05-30T09:00:00Z'

/** @param head name of the last commit that it brings in. */
export function evidenceOf(story: StoryEvidence, own: CommitFacts, head: string | undefined): StepEvidence {
  const { platform, merge, proposals, reviews, missingReviews } = story
  return {
    ...(platform === undefined ? {} : { platform: answerOf(platform, own, head, proposals) }),
    ...(merge === undefined ? {} : { merge: checkOf(merge) }),
    ...(proposals === undefined ? {} : { proposals: proposals.map(proposalOf) }),
    ...(reviews === undefined ? {} : { reviews: reviews.map(reviewOf) }),
    ...(missingReviews === undefined
      ? {}
      : { missingReviews: missingReviews.map(text => fail('core/unreachable', text)) }),
  }
}

function answerOf(
  platform: StoryPlatform | 'unavailable',
  { id }: CommitFacts,
  head: string | undefined,
  proposals: StoryEvidence['proposals'],
): Answer<PlatformCommit> {
  if (platform === 'unavailable')
    return { kind: 'unavailable', cause: fail('core/unreachable', 'The API answered 403') }
  const { author, pushedAt, pulls = [] } = platform
  const read = (pull: StoryPull) => {
    const proposal = proposals?.find(item => (item.pull ?? 1) === (pull.number ?? 1))
    return pullOf(pull, id, proposal?.commits.at(-1)?.name ?? head)
  }
  const value = {
    id,
    pulls: pulls.map(read),
    ...(author === undefined ? {} : { author: accountOf(author) }),
    ...(pushedAt === undefined ? {} : { pushedAt: new Date(pushedAt) }),
  }
  return { kind: 'known', value }
}

function accountOf(name: string): Account {
  return { id: ACCOUNTS[name] ?? 0, login: name }
}

function pullOf(pull: StoryPull, id: CommitFacts['id'], usualHead: string | undefined): MergedPull {
  const { number = 1, author = 'carol', repository = 4711, base = MAIN, mergedAt = MERGED } = pull
  const { headPushedAt, baseChangedAt, decision, commits = [], pending } = pull
  const head = pull.head ?? usualHead ?? 'h'
  return {
    number,
    url: `https://github.com/my-org/app/pull/${number}`,
    ...(pending === undefined ? {} : { pending }),
    author: accountOf(author),
    baseRepositoryId: repository,
    baseRef: base,
    mergeCommit: pull.mergeCommit === undefined ? id : idOf(pull.mergeCommit),
    mergedAt: new Date(mergedAt),
    head: idOf(head),
    ...(headPushedAt === undefined ? {} : { headPushedAt: new Date(headPushedAt) }),
    ...(baseChangedAt === undefined ? {} : { baseChangedAt: new Date(baseChangedAt) }),
    commits: commits.map(text => {
      const [name = '', by = 'carol'] = text.split(' ')
      return { id: idOf(name), author: accountOf(by), committer: accountOf(by) }
    }),
    commitsComplete: pull.commitsComplete ?? true,
    reviews: (pull.reviews ?? []).map(review => pullReviewOf(review, head)),
    reviewsComplete: pull.reviewsComplete ?? true,
    lastPusher: pusherOf(pull.lastPusher ?? author),
    ...(decision === undefined ? {} : { reviewDecision: decision }),
  }
}

function pullReviewOf({ by, state = 'approved', on, at = REVIEWED, mayWrite = true }: StoryPullReview, head: string) {
  return {
    ...(by === undefined ? {} : { author: accountOf(by) }),
    state,
    commit: idOf(on ?? head),
    submittedAt: new Date(at),
    mayWrite,
  }
}

function pusherOf(name: string): LastPusher {
  if (name === 'others-must-approve') return { kind: 'others-must-approve' }
  if (name === 'unknown') return { kind: 'unknown', why: 'the activity could not be read' }
  return { kind: 'known', account: accountOf(name) }
}

function checkOf(kind: Check): TreeCheck {
  if (kind === 'differs') return { kind, merged: idOf('merged tree') }
  if (kind === 'unavailable') return { kind, cause: fail('source/git-too-old', 'git 2.30 is too old') }
  return { kind }
}

function proposalOf({
  pull = 1,
  mergeBase = 'anchor',
  commits,
  head,
  squash,
  rebase,
}: StoryProposal): ProposalEvidence {
  return {
    pull,
    head: idOf(head ?? commits.at(-1)?.name ?? 'h'),
    mergeBase: idOf(mergeBase),
    commits: commits.map(({ name, ...options }, at) =>
      commit(name, { parents: [commits[at - 1]?.name ?? mergeBase], ...options }),
    ),
    ...(squash === undefined ? {} : { squash: checkOf(squash) }),
    ...(rebase === undefined ? {} : { rebase: { original: idOf(rebase.original), check: checkOf(rebase.check) } }),
  }
}

function reviewOf(review: StoryReview): ReviewFact {
  const { by, head, mergeBase = 'anchor', decision = 'approve', ref = MAIN, repository = '4711', tree = head } = review
  const signature = signatureOf(by)
  if (signature.kind !== 'ssh' && signature.kind !== 'openpgp') throw new Error('A review statement is signed')
  return {
    digest: sha256(Buffer.from(`${by} ${head} ${decision}`)),
    signature,
    repositoryUri: 'https://github.com/my-org/app',
    repositoryId: repository,
    targetRef: ref,
    mergeBase: idOf(mergeBase),
    head: idOf(head),
    tree: idOf(`tree ${tree}`),
    decision,
    time: new Date(REVIEWED),
  }
}
