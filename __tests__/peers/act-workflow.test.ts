import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { outputOf } from '../../src/build/plan.ts'
import { type ActRun, act, type Variables, vendoredAction } from './act.ts'
import { CLAIMS, openWorld, VERIFIERS, verdicts, type World } from './world.ts'

/**
 * `.github/workflows/build.yml` called by a workflow, as act runs it: jobs, `needs`, permissions of steps, and the step that takes the
 * doors from the workflow's own commit. Two things act has not: the contexts `job.workflow_*`, which are put in as configuration
 * variables, and outputs of a matrix (its first leg overwrites the expressions of all), so the matrix is written out, a job for each leg.
 */
jest.setTimeout(240_000)

const FILE = '.github/workflows/build.yml'
const PLATFORMS = ['linux/amd64', 'linux/arm64']
const CALLER = `name: release
on: [push]
permissions: { contents: read, packages: write, id-token: write, pull-requests: read }
jobs:
  image:
    uses: ./${FILE}
    with:
      images: \${{ vars.IMAGES }}
      tags: \${{ vars.TAGS }}
      platforms: |
        linux/amd64
        linux/arm64
      since: \${{ vars.SINCE }}
  report:
    needs: image
    if: always()
    runs-on: ubuntu-latest
    steps:
      - shell: sh
        env:
          OUTPUTS: \${{ toJSON(needs.image.outputs) }}
          OUTCOME: \${{ needs.image.result }}
        run: |
          printf %s "$OUTPUTS" >"$REPORT/outputs.json"
          printf %s "$OUTCOME" >"$REPORT/outcome"
`

interface Job {
  needs?: unknown
  outputs?: Record<string, string>
  strategy?: unknown
  steps: { name?: string; uses?: string; with?: Record<string, string>; run?: string; shell?: string }[]
}

/** What act runs in place of the file: see above. `tamper` is a step of somebody between the jobs that build and the one that signs. */
function written(tamper?: string): string {
  const known = readFileSync(join(import.meta.dirname, '..', '..', FILE), 'utf8')
    .replaceAll('job.workflow_repository', 'github.repository')
    .replaceAll('job.workflow_sha', 'vars.WORKFLOW_SHA')
    .replaceAll('job.workflow_ref', 'github.workflow_ref')
  const workflow = parse(known) as { jobs: Record<string, Job> }
  const { prepare, build, sign, verify, verdict } = workflow.jobs
  if (!prepare || !build || !sign || !verify || !verdict) throw new Error('other jobs')
  const { strategy: _matrix, outputs: _outputs, ...leg } = build
  const legs = PLATFORMS.map(platform => {
    const output = outputOf(platform)
    const text = JSON.stringify({ ...leg, 'runs-on': 'ubuntu-24.04' })
      .replaceAll('matrix.platform', `'${platform}'`)
      .replaceAll('matrix.output', `'${output}'`)
    return [
      `build-${output}`,
      { ...(JSON.parse(text) as Job), outputs: { part: `\${{ steps.leg.outputs.${output} }}` } },
    ] as const
  })
  const together = {
    needs: ['prepare', ...legs.map(([name]) => name)],
    'runs-on': 'ubuntu-24.04',
    steps: [{ id: 'parts', shell: 'bash', run: tamper ?? 'true' }],
    outputs: Object.fromEntries(
      PLATFORMS.map(platform => {
        const name = outputOf(platform)
        const part = `needs.build-${name}.outputs.part`
        return [name, `\${{ steps.parts.outputs.${name} || ${part} }}`]
      }),
    ),
  }
  return stringify({
    ...workflow,
    jobs: { prepare, ...Object.fromEntries(legs), build: together, sign, verify, verdict },
  })
}

let world: World
beforeAll(async () => {
  world = await openWorld()
  commitWorkflow()
  await world.publish()
})
afterAll(() => world?.close())

function commitWorkflow(tamper?: string): void {
  world.repository.commit({
    message: 'Build with the reusable workflow',
    signer: world.alice,
    files: { ...vendoredAction(), [FILE]: written(tamper), '.github/workflows/release.yml': CALLER },
  })
}

function imageOf(name: string): string {
  return `${world.stack.registries.referrers.host}/acme/flow-${name}`
}

function flow(name: string): Promise<ActRun> {
  const { stack, repository } = world
  const variables: Variables = {
    IMAGES: imageOf(name),
    TAGS: 'v1',
    WORKFLOW_SHA: repository.head() ?? '',
    WAYBILL_SIGNING_CONFIG: stack.signingConfigFile,
    WAYBILL_TRUSTED_ROOT: stack.trustedRootFile,
    WAYBILL_TRANSPARENCY_LOG: '',
  }
  return act(world, variables, { workflow: '.github/workflows/release.yml' })
}

async function status(image: string, path: string): Promise<number> {
  const [host = '', ...repository] = image.split('/')
  return (await fetch(`http://${host}/v2/${repository.join('/')}/${path}`)).status
}

test('two platforms built by jobs of their own become one signed index that everybody accepts', async () => {
  const image = imageOf('whole')
  const run = await flow('whole')
  expect([run.code, run.outcome, run.code === 0 ? '' : run.log]).toEqual([0, 'success', ''])
  expect(run.outputs).toMatchObject({ verdict: 'passed', image: `${image}@${run.outputs.digest}` })
  const platforms = JSON.parse(run.outputs.platforms ?? '[]') as { platform: string }[]
  expect(platforms.map(({ platform }) => platform)).toEqual(PLATFORMS)
  expect(await status(image, 'manifests/v1')).toBe(200)
  const { git, oidc } = world.stack
  const expected = {
    identity: `${git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`,
    issuer: oidc.issuer,
  }
  expect(await verdicts(world, VERIFIERS, run.outputs.image ?? '', expected)).toEqual(
    Object.fromEntries(VERIFIERS.flatMap(name => CLAIMS.map(claim => [`${name} ${claim}`, 0]))),
  )
})

test('a part that is exchanged between the jobs is refused, and nothing is signed or tagged', async () => {
  const part = {
    commit: '0'.repeat(40),
    run: '11997537386',
    platform: 'linux/arm64',
    digest: `sha256:${'a'.repeat(64)}`,
    builder: 'buildx',
    runner: 'github-hosted',
    tools: [],
  }
  commitWorkflow(`echo 'linux-arm64=${JSON.stringify(part)}' >>"$GITHUB_OUTPUT"`)
  await world.publish()
  const run = await flow('tampered')
  expect(run.code).toBe(1)
  expect(run.log).toContain('build/part-differs')
  expect(run.log).toContain('::set-output:: verdict=rejected') // act asks no job of the caller after one that failed
  expect(run.outputs.digest ?? '').toBe('')
  expect(await status(imageOf('tampered'), 'manifests/v1')).toBe(404)
})

test('a commit that prepare rejects is neither built nor signed', async () => {
  const { repository } = world
  repository.commit({ message: 'Slip in', files: { 'hello.txt': 'evil\n' } })
  await world.publish()
  const run = await flow('rejected')
  expect(run.code).toBe(1)
  expect(run.log).toContain('::set-output:: verdict=rejected') // act asks no job of the caller after one that failed
  expect(run.log).toMatch(/(policy|source)\/[a-z-]+/)
  expect(run.log).not.toContain('Run Main ./.waybill/leg')
  expect(run.log).not.toContain('Run Main ./.waybill/sign')
  expect(await status(imageOf('rejected'), 'tags/list')).toBe(404)
})
