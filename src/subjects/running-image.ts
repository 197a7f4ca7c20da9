import { type Digest, isDigest } from '../core/digest.ts'
import { parseReference, type Reference } from '../registry/reference.ts'

/**
 * What a running container's `imageID` says.
 * `manifest`: bytes that a registry serves under that name, an index or a platform's manifest, depending on the runtime.
 * `config`: a digest without a name. It is of the image's configuration, and only somebody who knows the manifest can tell which.
 * `unclear`: anything else, which proves nothing.
 */
export type RunningImage =
  | { readonly kind: 'manifest'; readonly reference: Reference & { readonly digest: Digest } }
  | { readonly kind: 'config'; readonly digest: Digest }
  | { readonly kind: 'unclear'; readonly why: string }

/** `docker-pullable://repo@sha256:…` (dockershim), `repo@sha256:…` (containerd, CRI-O), `docker://sha256:…`, `sha256:…`. */
export function readRunningImage(imageID: string): RunningImage {
  const scheme = /^(docker-pullable|docker):\/\//.exec(imageID)
  const text = imageID.slice(scheme?.[0].length ?? 0)
  if (isDigest(text)) return { kind: 'config', digest: text }
  if (scheme?.[1] === 'docker') return { kind: 'unclear', why: 'docker:// without a digest' }
  try {
    const reference = parseReference(text)
    const { digest } = reference
    return digest === undefined
      ? { kind: 'unclear', why: 'a name without a digest' }
      : { kind: 'manifest', reference: { ...reference, digest } }
  } catch {
    return { kind: 'unclear', why: 'neither a digest nor a name with one' }
  }
}
