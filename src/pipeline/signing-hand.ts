import { utf8 } from '../core/bytes.ts'
import { type Digest, parseDigest } from '../core/digest.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { assertCertificateMatchesClaims } from '../sigstore/sign/claims.ts'
import type { SignedBundle } from '../sigstore/sign/session.ts'
import type { RunClaims } from '../statements/claims.ts'
import type { AttestPorts, AttestRequest, ImageKey } from './attest-request.ts'
import { claimsOf, type Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'

/** Who signs what this run states of its image. */
export interface Hand {
  readonly signer: ObservedSigner
  sign(statement: Uint8Array): Promise<SignedBundle>
  /** For a tag as cosign ≤ 2 reads it. */
  signImage(repository: string, digest: Digest): Promise<SignedBundle>
}

/** What may be said of the run by who will sign; nobody is asked for a certificate yet. */
export function claimant(ready: Ready): { readonly claims: RunClaims; readonly claimsBy?: ImageKey['claimsBy'] } {
  const { imageKey } = ready
  if (imageKey !== undefined) return { claims: imageKey.claims, claimsBy: imageKey.claimsBy }
  const claims = claimsOf(ready)
  if (claims === undefined) throw new TypeError('statements without a signer')
  return { claims }
}

/** Where a run leaves the public half of its key, below its own folder. */
const PUBLIC_KEY = 'signing-key.pub'

/**
 * The run's identity with its one certificate, which must say what the token says; or the key that was named in its place. Who
 * it is stands in the receipt from now on. @throws `sigstore/…`
 */
export async function handOf(
  request: AttestRequest,
  ports: AttestPorts,
  { identity, imageKey }: Ready,
  record: RunRecord,
): Promise<Hand> {
  if (imageKey !== undefined) return keyHand(imageKey, ports, record)
  if (identity === undefined) throw new TypeError('statements without a signer')
  const session = await ports.session()
  const signer = await session.certificate()
  assertCertificateMatchesClaims(signer, identity.certified, request.serverUrl)
  record.identity = { san: signer.san.value, issuer: signer.issuer }
  return {
    signer,
    sign: statement => session.sign(statement),
    signImage: (repository, digest) => session.signImage(repository, digest),
  }
}

async function keyHand(key: ImageKey, ports: AttestPorts, record: RunRecord): Promise<Hand> {
  const { signer, claimsBy } = key
  const file = await ports.keep(PUBLIC_KEY, utf8(key.publicKey))
  record.signingKey = { fingerprint: parseDigest(`sha256:${signer.fingerprint}`), file }
  record.notices.push(
    'The image is signed with a key: what its statements say of this run is the word of whoever holds the key.',
    ...(claimsBy === 'runner' ? [BY_RUNNER] : []),
  )
  return {
    signer,
    sign: statement => key.sign(statement),
    signImage: (repository, digest) => key.signImage(repository, digest),
  }
}

const BY_RUNNER =
  'No identity token was at hand: the provenance tells of the run what the runner’s variables say, which any step of the job may set, and says so.'
