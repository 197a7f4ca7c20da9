import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { mergeScopes } from '../../src/registry/auth.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, always, BOB, closeAll, codeOf, connect, keep, quickClock } from './support.ts'

afterEach(closeAll)

/** A server that notes what it is sent and answers with `answer`. */
async function otherServer(answer: { status: number; headers?: Record<string, string>; body?: string }) {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return keep({
    seen,
    url: `http://127.0.0.1:${port}`,
    close: () => server.closeAllConnections() ?? void server.close(),
  })
}

test('twenty requests that start together share one token', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await Promise.all(Array.from({ length: 20 }, (_, i) => client.putBlob(repository, utf8(`blob ${i}`))))
  expect(registry.access.tokensIssued).toBe(1)
  await client.blobExists(repository, sha256('x'))
  expect(registry.access.tokensIssued).toBe(1)
})

test('each repository gets its own token, without being refused first', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.putBlob(repository, utf8('a'))
  await client.putBlob({ ...repository, repository: 'acme/other' }, utf8('a'))
  expect(registry.access.tokensIssued).toBe(2)
  expect(registry.log.filter(entry => entry.status === 401)).toHaveLength(1)
})

test('a token the registry has forgotten is fetched anew, once for all', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.putBlob(repository, utf8('a'))
  registry.access.expireTokens()
  await Promise.all(Array.from({ length: 8 }, (_, i) => client.putBlob(repository, utf8(`again ${i}`))))
  expect(registry.access.tokensIssued).toBe(2)
})

test('a token is not used beyond its life', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer', tokenSeconds: 60 }))
  let late = 0
  const clock = { ...quickClock(), now: () => Date.now() + late }
  const { client, repository } = connect(registry.host, { credentials: ALICE, clock })
  await client.putBlob(repository, utf8('a'))
  late = 55_000
  await client.putBlob(repository, utf8('b'))
  expect(registry.access.tokensIssued).toBe(2)
  expect(registry.log.filter(entry => entry.status === 401)).toHaveLength(1)
})

test('an identity token is exchanged with the refresh grant', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, {
    credentials: always({ kind: 'refresh', refreshToken: 'alice-refresh' }),
  })
  await client.putBlob(repository, utf8('a'))
  expect(registry.requests()).toContain('POST /token → 200')
  const wrong = connect(registry.host, { credentials: always({ kind: 'refresh', refreshToken: 'x' }) })
  expect(await codeOf(wrong.client.checkPush(repository))).toBe('registry/unauthorized')
})

test('mergeScopes() asks once for each repository', () => {
  const scopes = [
    'repository:a/b:pull,push',
    'repository:a/b:pull',
    'repository:c:pull',
    'registry:catalog:*',
    'odd',
    '',
  ]
  expect(mergeScopes(scopes)).toEqual(['repository:a/b:pull,push', 'repository:c:pull', 'registry:catalog:*', 'odd'])
})

test('several challenges in one header are understood', async () => {
  const registry = keep(
    await startRegistry({ auth: 'bearer', challengePrefix: 'Negotiate, BASIC realm="old, \\"door\\""' }),
  )
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.checkPush(repository)
})

test('anonymous pulls get an anonymous token', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer', anonymousPull: true }))
  const { client, repository } = connect(registry.host)
  expect(await client.blobExists(repository, sha256('x'))).toBe(false)
  expect(registry.access.tokensIssued).toBe(1)
})

test('a read-only user reads', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: BOB })
  expect(await client.blobExists(repository, sha256('x'))).toBe(false)
})

test.each([
  ['another domain', 'https://token.attacker.example/t'],
  ['plain http', 'http://token.attacker.example/t'],
  ['a metadata address', 'http://169.254.169.254/latest'],
  ['no URL', 'token'],
  ['a file', 'file:///etc/passwd'],
])('13-adversary 39: a token server that is %s gets no request', async (_what, realm) => {
  const registry = keep(await startRegistry({ auth: 'bearer', realm }))
  const { client, repository, http } = connect(registry.host, { credentials: ALICE })
  expect(await codeOf(client.checkPush(repository))).toBe('registry/realm-refused')
  expect(http.records.every(record => record.origin === registry.url)).toBe(true)
})

test('a token server that fails, lies or redirects is told apart', async () => {
  for (const [answer, code] of [
    [{ status: 503 }, 'registry/unavailable'],
    [{ status: 429 }, 'registry/rate-limited'],
    [{ status: 200, body: '{}' }, 'registry/unexpected-answer'],
    [{ status: 200, body: '{"token":"a\\r\\nx: y"}' }, 'registry/unexpected-answer'],
    [{ status: 200, body: 'html' }, 'registry/unexpected-answer'],
    [{ status: 302, headers: { location: 'https://attacker.example/' } }, 'registry/unauthorized'],
  ] as const) {
    const tokens = await otherServer(answer)
    const registry = keep(await startRegistry({ auth: 'bearer', realm: `${tokens.url}/token` }))
    const { client, repository } = connect(registry.host, { credentials: ALICE })
    expect(await codeOf(client.checkPush(repository))).toBe(code)
  }
})

test('a redirect to another origin is followed without the login, and what comes is hashed', async () => {
  const storage = await otherServer({ status: 200, body: 'layer' })
  const registry = keep(await startRegistry({ auth: 'bearer', blobRedirect: `${storage.url}/` }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  const { digest } = await client.putBlob(repository, utf8('layer'))
  expect(Buffer.from(await client.getBlob(repository, digest, 100)).toString()).toBe('layer')
  expect(storage.seen).toHaveLength(1)
  expect(storage.seen[0]?.headers.authorization).toBeUndefined()
  const other = await client.putBlob(repository, utf8('other'))
  expect(await codeOf(client.getBlob(repository, other.digest, 100))).toBe('registry/digest-mismatch')
})

test('credentials do not return when a redirect chain comes back', async () => {
  const registry = keep(await startRegistry({ auth: 'basic' }))
  const back = await otherServer({ status: 307, headers: { location: `${registry.url}/v2/acme/app/manifests/chosen` } })
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.checkPush(repository)
  registry.log.length = 0
  registry.faults.add({ path: /manifests\/v1$/, fault: { status: 307, headers: { location: `${back.url}/` } } })
  await codeOf(client.getRaw(repository, 'v1').then(() => Promise.reject(new Error('no'))))
  expect(registry.log.map(entry => entry.authorization)).toEqual(['Basic', 'none'])
})

test.each(['file:///etc/passwd', 'javascript:alert(1)', 'http://user:pw@127.0.0.1/'])(
  'a redirect to %s is refused',
  async location => {
    const registry = keep(await startRegistry())
    const { client, repository } = connect(registry.host)
    registry.faults.add({ fault: { status: 302, headers: { location } } })
    expect(await codeOf(client.getRaw(repository, 'v1'))).toBe('registry/redirect-refused')
  },
)

test('a redirect loop ends', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  registry.faults.add({ times: Infinity, fault: { status: 307, headers: { location: '/v2/acme/app/manifests/v1' } } })
  expect(await codeOf(client.getRaw(repository, 'v1'))).toBe('registry/redirect-refused')
  expect(registry.log).toHaveLength(6)
})

test('13-adversary 32: the guard sees every URL, token servers and redirects too, and can refuse', async () => {
  const storage = await otherServer({ status: 200, body: 'layer' })
  const registry = keep(await startRegistry({ auth: 'bearer', blobRedirect: `${storage.url}/` }))
  const urls: string[] = []
  const { client, repository } = connect(registry.host, {
    credentials: ALICE,
    guard: url => void urls.push(url.origin + url.pathname),
  })
  const { digest } = await client.putBlob(repository, utf8('layer'))
  await client.getBlob(repository, digest, 100)
  expect(urls).toContain(`${registry.url}/token`)
  expect(urls).toContain(`${storage.url}/${digest}`)
  const strict = connect(registry.host, {
    credentials: ALICE,
    guard: () => {
      throw new Error('refused')
    },
  })
  registry.log.length = 0
  await expect(strict.client.checkPush(repository)).rejects.toThrow('refused')
  expect(registry.log).toHaveLength(0)
})
