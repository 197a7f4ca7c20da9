import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { outputOf, PLANNED_PLATFORMS } from '../../src/build/plan.ts'
import { LEG_INPUTS, PREPARE_INPUTS, SIGN_INPUTS } from '../../src/entry/workflow-table.ts'
import { VERIFY_INPUTS } from '../../src/github/input-table.ts'

const TEXT = readFileSync(join(import.meta.dirname, '..', '..', '.github', 'workflows', 'build.yml'), 'utf8')

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}
interface Job {
  readonly permissions: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
  readonly outputs?: Readonly<Record<string, string>>
  readonly needs?: string | readonly string[]
  readonly if?: string
}

const workflow = parse(TEXT) as {
  readonly on: { readonly workflow_call: Record<'inputs' | 'secrets' | 'outputs', Readonly<Record<string, object>>> }
  readonly permissions: object
  readonly jobs: Readonly<Record<'prepare' | 'build' | 'sign' | 'verify', Job>>
}
const steps = Object.values(workflow.jobs).flatMap(job => job.steps)

test('the workflow takes and gives exactly what the product says', () => {
  const { inputs, secrets, outputs } = workflow.on.workflow_call
  expect(Object.keys(inputs).sort()).toEqual(
    [
      ...['images', 'tags', 'platforms', 'runners', 'context', 'file', 'target', 'build-args', 'labels', 'annotations'],
      ...['self-hosted', 'policy', 'since', 'materials', 'sbom', 'reproducible', 'push'],
    ].sort(),
  )
  expect(Object.keys(secrets)).toEqual(['registry-password', 'build-secrets'])
  expect(Object.keys(outputs)).toEqual(['digest', 'image', 'platforms', 'verdict'])
})

test('13-adversary 16: only the job that runs nothing of the commit has an identity token', () => {
  expect(workflow.permissions).toEqual({})
  const { prepare, build, sign, verify } = workflow.jobs
  expect(sign.permissions).toEqual({
    contents: 'read',
    packages: 'write',
    'pull-requests': 'read',
    'id-token': 'write',
  })
  expect(build.permissions).toEqual({ contents: 'read', packages: 'write', 'pull-requests': 'read' })
  expect(prepare.permissions).toEqual({ contents: 'read', packages: 'read', 'pull-requests': 'read' })
  expect(verify.permissions).toEqual({ contents: 'read', packages: 'read' })
  for (const job of [prepare, sign, verify]) expect(JSON.stringify(job)).not.toContain('build-secrets')
  expect(sign.steps.map(({ uses }) => uses)).toEqual([undefined, './.waybill/sign'])
})

test('the job that signs takes plan and parts from the jobs before it, and only when they said so', () => {
  const { sign } = workflow.jobs
  expect([sign.needs, sign.if]).toEqual([['prepare', 'build'], "needs.prepare.outputs.sign == 'true'"])
  expect(sign.steps[1]?.with).toMatchObject({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are expressions of GitHub Actions
    plan: '${{ needs.prepare.outputs.plan }}',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are expressions of GitHub Actions
    parts: '${{ toJSON(needs.build.outputs) }}',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are expressions of GitHub Actions
    'workflow-commit': '${{ job.workflow_sha }}',
  })
})

test('each platform has an output of its own, and no other', () => {
  expect(workflow.jobs.build.outputs).toEqual(
    Object.fromEntries(
      PLANNED_PLATFORMS.map(platform => [outputOf(platform), `\${{ steps.leg.outputs.${outputOf(platform)} }}`]),
    ),
  )
})

test('no script holds an expression, and no step comes from anywhere but the pinned commit', () => {
  for (const { run, uses } of steps) {
    expect(run ?? '').not.toContain('${{')
    expect(uses ?? './.waybill/').toMatch(/^\.\/\.waybill\//)
  }
  for (const job of Object.values(workflow.jobs)) {
    const [own] = job.steps
    expect(own).toEqual(workflow.jobs.prepare.steps[0])
    expect(own?.run).toContain('test "$(git -C .waybill rev-parse HEAD)" = "$COMMIT"')
  }
})

test.each([
  ['prepare', PREPARE_INPUTS],
  ['leg', LEG_INPUTS],
  ['sign', SIGN_INPUTS],
  ['verify', VERIFY_INPUTS],
] as const)('the step of %s gives only inputs that there are', (door, table) => {
  const step = steps.find(({ uses }) => uses === `./.waybill/${door}`)
  const names = table.filter(({ served }) => served).map(({ name }) => name)
  for (const name of Object.keys(step?.with ?? {})) expect(names).toContain(name)
})

test('what shapes the image reaches prepare, the parts and the whole alike', () => {
  const shapes = [
    'context',
    'file',
    'target',
    'build-args',
    'labels',
    'annotations',
    'sbom',
    'policy',
    'since',
    'materials',
  ]
  for (const door of ['prepare', 'leg', 'sign']) {
    const step = steps.find(({ uses }) => uses === `./.waybill/${door}`)
    for (const name of shapes) expect(step?.with?.[name]).toBe(`\${{ inputs.${name} }}`)
  }
})
