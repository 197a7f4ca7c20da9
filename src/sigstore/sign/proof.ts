import { X509Certificate } from 'node:crypto'
import { fail, WaybillError } from '../../core/error.ts'
import type { TrustRoot } from '../trust/root.ts'
import { nonsense, originOf, type ServiceCodes } from './service.ts'

/**
 * Runs a check of what a service gave against the trust root that everybody else will verify with. What fails it must not be
 * used: a certificate that no log promised, or an entry whose proof leads nowhere, would be signed with, published, and
 * refused by every gate.
 * @throws `sigstore/service-not-trusted`
 */
export function proven(who: string, trust: TrustRoot | undefined, check: (trust: TrustRoot) => void): void {
  if (trust === undefined) return
  try {
    check(trust)
  } catch (error) {
    throw fail('sigstore/service-not-trusted', `What ${who} gave does not verify with the trust root in use`, {
      expected: `what everybody accepts who verifies with ${trust.origin}`,
      found: reasonOf(error),
      cause: error,
    })
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof WaybillError && error.found !== undefined) return `${error.message}: ${error.found}`
  return error instanceof Error ? error.message : 'nothing that can be read'
}

/** The service as errors name it. */
export function named({ name }: ServiceCodes, url: string): string {
  return `the ${name} at ${originOf(url)}`
}

/**
 * A time outside the certificate's ten minutes makes the signature worthless, whoever vouches for the time.
 * @param certificate DER; absent when a key signed.
 * @throws the service's `malformed`
 */
export function assertWithinCertificate(
  certificate: Uint8Array | undefined,
  time: Date,
  codes: ServiceCodes,
  url: string,
): void {
  if (certificate === undefined) return
  const { validFrom, validTo } = new X509Certificate(certificate)
  if (new Date(validFrom) <= time && time <= new Date(validTo)) return
  const period = `${new Date(validFrom).toISOString()} to ${new Date(validTo).toISOString()}`
  throw nonsense(codes, url, `it says ${time.toISOString()}, and the certificate is valid from ${period}`)
}
