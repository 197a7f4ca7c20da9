import { X509Certificate } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'

/** Certificates of one file that a caller named. */
export interface AuthorityFile {
  /** As it was named; for messages. */
  readonly name: string
  readonly bytes: Uint8Array
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/**
 * Trusts further certificate authorities for every TLS connection of this process, whoever opens it: registries, Sigstore
 * services, the platform's API and TUF alike. What was trusted before stays trusted.
 * @returns PEM of everything that is trusted now, for children that keep a list of their own.
 * @throws `core/authority-unusable`
 */
export function trustAuthorities(files: readonly AuthorityFile[]): string {
  const trusted = [...getCACertificates('default'), ...files.flatMap(certificatesIn)]
  setDefaultCACertificates(trusted)
  return `${trusted.map(pem => pem.trim()).join('\n')}\n`
}

function certificatesIn({ name, bytes }: AuthorityFile): readonly string[] {
  const blocks = (decodeUtf8(bytes) ?? '').match(BLOCK) ?? []
  if (blocks.length === 0 || blocks.length > LIMITS.authorities)
    throw unusable(name, `1 to ${LIMITS.authorities} certificates in PEM`, `${blocks.length} certificates`)
  for (const block of blocks) requireAuthority(name, block)
  return blocks
}

/** A server's own certificate here would be trusted for nothing, and nobody would know why. */
function requireAuthority(name: string, block: string): void {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(block)
  } catch (error) {
    throw unusable(name, 'X.509 certificates', 'a block that is none', error)
  }
  if (!certificate.ca)
    throw unusable(
      name,
      'certificates of authorities (CA:TRUE)',
      `one of ${certificate.subject.replaceAll('\n', ', ')}`,
    )
}

function unusable(name: string, expected: string, found: string, cause?: unknown): Error {
  return fail('core/authority-unusable', `${name} holds no certificate authorities that can be used`, {
    expected,
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
