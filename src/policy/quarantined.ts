import { isDigest } from '../core/digest.ts'
import { KEYS } from './keys.ts'
import type { Quarantined } from './policy.ts'
import { asciiOf, dateOf, type Field, fieldsOf, listOf, type Reading, required, textOf, wrong } from './read.ts'

/** `quarantined:` of the policy (13-adversary 31): digests that a signed commit put there, and that one takes out again. */
export function parseQuarantined(reading: Reading, field: Field | undefined): readonly Quarantined[] {
  if (field === undefined) return []
  const seen = new Set<string>()
  return listOf(reading, field).map(item => {
    const fields = fieldsOf(reading, item, KEYS.quarantined)
    const name = required(reading, item, fields, 'digest')
    const digest = asciiOf(reading, name)
    if (!isDigest(digest)) throw wrong(reading, name, 'is not a digest', 'sha256: and 64 lower-case hex digits', digest)
    if (seen.has(digest)) throw wrong(reading, name, `names ${digest} twice`)
    seen.add(digest)
    return {
      digest,
      reason: textOf(reading, required(reading, item, fields, 'reason')),
      since: dateOf(reading, required(reading, item, fields, 'since')),
    }
  })
}
