import type { ModelRepository } from '../fakes/github-model.ts'
import { Gpg } from '../fakes/gpg.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import { type Inputs, REPOSITORY, type StepResult } from '../fakes/scenario.ts'
import { makeSshSigner, type SshSigner } from '../fakes/ssh-signer.ts'
import { Story } from './platform-story.ts'
import { expectNoLeak, footprint, startWorld, statementIn, type World } from './source-support.ts'

export const POLICY = '.github/waybill.yml'
export const PLATFORM_KEY = '.github/keys/platform.asc'

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

export const GITHUB = { name: 'GitHub', email: 'noreply@github.example' }

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
  expectNoLeak(scenario, step)
}

/** Everything passed, and this is how each commit counts, oldest first. */
export function expectPassed({ scenario }: PlatformWorld, step: StepResult, ...bases: readonly string[]): void {
  expect([step.result.error, step.code, step.result.verdict]).toEqual([undefined, 0, 'passed'])
  expect(step.result.subjects.map(({ basis }) => basis)).toEqual(bases)
  const published = scenario.stack.registry.storage.open(REPOSITORY).manifests
  expect(published.has(step.outputs.digest ?? '')).toBe(true)
  expectNoLeak(scenario, step)
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
