import type { TrustedTime, ValidSignature } from '../core/facts.ts'
import type { CoveringTime } from './judgement.ts'

/** What may know trusted times beside its signature: a commit, before and after it is judged. */
export interface Timed {
  readonly trustedTime?: TrustedTime
  /** From a source VSA of an earlier run. */
  readonly earlierTime?: TrustedTime
}

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

/** The earliest of them. Each proves that something existed before it, so the earliest says most (13-adversary 12). */
export function earliestTime<T extends TrustedTime>(...times: readonly (T | undefined)[]): T | undefined {
  const known = times.filter(time => time !== undefined)
  return known.reduce<T | undefined>(
    (first, time) => (first === undefined || time.time.getTime() < first.time.getTime() ? time : first),
    undefined,
  )
}

/** The earliest trusted time known, else now: something signed cannot be younger than any of them. */
export function instantOf(signed: Timed, fact: ValidSignature, now: Date): Instant {
  const trusted = earliestTime(...timesOf(signed, fact))
  if (trusted === undefined)
    return { time: now, text: `${now.toISOString()}, as no trusted time of the signature is known` }
  return { time: trusted.time, text: `${trusted.time.toISOString()}, ${SOURCES[trusted.from]}` }
}

/**
 * The earliest time that may speak against a compromise. One from an earlier source VSA may not: whoever can push can forge
 * what the signing workflow says, so it tells of expiry only (13-adversary 2, 12).
 */
export function coveringTime(signed: Timed, fact: ValidSignature | undefined): CoveringTime | undefined {
  return earliestTime(...timesOf(signed, fact).filter(isCovering))
}

function isCovering(time: TrustedTime | undefined): time is CoveringTime {
  return time !== undefined && time.from !== 'source-vsa'
}

/** The time inside the signature itself. */
export function ownTime(fact: ValidSignature | undefined): TrustedTime | undefined {
  return fact !== undefined && 'trustedTime' in fact ? fact.trustedTime : undefined
}

/** @param date absent: no time. */
export function platformTime(date: Date | undefined): TrustedTime | undefined {
  return date === undefined ? undefined : { time: date, from: 'platform' }
}

function timesOf({ trustedTime, earlierTime }: Timed, fact: ValidSignature | undefined) {
  return [trustedTime, ownTime(fact), earlierTime]
}
