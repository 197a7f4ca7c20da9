import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Receipt } from '../../src/report/receipt.ts'
import { Gpg } from '../fakes/gpg.ts'
import { privateAuthority } from '../fakes/network.ts'
import type { RealSigner } from '../fakes/repository.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { execute, type Finished, type Inputs, inputVariables, type StepResult } from '../fakes/scenario.ts'
import { type Base, newBase, signBase } from './materials-world.ts'
import { openWorld, type World } from './world.ts'

const DIST = join(import.meta.dirname, '..', '..', 'dist')
export const POLICY = '.github/waybill.yml'
export const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
export const RELEASE = 'acme/app/.github/workflows/release.yml@refs/heads/main'
export const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
const ID = '792829709'

/** Claims of the run that builds, through a workflow that serves many repositories, and of the one that deploys. */
export const BUILDING = { job_workflow_ref: SHARED } as const
export const DEPLOYING = { workflow_ref: DEPLOY, job_workflow_ref: DEPLOY, environment: 'production' } as const

/** A project with every link that a policy can ask for, and the people who hold them. */
export class RelayWorld {
  readonly world: World
  readonly gpg = new Gpg()
  readonly base: Base
  readonly unsigned: Base
  /** Of the law that the deploy rule names: commits after it are judged. */
  readonly anchor: string
  /** The last good commit of `main`. */
  main = ''
  readonly #bob: string

  static async open(): Promise<RelayWorld> {
    const tls = await privateAuthority()
    const world = await openWorld({ tls })
    try {
      const [base, unsigned] = [await newBase(world, 'referrers', 'signed'), await newBase(world, 'referrers', 'not')]
      await signBase(world, 'cosign3', base, { privateFile: '', publicFile: '' })
      return new RelayWorld(world, base, unsigned)
    } catch (error) {
      await world.close()
      throw error
    }
  }

  private constructor(world: World, base: Base, unsigned: Base) {
    this.world = world
    this.base = base
    this.unsigned = unsigned
    this.anchor = world.repository.head() ?? ''
    this.#bob = this.gpg.makeKey('bob', 'ed25519')
    for (const name of ['alice', 'mallory'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', this.key(name)])
    const files = {
      [POLICY]: this.policy(),
      '.github/trust/root.json': readFileSync(world.stack.trustedRootFile, 'utf8'),
      '.github/keys/bob.asc': this.gpg.exported(this.#bob),
    }
    world.repository.commit({ message: 'Say who does what', signer: world.alice, files })
    this.main = world.repository.head() ?? ''
    mkdirSync(this.desk)
    this.#git('clone', '--quiet', world.repository.folder, '.')
  }

  /** The reviewer's clone. */
  get desk(): string {
    return join(this.world.stack.folder, 'desk')
  }

  key(name: string): string {
    return join(this.world.stack.folder, `key-${name}`)
  }

  get host(): string {
    return this.world.stack.registry.host
  }

  get image(): string {
    return `${this.host}/acme/app`
  }

  get policyUri(): string {
    return `git+${this.world.stack.git.url}/acme/app#${POLICY}`
  }

  /** @param more top-level keys. @param deployer more of the deployer: a stranger's policy names the deployer's. */
  policy(more = '', deployer = ''): string {
    const { alice, bob } = this.world
    const ssh = (key: string) => `{ ssh: { key: "${key}" } }`
    const own = readFileSync(`${this.key('alice')}.pub`, 'utf8').trim()
    return `version: 1
principals:
  alice: { emails: [alice@example.com], signers: [${ssh(alice.publicKey)}, ${ssh(own)}] }
  bob: { emails: [bob@example.com], signers: [${ssh(bob.publicKey)}, { openpgp: { fingerprint: ${this.#bob}, file: keys/bob.asc } }] }
roles: { maintainers: [alice], developers: ["@maintainers", bob] }
source:
  - refs: [refs/heads/main]
    commits: { signers: ["@developers"] }
    review: { approvals: 1, by: ["@maintainers"], strength: signed-by-reviewer }
policy-change: { signers: ["@maintainers"] }
base-images:
  - match: "${this.host}/acme/base-*"
    signers: [{ sigstore: { identity: "${this.world.stack.git.url}/acme/images/.github/workflows/release.yml@refs/heads/main", issuer: "${this.world.stack.oidc.issuer}" } }]
    trust: { file: trust/root.json }
    private: true
deploy:
${this.deployRule(deployer)}${more}`
  }

  deployRule(deployer = ''): string {
    const { git, oidc } = this.world.stack
    const run = (signer: string, more: string) =>
      `{ github: { repository: acme/app, repository-id: ${ID}, signer: "${signer}", source-ref: [refs/heads/main], server: "${git.url}", issuer: "${oidc.issuer}", ${more} }`
    return `  - match: ["${this.image}"]
    trust: { file: trust/root.json }
    private: true
    build: ${run(SHARED, `caller: "${RELEASE}", runner: github-hosted }`)}
    source: { policy: "${this.policyUri}", anchor: ${this.anchor}, exceptions: deny }
    require: [signature, provenance, source-signed, source-reviewed, materials-verified]
    deployer: ${run(DEPLOY, `environment: production }${deployer}`)}
    admit: [deploy-verified]
`
  }

  /** A developer at his desk, with the real git. */
  get bob(): RealSigner {
    const config = ['gpg.format=openpgp', `user.signingkey=${this.#bob}`, 'commit.gpgsign=true']
    return { name: 'Bob', email: 'bob@example.com', config, env: this.gpg.environment() }
  }

  /** The maintainer, with the real ssh-keygen. */
  get alice(): RealSigner {
    const config = ['gpg.format=ssh', `user.signingkey=${this.key('alice')}`, 'commit.gpgsign=true']
    return { name: 'Alice', email: 'alice@example.com', config }
  }

  /** Somebody with a key that nobody knows, under a developer's name. */
  get mallory(): RealSigner {
    const config = ['gpg.format=ssh', `user.signingkey=${this.key('mallory')}`, 'commit.gpgsign=true']
    return { name: 'Bob', email: 'bob@example.com', config }
  }

  get unsignedBob(): RealSigner {
    return { name: 'Bob', email: 'bob@example.com', config: ['commit.gpgsign=false'] }
  }

  /** Commits on a branch of its own that begins at `main`. @returns the id. */
  change(name: string, files: Readonly<Record<string, string>>, by: RealSigner): string {
    const { repository } = this.world
    repository.git('checkout', '--quiet', '--force', '-B', name, this.main)
    repository.write(files)
    repository.git('add', '--all')
    repository.gitAs(by, 'commit', '--quiet', '-m', `Change ${name}`)
    return repository.head() ?? ''
  }

  /** The reviewer signs with ssh-keygen that this branch may go into `main`, and pushes that. */
  async review(branch: string): Promise<void> {
    this.world.repository.git('branch', '--force', 'main', this.main)
    this.#git('fetch', '--quiet', '--force', 'origin', '+refs/heads/*:refs/remotes/origin/*')
    const range = `origin/main..origin/${branch}`
    const repository = `${this.world.stack.git.url}/acme/app`
    const key = ['--key', this.key('alice'), '--repository', repository, '--push']
    const { code, log } = await this.cli(['review', 'sign', range, ...key], this.desk)
    if (code !== 0) throw new Error(log)
  }

  #git(...args: readonly string[]): void {
    const env = { PATH: process.env.PATH ?? '', HOME: this.gpg.home, GIT_CONFIG_NOSYSTEM: '1' }
    execFileSync('git', args, { cwd: this.desk, env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** `main` is this commit, for everybody. */
  async land(commit: string): Promise<void> {
    const { repository } = this.world
    repository.git('checkout', '--quiet', '--force', '-B', 'main', commit)
    await this.world.publish()
  }

  get #trusting(): Record<string, string> {
    const { dockerConfig } = this.world.stack.buildkit
    return { DOCKER_CONFIG: dockerConfig, ...this.world.stack.trusting }
  }

  /** The pipeline, on a commit of `main`. */
  async attest(commit: string, inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
    await this.land(commit)
    const claims = { sha: commit, ...BUILDING, ...run.claims }
    const all = { builder: 'buildx', since: this.anchor, 'source-mode': 'enforce', ...inputs }
    return this.world.attest(all, { ...run, claims, env: { ...this.#trusting, ...run.env } })
  }

  /** `deploy/action.yml` as a job of the deploy workflow. @param sha whose policy judges. */
  async deploy(
    inputs: Inputs,
    claims: RunOptions['claims'] = {},
    files: Readonly<Record<string, string>> = {},
    sha = this.main,
  ) {
    const run = this.world.stack.run({ claims: { sha, ...DEPLOYING, ...claims }, env: this.#trusting })
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(run.workspace, name)), { recursive: true })
      writeFileSync(join(run.workspace, name), text)
    }
    const signing = this.world.stack.signingConfigFile
    const own = { environment: 'production', 'signing-config': signing, 'transparency-log': 'own', quarantine: 'off' }
    const insecure = { 'insecure-registries': this.host }
    const env = { ...run.environment, ...inputVariables({ ...own, ...insecure, ...inputs }) }
    const finished = await execute([join(DIST, 'deploy.js')], env, run.workspace)
    const outputs = run.outputs()
    const result = existsSync(outputs.result ?? '')
      ? (JSON.parse(readFileSync(outputs.result ?? '', 'utf8')) as Receipt)
      : undefined
    return { ...finished, outputs, result, summary: run.summary() }
  }

  /** The command line, with nothing of a job around it. */
  cli(args: readonly string[], cwd = this.world.stack.folder): Promise<Finished> {
    const env = { PATH: process.env.PATH ?? '', HOME: this.gpg.home, GNUPGHOME: this.gpg.home, ...this.#trusting }
    return execute([join(DIST, 'cli.js'), ...args], env, cwd)
  }

  async close(): Promise<void> {
    this.gpg.close()
    await this.world.close()
  }
}

/** Paths in an output that lists them. */
export function writtenFiles(list: string | undefined): readonly string[] {
  return (list ?? '').split('\n').filter(path => path !== '')
}
