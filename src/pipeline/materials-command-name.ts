import type { Digest } from '../core/digest.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'

/** What a pull fetches, by the one name that rules are matched with (13-adversary 34). */
export type NamedPull =
  | { readonly kind: 'image'; readonly name: string; readonly reference: Reference; readonly digest?: Digest }
  | { readonly kind: 'url' | 'git'; readonly name: string }
  /** A folder, or an image layout on this machine: nothing that a registry serves. */
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'open'; readonly why: string }

/**
 * Asks nobody.
 * @throws `registry/reference-malformed` for an image that has no canonical name, such as `oci:/path`.
 */
export function nameOfPull({ how, source, unresolved }: Pull): NamedPull {
  if (source === undefined) return { kind: 'open', why: unresolved ?? 'nobody says what it is' }
  if (how === 'add-url') return { kind: 'url', name: urlName(source) }
  if (how === 'add-git') return { kind: 'git', name: gitName(source) }
  return how === 'context' ? nameOfContext(source) : nameOfImage(source)
}

function nameOfContext(source: string): NamedPull {
  if (source.startsWith('docker-image://')) return nameOfImage(source.slice('docker-image://'.length))
  if (source.startsWith('git+https://')) return { kind: 'git', name: source }
  if (/^https?:\/\/[^#?]*\.git(?:[#?].*)?$/i.test(source) || /^(?:git|ssh):\/\/|^git@/i.test(source))
    return { kind: 'git', name: gitName(source) }
  return /^https?:\/\//i.test(source) ? { kind: 'url', name: urlName(source) } : { kind: 'local', name: source }
}

function nameOfImage(source: string): NamedPull {
  const reference = parseReference(source)
  const { tag, digest } = reference
  // With a digest the tag is display only; without either the builder takes `latest`.
  const full = digest === undefined ? { ...reference, tag: tag ?? 'latest' } : reference
  const { digest: _, ...bare } = full
  return {
    kind: 'image',
    name: formatReference(bare),
    reference: full,
    ...(digest === undefined ? {} : { digest }),
  }
}

function urlName(source: string): string {
  return URL.canParse(source) ? new URL(source).href : source
}

/** `https://host/repository.git#ref:folder` as a manifest names it: `git+https://host/repository.git@ref`. */
function gitName(source: string): string {
  const [remote = '', fragment = ''] = source.split('#', 2)
  const ref = fragment.split(':', 1)[0] || 'HEAD'
  const scp = /^([^/@]+)@([^:/]+):(.*)$/.exec(remote)
  const url = scp === null ? remote : `ssh://${scp[1]}@${scp[2]}/${scp[3]}`
  return `git+${urlName(url)}@${ref}`
}
