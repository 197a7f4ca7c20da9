import type { ModelPull, ModelRepository, ModelReview } from '../fakes/github-model.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { GITHUB, PLATFORM_KEY, type PlatformWorld, POLICY, type Rules } from './platform-support.ts'

/** What a pull request is told to the API as, over what happened in git. */
export type PullFacts = Partial<Omit<ModelPull, 'reviews'>> & {
  readonly reviews?: readonly Partial<ModelReview>[]
  /** Of the commit that it becomes, over what git makes of it. */
  readonly tree?: string
  /** Where the API has it, when not in the repository of the run. */
  readonly repository?: ModelRepository
}

/** By address, as the platform does; who has no account is nobody to it. */
function loginOf(email: string): string {
  const [name = ''] = email.split('@')
  return name === 'renovate' ? 'renovate[bot]' : name
}

export const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** Twenty lines, some of them changed: changes far from each other merge cleanly. */
export function lines(changed: Readonly<Record<number, string>>): string {
  return Array.from({ length: 20 }, (_, i) => `${changed[i] ?? `line ${i}`}\n`).join('')
}

/** One protected branch, on which people and the platform put commits. */
export class Story {
  readonly #on: PlatformWorld
  readonly ref: string
  readonly branch: string
  readonly anchor: string
  /** Tip of the branch. */
  head: string
  #topics = 0

  constructor(on: PlatformWorld, name: string, rules: Rules) {
    this.#on = on
    this.branch = `story/${name}`
    this.ref = `refs/heads/${this.branch}`
    const files = { [POLICY]: on.policy(rules), [PLATFORM_KEY]: rules.keyFile ?? on.publicKey, f: lines({}) }
    this.anchor = this.#commit(this.branch, on.scenario.anchor, { message: 'Rules', ...on.by('alice'), files })
    this.head = this.anchor
  }

  /** Commits of a pull request on a branch of its own, which begins at the tip of the story. @returns their ids. */
  topic(commits: readonly CommitOptions[], from = this.head): readonly [string, ...string[]] {
    const branch = `topic/${this.branch}/${this.#topics++}`
    let tip = from
    const [first, ...others] = commits.map(options => {
      tip = this.#commit(branch, tip, options)
      return tip
    })
    return [first ?? from, ...others]
  }

  /** Straight onto the branch. */
  push(options: CommitOptions): string {
    this.head = this.#commit(this.branch, this.head, options)
    return this.head
  }

  /** The platform merges a pull request; its button was pressed by carol. */
  merge(head: string, facts: PullFacts = {}): string {
    const tree = facts.tree ?? this.mergedTree(head)
    return this.#land(this.#made(`Merge ${head.slice(0, 7)}`, tree, [this.head, head]), head, facts)
  }

  squash(head: string, facts: PullFacts = {}): string {
    const tree = facts.tree ?? this.mergedTree(head)
    return this.#land(this.#made(`Squash ${head.slice(0, 7)}`, tree, [this.head]), head, facts)
  }

  /** Repeats each commit, unsigned and with its author, as the platform does. @param change may alter a tree. */
  rebase(topic: readonly string[], facts: PullFacts = {}, change = (_at: number, tree: string) => tree): void {
    const { repository } = this.#on.scenario
    const associated: string[] = []
    let tip = this.head
    for (const [at, original] of topic.entries()) {
      repository.git('checkout', '--quiet', '--force', '--detach', tip)
      repository.git('cherry-pick', '--no-commit', original)
      const tree = change(at, repository.git('write-tree'))
      const author = /^author .*$/m.exec(repository.git('cat-file', 'commit', original))?.[0] ?? ''
      const tamper = (object: string) => object.replace(/^author .*$/m, author)
      tip = repository.object({ message: `Repeat ${original.slice(0, 7)}`, ...GITHUB, tamper }, tree, [tip])
      associated.push(tip)
    }
    this.#land(tip, topic.at(-1) ?? tip, { associated, ...facts })
  }

  /** Makes a commit in the name of the platform at the tip; nobody is told of any pull request. */
  platformCommit(message: string, tree: string, parents: readonly string[] = [this.head]): string {
    return this.#move(this.#made(message, tree, parents))
  }

  /** Git's own clean merge of the tip and a commit. */
  mergedTree(head: string): string {
    return this.#on.scenario.repository.git('merge-tree', '--write-tree', this.head, head).slice(0, 40)
  }

  /** The tree with one more file. */
  withFile(tree: string, name: string): string {
    const { repository } = this.#on.scenario
    const blob = repository.gitInput(`${name}\n`, 'hash-object', '-w', '--stdin')
    return repository.gitInput(`${repository.git('ls-tree', tree)}\n100644 blob ${blob}\t${name}\n`, 'mktree')
  }

  tree(commit: string): string {
    return this.#on.scenario.repository.git('rev-parse', `${commit}^{tree}`)
  }

  /** Seconds since 1970 of a commit, by its committer. */
  time(commit: string): number {
    return Number(this.#on.scenario.repository.git('show', '--no-patch', '--format=%ct', commit))
  }

  /** What the API tells of a pull request with this head, not yet merged. @param at seconds at which it is looked at. */
  pull(head: string, facts: PullFacts = {}, at = this.time(head) + 50): ModelPull {
    const { tree: _tree, repository: _repository, reviews = [], ...more } = facts
    const number = this.#on.repository.pulls.length + 1
    this.#on.scenario.repository.git('update-ref', `refs/pull/${more.number ?? number}/head`, head)
    const commits = this.#commits(head)
    for (const commit of commits) this.#on.repository.commits.set(commit.oid, commit)
    return {
      number,
      author: 'bob',
      base: this.branch,
      headRef: `topic-${number}`,
      headOid: head,
      commits,
      ...more,
      reviews: reviews.map(review => ({
        author: 'alice',
        state: 'APPROVED',
        commit: head,
        submittedAt: iso(at - 30),
        ...review,
      })),
    }
  }

  /** Runs the action for a push of the tip. */
  async run(inputs: Inputs = {}): Promise<StepResult> {
    const { scenario, inputs: usual } = this.#on.world
    await scenario.publish()
    const claims = { ref: this.ref, sha: this.head }
    return scenario.attest({ ...usual, since: this.anchor, ...inputs }, { claims })
  }

  /** Runs the action for an open pull request into the branch. @param head tip of its own branch. */
  async propose(
    number: number,
    head: string,
    inputs: Inputs = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<StepResult> {
    const { scenario, inputs: usual } = this.#on.world
    await scenario.publish()
    const repo = { id: 792829709 }
    const event = {
      action: 'synchronize',
      number,
      repository: { id: 792829709, default_branch: 'main' },
      pull_request: {
        number,
        user: { login: 'bob' },
        head: { sha: head, ref: `topic-${number}`, repo },
        base: { sha: this.head, ref: this.branch, repo },
      },
    }
    const claims = { event_name: 'pull_request', ref: `refs/pull/${number}/merge`, sha: head }
    return scenario.attest({ ...usual, since: this.anchor, ...inputs }, { claims, event, env })
  }

  /** Runs the action for an entry of the merge queue. @param made what the queue made of the pull request. */
  async queue(number: number, made: string, inputs: Inputs = {}): Promise<StepResult> {
    const { scenario, inputs: usual } = this.#on.world
    const ref = `refs/heads/gh-readonly-queue/${this.branch}/pr-${number}-${this.head}`
    scenario.repository.git('update-ref', ref, made)
    await scenario.publish()
    const event = {
      repository: { id: 792829709, default_branch: 'main' },
      merge_group: { head_sha: made, head_ref: ref, base_sha: this.head, base_ref: this.ref },
    }
    const claims = { event_name: 'merge_group', ref, sha: made }
    return scenario.attest({ ...usual, since: this.anchor, ...inputs }, { claims, event })
  }

  /** What the platform would make of pull requests, without moving the branch. */
  made(message: string, tree: string, parents: readonly string[]): string {
    return this.#made(message, tree, parents)
  }

  #commit(branch: string, from: string, options: CommitOptions): string {
    const { repository } = this.#on.scenario
    repository.git('checkout', '--quiet', '--force', '-B', branch, from)
    return repository.commit(options)
  }

  #made(message: string, tree: string, parents: readonly string[]): string {
    const carol = { name: 'carol', email: 'carol@example.com' }
    const { repository } = this.#on.scenario
    return repository.object({ message, ...carol, committer: GITHUB, signer: this.#on.platform }, tree, parents)
  }

  #land(id: string, head: string, facts: PullFacts): string {
    const { mergedAt = iso(this.time(id)), repository = this.#on.repository } = facts
    const pull = this.pull(head, facts, Date.parse(mergedAt) / 1000)
    this.#on.model.merge(repository, { mergeCommit: id, mergedBy: 'carol', ...pull, mergedAt })
    return this.#move(id)
  }

  #move(id: string): string {
    this.#on.scenario.repository.git('update-ref', this.ref, id)
    this.head = id
    return id
  }

  /** As GitHub lists them: author and committer by the account of their addresses. */
  #commits(head: string): ModelPull['commits'] {
    const { repository } = this.#on.scenario
    const listed = repository.git('log', '--reverse', '--format=%H %al %cl', head, `^${this.head}`)
    return listed.split('\n').flatMap(line => {
      const [oid = '', author = '', committer = ''] = line.split(' ')
      return oid === '' ? [] : [{ oid, author: loginOf(author), committer: loginOf(committer) }]
    })
  }
}
