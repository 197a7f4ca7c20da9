import { createHash } from 'node:crypto'
import { tarOf } from '../../__tests__/fakes/tar.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

interface Part {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/**
 * Puts a small image into a registry: a plain one, or an index over its platforms. It holds a file `hello.txt`.
 * @param seed makes its digests its own, so that nothing is attached to it yet.
 * @returns its digest, and those of its platforms when it is an index.
 */
export async function pushImage(
  repository: string,
  seed: string,
  architectures: readonly string[],
  as: 'image' | 'index',
): Promise<{ digest: string; children: readonly string[] }> {
  const manifests: (Part & { platform: object })[] = []
  for (const architecture of architectures) {
    const layer = await putBlob(repository, LAYER, tarOf('hello.txt', `layer ${architecture} ${seed}\n`))
    const rootfs = { type: 'layers', diff_ids: [layer.digest] }
    const about = { architecture, os: 'linux', author: seed, config: {}, rootfs }
    const config = await putBlob(repository, CONFIG, JSON.stringify(about))
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }
    const part = await putManifest(repository, MANIFEST, manifest)
    manifests.push({ ...part, platform: { os: 'linux', architecture } })
  }
  const [only] = manifests
  if (only !== undefined && as === 'image') return { digest: only.digest, children: [] }
  const index = await putManifest(repository, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests })
  return { digest: index.digest, children: manifests.map(({ digest }) => digest) }
}

async function putBlob(repository: string, mediaType: string, text: string): Promise<Part> {
  const part = partOf(mediaType, text)
  const begun = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' })
  const url = new URL(begun.headers.get('location') ?? '', repository)
  url.searchParams.set('digest', part.digest)
  await expectCreated(await fetch(url, { method: 'PUT', body: text }))
  return part
}

async function putManifest(repository: string, mediaType: string, manifest: object): Promise<Part> {
  const text = JSON.stringify(manifest)
  const part = partOf(mediaType, text)
  const url = `${repository}/manifests/${part.digest}`
  await expectCreated(await fetch(url, { method: 'PUT', body: text, headers: { 'content-type': mediaType } }))
  return part
}

async function expectCreated(answer: Response): Promise<void> {
  if (answer.status !== 201) throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`)
}

function partOf(mediaType: string, text: string): Part {
  const hex = createHash('sha256').update(text).digest('hex')
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) }
}
