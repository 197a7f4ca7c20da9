import { sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { RetryClock } from '../../src/io/retry.ts'
import { Patience } from '../../src/registry/patience.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, connect, errorOf, keep } from './support.ts'

afterEach(closeAll)

/** Time passes by sleeping only. */
function stillClock(): RetryClock & { time: number } {
  const clock = {
    time: 1_000_000,
    now: () => clock.time,
    random: () => 0,
    sleep: (ms: number) => {
      const until = clock.time + ms
      return Promise.resolve().then(() => {
        clock.time = Math.max(clock.time, until)
      })
    },
  }
  return clock
}

const busy = (seconds: number) => ({ status: 429, headers: { 'retry-after': String(seconds) } })

test('what one request is told the others heed, without asking', async () => {
  const registry = keep(await startRegistry())
  const clock = stillClock()
  const { client, repository } = connect(registry.host, { clock })
  registry.faults.add({ fault: busy(30) })
  const start = clock.time
  await client.blobExists(repository, sha256('first'))
  expect(clock.time - start).toBe(30_000)
  registry.faults.add({ fault: busy(20) })
  const told = client.blobExists(repository, sha256('told'))
  await new Promise(resolve => setTimeout(resolve, 50))
  await Promise.all(Array.from({ length: 10 }, (_, i) => client.blobExists(repository, sha256(`${i}`))))
  await told
  expect(registry.log.filter(({ status }) => status === 429)).toHaveLength(2)
})

test('a storm of Retry-After ends within one budget for the whole run, as unknown', async () => {
  const registry = keep(await startRegistry())
  const clock = stillClock()
  const { client, repository } = connect(registry.host, { clock })
  registry.faults.add({ times: Infinity, fault: busy(25) })
  const start = clock.time
  for (let i = 0; i < 30; i++) {
    const error = await errorOf(client.blobExists(repository, sha256(`${i}`)))
    expect(error).toMatchObject({ code: 'registry/rate-limited', kind: 'unknown' })
  }
  expect(clock.time - start).toBeLessThanOrEqual(LIMITS.registryWaitMs + LIMITS.retryBudgetMs)
  // Once there is nothing left to wait, nobody is asked twice.
  expect(registry.log.length).toBeLessThan(60)
})

test('one registry’s storm is not another’s', async () => {
  const [stormy, calm] = [keep(await startRegistry()), keep(await startRegistry())]
  const clock = stillClock()
  const { client, repository } = connect(stormy.host, { clock })
  stormy.faults.add({ times: Infinity, fault: busy(50) })
  await errorOf(client.blobExists(repository, sha256('x')))
  const before = clock.time
  await client.blobExists({ ...repository, host: calm.host }, sha256('x'))
  expect(clock.time).toBe(before)
})

test('sleeps at the same time count once, and a time beyond the budget binds nobody else', async () => {
  const clock = stillClock()
  const patience = new Patience(clock)
  await Promise.all([patience.clock.sleep(1000), patience.clock.sleep(1000), patience.clock.sleep(1000)])
  patience.heed({ status: 429, headers: { 'retry-after': '86400' } })
  const before = clock.time
  await patience.turn()
  expect(clock.time).toBe(before)
  patience.heed({ status: 200, headers: { 'retry-after': '5' } })
  await patience.turn()
  expect(clock.time).toBe(before)
  patience.heed({ status: 503, headers: { 'retry-after': '5' } })
  await patience.turn()
  expect(clock.time - before).toBe(5000)
  for (let i = 0; i < 10; i++) await patience.clock.sleep(LIMITS.retryBudgetMs)
  expect(patience.leftMs).toBe(0)
})
