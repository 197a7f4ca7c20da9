import type { TrustRoot } from '../trust/root.ts'
import type { VerificationNeed } from './verify.ts'

/**
 * Which witnesses a bundle must have under this root: a file (or a mirror, which begins from a file) that names no log at all
 * belongs to an instance that has none (`transparency-log: none`), and a timestamp is its witness. A log that is named but
 * cannot be used is missing. GitHub's instance has no log of either kind by design; its witness is the timestamp.
 */
export function needUnder({
  origin,
  unusable,
  material,
}: TrustRoot): Pick<VerificationNeed, 'logs' | 'scts' | 'timestamps'> {
  if (origin === 'github') return { logs: 0, scts: 0, timestamps: 1 }
  if (origin === 'public-good' || unusable.length > 0) return {}
  return {
    ...(material.tlogs.length === 0 ? { logs: 0 } : {}),
    ...(material.ctlogs.length === 0 ? { scts: 0 } : {}),
  }
}
