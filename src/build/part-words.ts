import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Descriptor } from '../registry/manifest.ts'
import type { ObservedMaterial } from './allowed.ts'
import type { BuildResult, RebuiltPlatform } from './builder.ts'
import type { Part } from './part.ts'

/** One platform of the image, as the registry serves it. */
export interface ServedPart {
  readonly part: Part
  readonly entry: Descriptor
  /** BuildKit's attestation manifests of it, as they stood beside it. */
  readonly attestations: readonly Descriptor[]
  readonly observed?: readonly ObservedMaterial[]
}

/** What the jobs that built say besides digests: nothing of it can be looked up in the registry. */

/**
 * Whether each part was built twice to the same bytes, in the word of its job. A claim may rest on it as far as on all else that the
 * job says: on a machine of its own, by a step of Waybill's own, beside steps of the commit that could not see its processes. Where
 * they could (`isolation: none`) they could also have written that word, so there nothing is known.
 * @returns nothing where nobody asked. @throws `build/part-differs` for a word about another manifest
 */
export function rebuiltIn(served: readonly ServedPart[]): Pick<BuildResult, 'rebuilt'> {
  if (served.every(({ part }) => part.rebuilt === undefined)) return {}
  return { rebuilt: served.map(rebuiltOf) }
}

function rebuiltOf({ part, entry }: ServedPart): RebuiltPlatform {
  const { platform, rebuilt, conditions } = part
  const about = { platform, manifest: entry.digest }
  if (rebuilt === undefined) return { ...about, state: 'unknown', why: `nobody built ${platform} a second time` }
  if (rebuilt.state === 'unknown')
    return { ...about, state: 'unknown', why: `the second build for ${platform} could not be made or compared` }
  if (rebuilt.state === 'rejected') return { ...about, state: 'rejected' }
  if (rebuilt.manifest !== entry.digest)
    throw differs(
      `The part for ${platform} is not what its job says that two builds gave`,
      entry.digest,
      rebuilt.manifest ?? 'nothing',
    )
  if (conditions === undefined || conditions.isolation === 'none')
    return { ...about, state: 'unknown', why: `RUN steps for ${platform} could see the processes of the job` }
  return { ...about, state: 'passed' }
}

/** Other platforms of one image are other bytes; what BuildKit names by a tag is the image for all of them. */
const PLATFORM = /[?&]platform=[^&]*/

/**
 * A base image that moved while the parts were built. Where a policy judges, each job is held to the pins of the plan; where none
 * does, this is all that tells it.
 */
export function movedNotes(served: readonly ServedPart[]): readonly string[] {
  const known = new Map<string, Map<string, string>>()
  for (const { part, observed = [] } of served)
    for (const { uri, digest } of observed) {
      const name = uri.replace(PLATFORM, '')
      const hex = digest.sha256 ?? ''
      const seen = known.get(name) ?? new Map<string, string>()
      if (hex !== '' && !seen.has(hex)) seen.set(hex, part.platform)
      known.set(name, seen)
    }
  return [...known].flatMap(([name, seen]) => {
    if (seen.size < 2) return []
    const each = [...seen].map(([hex, platform]) => `${platform} sha256:${hex.slice(0, 12)}…`).join(', ')
    return [
      `The parts were built from different bytes under one name: ${printable(name, 200)} (${each}). Pin it by digest, or run all jobs again.`,
    ]
  })
}

export function differs(message: string, expected: string, found: string): Error {
  return fail('build/part-differs', message, { expected, found })
}
