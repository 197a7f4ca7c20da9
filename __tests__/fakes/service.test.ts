import { type Service, startService } from './service.ts'

let service: Service
let handled = 0
beforeEach(async () => {
  handled = 0
  service = await startService('echo', request => {
    handled++
    if (request.path === '/broken') throw new Error('broken on purpose')
    return { status: 200, body: { path: request.path, query: request.queryText, body: request.body.toString() } }
  })
})
afterEach(() => service.close())

const get = (path = '/'): Promise<Response> => fetch(service.url + path)

describe('startService()', () => {
  test('answers, and remembers what was asked', async () => {
    const answer = await fetch(`${service.url}/a%20b?c=d`, { method: 'POST', body: 'text' })
    expect(await answer.json()).toEqual({ path: '/a%20b', query: 'c=d', body: 'text' })
    expect(service.requests()).toEqual(['POST /a%20b?c=d → 200'])
  })

  test('a handler that throws is a 500, not a dead server', async () => {
    expect((await get('/broken')).status).toBe(500)
    expect((await get()).status).toBe(200)
  })

  test('faults answer instead, once, with what they were given', async () => {
    service.faults.add({ path: /x/, fault: { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' } })
    const answer = await get('/x')
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([429, '7', 'slow down'])
    expect([(await get('/x')).status, handled]).toEqual([200, 1])
  })

  test.each([
    { fault: 'cut' as const, worked: 0 },
    { fault: 'cut-after' as const, worked: 1 },
    { fault: 'cut-body' as const, worked: 1 },
  ])('$fault ends the connection, the request handled $worked times', async ({ fault, worked }) => {
    service.faults.add({ fault })
    await expect(get().then(answer => answer.text())).rejects.toThrow()
    expect([handled, service.log[0]?.status]).toEqual([worked, 'cut'])
  })

  test('a delay comes before the honest answer', async () => {
    service.faults.add({ fault: { delayMs: 60 } })
    const started = performance.now()
    expect((await get()).status).toBe(200)
    expect(performance.now() - started).toBeGreaterThan(50)
  })
})
