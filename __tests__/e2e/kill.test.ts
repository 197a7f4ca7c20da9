import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RegistryOptions } from '../fakes/registry/registry.ts'
import { type Scenario, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf, expectNoSecret } from './aftermath.ts'
import { attachedTo, attestKilled, costOf, forgetRequests, layersOfTags, requestsMade } from './kill-support.ts'

// Some hundred runs of the action.
jest.setTimeout(1_800_000)

/** `WAYBILL_KILL_MATRIX=all` kills before every request of every row; else rows with a step leave some out. */
const ALL = process.env.WAYBILL_KILL_MATRIX === 'all'

const registry: { -readonly [K in keyof RegistryOptions]: RegistryOptions[K] } = {}
let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario({ registry })
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

const attempt = (n: number, env: Record<string, string> = {}) => ({ claims: { run_attempt: String(n) }, env })

/** What somebody finds who looks at the registry, without the digests of signatures, which no two runs share. */
async function endState() {
  const { tags } = scenario.stack.registry.storage.open('acme/app')
  const attached = await attachedTo(scenario, layout.digest)
  return {
    tags: [...tags.keys()].sort(),
    v1: tags.get('v1'),
    statements: [...attached].map(([type, bundles]) => [type, bundles.length]),
    forTags: layersOfTags(scenario),
  }
}

interface Row {
  readonly kind: string
  readonly options: RegistryOptions
  /** Each so many requests the run is killed once. */
  readonly step: number
  /** The next attempt finds the folder of the killed one, as a downloaded artifact brings it back. */
  readonly keepsState: boolean
  readonly legacy?: boolean
}

const ROWS: readonly Row[] = [
  { kind: 'referrers API, a fresh machine', options: {}, step: 1, keepsState: false },
  { kind: 'fallback tag, a fresh machine', options: { referrers: false }, step: 3, keepsState: false },
  { kind: 'referrers API, the state brought back', options: {}, step: 5, keepsState: true },
  { kind: 'with tags for cosign 2, a fresh machine', options: {}, step: 6, keepsState: false, legacy: true },
  { kind: 'with tags for cosign 2, the state brought back', options: {}, step: 7, keepsState: true, legacy: true },
]

/** One run killed before its n-th request, and the next attempt. @returns false when there was no n-th request. */
async function killAndResume(
  n: number,
  { keepsState, legacy = false }: Row,
  undisturbed: unknown,
): Promise<number | undefined> {
  const inputs = inputsOf(legacy)
  const killed = await attestKilled(scenario, ({ count }) => count >= n, inputs, attempt(1))
  if (killed.before === undefined) return undefined
  const where = `request ${n}, ${killed.before}`
  expect([where, killed.step.code]).toEqual([where, -1])
  const before = await attachedTo(scenario, layout.digest)
  const logged = costOf(scenario).entries
  const bundles = keepsState ? await leftOnDisk(killed.step.run.folder) : 0
  const there = keepsState ? Math.max(bundles, before.size) : before.size
  const left = keepsState ? await leftOnDisk(killed.step.run.folder, 'legacy') : 0
  const forTags = Math.max(left, layersOfTags(scenario).sig?.[0] ?? 0)
  const entries = 2 - there + (legacy ? 1 - forTags : 0)
  forgetRequests(scenario)
  const env = keepsState ? { RUNNER_TEMP: join(killed.step.run.folder, 'temp') } : {}
  const next = await scenario.attest(inputs, attempt(2, env))
  expectNoSecret(next)
  const cost = costOf(scenario)
  expect([where, next.code, codeOf(next)]).toEqual([where, 0, undefined])
  expect([where, await endState()]).toEqual([where, undisturbed])
  // Nothing is signed twice that was found, and for nothing nobody is asked for a certificate.
  expect([where, cost]).toEqual([where, { certificates: entries === 0 ? 0 : 1, entries, timestamps: 2 - there }])
  expect([where, next.summary]).toEqual([
    where,
    expect.stringContaining(`resumed: ${there} of 2 statements were there`),
  ])
  const after = await attachedTo(scenario, layout.digest)
  for (const [type, digests] of before) expect([where, after.get(type)]).toEqual([where, digests])
  return logged + cost.entries
}

const inputsOf = (legacy: boolean) => ({
  layout: layout.folder,
  tags: 'v1',
  ...(legacy ? { 'legacy-signatures': 'true' } : {}),
})

async function leftOnDisk(folder: string, below = ''): Promise<number> {
  const names = await readdir(join(folder, 'temp', 'waybill', 'acme-app', 'bundles', below)).catch(() => [])
  return names.filter(name => name.endsWith('.sigstore.json')).length
}

test.each(ROWS)(
  '13-adversary 15: killed before any of its requests, the next attempt ends as if nothing had been: $kind',
  async row => {
    Object.assign(registry, { referrers: true }, row.options)
    // The certificate authority asks the issuer for its keys once.
    for (let warm = 0; warm < 2; warm++) {
      cleanGround(scenario)
      await scenario.attest(inputsOf(row.legacy === true), attempt(1))
    }
    const size = requestsMade(scenario)
    const undisturbed = await endState()
    expect(undisturbed).toMatchObject({
      v1: layout.digest,
      statements: [
        [expect.any(String), 1],
        [expect.any(String), 1],
      ],
    })
    const step = ALL ? 1 : row.step
    let kills = 0
    let loggedTwice = 0
    for (let n = 1; ; n += step) {
      cleanGround(scenario)
      const entries = await killAndResume(n, row, undisturbed)
      if (entries === undefined) break
      kills++
      // A killed request may have been logged: of each statement at most one entry more than is attached.
      const signed = row.legacy === true ? 3 : 2
      expect(entries).toBeLessThanOrEqual(2 * signed)
      loggedTwice += entries - signed
    }
    // Requests that travel side by side may be one more or less.
    expect(Math.abs(kills - Math.ceil(size / step))).toBeLessThanOrEqual(1)
    process.stdout.write(
      `Kill matrix, ${row.kind}: ${kills} kills of ${size} requests (every ${step}.), all resumed to the end state of an undisturbed run; ${loggedTwice} entries logged for statements that were lost.\n`,
    )
  },
)
