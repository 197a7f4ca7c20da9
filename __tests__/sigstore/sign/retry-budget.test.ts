import type { RetryClock } from '../../../src/io/retry.ts'
import { RetryBudget } from '../../../src/sigstore/sign/retry-budget.ts'
import { type Bench, errorOf, openBench, statement } from '../support.ts'

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

describe('RetryBudget', () => {
  const lost = async (budget: RetryBudget, work: () => Promise<{ status: number }>) =>
    budget.attempt(work).catch(() => undefined)

  test('is spent by failures and pauses, and not by answers that nobody asks again for', async () => {
    const clock = standing()
    const budget = new RetryBudget(1_000, clock)
    const taking = (ms: number, status: number) => async () => {
      clock.at += ms
      return { status }
    }
    await lost(budget, taking(500, 200))
    await lost(budget, taking(500, 400))
    expect(budget.leftMs).toBe(1_000)
    await lost(budget, taking(100, 503))
    await lost(budget, taking(100, 429))
    await budget.clock.sleep(300)
    expect(budget.leftMs).toBe(500)
    await lost(budget, async () => {
      clock.at += 700
      throw new Error('no answer')
    })
    expect(budget.leftMs).toBe(0)
  })

  test('counts what failed side by side once', async () => {
    const clock = standing()
    const budget = new RetryBudget(1_000, clock)
    const slow = async () => {
      await Promise.resolve()
      clock.at += 50
      return { status: 503 }
    }
    await Promise.all([budget.attempt(slow), budget.attempt(slow), budget.attempt(slow)])
    expect(budget.leftMs).toBe(850)
  })
})

describe('a storm of refusals', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await openBench()
  })
  afterAll(() => bench.close())
  afterEach(() => {
    for (const service of [bench.stack.fulcio, bench.stack.rekorV1, bench.stack.timestamp]) service.faults.clear()
  })

  test.each([
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '7' } }],
    ['503', { status: 503 }],
    ['500', { status: 500 }],
  ])('of %s ends within one budget for all statements, however many there are', async (_, fault) => {
    const clock = standing()
    bench.stack.rekorV1.faults.add({ method: 'POST', times: Infinity, fault })
    const session = bench.session({ clock, retryBudgetMs: 60_000 })
    const began = clock.at
    for (let n = 0; n < 12; n++) {
      const error = await errorOf(() => session.sign(statement(`n${n}`)))
      expect([error?.code, error?.kind]).toEqual(['sigstore/log-unavailable', 'unknown'])
    }
    expect(clock.at - began).toBeLessThanOrEqual(60_000)
    expect(clock.at - began).toBeGreaterThan(5_000)
  })

  test('that ends in time is waited for as long as it asks, and no certificate is asked for twice', async () => {
    const clock = standing()
    const before = bench.stack.fulcio.issued.length
    bench.stack.rekorV1.faults.add({
      method: 'POST',
      times: 3,
      fault: { status: 429, headers: { 'retry-after': '9' } },
    })
    const began = clock.at
    await bench.session({ clock, retryBudgetMs: 60_000 }).sign(statement())
    expect([clock.at - began, bench.stack.fulcio.issued.length - before]).toEqual([27_000, 1])
  })

  test('that has spent the budget leaves a service that works its one try', async () => {
    const clock = standing()
    const session = bench.session({ clock, retryBudgetMs: 1 })
    bench.stack.rekorV1.faults.add({ method: 'POST', fault: { status: 503 } })
    expect((await errorOf(() => session.sign(statement())))?.code).toBe('sigstore/log-unavailable')
    await expect(session.sign(statement())).resolves.toBeDefined()
  })
})
