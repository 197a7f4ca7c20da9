import { spawn } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Finished } from '../fakes/scenario.ts'
import type { Action } from './recipe-blocks.ts'
import { type RecipeWorld, workspaceOf } from './recipe-world.ts'

interface Step {
  readonly id?: string
  readonly if?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly run?: string
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

/** Actions of others that a page may use; the workspace is a checkout already, and what is uploaded must be there. */
const OTHERS: Readonly<Record<string, (given: Step['with'], workspace: string) => boolean>> = {
  'actions/checkout@v5': (given, workspace) => {
    if (given?.path === undefined) return true
    if (given.repository !== 'OWNER/waybill') return false
    symlinkSync(join(import.meta.dirname, '..', '..'), join(workspace, String(given.path)))
    return true
  },
  'actions/upload-artifact@v4': (given, workspace) => existsSync(join(workspace, String(given?.path))),
  'github/codeql-action/upload-sarif@v4': (given, workspace) => existsSync(join(workspace, String(given?.sarif_file))),
}

/** What one block of a page says. */
export async function carryOut(world: RecipeWorld, { kind, line, text, path }: Action): Promise<Finished> {
  if (kind === 'sh') return shell(world.fill(text), world.folder, world.env)
  if (kind === 'workflow') return runWorkflow(world, text, `line-${line}`)
  world.write(path ?? '', world.fill(text))
  return { code: 0, log: '', stdout: '' }
}

/** Carries out each step of each job, as the runner does, on a copy of the clone. @returns the code of the first that fails. */
async function runWorkflow(world: RecipeWorld, text: string, name: string): Promise<Finished> {
  const workflow = parse(world.fill(text)) as Workflow
  const event = Object.keys(workflow.on)[0] ?? 'push'
  const workspace = workspaceOf(world, name)
  const outputs = new Map<string, Record<string, string>>()
  let [code, log] = [0, '']
  for (const { steps } of Object.values(workflow.jobs))
    for (const step of steps) {
      if (!wanted(step.if, code)) continue
      const done = await runStep(world, step, {
        workspace,
        event,
        expand: value => expand(value, outputs, world.secrets),
      })
      if (step.id !== undefined) outputs.set(step.id, done.outputs)
      log += done.log
      code ||= done.code
    }
  return { code, log, stdout: log }
}

function wanted(condition: string | undefined, code: number): boolean {
  if (condition === undefined) return code === 0
  if (condition === 'failure()') return code !== 0
  if (condition === 'always()') return true
  throw new Error(`No test reads if: ${condition}`)
}

interface Job {
  readonly workspace: string
  readonly event: string
  expand(value: string): string
}

async function runStep(
  world: RecipeWorld,
  step: Step,
  job: Job,
): Promise<Finished & { outputs: Record<string, string> }> {
  const { workspace, event, expand } = job
  const inputs = Object.fromEntries(Object.entries(step.with ?? {}).map(([key, value]) => [key, expand(String(value))]))
  if (step.run !== undefined) {
    const env = Object.fromEntries(Object.entries(step.env ?? {}).map(([key, value]) => [key, expand(value)]))
    return { ...(await shell(expand(step.run), workspace, { ...world.env, ...env })), outputs: {} }
  }
  if (step.uses === 'OWNER/waybill/verify@v1') {
    const run = { claims: { event_name: event }, env: { GITHUB_WORKSPACE: workspace } }
    return world.scenario.verify({ ...DEFAULTS, 'trusted-root': undefined, ...inputs }, run)
  }
  const other = OTHERS[step.uses ?? '']
  if (other === undefined) throw new Error(`No test carries out ${step.uses}`)
  const code = other(inputs, workspace) ? 0 : 1
  return { code, log: code === 0 ? '' : `${step.uses} found nothing\n`, stdout: '', outputs: {} }
}

/** What `verify/action.yml` sets when a workflow does not. */
const DEFAULTS = Object.fromEntries(
  Object.entries(
    (
      parse(readFileSync(join(import.meta.dirname, '../../verify/action.yml'), 'utf8')) as {
        inputs: Record<string, { default?: string }>
      }
    ).inputs,
  ).flatMap(([name, { default: value }]) => (value === undefined || value.includes('${{') ? [] : [[name, value]])),
)

/** `${{ steps.ID.outputs.NAME }}`, one field of the first subject, secrets and the token. */
function expand(
  text: string,
  outputs: ReadonlyMap<string, Record<string, string>>,
  secrets: ReadonlyMap<string, string>,
): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const secret = secrets.get(expression)
    if (secret !== undefined) return secret
    const [, id, name] = /^steps\.([a-z-]+)\.outputs\.([a-z-]+)$/.exec(expression) ?? []
    if (id !== undefined && name !== undefined) return outputs.get(id)?.[name] ?? ''
    const [, from = '', field = ''] =
      /^fromJSON\(steps\.([a-z-]+)\.outputs\.subjects\)\[0\]\.([a-z]+)$/.exec(expression) ?? []
    if (from === '') throw new Error(`No test reads ${expression}`)
    const [subject] = JSON.parse(outputs.get(from)?.subjects ?? '[]') as readonly Record<string, string>[]
    return subject?.[field] ?? ''
  })
}

/** A shell as the runner starts it. */
function shell(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], { cwd, env })
    let [log, stdout] = ['', '']
    child.stdout.on('data', chunk => {
      log += chunk
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      log += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, log, stdout }))
    child.stdin.end()
  })
}
