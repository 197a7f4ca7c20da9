import { asWaybillError } from '../core/error.ts'
import type { LastPusher, MergedPull } from '../policy/evidence.ts'
import type { GithubApi } from './api.ts'
import type { CommitFacts } from './evidence.ts'
import type { PullFacts } from './pulls.ts'
import { lastPush, type Push, Pushes } from './pushes.ts'
import { lastPushRulesets, othersMustApprove, type Ruleset } from './rulesets.ts'

/** Forks whose activity is read in one run: each takes a request of its own. */
const MAX_FORKS = 50
const REPOSITORY = /^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/

/**
 * Who pushed the head of a pull request last (13-adversary 10): the activity of the repository it lies in, else a ruleset
 * that makes the answer unnecessary, else unknown. The author of a commit is no answer: anybody can push anybody's commit.
 */
export class LastPushers {
  readonly #api: GithubApi
  readonly #repository: string
  readonly #repositoryId: number
  readonly #own: Pushes
  /** By fork and ref. */
  readonly #forks = new Map<string, Pushes>()
  /** By base branch. */
  readonly #rules = new Map<string, Promise<readonly Ruleset[]>>()

  constructor(api: GithubApi, repository: string, repositoryId: number) {
    this.#api = api
    this.#repository = repository
    this.#repositoryId = repositoryId
    this.#own = new Pushes(api, repository)
  }

  /** Reads the repository's record back to these commits and the heads of their pull requests. Never throws. */
  async prepare(commits: readonly CommitFacts[]): Promise<void> {
    const heads = commits.flatMap(({ pulls }) => pulls.filter(pull => this.#isOwn(pull)).map(({ head }) => head))
    await this.#own.look([...commits.map(({ id }) => id), ...heads])
  }

  /** As far as `prepare` read. */
  pushesTo(commit: string): readonly Push[] {
    return this.#own.to(commit)
  }

  /** The pull request with its last pusher. Never throws. */
  async complete(facts: PullFacts): Promise<MergedPull> {
    const { headRepository: _, headRef, ...pull } = facts
    const pushes = await this.#pushesOf(facts)
    const push = typeof pushes === 'string' ? undefined : lastPush(pushes.to(facts.head), headRef, facts.mergedAt)
    if (push?.actor !== undefined)
      return { ...pull, headPushedAt: push.at, lastPusher: { kind: 'known', account: push.actor } }
    const why = typeof pushes === 'string' ? pushes : whyNot(push, pushes, facts)
    const pushedAt = push === undefined ? {} : { headPushedAt: push.at }
    return { ...pull, ...pushedAt, lastPusher: await this.#byRule(facts, why) }
  }

  #isOwn({ headRepository }: PullFacts): boolean {
    return headRepository?.id === this.#repositoryId
  }

  /** The record to look into, or why there is none. */
  async #pushesOf(facts: PullFacts): Promise<Pushes | string> {
    const { headRepository, headRef, head } = facts
    if (headRepository === undefined) return 'the repository of its head is gone'
    if (this.#isOwn(facts)) return this.#own
    if (!REPOSITORY.test(headRepository.name)) return 'the repository of its head has no usable name'
    const key = `${headRepository.name} ${headRef}`
    if (!this.#forks.has(key) && this.#forks.size >= MAX_FORKS)
      return `more than ${MAX_FORKS} forks would have to be asked`
    const pushes = this.#forks.get(key) ?? new Pushes(this.#api, headRepository.name, headRef)
    this.#forks.set(key, pushes)
    await pushes.look([head])
    return pushes
  }

  /** Only the pull request's own repository has rules that say something, and only where it is this one. */
  async #byRule(facts: PullFacts, why: string): Promise<LastPusher> {
    if (facts.baseRepositoryId !== this.#repositoryId) return { kind: 'unknown', why }
    const branch = facts.baseRef.replace('refs/heads/', '')
    const asked = this.#rules.get(branch) ?? lastPushRulesets(this.#api, this.#repository, branch)
    this.#rules.set(branch, asked)
    try {
      const rule = othersMustApprove(await asked, facts.mergedAt)
      return rule.kind === 'unknown' ? { kind: 'unknown', why: `${why}; ${rule.why}` } : rule
    } catch (error) {
      return { kind: 'unknown', why: `${why}; ${asWaybillError(error).message}` }
    }
  }
}

function whyNot(push: Push | undefined, pushes: Pushes, { head, headRef }: PullFacts): string {
  if (push !== undefined) return `the account that pushed ${head} is gone`
  return pushes.cause?.message ?? `the platform has no record of a push of ${head} to ${headRef}`
}
