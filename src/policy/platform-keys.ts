import { KEYS } from './keys.ts'
import { type FileReading, namedFile } from './paths.ts'
import { isPlatformKey } from './platform.ts'
import type { Policy, Principal } from './policy.ts'
import { type Field, fieldsOf, fingerprintOf, listOf, onlyKey, required, wrong } from './read.ts'

/** Keys of own servers; GitHub's are built in. */
const MAX_KEYS = 20

/**
 * `platform-keys:`: with which an own server signs merges and edits.
 * @throws also when a principal has a platform's key: whoever may write to the repository gets its signature, so everybody
 * would sign as that person (13-adversary 8).
 */
export function parsePlatformKeys(
  reading: FileReading,
  field: Field | undefined,
  principals: ReadonlyMap<string, Principal>,
  people: Field | undefined,
): Policy['platformKeys'] {
  const items = field === undefined ? [] : listOf(reading, field)
  if (field !== undefined && items.length > MAX_KEYS) throw wrong(reading, field, `has more than ${MAX_KEYS} keys`)
  const keys = new Map<string, string>()
  for (const item of items) {
    const value = onlyKey(reading, item, KEYS.platformKey).value
    const fields = fieldsOf(reading, value, KEYS.platformOpenpgp)
    const at = required(reading, value, fields, 'fingerprint')
    const fingerprint = fingerprintOf(reading, at)
    if (keys.has(fingerprint)) throw wrong(reading, at, 'stands here twice')
    keys.set(fingerprint, namedFile(reading, required(reading, value, fields, 'file'), 'openpgp'))
  }
  for (const principal of principals.values())
    for (const signer of principal.signers)
      if (signer.kind === 'openpgp' && (isPlatformKey(signer.fingerprint) || keys.has(signer.fingerprint)))
        throw wrong(
          reading,
          people ?? field ?? { node: { kind: 'text', at: '1:1', text: '', plain: true }, name: 'principals' },
          `gives ${principal.name} the key ${signer.fingerprint}, with which the platform signs for everybody`,
          `platform: {content: [${principal.name}]} in a source rule`,
        )
  return [...keys].map(([fingerprint, file]) => ({ fingerprint, file }))
}
