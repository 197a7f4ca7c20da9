import { utf8 } from '../../src/core/bytes.ts'
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { digestOf } from '../fakes/registry/storage.ts'
import { closeAll, keep } from './support.ts'

/** The embedded registry itself, asked with plain fetch: what tests lean on must be right. */
afterEach(closeAll)

const TYPE = 'application/vnd.oci.image.index.v1+json'
const EMPTY_INDEX = JSON.stringify({ schemaVersion: 2, mediaType: TYPE, manifests: [] })

async function start(options: RegistryOptions = {}): Promise<EmbeddedRegistry & { at: (path: string) => string }> {
  const registry = keep(await startRegistry(options))
  return { ...registry, at: path => `${registry.url}/v2/acme/app/${path}` }
}

const put = (url: string, body: string | Uint8Array, headers = {}): Promise<Response> =>
  fetch(url, { method: 'PUT', body: body as string, headers: { 'content-type': TYPE, ...headers } })

test('the API answers at its root, and 404 elsewhere', async () => {
  const { url } = await start()
  expect((await fetch(`${url}/v2/`)).status).toBe(200)
  expect((await fetch(`${url}/other`)).status).toBe(404)
})

test('blobs are pushed whole, in one POST, in chunks and by mount; wrong digests are refused', async () => {
  const { at, url } = await start()
  const digest = digestOf(utf8('hello'))
  const begin = async (): Promise<string> =>
    `${url}${(await fetch(at('blobs/uploads/'), { method: 'POST' })).headers.get('location')}`
  expect((await put(`${await begin()}?digest=${digestOf(utf8('x'))}`, 'hello')).status).toBe(400)
  expect((await put(`${await begin()}?digest=${digest}`, 'hello')).status).toBe(201)
  const post = await fetch(at(`blobs/uploads/?digest=${digestOf(utf8('post'))}`), { method: 'POST', body: 'post' })
  expect(post.status).toBe(201)
  const session = await begin()
  const patch = (body: string, range: string): Promise<Response> =>
    fetch(session, { method: 'PATCH', body, headers: { 'content-range': range } })
  expect((await patch('chu', '0-2')).status).toBe(202)
  expect((await patch('nk', '9-10')).status).toBe(416)
  expect((await patch('nk', '3-4')).status).toBe(202)
  expect((await fetch(session)).headers.get('range')).toBe('0-4')
  expect((await put(`${session}?digest=${digestOf(utf8('chunk'))}`, '')).status).toBe(201)
  const mount = await fetch(`${url}/v2/other/blobs/uploads/?mount=${digest}&from=acme/app`, { method: 'POST' })
  expect(mount.status).toBe(201)
  expect(await (await fetch(`${url}/v2/other/blobs/${digest}`)).text()).toBe('hello')
  const part = await fetch(at(`blobs/${digest}`), { headers: { range: 'bytes=1-3' } })
  expect([part.status, await part.text()]).toEqual([206, 'ell'])
  const gone = await begin()
  expect((await fetch(gone, { method: 'DELETE' })).status).toBe(204)
  expect((await fetch(gone)).status).toBe(404)
})

test('a manifest needs its parts, keeps its bytes and type, and answers by tag and digest', async () => {
  const { at } = await start()
  const incomplete = JSON.stringify({
    schemaVersion: 2,
    mediaType: TYPE,
    manifests: [{ digest: digestOf(utf8('none')) }],
  })
  expect((await put(at('manifests/v1'), incomplete)).status).toBe(404)
  expect((await put(at('manifests/v1'), 'no json')).status).toBe(400)
  expect((await put(at(`manifests/${digestOf(utf8('other'))}`), EMPTY_INDEX)).status).toBe(400)
  expect((await put(at('manifests/v1'), EMPTY_INDEX)).status).toBe(201)
  for (const reference of ['v1', digestOf(utf8(EMPTY_INDEX))]) {
    const answer = await fetch(at(`manifests/${reference}`))
    expect(answer.headers.get('content-type')).toBe(TYPE)
    expect(await answer.text()).toBe(EMPTY_INDEX)
    expect((await fetch(at(`manifests/${reference}`), { method: 'HEAD' })).status).toBe(200)
  }
  expect(await (await fetch(at('tags/list'))).json()).toEqual({ name: 'acme/app', tags: ['v1'] })
})

test('with ETags conditions are obeyed', async () => {
  const { at } = await start({ etags: true })
  const first = await put(at('manifests/v1'), EMPTY_INDEX, { 'if-none-match': '*' })
  expect(first.status).toBe(201)
  expect((await put(at('manifests/v1'), EMPTY_INDEX, { 'if-none-match': '*' })).status).toBe(412)
  expect((await put(at('manifests/v1'), `${EMPTY_INDEX} `, { 'if-match': '"other"' })).status).toBe(412)
  const etag = first.headers.get('etag') ?? ''
  expect((await put(at('manifests/v1'), `${EMPTY_INDEX} `, { 'if-match': etag })).status).toBe(201)
})

test('tokens are short-lived, scoped, and given for a password or a refresh token only', async () => {
  const registry = await start({ auth: 'bearer' })
  const challenge = (await fetch(registry.at('manifests/v1'))).headers.get('www-authenticate') ?? ''
  expect(challenge).toContain(`realm="${registry.url}/token"`)
  expect(challenge).toContain('scope="repository:acme/app:pull"')
  const token = async (scope: string, login: string): Promise<string> => {
    const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
    const answer = await fetch(`${registry.url}/token?scope=${scope}`, { headers })
    return ((await answer.json()) as { token: string }).token
  }
  const status = async (bearer: string, method: string): Promise<number> =>
    (await fetch(registry.at('blobs/uploads/'), { method, headers: { authorization: `Bearer ${bearer}` } })).status
  expect(await status(await token('repository:acme/app:pull,push', 'alice:alice-password'), 'POST')).toBe(202)
  expect(await status(await token('repository:acme/other:pull,push', 'alice:alice-password'), 'POST')).toBe(401)
  expect(await status(await token('repository:acme/app:pull,push', 'bob:bob-password'), 'POST')).toBe(403)
  expect(await status(await token('repository:acme/app:pull,push', 'alice:wrong'), 'POST')).toBe(401)
  const last = await token('repository:acme/app:pull,push', 'alice:alice-password')
  registry.access.expireTokens()
  expect(await status(last, 'POST')).toBe(401)
})

test('faults hit the requests they name, that many times, and are counted', async () => {
  const registry = await start()
  registry.faults.add({ method: 'GET', path: /tags/, after: 1, times: 2, fault: { status: 503, body: 'down' } })
  registry.faults.hook(request => (request.path.endsWith('/cut') ? 'cut' : undefined))
  const statuses = []
  for (let i = 0; i < 4; i++) statuses.push((await fetch(registry.at('tags/list'))).status)
  expect(statuses).toEqual([200, 503, 503, 200])
  await expect(fetch(registry.at('manifests/cut'))).rejects.toThrow()
  expect(registry.faults.injected).toBe(3)
  expect(registry.requests().at(-1)).toBe('GET /v2/acme/app/manifests/cut → cut')
  expect(registry.log.every(entry => entry.authorization === 'none')).toBe(true)
})

test('a lie serves other bytes under the right name', async () => {
  const registry = await start()
  await put(registry.at('manifests/v1'), EMPTY_INDEX)
  registry.faults.lie(digestOf(utf8(EMPTY_INDEX)), 'other')
  const answer = await fetch(registry.at('manifests/v1'))
  expect(answer.headers.get('docker-content-digest')).toBe(digestOf(utf8(EMPTY_INDEX)))
  expect(await answer.text()).toBe('other')
})
