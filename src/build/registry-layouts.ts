import type { RegistryClient } from '../registry/client.ts'
import { chooseManifest, type Layout, pushLayout, readLayout } from '../registry/layout.ts'
import { repositoryIn } from '../registry/reference.ts'
import type { ImageDescriptor, LayoutPort } from './builder.ts'

/** The builders' layout port over Waybill's own registry client: every byte hashed, blobs mounted within one registry. */
export class RegistryLayouts implements LayoutPort {
  readonly #client: RegistryClient
  /** Where this object pushed already: host → repository, to mount blobs from. */
  readonly #pushed = new Map<string, string>()

  constructor(client: RegistryClient) {
    this.#client = client
  }

  async read(path: string): Promise<ImageDescriptor> {
    const { digest, mediaType } = await this.#chosen(await readLayout(path))
    return { digest, mediaType }
  }

  async push(repository: string, path: string): Promise<ImageDescriptor> {
    const target = repositoryIn(repository)
    const from = this.#pushed.get(target.host)
    const mount = from === undefined || from === target.repository ? {} : { from }
    const { digest, mediaType } = await pushLayout(this.#client, target, path, mount)
    this.#pushed.set(target.host, target.repository)
    return { digest, mediaType }
  }

  /** The manifest is read, not only named: reading compares its bytes with its digest. */
  async #chosen(layout: Layout): Promise<ImageDescriptor> {
    const descriptor = chooseManifest(layout)
    await layout.read(descriptor)
    return descriptor
  }
}
