import { generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { fail, WaybillError } from '../../core/error.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import { together } from '../../core/together.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import type { TrustRoot } from '../trust/root.ts'
import { requireIssuedUnder } from '../verify/witness.ts'
import { assertSameIdentity } from './claims.ts'
import { assertClocksAgree } from './clock.ts'
import { FULCIO, type IssuedCertificate, requestCertificate } from './fulcio.ts'
import { named, proven } from './proof.ts'
import type { Transport } from './service.ts'

/** Signs bytes with the key of one certificate. The private key never leaves it. */
export interface Signer {
  sign(bytes: Uint8Array): Buffer
}

export interface Credential extends IssuedCertificate, Signer {
  readonly publicKey: KeyObject
}

export interface CredentialOptions {
  readonly transport: Transport
  readonly fulcioUrl: string | undefined
  /** Asked for once a certificate; its value is never kept. */
  readonly identityToken: () => Promise<string>
  readonly now: () => number
  /** The root by which a certificate must verify before anything is signed with it. */
  readonly trust?: () => Promise<TrustRoot>
}

/**
 * One ephemeral key and one ten-minute certificate for all statements of a run, fetched at the first question and
 * renewed, with a new key, when too little time is left. Concurrent questions share one request. A renewed certificate names
 * whom the first one named: the statements that it signs were made for that one.
 */
export class CredentialStore {
  readonly #options: CredentialOptions
  #current: Promise<Credential> | undefined
  #first: CertificateSigner | undefined

  constructor(options: CredentialOptions) {
    this.#options = options
  }

  async get(): Promise<Credential> {
    const before = this.#current
    const credential = await (before ?? this.#renew())
    if (this.#fresh(credential)) return credential
    // Another caller may have renewed in the meantime.
    return this.#current === before || this.#current === undefined ? this.#renew() : this.#current
  }

  #fresh({ signer }: Credential): boolean {
    return signer.notAfter.getTime() - this.#options.now() >= SIGSTORE_LIMITS.renewBeforeMs
  }

  #renew(): Promise<Credential> {
    const request = fetchCredential(this.#options).then(credential => {
      this.#first ??= credential.signer
      assertSameIdentity(this.#first, credential.signer)
      return credential
    })
    this.#current = request
    // A failed request must not be the answer for ever.
    request.catch(() => {
      if (this.#current === request) this.#current = undefined
    })
    return request
  }
}

const newKeyPair = promisify(generateKeyPair)

/** A provider's own error may quote the token, so only an error of ours is passed on. */
async function tokenFrom(provider: () => Promise<string>): Promise<string> {
  try {
    return await provider()
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('sigstore/identity-token-malformed', 'No identity token could be had')
  }
}

async function fetchCredential(options: CredentialOptions): Promise<Credential> {
  if (options.fulcioUrl === undefined) {
    throw fail('sigstore/no-service', 'The signing configuration names no certificate authority', {
      expected: 'caUrls with a usable service, or a key to sign with',
    })
  }
  const { transport, fulcioUrl, now } = options
  const [keys, token] = await Promise.all([newKeyPair('ec', { namedCurve: 'P-256' }), tokenFrom(options.identityToken)])
  const [issued, trust] = await together([requestCertificate(transport, fulcioUrl, token, keys), options.trust?.()])
  const { der, signer } = issued
  assertClocksAgree('certificate authority', signer.notBefore, now())
  proven(named(FULCIO, fulcioUrl), trust, root => requireIssuedUnder(root, der, signer.notBefore))
  return { ...issued, publicKey: keys.publicKey, sign: bytes => sign('sha256', bytes, keys.privateKey) }
}
