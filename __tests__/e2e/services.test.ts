import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { CtLog } from '../fakes/ct-log.ts'
import { p256 } from '../fakes/keys.ts'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import { type MoreServices, startMoreServices } from '../fakes/more-services.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import type { Service } from '../fakes/service.ts'
import { listedService } from '../fakes/trusted-root.ts'
import {
  certificateRequests,
  cleanGround,
  codeOf,
  expectNoSecret,
  heldBy,
  keptBundles,
  logEntries,
} from './aftermath.ts'

jest.setTimeout(60_000)

let scenario: Scenario
let layout: WrittenLayout
let more: MoreServices

beforeAll(async () => {
  scenario = await startScenario()
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
  more = await startMoreServices(scenario.stack)
})
afterAll(async () => {
  await more.close()
  await scenario.close()
})
beforeEach(() => {
  cleanGround(scenario)
  for (const service of everyService()) {
    service.faults.clear()
    service.rewrite = undefined
    service.log.length = 0
  }
})

function everyService(): readonly Service[] {
  const { fulcio, rekorV1, rekorV2, timestamp } = scenario.stack
  return [fulcio, rekorV1, rekorV2, timestamp, more.rekorV1, more.rekorV2, more.timestamp]
}

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
}

function outcomeOf(step: StepResult): readonly unknown[] {
  expectNoSecret(step)
  return [step.code, codeOf(step)]
}

/** Nothing says anything about the image, and no tag leads to it. */
function expectUnpublished(step: StepResult): void {
  expect(heldBy(scenario)).toMatchObject({ tags: [], referrers: [] })
  expect(step.outputs.tags).toBe('')
  expect(step.summary).not.toContain('### Verify it yourself')
}

async function expectPublished(step: StepResult, trustedRoot = scenario.stack.trustedRootFile): Promise<void> {
  expect(outcomeOf(step)).toEqual([0, undefined])
  const args = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const gate = await scenario.cli([...args, '--trusted-root', trustedRoot])
  expect([gate.code, gate.log]).toEqual([0, expect.stringContaining('passed')])
}

interface KeptBundle {
  readonly verificationMaterial: {
    readonly certificate: { readonly rawBytes: string }
    readonly tlogEntries: readonly object[]
    readonly timestampVerificationData: { readonly rfc3161Timestamps: readonly object[] }
  }
}
const bundlesOf = (step: StepResult) => keptBundles(step) as readonly KeptBundle[]
const materialOf = (step: StepResult) => bundlesOf(step).map(bundle => bundle.verificationMaterial)

describe('a service that answers, and not honestly', () => {
  test('a certificate that no certificate log promised: nothing is signed with it', async () => {
    scenario.stack.fulcio.promises = false
    const step = await attest()
    scenario.stack.fulcio.promises = true
    expect(outcomeOf(step)).toEqual([2, 'sigstore/service-not-trusted'])
    expect(step.summary).toContain('SCT')
    expect(step.summary).toContain('trusted-root')
    expect(logEntries(scenario)).toBe(0)
    expectUnpublished(step)
  })

  test.each<[string, (real: CtLog) => Promise<Pick<CtLog, 'keys' | 'logId' | 'logPrecertificate'>>]>([
    ['of a certificate log that nobody knows', async () => new CtLog(await p256())],
    [
      'for another certificate',
      async real => ({
        keys: real.keys,
        logId: real.logId,
        logPrecertificate: (tbs, key, when) =>
          real.logPrecertificate(Buffer.concat([tbs, Buffer.from([0])]), key, when),
      }),
    ],
  ])('a certificate with a promise %s: nothing is signed with it', async (_, change) => {
    const { fulcio } = scenario.stack
    const real = fulcio.ctLog
    fulcio.ctLog = await change(real as CtLog)
    const step = await attest()
    fulcio.ctLog = real
    expect(outcomeOf(step)).toEqual([2, 'sigstore/service-not-trusted'])
    expect(logEntries(scenario)).toBe(0)
    expectUnpublished(step)
  })

  test('a proof of inclusion that leads nowhere: kept from everybody', async () => {
    scenario.stack.rekorV1.rewrite = answer => {
      const text = JSON.stringify(answer.body).replace(/"rootHash":"[0-9a-f]{8}/, '"rootHash":"00000000')
      return { ...answer, body: Buffer.from(text) }
    }
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'sigstore/service-not-trusted'])
    expect(step.summary).toContain('transparency log')
    expectUnpublished(step)
  })

  test('a timestamp two minutes before the certificate: not used, and said with both times', async () => {
    scenario.stack.timestamp.clockOffsetMs = -2 * 60_000
    const step = await attest()
    scenario.stack.timestamp.clockOffsetMs = 0
    expect(outcomeOf(step)).toEqual([2, 'sigstore/timestamp-answer-malformed'])
    expect(step.summary).toContain('the certificate is valid from')
    expectUnpublished(step)
  })

  test('a timestamp of an authority that the trusted root does not name', async () => {
    const config = await more.configFile({ tsaUrls: [listedService(more.timestamp.endpoint)] })
    const step = await attest({ 'signing-config': config })
    expect(outcomeOf(step)).toEqual([2, 'sigstore/service-not-trusted'])
    expect(step.summary).toContain(more.timestamp.url)
    expectUnpublished(step)
  })

  test.each(['fulcio', 'rekorV1', 'timestamp'] as const)('%s that answers more than any answer can be', async name => {
    const fault = { status: 200, body: Buffer.alloc(3 * 1024 * 1024, 0x20) }
    scenario.stack[name].faults.add({ method: 'POST', times: Infinity, fault })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, expect.stringMatching(/^sigstore\/.*-answer-malformed$/)])
    expectUnpublished(step)
  })
})

describe('a service that has no time', () => {
  test('a storm of 429 that names its end is waited for', async () => {
    const fault = { status: 429, headers: { 'retry-after': '1' } }
    for (const name of ['fulcio', 'rekorV1', 'timestamp'] as const)
      scenario.stack[name].faults.add({ method: 'POST', times: 2, fault })
    await expectPublished(await attest())
  })

  test('one that asks for more than the budget ends the run; what was signed by then is kept', async () => {
    const fault = { status: 429, headers: { 'retry-after': '86400' } }
    scenario.stack.rekorV1.faults.add({ method: 'POST', after: 1, times: Infinity, fault })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'sigstore/log-unavailable'])
    expect(step.summary).toContain('429')
    expect(keptFiles(step)).toHaveLength(1)
    expectUnpublished(step)
  })
})

/** Bundles in the run's folder, whether the result names them or not. */
function keptFiles({ run }: StepResult): readonly string[] {
  const folder = join(run.environment.RUNNER_TEMP ?? '', 'waybill')
  const all = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  const bundles = all.filter(path => path.endsWith('.sigstore.json'))
  for (const path of bundles) JSON.parse(readFileSync(join(folder, path), 'utf8'))
  return bundles
}

describe('several services in one signing config', () => {
  const logs = () => ({
    v1: listedService(scenario.stack.rekorV1.url, { operator: 'a' }),
    v2: listedService(scenario.stack.rekorV2.url, { operator: 'b', majorApiVersion: 2 }),
    otherV2: listedService(more.rekorV2.url, { operator: 'c', majorApiVersion: 2 }),
  })
  const using = async (rekorTlogUrls: readonly object[], selector: object, own: object = {}): Promise<Inputs> => ({
    'signing-config': await more.configFile({ rekorTlogUrls, rekorTlogConfig: selector, ...own }),
    'trusted-root': more.trustedRootFile,
  })

  test('ALL: every statement stands in logs of both generations', async () => {
    const { v1, v2 } = logs()
    const step = await attest(await using([v1, v2], { selector: 'ALL' }))
    await expectPublished(step, more.trustedRootFile)
    expect(materialOf(step).map(({ tlogEntries }) => tlogEntries.length)).toEqual([2, 2])
  })

  test('ALL with one of them down: not checked, nothing published', async () => {
    const { v1, otherV2 } = logs()
    more.rekorV2.faults.add({ method: 'POST', times: Infinity, fault: { status: 400 } })
    const step = await attest(await using([v1, otherV2], { selector: 'ALL' }))
    expect(outcomeOf(step)).toEqual([2, 'sigstore/log-unavailable'])
    expect(step.summary).toContain(more.rekorV2.url)
    expectUnpublished(step)
  })

  test('ANY with the first one down: the other operator’s is used', async () => {
    const { v1, v2 } = logs()
    scenario.stack.rekorV2.faults.add({ method: 'POST', times: Infinity, fault: { status: 400 } })
    const step = await attest(await using([v2, v1], { selector: 'ANY' }))
    await expectPublished(step, more.trustedRootFile)
    expect(step.result.attestations.map(({ log }) => log?.url)).toEqual(Array(2).fill(scenario.stack.rekorV1.url))
  })

  test('EXACT 2 of three, of which one lies: the two others', async () => {
    const { v1, v2, otherV2 } = logs()
    scenario.stack.rekorV2.rewrite = answer => {
      const text = JSON.stringify(answer.body).replace(/"treeSize":"\d+"/, '"treeSize":"4711"')
      return { ...answer, body: Buffer.from(text) }
    }
    const step = await attest(await using([v2, otherV2, v1], { selector: 'EXACT', count: 2 }))
    await expectPublished(step, more.trustedRootFile)
    expect(materialOf(step).map(({ tlogEntries }) => tlogEntries.length)).toEqual([2, 2])
    expect(more.rekorV2.log.length).toBeGreaterThan(0)
  })

  test('two timestamp authorities by ALL: two timestamps', async () => {
    const tsaUrls = [scenario.stack.timestamp, more.timestamp].map(({ endpoint }, n) =>
      listedService(endpoint, { operator: `t${n}` }),
    )
    const step = await attest(
      await using([logs().v1], { selector: 'ANY' }, { tsaUrls, tsaConfig: { selector: 'ALL' } }),
    )
    await expectPublished(step, more.trustedRootFile)
    const counts = materialOf(step).map(({ timestampVerificationData: data }) => data.rfc3161Timestamps.length)
    expect(counts).toEqual([2, 2])
  })

  test.each<[string, () => readonly object[], object, string]>([
    ['a log without a time and no timestamp authority', () => [logs().v2], { tsaUrls: [], tsaConfig: {} }, 'tsaUrls'],
    [
      'logs that are all of next year',
      () => [listedService(scenario.stack.rekorV1.url, { validFor: { start: '2999-01-01T00:00:00Z' } })],
      {},
      'rekorTlogUrls',
    ],
    [
      'logs of a version that nobody speaks',
      () => [listedService('https://x', { majorApiVersion: 3 })],
      {},
      'version 3',
    ],
  ])('%s: a configuration error, before anything is asked', async (_, listed, own, told) => {
    const step = await attest(await using(listed(), { selector: 'ANY' }, own))
    expect(outcomeOf(step)).toEqual([3, 'sigstore/no-service'])
    expect(step.summary).toContain(told)
    expect([certificateRequests(scenario), heldBy(scenario).manifests]).toEqual([0, 0])
  })
})

describe('13-adversary 23: services of one’s own', () => {
  const PUBLIC = { fulcio: 'https://fulcio.sigstore.dev', rekor: 'https://rekor.sigstore.dev' }
  const closed = { claims: { repository_visibility: 'private' } }

  test.each<[string, string, object]>([
    ['none with the public certificate authority', 'none', { caUrls: [listedService(PUBLIC.fulcio)] }],
    ['own with the public certificate authority', 'own', { caUrls: [listedService(PUBLIC.fulcio)] }],
    ['own with the public log', 'own', { rekorTlogUrls: [listedService(PUBLIC.rekor)] }],
    [
      'own with the public log as a spare',
      'own',
      {
        rekorTlogUrls: [
          listedService('http://127.0.0.1:9', { operator: 'own' }),
          listedService(PUBLIC.rekor, { operator: 'public' }),
        ],
      },
    ],
  ])('%s is refused before a certificate is asked for', async (_, choice, change) => {
    const inputs = { 'transparency-log': choice, 'signing-config': await more.configFile(change) }
    const step = await attest(inputs, closed)
    expect(outcomeOf(step)).toEqual([3, 'sigstore/private-repository'])
    expect(step.summary).toContain('sigstore.dev')
    expect([certificateRequests(scenario), logEntries(scenario), heldBy(scenario).manifests]).toEqual([0, 0, 0])
  })

  /** The way out of this machine, which leads nowhere and counts who tries it. */
  async function wayOut() {
    let tries = 0
    const server = createServer(socket => {
      tries++
      socket.destroy()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = Object.fromEntries(
      ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].map(name => [name, url] as const),
    )
    return {
      env: { ...env, NO_PROXY: '127.0.0.1,localhost', no_proxy: '127.0.0.1,localhost' },
      tries: () => tries,
      close: () => new Promise(resolve => server.close(resolve)),
    }
  }

  test('by two files, and nobody outside is asked: no TUF, no public instance', async () => {
    const outside = await wayOut()
    const step = await attest({ 'transparency-log': 'own' }, { ...closed, env: outside.env })
    const tries = outside.tries()
    await outside.close()
    await expectPublished(step)
    expect(tries).toBe(0)
  })

  test('without the two files TUF is asked; cut off from it, the run ends before anything happens', async () => {
    const outside = await wayOut()
    const step = await attest({ 'signing-config': undefined, 'trusted-root': undefined }, { env: outside.env })
    const tries = outside.tries()
    await outside.close()
    expect(outcomeOf(step)).toEqual([2, 'sigstore/trust-unavailable'])
    expect(tries).toBeGreaterThan(0)
    expect([certificateRequests(scenario), logEntries(scenario), heldBy(scenario).manifests]).toEqual([0, 0, 0])
  })

  test('without a certificate log: accepted by the run and by the gate alike, for a root that names none', async () => {
    const root = join(scenario.stack.folder, 'root-without-certificate-log.json')
    writeFileSync(root, JSON.stringify({ ...scenario.stack.trustedRoot, ctlogs: [] }))
    scenario.stack.fulcio.promises = false
    const step = await attest({ 'trusted-root': root })
    scenario.stack.fulcio.promises = true
    await expectPublished(step, root)
  })
})

describe('a run that outlives what it was given', () => {
  test('tokens and certificates that end within the minute are asked for again, for the same signer', async () => {
    const { fulcio, oidc } = scenario.stack
    const before = { lifetime: fulcio.lifetimeMs, token: oidc.lifetimeSeconds }
    fulcio.lifetimeMs = 90_000
    oidc.lifetimeSeconds = 30
    try {
      const step = await attest()
      await expectPublished(step)
      const certificates = new Set(materialOf(step).map(({ certificate }) => certificate.rawBytes))
      expect(certificateRequests(scenario)).toBeGreaterThan(1)
      expect(certificates.size).toBeGreaterThan(0)
      expect(oidc.log.filter(({ path }) => path.includes('idtoken')).length).toBeGreaterThan(1)
    } finally {
      fulcio.lifetimeMs = before.lifetime
      oidc.lifetimeSeconds = before.token
    }
  })
})
