import type { TrustedTime, ValidSignature } from '../core/facts.ts'

/** The time at which the dates of a key are judged, and in words where it comes from. */
export interface Instant {
  readonly time: Date
  readonly text: string
}

const SOURCES: Readonly<Record<TrustedTime['from'], string>> = {
  log: 'the time in the transparency log',
  timestamp: 'the time in its timestamp',
  platform: 'when the platform says it was pushed',
  'source-vsa': 'when an earlier run verified it',
}

/** What may know a trusted time beside its signature. */
interface Timed {
  readonly trustedTime?: TrustedTime
}

/** The earliest trusted time known, else now: something signed cannot be younger than any of them. */
export function instantOf(signed: Timed, fact: ValidSignature, now: Date): Instant {
  const trusted = earliest(timesOf(signed, fact))
  if (trusted === undefined)
    return { time: now, text: `${now.toISOString()}, as no trusted time of the signature is known` }
  return { time: trusted.time, text: `${trusted.time.toISOString()}, ${SOURCES[trusted.from]}` }
}

/**
 * The earliest time that may speak against a revocation. One from an earlier source VSA may not: whoever can push can forge
 * what the signing workflow says, so it tells of expiry only (13-adversary 2, 12).
 */
export function coveringTimeOf(signed: Timed, fact: ValidSignature): TrustedTime | undefined {
  return earliest(timesOf(signed, fact).filter(({ from }) => from !== 'source-vsa'))
}

function timesOf({ trustedTime }: Timed, fact: ValidSignature): readonly TrustedTime[] {
  const own = 'trustedTime' in fact ? fact.trustedTime : undefined
  return [trustedTime, own].filter(time => time !== undefined)
}

function earliest(times: readonly TrustedTime[]): TrustedTime | undefined {
  return times.toSorted((a, b) => a.time.getTime() - b.time.getTime())[0]
}
