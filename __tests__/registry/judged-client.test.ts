import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import type { ResolvedAddress } from '../../src/io/address.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { CredentialSource } from '../../src/registry/credentials.ts'
import { judgedClient } from '../../src/registry/judged-client.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, closeAll, codeOf, connect, keep, pushImage, quickClock } from './support.ts'

afterEach(closeAll)

const NAME = 'registry.example'

/** A registry on loopback that content calls by a name which a fake name server leads there, or elsewhere. */
async function setUp(
  options: RegistryOptions,
  policy: { private: boolean; named?: readonly string[] },
  turns: string[],
) {
  const registry = keep(await startRegistry(options))
  const direct = connect(registry.host, { credentials: ALICE })
  const { descriptor } = await pushImage(direct, 'image')
  registry.log.length = 0
  const host = `${NAME}:${registry.port}`
  const asked: string[] = []
  const resolve = (name: string): Promise<ResolvedAddress[]> => {
    const address = turns[Math.min(asked.length, turns.length - 1)] ?? ''
    asked.push(name)
    return Promise.resolve([{ address, family: 4 }])
  }
  const http = keep(new HttpClient({ plainHttpHosts: [host] }))
  const found: string[] = []
  const exact: CredentialSource = {
    find: name => {
      found.push(name)
      return Promise.resolve(undefined)
    },
  }
  const credentials = { ...ALICE, exact }
  const client = judgedClient({ http, credentials, clock: quickClock(), plainHttpHosts: [host] }, policy, resolve)
  return { registry, client, asked, found, descriptor, repository: { host, repository: 'acme/app' } }
}

test('13-adversary 39: a reference of judged content that leads inside gets no connection', async () => {
  const { registry, client, repository, descriptor } = await setUp({}, { private: false }, ['127.0.0.1'])
  expect(await codeOf(client.getManifest(repository, descriptor.digest))).toBe('core/address-refused')
  for (const host of ['127.0.0.1:1', '169.254.169.254', '[::ffff:127.0.0.1]:1'])
    expect(await codeOf(client.getRaw({ host, repository: 'x' }, 'latest'))).toBe('core/address-refused')
  expect(registry.log).toEqual([])
})

test('13-adversary 39: a rule that says private leads there, by the address that was checked', async () => {
  const { registry, client, repository, descriptor, asked } = await setUp({}, { private: true }, [
    '127.0.0.1',
    '10.0.0.1',
  ])
  expect((await client.getManifest(repository, descriptor.digest)).descriptor.digest).toBe(descriptor.digest)
  await client.getManifest(repository, descriptor.digest)
  expect(asked).toEqual([NAME])
  expect(new Set(registry.log.map(entry => entry.connection)).size).toBe(1)
})

test('13-adversary 39: a public registry that redirects to an inner address is not followed there', async () => {
  const redirect = { blobRedirect: 'http://inside.example/' }
  const { client, repository, asked } = await setUp(redirect, { private: true }, ['127.0.0.1', '169.254.169.254'])
  expect(await codeOf(client.getBlob(repository, sha256(utf8('layer of image')), 100))).toBe('core/address-refused')
  expect(asked).toEqual([NAME, 'inside.example'])
})

test.each([
  ['on the metadata address', 'https://169.254.169.254/token'],
  ['on this machine', 'http://127.0.0.1:1/token'],
  ['of somebody else', 'https://tokens.elsewhere.example/token'],
  ['without TLS elsewhere', 'http://tokens.registry.example/token'],
])('13-adversary 39: a token realm %s is not asked, whatever the rule allows', async (_what, realm) => {
  const { client, repository, asked, descriptor, found } = await setUpWithRealm(realm, ['127.0.0.1'])
  expect(await codeOf(client.getManifest(repository, descriptor.digest))).toBe('registry/realm-refused')
  expect(asked).toEqual([NAME])
  expect(found).toEqual([])
})

test('13-adversary 32: a token realm on the registry’s own domain is resolved and checked too', async () => {
  const world = await setUpWithRealm('https://tokens.registry.example/token', ['127.0.0.1', '169.254.169.254'])
  const { client, repository, descriptor, asked } = world
  expect(await codeOf(client.getManifest(repository, descriptor.digest))).toBe('core/address-refused')
  expect(asked).toEqual([NAME, 'tokens.registry.example'])
})

/** The realm begins to lie once the image is there. */
async function setUpWithRealm(realm: string, turns: string[]) {
  const world = await setUp({}, { private: true }, turns)
  const headers = { 'www-authenticate': `Bearer realm="${realm}",service="x"` }
  world.registry.faults.add({ times: Infinity, fault: { status: 401, headers } })
  return world
}

test('13-adversary 39: logins of judged references come from exact entries alone', async () => {
  const { client, repository, descriptor, found } = await setUp({}, { private: true }, ['127.0.0.1'])
  await client.getManifest(repository, descriptor.digest)
  const world = await setUpWithRealm(`https://${NAME}/token`, ['127.0.0.1'])
  await world.client.getManifest(world.repository, descriptor.digest).catch(() => undefined)
  expect(found).toEqual([])
  expect(world.found.every(host => host.startsWith(NAME))).toBe(true)
})
