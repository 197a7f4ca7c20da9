import { utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import { type Descriptor, EMPTY_CONFIG, OCI_MANIFEST } from './manifest.ts'
import type { Referrer } from './referrers.ts'

/** A document that hangs on an image without being a bundle: unsigned, named by digest in something that is signed. */
export interface FileToAttach {
  /** The image's own descriptor. */
  readonly subject: Descriptor
  readonly bytes: Uint8Array
  /** Also the media type of the one layer. */
  readonly artifactType: string
  /** File name for whoever pulls it. */
  readonly title: string
  /** Of the statement that names it, so that attaching again makes the same bytes. */
  readonly created: Date
}

/** The manifest of one document; equal input gives equal bytes. image-spec v1.1.1 § Guidelines for Artifact Usage */
export function fileReferrer({ subject, bytes, artifactType, title, created }: FileToAttach): Referrer {
  const annotations = { 'org.opencontainers.image.created': created.toISOString().replace(/\.\d{3}Z$/, 'Z') }
  const { mediaType, digest, size } = subject
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: { mediaType: EMPTY_CONFIG.mediaType, size: EMPTY_CONFIG.size, digest: EMPTY_CONFIG.digest },
    layers: [
      {
        mediaType: artifactType,
        digest: sha256(bytes),
        size: bytes.byteLength,
        annotations: { 'org.opencontainers.image.title': title },
      },
    ],
    subject: { mediaType, digest, size },
    annotations,
  }
  return { subject, manifest: utf8(JSON.stringify(manifest)), artifactType, annotations }
}
