import { CATALOGUE } from '../core/catalogue.ts'
import { formatReference } from '../registry/reference.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { ImageSubjectRequest, SubjectRequest, Unreadable, VerifyRequest } from './verify-request.ts'

/** Every subject once, in the order in which it was first named, with all places where it stands. */
export function planSubjects({ subjects }: Pick<VerifyRequest, 'subjects'>): readonly SubjectRequest[] {
  const known = new Map<string, SubjectRequest>()
  for (const subject of subjects) {
    const key = keyOf(subject)
    const before = known.get(key)
    known.set(key, before === undefined ? subject : merged(before, subject))
  }
  return [...known.values()]
}

function keyOf(subject: SubjectRequest): string {
  if (subject.kind === 'file') return `file ${subject.path}`
  return `image ${formatReference(subject.reference)}${runningKey(subject)}`
}

/** One digest that is what one specification names, and not what another does, is two questions. */
export function runningKey({ running }: Pick<ImageSubjectRequest, 'running'>): string {
  return running === undefined ? '' : ` ${running.config ?? ''} ${running.specified ?? ''}`
}

/** A reference that the caller typed himself is his, wherever else it stands. */
function merged(a: SubjectRequest, b: SubjectRequest): SubjectRequest {
  if (a.kind === 'file' || b.kind === 'file') return a
  const origin = a.origin === 'typed' || b.origin === 'typed' ? 'typed' : 'judged'
  return { ...a, origin, certain: a.certain || b.certain, places: [...a.places, ...b.places] }
}

export function nameOf(subject: SubjectRequest): string {
  return subject.kind === 'file' ? subject.name : formatReference(subject.reference)
}

/** What could not be read was not judged: rejected where a rule forbids it, else unknown (13-adversary 33). */
export function unreadableReceipt({ name, findings, places }: Unreadable): SubjectReceipt {
  const against = findings.filter(({ severity }) => severity === 'reject')
  const worst = against.some(({ code }) => CATALOGUE[code].kind === 'rejected') ? 'rejected' : 'unknown'
  const verdict = against.length === 0 ? 'not-asked' : worst
  return { name, digest: '', verdict, findings, ...(places.length === 0 ? {} : { places }) }
}
