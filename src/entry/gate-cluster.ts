import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { ImageSubjectRequest, Unreadable } from '../pipeline/verify-request.ts'
import type { ClusterImage, ClusterPort } from '../subjects/cluster.ts'
import { type ListedCluster, listCluster } from '../subjects/cluster-listing.ts'
import { placeText } from '../subjects/image-text.ts'
import type { NamedImages } from './gate-manifests.ts'

/** Places named in a sentence about many. */
const SHOWN = 5

/** What runs in one namespace, or with undefined in all: subjects for the gate. @throws only `configuration` errors */
export async function clusterImages(port: ClusterPort, namespace: string | undefined): Promise<NamedImages> {
  return namedImages(await listCluster(port, namespace, AbortSignal.timeout(LIMITS.clusterMs)), namespace)
}

/** Pure. A list that broke off is a subject of its own, which is unknown: nothing passes beside it. */
export function namedImages(listed: ListedCluster, namespace: string | undefined): NamedImages {
  const { images, unclear, incomplete } = listed
  const name = namespace === undefined ? 'pods of all namespaces' : `pods of the namespace ${namespace}`
  const whole: readonly Unreadable[] =
    incomplete === undefined ? [] : [{ name, findings: [findingOf(incomplete, name)], places: [] }]
  const notes = notesOf(listed, name)
  return {
    subjects: images.map(subjectOf),
    unreadable: [
      ...whole,
      ...unclear.map(({ name, error, places }): Unreadable => ({ name, findings: [findingOf(error, name)], places })),
      ...notes.map((note): Unreadable => ({ name, findings: [note], places: [] })),
    ],
    sources: [],
  }
}

/** Whoever may start a pod chooses what it names, so a registry is asked for it as for what stands in a manifest. */
function subjectOf({ reference, running, places }: ClusterImage): ImageSubjectRequest {
  const base = { kind: 'image', reference, origin: 'judged', certain: true, places } as const
  return running === undefined ? base : { ...base, running }
}

function notesOf({ images }: ListedCluster, name: string): readonly Finding[] {
  const waiting = images.filter(({ started }) => !started).flatMap(({ places }) => places)
  if (waiting.length === 0) return []
  const shown = waiting.slice(0, SHOWN).map(placeText).join(', ')
  const more = waiting.length > SHOWN ? ` and ${waiting.length - SHOWN} more` : ''
  const message = `Not started yet, so judged by what is specified: ${shown}${more}`
  return [findingOf(fail('verify/not-started', message), name, 'note')]
}
