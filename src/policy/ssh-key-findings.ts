import type { SshCertificateFact, ValidSsh } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { KeyCase } from './key.ts'
import type { PrincipalSigner, SshAuthority } from './policy.ts'

/**
 * Seconds by which ssh-keygen dates a certificate back so that other clocks accept it: with `-V +1d` it begins up to two
 * minutes before now. Without this allowance the `1d` of the policy would refuse the `1d` of ssh-keygen.
 */
const BACKDATED = 120

/** What a security key and a certificate say about themselves (13-adversary 12). */
export function sshFindings(the: KeyCase, fact: ValidSsh, signer: PrincipalSigner | undefined): readonly Finding[] {
  const { certificate } = fact
  return [
    ...touchFindings(the, fact, signer),
    ...(certificate === undefined ? [] : certificateFindings(the, certificate)),
    ...(certificate === undefined || signer?.kind !== 'ssh-ca' ? [] : validityFindings(the, certificate, signer)),
  ]
}

/** The touch is asked of every security key, whatever it was made with: `no-touch-required` is not accepted. */
function touchFindings(the: KeyCase, { securityKey }: ValidSsh, signer: PrincipalSigner | undefined) {
  const asked = signer?.kind === 'ssh' ? signer.require : []
  const touch = securityKey !== undefined || asked.includes('user-presence')
  const findings: Finding[] = []
  if (touch && securityKey?.userPresence !== true)
    findings.push(
      the.reject('source/user-presence-missing', ', which nobody touched', {
        expected: 'a touch of the security key',
        found: 'a signature without one',
      }),
    )
  if (asked.includes('user-verification') && securityKey?.userVerification !== true)
    findings.push(
      the.reject('source/user-verification-missing', ', which asked for no PIN or finger', {
        expected: 'user-verification, as the policy asks',
        found: 'a signature without it',
      }),
    )
  return findings
}

function certificateFindings(the: KeyCase, { criticalOptions, principals }: SshCertificateFact): readonly Finding[] {
  const options = printable(criticalOptions.join(', '), 200)
  return [
    ...(criticalOptions.length === 0
      ? []
      : [
          the.reject('source/certificate-options', `, whose certificate has the critical options ${options}`, {
            expected: 'no critical options',
            found: options,
          }),
        ]),
    ...(principals.length > 0
      ? []
      : [
          the.reject('source/certificate-names', ', whose certificate names nobody', {
            expected: 'a name',
            found: 'none, which OpenSSH takes for every name',
          }),
        ]),
  ]
}

function validityFindings(
  the: KeyCase,
  { validAfter, validBefore }: SshCertificateFact,
  { maxValiditySeconds }: SshAuthority,
): readonly Finding[] {
  const seconds = validBefore === undefined ? undefined : (validBefore.getTime() - validAfter.getTime()) / 1_000
  if (seconds !== undefined && seconds <= maxValiditySeconds + BACKDATED) return []
  const found = seconds === undefined ? 'valid for ever' : `valid for ${seconds} seconds`
  const expected = `at most ${maxValiditySeconds} seconds (max-validity)`
  return [the.reject('source/certificate-too-long', `, whose certificate is ${found}`, { expected, found })]
}
