import type { ResolvedAddress } from '../../src/io/address.ts'
import { addressGuard } from '../../src/io/address.ts'
import { HttpClient } from '../../src/io/http.ts'
import { getPinned } from '../../src/io/pinned.ts'
import { type Service, type ServiceAnswer, startService } from '../fakes/service.ts'
import { codeOf } from '../registry/support.ts'

let service: Service
let answer: () => ServiceAnswer
let http: HttpClient

beforeEach(async () => {
  answer = () => ({ status: 200, body: 'here' })
  service = await startService('application', () => answer())
  http = new HttpClient({ plainHttpHosts: [`app.example:${service.port}`] })
})

afterEach(async () => {
  http.close()
  await service.close()
})

/** A name that means something else each time it is asked for. */
function turning(...turns: readonly string[]) {
  const asked: string[] = []
  const resolve = async (host: string): Promise<readonly ResolvedAddress[]> => {
    asked.push(host)
    return [{ address: turns[Math.min(asked.length, turns.length) - 1] ?? '', family: 4 }]
  }
  return { asked, resolve }
}

const url = () => new URL(`http://app.example:${service.port}/.well-known/waybill.json`)

function get(inside: boolean, resolve: ReturnType<typeof turning>['resolve']) {
  const guard = addressGuard({ private: inside, pin: true }, resolve)
  return getPinned(http, { url: url(), guard, maxBytes: 1_000, timeoutMs: 5_000 })
}

test('13-adversary 32: rebinding: the first answer of the name decides for every request, redirects too', async () => {
  const { asked, resolve } = turning('127.0.0.1', '169.254.169.254')
  let first = true
  answer = () => {
    const moved = first ? { status: 302, headers: { location: '/moved' } } : { status: 200, body: 'here' }
    first = false
    return moved
  }
  const { body } = await get(true, resolve)
  expect([Buffer.from(body).toString(), asked, service.log.map(({ path }) => path)]).toEqual([
    'here',
    ['app.example'],
    ['/.well-known/waybill.json', '/moved'],
  ])
})

test.each(['127.0.0.1', '10.0.0.7', '192.168.1.1', '100.64.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1'])(
  '13-adversary 32: a name that means %s is not asked',
  async address => {
    const { resolve } = turning(address)
    expect([await codeOf(get(false, resolve)), service.log.length]).toEqual(['core/address-refused', 0])
  },
)

test('13-adversary 32: one address inside among public ones is enough', async () => {
  const resolve = async (): Promise<readonly ResolvedAddress[]> => [
    { address: '93.184.216.34', family: 4 },
    { address: '::ffff:127.0.0.1', family: 6 },
  ]
  expect([await codeOf(get(false, resolve)), service.log.length]).toEqual(['core/address-refused', 0])
})

test.each([
  ['another host', 'https://other.example/x'],
  ['another port', 'http://app.example:1/x'],
  ['a login', 'http://alice:secret@app.example/x'],
  ['no URL', 'http://['],
  ['another scheme', 'file:///etc/passwd'],
])('13-adversary 32: a redirect to %s is refused', async (_, location) => {
  const { asked, resolve } = turning('127.0.0.1')
  answer = () => ({ status: 301, headers: { location } })
  expect([await codeOf(get(true, resolve)), asked, service.log.length]).toEqual([
    'verify/document-redirect',
    ['app.example'],
    1,
  ])
})

test('redirects without end', async () => {
  answer = () => ({ status: 308, headers: { location: '/again' } })
  expect([await codeOf(get(true, turning('127.0.0.1').resolve)), service.log.length]).toEqual([
    'verify/document-redirect',
    6,
  ])
})

test('13-adversary 43: a name whose answer never comes', async () => {
  const guard = addressGuard({ private: true, pin: true }, () => new Promise(() => {}))
  const asking = getPinned(http, { url: url(), guard, maxBytes: 1_000, timeoutMs: 20 })
  expect([await codeOf(asking), service.log.length]).toEqual(['core/unreachable', 0])
})
