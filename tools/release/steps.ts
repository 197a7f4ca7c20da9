import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface Step {
  readonly id?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
}

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

/** Reads the release workflow, so that what is tried is what it says. @throws where it has no such step. */
export function releaseStep(root: string, job: string, id: string): Step {
  const workflow = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as Workflow
  const step = workflow.jobs[job]?.steps.find(candidate => candidate.id === id)
  if (step === undefined) throw new Error(`release.yml has no step ${id} in the job ${job}`)
  return step
}

/** @param values what each `${{ … }}` is here. @throws for one that is not among them: a trial must not guess. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const value = values[expression]
    if (value === undefined) throw new Error(`Nobody says what ${expression} is`)
    return value
  })
}

/** The inputs of a step, as strings. */
export function inputsOf(step: Step, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(step.with ?? {}).map(([name, value]) => [name, filled(String(value), values)]),
  )
}
