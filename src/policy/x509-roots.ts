import { X509Certificate } from 'node:crypto'
import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { DEFAULT_MIN_RSA, type Policy, type Principal, type PrincipalSigner } from './policy.ts'
import { identitiesOf } from './principal-signer.ts'

/** Certificates of one file. A company has a handful of authorities. */
const MAX_ROOTS = 100

/**
 * Reads the certificates in which a chain may end: PEM `CERTIFICATE` blocks (RFC 7468 § 5) and nothing beside them, each of
 * a certificate authority.
 * @returns SHA-256 over the DER of each, upper-case hex, in the order of the file: what `X509Signer.roots` holds.
 * @throws `policy/unusable` for anything else; a private key is refused by name, it has no business in a policy.
 */
export function rootFingerprints(bytes: Uint8Array, path: string): readonly string[] {
  const text = latin1(bytes)
  if (text.includes('PRIVATE KEY')) throw unusable(path, 'a private key')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length > MAX_ROOTS) throw unusable(path, `${blocks.length} certificates, more than ${MAX_ROOTS}`)
  // Text beside the blocks could name another certificate to whoever reads the file than the block does.
  const rest = blocks.reduce((left, block) => left.replace(block, ''), text)
  if (blocks.length === 0 || rest.trim() !== '') throw unusable(path, 'something other than PEM certificates')
  return blocks.map((block, index) => rootFingerprint(block, path, `certificate ${index + 1}`))
}

function rootFingerprint(block: string, path: string, which: string): string {
  const { ca, bits, fingerprint } = readCertificate(block, path, which)
  if (!ca) throw unusable(path, `${which}, which is of nobody who may certify others`)
  if (bits < DEFAULT_MIN_RSA) throw unusable(path, `${which}, whose RSA key has ${bits} bits`)
  return fingerprint
}

/** Everything in one place, as the library reads some of it only when asked. `bits` of anything but RSA are enough. */
function readCertificate(block: string, path: string, which: string) {
  try {
    const { ca, publicKey, fingerprint256 } = new X509Certificate(block)
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? DEFAULT_MIN_RSA
    return { ca, bits, fingerprint: fingerprint256.replaceAll(':', '') }
  } catch (error) {
    throw unusable(path, `${which}, which cannot be read`, error)
  }
}

/**
 * Gives every `x509` signer the fingerprints of its roots.
 * @param bytesOf of a named file.
 * @throws `policy/unusable` also when two principals would share a certificate because two files hold the same root.
 */
export function bindRoots(policy: Policy, bytesOf: (path: string) => Uint8Array): Policy['principals'] {
  const known = new Map<string, readonly string[]>()
  const rootsOf = (file: string) => {
    const roots = known.get(file) ?? rootFingerprints(bytesOf(file), file)
    known.set(file, roots)
    return roots
  }
  const owners = new Map<string, string>()
  const bind = (signer: PrincipalSigner, owner: string): PrincipalSigner => {
    if (signer.kind !== 'x509') return signer
    const roots = rootsOf(signer.file)
    for (const root of roots) claimRoot({ ...signer, file: root }, owner, owners)
    return { ...signer, roots }
  }
  const bound = ({ name, signers, ...rest }: Principal): Principal => ({
    name,
    ...rest,
    signers: signers.map(signer => bind(signer, name)),
  })
  return new Map([...policy.principals].map(([name, principal]) => [name, bound(principal)]))
}

function claimRoot(signer: PrincipalSigner, owner: string, owners: Map<string, string>): void {
  for (const [shown, key] of identitiesOf(signer)) {
    const other = owners.get(key) ?? owner
    owners.set(key, other)
    if (other === owner) continue
    throw fail('policy/unusable', `${owner} has ${shown}, which are also ${other}’s: persons could not be told apart`, {
      expected: 'one principal for each address below a root',
      found: `${other} and ${owner}`,
    })
  }
}

function unusable(path: string, found: string, cause?: unknown): Error {
  return fail('policy/unusable', `${path} is not a usable list of root certificates: it holds ${found}`, {
    expected: 'one or more blocks -----BEGIN CERTIFICATE-----, each of a certificate authority',
    found,
    remedy: `Put the authorities’ certificates alone into ${path}, for example: openssl x509 -in ca.crt -out ca.pem`,
    cause,
  })
}
