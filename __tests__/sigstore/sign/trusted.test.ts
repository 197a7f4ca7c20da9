import { sha256 } from '../../../src/core/digest.ts'
import type { WaybillError } from '../../../src/core/error.ts'
import { loadTrust } from '../../../src/sigstore/trust/load.ts'
import { CtLog } from '../../fakes/ct-log.ts'
import { p256 } from '../../fakes/keys.ts'
import { startRekorV1 } from '../../fakes/rekor-v1.ts'
import { startRekorV2 } from '../../fakes/rekor-v2.ts'
import type { Rewrite, ServiceAnswer } from '../../fakes/service.ts'
import { startTimestampAuthority } from '../../fakes/timestamp.ts'
import { at, type Bench, errorOf, type Mutable, openBench, rootWith, statement } from '../support.ts'

let bench: Bench
let second: Bench
beforeAll(async () => {
  ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
})
afterAll(() => Promise.all([bench.close(), second.close()]))
afterEach(() => {
  for (const { stack } of [bench, second])
    for (const service of [stack.rekorV1, stack.rekorV2, stack.timestamp, stack.fulcio]) service.rewrite = undefined
})

const trusting = (b: Bench, own: object = {}) => b.session({ trust: async () => b.trust, ...own })
const failure = async (b: Bench, own: object = {}): Promise<WaybillError | undefined> =>
  errorOf(() => trusting(b, own).sign(statement()))
const entriesOf = (b: Bench) => b.stack.rekorV1.entries.length + b.stack.rekorV2.entries.length

test('what honest services give verifies, with either generation of log and without any', async () => {
  for (const b of [bench, second]) await expect(trusting(b).sign(statement())).resolves.toBeDefined()
  await expect(trusting(bench, { log: false }).sign(statement())).resolves.toBeDefined()
})

describe('a certificate', () => {
  async function issuedBy(change: (real: CtLog) => Promise<Pick<CtLog, 'keys' | 'logId' | 'logPrecertificate'>>) {
    const { fulcio } = bench.stack
    const real = fulcio.ctLog
    fulcio.ctLog = await change(real as CtLog)
    const before = entriesOf(bench)
    try {
      return { error: await failure(bench), logged: entriesOf(bench) - before }
    } finally {
      fulcio.ctLog = real
    }
  }

  test('that no log promised is not signed with', async () => {
    bench.stack.fulcio.promises = false
    const before = entriesOf(bench)
    const error = await failure(bench)
    bench.stack.fulcio.promises = true
    expect([error?.code, error?.kind]).toEqual(['sigstore/service-not-trusted', 'unknown'])
    expect(error?.found).toContain('SCT')
    expect(entriesOf(bench)).toBe(before)
  })

  test.each<[string, (real: CtLog) => Promise<Pick<CtLog, 'keys' | 'logId' | 'logPrecertificate'>>]>([
    ['a log that the root does not know', async () => new CtLog(await p256())],
    [
      'a known log, for another certificate',
      async real => ({
        keys: real.keys,
        logId: real.logId,
        logPrecertificate: (tbs, key, when) =>
          real.logPrecertificate(Buffer.concat([tbs, Buffer.from([0])]), key, when),
      }),
    ],
    [
      'a known log, under another authority’s key',
      async real => ({
        keys: real.keys,
        logId: real.logId,
        logPrecertificate: (tbs, _, when) => real.logPrecertificate(tbs, Buffer.from('another'), when),
      }),
    ],
    [
      'a stranger in the name of a known log',
      async real => Object.assign(new CtLog(await p256()), { logId: real.logId }),
    ],
  ])('with the promise of %s is not signed with', async (_, change) => {
    const { error, logged } = await issuedBy(change)
    expect([error?.code, error?.kind, logged]).toEqual(['sigstore/service-not-trusted', 'unknown', 0])
    expect(error?.found).toContain('certificate log')
  })

  test('of an authority that the root does not know is not signed with', async () => {
    const trust = rootWith(bench, {
      certificateAuthorities: second.stack.trustedRoot.certificateAuthorities,
    })
    const before = entriesOf(bench)
    const error = await failure(bench, { trust: async () => trust })
    expect([error?.code, entriesOf(bench)]).toEqual(['sigstore/service-not-trusted', before])
    expect(error?.message).toContain(bench.stack.fulcio.url)
  })

  test('needs no promise under a root that names no certificate log', async () => {
    bench.stack.fulcio.promises = false
    const error = await failure(bench, { trust: async () => rootWith(bench, { ctlogs: [] }) })
    bench.stack.fulcio.promises = true
    expect(error).toBeUndefined()
  })
})

/** Changes the one entry of a log's answer, whichever generation it is of. */
const entryRewritten =
  (change: (entry: Mutable, proof: Mutable) => void) =>
  (answer: ServiceAnswer): ServiceAnswer => {
    const body = structuredClone(answer.body) as Mutable
    const first = Object.values(body)[0]
    const entry = body.inclusionProof === undefined ? (first as Mutable) : body
    change(entry, at(entry, ...(entry === body ? ['inclusionProof'] : ['verification', 'inclusionProof'])))
    return { ...answer, body }
  }

const LIES: readonly [string, (v: 'v1' | 'v2') => Rewrite][] = [
  [
    'a root that is another',
    v =>
      entryRewritten((_, proof) => {
        proof.rootHash = hash(v)
      }),
  ],
  [
    'a proof with a step too many',
    v =>
      entryRewritten((_, proof) => {
        proof.hashes = [hash(v), hash(v)]
      }),
  ],
  [
    'a proof of a larger tree',
    v =>
      entryRewritten((_, proof) => {
        proof.treeSize = v === 'v1' ? 4711 : '4711'
      }),
  ],
  [
    'a checkpoint of a stranger',
    () =>
      entryRewritten((_, proof) => {
        const checkpoint = typeof proof.checkpoint === 'string' ? proof.checkpoint : at(proof, 'checkpoint').envelope
        const changed = String(checkpoint).replace(/\n\n/, '\nmore\n\n')
        proof.checkpoint = typeof proof.checkpoint === 'string' ? changed : { envelope: changed }
      }),
  ],
  [
    'the name of a log that nobody knows',
    v =>
      entryRewritten(entry => {
        if (v === 'v1') entry.logID = 'ab'.repeat(32)
        else entry.logId = { keyId: Buffer.alloc(32, 1).toString('base64') }
      }),
  ],
]
const hash = (v: 'v1' | 'v2') => (v === 'v1' ? '00'.repeat(32) : Buffer.alloc(32).toString('base64'))

describe.each(['v1', 'v2'] as const)('a log entry (%s)', version => {
  const b = () => (version === 'v1' ? bench : second)
  const log = () => (version === 'v1' ? bench.stack.rekorV1 : second.stack.rekorV2)

  test.each(LIES)('with %s is not used', async (_, lie) => {
    await trusting(b()).sign(statement()) // so that there is a path to prove
    log().rewrite = lie(version)
    const error = await failure(b())
    expect([error?.code, error?.kind]).toEqual(['sigstore/service-not-trusted', 'unknown'])
    expect(error?.message).toContain(log().url)
  })

  test('of a log that the root does not name is not used', async () => {
    const stranger = await (version === 'v1' ? startRekorV1() : startRekorV2())
    const services = { ...b().services, rekor: b().services.rekor.map(s => ({ ...s, url: stranger.url })) }
    const error = await failure(b(), { services })
    await stranger.close()
    expect([error?.code, error?.found]).toEqual([
      'sigstore/service-not-trusted',
      'the entry is of a log that the trust root does not know',
    ])
  })

  test('of a log that was retired is not used', async () => {
    const [first = {}, other = {}] = structuredClone(b().stack.trustedRoot.tlogs) as Mutable[]
    for (const one of [first, other])
      at(one, 'publicKey').validFor = { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' }
    const error = await failure(b(), { trust: async () => rootWith(b(), { tlogs: [first, other] }) })
    expect([error?.code, error?.found]).toEqual(['sigstore/service-not-trusted', expect.stringContaining('not in use')])
  })
})

describe('a log that says it has the entry already (409)', () => {
  const conflict = (location: string) => ({ status: 409, headers: { location }, body: '{}' })

  test('and points to somebody else’s entry is not believed: it must be ours to the byte', async () => {
    const { rekorV1 } = bench.stack
    await trusting(bench).sign(statement('theirs'))
    const [uuid] = Object.keys(rekorV1.last())
    rekorV1.faults.add({ method: 'POST', fault: conflict(`/api/v1/log/entries/${uuid}`) })
    const error = await failure(bench)
    expect([error?.code, error?.kind]).toEqual(['sigstore/log-answer-malformed', 'unknown'])
    expect(error?.found).toContain('another')
  })

  test('and is asked for it at another host is asked itself', async () => {
    const { rekorV1 } = bench.stack
    rekorV1.rewrite = (answer, { method }) => {
      if (method !== 'POST') return answer
      const [uuid] = Object.keys(answer.body as object)
      return conflict(`https://mallory.example/api/v1/log/entries/${uuid}`)
    }
    await expect(trusting(bench).sign(statement())).resolves.toBeDefined()
    expect(rekorV1.log.at(-1)?.method).toBe('GET')
  })

  test('and changes it on the way is not believed', async () => {
    const { rekorV1 } = bench.stack
    rekorV1.faults.add({ method: 'POST', fault: 'cut-after' })
    rekorV1.rewrite = (answer, { method }) =>
      method === 'GET' ? entryRewritten((_, proof) => void Object.assign(proof, { treeSize: 4711 }))(answer) : answer
    expect((await failure(bench))?.code).toBe('sigstore/service-not-trusted')
    rekorV1.faults.clear()
  })
})

const foreignPromise = entryRewritten(entry => {
  at(entry, 'verification').signedEntryTimestamp = Buffer.alloc(70, 1).toString('base64')
})

test('a promise of inclusion that is another’s is not used', async () => {
  bench.stack.rekorV1.rewrite = foreignPromise
  const error = await failure(bench)
  expect([error?.code, error?.found]).toEqual(['sigstore/service-not-trusted', expect.stringContaining('promise')])
})

describe('of a signature for a tag', () => {
  const signImage = (own: object = {}) =>
    trusting(bench, own).signImage('registry.example/acme/app', sha256(Buffer.from('manifest')))
  const refused = async (own: object = {}) => {
    const error = await errorOf(() => signImage(own))
    return [error?.code, error?.kind]
  }

  test('what honest services give verifies', async () => {
    await expect(signImage()).resolves.toBeDefined()
  })

  const lies = [...LIES, ['a promise that is another’s', () => foreignPromise] as const] as const

  test.each(lies)('a log entry with %s is not used', async (_, lie) => {
    await signImage() // so that there is a path to prove
    bench.stack.rekorV1.rewrite = lie('v1')
    expect(await refused()).toEqual(['sigstore/service-not-trusted', 'unknown'])
  })

  test('the time of a log before the certificate is not used', async () => {
    bench.stack.rekorV1.clockOffsetMs = -2 * 60_000
    const found = await refused()
    bench.stack.rekorV1.clockOffsetMs = 0
    expect(found).toEqual(['sigstore/log-answer-malformed', 'unknown'])
  })
})

describe('a timestamp', () => {
  test('before the certificate was valid is not used, however close the clocks are', async () => {
    bench.stack.timestamp.clockOffsetMs = -2 * 60_000
    const error = await failure(bench)
    bench.stack.timestamp.clockOffsetMs = 0
    expect([error?.code, error?.kind]).toEqual(['sigstore/timestamp-answer-malformed', 'unknown'])
    expect(error?.found).toContain('the certificate is valid from')
  })

  test('nor is a log’s time before it', async () => {
    bench.stack.rekorV1.clockOffsetMs = -2 * 60_000
    const error = await failure(bench)
    bench.stack.rekorV1.clockOffsetMs = 0
    expect([error?.code, error?.found]).toEqual([
      'sigstore/log-answer-malformed',
      expect.stringContaining('the certificate is valid from'),
    ])
  })

  test('of an authority that the root does not know is not used', async () => {
    const stranger = await startTimestampAuthority()
    const error = await failure(bench, { services: { ...bench.services, tsa: [stranger.endpoint] } })
    await stranger.close()
    expect([error?.code, error?.message]).toEqual([
      'sigstore/service-not-trusted',
      expect.stringContaining(stranger.url),
    ])
  })

  test('whose own signature was changed is not used', async () => {
    bench.stack.timestamp.rewrite = (answer: ServiceAnswer) => {
      const body = Buffer.from(answer.body as Uint8Array)
      body.writeUInt8(body.readUInt8(body.byteLength - 1) ^ 1, body.byteLength - 1)
      return { ...answer, body }
    }
    expect((await failure(bench))?.code).toBe('sigstore/service-not-trusted')
  })
})

test('13-adversary 29: a root that cannot be had stops the signing before a certificate is used', async () => {
  const before = entriesOf(bench)
  const trust = () => loadTrust({ trustedRootFile: Buffer.from('{}') })
  expect((await failure(bench, { trust }))?.code).toBe('sigstore/trust-malformed')
  expect(entriesOf(bench)).toBe(before)
})
