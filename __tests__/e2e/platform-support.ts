import type { ModelPull, ModelRepository, ModelReview } from '../fakes/github-model.ts'
import { Gpg } from '../fakes/gpg.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import { type Inputs, REPOSITORY, type StepResult } from '../fakes/scenario.ts'
import { makeSshSigner, type SshSigner } from '../fakes/ssh-signer.ts'
import { expectNoLeak, footprint, startWorld, statementIn, type World } from './source-support.ts'

export const POLICY = '.github/waybill.yml'
const PLATFORM_KEY = '.github/keys/platform.asc'

/** Accounts of the people; everybody but mallory is a principal, renovate without a key. */
const ACCOUNTS: Readonly<Record<string, number>> = {
  alice: 101,
  bob: 102,
  carol: 103,
  mallory: 104,
  'renovate[bot]': 29139614,
}

/** Parts of the policy of one story, in YAML. */
export interface Rules {
  /** Of `platform:`, default every switch off. */
  readonly platform?: string
  /** Of `review:`, default none. */
  readonly review?: string
  /** Of `policy-change:`, default `signers: ["@maintainers"]`. */
  readonly change?: string
  /** What lies in the file of the platform's key, default the key. */
  readonly keyFile?: string
}

export const EVERY_SWITCH = 'merge: clean, squash: evidence, rebase: evidence, content: ["@bots"]'
export const ONE_REVIEW =
  'approvals: 1, by: ["@maintainers"], distinct-from: [author, committers, last-pusher], strength: platform-recorded'

/** What a pull request is told to the API as, over what happened in git. */
export type PullFacts = Partial<Omit<ModelPull, 'reviews'>> & {
  readonly reviews?: readonly Partial<ModelReview>[]
  /** Of the commit that it becomes, over what git makes of it. */
  readonly tree?: string
  /** Where the API has it, when not in the repository of the run. */
  readonly repository?: ModelRepository
}

const GITHUB = { name: 'GitHub', email: 'noreply@github.example' }

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

/** A project on a platform that signs its merges with a key of its own. */
export class PlatformWorld {
  readonly world: World
  readonly gpg = new Gpg()
  readonly fingerprint: string
  readonly carol = makeSshSigner()
  readonly mallory = makeSshSigner()

  private constructor(world: World) {
    this.world = world
    this.fingerprint = this.gpg.makeKey('Platform <noreply@github.example>', 'ed25519')
    for (const [login, id] of Object.entries(ACCOUNTS))
      this.model.user(login, id, login.endsWith('[bot]') ? { type: 'Bot' } : {})
  }

  static async start(): Promise<PlatformWorld> {
    return new PlatformWorld(await startWorld())
  }

  get scenario(): World['scenario'] {
    return this.world.scenario
  }

  get model() {
    return this.scenario.stack.platform.model
  }

  get repository(): ModelRepository {
    return this.model.repository(REPOSITORY)
  }

  /** The platform's own key, for commits. */
  get platform(): SshSigner {
    return this.gpg.signer(this.fingerprint)
  }

  /** Who makes a commit: name, address and key. */
  by(name: 'alice' | 'bob' | 'carol' | 'mallory'): Pick<CommitOptions, 'name' | 'email' | 'signer'> {
    const { alice, bob } = this.scenario
    const signer = { alice, bob, carol: this.carol, mallory: this.mallory }[name]
    return { name, email: `${name}@example.com`, signer }
  }

  /** What the app makes by API: the platform signs it, whatever it holds. */
  get byRenovate(): Pick<CommitOptions, 'name' | 'email' | 'signer' | 'committer'> {
    return { name: 'renovate[bot]', email: 'renovate@bots.example', committer: GITHUB, signer: this.platform }
  }

  /** A story on a branch of its own, which begins with its policy: that commit is its anchor. */
  story(name: string, rules: Rules = {}): Story {
    return new Story(this, name, rules)
  }

  policy({ platform, review, change = 'signers: ["@maintainers"]' }: Rules): string {
    const { alice, bob } = this.scenario
    const person = (name: string, { publicKey }: SshSigner) =>
      `  ${name}: {github: {login: ${name}, id: ${ACCOUNTS[name]}}, emails: [${name}@example.com], signers: [{ssh: {key: "${publicKey}"}}]}\n`
    return `version: 1
principals:
${person('alice', alice)}${person('bob', bob)}${person('carol', this.carol)}  renovate: {github: {login: "renovate[bot]", id: 29139614}}
roles: {maintainers: [alice, carol], developers: ["@maintainers", bob], bots: [renovate]}
platform-keys: [{openpgp: {fingerprint: ${this.fingerprint}, file: keys/platform.asc}}]
source:
  - refs: ["refs/heads/story/**"]
    commits: {signers: ["@developers", "@bots"]}
${platform === undefined ? '' : `    platform: {${platform}}\n`}${review === undefined ? '' : `    review: {${review}}\n`}policy-change: {${change}}
`
  }

  /** As the platform publishes it. */
  get publicKey(): string {
    return this.gpg.exported(this.fingerprint)
  }

  async close(): Promise<void> {
    await this.scenario.close()
    this.gpg.close()
  }
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
    return {
      number,
      author: 'bob',
      base: this.branch,
      headRef: `topic-${number}`,
      headOid: head,
      commits: this.#commits(head),
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

/** Nothing was built, signed or written, and whoever reads the summary learns why and what to do. */
export function expectStopped(
  { scenario }: PlatformWorld,
  step: StepResult,
  before: unknown,
  code: string,
  exit: 1 | 2,
  ...facts: readonly RegExp[]
): void {
  expect([step.result.error?.code, step.code, step.result.verdict]).toEqual([
    code,
    exit,
    exit === 1 ? 'rejected' : 'unknown',
  ])
  expect(step.result.error?.remedy).toBeTruthy()
  for (const fact of facts) expect(step.summary).toMatch(fact)
  expect(step.outputs.digest ?? '').toBe('')
  expect(footprint(scenario)).toEqual(before)
  expectNoLeak(scenario, step, true)
}

/** Everything passed, and this is how each commit counts, oldest first. */
export function expectPassed({ scenario }: PlatformWorld, step: StepResult, ...bases: readonly string[]): void {
  expect([step.result.error, step.code, step.result.verdict]).toEqual([undefined, 0, 'passed'])
  expect(step.result.subjects.map(({ basis }) => basis)).toEqual(bases)
  const published = scenario.stack.registry.storage.open(REPOSITORY).manifests
  expect(published.has(step.outputs.digest ?? '')).toBe(true)
  expectNoLeak(scenario, step, true)
  scenario.stack.github.expectNothingUnexpected()
}

/** What makes a run state its source: it builds from the commit itself. */
export const BUILT: Inputs = { builder: 'buildah', layout: undefined }

/** Levels that the published source summary states. */
export function levelsOf({ result }: StepResult): readonly string[] {
  const [summary] = result.attestations.filter(({ predicateType }) => predicateType.includes('verification_summary'))
  const { predicate } = statementIn(summary?.bundle ?? '') as unknown as { predicate: { verifiedLevels: string[] } }
  return predicate.verifiedLevels
}
