import { spawnSync } from 'node:child_process'
import { parse } from 'yaml'
import type { Inputs, Scenario, StepResult } from '../fakes/scenario.ts'

interface Step {
  readonly id?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
}

interface Job {
  readonly 'runs-on': string | readonly string[]
  readonly permissions: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> }
  readonly outputs?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>
}

/** What is carried out, one after the other, and what came of it. */
export interface Done {
  readonly job: string
  readonly door: 'attest' | 'verify'
  readonly step: StepResult
}

export interface Here {
  readonly scenario: Scenario
  /** The one workspace of the workflow's jobs. */
  readonly workspace: string
  /** What the page says → what it is on this machine. */
  fill(text: string): string
  /** Inputs of each door that only this machine needs. */
  readonly attest: Inputs
  readonly verify: Inputs
}

type Values = Readonly<Record<string, string>>

/** Runs every job of a workflow as the runner would, each leg of a matrix on its own. @throws when a command fails. */
export async function runExample(text: string, here: Here): Promise<readonly Done[]> {
  const { jobs } = parse(text) as Workflow
  const done: Done[] = []
  const needs: Record<string, string> = {}
  for (const [name, job] of Object.entries(jobs))
    for (const leg of legsOf(job)) {
      const values: Record<string, string> = { ...needs, ...leg }
      for (const step of job.steps) {
        const result = await runStep(step, job, values, here)
        if (result === undefined) continue
        done.push({ job: name, ...result })
        for (const [output, value] of Object.entries(result.step.outputs))
          values[`steps.${step.id}.outputs.${output}`] = value
      }
      for (const [output, value] of Object.entries(job.outputs ?? {}))
        needs[`needs.${name}.outputs.${output}`] = expand(value, values)
    }
  return done
}

function legsOf({ strategy }: Job): readonly Values[] {
  const [first] = Object.entries(strategy?.matrix ?? {})
  return first === undefined ? [{}] : first[1].map(value => ({ [`matrix.${first[0]}`]: value }))
}

async function runStep(step: Step, job: Job, values: Values, here: Here): Promise<Omit<Done, 'job'> | undefined> {
  const { scenario, workspace } = here
  if (step.run !== undefined) {
    const run = spawnSync('bash', ['-eo', 'pipefail', '-c', step.run], { cwd: workspace, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`${step.run}\n${run.stderr}`)
    return undefined
  }
  const given = Object.entries(step.with ?? {}).map(([name, value]) => [name, here.fill(expand(String(value), values))])
  const inputs = Object.fromEntries(given) as Inputs
  const runs = job['runs-on'].includes('self-hosted') ? 'self-hosted' : 'github-hosted'
  const options = {
    claims: { runner_environment: runs },
    idToken: job.permissions['id-token'] === 'write',
    env: { GITHUB_WORKSPACE: workspace },
  }
  switch (step.uses?.split(' ')[0]) {
    case 'OWNER/waybill@v1':
      return { door: 'attest', step: await scenario.attest({ images: undefined, ...inputs, ...here.attest }, options) }
    case 'OWNER/waybill/verify@v1':
      return { door: 'verify', step: await scenario.verify({ ...inputs, ...here.verify }, options) }
    case 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1':
      return undefined // the workspace is one
    default:
      throw new Error(`No test carries out ${step.uses}`)
  }
}

function expand(text: string, values: Values): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const value = values[expression]
    if (value === undefined) throw new Error(`No test knows ${expression}`)
    return value
  })
}
