import { utf8 } from '../core/bytes.ts'
import type { JsonObject } from '../core/json.ts'
import { parseStatement } from './parse.ts'
import { STATEMENT_TYPE, type Subject } from './statement.ts'

/**
 * Encodes a statement once; exactly these bytes are signed, logged and published.
 * What is written is read back with the gate's own parser first, so nothing is ever signed that the gate would refuse.
 * @throws `statements/malformed` when the subjects or the predicate are not acceptable.
 */
export function buildStatement(parts: {
  readonly subjects: readonly [Subject, ...Subject[]]
  readonly predicateType: string
  readonly predicate: JsonObject
}): Uint8Array {
  const bytes = utf8(
    JSON.stringify({
      _type: STATEMENT_TYPE,
      subject: parts.subjects.map(({ name, uri, digest, annotations }) => ({ name, uri, digest, annotations })),
      predicateType: parts.predicateType,
      predicate: parts.predicate,
    }),
  )
  parseStatement(bytes)
  return bytes
}
