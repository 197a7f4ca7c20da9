import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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
  readonly jobs: Readonly<Record<'prepare' | 'build' | 'sign' | 'verify' | 'verdict', Job>>
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
  const { prepare, build, sign, verify, verdict } = workflow.jobs
  expect(sign.permissions).toEqual({
    contents: 'read',
    packages: 'write',
    'pull-requests': 'read',
    'id-token': 'write',
  })
  expect(build.permissions).toEqual({ contents: 'read', packages: 'write', 'pull-requests': 'read' })
  expect(prepare.permissions).toEqual({ contents: 'read', packages: 'read', 'pull-requests': 'read' })
  expect(verify.permissions).toEqual({ contents: 'read', packages: 'read' })
  expect(verdict.permissions).toEqual({})
  for (const job of [prepare, sign, verify, verdict]) expect(JSON.stringify(job)).not.toContain('build-secrets')
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
  const { 'not-passed': shared, ...own } = workflow.jobs.build.outputs ?? {}
  expect(own).toEqual(
    Object.fromEntries(
      PLANNED_PLATFORMS.map(platform => [outputOf(platform), `\${{ steps.leg.outputs.${outputOf(platform)} }}`]),
    ),
  )
  // All legs write this one, and none of them `passed`.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
  expect(shared).toBe("${{ steps.leg.outputs.verdict != 'passed' && steps.leg.outputs.verdict || '' }}")
})

test('no script holds an expression, and no step comes from anywhere but the pinned commit', () => {
  for (const { run, uses } of steps) {
    expect(run ?? '').not.toContain('${{')
    expect(uses ?? './.waybill/').toMatch(/^\.\/\.waybill\//)
  }
  const { verdict: _nothingOfWaybill, ...others } = workflow.jobs
  for (const job of Object.values(others)) {
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
    'reproducible',
    'policy',
    'since',
    'materials',
  ]
  for (const door of ['prepare', 'leg', 'sign']) {
    const step = steps.find(({ uses }) => uses === `./.waybill/${door}`)
    for (const name of shapes) expect(step?.with?.[name]).toBe(`\${{ inputs.${name} }}`)
  }
})

test('nobody can hand in a digest, a plan or a part: they come from the jobs before alone', () => {
  const { inputs } = workflow.on.workflow_call
  for (const name of ['digest', 'layout', 'plan', 'parts', 'builder', 'command', 'ssh', 'cache-from', 'bake'])
    expect(inputs).not.toHaveProperty(name)
  const { sign } = workflow.jobs
  expect(JSON.stringify(sign)).not.toMatch(/inputs\.(digest|plan|parts)/)
})

describe('the verdict of the workflow', () => {
  const WHOLE = {
    ASKED: 'true',
    CAN_VERIFY: 'true',
    PREPARE: 'success passed',
    BUILD: 'success passed',
    SIGN: 'success passed',
    VERIFY: 'success passed',
  }
  const PROPOSED = { ...WHOLE, ASKED: 'false', SIGN: 'skipped ', VERIFY: 'skipped ' }
  const [step] = workflow.jobs.verdict.steps

  test('is asked of every job, however they ended, and is the output', () => {
    const { verdict } = workflow.jobs
    expect([verdict.needs, verdict.if]).toEqual([['prepare', 'build', 'sign', 'verify'], 'always()'])
    expect(Object.keys(step?.env ?? {})).toEqual(Object.keys(WHOLE))
    const { outputs } = workflow.on.workflow_call
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
    expect(outputs.verdict).toMatchObject({ value: "${{ jobs.verdict.outputs.verdict || 'unknown' }}" })
  })

  test.each([
    ['all is well', {}, 'passed'],
    ['the server is another one, where nobody verifies', { CAN_VERIFY: 'false', VERIFY: 'skipped ' }, 'passed'],
    ['a job that builds failed', { BUILD: 'failure passed', SIGN: 'skipped ', VERIFY: 'skipped ' }, 'unknown'],
    ['a job that builds found something', { BUILD: 'failure rejected', SIGN: 'skipped ' }, 'rejected'],
    ['a job that builds found something and went on', { BUILD: 'success unknown' }, 'unknown'],
    ['the run was cancelled', { BUILD: 'cancelled passed', SIGN: 'skipped ', VERIFY: 'skipped ' }, 'unknown'],
    ['sign found something', { SIGN: 'failure rejected', VERIFY: 'skipped ' }, 'rejected'],
    ['sign found something under audit', { SIGN: 'success rejected' }, 'rejected'],
    ['sign failed without a word', { SIGN: 'failure ', VERIFY: 'skipped ' }, 'unknown'],
    ['sign ended without a word', { SIGN: 'success ' }, 'unknown'],
    ['sign was left out', { SIGN: 'skipped ', VERIFY: 'skipped ' }, 'unknown'],
    ['nobody could verify', { VERIFY: 'failure unknown' }, 'unknown'],
    ['verify refuses what was signed', { VERIFY: 'failure rejected' }, 'rejected'],
    ['verify was left out', { VERIFY: 'skipped ' }, 'unknown'],
    [
      'prepare refused the commit',
      { ASKED: '', PREPARE: 'failure rejected', BUILD: 'skipped passed', SIGN: 'skipped ', VERIFY: 'skipped ' },
      'rejected',
    ],
    ['prepare says nothing', { ASKED: '', SIGN: 'skipped ', VERIFY: 'skipped ' }, 'unknown'],
    ['prepare says something else', { ASKED: 'maybe' }, 'unknown'],
    ['prepare found nothing out', { PREPARE: 'success unknown' }, 'unknown'],
    ['a word is none of the three', { PREPARE: 'success fine' }, 'unknown'],
    ['a pull request', PROPOSED, 'passed'],
    ['a pull request whose build failed', { ...PROPOSED, BUILD: 'failure passed' }, 'unknown'],
    ['a pull request whose build is not reproducible', { ...PROPOSED, BUILD: 'success rejected' }, 'rejected'],
  ] as const)('where %s', (_, changed, verdict) => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-verdict-'))
    const output = join(folder, 'output')
    writeFileSync(output, '')
    const env = { ...WHOLE, ...changed, GITHUB_OUTPUT: output, PATH: process.env.PATH ?? '' }
    execFileSync('bash', ['-c', step?.run ?? 'exit 1'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    expect(readFileSync(output, 'utf8')).toBe(`verdict=${verdict}\n`)
    rmSync(folder, { recursive: true })
  })
})
