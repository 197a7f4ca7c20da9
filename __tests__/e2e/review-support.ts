import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Gpg } from '../fakes/gpg.ts'
import type { CommitOptions, TestRepository } from '../fakes/repository.ts'
import { execute, type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { GITHUB_TOKEN } from './source-support.ts'

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')

export const BOB = { name: 'Bob', email: 'bob@example.com' } as const

export interface Signed {
  readonly code: number
  readonly stdout: string
  /** stdout and stderr. */
  readonly log: string
}

/** One change on its way into a branch of its own. */
export interface Change {
  /** Short name of the branch it goes into. */
  readonly target: string
  readonly feature: string
  readonly head: string
}

/**
 * A project whose policy asks for one review, signed by a maintainer. Alice (an SSH key of ssh-keygen, an OpenPGP key of gpg)
 * and dora maintain; bob and carol develop. Reviewers sit at a clone of their own and push to the repository itself.
 */
export class ReviewWorld {
  readonly scenario: Scenario
  readonly gpg: Gpg
  readonly print: string
  /** The anchor: the commit that brought this policy. */
  base = ''

  private constructor(scenario: Scenario, gpg: Gpg, print: string) {
    this.scenario = scenario
    this.gpg = gpg
    this.print = print
  }

  /** @param strength of the rule. @param token the platform can be asked, and asks for it. */
  static async start(strength: string, token = false): Promise<ReviewWorld> {
    const scenario = await startScenario(token ? { githubToken: GITHUB_TOKEN } : {})
    const gpg = new Gpg()
    const world = new ReviewWorld(scenario, gpg, gpg.makeKey('alice', 'ed25519'))
    mkdirSync(world.desk)
    for (const name of ['alice', 'dora', 'carol', 'nobody', 'bob'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', world.key(name)])
    world.base = world.repository.commit({
      message: 'Ask for reviews',
      signer: scenario.alice,
      files: { '.github/waybill.yml': world.#policy(strength), '.github/keys/alice.asc': gpg.exported(world.print) },
    })
    world.git('clone', '--quiet', world.repository.folder, '.')
    await scenario.publish()
    return world
  }

  get repository(): TestRepository {
    return this.scenario.repository
  }

  /** The reviewers' clone. */
  get desk(): string {
    return join(this.scenario.stack.folder, 'desk')
  }

  get uri(): string {
    return `${this.scenario.stack.git.url}/acme/app`
  }

  key(name: string): string {
    return join(this.scenario.stack.folder, `key-${name}`)
  }

  publicKey(name: string): string {
    return readFileSync(`${this.key(name)}.pub`, 'utf8').trim()
  }

  #policy(strength: string): string {
    const { alice, bob } = this.scenario
    const ssh = (...keys: string[]) => keys.map(key => `{ ssh: { key: "${key}" } }`).join(', ')
    const openpgp = `{ openpgp: { fingerprint: "${this.print}", file: keys/alice.asc } }`
    return `version: 1
principals:
  alice:
    github: { login: alice, id: 101 }
    emails: [alice@example.com]
    signers: [${ssh(alice.publicKey, this.publicKey('alice'))}, ${openpgp}]
  dora: { emails: [dora@example.com], signers: [${ssh(this.publicKey('dora'))}] }
  bob:
    github: { login: bob, id: 102 }
    emails: [bob@example.com]
    signers: [${ssh(bob.publicKey, this.publicKey('bob'))}]
  carol: { emails: [carol@example.com], signers: [${ssh(this.publicKey('carol'))}] }
roles: { maintainers: [alice, dora], developers: ["@maintainers", bob, carol] }
source:
  - refs: ["refs/heads/**"]
    commits: { signers: ["@developers"] }
    review: { approvals: 1, by: ["@maintainers"], strength: ${strength} }
policy-change: { signers: ["@maintainers"] }
`
  }

  /** Git at the reviewers' desk. */
  git(...args: string[]): string {
    const env = { PATH: process.env.PATH ?? '', HOME: this.gpg.home, GIT_CONFIG_NOSYSTEM: '1' }
    return execFileSync('git', args, { cwd: this.desk, env, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim()
  }

  /** Bob's commit on a branch that began at the base, to be merged into another one. */
  change(name: string, options: Partial<CommitOptions> = {}, from = this.base): Change {
    const [target, feature] = [`into/${name}`, `from/${name}`]
    this.repository.git('branch', '--force', target, from)
    this.repository.git('checkout', '--quiet', '--force', '-B', feature, from)
    const files = { [`${name}.txt`]: `${name}\n` }
    const head = this.repository.commit({
      message: `Add ${name}`,
      signer: this.scenario.bob,
      ...BOB,
      files,
      ...options,
    })
    return { target, feature, head }
  }

  /** A merge by bob, or whom the options name. @returns its id; the target's branch is there. */
  merge({ target, head }: Change, options: Partial<CommitOptions> = {}): string {
    const tip = this.repository.git('rev-parse', target)
    const tree = this.repository.git('merge-tree', '--write-tree', tip, head)
    const made = { message: `Merge into ${target}`, signer: this.scenario.bob, ...BOB, ...options }
    const id = this.repository.object(made, tree, [tip, head])
    this.repository.git('update-ref', `refs/heads/${target}`, id)
    return id
  }

  /** `waybill review sign …` at the desk, which has fetched everything, by alice unless a key is named. */
  async sign(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Signed> {
    this.git('fetch', '--quiet', '--force', 'origin', '+refs/heads/*:refs/remotes/origin/*')
    const key = args.includes('--key') || env.NO_KEY !== undefined ? [] : ['--key', this.key('alice')]
    const repository = args.includes('--repository') ? [] : ['--repository', this.uri]
    const all = ['review', 'sign', ...args, ...repository, ...key]
    const { NO_KEY: _none, ...own } = env
    const base = { PATH: process.env.PATH ?? '', HOME: this.gpg.home, GNUPGHOME: this.gpg.home }
    return execute([CLI, ...all], { ...base, ...own }, this.desk)
  }

  /** Signs and pushes a statement about a change. @returns what `--json` tells. */
  async approve({ target, feature }: Change, ...args: string[]): Promise<Told> {
    const range = `origin/${target}..origin/${feature}`
    const { code, log, stdout } = await this.sign([range, '--push', '--json', ...args])
    if (code !== 0) throw new Error(log)
    return JSON.parse(stdout).data
  }

  /** Runs the action for a push to the branch. */
  async attest(target: string, inputs: Inputs = {}): Promise<StepResult> {
    await this.scenario.publish()
    const { layout } = this
    const claims = { ref: `refs/heads/${target}`, sha: this.repository.git('rev-parse', target) }
    return this.scenario.attest({ since: this.base, builder: 'layout', layout, ...inputs }, { claims })
  }

  layout = ''

  async close(): Promise<void> {
    this.gpg.close()
    await this.scenario.close()
  }
}

/** `data` of `waybill review sign --json`. */
export interface Told {
  readonly ref: string
  readonly principal: string
  readonly key: string
  readonly head: string
  readonly mergeBase: string
  readonly targetRef: string
  readonly repositoryUri: string
  readonly repositoryId?: string
  readonly decision: string
  readonly commits: number
  readonly digest: string
  readonly pushed: boolean
  readonly comment?: { readonly posted: boolean; readonly url?: string; readonly text?: string; readonly why?: string }
}
