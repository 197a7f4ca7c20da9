import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { SubjectRequest, Unreadable } from '../pipeline/verify-request.ts'
import { parseReference } from '../registry/reference.ts'
import { shellQuote } from '../report/text.ts'
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
      refusePath(text)
      const reference = parseReference(text)
      return { kind: 'image', reference, origin: 'typed', certain: true, places: [] } as const
    }),
    ...found.map(({ name, path }) => ({ kind: 'file', name, path }) as const),
    ...named,
  ]
}

/** No reference begins like this; whoever writes it means a file, and is told so rather than what a host may look like. */
function refusePath(text: string): void {
  if (!/^(\.{0,2}[/\\]|~)/.test(text)) return
  throw fail(
    'registry/reference-malformed',
    `${printable(text, 200)} is a path, where a reference of an image is wanted`,
    {
      expected: 'host/repository[:tag][@sha256:<64 hex>]',
      found: 'a path',
      remedy: `A file: waybill verify file ${shellQuote(text) ?? 'PATH'}, in a workflow files: PATH. A layout: the reference of its image, and the path as --bundle.`,
    },
  )
}
