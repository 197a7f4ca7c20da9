import type { RetryClock } from '../../../src/io/retry.ts'
import { parseTrustRoot, type TrustRoot } from '../../../src/sigstore/trust/root.ts'
import { loadSigningConfig } from '../../../src/sigstore/trust/services.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { type ConfigChange, type MoreServices, startMoreServices } from '../../fakes/more-services.ts'
import type { Fault } from '../../fakes/registry/faults.ts'
import type { Service } from '../../fakes/service.ts'
import { type Listing, listedService } from '../../fakes/trusted-root.ts'
import { type Bench, codeOf, errorOf, jsonOf, openBench, statement } from '../support.ts'

let bench: Bench
let more: MoreServices
let trust: TrustRoot
beforeAll(async () => {
  bench = await openBench()
  more = await startMoreServices(bench.stack)
  trust = parseTrustRoot(Buffer.from(JSON.stringify(more.trustedRoot)), 'file')
})
afterAll(async () => {
  await more.close()
  await bench.close()
})
afterEach(() => {
  for (const service of all()) {
    service.faults.clear()
    service.rewrite = undefined
    service.log.length = 0
  }
})

const all = (): readonly Service[] => {
  const { rekorV1, rekorV2, timestamp } = bench.stack
  return [rekorV1, rekorV2, timestamp, more.rekorV1, more.rekorV2, more.timestamp]
}

/** The services by short names: `a` is the stack's operator, `b` the other one. */
const services = (): Readonly<Record<string, Service>> => {
  const { rekorV1, rekorV2, timestamp } = bench.stack
  return { a1: rekorV1, a2: rekorV2, b1: more.rekorV1, b2: more.rekorV2, ta: timestamp, tb: more.timestamp }
}

function listing(names: readonly string[], own: Listing = {}): readonly object[] {
  return names.map(name => {
    const url = services()[name]?.url ?? ''
    if (name.startsWith('t')) return listedService(`${url}/api/v1/timestamp`, { operator: name.slice(1), ...own })
    return listedService(url, { majorApiVersion: Number(name[1]), operator: name.slice(0, 1), ...own })
  })
}

function session(change: ConfigChange, own: object = {}) {
  const chosen = loadSigningConfig(more.config(change), new Date())
  return bench.session({ services: chosen, trust: async () => trust, retryBudgetMs: 1, ...own })
}

/** Which services were asked to witness, by their short names. */
const asked = (): string[] =>
  Object.entries(services()).flatMap(([name, { log }]) => (log.some(({ method }) => method === 'POST') ? [name] : []))

const witnesses = (bundle: Uint8Array): [number, number] => {
  const { verificationMaterial: material } = jsonOf(bundle) as unknown as {
    verificationMaterial: { tlogEntries: []; timestampVerificationData: { rfc3161Timestamps: [] } }
  }
  return [material.tlogEntries.length, material.timestampVerificationData.rfc3161Timestamps.length]
}

const ANY = { selector: 'ANY' }
const ALL = { selector: 'ALL' }
const exactly = (count: number) => ({ selector: 'EXACT', count })
const down = (...names: readonly string[]) => {
  for (const name of names) services()[name]?.faults.add({ method: 'POST', times: Infinity, fault: { status: 503 } })
}

describe('several logs and timestamp authorities in one signing config', () => {
  test.each<[string, readonly string[], object, readonly string[], readonly string[], number]>([
    ['ANY asks the first', ['a1', 'b1'], ANY, [], ['a1'], 1],
    ['ANY takes the other operator’s when the first is down', ['a1', 'b1'], ANY, ['a1'], ['a1', 'b1'], 1],
    ['ANY takes one of the other generation, too', ['a2', 'b1'], ANY, ['a2'], ['a2', 'b1'], 1],
    ['ALL asks both generations', ['a2', 'b1'], ALL, [], ['a2', 'b1'], 2],
    ['ALL asks both logs of the second generation', ['a2', 'b2'], ALL, [], ['a2', 'b2'], 2],
    ['ALL asks both logs of the first', ['a1', 'b1'], ALL, [], ['a1', 'b1'], 2],
    ['EXACT 1 asks one', ['a1', 'b2'], exactly(1), [], ['b2'], 1],
    ['EXACT 2 asks two', ['a1', 'b2'], exactly(2), [], ['a1', 'b2'], 2],
    ['of one operator only the highest version counts', ['a1', 'a2'], ANY, [], ['a2'], 1],
  ])('%s', async (_, logs, rekorTlogConfig, broken, expected, entries) => {
    down(...broken)
    const { bundle } = await session({ rekorTlogUrls: listing(logs), rekorTlogConfig }).sign(statement())
    expect(asked().filter(name => !name.startsWith('t'))).toEqual([...expected].sort())
    expect(witnesses(bundle)[0]).toBe(entries)
    expect(verifyBundle(bundle, trust, { logs: entries }).signer.kind).toBe('certificate')
  })

  test.each<[string, readonly string[], object]>([
    ['ALL', ['a1', 'b1'], ALL],
    ['EXACT 2 of two', ['a2', 'b1'], exactly(2)],
  ])('%s is unknown when one of them is down', async (_, logs, rekorTlogConfig) => {
    down('b1')
    const error = await errorOf(() => session({ rekorTlogUrls: listing(logs), rekorTlogConfig }).sign(statement()))
    expect([error?.code, error?.kind]).toEqual(['sigstore/log-unavailable', 'unknown'])
  })

  test('every timestamp that ALL asks for is in the bundle, and each is verified', async () => {
    const change = { tsaUrls: listing(['ta', 'tb']), tsaConfig: ALL }
    const { bundle } = await session(change).sign(statement())
    expect(witnesses(bundle)).toEqual([1, 2])
    expect(verifyBundle(bundle, trust, { timestamps: 3 }).timeSources).toEqual(['rekor-v1', 'rfc3161'])
  })

  test('the other authority’s timestamp is taken when the first one’s is of yesterday', async () => {
    bench.stack.timestamp.clockOffsetMs = -24 * 3600_000
    const { bundle } = await session({ tsaUrls: listing(['ta', 'tb']), tsaConfig: ANY }).sign(statement())
    bench.stack.timestamp.clockOffsetMs = 0
    expect(witnesses(bundle)).toEqual([1, 1])
    expect(asked()).toContain('tb')
  })

  test('a log that has the signature already makes it be signed again, for all of them', async () => {
    services().b2?.faults.add({ method: 'POST', fault: 'cut-after' })
    const change = { rekorTlogUrls: listing(['a2', 'b2']), rekorTlogConfig: ALL }
    const { bundle } = await session(change, { retryBudgetMs: 60_000 }).sign(statement())
    expect(verifyBundle(bundle, trust, { logs: 2 }).signer.kind).toBe('certificate')
  })

  test.each<[string, Listing]>([
    ['not valid yet', { validFor: { start: '2999-01-01T00:00:00Z' } }],
    ['over', { validFor: { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' } }],
    ['of a version nobody speaks', { majorApiVersion: 3 }],
  ])('a log that is %s is not asked, whatever else the config says', async (_, own) => {
    const rekorTlogUrls = [...listing(['b1'], own), ...listing(['a1'])]
    await session({ rekorTlogUrls, rekorTlogConfig: ALL }).sign(statement())
    expect(asked()).toEqual(['a1', 'ta'])
  })
})

/** Time passes only while somebody sleeps. */
function standing(): RetryClock & { at: number } {
  return {
    at: 1_000,
    now() {
      return this.at
    },
    random: () => 0,
    async sleep(ms) {
      this.at += ms
    },
  }
}

describe('of several services any of which will do', () => {
  const logs = (names: readonly string[]) => ({ rekorTlogUrls: listing(names), rekorTlogConfig: ANY })
  const posts = (name: string) => services()[name]?.log.filter(({ method }) => method === 'POST').length

  test.each<[string, NonNullable<Fault>]>([
    ['is down', { status: 503 }],
    ['asks to come back in a while', { status: 429, headers: { 'retry-after': '30' } }],
  ])('the next is asked early when the first %s', async (_, fault) => {
    services().a1?.faults.add({ method: 'POST', times: Infinity, fault })
    const clock = standing()
    const began = clock.at
    const { bundle } = await session(logs(['a1', 'b1']), { clock, retryBudgetMs: 60_000 }).sign(statement())
    expect(clock.at - began).toBeLessThanOrEqual(1_500)
    expect([witnesses(bundle)[0], posts('b1')]).toEqual([1, 1])
  })

  test('the first is asked again when only its answer was lost: no second log gets an entry for the same signature', async () => {
    services().a1?.faults.add({ method: 'POST', fault: 'cut-after' })
    const { bundle } = await session(logs(['a1', 'b1']), { retryBudgetMs: 60_000 }).sign(statement())
    expect([witnesses(bundle)[0], posts('a1'), posts('b1')]).toEqual([1, 2, 0])
  })

  test('all are waited for in the end, each as long as it asks', async () => {
    down('b1')
    services().a1?.faults.add({
      method: 'POST',
      times: 2,
      fault: { status: 429, headers: { 'retry-after': '20' } },
    })
    const clock = standing()
    const began = clock.at
    const { bundle } = await session(logs(['a1', 'b1']), { clock, retryBudgetMs: 60_000 }).sign(statement())
    expect([witnesses(bundle)[0], posts('a1')]).toEqual([1, 3])
    expect(clock.at - began).toBeLessThanOrEqual(22_000)
  })

  test('one that answers nonsense is not asked again', async () => {
    down('b1')
    services().a1?.faults.add({ method: 'POST', times: Infinity, fault: { status: 201, body: '{}' } })
    const error = await errorOf(() => session(logs(['a1', 'b1']), { retryBudgetMs: 1 }).sign(statement()))
    expect([error?.code, posts('a1')]).toEqual(['sigstore/log-unavailable', 1])
  })
})

describe('a signing config without a timestamp authority', () => {
  const without = { tsaUrls: [], tsaConfig: {} }

  test.each<[string, readonly string[], object, readonly string[]]>([
    ['a log of the first generation', ['a1'], ANY, ['a1']],
    ['any log, if one of the first generation is among them: that one', ['a2', 'b1'], ANY, ['b1']],
    ['all logs, if one of them is of the first generation', ['a2', 'b1'], ALL, ['a2', 'b1']],
  ])('asks %s', async (_, logs, rekorTlogConfig, expected) => {
    const change = { ...without, rekorTlogUrls: listing(logs), rekorTlogConfig }
    const { bundle } = await session(change).sign(statement())
    expect(asked()).toEqual([...expected].sort())
    expect(verifyBundle(bundle, trust).timeSources).toEqual(['rekor-v1'])
  })

  test.each<[string, readonly string[], object, boolean]>([
    ['only logs of the second', ['a2', 'b2'], ANY, true],
    ['two that must be any two, of which one alone tells the time', ['a2', 'b1', 'c2'], exactly(2), true],
    ['no log at all to be asked', ['a1'], ANY, false],
  ])('is refused with %s, before anything is asked', async (_, names, rekorTlogConfig, log) => {
    const third = listedService('http://127.0.0.1:9', { majorApiVersion: 2, operator: 'c' })
    const logs = [...listing(names.filter(name => name !== 'c2')), ...(names.includes('c2') ? [third] : [])]
    const change = { ...without, rekorTlogUrls: logs, rekorTlogConfig }
    const certificates = bench.stack.fulcio.issued.length
    expect(await codeOf(() => session(change, { log }))).toBe('sigstore/no-service')
    expect([asked(), bench.stack.fulcio.issued.length]).toEqual([[], certificates])
  })
})
