import { fail, WaybillError } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { STATEMENT_TYPE, STATEMENT_TYPE_V01, type Statement, type Subject } from './statement.ts'
import { OWN_URI_BASE } from './uris.ts'

/**
 * Hex digits of the digest algorithms whose values are plain hex. in-toto attestation v1.1.0 § DigestSet.
 * git object ids are SHA-1 or SHA-256. An algorithm not listed here is kept but proves nothing on its own.
 */
const HEX_LENGTHS: Readonly<Record<string, readonly number[]>> = {
  sha1: [40],
  sha224: [56],
  sha256: [64],
  sha384: [96],
  sha512: [128],
  gitCommit: [40, 64],
  gitTree: [40, 64],
  gitBlob: [40, 64],
  gitTag: [40, 64],
}

/**
 * Reads an in-toto Statement v1 strictly:
 *
 *     {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name"?, "uri"?, "digest": {"sha256": "<hex>"}, "annotations"?}, …],
 *      "predicateType": "<uri>", "predicate"?: {…}}
 *
 * The bytes were chosen by whoever signed them. Fields this reader does not know are ignored, as in-toto asks; a known
 * field with a wrong type is refused, and so is a subject without a digest: it would "match" by its name alone. A predicate that is
 * left out is an empty one, says in-toto, and cosign 2 leaves that of its signatures out.
 * @throws `statements/malformed`, `statements/type-unsupported`
 */
export function parseStatement(bytes: Uint8Array): Statement {
  return statementOf(bytes, [STATEMENT_TYPE])
}

/**
 * As `parseStatement`, and Statement v0.1, which has the same shape: for what others have signed. The older type stays visible in
 * `type`. It may carry a predicate of any type but SLSA's v1 formats and ours, which say that their statement is v1: nothing that
 * judges provenance, a summary or a record ever meets one of another type.
 * @throws `statements/malformed`, `statements/type-unsupported`
 */
export function parseForeignStatement(bytes: Uint8Array): Statement {
  const statement = statementOf(bytes, [STATEMENT_TYPE, STATEMENT_TYPE_V01])
  if (statement.type !== undefined && needsV1(statement.predicateType))
    throw fail('statements/type-unsupported', 'The predicate belongs into a statement of a newer type', {
      expected: STATEMENT_TYPE,
      found: `${statement.type} with ${printable(statement.predicateType, 200)}`,
    })
  return statement
}

/**
 * As `parseForeignStatement`, with any predicate in either type, as BuildKit writes them: for statements that nobody has signed,
 * which prove nothing by themselves.
 * @throws `statements/malformed`, `statements/type-unsupported`
 */
export function parseUnsignedStatement(bytes: Uint8Array): Statement {
  return statementOf(bytes, [STATEMENT_TYPE, STATEMENT_TYPE_V01])
}

/** slsa.dev/spec/v1.1/provenance § Schema, slsa.dev/spec/v1.2/verification_summary § Schema: `_type` is Statement/v1. */
function needsV1(predicateType: string): boolean {
  return (
    /^https:\/\/slsa\.dev\/(provenance|verification_summary)\/v1/.test(predicateType) ||
    predicateType.startsWith(OWN_URI_BASE)
  )
}

function statementOf(bytes: Uint8Array, types: readonly string[]): Statement {
  const document = reading('statements/malformed', () => parseJsonObject(bytes, 'statement'))
  refuseOtherType(document._type, types)
  const older = document._type === STATEMENT_TYPE_V01
  return reading('statements/malformed', () => ({
    ...(older ? { type: STATEMENT_TYPE_V01 } : {}),
    subject: subjectsAt(document.subject),
    predicateType: nonEmptyAt(document.predicateType, 'statement.predicateType'),
    predicate: optional(document.predicate, objectAt, 'statement.predicate') ?? {},
  }))
}

type Malformed =
  `statements/${'' | 'provenance-' | 'summary-' | 'detail-' | 'quarantine-' | 'scai-' | 'deploy-' | 'deployment-'}malformed`

/** Runs a reader of foreign JSON and gives what it refuses the one code of the document that was read. */
export function reading<T>(code: Malformed, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof WaybillError) || error.code === code) throw error
    const { expected, found } = error
    throw fail(code, error.message, {
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      cause: error,
    })
  }
}

function refuseOtherType(type: Json | undefined, types: readonly string[]): void {
  if (typeof type === 'string' && types.includes(type)) return
  const found = typeof type === 'string' ? printable(type, 200) : 'no _type'
  throw fail('statements/type-unsupported', `The statement is not of the type ${STATEMENT_TYPE}`, {
    expected: STATEMENT_TYPE,
    found,
  })
}

function subjectsAt(value: Json | undefined): readonly [Subject, ...Subject[]] {
  const list = arrayAt(value, 'statement.subject')
  if (list.length > LIMITS.statementSubjects) throw refused(`at most ${LIMITS.statementSubjects} subjects`, list.length)
  const [first, ...more] = list.map((item, index) => subjectAt(item, `statement.subject[${index}]`))
  if (first === undefined) throw refused('at least one subject', 'none')
  refuseTwice([first, ...more])
  return [first, ...more]
}

function subjectAt(value: Json, path: string): Subject {
  const object = objectAt(value, path)
  const name = optional(object.name, stringAt, `${path}.name`)
  const uri = optional(object.uri, stringAt, `${path}.uri`)
  const annotations = optional(object.annotations, objectAt, `${path}.annotations`)
  return {
    ...(name === undefined ? {} : { name }),
    ...(uri === undefined ? {} : { uri }),
    digest: digestsAt(object, path),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

function digestsAt(object: JsonObject, path: string): Readonly<Record<string, string>> {
  const digest = stringMapAt(objectAt(object.digest, `${path}.digest`), `${path}.digest`)
  const known = Object.entries(digest).filter(([algorithm]) => Object.hasOwn(HEX_LENGTHS, algorithm))
  for (const [algorithm, value] of known) {
    const lengths = HEX_LENGTHS[algorithm] ?? []
    if (!/^[0-9a-f]*$/.test(value) || !lengths.includes(value.length))
      throw refused(`${lengths.join(' or ')} lower-case hex digits at ${path}.digest.${algorithm}`, value)
  }
  if (known.length === 0)
    throw refused(`a digest of a known algorithm at ${path}.digest`, Object.keys(digest).join(', '))
  return digest
}

/** The same digest under several names is ordinary (two registries); the very same entry twice has no honest reason. */
function refuseTwice(subjects: readonly Subject[]): void {
  const seen = new Set<string>()
  for (const subject of subjects) {
    const key = JSON.stringify([subject.name, subject.uri, Object.entries(subject.digest).sort()])
    if (seen.has(key)) throw refused('each subject once', `${subject.name ?? subject.uri ?? 'a subject'} twice`)
    seen.add(key)
  }
}

function nonEmptyAt(value: Json | undefined, path: string): string {
  const text = stringAt(value, path)
  if (text === '') throw refused(`a URI at ${path}`, 'an empty string')
  return text
}

function refused(expected: string, found: string | number): WaybillError {
  return fail('statements/malformed', 'The statement is malformed', {
    expected,
    found: printable(String(found), 200) || 'nothing',
  })
}
