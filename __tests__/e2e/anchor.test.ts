import { join } from 'node:path'
import { writeLayout } from '../fakes/layout.ts'
import { type Scenario, startScenario } from '../fakes/scenario.ts'

let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(() => scenario.close())

test('a commit below the anchor is refused: an empty range must not read as a passed one', async () => {
  const older = scenario.anchor
  const newer = scenario.repository.head()
  const { folder } = writeLayout(join(scenario.stack.folder, 'layout'))
  const step = await scenario.attest({ layout: folder, since: newer }, { claims: { sha: older } })
  expect([step.code, step.result.error?.code]).toEqual([1, 'source/before-anchor'])
  expect(step.result.verdict).toBe('rejected')
  expect(step.summary).toContain('is older than the anchor')
  expect(scenario.stack.fulcio.issued).toHaveLength(0)
})

test('the anchor itself passes: it is what everything else rests on', async () => {
  const { folder } = writeLayout(join(scenario.stack.folder, 'layout'))
  const head = scenario.repository.head()
  const step = await scenario.attest({ layout: folder, since: head })
  expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'passed'])
})
