import { quarantineTag, setAside } from '../../src/registry/quarantine-tag.ts'
import { type EmbeddedRegistry, startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

async function setUp(options: Parameters<typeof startRegistry>[0] = {}) {
  const registry: EmbeddedRegistry = keep(await startRegistry(options))
  const connection = connect(registry.host, options?.auth === undefined ? {} : { credentials: ALICE })
  const bad = await pushImage(connection, 'bad')
  const good = await pushImage(connection, 'good')
  const { client, repository } = connection
  const { mediaType, digest } = bad.descriptor
  await client.putManifest(repository, 'v1', mediaType, bad.bytes)
  const at = async (tag: string) => (await client.getRaw(repository, tag))?.digest
  return { registry, client, repository, bad, good, digest, at, kept: quarantineTag(digest) }
}

test.each([{}, { auth: 'bearer' }, { auth: 'basic' }] as const)(
  '13-adversary 31: setAside() keeps the image under a tag of its own and takes the tag away (%j)',
  async options => {
    const { client, repository, digest, at, kept } = await setUp(options)
    const result = await setAside(client, repository, digest, 'v1')
    expect(result).toEqual({ kept, tag: 'v1', removed: true })
    expect([await at('v1'), await at(kept)]).toEqual([undefined, digest])
    expect(await setAside(client, repository, digest, 'v1')).toEqual(result)
  },
)

test('an image that was named by its digest keeps its tags', async () => {
  const { client, repository, digest, at, kept } = await setUp()
  expect(await setAside(client, repository, digest)).toEqual({ kept, removed: false })
  expect([await at('v1'), await at(kept)]).toEqual([digest, digest])
})

test.each([405, 400, 403, 500])(
  'a registry that answers %i to the deletion is told of, as unknown, and the image is kept',
  async status => {
    const { registry, client, repository, digest, at, kept } = await setUp()
    registry.faults.add({
      method: 'DELETE',
      path: /manifests\/v1$/,
      times: Number.POSITIVE_INFINITY,
      fault: { status },
    })
    const result = await setAside(client, repository, digest, 'v1')
    expect(result).toMatchObject({
      kept,
      removed: false,
      problem: { code: 'registry/tag-not-removed', kind: 'unknown' },
    })
    expect([await at('v1'), await at(kept)]).toEqual([digest, digest])
  },
)

test('a registry that says it deleted and did not is not believed', async () => {
  const { registry, client, repository, digest } = await setUp()
  registry.faults.add({ method: 'DELETE', path: /manifests\/v1$/, fault: { status: 202 } })
  const { removed, problem } = await setAside(client, repository, digest, 'v1')
  expect([removed, problem?.code]).toEqual([false, 'registry/tag-not-removed'])
})

test('a tag that leads elsewhere by now is left alone', async () => {
  const { client, repository, digest, good, at } = await setUp()
  await client.putManifest(repository, 'v1', good.descriptor.mediaType, good.bytes)
  const { removed, problem } = await setAside(client, repository, digest, 'v1')
  expect([removed, problem?.code, await at('v1')]).toEqual([false, 'registry/tag-not-removed', good.descriptor.digest])
})

test('13-adversary 25: a list of referrers is never deleted, whatever the reference said', async () => {
  const { registry, client, repository, digest } = await setUp()
  const { problem } = await setAside(client, repository, digest, `sha256-${'a'.repeat(64)}`)
  expect(problem?.code).toBe('registry/tag-reserved')
  expect(registry.log.filter(({ method }) => method === 'DELETE')).toEqual([])
})

test('nothing is deleted when the image could not be kept first', async () => {
  const { registry, client, repository, digest, good, kept, at } = await setUp()
  await client.putManifest(repository, kept, good.descriptor.mediaType, good.bytes)
  expect(await codeOf(setAside(client, repository, digest, 'v1'))).toBe('registry/tag-not-ours')
  expect([await at('v1'), await at(kept)]).toEqual([digest, good.descriptor.digest])
  expect(registry.log.filter(({ method }) => method === 'DELETE')).toEqual([])
})
