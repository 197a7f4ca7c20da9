import type { BuildConditions } from '../build/builder.ts'
import { printable } from '../core/text.ts'
import type { LockFile } from '../materials/lock-files.ts'

/** Of a run in which nobody judged materials. */
export const NOT_VERIFIED = 'Base images and whatever else the build downloads: nothing was verified.'

/** Lock files that are named in one sentence. */
const NAMED = 10

/** What stays open however the materials were judged, a sentence each (4-materials § 2). */
export function unchecked(
  network: 'default' | 'none',
  { found, more }: { readonly found: readonly LockFile[]; readonly more: number },
): readonly string[] {
  if (network === 'none') return []
  const shown = found.slice(0, NAMED)
  const rest = found.length - shown.length + more
  const files = shown.map(({ path, manager }) => `${path} (${manager})`).join(', ')
  return [
    'What RUN steps download: network is default, so they may fetch anything from anywhere.',
    ...(found.length === 0
      ? []
      : [`What package managers fetch by their lock files: ${files}${rest === 0 ? '' : ` and ${rest} more`}.`]),
  ]
}

/** What a builder's own state may have brought in. */
export function uncheckedCache({ cache, builder }: BuildConditions): readonly string[] {
  if (cache === 'none') return []
  const whose = builder === 'shared' ? 'a builder that others use, too' : 'the builder'
  return [`What lay in the cache of ${whose}: layers and cache mounts of earlier builds may have gone in.`]
}

/** What a frontend that nobody signed may have brought in by itself. */
export function uncheckedFrontends(names: readonly string[]): readonly string[] {
  const shown = names.slice(0, NAMED).map(name => printable(name, 300))
  if (shown.length === 0) return []
  return [
    `What the frontend ${shown.join(', ')} does: it runs with the network and decides itself about that of RUN steps, and nobody the policy names signed it.`,
  ]
}
