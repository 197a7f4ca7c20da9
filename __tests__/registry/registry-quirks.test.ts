import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { attachBundles, fetchBundles } from '../../src/registry/bundles.ts'
import { immutableTag, saysImmutable } from '../../src/registry/immutable-tag.ts'
import { pushLayout } from '../../src/registry/layout.ts'
import { EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { attachReferrers, listReferrers, type Referrer } from '../../src/registry/referrers.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { ImmutableWording } from '../fakes/registry/immutable.ts'
import type { Paging } from '../fakes/registry/paging.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, errorOf, keep, pushImage } from './support.ts'

afterEach(closeAll)

async function setUp(options: RegistryOptions = {}) {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host)
  const { descriptor: subject } = await pushImage(connection, 'image')
  await connection.client.putBlob(connection.repository, utf8('{}'))
  const referrers = ['a', 'b', 'c', 'd', 'e'].map((name): Referrer => {
    const artifactType = 'application/vnd.example+json'
    const common = { schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType, subject, annotations: { name } }
    const manifest = utf8(JSON.stringify({ ...common, config: EMPTY_CONFIG, layers: [EMPTY_CONFIG] }))
    return { subject, manifest, artifactType, annotations: { name } }
  })
  return { registry, connection, subject, referrers, ...connection }
}

const bundle = (text: string, subject: Awaited<ReturnType<typeof setUp>>['subject']) => ({
  subject,
  bundle: utf8(JSON.stringify({ text })),
  predicateType: 'https://example.org/predicate',
  created: new Date('2026-01-01T00:00:00Z'),
})

describe('the referrers API', () => {
  test.each<Paging>(['absolute', 'relative', 'http', 'among-others'])(
    'that pages with %s links is read whole',
    async paging => {
      const { client, repository, subject, referrers } = await setUp({ pageSize: 2, paging })
      await attachReferrers(client, repository, referrers)
      const list = await listReferrers(client, repository, subject.digest)
      expect([list.complete, list.descriptors.length]).toEqual([true, 5])
    },
  )

  test.each<Paging>(['loop', 'endless', 'foreign', 'elsewhere', 'garbage'])(
    '13-adversary 26: that pages with %s links is incomplete, and what it listed is there',
    async paging => {
      const { registry, client, repository, subject, referrers } = await setUp({ pageSize: 2, paging })
      await attachReferrers(client, repository, referrers)
      registry.log.length = 0
      const list = await listReferrers(client, repository, subject.digest)
      expect(list.complete).toBe(false)
      expect(list.descriptors.length).toBeGreaterThanOrEqual(2)
      expect(list.problems[0]?.code).toBe('registry/referrers-incomplete')
      expect(registry.log.length).toBeLessThanOrEqual(51)
      if (paging === 'loop') expect(registry.log.length).toBeLessThanOrEqual(3)
    },
  )

  test('13-adversary 26: that pages badly makes the writer keep the fallback tag, too', async () => {
    const { client, repository, subject, referrers } = await setUp({
      pageSize: 1,
      paging: 'foreign',
      ociSubject: false,
    })
    const attached = await attachReferrers(client, repository, referrers)
    expect(new Set(attached.map(({ stored }) => stored))).toEqual(new Set(['fallback']))
    const list = await listReferrers(client, repository, subject.digest)
    expect([list.complete, list.descriptors.length]).toEqual([false, 5])
  })

  test('whose answers have another Content-Type is read all the same: the manifests decide', async () => {
    const { registry, client, repository, subject, referrers } = await setUp()
    await attachReferrers(client, repository, referrers)
    const lists = registry.storage
    const wrong = keep(await startRegistry({ storage: lists, contentType: 'text/plain' }))
    const other = connect(wrong.host)
    const list = await listReferrers(other.client, other.repository, subject.digest)
    expect(list.descriptors).toHaveLength(5)
    expect(await codeOf(other.client.getManifest(other.repository, subject.digest))).toBe('registry/manifest-malformed')
  })

  const good = { mediaType: OCI_MANIFEST, digest: sha256('x'), size: 1 }
  test.each<[string, string | Uint8Array, number?]>([
    ['truncated', '{"schemaVersion":2,"manifests":[', 4000],
    ['truncated and said to be whole', '{"schemaVersion":2,"manifests":['],
    ['a list at the top', '[]'],
    ['a number for the list', '{"manifests":7}'],
    ['an object for the list', '{"manifests":{"0":{}}}'],
    ['null in the list', '{"manifests":[null]}'],
    ['a text for a size', JSON.stringify({ manifests: [{ ...good, size: '1' }] })],
    ['a negative size', JSON.stringify({ manifests: [{ ...good, size: -1 }] })],
    ['a size beyond all numbers', JSON.stringify({ manifests: [good] }).replace('"size":1', '"size":1e400')],
    ['a digest of another kind', JSON.stringify({ manifests: [{ ...good, digest: 'sha512:ab' }] })],
    ['a key twice', '{"manifests":[],"manifests":[]}'],
    ['too deep', `{"manifests":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['huge', '{"manifests":[]}', LIMITS.manifestBytes + 1],
  ])('13-adversary 26: whose answer is %s is incomplete', async (...row) => {
    // Not as parameters: the third would be taken for a callback where a row has two.
    const [, body, announce] = row
    const { registry, client, repository, subject } = await setUp()
    const fault = { status: 200, body, ...(announce === undefined ? {} : { announce }) }
    registry.faults.add({ path: /referrers/, times: Infinity, fault })
    // The connection that hangs is cut after the body's beginning: nothing waits for what never comes.
    if (announce !== undefined && announce <= LIMITS.manifestBytes) {
      registry.faults.clear()
      registry.faults.add({ path: /referrers/, times: Infinity, fault: 'cut-body' })
    }
    const put = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [subject] }))
    await client.putManifest(repository, `sha256-${subject.digest.slice(7)}`, OCI_INDEX, put)
    const list = await listReferrers(client, repository, subject.digest)
    expect([list.complete, list.descriptors.length]).toEqual([false, 1])
  })
})

describe('a registry that calls a right digest wrong while another writer stores the same part', () => {
  const body = JSON.stringify({ errors: [{ code: 'DIGEST_INVALID', message: 'provided digest did not match' }] })

  test('gets the manifest again', async () => {
    const { registry, client, repository, subject } = await setUp()
    registry.faults.add({ method: 'PUT', path: /manifests/, times: 3, fault: { status: 400, body } })
    await attachBundles(client, repository, [bundle('one', subject)])
    expect((await fetchBundles(client, repository, subject.digest)).bundles).toHaveLength(1)
    expect(registry.faults.injected).toBe(3)
  })

  test('is told in the end when it stays so', async () => {
    const { registry, client, repository, subject } = await setUp()
    registry.faults.add({ method: 'PUT', path: /manifests/, times: Infinity, fault: { status: 400, body } })
    const error = await errorOf(attachBundles(client, repository, [bundle('one', subject)]))
    expect(error).toMatchObject({ code: 'registry/unexpected-answer', kind: 'unknown' })
    expect(error.found).toContain('DIGEST_INVALID')
  })
})

describe('a registry that accepts and forgets', () => {
  test('the blobs of bundles gets them again', async () => {
    const items = (subject: Parameters<typeof bundle>[1]) => [bundle('one', subject), bundle('two', subject)]
    const forgets = new Set([sha256(utf8('{"text":"one"}')), sha256('{}')] as string[])
    const { subject } = await setUp()
    const forgetful = keep(await startRegistry({ forgets }))
    const other = connect(forgetful.host)
    const { descriptor } = await pushImage(other, 'image')
    expect(descriptor.digest).toBe(subject.digest)
    await attachBundles(other.client, other.repository, items(descriptor))
    const found = await fetchBundles(other.client, other.repository, descriptor.digest)
    expect([found.complete, found.bundles.length]).toEqual([true, 2])
    expect(forgetful.storage.forgotten.size).toBe(2)
  })

  test('a layer gets it again, with all of the layout', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-quirks-'))
    const layout = writeLayout(folder)
    const probe = keep(await startRegistry())
    await pushLayout(connect(probe.host).client, { host: probe.host, repository: 'acme/app' }, layout.folder)
    const forgets = new Set(probe.storage.open('acme/app').blobs.keys())
    const registry = keep(await startRegistry({ forgets }))
    const { client, repository } = connect(registry.host)
    const { digest } = await pushLayout(client, repository, layout.folder)
    expect((await client.getManifest(repository, digest)).descriptor.digest).toBe(layout.digest)
    rmSync(folder, { recursive: true })
  })

  test('again and again is told', async () => {
    const { registry, client, repository, subject } = await setUp()
    const body = JSON.stringify({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'blob unknown' }] })
    registry.faults.add({ method: 'PUT', path: /manifests/, times: Infinity, fault: { status: 400, body } })
    const error = await errorOf(attachBundles(client, repository, [bundle('one', subject)]))
    expect(error).toMatchObject({ code: 'registry/parts-lost', kind: 'unknown' })
    expect(registry.faults.injected).toBe(3)
  })

  test('manifests is told: the list cannot be kept either', async () => {
    const { registry, subject } = await setUp()
    const forgetful = keep(await startRegistry({ storage: registry.storage, forgets: 'manifests', referrers: false }))
    const { client, repository } = connect(forgetful.host)
    const error = await errorOf(attachBundles(client, repository, [bundle('one', subject)], { settleMs: 1 }))
    expect(error).toMatchObject({ code: 'registry/parts-lost', kind: 'unknown' })
  })
})

describe('immutable tags', () => {
  const SETTINGS: readonly [ImmutableWording, string, RegExp][] = [
    [
      'ecr',
      '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
      /--region eu-central-1 .*--repository-name acme\/app .*filter=sha256-\*/,
    ],
    [
      'gar',
      'europe-docker.pkg.dev',
      /gcloud artifacts repositories update app --project=acme --location=europe --no-immutable-tags/,
    ],
    ['quay', 'quay.io', /quay\.io\/repository\/acme\/app\?tab=settings/],
    ['harbor', 'harbor.example', /tag immutability/],
    ['docker-hub', 'docker.io', /hub\.docker\.com\/repository\/docker\/acme\/app/],
    ['acr', 'acme.azurecr.io', /az acr repository update --name acme/],
    ['acr-lock', 'acme.azurecr.io', /az acr repository update --name acme .*--write-enabled true.* az acr show-usage/],
    ['gitlab', 'registry.gitlab.com', /GitLab/],
    ['alibaba', 'acme-registry.cn-hangzhou.cr.aliyuncs.com', /tag immutability/],
    ['mirantis', 'msr.example', /tag immutability/],
    ['nexus', 'nexus.example', /tag immutability/],
  ]
  test.each(SETTINGS)(
    'in the words of %s are told from other refusals, with the setting to change',
    async (wording, host, setting) => {
      const { client, repository, subject, referrers } = await setUp({ referrers: false, immutableTags: wording })
      await attachReferrers(client, repository, referrers.slice(0, 1))
      const error = await errorOf(attachReferrers(client, repository, referrers.slice(1)))
      expect(error).toMatchObject({ code: 'registry/tag-immutable', kind: 'unknown' })
      expect(error.message).toContain(`sha256-${subject.digest.slice(7)}`)
      expect(error.remedy).toContain('begin with sha256-')
      expect(immutableTag({ host, repository: 'acme/app' }, `sha256-${'0'.repeat(64)}`).remedy).toMatch(setting)
      expect(immutableTag({ host, repository: 'acme/app' }, 'v1').remedy).toContain('a tag of its own')
    },
  )

  test.each([
    [403, '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'],
    [412, ''],
    [409, '{"errors":[{"code":"CONFLICT"}]}'],
    [405, '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}'],
    [500, 'immutable'],
    [201, 'immutable'],
  ])('are not read into %d %s', (status, body) => {
    expect(saysImmutable({ status, headers: {}, body: utf8(body) })).toBe(false)
  })
})

describe('ECR', () => {
  test('that knows no such repository says how to make it', async () => {
    const registry = keep(await startRegistry({ repositories: ['acme/other'] }))
    const { client, repository } = connect(registry.host)
    const error = await errorOf(client.checkPush(repository))
    expect(error).toMatchObject({ code: 'registry/not-found', kind: 'unknown' })
    expect(error.remedy).toContain('Create the repository acme/app')
  })
})

describe('headers', () => {
  test('of 31 KiB are read, as Google sends them', async () => {
    const { client, repository, subject } = await setUp({ headerBytes: 31 * 1024 })
    expect((await client.getManifest(repository, subject.digest)).descriptor.digest).toBe(subject.digest)
  })

  test('beyond the bound end as unreachable, which is unknown', async () => {
    const registry = keep(await startRegistry({ headerBytes: LIMITS.headerBytes + 100 }))
    const { client, repository } = connect(registry.host)
    expect(await errorOf(client.getManifest(repository, sha256('x')))).toMatchObject({
      code: 'registry/unreachable',
      kind: 'unknown',
    })
  })

  test('that come several times are one list of challenges', async () => {
    const registry = keep(await startRegistry({ auth: 'bearer', anonymousPull: true }))
    const server = createServer((message, response) => {
      const known = message.headers.authorization !== undefined
      const challenges = ['Negotiate', 'Basic realm="x"', `bearer REALM="${registry.url}/token",service="s"`]
      response.writeHead(known ? 404 : 401, known ? {} : { 'www-authenticate': challenges })
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    keep({ close: () => new Promise<void>(resolve => server.close(() => resolve())) })
    const { client, repository } = connect(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await client.blobExists(repository, sha256('x'))).toBe(false)
    expect(registry.access.tokensIssued).toBe(1)
  })
})
