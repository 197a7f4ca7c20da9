import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { fileReferrer } from '../../src/registry/attached-file.ts'
import { attachBundles, fetchBundles } from '../../src/registry/bundles.ts'
import { OCI_INDEX } from '../../src/registry/manifest.ts'
import { listReferrers } from '../../src/registry/referrers.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, closeAll, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const TYPE = 'application/vnd.waybill.materials.v1+json'
const CREATED = new Date('2026-03-04T05:06:07.890Z')
const BYTES = utf8('{"schemaVersion":1}\n')
const DOCUMENT = { bytes: BYTES, artifactType: TYPE, title: 'waybill-materials.json', created: CREATED }

test('fileReferrer() writes the same manifest each time, with the document as its only layer', () => {
  const subject = { mediaType: OCI_INDEX, digest: sha256('s'), size: 5, annotations: { not: 'copied' } }
  const { manifest, artifactType } = fileReferrer({ ...DOCUMENT, subject })
  expect(fileReferrer({ ...DOCUMENT, subject }).manifest).toEqual(manifest)
  expect(artifactType).toBe(TYPE)
  expect(JSON.parse(Buffer.from(manifest).toString())).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: TYPE,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2, digest: sha256('{}') },
    layers: [
      {
        mediaType: TYPE,
        digest: sha256(BYTES),
        size: BYTES.byteLength,
        annotations: { 'org.opencontainers.image.title': 'waybill-materials.json' },
      },
    ],
    subject: { mediaType: OCI_INDEX, digest: sha256('s'), size: 5 },
    annotations: { 'org.opencontainers.image.created': '2026-03-04T05:06:07Z' },
  })
})

test.each<[string, RegistryOptions]>([
  ['referrers API', {}],
  ['fallback tag', { referrers: false }],
])('a document is found beside its bundle by the %s, and is taken for no bundle', async (_how, options) => {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host, { credentials: ALICE })
  const { client, repository } = connection
  const { descriptor: subject } = await pushImage(connection, 'image')
  const bundle = { subject, bundle: utf8('{"b":1}'), predicateType: 'https://slsa.dev/provenance/v1', created: CREATED }
  const files = [{ ...DOCUMENT, subject }]
  for (const _again of [1, 2])
    expect(await attachBundles(client, repository, [bundle], { files, settleMs: 10 })).toHaveLength(1)
  const { descriptors } = await listReferrers(client, repository, subject.digest, TYPE)
  const own = descriptors.filter(({ artifactType }) => artifactType === TYPE)
  expect(own).toHaveLength(1)
  expect(await client.getBlob(repository, sha256(BYTES), 100)).toEqual(Buffer.from(BYTES))
  const read = await fetchBundles(client, repository, subject.digest)
  expect(read.bundles.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['{"b":1}'])
  expect([read.complete, read.skipped]).toEqual([true, []])
})
