import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import type { WaybillError } from '../../src/core/error.ts'
import { addressGuard, type ResolvedAddress } from '../../src/io/address.ts'
import { addressKind, nameKind } from '../../src/io/address-kind.ts'
import { HttpClient } from '../../src/io/http.ts'
import { codeOf } from '../registry/support.ts'

const STRICT = { private: false, pin: true } as const
const INSIDE = { private: true, pin: true } as const

function answers(...addresses: string[]) {
  const asked: string[] = []
  const resolve = (host: string): Promise<ResolvedAddress[]> => {
    asked.push(host)
    return Promise.resolve(addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })))
  }
  return { asked, resolve }
}

test.each([
  ['93.184.215.14', 'public'],
  ['8.8.8.8', 'public'],
  ['100.63.255.255', 'public'],
  ['172.32.0.1', 'public'],
  ['2606:2800:220:1::1', 'public'],
  ['64:ff9b::808:808', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['2002:808:808::1', 'public'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['fd12:3456::1', 'private'],
  ['fc00::1', 'private'],
  ['fec0::1', 'private'],
  ['64:ff9b:1::a00:1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:a00:1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
  ['2002:a00:1::', 'private'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['0.0.0.0', 'reserved'],
  ['0.1.2.3', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['::', 'reserved'],
  ['::7f00:1', 'reserved'],
  ['::127.0.0.1', 'reserved'],
  ['2001::1', 'reserved'],
  ['2001:db8::1', 'reserved'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['fe80::1%eth0', 'reserved'],
  ['2606:2800::1%1', 'reserved'],
  ['[::1]', 'reserved'],
  ['127.1', 'reserved'],
  ['', 'reserved'],
])('13-adversary 32: addressKind(%j) is %s', (address, kind) => {
  expect(addressKind(address)).toBe(kind)
})

test('13-adversary 32: an IPv4 address is of the same kind in every IPv6 spelling that leads to it', () => {
  const byte = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(byte, byte, byte, byte, (a, b, c, d) => {
      const dotted = `${a}.${b}.${c}.${d}`
      const kind = addressKind(dotted)
      for (const prefix of ['::ffff:', '64:ff9b::', '::FFFF:0:']) expect(addressKind(`${prefix}${dotted}`)).toBe(kind)
    }),
  )
})

test.each([
  ['localhost', 'a name of this machine'],
  ['LOCALHOST.', 'a name of this machine'],
  ['a.localhost', 'a name of this machine'],
  ['localhost.localdomain', 'a name of this machine'],
  ['metadata.google.internal', 'a name of a private network'],
  ['printer.local', 'a name of a private network'],
  ['nas.home.arpa', 'a name of a private network'],
  ['notlocalhost', 'public'],
  ['localhost.example', 'public'],
  ['internal.example', 'public'],
])('13-adversary 32: nameKind(%j) is %s', (name, kind) => {
  expect(nameKind(name)).toBe(kind)
})

test('13-adversary 39: the guard accepts public addresses and pins them', async () => {
  const { asked, resolve } = answers('93.184.215.14', '2606:2800:220:1::1')
  const guard = addressGuard(STRICT, resolve)
  const pin = await guard(new URL('https://registry.example/v2/'))
  expect(pin).toEqual({
    host: 'registry.example',
    addresses: [
      { address: '93.184.215.14', family: 4 },
      { address: '2606:2800:220:1::1', family: 6 },
    ],
  })
  expect(await guard(new URL('https://registry.example/token'))).toBe(pin)
  expect(asked).toEqual(['registry.example'])
})

test.each([
  ['a private address', ['10.0.0.1']],
  ['one private address among public ones', ['93.184.215.14', '10.0.0.1']],
  ['a mapped loopback address', ['::ffff:127.0.0.1']],
  ['an address with a zone', ['fe80::1%eth0']],
])('13-adversary 39: a name with %s is refused', async (_what, addresses) => {
  const guard = addressGuard(STRICT, answers(...addresses).resolve)
  const error = await guard(new URL('https://registry.example/')).catch((caught: WaybillError) => caught)
  expect(error).toMatchObject({ code: 'core/address-refused', kind: 'unknown' })
})

test.each([
  'http://127.0.0.1:5000/',
  'http://[::1]:5000/',
  'https://169.254.169.254/',
  'https://[::ffff:169.254.169.254]/',
  'https://2130706433/',
  'https://0x7f.1/',
  'http://localhost:5000/',
  'http://registry.localhost/',
  'https://LOCALHOST./',
  'https://metadata.google.internal/',
])('13-adversary 39: %s is refused, and no name server asked', async url => {
  const { asked, resolve } = answers('93.184.215.14')
  expect(await codeOf(addressGuard(STRICT, resolve)(new URL(url)))).toBe('core/address-refused')
  expect(asked).toEqual([])
})

test.each([
  ['10.0.0.1', undefined],
  ['127.0.0.1', undefined],
  ['fd12::1', undefined],
  ['169.254.169.254', 'core/address-refused'],
  ['fe80::1', 'core/address-refused'],
  ['100.100.100.200', 'core/address-refused'],
  ['0.0.0.0', 'core/address-refused'],
])('13-adversary 39: under `private: true` a name at %s gives %s', async (address, code) => {
  const checked = addressGuard(INSIDE, answers(address).resolve)(new URL('https://registry.example/'))
  if (code === undefined) expect(await checked).toMatchObject({ addresses: [{ address }] })
  else expect(await codeOf(checked)).toBe(code)
})

test('13-adversary 39: a host that the caller named may be inside, with its port and no other', async () => {
  const guard = addressGuard({ ...STRICT, named: ['127.0.0.1:5000'] })
  expect(await guard(new URL('http://127.0.0.1:5000/v2/'))).toMatchObject({ host: '127.0.0.1' })
  expect(await codeOf(guard(new URL('http://127.0.0.1:5001/v2/')))).toBe('core/address-refused')
})

test('a name without an address is unreachable, not refused', async () => {
  const guard = addressGuard(STRICT, () => Promise.reject(new Error('ENOTFOUND')))
  expect(await codeOf(guard(new URL('https://nowhere.example/')))).toBe('core/unreachable')
  expect(await codeOf(addressGuard(STRICT, answers().resolve)(new URL('https://nowhere.example/')))).toBe(
    'core/unreachable',
  )
})

test('addressKind() given any text gives a kind and never throws', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), text => typeof addressKind(text) === 'string'))
})

describe('connections', () => {
  let server: Server
  let port = 0
  let connections = 0
  let client: HttpClient

  beforeEach(async () => {
    connections = 0
    server = createServer((request, response) => response.end(request.headers.host))
    server.on('connection', () => connections++)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
    client = new HttpClient({ plainHttpHosts: [`registry.example:${port}`] })
  })

  afterEach(async () => {
    client.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  const url = () => `http://registry.example:${port}/`

  test('13-adversary 32: a connection goes to the pinned address, whatever the name means by then', async () => {
    // `registry.example` has no address at all for the system's resolver: only the pin leads anywhere.
    const pin = { host: 'registry.example', addresses: [{ address: '127.0.0.1', family: 4 } as const] }
    const answer = await client.send({ method: 'GET', url: url(), pin })
    expect(new TextDecoder().decode(answer.body)).toBe(`registry.example:${port}`)
    await client.send({ method: 'GET', url: url(), pin })
    expect(connections).toBe(1)
    expect(await codeOf(client.send({ method: 'GET', url: url() }))).toBe('core/unreachable')
  })

  test('13-adversary 32: rebinding: a name that is public when checked and private when connected to gains nothing', async () => {
    const turns = [['127.0.0.1'], ['10.0.0.1']]
    let turn = 0
    const guard = addressGuard(INSIDE, host => answers(...(turns[turn++] ?? [])).resolve(host))
    for (let i = 0; i < 3; i++) {
      const pin = await guard(new URL(url()))
      expect((await client.send({ method: 'GET', url: url(), pin })).status).toBe(200)
    }
    expect(turn).toBe(1)
  })

  test('a connection that was opened under one pin, or under none, serves no request under another', async () => {
    const at = (address: string) => ({ host: 'registry.example', addresses: [{ address, family: 4 } as const] })
    await client.send({ method: 'GET', url: url(), pin: at('127.0.0.1') })
    expect(await codeOf(client.send({ method: 'GET', url: url(), pin: at('127.0.0.2') }))).toBe('core/unreachable')
    expect(connections).toBe(1)
    client.warm(`http://127.0.0.1:${port}/`, 1)
    while (connections < 2) await new Promise(resolve => setTimeout(resolve, 5))
    const pin = { host: '127.0.0.1', addresses: [{ address: '127.0.0.1', family: 4 } as const] }
    await client.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, pin })
    expect(connections).toBe(3)
  })

  test('behind a proxy the pin does not stand in the way: the proxy is found by its own name', async () => {
    const before = process.env.http_proxy
    process.env.http_proxy = `http://localhost:${port}`
    const proxied = new HttpClient({ plainHttpHosts: ['registry.example'] })
    const pin = { host: 'registry.example', addresses: [{ address: '93.184.215.14', family: 4 } as const] }
    const answer = await proxied.send({ method: 'GET', url: 'http://registry.example/v2/', pin })
    expect(new TextDecoder().decode(answer.body)).toBe('registry.example')
    proxied.close()
    if (before === undefined) delete process.env.http_proxy
    else process.env.http_proxy = before
  })
})
