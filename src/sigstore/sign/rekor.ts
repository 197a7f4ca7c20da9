import type { TransparencyLogEntry } from '@sigstore/bundle'
import { TransparencyLogEntry as EntryJson } from '@sigstore/protobuf-specs'
import type { JsonObject } from '../../core/json.ts'
import { LOG_ENTRY_SHAPE } from '../bundle.ts'
import { checkShape } from '../protojson.ts'
import type { ServiceCodes } from './service.ts'

export const REKOR: ServiceCodes = {
  name: 'transparency log',
  unavailable: 'sigstore/log-unavailable',
  malformed: 'sigstore/log-answer-malformed',
}

/**
 * One entry in the JSON of protocol buffers, with all that a v0.3 bundle must carry.
 * @throws an Error that says what is missing; the caller gives it its code.
 */
export function readEntry(json: JsonObject): TransparencyLogEntry {
  checkShape(json, LOG_ENTRY_SHAPE, 'entry')
  const { logId, kindVersion, ...rest } = EntryJson.fromJSON(json)
  if (logId === undefined || kindVersion === undefined)
    throw new Error('the entry does not say which log or kind it is')
  if (rest.inclusionProof?.checkpoint === undefined) throw new Error('the entry has no inclusion proof')
  return { ...rest, logId, kindVersion }
}
