import { asWaybillError } from '../../src/core/error.ts'
import { workflowArtifacts } from '../../src/github/workflow-artifacts.ts'
import type { ModelRun } from '../fakes/github-model.ts'
import { GithubWorld, NAME, NUMBER } from './world.ts'

const URI = {
  kind: 'artifact',
  canonical: `artifact://${NAME}/build.yml/core.tgz`,
  repository: NAME,
  workflow: 'build.yml',
  file: 'core.tgz',
} as const
const PROOF = {
  repository: NAME,
  repositoryId: NUMBER,
  signer: `${NAME}/.github/workflows/build.yml@refs/heads/main`,
  sourceRef: ['refs/heads/main'],
  trigger: ['push'],
}
const ZIP = 'https://storage.example/7.zip?sig=secret'

let world: GithubWorld
beforeEach(async () => {
  world = await GithubWorld.start()
})
afterEach(() => world.close())

function run(more: Partial<ModelRun> = {}): ModelRun {
  return { id: 7, workflow: 'build.yml', artifacts: [{ id: 70, name: 'dist', url: ZIP }], ...more }
}

const newest = (proof = PROOF) => workflowArtifacts(world.api()).newest(URI, proof)

async function refusal(proof = PROOF) {
  const error = await newest(proof).then(
    () => undefined,
    (thrown: unknown) => asWaybillError(thrown),
  )
  expect(error).toBeDefined()
  return { code: error?.code, found: error?.found, message: error?.message }
}

test('the archive of the newest successful run, for which the storage gets no token', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  world.repository.runs.push(
    run({ id: 9, created: '2026-05-03T00:00:00Z', conclusion: 'failure' }),
    run({ id: 8, created: '2026-05-02T00:00:00Z', artifacts: [{ id: 80, name: 'dist', url: ZIP, digest }] }),
    run({ id: 7, created: '2026-05-01T00:00:00Z' }),
  )
  expect(await newest()).toEqual({ run: `https://github.com/${NAME}/actions/runs/8`, url: ZIP, inside: true, digest })
  world.github.expectNothingUnexpected()
})

test('of several refs the newest run of all', async () => {
  world.repository.runs.push(
    run({ id: 7, branch: 'next', created: '2026-05-02T00:00:00Z' }),
    run({ id: 8, created: '2026-05-01T00:00:00Z' }),
  )
  const proof = { ...PROOF, sourceRef: ['refs/heads/main', 'refs/heads/next'] }
  expect((await newest(proof)).run).toContain('/runs/7')
})

test.each<[string, Partial<ModelRun>, string]>([
  ['of another workflow', { path: '.github/workflows/evil.yml' }, 'a run of .github/workflows/evil.yml'],
  ['of a workflow of that name elsewhere', { path: 'build.yml' }, 'a run of build.yml'],
  ['for a pull request', { event: 'pull_request' }, 'a run for pull_request'],
  ['for a pull request with rights', { event: 'pull_request_target' }, 'a run for pull_request_target'],
  ['started by hand', { event: 'workflow_dispatch' }, 'a run for workflow_dispatch'],
  ['of a fork', { headRepository: { id: 99, full_name: 'mallory/app' } }, 'a run with the commits of a fork'],
  ['on another branch', { branch: 'evil' }, 'a run on evil'],
  ['that failed', { conclusion: 'failure' }, 'a run that ended with failure'],
  ['that is not over', { status: 'in_progress' }, 'a run that ended with success'],
])('13-adversary 20: a run %s does not count, even where the API lists it', async (_what, more, found) => {
  world.repository.runs.push(run({ ...more, smuggled: true }))
  expect(await refusal()).toMatchObject({ code: 'materials/artifact-unavailable', found })
})

test('13-adversary 20: a repository that was made anew under the name is another', async () => {
  world.repository.runs.push(run())
  expect(await refusal({ ...PROOF, repositoryId: 1 })).toMatchObject({
    code: 'materials/artifact-unavailable',
    found: 'a run of another repository of that name',
  })
})

test('no run at all is not known, and neither is what the platform deleted', async () => {
  expect(await refusal()).toMatchObject({ code: 'materials/artifact-unavailable', found: 'no such run' })
  world.repository.runs.push(run({ artifacts: [] }))
  expect((await refusal()).found).toContain('none in https://github.com/acme/app/actions/runs/7')
  world.repository.runs[0] = run({ artifacts: [{ id: 70, name: 'dist', url: ZIP, expired: true }] })
  expect((await refusal()).found).toContain('deleted by its age')
  world.repository.runs[0] = run({ artifacts: [{ id: 70, name: 'dist', gone: true }] })
  expect(await refusal()).toMatchObject({ code: 'materials/artifact-unavailable' })
  world.github.expectNothingUnexpected()
})

test('of several artifacts the one that is called as the file, with or without what stands behind its dot', async () => {
  const artifact = (id: number, name: string) => ({ id, name, url: `https://storage.example/${id}` })
  const kept = (...names: string[]) => run({ artifacts: names.map((name, at) => artifact(at + 1, name)) })
  world.repository.runs.push(kept('logs', 'core.tgz', 'core'))
  expect((await newest()).url).toBe('https://storage.example/2')
  world.repository.runs[0] = kept('logs', 'core')
  expect((await newest()).url).toBe('https://storage.example/2')
  world.repository.runs[0] = kept('logs', 'dist')
  expect(await refusal()).toMatchObject({ code: 'materials/artifact-ambiguous', found: 'logs, dist' })
  world.repository.runs[0] = kept('core', 'core')
  expect((await refusal()).code).toBe('materials/artifact-ambiguous')
})

test('13-adversary 5: what the token may not see is not known', async () => {
  world.repository.runs.push(run())
  world.model.permissions.delete('actions')
  expect((await refusal()).code).toBe('github/api-permission')
})

test('a redirect is an answer only as 302, and nothing else is one', async () => {
  world.repository.runs.push(run())
  const path = `/repos/${NAME}/actions/artifacts/70/zip`
  for (const status of [200, 404, 500]) {
    world.github.on('GET', path, { status, body: {} })
    expect((await refusal()).code).toMatch(/^github\/api-/)
  }
  world.github.on('GET', path, { status: 301, headers: { location: 'https://evil.example/x' }, body: {} })
  expect((await refusal()).code).toBe('github/api-refused')
})
