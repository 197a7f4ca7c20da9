import type { ErrorCode } from '../../../src/core/error.ts'
import { requestTimestamp } from '../../../src/sigstore/sign/timestamp.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import type { Fault, FaultHook } from '../../fakes/registry/faults.ts'
import type { Service } from '../../fakes/service.ts'
import { at, type Bench, errorOf, jsonOf, openBench, statement } from '../support.ts'

let bench: Bench
let second: Bench
beforeAll(async () => {
  ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
})
afterAll(() => Promise.all([bench.close(), second.close()]))

/** Signs while a service misbehaves; the fault ends with it. */
async function signWith(b: Bench, service: Service, faults: FaultHook, own: object = {}) {
  service.faults.hook(faults)
  try {
    return await errorOf(() => b.session({ requestMs: 250, retryBudgetMs: 600, ...own }).sign(statement()))
  } finally {
    service.faults.clear()
  }
}

const once = (fault: Fault): FaultHook => {
  let left = 1
  return () => (left-- > 0 ? fault : undefined)
}

interface Kind {
  readonly name: string
  readonly bench: () => Bench
  readonly service: () => Service
  readonly unavailable: ErrorCode
  readonly malformed: ErrorCode
}
const KINDS: readonly Kind[] = [
  {
    name: 'certificate authority',
    bench: () => bench,
    service: () => bench.stack.fulcio,
    unavailable: 'sigstore/certificate-unavailable',
    malformed: 'sigstore/certificate-answer-malformed',
  },
  {
    name: 'log (v1)',
    bench: () => bench,
    service: () => bench.stack.rekorV1,
    unavailable: 'sigstore/log-unavailable',
    malformed: 'sigstore/log-answer-malformed',
  },
  {
    name: 'log (v2)',
    bench: () => second,
    service: () => second.stack.rekorV2,
    unavailable: 'sigstore/log-unavailable',
    malformed: 'sigstore/log-answer-malformed',
  },
  {
    name: 'timestamp authority',
    bench: () => bench,
    service: () => bench.stack.timestamp,
    unavailable: 'sigstore/timestamp-unavailable',
    malformed: 'sigstore/timestamp-answer-malformed',
  },
]

const json = (body: object, status = 201): Fault => ({ status, body: JSON.stringify(body) })

describe.each(KINDS)('signing with a $name', kind => {
  test.each<readonly [string, FaultHook]>([
    ['that cuts every connection', () => 'cut'],
    ['that is overloaded', () => ({ status: 503, headers: { 'retry-after': '0' } })],
    ['that limits the rate for longer than the budget', () => ({ status: 429, headers: { 'retry-after': '3600' } })],
    ['that is slower than the time for a request', () => ({ delayMs: 400 })],
  ])('%s is unknown', async (_, fault) => {
    const error = await signWith(kind.bench(), kind.service(), fault)
    expect([error?.code, error?.kind]).toEqual([kind.unavailable, 'unknown'])
  })

  test.each<readonly [string, FaultHook]>([
    ['an empty body', () => ({ status: 201, body: '' })],
    ['HTML', () => ({ status: 200, body: '<html>maintenance</html>' })],
    ['an empty object', () => json({})],
    ['a list', () => json([])],
    ['null everywhere', () => json({ signedCertificateEmbeddedSct: null, x: null })],
    ['a nested nothing', () => json({ signedCertificateEmbeddedSct: { chain: { certificates: [] } } })],
    ['a certificate that is none', () => json({ signedCertificateEmbeddedSct: { chain: { certificates: ['x'] } } })],
    ['an entry that is none', () => json({ ab: { body: 'AAAA', logIndex: -1 } })],
    ['more than any answer can be', () => ({ status: 200, body: Buffer.alloc(2 * 1024 * 1024) })],
  ])('that answers with %s is unknown', async (_, fault) => {
    const error = await signWith(kind.bench(), kind.service(), fault)
    expect([error?.code, error?.kind]).toEqual([kind.malformed, 'unknown'])
  })

  test.each<readonly [string, FaultHook]>([
    ['cuts one connection', once('cut')],
    ['cuts one connection after the work is done', once('cut-after')],
    ['is overloaded once', once({ status: 503 })],
  ])('that %s is asked again', async (_, fault) => {
    expect(await signWith(kind.bench(), kind.service(), fault)).toBeUndefined()
  })
})

describe('signing', () => {
  test('takes the entry that exists when the log says 409, and it verifies', async () => {
    bench.stack.rekorV1.faults.hook(once('cut-after'))
    const { bundle } = await bench.session().sign(statement())
    bench.stack.rekorV1.faults.clear()
    expect(bench.stack.rekorV1.log.at(-1)?.method).toBe('GET')
    expect(verifyBundle(bundle, bench.trust).log?.url).toBe(bench.stack.rekorV1.url)
  })

  test.each([
    ['nowhere', {}],
    ['on another host without an id', { location: 'https://evil.example/api' }],
    ['at an id that does not exist', { location: `/api/v1/log/entries/${'a'.repeat(80)}` }],
  ])('is unknown when the log says that the entry exists %s', async (_, headers) => {
    const error = await signWith(bench, bench.stack.rekorV1, r =>
      r.method === 'POST' ? { status: 409, headers } : undefined,
    )
    expect(error?.kind).toBe('unknown')
    expect(error?.code).toMatch(/^sigstore\/log-/)
  })

  test('never follows Location to another host', async () => {
    const seen: string[] = []
    bench.stack.rekorV1.faults.hook(r => {
      seen.push(`${r.method} ${r.path}`)
      const location = `https://evil.example/${'a'.repeat(64)}`
      return r.method === 'POST' ? { status: 409, headers: { location } } : undefined
    })
    await errorOf(() => bench.session().sign(statement()))
    bench.stack.rekorV1.faults.clear()
    expect(seen.at(-1)).toBe(`GET /api/v1/log/entries/${'a'.repeat(64)}`)
  })

  test.each(['v1', 'v2'])('refuses the honest entry of another envelope as the answer (%s)', async version => {
    const [b, log] = version === 'v1' ? [bench, bench.stack.rekorV1] : [second, second.stack.rekorV2]
    const { bundle } = await b.session().sign(statement('a'))
    const entry = at(jsonOf(bundle), 'verificationMaterial', 'tlogEntries', 0)
    const asAnswered = await fetch(`${log.url}/api/v1/log/entries?logIndex=${entry.logIndex}`)
    const honest = version === 'v1' ? ((await asAnswered.json()) as object) : entry
    const error = await signWith(b, log, () => json(honest))
    expect(error?.code).toBe('sigstore/log-answer-malformed')
    expect(error?.found).toMatch(/about another/)
  })

  test('refuses a certificate for another key', async () => {
    const session = bench.session()
    await session.certificate()
    const leaf = bench.stack.fulcio.issued.at(-1)?.toString('base64')
    const pem = `-----BEGIN CERTIFICATE-----\n${leaf}\n-----END CERTIFICATE-----\n`
    const error = await signWith(bench, bench.stack.fulcio, () =>
      json({ signedCertificateEmbeddedSct: { chain: { certificates: [pem] } } }),
    )
    expect([error?.code, error?.found]).toEqual([
      'sigstore/certificate-answer-malformed',
      'the certificate is for another key',
    ])
  })

  test('refuses the timestamp of another signature, and one that answers another question', async () => {
    const endpoint = bench.stack.timestamp.endpoint
    const stamp = await requestTimestamp({ http: bench.http }, endpoint, Buffer.from('x'))
    const replay = () => ({ status: 200, body: stamp.der })
    const other = await signWith(bench, bench.stack.timestamp, replay)
    expect(other?.found).toBe('the timestamp is over something else')
    bench.stack.timestamp.faults.hook(replay)
    const again = await errorOf(() => requestTimestamp({ http: bench.http }, endpoint, Buffer.from('x')))
    bench.stack.timestamp.faults.clear()
    expect([again?.code, again?.found]).toEqual([
      'sigstore/timestamp-answer-malformed',
      'the timestamp answers another question',
    ])
  })

  test('takes the next log when the first is down and any will do', async () => {
    const services = {
      ...bench.services,
      rekor: [{ url: 'http://127.0.0.1:9', majorApiVersion: 1, operator: 'x' } as const, ...bench.services.rekor],
    }
    const { log } = await bench.session({ services, retryBudgetMs: 1 }).sign(statement())
    expect(log?.url).toBe(bench.stack.rekorV1.url)
  })

  test.each([
    ['certificate authority', () => bench.stack.fulcio],
    ['transparency log', () => bench.stack.rekorV1],
    ['timestamp authority', () => bench.stack.timestamp],
  ] as const)('names the clock when the %s’s is six minutes ahead or behind', async (_, service) => {
    for (const offset of [6 * 60_000, -6 * 60_000]) {
      service().clockOffsetMs = offset
      const error = await errorOf(() => bench.session().sign(statement()))
      service().clockOffsetMs = 0
      expect([error?.code, error?.kind]).toEqual(['sigstore/clock-skew', 'unknown'])
      expect(error?.remedy).toContain(offset > 0 ? 'forward' : 'back')
    }
  })

  test('is tried again with a fresh certificate request after one that failed', async () => {
    const session = bench.session({ retryBudgetMs: 1 })
    bench.stack.fulcio.faults.hook(() => 'cut')
    expect((await errorOf(() => session.certificate()))?.code).toBe('sigstore/certificate-unavailable')
    bench.stack.fulcio.faults.clear()
    expect(await errorOf(() => session.sign(statement()))).toBeUndefined()
  })
})

describe('an identity token', () => {
  const dump = (error: unknown): string =>
    error instanceof Error
      ? [error.message, JSON.stringify(error), error.stack, dump(error.cause)].join('\n')
      : String(error)

  test.each(['expired', 'for another audience'])('that is %s is refused by the authority, in its words', async what => {
    const claims = what === 'expired' ? { exp: 1 } : { aud: 'other' }
    const error = await errorOf(() =>
      bench.session({ identityToken: () => bench.stack.oidc.mint(claims) }).certificate(),
    )
    expect([error?.code, error?.kind]).toEqual(['sigstore/certificate-refused', 'unknown'])
    expect(error?.found).toContain('identity token')
  })

  test('never appears in an error, not even when the authority quotes it', async () => {
    const token = await bench.stack.oidc.mint()
    const [, payload = ''] = token.split('.')
    for (const message of [`bad token ${token}`, `bad payload ${payload}`]) {
      bench.stack.fulcio.faults.hook(() => json({ message }, 400))
      const error = await errorOf(() => bench.session({ identityToken: async () => token }).sign(statement()))
      bench.stack.fulcio.faults.clear()
      expect(error?.code).toBe('sigstore/certificate-refused')
      expect(dump(error)).not.toContain(payload.slice(0, 20))
    }
  })

  test.each([
    ['nothing', ''],
    ['no token', 'secret-value'],
    ['a token without a subject', `e30.${Buffer.from('{"a":1}').toString('base64url')}.x`],
    ['a token with two subjects', `e30.${Buffer.from('{"sub":"a","sub":"b"}').toString('base64url')}.x`],
  ])('that is %s ends before anything is asked', async (_, token) => {
    const before = bench.http.records.length
    const error = await errorOf(() => bench.session({ identityToken: async () => token }).certificate())
    expect(error?.code).toBe('sigstore/identity-token-malformed')
    expect(dump(error)).not.toContain('secret-value')
    expect(bench.http.records.length).toBe(before)
  })

  test('whose provider fails with the token in its message is not shown either', async () => {
    const identityToken = async () => {
      throw new Error('secret-value')
    }
    const error = await errorOf(() => bench.session({ identityToken }).certificate())
    expect(dump(error)).not.toContain('secret-value')
  })
})
