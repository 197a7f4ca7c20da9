/**
 * Keys with which GitHub itself signs merges, squashes and edits made in the web interface or by API (3-source § 5).
 * They say "the platform did this", not who wanted it: anybody with write access gets such a signature (13-adversary 8).
 */
const PLATFORM_KEYS = [
  '968479A1AFF927E37D1A566BB5690EEEBB952194',
  /** The one before, expired 2024-01-16. */
  '5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23',
]

/** Whether a signature claims one of them, by fingerprint or by key id (its last 16 digits). Only used to give a better remedy. */
export function isPlatformKey(claimed: string | undefined): boolean {
  const hex = (claimed ?? '').replace(/^0x/i, '').replaceAll(' ', '').toUpperCase()
  return PLATFORM_KEYS.some(key => hex === key || hex === key.slice(-16))
}
