import { ANNOTATIONS_PER_LEVEL as ANNOTATIONS, type Annotation as AnnotationReceipt } from '../core/annotation.ts'
import type { Place } from '../subjects/place.ts'
import { type FindingGroup, groupFindings, subjectsText } from './groups.ts'
import { materialSubjects } from './materials.ts'
import { fileOf, lineOf } from './places.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { reproducibleSubjects } from './reproducible.ts'
import { ruleNotes } from './terminal-source.ts'

/**
 * At most ten annotations a level, the most important first: the error that ended the run, what was refused, what could not
 * be checked; then changed rules and notes; then what a reader must know. Each cause once, on the line of the manifest that
 * named the first subject of it. Where there are more, the last of a level says how many.
 */
export function annotationsOf(receipt: Receipt): readonly AnnotationReceipt[] {
  const { error, subjects, notices, verdict } = receipt
  const groups = groupFindings([...subjects, ...materialSubjects(receipt), ...reproducibleSubjects(receipt)])
  const against = groups.filter(({ outcome }) => outcome !== 'note')
  const ended: readonly AnnotationReceipt[] =
    error === undefined
      ? []
      : [
          {
            level: 'error',
            title: error.code,
            message: `${error.message}${factsText(error)}\n→ ${error.remedy}`,
            ...placeOf(
              groups.filter(({ finding }) => finding.message === error.message).flatMap(group => group.subjects),
              error,
            ),
          },
        ]
  const told = against.filter(({ finding, subjects: of }) => of.length > 1 || finding.message !== error?.message)
  const errors = [...ended, ...told.map(group => annotationOf('error', group))]
  // A step that fails without a word is what nobody can repair.
  const silent = errors.length === 0 && verdict !== 'passed'
  const rules = ruleNotes(receipt).map(message => ({ level: 'warning', title: 'Rules changed', message }) as const)
  const notes = groups.filter(({ outcome }) => outcome === 'note').map(group => annotationOf('warning', group))
  return [
    ...bounded(silent ? [{ level: 'error', message: `The verdict is ${verdict}; the summary says why` }] : errors),
    ...bounded([...rules, ...notes]),
    ...bounded(notices.map(message => ({ level: 'notice', message }))),
  ]
}

function annotationOf(level: AnnotationReceipt['level'], group: FindingGroup): AnnotationReceipt {
  const { finding, subjects } = group
  const about = subjects.length === 1 ? '' : `${subjectsText(group)}: `
  return {
    level,
    title: finding.code,
    message: `${about}${finding.message}${factsText(finding)}\n→ ${finding.remedy}`,
    ...placeOf(subjects, finding),
  }
}

/** The line that named the first of them: of a manifest, or of the Dockerfile for a base image. Else the line the sentence names. */
function placeOf(
  subjects: readonly SubjectReceipt[],
  { code, message }: { readonly code: string; readonly message: string },
): Pick<AnnotationReceipt, 'file' | 'line'> {
  const named = [...subjects.flatMap(({ places = [] }) => places), ...placesIn(code, message)]
  const place = named.find(it => fileOf(it) !== undefined)
  const file = place === undefined ? undefined : fileOf(place)
  const line = place === undefined ? undefined : lineOf(place)
  return {
    ...(file === undefined ? {} : { file }),
    ...(file === undefined || line === undefined ? {} : { line }),
  }
}

/** Files whose errors begin with `path:line:column: `, or for a Dockerfile `path:line: `. */
const READ_FILES = ['policy/', 'materials/', 'subjects/']

/** What a reader of policies, manifests and Dockerfiles says first; nobody but it writes the beginning of these sentences. */
function placesIn(code: string, message: string): readonly Place[] {
  if (!READ_FILES.some(room => code.startsWith(room))) return []
  const [, file, line] = /^([^\s:]{1,300}):([0-9]{1,7})(?::[0-9]{1,7})?: /.exec(message) ?? []
  return file === undefined ? [] : [{ file, document: 1, path: '', line: Number(line) }]
}

function factsText({ expected, found }: { readonly expected?: string; readonly found?: string }): string {
  return `${expected === undefined ? '' : `\nexpected: ${expected}`}${found === undefined ? '' : `\nfound: ${found}`}`
}

function bounded(all: readonly AnnotationReceipt[]): readonly AnnotationReceipt[] {
  const [first] = all
  if (first === undefined || all.length <= ANNOTATIONS) return all
  const shown = all.slice(0, ANNOTATIONS - 1)
  const more = all.length - shown.length
  return [...shown, { level: first.level, message: `${more} more stand in the summary and in the result JSON` }]
}
