import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { attachBundles } from '../../src/registry/bundles.ts'
import { copyImage } from '../../src/registry/copy.ts'
import { EMPTY_CONFIG, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { listReferrers } from '../../src/registry/referrers.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

test.each(['one registry', 'two registries'])(
  '13-adversary 26: a planted referrer whose parts are gone stops no copy (%s)',
  async how => {
    const registry = keep(await startRegistry())
    const other = how === 'one registry' ? registry : keep(await startRegistry())
    const from = connect(registry.host)
    const to = connect(other.host, {}, 'acme/copy')
    const image = await pushImage(from, 'app')
    const subject = image.descriptor
    const bundle = utf8('{"signed": true}')
    const item = { subject, bundle, predicateType: 'https://example.com/p', created: new Date(0) }
    const [attached] = await attachBundles(from.client, from.repository, [item])
    const lost = utf8('a part that somebody stored and took away')
    await from.client.putBlob(from.repository, lost)
    const layer = { mediaType: 'application/octet-stream', digest: sha256(lost), size: lost.byteLength }
    const planted = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: EMPTY_CONFIG, layers: [layer], subject }
    const bytes = utf8(JSON.stringify(planted))
    await from.client.putManifest(from.repository, sha256(bytes), OCI_MANIFEST, bytes)
    registry.storage.open('acme/app').blobs.delete(sha256(lost))
    await copyImage(
      { client: from.client, repository: from.repository },
      { client: to.client, repository: to.repository },
      subject.digest,
    )
    const { descriptors } = await listReferrers(to.client, to.repository, subject.digest)
    expect(descriptors.map(({ digest }) => digest)).toEqual([attached?.manifest])
  },
)
