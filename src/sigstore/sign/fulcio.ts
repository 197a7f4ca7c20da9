import { type KeyObject, sign, X509Certificate } from 'node:crypto'
import { utf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { isObject, type Json, parseJsonObject } from '../../core/json.ts'
import { arrayAt, objectAt, stringAt } from '../../core/shape.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import { observedSigner } from '../verify/certificate.ts'
import { ask, nonsense, reading, refusal, type ServiceCodes, type Transport } from './service.ts'

/** A leaf certificate as issued. */
export interface IssuedCertificate {
  readonly der: Buffer
  readonly signer: CertificateSigner
}

export const FULCIO: ServiceCodes = {
  name: 'certificate authority',
  unavailable: 'sigstore/certificate-unavailable',
  malformed: 'sigstore/certificate-answer-malformed',
}

/**
 * Asks Fulcio for a certificate for one key: `POST /api/v2/signingCert` with the identity token and, as proof that the
 * key is ours, a signature over the token's subject. The answer must be for that key and name one subject.
 * @param token never appears in an error, not even when the service quotes it.
 * @throws `sigstore/certificate-unavailable`, `-refused`, `-answer-malformed`, `sigstore/identity-token-malformed`
 */
export async function requestCertificate(
  transport: Transport,
  fulcioUrl: string,
  token: string,
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): Promise<IssuedCertificate> {
  const url = `${fulcioUrl}/api/v2/signingCert`
  const proof = sign('sha256', utf8(challengeOf(token)), keys.privateKey)
  const answer = await ask(transport, FULCIO, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(
      JSON.stringify({
        credentials: { oidcIdentityToken: token },
        publicKeyRequest: {
          publicKey: { algorithm: 'ECDSA', content: keys.publicKey.export({ format: 'pem', type: 'spki' }) },
          proofOfPossession: proof.toString('base64'),
        },
      }),
    ),
  })
  if (answer.status >= 500 || answer.status === 408 || answer.status === 429)
    throw refusal('sigstore/certificate-unavailable', FULCIO, url, answer, token)
  if (answer.status !== 200 && answer.status !== 201)
    throw refusal('sigstore/certificate-refused', FULCIO, url, answer, token)
  return issued(
    url,
    reading(FULCIO, url, () => leafOf(answer.body)),
    keys.publicKey,
  )
}

function issued(url: string, leaf: X509Certificate, publicKey: KeyObject): IssuedCertificate {
  if (!leaf.publicKey.equals(publicKey)) throw nonsense(FULCIO, url, 'the certificate is for another key')
  try {
    return { der: leaf.raw, signer: observedSigner(leaf.raw) }
  } catch (error) {
    throw nonsense(FULCIO, url, error instanceof Error ? error.message : 'the certificate cannot be read', error)
  }
}

/** `signedCertificateEmbeddedSct`, or `…DetachedSct` of an authority without a certificate log. Leaf first. */
function leafOf(body: Uint8Array): X509Certificate {
  const json = parseJsonObject(body, 'answer')
  const signed = json.signedCertificateEmbeddedSct ?? json.signedCertificateDetachedSct
  const chain = objectAt(objectAt(signed, 'signedCertificate').chain, 'chain')
  const [leaf] = arrayAt(chain.certificates, 'chain.certificates')
  return new X509Certificate(stringAt(leaf, 'chain.certificates[0]'))
}

/** The claim whose signature proves possession: a verified e-mail address where there is one, else the subject. */
function challengeOf(token: string): string {
  const claims = claimsOf(token)
  if (isObject(claims)) {
    const { email, email_verified: verified, sub } = claims
    if (typeof email === 'string' && email !== '' && (verified === true || verified === 'true')) return email
    if (typeof sub === 'string' && sub !== '') return sub
  }
  throw fail('sigstore/identity-token-malformed', 'The identity token has no subject', {
    expected: 'a JWT with a subject',
  })
}

function claimsOf(token: string): Json | undefined {
  try {
    return parseJsonObject(new Uint8Array(Buffer.from(token.split('.')[1] ?? '', 'base64url')), 'identity token')
  } catch {
    // The parser's message could quote the token.
    return undefined
  }
}
