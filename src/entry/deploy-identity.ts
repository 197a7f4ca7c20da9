import { fail } from '../core/error.ts'
import type { CertificateSigner, ObservedSigner } from '../core/signer.ts'
import { maySign, type TokenClaims } from '../github/claims.ts'
import type { DeployHand, DeploySigner } from '../pipeline/deploy-request.ts'
import { assertCertificateMatchesClaims, certifiedBy } from '../sigstore/sign/claims.ts'
import type { SigningKey } from '../sigstore/sign/key.ts'
import { openKeySession } from '../sigstore/sign/key-session.ts'
import type { SigningSession } from '../sigstore/sign/session.ts'
import type { WitnessOptions } from '../sigstore/sign/witness.ts'
import type { DeployRun } from '../statements/deploy-vsa.ts'
import { once } from './once.ts'

/**
 * Whether the token may sign a deploy to this environment: by its own event, and by its own environment, before any certificate is
 * asked for (7-verify-deploy § 3).
 * @throws `github/event-refused`, `deploy/environment-missing`, `deploy/environment-mismatch`
 */
export function checkDeployClaims(claims: TokenClaims, environment: string): void {
  if (!maySign(claims))
    throw fail('github/event-refused', 'The identity token is for an event that never signs', {
      expected: 'push, release, workflow_dispatch, repository_dispatch or schedule',
      found: `${claims.eventName} on ${claims.ref}`,
    })
  if (claims.environment === undefined)
    throw fail('deploy/environment-missing', 'The identity token of this job names no environment', {
      expected: environment,
      found: 'no claim environment',
      remedy: `Add to the job that deploys: environment: ${yamlText(environment)}`,
    })
  if (claims.environment !== environment)
    throw fail('deploy/environment-mismatch', 'The identity token of this job is for another environment', {
      expected: environment,
      found: claims.environment,
    })
}

/** A name with anything special in it stands in quotes; JSON's are YAML's. */
function yamlText(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) ? text : JSON.stringify(text)
}

/** The run that signs, by its verified token. @param open asked only when something has to be signed */
export function runSigner(claims: TokenClaims, serverUrl: string, open: () => Promise<SigningSession>): DeploySigner {
  const { san, ci } = certifiedBy(claims, serverUrl)
  const run: DeployRun = {
    repository: claims.repository,
    repositoryId: claims.repositoryId,
    ownerId: claims.repositoryOwnerId,
    ref: claims.ref,
    eventName: claims.eventName,
    runnerEnvironment: claims.runnerEnvironment,
    ...(claims.environment === undefined ? {} : { environment: claims.environment }),
  }
  return {
    ...(san === undefined ? {} : { observed: foreseen({ type: 'uri', value: san }, claims.issuer, ci) }),
    run: { ...run, id: claims.runId },
    hand: once(async () => {
      const session = await open()
      const signer = await session.certificate()
      assertCertificateMatchesClaims(signer, claims, serverUrl)
      return { signer, sign: statement => session.sign(statement) }
    }),
  }
}

/** Somebody who is no workflow run; who it is, the certificate says. */
export function certifiedSigner(
  person: { readonly email: string; readonly issuer: string } | undefined,
  open: () => Promise<SigningSession>,
): DeploySigner {
  return {
    ...(person === undefined ? {} : { observed: foreseen({ type: 'email', value: person.email }, person.issuer, {}) }),
    hand: once(async () => {
      const session = await open()
      const signer = await session.certificate()
      return { signer, sign: statement => session.sign(statement) }
    }),
  }
}

/** A key says nothing of runs and environments; the rule says for which environment it counts. */
export function keyedSigner(key: SigningKey, witnesses: WitnessOptions): DeploySigner {
  const session = openKeySession({ key, witnesses })
  const hand: DeployHand = {
    signer: key.signer,
    sign: async statement => {
      const { signedAt, ...signed } = await session.sign(statement)
      if (signedAt === undefined) throw new TypeError('a witnessed bundle without a time')
      return { ...signed, signedAt }
    },
  }
  return { observed: key.signer, hand: async () => hand }
}

/** Who the certificate will name; what only the certificate knows is empty, and compared with nothing. */
function foreseen(san: CertificateSigner['san'], issuer: string, ci: CertificateSigner['ci']): ObservedSigner {
  const never = new Date(0)
  return { kind: 'certificate', san, issuer, ci, serial: '', fingerprint: '', notBefore: never, notAfter: never }
}
