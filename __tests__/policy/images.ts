import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { CertificateSigner, CiExtensions, ObservedSigner } from '../../src/core/signer.ts'
import type { Verified } from '../../src/core/verified.ts'
import {
  COSIGN_SIGN_PREDICATE,
  PROVENANCE_PREDICATE,
  type SignedStatement,
  type Subject,
} from '../../src/statements/statement.ts'
import { idOf, NOW } from './world.ts'

/** Signed statements as the verifier would hand them over; the only cast to `Verified` in the tests of this room. */
export const IMAGE = sha256('image')
export const COMMIT = idOf('head')
export const SAN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3'
export const ISSUER = 'https://token.actions.githubusercontent.com'

export const CI: CiExtensions = {
  buildSignerUri: SAN,
  buildSignerDigest: COMMIT,
  runnerEnvironment: 'github-hosted',
  sourceRepositoryUri: 'https://github.com/acme/app',
  sourceRepositoryDigest: COMMIT,
  sourceRepositoryRef: 'refs/tags/v1.2.3',
  sourceRepositoryIdentifier: '4711',
  sourceRepositoryOwnerUri: 'https://github.com/acme',
  sourceRepositoryOwnerIdentifier: '42',
  buildConfigUri: SAN,
  buildConfigDigest: COMMIT,
  buildTrigger: 'push',
  runInvocationUri: 'https://github.com/acme/app/actions/runs/1/attempts/1',
}

export function certificate(
  change: { readonly ci?: Partial<CiExtensions>; readonly san?: string; readonly issuer?: string } = {},
): CertificateSigner {
  const { ci = {}, san = SAN, issuer = ISSUER } = change
  return {
    kind: 'certificate',
    san: { type: san.includes('://') ? 'uri' : 'email', value: san },
    issuer,
    serial: '01',
    fingerprint: 'ab'.repeat(32),
    notBefore: NOW,
    notAfter: NOW,
    ci: { ...CI, ...ci },
  }
}

export interface SignedOptions {
  readonly signer?: ObservedSigner
  readonly digest?: Digest
  readonly predicateType?: string
  readonly predicate?: JsonObject
  readonly signedAt?: Date
  readonly payload?: Digest
  /** Instead of the image by its digest. */
  readonly subject?: Subject
}

export function signed(options: SignedOptions = {}): Verified<SignedStatement> {
  const { signer = certificate(), digest = IMAGE, predicateType = COSIGN_SIGN_PREDICATE, predicate = {} } = options
  const statement: SignedStatement = {
    statement: { subject: [options.subject ?? { digest: { sha256: hexOf(digest) } }], predicateType, predicate },
    signer,
    signedAt: options.signedAt ?? NOW,
    timeSources: ['rekor-v1'],
    bundle: sha256(JSON.stringify(options)),
    payload: options.payload ?? sha256(`payload ${JSON.stringify(options)}`),
  }
  return statement as Verified<SignedStatement>
}

export type Change = { readonly [path: string]: unknown }

/** A provenance of Waybill with some leaves replaced: `{'internalParameters.github.event_name': 'release'}`; undefined removes. */
export function provenance(change: Change = {}, options: SignedOptions = {}): Verified<SignedStatement> {
  const predicate = structuredClone({
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: {
        workflow: {
          ref: 'refs/tags/v1.2.3',
          repository: 'https://github.com/acme/app',
          path: '.github/workflows/release.yml',
        },
      },
      internalParameters: {
        github: {
          event_name: 'push',
          repository_id: '4711',
          repository_owner_id: '42',
          runner_environment: 'github-hosted',
        },
        waybill: {
          builder: 'buildx',
          source: { mode: 'enforce', verdict: 'passed' },
          materials: { mode: 'off', verdict: 'not-asked' },
        },
      },
      resolvedDependencies: [
        { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } },
      ],
    },
    runDetails: { builder: { id: SAN }, metadata: { invocationId: CI.runInvocationUri } },
  }) as unknown as Record<string, unknown>
  for (const [path, value] of Object.entries(change)) put(predicate, path.split('.'), value)
  return signed({ predicateType: PROVENANCE_PREDICATE, predicate: predicate as JsonObject, ...options })
}

function put(target: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) put(target[key] as Record<string, unknown>, rest, value)
  else if (value === undefined) delete target[key]
  else target[key] = value
}
