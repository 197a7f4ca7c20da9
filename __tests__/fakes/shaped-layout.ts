import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Descriptor,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  EMPTY_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../src/registry/manifest.ts'

type Entry = Omit<Descriptor, 'digest'> & { readonly digest: string; readonly urls?: readonly string[] }
type Document = Readonly<Record<string, unknown>>

const OCI = 'application/vnd.oci.image'
const DOCKER = 'application/vnd.docker'

/** Writes an OCI image layout of any shape, one blob after another. */
export class LayoutWriter {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true })
  }

  blob(mediaType: string, bytes: string): Entry {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(this.folder, 'blobs', 'sha256', hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) }
  }

  /** A manifest or index that says its own media type. */
  document(mediaType: string, document: Document): Entry {
    return this.blob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, ...document }))
  }

  /** A config for a platform, in which the layers stand. */
  config(mediaType: string, platform: string, layers: readonly Entry[]): Entry {
    const [os, architecture] = platform.split('/')
    const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
    return this.blob(mediaType, JSON.stringify({ architecture, os, config: {}, rootfs }))
  }

  image(platform: string, layers: readonly Entry[], more: Document = {}): Entry {
    const config = this.config(`${OCI}.config.v1+json`, platform, layers)
    return { ...this.document(OCI_MANIFEST, { config, layers, ...more }), ...platformOf(platform) }
  }

  /** The blob is gone: what the descriptor says is all there is. */
  remove({ digest }: Entry): void {
    rmSync(join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length)))
  }

  finish(top: Entry): WrittenShape {
    writeFileSync(join(this.folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    writeFileSync(join(this.folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }))
    return { folder: this.folder, digest: top.digest }
  }
}

export interface WrittenShape {
  readonly folder: string
  /** What `index.json` names. */
  readonly digest: string
}

function platformOf(text: string) {
  const [os = '', architecture = ''] = text.split('/')
  return { platform: { os, architecture } }
}

export interface Shape {
  readonly write: (to: LayoutWriter) => Entry
  /** What the image consists of: kind, and each platform. */
  readonly kind: 'image' | 'index'
  readonly platforms: readonly string[]
}

/** Images of every shape that image-spec v1.1.1 and Docker's schema 2 allow, by what is special about them. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  'zstd layers': {
    write: to => to.image('linux/amd64', [to.blob(`${OCI}.layer.v1.tar+zstd`, '\x28\xb5\x2f\xfd')]),
    kind: 'image',
    platforms: ['linux/amd64'],
  },
  'eStargz layers': {
    write: to => {
      const toc = 'sha256:'.padEnd(71, 'c')
      const layer = { ...to.blob(`${OCI}.layer.v1.tar+gzip`, 'gzip with a table of contents') }
      const annotations = {
        'containerd.io/snapshot/stargz/toc.digest': toc,
        'io.containers.estargz.uncompressed-size': '4096',
      }
      return to.image('linux/amd64', [{ ...layer, annotations }])
    },
    kind: 'image',
    platforms: ['linux/amd64'],
  },
  'Docker media types': {
    write: to => to.document(DOCKER_MANIFEST, dockerParts(to, 'linux/amd64')),
    kind: 'image',
    platforms: ['linux/amd64'],
  },
  'a Docker manifest list': {
    write: to =>
      to.document(DOCKER_LIST, {
        manifests: ['linux/amd64', 'linux/arm64'].map(platform => ({
          ...to.document(DOCKER_MANIFEST, dockerParts(to, platform)),
          ...platformOf(platform),
        })),
      }),
    kind: 'index',
    platforms: ['linux/amd64', 'linux/arm64'],
  },
  'no layers': { write: to => to.image('linux/amd64', []), kind: 'image', platforms: ['linux/amd64'] },
  'null in the place of layers': {
    write: to => to.image('linux/amd64', [], { layers: null }),
    kind: 'image',
    platforms: ['linux/amd64'],
  },
  'one empty layer': {
    write: to => to.image('linux/amd64', [to.blob(`${OCI}.layer.v1.tar`, '')]),
    kind: 'image',
    platforms: ['linux/amd64'],
  },
  'layers that may not be distributed': {
    write: to => {
      const urls = ['https://example.com/base.tar.gz']
      const types = [
        `${OCI}.layer.nondistributable.v1.tar+gzip`,
        `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`,
      ] as const
      const foreign = types.map(type => ({ ...to.blob(type, `elsewhere as ${type}`), urls }))
      for (const layer of foreign) to.remove(layer)
      return to.image('windows/amd64', [...foreign, to.blob(`${OCI}.layer.v1.tar`, 'here')])
    },
    kind: 'image',
    platforms: ['windows/amd64'],
  },
  'an artifact with an empty config': {
    write: to => {
      to.blob(EMPTY_CONFIG.mediaType, '{}')
      const layers = [to.blob('text/plain', 'an artifact')]
      return to.document(OCI_MANIFEST, { artifactType: 'application/example', config: EMPTY_CONFIG, layers })
    },
    kind: 'image',
    platforms: ['unknown'],
  },
  'an artifact without content': {
    write: to => {
      to.blob(EMPTY_CONFIG.mediaType, '{}')
      const document = { artifactType: 'application/example', config: EMPTY_CONFIG, layers: [EMPTY_CONFIG] }
      return to.document(OCI_MANIFEST, document)
    },
    kind: 'image',
    platforms: ['unknown'],
  },
  'a config that is no image’s': {
    write: to => {
      const config = to.blob('application/vnd.example.chart.config.v1+json', '{"name":"chart"}')
      return to.document(OCI_MANIFEST, { config, layers: [to.blob('application/vnd.example.chart', 'chart')] })
    },
    kind: 'image',
    platforms: ['unknown'],
  },
  'an artifact beside a platform': {
    write: to => {
      to.blob(EMPTY_CONFIG.mediaType, '{}')
      const artifact = to.document(OCI_MANIFEST, { artifactType: 'a/b', config: EMPTY_CONFIG, layers: [] })
      return to.document(OCI_INDEX, { artifactType: 'a/set', manifests: [layered(to, 'linux/amd64'), artifact] })
    },
    kind: 'index',
    platforms: ['linux/amd64', 'unknown'],
  },
  'an index inside an index': {
    write: to => {
      const inner = to.document(OCI_INDEX, { manifests: [layered(to, 'linux/arm64')] })
      return to.document(OCI_INDEX, { manifests: [layered(to, 'linux/amd64'), inner] })
    },
    kind: 'index',
    platforms: ['linux/amd64', 'linux/arm64'],
  },
  'an index of one platform twice': {
    write: to => {
      const systems = ['10.0.17763', '10.0.20348'].map(version => layered(to, 'windows/amd64', version))
      return to.document(OCI_INDEX, { manifests: systems })
    },
    kind: 'index',
    platforms: ['windows/amd64', 'windows/amd64'],
  },
  'an index of nothing': { write: to => to.document(OCI_INDEX, { manifests: [] }), kind: 'index', platforms: [] },
}

function layered(to: LayoutWriter, platform: string, content = platform): Entry {
  return to.image(platform, [to.blob(`${OCI}.layer.v1.tar`, content)])
}

function dockerParts(to: LayoutWriter, platform: string): Document {
  const layers = [to.blob(`${DOCKER}.image.rootfs.diff.tar.gzip`, `layer for ${platform}`)]
  return { config: to.config(`${DOCKER}.container.image.v1+json`, platform, layers), layers }
}

/** @param name of `SHAPES`. */
export function writeShape(folder: string, name: string): WrittenShape {
  const shape = SHAPES[name]
  if (shape === undefined) throw new Error(`no shape ${name}`)
  const writer = new LayoutWriter(folder)
  return writer.finish(shape.write(writer))
}
