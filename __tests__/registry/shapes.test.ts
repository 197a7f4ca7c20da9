import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDigest } from '../../src/core/digest.ts'
import { copyImage } from '../../src/registry/copy.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { pushLayout } from '../../src/registry/layout.ts'
import { imageSubjects } from '../../src/statements/subjects.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { LayoutWriter, SHAPES, writeShape } from '../fakes/shaped-layout.ts'
import { closeAll, codeOf, connect, keep } from './support.ts'

afterEach(closeAll)

const temporary = () => mkdtempSync(join(tmpdir(), 'waybill-shape-'))

test.each(Object.entries(SHAPES))(
  '%s: pushed, read back and copied as it is, every subject under a name of its own',
  async (name, { kind, platforms }) => {
    const registry = keep(await startRegistry())
    const { client, repository } = connect(registry.host)
    const { folder, digest } = writeShape(temporary(), name)
    const pushed = await pushLayout(client, repository, folder)
    expect(pushed.digest).toBe(digest)
    const image = await inspectImage(client, repository, pushed.digest)
    expect([image.kind, image.platforms.map(({ platform }) => platform)]).toEqual([kind, platforms])
    const subjects = imageSubjects({ repositories: ['ghcr.io/acme/app'], ...image, digest: pushed.digest })
    expect(new Set(subjects.map(subject => subject.name)).size).toBe(subjects.length)
    expect(subjects).toHaveLength(1 + platforms.length)
    const other = connect(registry.host, {}, 'acme/other')
    await copyImage({ client, repository }, { client: other.client, repository: other.repository }, pushed.digest)
    expect(await inspectImage(other.client, other.repository, pushed.digest)).toEqual(image)
  },
)

test('a layer that may be distributed and is in no layout stops the push', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  const writer = new LayoutWriter(temporary())
  const layer = writer.blob('application/vnd.oci.image.layer.v1.tar', 'gone')
  // URLs alone make no layer one that others may fetch from there.
  const image = writer.image('linux/amd64', [{ ...layer, urls: ['https://example.com/layer'] }])
  writer.remove(layer)
  const { folder, digest } = writer.finish(image)
  expect(await codeOf(pushLayout(client, repository, folder))).toBe('registry/layout-malformed')
  expect(await codeOf(client.getManifest(repository, parseDigest(digest)))).toBe('registry/not-found')
})
