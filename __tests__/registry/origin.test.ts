import { headersForHop, mayAsk, mayCarrySecrets, mayRedirect, originOf } from '../../src/registry/origin.ts'

const url = (text: string): URL => new URL(text)

test.each([
  ['ghcr.io', [], 'https://ghcr.io'],
  ['docker.io', [], 'https://registry-1.docker.io'],
  ['localhost:5000', [], 'http://localhost:5000'],
  ['127.0.0.1:5000', [], 'http://127.0.0.1:5000'],
  ['[::1]:5000', [], 'http://[::1]:5000'],
  ['registry.example:5000', ['registry.example:5000'], 'http://registry.example:5000'],
  ['registry.example', ['other.example'], 'https://registry.example'],
])('originOf(%s, insecure %j) is %s', (host, insecure, origin) => {
  expect(originOf({ host, repository: 'a' }, insecure).origin).toBe(origin)
})

test.each([
  ['https://ghcr.io/token', 'https://ghcr.io/', true],
  ['https://gitlab.com/jwt/auth', 'https://registry.gitlab.com/', true],
  ['https://auth.docker.io/token', 'https://registry-1.docker.io/', true],
  ['https://evil.docker.io/token', 'https://registry-1.docker.io/', false],
  ['https://ghcr.io.attacker.example/token', 'https://ghcr.io/', false],
  ['https://attacker.co.uk/token', 'https://registry.co.uk/', false],
  ['https://b.azurecr.io/token', 'https://a.azurecr.io/', false],
  ['http://ghcr.io/token', 'https://ghcr.io/', false],
  ['https://127.0.0.1/token', 'https://ghcr.io/', false],
  ['https://10.0.0.2/token', 'https://10.0.0.1/', false],
  ['http://127.0.0.1:9/token', 'http://127.0.0.1:5000/', true],
  ['https://user@ghcr.io/token', 'https://ghcr.io/', false],
  ['http://insecure.example/token', 'http://insecure.example/', true],
  ['https://listed.example/token', 'https://ghcr.io/', true],
])('13-adversary 39: mayAsk(%s of %s) is %s', (realm, registry, expected) => {
  expect(mayAsk(url(realm), url(registry), ['listed.example'])).toBe(expected)
})

test.each([
  ['https://ghcr.io/', 'https://storage.example/x', true],
  ['https://ghcr.io/', 'http://storage.example/x', false],
  ['https://ghcr.io/', 'https://127.0.0.1/x', false],
  ['https://ghcr.io/', 'https://[::1]/x', false],
  ['http://127.0.0.1:1/', 'http://127.0.0.1:2/', true],
  ['https://ghcr.io/', 'ftp://storage.example/x', false],
])('mayRedirect(%s, %s) is %s', (from, to, expected) => {
  expect(mayRedirect(url(from), url(to))).toBe(expected)
})

test('secrets travel over https or to loopback only', () => {
  expect(mayCarrySecrets(url('https://a.example'))).toBe(true)
  expect(mayCarrySecrets(url('http://127.0.0.1:1'))).toBe(true)
  expect(mayCarrySecrets(url('http://a.example'))).toBe(false)
})

test.each([
  ['https://a.example/x', 'https://a.example', false, true],
  ['https://a.example/x', 'https://a.example', true, false],
  ['https://b.example/x', 'https://a.example', false, false],
  ['https://a.example:444/x', 'https://a.example', false, false],
  ['http://a.example/x', 'http://a.example', false, false],
])('headersForHop(%s of %s, has left %s) carries the login: %s', (hop, home, left, carried) => {
  const headers = headersForHop(url(hop), url(home), left, { accept: 'x' }, 'Basic y')
  expect(headers).toEqual(carried ? { accept: 'x', authorization: 'Basic y' } : { accept: 'x' })
})
