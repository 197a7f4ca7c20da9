import { randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { attachBundles, fetchBundles } from '../../src/registry/bundles.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { parseReference, type Repository } from '../../src/registry/reference.ts'
import { Supervisor } from '../../tools/peers/process.ts'
import { LOGIN, REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts'
import { openDoor } from './door.ts'
import { Matrix } from './matrix.ts'
import { type KeyFiles, makeKey, signImage } from './signing.ts'
import { startTokenRegistry } from './token-registry.ts'
import {
  ACCEPTED,
  attest,
  cosign,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  tagIn,
  VERIFIERS,
  verdicts,
  type World,
} from './world.ts'

/** The pieces of the registry client against every registry program of the ring. */

jest.setTimeout(240_000)

const CHUNK = 1024 * 1024
const matrix = new Matrix('registries')
const opened: { close(): void | Promise<void> }[] = []
let world: World
let key: KeyFiles
beforeAll(async () => {
  world = await openWorld()
  key = await makeKey(world, 'writer')
})
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

function keep<T extends { close(): void | Promise<void> }>(thing: T): T {
  opened.push(thing)
  return thing
}

/** A client of its own, with its own connections and memory, as another process has. */
function clientOf(name: RegistryName | 'tokens'): RegistryClient {
  const credential = { kind: 'password', ...LOGIN } as const
  const credentials = { find: async () => (name === 'debian' || name === 'tokens' ? credential : undefined) }
  return new RegistryClient({ http: keep(new HttpClient()), credentials, chunkBytes: CHUNK })
}

const hostOf = (name: RegistryName) => world.stack.registries[name].host
const place = (host: string, repository: string): Repository => ({ host, repository })

interface Source {
  readonly bytes: Buffer
  readonly digest: Digest
  readonly size: number
  readonly open: () => Readable
}

/** Bytes that nobody has yet; the first reading is slow where a token shall end meanwhile. */
function sourceOf(size: number, pauseMs = 0): Source {
  const bytes = randomBytes(size)
  let readings = 0
  async function* parts() {
    const slow = readings++ === 0 && pauseMs > 0
    for (let at = 0; at < size; at += CHUNK / 4) {
      if (slow) await sleep(pauseMs)
      yield bytes.subarray(at, at + CHUNK / 4)
    }
  }
  return { bytes, digest: sha256(bytes), size, open: () => Readable.from(parts()) }
}

async function expectStored(client: RegistryClient, repository: Repository, { digest, bytes }: Source): Promise<void> {
  expect(Buffer.from(await client.getBlob(repository, digest, bytes.byteLength)).equals(bytes)).toBe(true)
}

const counted = ({ methods }: CuttingProxy, method: string) => methods.filter(one => one === method).length

describe.each(REGISTRIES)('%s', name => {
  test('takes a large blob in pieces', async () => {
    const proxy = keep(await startCuttingProxy(hostOf(name)))
    const client = clientOf(name)
    const repository = place(proxy.host, `acme/pieces-${name}`)
    const source = sourceOf(5 * CHUNK + 1234)
    await client.putBlob(repository, source)
    await expectStored(client, repository, source)
    expect([counted(proxy, 'PATCH'), counted(proxy, 'PUT')]).toEqual([6, 1])
  })

  test('has the whole blob after a connection that broke in the middle of a piece', async () => {
    const proxy = keep(await startCuttingProxy(hostOf(name)))
    const client = clientOf(name)
    const repository = place(proxy.host, `acme/cut-${name}`)
    const source = sourceOf(6 * CHUNK)
    proxy.cut = { method: 'PATCH', skip: 3, after: CHUNK / 3 }
    await client.putBlob(repository, source)
    await expectStored(client, repository, source)
    expect(proxy.cuts).toBe(1)
    const again = Math.max(0, proxy.sent - source.size)
    matrix.record(`${name} cut in mid-piece`, {
      uploads: counted(proxy, 'POST'),
      'KiB sent again': Math.round(again / 1024),
    })
    // distribution 3 says how far it is, and nothing that was whole goes again. The others lose the session: 2.8 ends one whose
    // piece broke off, go-containerregistry knows no question about it. They get the blob from its beginning, once.
    expect(again).toBeLessThan(name === 'distribution' ? 1.5 * CHUNK : source.size)
  })

  test('mounts a blob of another repository, or gets its bytes', async () => {
    const proxy = keep(await startCuttingProxy(hostOf(name)))
    const client = clientOf(name)
    const [from, to] = [place(proxy.host, `acme/from-${name}`), place(proxy.host, `acme/to-${name}`)]
    const source = sourceOf(2 * CHUNK)
    await client.putBlob(from, source)
    const before = proxy.sent
    await client.putBlob(to, source, { from: from.repository })
    await expectStored(client, to, source)
    const mounted = proxy.sent - before < CHUNK
    matrix.record(`${name} mount`, { mounted: Number(mounted) })
    // go-containerregistry mounts nothing, and answers like a registry that would not.
    expect(mounted).toBe(name === 'distribution' || name === 'debian')
  })

  test('that forgets what it accepted gets it again', async () => {
    const client = clientOf(name)
    const repository = place(hostOf(name), `acme/forgets-${name}`)
    const subject = await subjectIn(name, repository)
    const items = [bundle(subject, 'one'), bundle(subject, 'two')]
    await client.putBlob(repository, items[0]?.bundle ?? new Uint8Array())
    const gone = await removeBlob(client, repository, sha256(items[0]?.bundle ?? ''))
    matrix.record(`${name} removes blobs`, { status: gone })
    await attachBundles(client, repository, items)
    const found = () => fetchBundles(clientOf(name), repository, subject.digest)
    // Two of them check the parts of a manifest and say what they lost; go-containerregistry takes it as it is: reading back tells.
    const checks = name === 'distribution' || name === 'debian'
    const first = await found()
    expect([first.complete, first.bundles.length]).toEqual(checks ? [true, 2] : [false, 1])
    await attachBundles(clientOf(name), repository, items)
    const second = await found()
    expect([second.complete, second.bundles.length]).toEqual([true, 2])
  })
})

const ANSWER = { status: 401, headers: { 'www-authenticate': 'Basic realm="waybill"' } }

test('a login that is not taken any more in the middle of an upload is told, and the next try has it all', async () => {
  const door = keep(await openDoor('debian door', `http://${hostOf('debian')}`))
  let pieces = 0
  door.before = async ({ method }) => (method === 'PATCH' && ++pieces === 3 ? ANSWER : undefined)
  const client = clientOf('debian')
  const repository = place(door.host, 'acme/asked-again')
  const source = sourceOf(5 * CHUNK)
  const error = await client.putBlob(repository, source).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'registry/forbidden', kind: 'unknown' })
  await client.putBlob(repository, source)
  await expectStored(client, repository, source)
})

test('a token that ends in the middle of an upload is asked for anew', async () => {
  const { folder, peers } = world.stack
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  const registry = await startTokenRegistry(folder, peers.go.distribution, supervisor)
  try {
    registry.livesMs = 3_000
    const client = clientOf('tokens')
    const repository = place(registry.host, 'acme/short-lived')
    const source = sourceOf(4 * CHUNK, 400)
    await client.putBlob(repository, source)
    await expectStored(client, repository, source)
    expect(registry.issued).toBeGreaterThanOrEqual(2)
  } finally {
    await supervisor.stop()
    await registry.close()
  }
})

test('one image in two registry programs: each has it with all its referrers, and every verifier accepts it there', async () => {
  const images = [repositoryIn(world, 'referrers', 'both'), repositoryIn(world, 'distribution', 'both')]
  const layout = layoutOf(world, 'both', ['linux/amd64', 'linux/arm64'])
  const result = await attest(world, { images: images.join('\n'), builder: 'layout', layout, tags: 'v1' })
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  for (const { stored = [] } of result.result.attestations) expect(stored).toHaveLength(2)
  for (const [at, registry] of (['referrers', 'distribution'] as const).entries()) {
    const image = images[at] ?? ''
    expect(await tagIn(registry, image)).toBe(result.outputs.digest)
    const accepted = await verdicts(world, VERIFIERS, pinned(image, result.outputs.digest), expectedOf(world))
    expect(matrix.record(`two registries, ${registry}`, accepted)).toEqual(ACCEPTED)
    const client = clientOf(registry)
    const { bundles } = await fetchBundles(client, parseReference(image), result.outputs.digest as Digest)
    expect(bundles.length).toBeGreaterThanOrEqual(2)
  }
})

describe.each(['crane', 'distribution', 'debian'] as const)('the fallback index of %s', name => {
  test.each([
    [1, 1],
    [7, 3],
  ])('has all of %d writers of ours beside %d of cosign 3.1.2', async (ours, theirs) => {
    const repository = place(hostOf(name), `acme/writers-${ours}-${theirs}`)
    const subject = await subjectIn(name, repository)
    const items = Array.from({ length: ours }, (_, at) => bundle(subject, `${name} ${at} ${randomUUID()}`))
    const image = pinned(`${repository.host}/${repository.repository}`, subject.digest)
    await Promise.all([
      ...items.map(item => attachBundles(clientOf(name), repository, [item])),
      ...Array.from({ length: theirs }, () => signImage(world, 'cosign3', 'sign', image, { key, rekor: 'none' })),
    ])
    const kept = async () => (await fetchBundles(clientOf(name), repository, subject.digest)).bundles
    const found = (await kept()).map(({ bytes }) => sha256(bytes))
    for (const { bundle: bytes } of items) expect(found).toContain(sha256(bytes))
    matrix.record(`${name} ${ours} + ${theirs}`, { ours, 'cosign’s kept': found.length - ours })
    // cosign does not look back; when it writes again, all that was there stays.
    await signImage(world, 'cosign3', 'sign', image, { key, rekor: 'none' })
    const after = (await kept()).map(({ bytes }) => sha256(bytes))
    for (const digest of found) expect(after).toContain(digest)
    const flags = ['--insecure-ignore-tlog=true', `--trusted-root=${world.stack.trustedRootFile}`]
    const verified = await cosign(world, 'cosign3', ['verify', `--key=${key.publicFile}`, ...flags, image])
    expect(`${verified.code} ${verified.code === 0 ? '' : verified.log}`).toBe('0 ')
  })
})

/** An image that is there already. */
async function subjectIn(name: RegistryName, repository: Repository) {
  const path = `${repository.host}/${repository.repository}`
  const digest = await pushStranger(world, name, path, randomUUID())
  return (await clientOf(name).getManifest(repository, digest)).descriptor
}

function bundle(subject: Awaited<ReturnType<typeof subjectIn>>, text: string) {
  return {
    subject,
    bundle: utf8(JSON.stringify({ text })),
    predicateType: 'https://example.org/predicate',
    created: new Date('2026-01-01T00:00:00Z'),
  }
}

/** @returns the registry's status; not every program removes blobs. */
async function removeBlob(client: RegistryClient, repository: Repository, digest: Digest): Promise<number> {
  const path = `blobs/${digest}`
  return (await client.transport.send({ method: 'DELETE', repository, action: 'delete', path })).status
}
