import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { type Bench, errorOf, openBench, statement } from '../support.ts'

const MINUTE = 60_000

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())
afterEach(() => {
  bench.stack.fulcio.faults.clear()
  setClocks(0)
})

function setClocks(offset: number): void {
  for (const service of [bench.stack.fulcio, bench.stack.rekorV1, bench.stack.timestamp]) service.clockOffsetMs = offset
}

/** A session whose whole world is `ahead` of the true time. */
function running(own: object = {}) {
  const time = { ahead: 0 }
  const session = bench.session({ now: () => Date.now() + time.ahead, trust: async () => bench.trust, ...own })
  const wait = (ms: number) => {
    time.ahead += ms
    setClocks(time.ahead)
  }
  return { session, wait }
}

const signedAt = (bundle: Uint8Array) => verifyBundle(bundle, bench.trust).signer

describe('a run that outlives its certificate', () => {
  test('signs the rest with a new one; what was signed before still verifies', async () => {
    const { session, wait } = running()
    const first = await session.sign(statement('a'))
    wait(8.5 * MINUTE)
    const others = await Promise.all([session.sign(statement('b')), session.sign(statement('c'))])
    const [a, b, c] = [first, ...others].map(({ bundle }) => signedAt(bundle))
    if (a?.kind !== 'certificate' || b?.kind !== 'certificate' || c?.kind !== 'certificate')
      throw new Error('no certificate')
    expect(b.serial).not.toBe(a.serial)
    expect(c.serial).toBe(b.serial)
    expect([b.san, b.ci]).toEqual([a.san, a.ci])
  })

  test('asks for a fresh identity token for each certificate, and never again for the same one', async () => {
    let tokens = 0
    const { session, wait } = running({
      identityToken: () => {
        tokens++
        return bench.stack.oidc.mint()
      },
    })
    await session.sign(statement('a'))
    await session.sign(statement('b'))
    expect(tokens).toBe(1)
    wait(9 * MINUTE)
    await session.sign(statement('c'))
    expect(tokens).toBe(2)
  })

  test('is unknown when no new one can be had, and what was signed before is as good as it was', async () => {
    const { session, wait } = running({ retryBudgetMs: 1 })
    const { bundle } = await session.sign(statement('a'))
    wait(8.5 * MINUTE)
    bench.stack.fulcio.faults.add({ times: Infinity, fault: { status: 503 } })
    const error = await errorOf(() => session.sign(statement('b')))
    expect([error?.code, error?.kind]).toEqual(['sigstore/certificate-unavailable', 'unknown'])
    expect(signedAt(bundle).kind).toBe('certificate')
    bench.stack.fulcio.faults.clear()
    await expect(session.sign(statement('b'))).resolves.toBeDefined()
  })

  test('is unknown when the token that it is given has ended', async () => {
    let exp: number | undefined
    const { session, wait } = running({ identityToken: () => bench.stack.oidc.mint(exp === undefined ? {} : { exp }) })
    await session.sign(statement('a'))
    wait(8.5 * MINUTE)
    exp = Math.floor(Date.now() / 1000) - 60
    expect((await errorOf(() => session.sign(statement('b'))))?.code).toBe('sigstore/certificate-refused')
  })

  test.each([
    ['repository', { repository: 'mallory/app' }],
    ['run', { run_id: '99' }],
    ['visibility', { repository_visibility: 'private' }],
    ['workflow', { job_workflow_ref: 'acme/app/.github/workflows/other.yml@refs/heads/main' }],
  ])('never signs with a certificate for another %s than the first', async (_, claims) => {
    let mine = {}
    const { session, wait } = running({ identityToken: () => bench.stack.oidc.mint(mine) })
    await session.sign(statement('a'))
    mine = claims
    wait(8.5 * MINUTE)
    const logged = bench.stack.rekorV1.entries.length
    const error = await errorOf(() => session.sign(statement('b')))
    expect([error?.code, error?.kind]).toEqual(['sigstore/certificate-mismatch', 'rejected'])
    expect(bench.stack.rekorV1.entries.length).toBe(logged)
  })
})
