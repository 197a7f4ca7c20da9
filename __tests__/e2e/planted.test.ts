import { join } from 'node:path'
import { repositoryOf } from '../fakes/github.ts'
import { writeLayout } from '../fakes/layout.ts'
import { type Scenario, startScenario } from '../fakes/scenario.ts'

const MALLORY = {
  repository: 'mallory/app',
  repository_id: '666',
  repository_owner: 'mallory',
  repository_owner_id: '667',
  sub: 'repo:mallory/app:ref:refs/heads/main',
  workflow_ref: 'mallory/app/.github/workflows/release.yml@refs/heads/main',
  job_workflow_ref: 'mallory/app/.github/workflows/release.yml@refs/heads/main',
}

let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(() => scenario.close())

test('13-adversary 24: an equal attestation that somebody planted is no reason to sign nothing, and no evidence', async () => {
  const { stack } = scenario
  const layout = writeLayout(join(stack.folder, 'layout')).folder
  await stack.git.publish(scenario.repository.folder, MALLORY.repository)
  stack.github.repositories.set(...repositoryOf(stack.oidc.claims(MALLORY)))
  const planted = await scenario.attest({ layout }, { claims: MALLORY })
  expect(planted.code).toBe(0)
  const before = await scenario.cli(['verify', 'image', planted.outputs.image ?? '', ...scenario.expected])
  expect([before.code, before.log]).toEqual([1, expect.stringContaining('verify/identity-mismatch')])

  const issued = stack.fulcio.issued.length
  const own = await scenario.attest({ layout })
  expect([own.code, own.outputs.digest]).toEqual([0, planted.outputs.digest])
  expect(stack.fulcio.issued).toHaveLength(issued + 1)
  const after = await scenario.cli(['verify', 'image', own.outputs.image ?? '', ...scenario.expected])
  expect(after.code).toBe(0)
})
