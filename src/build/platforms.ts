import { join } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { architecture } from '../io/environment.ts'
import { readFileBounded } from '../io/files.ts'
import { parseManifest } from '../registry/manifest.ts'
import { normalPlatform } from '../registry/platform-children.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

/**
 * Compares the platforms of a layout's index with those asked for: a builder that mixes them up must not be believed.
 * @param wanted empty: whatever the machine is, but exactly one.
 * @throws `build/platforms-differ`
 */
export async function checkPlatforms(layout: string, digest: Digest, wanted: readonly string[]): Promise<void> {
  const bytes = await readFileBounded(join(layout, 'blobs', 'sha256', hexOf(digest)), LIMITS.manifestBytes)
  const index = parseManifest(bytes, OCI_INDEX)
  const found = index.kind === 'index' ? index.manifests.map(({ platform }) => platformText(platform)) : []
  const all = wanted.every((platform, at) => matches(platform, found[at] ?? ''))
  if (all && found.length === Math.max(1, wanted.length)) return
  throw differ(found, wanted)
}

function differ(found: readonly string[], wanted: readonly string[]): Error {
  return fail('build/platforms-differ', 'The image holds other platforms than were asked for', {
    expected: wanted.length === 0 ? 'one platform' : wanted.join(', '),
    found: found.join(', ') || 'none',
  })
}

/**
 * Compares what the registry serves with what was asked for, in any order and spelling: a builder whose word led to another image
 * that lies in the same repository would else have that one signed.
 * @param found of the index or of the one image, `linux/amd64`.
 * @param wanted empty: whatever the machine is.
 * @throws `build/platforms-differ`
 */
export function checkServed(found: readonly string[], wanted: readonly string[]): void {
  const [one, other] = [found, wanted].map(names => names.map(normalPlatform).sort().join(', '))
  if (wanted.length === 0 || one === other) return
  throw differ(found, wanted)
}

function platformText(platform?: { os: string; architecture: string; variant?: string }): string {
  if (platform === undefined) return 'unknown'
  const { os, architecture, variant } = platform
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** `linux/arm64` is also what is written out as `linux/arm64/v8`. */
function matches(wanted: string, found: string): boolean {
  return found === wanted || found.startsWith(`${wanted}/`)
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm: 'arm/v7', ppc64: 'ppc64le' }

/** The machine's own platform in the words of image-spec: `linux/amd64`. */
export function machinePlatform(name: string = architecture()): string {
  return `linux/${ARCHITECTURES[name] ?? name}`
}
