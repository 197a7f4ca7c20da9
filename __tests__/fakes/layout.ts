import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface LayoutOptions {
  /** What the one layer holds; another text is another image. */
  readonly content?: string
  /** `linux/amd64` …; one: a plain image, several: an index over them. */
  readonly platforms?: readonly string[]
  /** Statements that a builder left beside a platform's manifest, as BuildKit does; then there is an index for one platform, too. */
  readonly statements?: (digest: string, platform: string) => readonly LeftStatement[]
  /** Of the config. */
  readonly labels?: Readonly<Record<string, string>>
  /** Of each platform's manifest. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Whether their manifest names its subject, as since BuildKit 0.27; default true. */
  readonly subject?: boolean
}

export interface LeftStatement {
  /** In the annotation by which it is found. */
  readonly predicateType: string
  readonly text: string
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
  readonly annotations?: Readonly<Record<string, string>>
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
    const config = blob(
      `${OCI}.config.v1+json`,
      JSON.stringify({ architecture, os, config: configOf(options), rootfs }),
    )
    const mediaType = `${OCI}.manifest.v1+json`
    const annotations = options.annotations === undefined ? {} : { annotations: options.annotations }
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer], ...annotations })
    return { ...blob(mediaType, manifest), platform: { os, architecture } }
  })
  const mediaType = `${OCI}.index.v1+json`
  const left = children.flatMap((child, at) => {
    const statements = options.statements?.(child.digest, platforms[at] ?? '') ?? []
    return statements.length === 0 ? [] : [leftBeside(child, statements, options.subject ?? true, blob)]
  })
  const index = { schemaVersion: 2, mediaType, manifests: [...children, ...left] }
  const [first] = children
  const top =
    children.length === 1 && left.length === 0 && first !== undefined ? first : blob(mediaType, JSON.stringify(index))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ ...index, manifests: [top] }))
  return { folder, digest: top.digest, children: children.map(child => child.digest) }
}

function configOf({ labels }: LayoutOptions): object {
  return labels === undefined ? {} : { Labels: labels }
}

/** docs/attestations/attestation-storage.md of BuildKit. */
function leftBeside(
  { mediaType, digest, size }: Entry,
  statements: readonly LeftStatement[],
  named: boolean,
  blob: (mediaType: string, bytes: string) => Entry,
): Entry {
  const layers = statements.map(({ predicateType, text }) => ({
    ...blob('application/vnd.in-toto+json', text),
    annotations: { 'in-toto.io/predicate-type': predicateType },
  }))
  const rootfs = { type: 'layers', diff_ids: layers.map(layer => layer.digest) }
  const unknown = { os: 'unknown', architecture: 'unknown' }
  const config = blob(`${OCI}.config.v1+json`, JSON.stringify({ ...unknown, config: {}, rootfs }))
  const type = `${OCI}.manifest.v1+json`
  const subject = named ? { subject: { mediaType, digest, size } } : {}
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers, ...subject })
  const annotations = { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' }
  return { ...blob(type, manifest), platform: unknown, annotations }
}
