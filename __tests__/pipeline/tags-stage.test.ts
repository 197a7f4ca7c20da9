import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import type { ServedImage } from '../../src/pipeline/digest-stage.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import type { SourceOutcome } from '../../src/pipeline/source-stage.ts'
import { StageLog } from '../../src/pipeline/stages.ts'
import { beginTags, moveTags, type Tags } from '../../src/pipeline/tags-stage.ts'
import { moveTag } from '../../src/registry/tags.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, keep, pushImage } from '../registry/support.ts'

afterEach(closeAll)

async function setUp(over: Partial<AttestRequest> = {}) {
  const registry = keep(await startRegistry({}))
  const connection = connect(registry.host)
  const { client, repository } = connection
  const [old, own, other] = [
    await pushImage(connection, 'old'),
    await pushImage(connection, 'own'),
    await pushImage(connection, 'other'),
  ]
  const target = (image: typeof own) => ({ mediaType: image.descriptor.mediaType, bytes: image.bytes })
  await moveTag(client, repository, 'latest', target(old))
  const verifier = async () => () => {
    throw new Error('nothing is attached')
  }
  const ports = { registry: client, verifier } as unknown as AttestPorts
  const tags = [{ repository, tag: 'latest' }]
  const request = { tags, allowRollback: false, ...over } as unknown as AttestRequest
  const image = { descriptor: own.descriptor, repositories: [repository] } as unknown as ServedImage
  const source = { commit: { id: 'c'.repeat(40) } } as unknown as SourceOutcome
  const record = new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))
  registry.log.splice(0)
  return {
    registry,
    own,
    begin: () => beginTags(request, ports, image, source),
    move: (ready: Tags) => moveTags(request, ports, image, ready, record),
    elsewhere: () => moveTag(client, repository, 'latest', target(other)),
    served: async () => (await client.headTag(repository, 'latest'))?.digest,
    other,
  }
}

const requestsAbout = (requests: readonly string[]) =>
  requests.filter(line => line.includes('/manifests/latest')).map(line => line.split(' ')[0])

test('13-adversary 25: tags are judged ahead by reading alone, and read again right before they are moved', async () => {
  const { registry, own, begin, move, served } = await setUp()
  const ready = begin()
  await ready()
  expect(registry.requests().filter(line => !line.startsWith('GET '))).toEqual([])
  expect(requestsAbout(registry.requests())).toEqual(['GET'])
  await move(ready)
  expect(requestsAbout(registry.requests())).toEqual(['GET', 'GET', 'PUT', 'HEAD'])
  expect(await served()).toBe(own.descriptor.digest)
})

test('13-adversary 25: a tag that was moved since it was judged stays where it is', async () => {
  const { other, begin, move, elsewhere, served } = await setUp()
  const ready = begin()
  await ready()
  await elsewhere()
  expect(await codeOf(move(ready))).toBe('registry/tag-changed')
  expect(await served()).toBe(other.descriptor.digest)
})

test('where files are signed in between, tags are judged when they are moved', async () => {
  const { registry, own, begin, move, elsewhere, served } = await setUp({
    files: { patterns: ['*.bin'], keyed: false },
  })
  const ready = begin()
  await elsewhere()
  registry.log.splice(0)
  await move(ready)
  expect(requestsAbout(registry.requests())).toEqual(['GET', 'GET', 'PUT', 'HEAD'])
  expect(await served()).toBe(own.descriptor.digest)
})

test('a run without tags asks nothing', async () => {
  const { registry, begin, move } = await setUp({ tags: [] })
  await move(begin())
  expect(registry.requests()).toEqual([])
})
