import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'

/**
 * Compares a service's time with ours. A machine whose clock is off asks for certificates that are over, or judges
 * by the wrong day, and every later message would be about something else.
 * @throws `sigstore/clock-skew`
 */
export function assertClocksAgree(service: string, theirs: Date, ours: number): void {
  const difference = theirs.getTime() - ours
  if (Math.abs(difference) <= LIMITS.clockSkewMs) return
  const minutes = Math.round(Math.abs(difference) / 60_000)
  throw fail('sigstore/clock-skew', `This machine and the ${service} differ by ${minutes} minutes`, {
    expected: `about ${theirs.toISOString()} (the ${service})`,
    found: `${new Date(ours).toISOString()} (this machine)`,
    remedy: `Set the clock of this machine ${difference > 0 ? 'forward' : 'back'} (for example: sudo timedatectl set-ntp true), then run again. If the clock is right, the ${service} is wrong.`,
  })
}
