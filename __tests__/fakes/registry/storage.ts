import { createHash } from 'node:crypto'

/** A stored manifest: exactly the bytes that were pushed. */
export interface StoredManifest {
  readonly mediaType: string
  readonly bytes: Buffer
  readonly digest: string
}

/** What one repository holds. Blobs are per repository, as in a real registry: another one needs a mount. */
export class RepositoryStore {
  readonly blobs = new Map<string, Buffer>()
  readonly manifests = new Map<string, StoredManifest>()
  readonly tags = new Map<string, string>()
  readonly uploads = new Map<string, Buffer[]>()

  /** By tag or by digest. */
  find(reference: string): StoredManifest | undefined {
    return this.manifests.get(reference.includes(':') ? reference : (this.tags.get(reference) ?? ''))
  }
}

export class Storage {
  readonly repositories = new Map<string, RepositoryStore>()
  /** Blobs that were accepted and not kept, and sessions that were lost, by a quirk. */
  readonly forgotten = new Set<string>()
  lostSessions = 0

  /** The repository, made when it does not exist yet. */
  open(name: string): RepositoryStore {
    const existing = this.repositories.get(name)
    if (existing !== undefined) return existing
    const created = new RepositoryStore()
    this.repositories.set(name, created)
    return created
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

interface ManifestFields {
  readonly artifactType?: string
  readonly config?: { readonly digest: string; readonly mediaType: string }
  readonly layers?: readonly { readonly digest: string; readonly urls?: readonly string[] }[]
  readonly manifests?: readonly { readonly digest: string }[]
  readonly subject?: { readonly digest: string }
  readonly annotations?: Record<string, string>
}

/** The fields a registry looks at; undefined when the bytes are not a JSON object. */
export function fieldsOf(bytes: Uint8Array): ManifestFields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof value === 'object' && value !== null ? (value as ManifestFields) : undefined
  } catch {
    return undefined
  }
}

/** Digests of blobs and child manifests that the repository does not hold. The subject may be missing (spec 1.1). */
export function missingParts(store: RepositoryStore, fields: ManifestFields): string[] {
  const blobs = [fields.config, ...(fields.layers ?? []).filter(layer => layer.urls === undefined)]
  const missingBlobs = blobs.flatMap(part => (part === undefined || store.blobs.has(part.digest) ? [] : [part.digest]))
  const children = (fields.manifests ?? []).map(child => child.digest)
  return [...missingBlobs, ...children.filter(digest => !store.manifests.has(digest))]
}

/** Entries of the referrers API for one subject. distribution-spec v1.1.1 § Listing Referrers */
export function referrersOf(store: RepositoryStore, subject: string, artifactType?: string): object[] {
  const entries = [...store.manifests.values()].flatMap(manifest => {
    const fields = fieldsOf(manifest.bytes)
    if (fields?.subject?.digest !== subject) return []
    const type = fields.artifactType ?? fields.config?.mediaType
    return [
      {
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.byteLength,
        ...(type === undefined ? {} : { artifactType: type }),
        ...(fields.annotations === undefined ? {} : { annotations: fields.annotations }),
      },
    ]
  })
  return entries.filter(entry => artifactType === undefined || entry.artifactType === artifactType)
}
