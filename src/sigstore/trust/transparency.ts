import { fail } from '../../core/error.ts'
import type { SigningServices } from './services.ts'

/** What `transparency-log` may say. */
export type TransparencyLog = 'auto' | 'public' | 'own' | 'none'

export interface TransparencyRequest {
  /** From the verified token's `repository_visibility`; anything but `public`, absence included, counts as private. */
  readonly visibility: string | undefined
  readonly transparencyLog: TransparencyLog
  readonly services: SigningServices
  /** True when a key signs, so that no certificate is asked for. */
  readonly key?: boolean
}

/** True when any of the services is the public instance: hosts under sigstore.dev. */
export function isPublicGood(services: SigningServices): boolean {
  return [services.fulcioUrl ?? [], services.rekor.map(r => r.url), services.tsa].flat().some(isPublicHost)
}

/**
 * Stops private names from reaching public logs (13-adversary 23). To be called before any certificate is asked for:
 * the certificate log alone already publishes repository, workflow, ref and commit.
 * @throws `sigstore/private-repository` with the lines to paste.
 */
export function assertTransparencyAllowed(request: TransparencyRequest): void {
  const { transparencyLog: choice, services, key = false } = request
  if (choice === 'public') return
  if (choice === 'auto') {
    if (request.visibility === 'public') return
    throw fail('sigstore/private-repository', 'Choose where signatures of this repository are logged', {
      expected: 'transparency-log: public, own or none',
      found: `visibility ${request.visibility ?? 'unknown'}, transparency-log: auto`,
      remedy: CHOICES,
    })
  }
  const leaks = [
    ...(key ? [] : [services.fulcioUrl ?? []]),
    ...(choice === 'own' ? services.rekor.map(r => r.url) : []),
  ].flat()
  const found = leaks.find(isPublicHost)
  if (found === undefined) return
  throw fail('sigstore/private-repository', `transparency-log: ${choice} never combines with the public instance`, {
    expected: 'signing-config with services of your own',
    found,
    remedy: CHOICES,
  })
}

const CHOICES = `Add one of these lines under \`with:\`:
  transparency-log: public   # repository, workflow, ref and commit become public for ever
  transparency-log: own      # and signing-config: FILE naming your own services
  transparency-log: none     # a timestamp only; and signing-config: FILE naming your own services`

function isPublicHost(url: string): boolean {
  const host = new URL(url).hostname.replace(/\.$/, '')
  return host === 'sigstore.dev' || host.endsWith('.sigstore.dev')
}
