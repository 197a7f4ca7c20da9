import { fail } from '../../src/core/error.ts'
import { type RetryClock, retryAfterMs, withRetry } from '../../src/io/retry.ts'

type Answer = { status: number; headers: Record<string, string> }

/** A clock that moves only when somebody sleeps. */
function testClock(): RetryClock & { readonly sleeps: number[] } {
  let now = 1_000_000
  const sleeps: number[] = []
  return {
    sleeps,
    now: () => now,
    sleep: async ms => {
      sleeps.push(ms)
      now += ms
    },
    random: () => 1,
  }
}

/** Answers one after the other; an error is thrown. */
function script(...answers: (number | Answer | Error)[]): { attempt: () => Promise<Answer>; count: () => number } {
  let at = 0
  return {
    count: () => at,
    attempt: async () => {
      const answer = answers[Math.min(at++, answers.length - 1)]
      if (answer instanceof Error) throw answer
      return typeof answer === 'number' ? { status: answer, headers: {} } : (answer ?? { status: 200, headers: {} })
    },
  }
}

test.each([200, 201, 400, 401, 403, 404, 409, 501])('withRetry() returns %d at once', async status => {
  const { attempt, count } = script(status)
  expect((await withRetry(attempt, { clock: testClock() })).status).toBe(status)
  expect(count()).toBe(1)
})

test.each([408, 429, 500, 502, 503, 504])('withRetry() repeats %d until it passes', async status => {
  const { attempt, count } = script(status, status, 200)
  expect((await withRetry(attempt, { clock: testClock() })).status).toBe(200)
  expect(count()).toBe(3)
})

test('withRetry() waits longer each time', async () => {
  const clock = testClock()
  await withRetry(script(503).attempt, { clock, attempts: 4 })
  expect(clock.sleeps).toEqual([300, 550, 1050])
})

test.each([0, 0.5, 1])('withRetry() outlasts a service that is away for ten seconds, with luck %d', async luck => {
  const clock = { ...testClock(), random: () => luck }
  const end = clock.now() + 10_000
  const attempt = async () => ({ status: clock.now() < end ? 503 : 200, headers: {} })
  expect((await withRetry(attempt, { clock })).status).toBe(200)
  expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(4_050)
})

test('withRetry() returns the last answer when attempts run out', async () => {
  const { attempt, count } = script(503)
  expect((await withRetry(attempt, { clock: testClock(), attempts: 3 })).status).toBe(503)
  expect(count()).toBe(3)
})

test('withRetry() honours Retry-After, and gives up when it asks for more than the budget', async () => {
  const clock = testClock()
  const busy = (seconds: string) => ({ status: 429, headers: { 'retry-after': seconds } })
  await withRetry(script(busy('7'), 200).attempt, { clock })
  expect(clock.sleeps).toEqual([7000])
  const { attempt, count } = script(busy('3600'), 200)
  expect((await withRetry(attempt, { clock, budgetMs: 60_000 })).status).toBe(429)
  expect(count()).toBe(1)
})

test('withRetry() repeats when nothing answered, and throws the last error', async () => {
  const silent = fail('core/unreachable', 'nobody there')
  const { attempt, count } = script(silent)
  await expect(withRetry(attempt, { clock: testClock(), attempts: 3 })).rejects.toBe(silent)
  expect(count()).toBe(3)
})

test('withRetry() does not repeat what waiting cannot cure', async () => {
  for (const error of [fail('core/answer-too-large', 'x'), fail('core/plain-http', 'x'), new TypeError('x')]) {
    const { attempt, count } = script(error)
    await expect(withRetry(attempt, { clock: testClock() })).rejects.toBe(error)
    expect(count()).toBe(1)
  }
})

test.each([
  { value: undefined, ms: undefined },
  { value: '0', ms: 0 },
  { value: '120', ms: 120_000 },
  { value: 'Thu, 01 Jan 1970 00:00:10 GMT', ms: 9000 },
  { value: 'Thu, 01 Jan 1970 00:00:00 GMT', ms: 0 },
  { value: 'soon', ms: undefined },
])('retryAfterMs($value) is $ms', ({ value, ms }) => {
  expect(retryAfterMs(value, 1000)).toBe(ms)
})
