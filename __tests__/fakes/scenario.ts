import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Receipt } from '../../src/report/receipt.ts'
import { breaks, type Schema } from '../report/schema.ts'
import type { GitServer } from './git-server.ts'
import type { Oidc } from './oidc.ts'
import { TestRepository } from './repository.ts'
import type { Run, RunOptions } from './runner.ts'
import { makeSshSigner, type SshSigner } from './ssh-signer.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'

const DIST = join(import.meta.dirname, '..', '..', 'dist')
const SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'schemas', 'result.json'), 'utf8'),
) as Schema
/** The repository every scenario is about; the stack's default claims speak of it too. */
export const REPOSITORY = 'acme/app'

export interface Finished {
  readonly code: number
  /** stdout and stderr in the order they came, as the log of a job shows them. */
  readonly log: string
  readonly stdout: string
}

export interface StepResult extends Finished {
  readonly outputs: Record<string, string>
  readonly summary: string
  readonly result: Receipt
  readonly run: Run
}

/** What a scenario asks of a stack, whichever servers are behind it. */
export interface ScenarioStack {
  readonly folder: string
  readonly git: GitServer
  readonly oidc: Oidc
  /** Where images go. */
  readonly registry: { readonly host: string }
  readonly trustedRootFile: string
  readonly signingConfigFile: string
  run(options?: RunOptions): Run
  close(): Promise<void>
}

/** One project with signed commits, served by a stack, and the bundled doors to run on it. */
export interface Scenario<S extends ScenarioStack = Stack> {
  readonly stack: S
  readonly repository: TestRepository
  readonly alice: SshSigner
  readonly bob: SshSigner
  /** The first commit; it contains the policy. */
  readonly anchor: string
  /** Puts the repository as it is now onto the git server. @returns the id of its head. */
  publish(): Promise<string>
  /** `host/acme/app` in the stack's registry. */
  readonly image: string
  /** Runs `dist/attest.js` as the runner would, on the published head unless `run` says otherwise. */
  attest(inputs?: Inputs, run?: RunOptions, started?: (child: ChildProcess) => void): Promise<StepResult>
  /** Runs `dist/verify.js`. */
  verify(inputs: Inputs, run?: RunOptions): Promise<StepResult>
  /** Runs `dist/cli.js` in an environment without any runner. */
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>
  /** Flags of `waybill verify image` that name the identity of this project's runs. */
  readonly expected: readonly string[]
  close(): Promise<void>
}

/** Names as in action.yml; `undefined` removes a default of the scenario. */
export type Inputs = Readonly<Record<string, string | undefined>>

/** Policy of the scenario: alice maintains, both develop. */
export function policyOf(alice: SshSigner, bob: SshSigner, more = ''): string {
  return `version: 1
principals:
  alice:
    emails: [alice@example.com]
    signers: [{ ssh: { key: "${alice.publicKey}" } }]
  bob:
    emails: [bob@example.com]
    signers: [{ ssh: { key: "${bob.publicKey}" } }]
roles: { maintainers: [alice], developers: ["@maintainers", bob] }
source:
  - refs: ["refs/heads/main"]
    commits: { signers: ["@developers"] }
policy-change: { signers: ["@maintainers"] }
${more}`
}

export async function startScenario(options: StackOptions & { readonly policy?: string } = {}): Promise<Scenario> {
  return scenarioOn(await startStack(options), options.policy)
}

/** The same project on a stack that runs already; closing the scenario closes it. */
export async function scenarioOn<S extends ScenarioStack>(stack: S, policy = ''): Promise<Scenario<S>> {
  const alice = makeSshSigner()
  const bob = makeSshSigner()
  const repository = new TestRepository(join(stack.folder, 'work'))
  const anchor = repository.commit({
    message: 'Begin with a policy',
    signer: alice,
    files: {
      '.github/waybill.yml': `${policyOf(alice, bob)}${policy}`,
      Dockerfile: 'FROM scratch\nCOPY hello.txt /\n',
      'hello.txt': 'hello\n',
    },
  })
  repository.commit({
    message: 'Greet the world',
    signer: bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { 'hello.txt': 'hello, world\n' },
  })
  const publish = () => stack.git.publish(repository.folder, REPOSITORY)
  await publish()
  const image = `${stack.registry.host}/${REPOSITORY}`
  const head = (): string => repository.head() ?? ''

  const step = async (
    door: string,
    inputs: Inputs,
    given: RunOptions,
    started?: (child: ChildProcess) => void,
  ): Promise<StepResult> => {
    const run = stack.run({ ...given, claims: { sha: head(), ...given.claims } })
    const env = { ...run.environment, ...inputVariables(inputs) }
    const finished = await execute([join(DIST, door)], env, run.workspace, started)
    const outputs = run.outputs()
    const result = readResult(outputs.result)
    return { ...finished, outputs, summary: run.summary(), result, run }
  }
  const own: Inputs = { 'signing-config': stack.signingConfigFile, 'trusted-root': stack.trustedRootFile }
  return {
    stack,
    repository,
    alice,
    bob,
    anchor,
    publish,
    image,
    attest: (inputs = {}, run = {}, started) =>
      step('attest.js', { images: image, since: anchor, ...own, ...inputs }, run, started),
    verify: (inputs, run = {}) => step('verify.js', { 'trusted-root': stack.trustedRootFile, ...inputs }, run),
    cli: (args, env = {}) =>
      execute(
        [join(DIST, 'cli.js'), ...args],
        { PATH: process.env.PATH ?? '', HOME: stack.folder, ...env },
        stack.folder,
      ),
    expected: [
      '--certificate-identity',
      `${stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`,
      '--certificate-oidc-issuer',
      stack.oidc.issuer,
      '--trusted-root',
      stack.trustedRootFile,
    ],
    close: () => stack.close(),
  }
}

/** `INPUT_*` as the runner makes them: upper case, spaces to underscores, dashes kept. */
export function inputVariables(inputs: Inputs): Record<string, string> {
  const set = Object.entries(inputs).flatMap(([name, value]) =>
    value === undefined ? [] : [[`INPUT_${name.toUpperCase()}`, value] as const],
  )
  return Object.fromEntries(set)
}

/** Runs Node on a file with exactly this environment. */
export function execute(
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
  started?: (child: ChildProcess) => void,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    started?.(child)
    let log = ''
    let stdout = ''
    child.stdout.on('data', chunk => {
      log += chunk
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      log += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, log, stdout }))
  })
}

/** The result of a step, which is held against `schemas/result.json`, whatever the run did. @throws where it breaks that */
export function readResult(path: string | undefined): Receipt {
  if (path === undefined || path === '') return {} as Receipt
  const result = JSON.parse(readFileSync(path, 'utf8')) as Receipt
  const broken = breaks(SCHEMA, result)
  if (broken.length > 0) throw new Error(`${path} breaks schemas/result.json: ${broken.join('; ')}`)
  return result
}
