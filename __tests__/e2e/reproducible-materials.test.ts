import { jest } from '@jest/globals'
import { codeOf } from './aftermath.ts'
import { type MaterialsBench, openMaterialsBench, signedRule } from './materials-support.ts'
import { statementIn } from './source-support.ts'

// Real builds on a busy machine, each twice.
jest.setTimeout(300_000)

let bench: MaterialsBench
beforeAll(async () => {
  bench = await openMaterialsBench()
  await bench.rules(`base-images:\n${signedRule(bench.scenario)}`)
})
afterAll(() => bench.close())

test('13-adversary 18: the second build takes in what was verified and nothing else, and both claims are signed', async () => {
  await bench.commit({ Dockerfile: `FROM ${bench.base.name}\nRUN ["/bin/busybox", "touch", "/made"]\n` })
  const step = await bench.attest({ reproducible: 'check', tags: 'v1' })
  expect([step.code, codeOf(step), step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  expect(step.result.reproducible).toMatchObject({ state: 'passed' })
  const claims = step.result.attestations
    .flatMap(({ bundle }) => (bundle === undefined ? [] : [statementIn(bundle)]))
    .filter(({ predicateType }) => predicateType.includes('/scai/'))
    .map(({ predicate }) => (predicate as unknown as { attributes: { attribute: string }[] }).attributes)
  expect(claims.map(attributes => attributes.map(({ attribute }) => attribute))).toEqual([
    ['BASE_IMAGE_SIGNATURE_VERIFIED', 'BASE_IMAGES_DECLARED'],
    ['REPRODUCIBLE'],
  ])
})
