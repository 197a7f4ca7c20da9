import type { Digest } from '../../core/digest.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import { parseStatement } from '../../statements/parse.ts'
import { CredentialStore } from './credential.ts'
import { signSimply } from './simple-signing.ts'
import { openWitnesses, type Patience, signWitnessed, type WitnessedBundle, type WitnessOptions } from './witness.ts'

export interface SessionOptions extends Patience, WitnessOptions {
  /** A fresh identity token with audience `sigstore`; asked for once a certificate, never kept, never shown. */
  readonly identityToken: () => Promise<string>
}

/** A v0.3 bundle, encoded once: store and publish exactly these bytes. */
export interface SignedBundle extends WitnessedBundle {
  /** The earliest time a service gave for the signature. */
  readonly signedAt: Date
}

/** Signs statements as one identity. Safe to call concurrently. */
export interface SigningSession {
  /** Who signs, as the certificate says it; fetches the certificate, signs nothing. */
  certificate(): Promise<CertificateSigner>
  /**
   * Signs one statement, has it logged and timestamped in parallel, and assembles the bundle.
   * @param statement an in-toto statement's bytes; anything else is refused (13-adversary 22).
   * @throws `sigstore/…` of kind unknown when a service cannot be reached or used; nothing is published by then except
   * the log entry.
   */
  sign(statement: Uint8Array): Promise<SignedBundle>
  /**
   * Signs that this digest stands in this repository, as cosign ≤ 2 does; the bytes are made here and nowhere else.
   * @throws as `sign`
   */
  signImage(repository: string, digest: Digest): Promise<SignedBundle>
}

/**
 * Begins to open connections to the services of choice, and asks them nothing yet.
 * @throws `sigstore/no-service` when the services cannot give a bundle that verifies.
 */
export function openSession(options: SessionOptions): SigningSession {
  const { services, http, identityToken, now, trust } = options
  const witnesses = openWitnesses(options, options)
  const { transport } = witnesses
  const { fulcioUrl } = services
  const known = trust === undefined ? {} : { trust }
  const credentials = new CredentialStore({ transport, fulcioUrl, identityToken, now, ...known })
  if (fulcioUrl !== undefined) http.warm(fulcioUrl, 1)
  return {
    certificate: async () => (await credentials.get()).signer,
    sign: async statement => {
      // A file whose bytes are a DSSE PAE or a commit must never become something we signed.
      parseStatement(statement)
      const { publicKey, der: certificate, sign } = await credentials.get()
      const signed = await signWitnessed(statement, { publicKey, certificate, sign }, witnesses)
      const { signedAt } = signed
      if (signedAt === undefined) throw new TypeError('a witnessed bundle without a time')
      return { ...signed, signedAt }
    },
    signImage: async (repository, digest) => {
      const { publicKey, der: certificate, sign } = await credentials.get()
      return signSimply({ repository, digest }, { publicKey, certificate, sign }, witnesses)
    },
  }
}
