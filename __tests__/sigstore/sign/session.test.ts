import { readClaims } from '../../../src/github/claims.ts'
import { assertCertificateMatchesClaims, type CertifiedClaims } from '../../../src/sigstore/sign/claims.ts'
import { quorum } from '../../../src/sigstore/sign/quorum.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { type Bench, codeOf, openBench, SAN, statement } from '../support.ts'

let bench: Bench
let second: Bench
beforeAll(async () => {
  ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
})
afterAll(() => Promise.all([bench.close(), second.close()]))

const asked = (b: Bench, path: string) => b.http.records.filter(r => r.path === path).length

describe('SigningSession', () => {
  test('signs two statements side by side with one certificate; both verify and name the same signer', async () => {
    const before = bench.stack.fulcio.issued.length
    const session = bench.session()
    const results = await Promise.all([session.sign(statement('a')), session.sign(statement('b'))])
    expect(bench.stack.fulcio.issued.length - before).toBe(1)
    const [a, b] = results.map(result => verifyBundle(result.bundle, bench.trust))
    expect(a?.signer).toEqual(b?.signer)
    expect([a?.statement.predicate.name, b?.statement.predicate.name]).toEqual(['a', 'b'])
    expect(results[0]?.signedAt).toEqual(a?.signedAt)
    expect(results[0]?.log).toEqual(a?.log)
  })

  test('asks for the certificate alone before the first signature, and signs with that one', async () => {
    const session = bench.session()
    const certificate = await session.certificate()
    expect(certificate.san).toEqual({ type: 'uri', value: SAN })
    const { bundle } = await session.sign(statement())
    expect(verifyBundle(bundle, bench.trust).signer).toEqual(certificate)
  })

  test('asks log and timestamp authority once a statement', async () => {
    const counts = () => [asked(bench, '/api/v1/log/entries'), asked(bench, '/api/v1/timestamp')]
    const before = counts()
    await bench.session().sign(statement())
    expect(counts().map((count, i) => count - (before[i] ?? 0))).toEqual([1, 1])
  })

  test('renews the certificate, with a new key, when less than two minutes are left', async () => {
    let ahead = 0
    const session = bench.session({ now: () => Date.now() + ahead })
    const first = await session.certificate()
    ahead = 7.9 * 60_000
    expect((await session.certificate()).serial).toBe(first.serial)
    ahead = 8.1 * 60_000
    bench.stack.fulcio.clockOffsetMs = ahead
    const [x, y] = await Promise.all([session.certificate(), session.certificate()])
    bench.stack.fulcio.clockOffsetMs = 0
    expect(x.serial).not.toBe(first.serial)
    expect(y.serial).toBe(x.serial)
  })

  test('signs with timestamps alone when the log is off', async () => {
    const { bundle, log } = await bench.session({ log: false }).sign(statement())
    expect(log).toBeUndefined()
    expect(verifyBundle(bundle, bench.trust, { logs: 0 }).timeSources).toEqual(['rfc3161'])
  })

  test('logs in Rekor v2 as a hashedrekord', async () => {
    const { bundle } = await second.session().sign(statement())
    expect(verifyBundle(bundle, second.trust).timeSources).toEqual(['rfc3161'])
    expect(second.stack.rekorV2.entries.at(-1)).toContain('"kind":"hashedrekord"')
  })

  test('writes to every log when the configuration says ALL', async () => {
    const services = {
      ...bench.services,
      rekor: [
        { url: bench.stack.rekorV1.url, majorApiVersion: 1, operator: 'a' },
        { url: bench.stack.rekorV2.url, majorApiVersion: 2, operator: 'b' },
      ],
      selection: { rekor: 2, tsa: 1 },
    } as const
    const { bundle } = await bench.session({ services }).sign(statement())
    expect(verifyBundle(bundle, bench.trust, { logs: 2, timestamps: 2 }).timeSources).toEqual(['rekor-v1', 'rfc3161'])
  })

  test.each([
    ['a file that is a PAE', 'DSSEv1 28 application/vnd.in-toto+json 2 {}'],
    ['a git commit', 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n'],
    ['nothing', ''],
  ])('13-adversary 22: never signs %s', async (_, text) => {
    const before = bench.http.records.length
    expect(await codeOf(() => bench.session().sign(Buffer.from(text)))).toBe('statements/malformed')
    expect(bench.http.records.length).toBe(before)
  })

  test.each([
    ['no log', { rekor: [], selection: { rekor: 0, tsa: 1 } }],
    [
      'Rekor v2 without a timestamp authority',
      { rekor: [{ url: 'https://x', majorApiVersion: 2, operator: '' }], tsa: [], selection: { rekor: 1, tsa: 0 } },
    ],
  ] as const)('cannot be opened with %s', async (_, change) => {
    expect(await codeOf(() => bench.session({ services: { ...bench.services, ...change } }))).toBe(
      'sigstore/no-service',
    )
  })

  test('says that there is no certificate authority', async () => {
    const { fulcioUrl: _, ...services } = bench.services
    expect(await codeOf(() => bench.session({ services }).certificate())).toBe('sigstore/no-service')
  })
})

describe('assertCertificateMatchesClaims()', () => {
  const full = (): CertifiedClaims =>
    readClaims({ ...bench.stack.oidc.claims(), iss: bench.stack.oidc.issuer, exp: Math.floor(Date.now() / 1000) })

  test('accepts the certificate of the very token', async () => {
    assertCertificateMatchesClaims(await bench.session().certificate(), full())
  })

  test.each([
    ['issuer', 'https://other.example'],
    ['jobWorkflowRef', 'acme/app/.github/workflows/other.yml@refs/heads/main'],
    ['jobWorkflowSha', 'a'.repeat(40)],
    ['runnerEnvironment', 'self-hosted'],
    ['repository', 'acme/other'],
    ['sha', 'b'.repeat(40)],
    ['ref', 'refs/heads/other'],
    ['repositoryId', '1'],
    ['repositoryOwner', 'mallory'],
    ['repositoryOwnerId', '2'],
    ['workflowRef', 'x'],
    ['workflowSha', 'c'.repeat(40)],
    ['eventName', 'schedule'],
    ['runId', '3'],
    ['runAttempt', '2'],
    ['repositoryVisibility', 'private'],
  ])('refuses another %s', async (claim, value) => {
    const certificate = await bench.session().certificate()
    const code = await codeOf(() => assertCertificateMatchesClaims(certificate, { ...full(), [claim]: value }))
    expect(code).toBe('sigstore/certificate-mismatch')
  })
})

describe('assertCertificateMatchesClaims() of the environment', () => {
  test('compares it where the certificate has one, and accepts an authority that writes none', async () => {
    const certificate = await bench.session().certificate()
    const claims = { issuer: bench.stack.oidc.issuer, environment: 'production' }
    expect(await codeOf(() => assertCertificateMatchesClaims(certificate, claims))).toBeUndefined()
    const staging = { ...certificate, ci: { ...certificate.ci, environment: 'staging' } }
    expect(await codeOf(() => assertCertificateMatchesClaims(staging, claims))).toBe('sigstore/certificate-mismatch')
  })
})

describe('quorum()', () => {
  const attempt = (bad: string[]) => async (name: string) => {
    if (bad.includes(name)) throw new Error(name)
    return name
  }
  test.each([
    ['the first of three', 1, [], ['a']],
    ['the next when the first fails', 1, ['a'], ['b']],
    ['two, one of them a replacement', 2, ['b'], ['a', 'c']],
    ['none when none is needed', 0, [], []],
  ])('asks %s', async (_, needed, bad, expected) => {
    expect(await quorum(['a', 'b', 'c'], needed, attempt(bad))).toEqual(expected)
  })

  test('throws the last error when too few are left', async () => {
    await expect(quorum(['a', 'b', 'c'], 2, attempt(['a', 'b']))).rejects.toThrow()
    await expect(quorum(['a', 'b'], 1, attempt(['a', 'b']))).rejects.toThrow('b')
  })
})
