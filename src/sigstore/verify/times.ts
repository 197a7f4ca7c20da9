import { RFC3161Timestamp } from '@sigstore/core'
import { fail } from '../../core/error.ts'
import type { BundleParts } from '../bundle.ts'

/** A time that a service claims for the signature; proven only once the library has verified the whole bundle. */
export interface ClaimedTime {
  readonly source: 'rekor-v1' | 'rfc3161'
  /** Names the service, so that two times of one service count once. */
  readonly service: string
  readonly time: Date
}

/**
 * All times in a bundle. Rekor v1 promises one in its SET; Rekor v2 gives none (its entries say 0), and a number in an
 * entry without a promise is signed by nobody.
 * @throws `sigstore/timestamp-invalid` when a timestamp cannot be read.
 */
export function claimedTimes(parts: Pick<BundleParts, 'entries' | 'timestamps'>): readonly ClaimedTime[] {
  const promised = parts.entries
    .filter(entry => entry.inclusionPromise !== undefined && entry.integratedTime !== '0')
    .map(entry => ({
      source: 'rekor-v1' as const,
      service: `log ${entry.logId.keyId.toString('hex')}`,
      time: new Date(Number(entry.integratedTime) * 1000),
    }))
  return [...promised, ...parts.timestamps.map(readTimestamp)]
}

/** Distinct services among the times. */
export function countServices(times: readonly ClaimedTime[]): number {
  return new Set(times.map(({ service }) => service)).size
}

/** @throws `sigstore/timestamp-invalid` */
export function readTimestamp(der: Uint8Array): ClaimedTime {
  try {
    const stamp = RFC3161Timestamp.parse(Buffer.from(der))
    const time = stamp.signingTime
    if (Number.isNaN(time.getTime())) throw new Error('its time cannot be read')
    if (stamp.status !== 0n && stamp.status !== 1n) throw new Error(`the authority refused it (status ${stamp.status})`)
    const service = `tsa ${stamp.signerIssuer.toString('hex')} ${stamp.signerSerialNumber.toString('hex')}`
    return { source: 'rfc3161', service, time }
  } catch (error) {
    throw fail('sigstore/timestamp-invalid', 'A signed timestamp cannot be read', {
      found: error instanceof Error ? error.message : 'not RFC 3161',
      cause: error,
    })
  }
}
