import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface LayoutOptions {
  /** What the one layer holds; another text is another image. */
  readonly content?: string
  /** `linux/amd64` …; one: a plain image, several: an index over them. */
  readonly platforms?: readonly string[]
}

export interface WrittenLayout {
  readonly folder: string
  /** What `index.json` names: the image or the index. */
  readonly digest: string
  /** Of the platform manifests, in the order of `platforms`; for a plain image its own. */
  readonly children: readonly string[]
}

interface Entry {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: { readonly os: string; readonly architecture: string }
}

const OCI = 'application/vnd.oci.image'

/** Writes a small but complete OCI image layout (image-spec v1.1.1), as an earlier step of a job would have. */
export function writeLayout(folder: string, options: LayoutOptions = {}): WrittenLayout {
  const blobs = join(folder, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (mediaType: string, bytes: string): Entry => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) }
  }
  const layer = blob(`${OCI}.layer.v1.tar`, `${options.content ?? 'hello'}\n`)
  const platforms = options.platforms ?? ['linux/amd64']
  const children = platforms.map(platform => {
    const [os = '', architecture = ''] = platform.split('/')
    const rootfs = { type: 'layers', diff_ids: [layer.digest] }
    const config = blob(`${OCI}.config.v1+json`, JSON.stringify({ architecture, os, config: {}, rootfs }))
    const mediaType = `${OCI}.manifest.v1+json`
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] })
    return { ...blob(mediaType, manifest), platform: { os, architecture } }
  })
  const mediaType = `${OCI}.index.v1+json`
  const index = { schemaVersion: 2, mediaType, manifests: children }
  const [first] = children
  const top = children.length === 1 && first !== undefined ? first : blob(mediaType, JSON.stringify(index))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ ...index, manifests: [top] }))
  return { folder, digest: top.digest, children: children.map(child => child.digest) }
}
