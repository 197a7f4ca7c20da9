import type { LayoutPort } from '../build/builder.ts'
import type { RegistryClient } from '../registry/client.ts'
import { chooseManifest, pushLayout, readLayout } from '../registry/layout.ts'
import { parseReference, repositoryOf } from '../registry/reference.ts'

/** What the builders ask about OCI layouts, answered by the registry room. */
export function layoutPort(client: RegistryClient): LayoutPort {
  return {
    read: async path => {
      const { digest, mediaType } = chooseManifest(await readLayout(path))
      return { digest, mediaType }
    },
    push: async (repository, path) => {
      const { digest, mediaType } = await pushLayout(client, repositoryOf(parseReference(repository)), path)
      return { digest, mediaType }
    },
  }
}
