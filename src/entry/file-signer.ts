import { fail } from '../core/error.ts'
import type { HttpClient } from '../io/http.ts'
import type { FileSigner } from '../pipeline/attest-file.ts'
import type { VerifyBundle } from '../pipeline/verify-request.ts'
import { expectationFromFlags } from '../policy/gate.ts'
import type { SigningKey } from '../sigstore/sign/key.ts'
import { openKeySession } from '../sigstore/sign/key-session.ts'
import { openSession } from '../sigstore/sign/session.ts'
import type { WitnessOptions } from '../sigstore/sign/witness.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { SigningServices } from '../sigstore/trust/services.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyUnwitnessed } from '../sigstore/verify/unwitnessed/verify.ts'
import { verifyBundle } from '../sigstore/verify/verify.ts'

/** Services that see the signatures, and the trust root by which everybody else will verify them. */
export interface SignerServices {
  readonly services: SigningServices
  readonly trust: TrustRoot
  readonly http: HttpClient
  /** False: no transparency log. */
  readonly log: boolean
}

/** @param name of the key, for people: never its text. */
export function keyFileSigner(key: SigningKey, name: string, witnesses: SignerServices | undefined): FileSigner {
  const keys = [{ publicKey: new Uint8Array(key.publicKey.export({ format: 'der', type: 'spki' })) }]
  const session = openKeySession({
    key,
    ...(witnesses === undefined ? {} : { witnesses: seenBy(witnesses) }),
  })
  return {
    signer: key.signer,
    unwitnessed: witnesses === undefined,
    sign: statement => session.sign(statement),
    verify: witnesses === undefined ? bundle => verifyUnwitnessed(bundle, keys) : underRoot(witnesses, keys),
    expectation: predicateType =>
      expectationFromFlags({ key: { file: name, fingerprint: key.signer.fingerprint }, predicateType }),
  }
}

/** Asks for the one certificate of all files. @throws `sigstore/…` */
export async function keylessFileSigner(
  witnesses: SignerServices,
  identityToken: () => Promise<string>,
): Promise<FileSigner> {
  const verify = underRoot(witnesses, [])
  const session = openSession({ ...seenBy(witnesses), identityToken })
  const signer = await session.certificate()
  return {
    signer,
    unwitnessed: false,
    sign: statement => session.sign(statement),
    verify,
    expectation: predicateType =>
      expectationFromFlags({
        certificateIdentity: signer.san.value,
        certificateOidcIssuer: signer.issuer,
        predicateType,
      }),
  }
}

function seenBy({ services, http, log, trust }: SignerServices): WitnessOptions {
  return { services, http, log, trust: async () => trust, now: () => Date.now() }
}

/** Exactly what a gate asks for under this root: a bundle that lacks a log the root names would be refused by everybody. */
function underRoot({ trust, log }: SignerServices, keys: readonly { publicKey: Uint8Array }[]): VerifyBundle {
  const need = { ...needUnder(trust), keys }
  if (!log && need.logs !== 0)
    throw fail('entry/input-contradiction', 'Nothing is to be logged, but the trusted root names a transparency log', {
      expected: 'a trusted root without tlogs, whose verifiers ask for none',
      found: trust.origin,
      remedy: 'Leave out --no-upload (transparency-log: none), or give the trusted root of an instance without a log.',
    })
  return bundle => verifyBundle(bundle, trust, need)
}
