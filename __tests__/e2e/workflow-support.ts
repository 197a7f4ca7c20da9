import { join } from 'node:path'
import type { RunOptions } from '../fakes/runner.ts'
import { execute, type Inputs, inputVariables, readResult, type Scenario, type StepResult } from '../fakes/scenario.ts'

const DIST = join(import.meta.dirname, '..', '..', 'dist')

/** Who calls and what is called: the token of a job of a reusable workflow names both. */
export const CALLED = {
  job_workflow_ref: 'acme/waybill/.github/workflows/build.yml@refs/tags/v1',
  job_workflow_sha: 'c'.repeat(40),
}

/** Outputs of jobs, as `needs` hands them on. */
export type Outputs = Readonly<Record<string, string>>

/** The jobs of `build.yml` in their order, each a door in a process of its own with the runner's files of its own. */
export class Jobs {
  readonly #scenario: Scenario
  readonly #run: RunOptions

  constructor(scenario: Scenario, run: RunOptions = {}) {
    this.#scenario = scenario
    this.#run = run
  }

  prepare(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
    const { image, anchor, stack } = this.#scenario
    return this.#step(
      'prepare',
      {
        images: image,
        since: anchor,
        'trusted-root': stack.trustedRootFile,
        'workflow-ref': CALLED.job_workflow_ref,
        ...inputs,
      },
      run,
    )
  }

  /** Every leg of the matrix, one after the other. @returns their outputs together, as `needs.build.outputs`. */
  async build(prepared: StepResult, inputs: Inputs = {}): Promise<{ legs: readonly StepResult[]; outputs: Outputs }> {
    const legs: StepResult[] = []
    const outputs: Record<string, string> = {}
    for (const { platform, output } of JSON.parse(prepared.outputs.matrix ?? '[]') as Record<string, string>[]) {
      const leg = await this.leg(prepared.outputs.plan ?? '', platform ?? '', inputs)
      legs.push(leg)
      outputs[output ?? ''] = leg.outputs[output ?? ''] ?? ''
    }
    return { legs, outputs }
  }

  leg(plan: string, platform: string, inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
    const { anchor, stack } = this.#scenario
    const own = {
      ...{ plan, platform, builder: 'buildah', since: anchor },
      ...{ 'trusted-root': stack.trustedRootFile, 'workflow-ref': CALLED.job_workflow_ref },
    }
    return this.#step('leg', { ...own, ...inputs }, { idToken: false, ...run })
  }

  sign(plan: string, parts: Outputs | string, inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
    const { anchor, stack } = this.#scenario
    const own = {
      plan,
      parts: typeof parts === 'string' ? parts : JSON.stringify(parts),
      'workflow-commit': CALLED.job_workflow_sha,
      tags: 'v1',
      since: anchor,
      'trusted-root': stack.trustedRootFile,
      'signing-config': stack.signingConfigFile,
    }
    return this.#step('sign', { ...own, ...inputs }, { tokenClaims: CALLED, ...run })
  }

  async #step(door: string, inputs: Inputs, options: RunOptions): Promise<StepResult> {
    const { stack, repository } = this.#scenario
    const given = { ...(door === 'prepare' ? { idToken: false } : {}), ...this.#run, ...options }
    const run = stack.run({ ...given, claims: { sha: repository.head() ?? '', ...given.claims } })
    const finished = await execute(
      [join(DIST, `${door}.js`)],
      { ...run.environment, ...inputVariables(inputs) },
      run.workspace,
    )
    const outputs = run.outputs()
    const result = readResult(outputs.result)
    return { ...finished, outputs, summary: run.summary(), result, run }
  }
}
