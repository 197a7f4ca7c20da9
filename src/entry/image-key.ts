import { fail } from '../core/error.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { RunContext } from '../github/context.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import type { ImageKey, RunIdentity } from '../pipeline/attest-request.ts'
import { openKeySession } from '../sigstore/sign/key-session.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { SigningServices } from '../sigstore/trust/services.ts'
import { assertTransparencyAllowed } from '../sigstore/trust/transparency.ts'
import type { RunClaims } from '../statements/claims.ts'
import { openSigningKey } from './named-secret.ts'

export interface ImageKeyWorld {
  readonly env: Environment
  readonly inputs: Pick<AttestInputs, 'key' | 'keyPassword' | 'transparencyLog' | 'legacySignatures'>
  readonly context: Pick<RunContext, 'workspace'>
  readonly http: HttpClient
  readonly services: () => Promise<SigningServices>
  /** By which services are believed. */
  readonly trust: () => Promise<TrustRoot>
  /** The verified token's claims; undefined where the job may not have a token. */
  readonly identity: () => Promise<RunIdentity | undefined>
  /** The run as the runner's variables tell it. */
  readonly runner?: RunClaims
}

/**
 * Opens the key that signs an image, and finds out what may be said of the run: what its token says, if there is one. A token
 * that cannot be had or verified although the job may ask for one is no reason to take the runner's word instead.
 * @throws `entry/usage`, `sigstore/signing-key-…`, `sigstore/private-repository`, `sigstore/no-service`, `github/…`
 */
export async function openImageKey(world: ImageKeyWorld): Promise<ImageKey> {
  const { env, inputs, context, http } = world
  const { key = '', keyPassword: password, transparencyLog } = inputs
  const opened = await openSigningKey({ key, ...(password === undefined ? {} : { password }) }, context.workspace, env)
  if (inputs.legacySignatures && opened.details === undefined) throw notLogged()
  const { visibility, ...told } = toldOf(await world.identity(), world.runner)
  const services = await world.services()
  assertTransparencyAllowed({ visibility, transparencyLog, services, key: true })
  const witnesses = { services, http, now: () => Date.now(), log: transparencyLog !== 'none', trust: world.trust }
  const session = openKeySession({ key: opened, witnesses })
  return {
    signer: opened.signer,
    publicKey: opened.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    ...told,
    sign: async statement => {
      const { signedAt, ...signed } = await session.sign(statement)
      if (signedAt === undefined) throw new TypeError('a witnessed bundle without a time')
      return { ...signed, signedAt }
    },
    signImage: (repository, digest) => session.signImage(repository, digest),
  }
}

/** Rekor 1.5 takes a signature over a hash only in pairs of its own list, which this kind of key is not in; seen with P-384. */
function notLogged(): Error {
  return fail(
    'sigstore/signing-key-unusable',
    'With this key no signature can be logged that cosign 2 reads in a tag',
    {
      expected: 'ECDSA P-256, or RSA of 2048, 3072 or 4096 bits; or no legacy-signatures',
      found: 'a key of another kind',
    },
  )
}

type Told = Pick<ImageKey, 'claims' | 'claimsBy'> & { readonly visibility: string | undefined }

/** 13-adversary 23: only a token says that a repository is public. */
function toldOf(identity: RunIdentity | undefined, runner: RunClaims | undefined): Told {
  if (identity !== undefined)
    return { claims: identity.claims, claimsBy: 'token', visibility: identity.certified.repositoryVisibility }
  if (runner !== undefined) return { claims: runner, claimsBy: 'runner', visibility: undefined }
  throw fail('github/context-malformed', 'The variable GITHUB_WORKFLOW_REF is not set, so nothing names the workflow', {
    expected: 'GITHUB_WORKFLOW_REF as GitHub Actions sets it, or the permission id-token: write',
    found: 'neither',
  })
}
