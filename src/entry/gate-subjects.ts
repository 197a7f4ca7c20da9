import { resolve } from 'node:path'
import type { SubjectRequest, Unreadable } from '../pipeline/verify-request.ts'
import { parseReference } from '../registry/reference.ts'
import type { Place } from '../subjects/place.ts'

/** What the caller wants judged, as he names it. */
export interface GateSubjects {
  /** References he typed. */
  readonly images: readonly string[]
  /** Paths of files, relative to `folder`. */
  readonly files: readonly string[]
  /** References that manifests and compose files name, in canonical form. */
  readonly named: readonly { readonly reference: string; readonly places: readonly Place[] }[]
  readonly unreadable: readonly Unreadable[]
  readonly folder: string
}

export const NO_SUBJECTS: Omit<GateSubjects, 'folder'> = { images: [], files: [], named: [], unreadable: [] }

/** @throws `registry/reference-malformed` for what was typed */
export function subjectRequests({ images, files, named, folder }: GateSubjects): readonly SubjectRequest[] {
  return [
    ...images.map(text => ({ kind: 'image', reference: parseReference(text), origin: 'typed', places: [] }) as const),
    ...files.map(name => ({ kind: 'file', name, path: resolve(folder, name) }) as const),
    ...named.map(
      ({ reference, places }) =>
        ({ kind: 'image', reference: parseReference(reference), origin: 'judged', places }) as const,
    ),
  ]
}
