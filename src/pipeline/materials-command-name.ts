import type { Digest } from '../core/digest.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import { imageText, readImage } from './materials-images-named.ts'

/** What a pull fetches, by the one name that rules are matched with (13-adversary 34). */
export type NamedPull =
  | { readonly kind: 'image'; readonly name: string; readonly reference: Reference; readonly digest?: Digest }
  | { readonly kind: 'url' | 'git'; readonly name: string }
  /** A folder of this machine. */
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'open'; readonly why: string }

/**
 * Asks nobody.
 * @throws `materials/not-an-image` for something else in an image's place, such as `oci:/path`.
 */
export function nameOfPull(pull: Pull): NamedPull {
  const { how, source, unresolved } = pull
  if (source === undefined) return { kind: 'open', why: unresolved ?? 'nobody says what it is' }
  if (how === 'add-url') return { kind: 'url', name: urlName(source) }
  if (how === 'add-git') return { kind: 'git', name: gitName(source) }
  const image = imageText(pull)
  return image === undefined ? nameOfContext(source) : nameOfImage(image)
}

/** A named context that is no image. */
function nameOfContext(source: string): NamedPull {
  if (source.startsWith('git+https://')) return { kind: 'git', name: source }
  if (/^https?:\/\/[^#?]*\.git(?:[#?].*)?$/i.test(source) || /^(?:git|ssh):\/\/|^git@/i.test(source))
    return { kind: 'git', name: gitName(source) }
  return /^https?:\/\//i.test(source) ? { kind: 'url', name: urlName(source) } : { kind: 'local', name: source }
}

function nameOfImage(text: string): NamedPull {
  const reference = readImage(text)
  if (!('canonical' in reference)) throw reference
  // With a digest the tag is display only, and the name is shown without either.
  const { digest, ...bare } = reference
  return { kind: 'image', name: formatReference(bare), reference, ...(digest === undefined ? {} : { digest }) }
}

function urlName(source: string): string {
  return URL.canParse(source) ? new URL(source).href : source
}

/** `https://host/repository.git#ref:folder` as a manifest names it: `git+https://host/repository.git@ref`. */
function gitName(source: string): string {
  const [remote = '', fragment = ''] = source.split('#', 2)
  const ref = fragment.split(':', 1)[0] || 'HEAD'
  const [, user, host, path] = /^([^/@]+)@([^:/]+):(.*)$/.exec(remote) ?? []
  const url = path === undefined ? remote : `ssh://${user}@${host}/${path}`
  return `git+${urlName(url)}@${ref}`
}
