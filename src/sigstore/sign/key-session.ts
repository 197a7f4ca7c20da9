import type { Digest } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import type { KeySigner } from '../../core/signer.ts'
import { parseStatement } from '../../statements/parse.ts'
import type { SigningKey } from './key.ts'
import { signSimply } from './simple-signing.ts'
import {
  openWitnesses,
  type Patience,
  signWitnessed,
  type WitnessedBundle,
  type Witnesses,
  type WitnessOptions,
} from './witness.ts'

export interface KeySessionOptions extends Patience {
  readonly key: SigningKey
  /** Who shall see the signatures. Absent: nobody; nothing leaves this machine, and no bundle says when it was made. */
  readonly witnesses?: WitnessOptions
}

/** Signs statements with one key that somebody keeps. Safe to call concurrently. */
export interface KeySession {
  readonly signer: KeySigner
  /**
   * @param statement an in-toto statement's bytes; anything else is refused (13-adversary 22).
   * @throws `sigstore/…` of kind unknown when a service cannot be reached or used.
   */
  sign(statement: Uint8Array): Promise<WitnessedBundle>
  /**
   * Signs that this digest stands in this repository, as cosign ≤ 2 does.
   * @throws as `sign`, and `sigstore/no-service` without witnesses: nobody accepts such a signature that no log promises
   */
  signImage(repository: string, digest: Digest): Promise<WitnessedBundle & { readonly signedAt: Date }>
}

/** @throws `sigstore/no-service` when the services cannot give a bundle that verifies. */
export function openKeySession({ key, witnesses: given, ...patience }: KeySessionOptions): KeySession {
  const witnesses = given === undefined ? undefined : witnessesOf(key, given, patience)
  const { publicKey, hint, details, sign, signer } = key
  const hand = { publicKey, hint, sign, ...(details === undefined ? {} : { keyDetails: details }) }
  return {
    signer,
    sign: async statement => {
      parseStatement(statement)
      return signWitnessed(statement, hand, witnesses)
    },
    signImage: async (repository, digest) => {
      if (witnesses === undefined)
        throw fail('sigstore/no-service', 'A signature in a tag needs a transparency log that promises inclusion')
      return signSimply({ repository, digest }, hand, witnesses)
    },
  }
}

function witnessesOf(key: SigningKey, options: WitnessOptions, patience: Patience): Witnesses {
  const { services, log = true } = options
  // A hashedrekord of Rekor v2 names the hash by the kind of key, and the entry that is read back must be over SHA-256.
  if (log && key.details === undefined && services.rekor.some(({ majorApiVersion }) => majorApiVersion === 2))
    throw fail('sigstore/signing-key-unusable', 'A Rekor v2 log takes no signatures of this kind of key', {
      expected: 'ECDSA P-256, or RSA of 2048, 3072 or 4096 bits; or a Rekor v1 log',
      found: 'a key of another kind',
    })
  return openWitnesses(options, patience)
}
