import { join } from 'node:path'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { TokenClaims } from '../github/claims.ts'
import { checkClaims, maySign } from '../github/claims.ts'
import { IdTokens } from '../github/token.ts'
import { readFileBounded } from '../io/files.ts'
import type { AttestPorts, RunIdentity } from '../pipeline/attest-request.ts'
import { openSession } from '../sigstore/sign/session.ts'
import { loadServices, loadTrust } from '../sigstore/trust/load.ts'
import { assertTransparencyAllowed } from '../sigstore/trust/transparency.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyBundle, verifyLegacy } from '../sigstore/verify/verify.ts'
import type { RunClaims } from '../statements/claims.ts'
import type { AttestWorld } from './attest-world.ts'
import type { SignerServices } from './file-signer.ts'
import { openImageKey } from './image-key.ts'
import { inWorkspace } from './workspace.ts'

export type SigstorePorts = Pick<
  AttestPorts,
  'identity' | 'guardTransparency' | 'session' | 'imageKey' | 'verifier' | 'legacyVerifier' | 'sigstoreTrust'
> & {
  /** For a key, which needs no identity. */
  readonly signerServices: () => Promise<SignerServices>
}

/** Identity, services and keys of a run; each is made when it is first asked for, and once. */
export function sigstoreOf(world: AttestWorld): SigstorePorts {
  const { env, inputs, context, request, http } = world
  const { services, trust } = trustOf(world)
  const { tokens, identity, ifAvailable } = identityPorts(world, services)
  const logged = inputs.transparencyLog !== 'none'
  const { keyed } = request
  const imageKey =
    keyed && once(() => openImageKey({ env, inputs, context, http, services, trust, identity: ifAvailable, ...keyed }))
  return {
    identity,
    ...(imageKey === undefined ? {} : { imageKey }),
    guardTransparency: async ({ certified }) => {
      const choice = { visibility: certified.repositoryVisibility, transparencyLog: inputs.transparencyLog }
      assertTransparencyAllowed({ ...choice, services: await services() })
    },
    session: once(async () =>
      openSession({
        services: await services(),
        http,
        identityToken: async () => (await (await tokens()).get()).token,
        now: () => Date.now(),
        log: logged,
        trust,
      }),
    ),
    sigstoreTrust: trust,
    signerServices: async () => ({ services: await services(), trust: await trust(), http, log: logged }),
    ...verifiers(trust, logged, imageKey),
  }
}

type Services = () => ReturnType<typeof loadServices>
type Trust = () => ReturnType<typeof loadTrust>

function trustOf({ inputs, context, folder }: AttestWorld): { readonly services: Services; readonly trust: Trust } {
  const cacheFolder = join(folder, 'tuf')
  const file = async (path: string | undefined) =>
    path === undefined ? undefined : readFileBounded(inWorkspace(context, path), LIMITS.serviceAnswerBytes)
  const trust = once(async () => {
    const trustedRootFile = await file(inputs.trustedRoot)
    return loadTrust(trustedRootFile === undefined ? { tuf: 'public-good', cacheFolder } : { trustedRootFile })
  })
  const services = once(async () => {
    trust().catch(() => {}) // one exchange for both where TUF is asked; who needs the root is told what failed
    const signingConfigFile = await file(inputs.signingConfig)
    const given = signingConfigFile === undefined ? {} : { signingConfigFile }
    return loadServices({ now: new Date(), cacheFolder, promised: inputs.legacySignatures, ...given })
  })
  return { services, trust }
}

function identityPorts({ env, context, log, http, requireClaims }: AttestWorld, services: Services) {
  const tokens = once(async () => {
    const { oidcIssuers } = await services()
    const ports = { env, http, mask: (secret: string) => log.mask(secret), now: () => Date.now() }
    return new IdTokens(ports, context.event, oidcIssuers)
  })
  const identity = once(async () => {
    const { claims } = await (await tokens()).get()
    checkClaims(claims, context)
    requireClaims?.(claims)
    if (!maySign(claims)) throw mayNotSign(claims)
    return identityOf(claims)
  })
  return { tokens, identity, ifAvailable: async () => ((await tokens()).available ? identity() : undefined) }
}

function verifiers(
  trust: Trust,
  logged: boolean,
  imageKey: SigstorePorts['imageKey'],
): Pick<SigstorePorts, 'verifier' | 'legacyVerifier'> {
  const judging = async () => {
    const root = await trust()
    const keys = imageKey === undefined ? {} : { keys: [{ publicKey: (await imageKey()).publicKey }] }
    return { root, need: { ...needUnder(root), ...(logged ? {} : { logs: 0 }), ...keys } }
  }
  return {
    verifier: once(async () => {
      const { root, need } = await judging()
      // One bundle may be attached to many manifests; what its bytes prove does not change during a run.
      return oncePer(sha256, (bundle: Uint8Array) => verifyBundle(bundle, root, need))
    }),
    legacyVerifier: async () => {
      const { root, need } = await judging()
      return signature => verifyLegacy(signature, root, need)
    },
  }
}

/** 13-adversary 6: the token's own event decides, whatever the runner's variables say. */
function mayNotSign({ eventName, ref }: TokenClaims): Error {
  return fail('github/event-refused', 'The identity token is for an event that never signs', {
    expected: 'push, release, workflow_dispatch, repository_dispatch or schedule',
    found: `${eventName} on ${ref}`,
  })
}

function identityOf(claims: TokenClaims): RunIdentity {
  const run: RunClaims = {
    repository: claims.repository,
    repository_id: claims.repositoryId,
    repository_owner_id: claims.repositoryOwnerId,
    ref: claims.ref,
    sha: claims.sha,
    job_workflow_ref: claims.jobWorkflowRef,
    workflow_ref: claims.workflowRef,
    event_name: claims.eventName,
    runner_environment: claims.runnerEnvironment,
    run_id: claims.runId,
    run_attempt: claims.runAttempt,
  }
  return { claims: run, certified: claims }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

function oncePer<A, T>(keyOf: (argument: A) => string, make: (argument: A) => T): (argument: A) => T {
  const made = new Map<string, T>()
  return argument => {
    const key = keyOf(argument)
    const known = made.get(key) ?? make(argument)
    made.set(key, known)
    return known
  }
}
