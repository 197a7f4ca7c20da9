import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { PROVENANCE_PREDICATE, type Statement, type Subject, VERIFICATION_SUMMARY_PREDICATE } from './statement.ts'

/**
 * Whether two statements say the same: an equal predicate of the same type after dropping when it was stated and by which attempt of a
 * run. Times that are what is stated (when a key was used) stay. 6-sign-and-publish § 1
 */
export function sameClaim(a: Statement, b: Statement): boolean {
  return a.type === b.type && a.predicateType === b.predicateType && canonical(claimOf(a)) === canonical(claimOf(b))
}

/** The same set of subjects, each with its names and all its digests, in whatever order. */
export function sameSubjects(a: Statement, b: Statement): boolean {
  return subjectSet(a) === subjectSet(b)
}

/** The URL of a run without its attempt: all attempts of one run share it. */
export function withoutAttempt(invocation: string): string {
  return invocation.replace(/\/attempts\/\d+$/, '')
}

/** One text for one value, whatever the order of its keys. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_key, item: Json) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  )
}

function subjectSet({ subject }: Statement): string {
  return canonical(subject.map(one => canonical(fieldsOf(one))).sort())
}

function fieldsOf({ name, uri, digest, annotations }: Subject): JsonObject {
  return { name: name ?? null, uri: uri ?? null, digest, annotations: annotations ?? null }
}

function claimOf({ predicateType, predicate }: Statement): JsonObject {
  if (predicateType === PROVENANCE_PREDICATE) return timelessProvenance(predicate)
  if (predicateType !== VERIFICATION_SUMMARY_PREDICATE) return predicate
  const { timeVerified: _when, ...rest } = predicate
  return rest
}

function timelessProvenance(provenance: JsonObject): JsonObject {
  const { runDetails } = provenance
  const metadata = isObject(runDetails) ? runDetails.metadata : undefined
  if (!isObject(runDetails) || !isObject(metadata)) return provenance
  const { startedOn: _started, finishedOn: _finished, invocationId = null, ...rest } = metadata
  const run = typeof invocationId === 'string' ? withoutAttempt(invocationId) : invocationId
  return { ...provenance, runDetails: { ...runDetails, metadata: { ...rest, invocationId: run } } }
}
