import type { SubjectRequest, Unreadable } from '../pipeline/verify-request.ts'
import { parseReference } from '../registry/reference.ts'
import { fileSubjects } from '../subjects/files.ts'
import type { NamedImages } from './gate-manifests.ts'

/** What the caller wants judged, as he names it. */
export interface GateSubjects {
  /** References he typed. */
  readonly images: readonly string[]
  /** Names and patterns of files, relative to `folder`. */
  readonly files: readonly string[]
  /** What manifests and compose files name. */
  readonly named: readonly NamedImages['subjects'][number][]
  readonly unreadable: readonly Unreadable[]
  readonly folder: string
}

export const NO_SUBJECTS: Omit<GateSubjects, 'folder'> = { images: [], files: [], named: [], unreadable: [] }

/** @throws `registry/reference-malformed` for what was typed, `verify/no-files`, `verify/file-not-plain` */
export async function subjectRequests({
  images,
  files,
  named,
  folder,
}: GateSubjects): Promise<readonly SubjectRequest[]> {
  const found = files.length === 0 ? [] : await fileSubjects(files, { cwd: folder })
  return [
    ...images.map(text => {
      const reference = parseReference(text)
      return { kind: 'image', reference, origin: 'typed', certain: true, places: [] } as const
    }),
    ...found.map(({ name, path }) => ({ kind: 'file', name, path }) as const),
    ...named,
  ]
}
