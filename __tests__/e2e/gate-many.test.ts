import { jest } from '@jest/globals'
import { type GateBench, openGateBench } from './gate-support.ts'

jest.setTimeout(180_000)

const IMAGES = 300

let bench: GateBench
let references: readonly string[]

beforeAll(async () => {
  bench = await openGateBench()
  const { scenario, here } = bench
  const made: string[] = []
  for (let n = 0; n < IMAGES; n++) {
    const digest = await bench.image(`many ${n}`)
    await here.attach(digest, await here.signature(digest))
    made.push(`${scenario.image}@${digest}`)
  }
  references = made
})

afterAll(() => bench.close())

test('13-adversary 43: 300 images in one call, each asked about a few times, over a few connections', async () => {
  const { log } = bench.scenario.stack.registry
  const before = log.length
  const { code, receipt } = await bench.verify(references)
  expect([code, receipt.subjects.length, receipt.verdict]).toEqual([0, IMAGES, 'passed'])
  const asked = log.slice(before)
  // The manifest, the list, the list's older form, the bundle's manifest, the bundle.
  expect(asked.length).toBeLessThanOrEqual(5 * IMAGES)
  expect(new Set(asked.map(({ connection }) => connection)).size).toBeLessThanOrEqual(32)
})

test('an image that is named a hundred times is asked about once, and one bad one among many decides', async () => {
  const { scenario } = bench
  const [first = ''] = references
  const before = scenario.stack.registry.log.length
  const bad = `${scenario.image}@${await bench.image('bad among many')}`
  const pushed = scenario.stack.registry.log.length
  const { code, receipt } = await bench.verify([...Array(100).fill(first), bad])
  expect(before).toBeLessThan(pushed)
  expect(scenario.stack.registry.log.length - pushed).toBeLessThanOrEqual(16)
  expect([code, receipt.subjects.map(({ verdict }) => verdict)]).toEqual([1, ['passed', 'rejected']])
})
