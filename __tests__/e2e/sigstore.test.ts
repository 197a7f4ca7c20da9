import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, keptBundles } from './aftermath.ts'

jest.setTimeout(30_000)

let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario()
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
}

function outcomeOf(step: StepResult): readonly unknown[] {
  expectNoSecret(step)
  return [step.code, codeOf(step)]
}

/** The image is there, for it was pushed before; nothing says anything about it, and no tag leads to it. */
function expectUnsigned(step: StepResult): void {
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 1 })
  expect(step.outputs.tags).toBe('')
  expect(step.summary).not.toContain('### Verify it yourself')
}

async function expectPublished(step: StepResult, at: Scenario = scenario): Promise<void> {
  expect(outcomeOf(step)).toEqual([0, undefined])
  expect(heldBy(at)).toMatchObject({ tags: ['v1'], referrers: { length: 2 } })
  const args = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const gate = await at.cli([...args, '--trusted-root', at.stack.trustedRootFile])
  expect([gate.code, gate.log]).toEqual([0, expect.stringContaining('passed')])
}

type ServiceName = 'fulcio' | 'rekorV1' | 'timestamp'

describe('a service of the signing', () => {
  test.each<[ServiceName, string, string]>([
    ['fulcio', 'sigstore/certificate-unavailable', 'certificate authority'],
    ['rekorV1', 'sigstore/log-unavailable', 'transparency log'],
    ['timestamp', 'sigstore/timestamp-unavailable', 'timestamp authority'],
  ])('%s that answers nobody: not checked, nothing attached, nothing tagged', async (name, code, what) => {
    scenario.stack[name].faults.add({ method: 'POST', times: Infinity, fault: 'cut' })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, code])
    expect(step.summary).toContain(what)
    expect(step.summary).toContain('signature: unknown')
    expect(step.summary).toContain('Run again')
    expectUnsigned(step)
  })

  test.each<[ServiceName, string]>([
    ['fulcio', 'sigstore/certificate-answer-malformed'],
    ['rekorV1', 'sigstore/log-answer-malformed'],
    ['timestamp', 'sigstore/timestamp-answer-malformed'],
  ])('%s that talks nonsense: not checked, with the setting to look at', async (name, code) => {
    const fault = { status: 201, body: '<html>Welcome to the hotel network</html>' }
    scenario.stack[name].faults.add({ method: 'POST', times: Infinity, fault })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, code])
    expect(step.summary).toContain('signing-config')
    expectUnsigned(step)
  })

  test('of which each stumbles once: signed with one certificate, once', async () => {
    for (const name of ['fulcio', 'rekorV1', 'timestamp'] as const)
      scenario.stack[name].faults.add({ method: 'POST', fault: { status: 503 } })
    const logged = scenario.stack.rekorV1.entries.length
    await expectPublished(await attest())
    expect(certificateRequests(scenario)).toBe(2)
    expect(scenario.stack.rekorV1.entries.length - logged).toBe(2)
  })

  test('the log whose answer was lost says that it has the entry: it is fetched, not written twice', async () => {
    scenario.stack.rekorV1.faults.add({ method: 'POST', fault: 'cut-after' })
    const logged = scenario.stack.rekorV1.entries.length
    await expectPublished(await attest())
    expect(scenario.stack.rekorV1.requests()).toContainEqual(expect.stringContaining('→ 409'))
    expect(scenario.stack.rekorV1.entries.length - logged).toBe(2)
  })

  test.each(['fulcio', 'timestamp', 'rekorV1'] as const)(
    '%s an hour ahead: the clocks differ, and that is said',
    async name => {
      scenario.stack[name].clockOffsetMs = 3600_000
      try {
        const step = await attest()
        expect(outcomeOf(step)).toEqual([2, 'sigstore/clock-skew'])
        expect(step.summary).toContain('Set the clock of this machine')
        expectUnsigned(step)
      } finally {
        scenario.stack[name].clockOffsetMs = 0
      }
    },
  )

  test('a certificate that speaks of another repository is not used, whoever issued it', async () => {
    const { fulcio } = scenario.stack
    const right = fulcio.platform
    fulcio.platform = `${right}/elsewhere`
    try {
      const step = await attest()
      expect(outcomeOf(step)).toEqual([1, 'sigstore/certificate-mismatch'])
      expect(step.summary).toContain(`${right}/elsewhere/acme/app`)
      expect(scenario.stack.rekorV1.log).toEqual([])
      expectUnsigned(step)
    } finally {
      fulcio.platform = right
    }
  })
})

describe('an identity token', () => {
  test.each<[string, RunOptions, string, number]>([
    ['of another repository', { tokenClaims: { repository: 'mallory/app' } }, 'github/token-mismatch', 1],
    ['of another commit', { tokenClaims: { sha: 'a'.repeat(40) } }, 'github/token-mismatch', 1],
    ['for another audience', { tokenClaims: { aud: 'sts.example.com' } }, 'github/token-invalid', 1],
    ['that ended an hour ago', { tokenClaims: { exp: 1_700_000_000 } }, 'github/token-invalid', 1],
    ['of another issuer', { tokenClaims: { iss: 'https://token.example.com' } }, 'github/token-invalid', 1],
  ])('%s is refused before anything is pushed or signed', async (_what, run, code, exit) => {
    const step = await attest({}, run)
    expect(outcomeOf(step)).toEqual([exit, code])
    expect(step.summary).toContain('preflight: rejected')
    expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
    expect(certificateRequests(scenario)).toBe(0)
  })

  test('whose service or whose keys cannot be reached decides nothing', async () => {
    for (const [path, code] of [
      [/idtoken/, 'github/token-refused'],
      [/jwks/, 'github/keys-unreachable'],
    ] as const) {
      cleanGround(scenario)
      scenario.stack.oidc.faults.add({ path, times: Infinity, fault: { status: 403 } })
      const step = await attest()
      expect(outcomeOf(step)).toEqual([2, code])
      expect(heldBy(scenario).manifests).toBe(0)
      expect(certificateRequests(scenario)).toBe(0)
    }
  })
})

describe('a log of the second generation', () => {
  let other: Scenario
  beforeAll(async () => {
    other = await startScenario({ rekor: 'v2' })
  })
  afterAll(() => other.close())
  beforeEach(() => cleanGround(other))

  test('signs, publishes and verifies; the first generation hears nothing', async () => {
    const step = await other.attest({ layout: layout.folder, tags: 'v1' })
    await expectPublished(step, other)
    expect(keptBundles(step)).toHaveLength(2)
    expect(step.result.attestations.map(({ log }) => log?.url)).toEqual([
      other.stack.rekorV2.url,
      other.stack.rekorV2.url,
    ])
    expect(other.stack.rekorV1.log).toEqual([])
  })

  test('whose answer was lost is given a new signature, and that is what is published', async () => {
    other.stack.rekorV2.faults.add({ method: 'POST', fault: 'cut-after' })
    await expectPublished(await other.attest({ layout: layout.folder, tags: 'v1' }), other)
    expect(certificateRequests(other)).toBe(1)
  })

  test('without a timestamp authority has no time to offer, so nothing is signed', async () => {
    other.stack.timestamp.faults.add({ method: 'POST', times: Infinity, fault: { status: 400 } })
    const step = await other.attest({ layout: layout.folder, tags: 'v1' })
    expect(outcomeOf(step)).toEqual([2, 'sigstore/timestamp-unavailable'])
    expect(heldBy(other)).toMatchObject({ tags: [], referrers: [] })
  })
})
