import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import { type EmbeddedRegistry, startRegistry } from '../fakes/registry/registry.ts'
import { type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf, keptBundles } from './aftermath.ts'

jest.setTimeout(60_000)

/** One image in three registries: with the referrers API, without it, and of the ECR kind. */
let scenario: Scenario
let others: readonly EmbeddedRegistry[]
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario()
  others = [await startRegistry({ referrers: false }), await startRegistry({ ecr: true })]
  layout = writeLayout(join(scenario.stack.folder, 'layout'), { platforms: ['linux/amd64', 'linux/arm64'] })
})
afterAll(async () => {
  await scenario.close()
  for (const other of others) await other.close()
})
beforeEach(() => {
  cleanGround(scenario)
  for (const other of others) {
    other.storage.repositories.clear()
    other.faults.clear()
  }
})

const images = () => [scenario.image, ...others.map(({ host }) => `${host}/acme/mirror`)]

function attest(): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, images: images().join('\n'), tags: 'v1' })
}

async function gate(image: string, step: StepResult): Promise<readonly unknown[]> {
  const args: string[] = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const named = args.map(arg => arg.replace(scenario.image, image))
  const { code, log } = await scenario.cli(
    [...named, '--trusted-root', scenario.stack.trustedRootFile],
    step.run.environment,
  )
  return [code, log.includes('passed')]
}

test('every registry gets the image with all its referrers, each in its own way', async () => {
  const step = await attest()
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  const [first, second, third] = images()
  for (const { stored, notStored } of step.result.attestations) {
    expect(stored).toEqual([`${first} (referrers)`, `${second} (fallback)`, `${third} (fallback)`])
    expect(notStored).toBeUndefined()
  }
  for (const image of images()) expect([image, ...(await gate(image, step))]).toEqual([image, 0, true])
})

test('one that fails is told with its name, the others have everything, no tag moves, and another run ends it', async () => {
  const [, second] = images()
  others[0]?.faults.add({ method: 'PUT', path: /manifests\/sha256-/, times: Infinity, fault: { status: 400 } })
  const step = await attest()
  expect([step.code, codeOf(step)]).toEqual([2, 'registry/unexpected-answer'])
  expect(step.result.error?.message).toContain(`not published in ${second} (registry/unexpected-answer)`)
  expect(step.result.error?.found).toContain(`published in ${images()[0]}, ${images()[2]}`)
  for (const { stored, notStored } of step.result.attestations) {
    expect(stored).toHaveLength(2)
    expect(notStored).toEqual([`${second} (registry/unexpected-answer)`])
  }
  expect(step.summary).toContain(`not in ${second}`)
  // What is missing somewhere is named as kept, and no command to verify it is printed.
  expect(keptBundles(step)).toHaveLength(2)
  for (const { bundle = '' } of step.result.attestations) expect(step.summary).toContain(bundle)
  expect(step.summary).not.toContain('### Verify it yourself')
  for (const { storage } of [scenario.stack.registry, ...others])
    for (const { tags } of storage.repositories.values()) expect([...tags.keys()]).not.toContain('v1')
  others[0]?.faults.clear()
  const again = await attest()
  expect([again.code, codeOf(again)]).toEqual([0, undefined])
  for (const image of images()) expect([image, ...(await gate(image, again))]).toEqual([image, 0, true])
})

test('one that may not be written to ends the run before anything is signed', async () => {
  others[1]?.faults.add({ method: 'POST', path: /uploads/, times: Infinity, fault: { status: 403 } })
  const step = await attest()
  expect([step.code, codeOf(step)]).toEqual([2, 'registry/unauthorized'])
  expect(step.result.error?.message).toContain(others[1]?.host ?? '')
  expect(step.result.attestations).toEqual([])
})
