import type { Digest } from '../core/digest.ts'

export interface PlatformDigest {
  readonly platform: string
  readonly digest: Digest
}

/** Manifests of two builds for one platform; one of them may be missing. */
export interface PairedPlatform {
  readonly platform: string
  readonly first?: Digest
  readonly second?: Digest
}

/**
 * Which manifest of one build belongs to which of the other: by the name of the platform, of one name in their order. Of two builds with
 * one manifest each those two belong together, whatever they are called: only an index says a variant that a configuration leaves out. Pure.
 */
export function pairPlatforms(
  first: readonly PlatformDigest[],
  second: readonly PlatformDigest[],
): readonly PairedPlatform[] {
  const [only, ...more] = first
  const [other, ...others] = second
  if (only !== undefined && other !== undefined && more.length === 0 && others.length === 0)
    return [{ platform: only.platform, first: only.digest, second: other.digest }]
  const left = [...second]
  const pairs = first.map(({ platform, digest }): PairedPlatform => {
    const at = left.findIndex(item => item.platform === platform)
    const [found] = at === -1 ? [] : left.splice(at, 1)
    return { platform, first: digest, ...(found === undefined ? {} : { second: found.digest }) }
  })
  return [...pairs, ...left.map(({ platform, digest }) => ({ platform, second: digest }))]
}
