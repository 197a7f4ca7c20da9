import type { TrustedTime } from '../core/facts.ts'
import type { CommitJudgement } from './judgement.ts'

/** The earliest of them. Each proves that something existed before it, so the earliest says most (13-adversary 12). */
export function earliestTime(...times: readonly (TrustedTime | undefined)[]): TrustedTime | undefined {
  const known = times.filter(time => time !== undefined)
  return known.reduce<TrustedTime | undefined>(
    (first, time) => (first === undefined || time.time.getTime() < first.time.getTime() ? time : first),
    undefined,
  )
}

/**
 * The earliest time that may speak against a compromise. One from an earlier source VSA may not: whoever can push can
 * forge what the signing workflow says, so it tells of expiry only (13-adversary 2).
 */
export function coveringTime({ trustedTime, signature }: CommitJudgement): TrustedTime | undefined {
  const own = signature !== undefined && 'trustedTime' in signature ? signature.trustedTime : undefined
  return earliestTime(...[trustedTime, own].filter(time => time?.from !== 'source-vsa'))
}

/** @param date absent: no time. */
export function platformTime(date: Date | undefined): TrustedTime | undefined {
  return date === undefined ? undefined : { time: date, from: 'platform' }
}
