import { jest } from '@jest/globals'
import { cleanGround, codeOf, expectNoSecret } from './aftermath.ts'
import { attachedAnywhere, attachedTo, attestKilled, costOf, forgetRequests, requestsMade } from './kill-support.ts'
import { type MaterialsBench, openMaterialsBench, signedRule } from './materials-support.ts'

// Some dozen real builds on a busy machine.
jest.setTimeout(3_600_000)

const ALL = process.env.WAYBILL_KILL_MATRIX === 'all'
const STEP = ALL ? 1 : 15
/** Signature, provenance, claims about materials, two about the source. */
const STATEMENTS = 5
const INPUTS = { builder: 'buildah', tags: 'v1' }

let bench: MaterialsBench

beforeAll(async () => {
  bench = await openMaterialsBench()
  await bench.rules(`base-images:\n${signedRule(bench.scenario)}`)
  await bench.commit({ Dockerfile: `FROM ${bench.base.name}\nLABEL made=here\n` })
})
afterAll(() => bench.close())

const attempt = (n: number) => ({ claims: { run_attempt: String(n) } })

/** The base image stays: it is what others made. */
function cleanImage(): void {
  const { repositories } = bench.scenario.stack.registry.storage
  const base = repositories.get('acme/base')
  cleanGround(bench.scenario)
  if (base !== undefined) repositories.set('acme/base', base)
}

async function endState(digest: string) {
  const { tags } = bench.scenario.stack.registry.storage.open('acme/app')
  const attached = await attachedTo(bench.scenario, digest)
  return { v1: tags.get('v1'), statements: [...attached].map(([type, bundles]) => [type, bundles.length]) }
}

test('13-adversary 15: killed before any of its requests, a build with claims about materials ends as if nothing had been', async () => {
  const { scenario } = bench
  let digest = ''
  for (let warm = 0; warm < 2; warm++) {
    cleanImage()
    const step = await scenario.attest(INPUTS, attempt(1))
    expect([step.code, codeOf(step)]).toEqual([0, undefined])
    digest = step.outputs.digest ?? ''
  }
  const size = requestsMade(scenario)
  const undisturbed = await endState(digest)
  expect(undisturbed.statements.map(([, count]) => count)).toEqual(Array(STATEMENTS).fill(1))
  let kills = 0
  for (let n = 1; ; n += STEP) {
    cleanImage()
    const killed = await attestKilled(scenario, ({ count }) => count >= n, INPUTS, attempt(1))
    if (killed.before === undefined) break
    kills++
    const where = `request ${n}, ${killed.before}`
    expect([where, killed.step.code]).toEqual([where, -1])
    const there = (await attachedAnywhere(scenario)).size
    forgetRequests(scenario)
    const next = await scenario.attest(INPUTS, attempt(2))
    expectNoSecret(next)
    expect([where, next.code, codeOf(next)]).toEqual([where, 0, undefined])
    expect([where, await endState(digest)]).toEqual([where, undisturbed])
    const left = STATEMENTS - there
    expect([where, costOf(scenario)]).toEqual([
      where,
      { certificates: left === 0 ? 0 : 1, entries: left, timestamps: left },
    ])
  }
  expect(Math.abs(kills - Math.ceil(size / STEP))).toBeLessThanOrEqual(1)
  process.stdout.write(
    `Kill matrix, a build with claims about materials: ${kills} kills of ${size} requests (every ${STEP}.), all resumed to the end state of an undisturbed run.\n`,
  )
})
