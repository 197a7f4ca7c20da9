import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { RegistryClient } from '../registry/client.ts'
import { copyImage } from '../registry/copy.ts'
import { repositoryIn } from '../registry/reference.ts'
import type { ImageDescriptor } from './builder.ts'

/** An image that somebody else pushed, as its registry serves it. */
export interface PushedImage extends ImageDescriptor {
  /** What an index lists; empty for one image. */
  readonly children: readonly Digest[]
}

/** What a builder that does not push itself asks of registries. Repositories are `host/path`. */
export interface ImagePort {
  /** Hashed; undefined when the registry has none of this digest. */
  find(repository: string, digest: Digest): Promise<PushedImage | undefined>
  copy(from: string, to: string, digest: Digest): Promise<void>
}

/** Over Waybill's own client: every byte is hashed, blobs are mounted within one registry. */
export class RegistryImages implements ImagePort {
  readonly #client: RegistryClient

  constructor(client: RegistryClient) {
    this.#client = client
  }

  async find(repository: string, digest: Digest): Promise<PushedImage | undefined> {
    try {
      const { descriptor, manifest } = await this.#client.getManifest(repositoryIn(repository), digest)
      const children = manifest.kind === 'index' ? manifest.manifests.map(entry => entry.digest) : []
      return { digest: descriptor.digest, mediaType: descriptor.mediaType, children }
    } catch (error) {
      if (asWaybillError(error).code === 'registry/not-found') return undefined
      throw error
    }
  }

  async copy(from: string, to: string, digest: Digest): Promise<void> {
    const client = this.#client
    await copyImage({ client, repository: repositoryIn(from) }, { client, repository: repositoryIn(to) }, digest)
  }
}
