import { join } from 'node:path'
import { evaluateBake } from '../build/bake.ts'
import type { Builder, Login } from '../build/builder.ts'
import { checkRecordedValue, DISPATCH_INPUT } from '../build/recorded-value.ts'
import { ask } from '../build/tools.ts'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { GithubApi } from '../github/api.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { TokenClaims } from '../github/claims.ts'
import { checkClaims, maySign } from '../github/claims.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { RunContext } from '../github/context.ts'
import { githubEvidence } from '../github/evidence.ts'
import { pendingOf } from '../github/pending.ts'
import { IdTokens } from '../github/token.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { readFileBounded, remove, writeFileAtomic } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import type { AttestPorts, AttestRequest, RunIdentity } from '../pipeline/attest-request.ts'
import { findEarlier } from '../pipeline/earlier.ts'
import { GITHUB_ISSUER } from '../policy/expected.ts'
import { RegistryClient } from '../registry/client.ts'
import { openSession } from '../sigstore/sign/session.ts'
import { loadServices, loadTrust } from '../sigstore/trust/load.ts'
import { assertTransparencyAllowed } from '../sigstore/trust/transparency.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyBundle, verifyLegacy } from '../sigstore/verify/verify.ts'
import { openpgpVersion } from '../source/engines.ts'
import type { RunClaims } from '../statements/claims.ts'
import { builderOf } from './builder-world.ts'
import type { SignerServices } from './file-signer.ts'
import { gitPorts } from './git-ports.ts'
import { openImageKey } from './image-key.ts'
import { knownSecrets } from './known-secrets.ts'
import { lfsContent, materialsPorts } from './materials-world.ts'
import { logProgress } from './progress.ts'
import { registryCredentials } from './registry-login.ts'
import { statePorts } from './run-artifacts.ts'
import { sinkPorts } from './sinks-world.ts'
import { inWorkspace, requireGit } from './workspace.ts'
import { workspaceFiles } from './workspace-files.ts'

export interface AttestWorld {
  readonly env: Environment
  readonly inputs: AttestInputs
  readonly context: RunContext
  readonly request: AttestRequest
  readonly log: WorkflowLog
  readonly http: HttpClient
  /** The run's private folder. */
  readonly folder: string
  /** Script of the thread that holds the artifact client. */
  readonly artifactScript: string
  /** Logins of the inputs. */
  readonly logins?: readonly Login[]
  /** In place of a program that builds. */
  readonly ownBuilder?: (registry: RegistryClient) => Builder
  /** What a door demands of the verified token besides. */
  readonly requireClaims?: (claims: TokenClaims) => void
}

/** Real implementations behind every port of the story; each is made when it is first asked for. */
export async function attestPorts(world: AttestWorld): Promise<AttestPorts> {
  const { inputs, context, log, http, folder } = world
  checkDispatchInputs(world)
  const credentials = await registryCredentials(world.env, inputs.githubToken, context.actor, world.logins)
  const registry = new RegistryClient({
    http,
    credentials: credentials.source,
    plainHttpHosts: inputs.insecureRegistries,
  })
  const { signerServices, ...sigstore } = sigstoreOf(world)
  const platform = platformOf(world)
  return {
    ...gitPorts(world),
    ...(platform === undefined ? {} : { platform }),
    registry,
    files: workspaceFiles({ env: world.env, inputs, context, services: signerServices }),
    materials: materialsPorts(world, credentials.source),
    lfs: folder => lfsContent(world, folder),
    builder: async () => world.ownBuilder?.(registry) ?? builderOf(world, registry, credentials.logins, 'build'),
    secondBuilder: () => builderOf(world, registry, credentials.logins, 'build-again'),
    bake: question => evaluateBake(question, world.env, folder),
    folder: async name => {
      const path = join(folder, name)
      await remove(path)
      return path
    },
    ...sigstore,
    ...sinkPorts(world),
    ...earlierPort(world, registry, sigstore),
    engines: openpgp => engineVersions(world, openpgp),
    keep: async (name, bytes) => {
      const path = join(folder, name)
      await writeFileAtomic(path, bytes)
      return path
    },
    ...statePorts(world),
    now: () => new Date(),
    clock: () => performance.now(),
    requests: () => http.records.length,
    progress: logProgress(log),
  }
}

/** Every door that may sign comes by here: what is recorded of a dispatch is public for ever (13-adversary 42). */
function checkDispatchInputs(world: AttestWorld): void {
  for (const { name, value } of world.request.dispatchInputs ?? [])
    if (value !== undefined) checkRecordedValue(DISPATCH_INPUT, name, value, knownSecrets(world))
}

/** GraphQL answers nobody without a token, so without one there is no platform to ask. */
function platformOf({ inputs, context, http }: AttestWorld): AttestPorts['platform'] {
  const { githubToken: token } = inputs
  if (token === undefined) return undefined
  const { apiUrl, graphqlUrl, repository, repositoryId, serverUrl, event } = context
  const pending = pendingOf(event)
  const api = new GithubApi({ http, apiUrl, graphqlUrl, token })
  const about = pending === undefined ? {} : { pending }
  return githubEvidence({ api, http, repository, repositoryId, serverUrl, ...about })
}

/** A proposal has no token; who its runs are is then the runner's word, and nothing that it finds is signed. */
function earlierPort(
  { request }: AttestWorld,
  registry: RegistryClient,
  sigstore: Pick<SigstorePorts, 'identity' | 'verifier'>,
): Pick<AttestPorts, 'earlier'> {
  const { serverUrl, draftClaims, repositories } = request
  // With a key the claims may be the runner's word, and a token would be asked for a convenience.
  if (request.keyed !== undefined || (!request.sign && draftClaims === undefined)) return {}
  return {
    earlier: async question => {
      const { claims, issuer } = request.sign
        ? await sigstore.identity().then(({ claims, certified }) => ({ claims, issuer: certified.issuer }))
        : { claims: draftClaims as RunClaims, issuer: GITHUB_ISSUER }
      const run = {
        issuer,
        serverUrl,
        repository: claims.repository,
        repositoryId: claims.repository_id,
        ownerId: claims.repository_owner_id,
        workflowRef: claims.workflow_ref,
        jobWorkflowRef: claims.job_workflow_ref,
      }
      return findEarlier(question, { registry, repository: repositories[0], run, verifier: () => sigstore.verifier() })
    },
  }
}

async function engineVersions({ env }: AttestWorld, openpgp: boolean): Promise<Readonly<Record<string, string>>> {
  const git = await ask(requireGit(env), ['version'], childEnvironment(env, {}))
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    git: printable((git ?? 'unknown').trim().replace(/^git version /, ''), 100),
    ...(openpgp ? { openpgp: await openpgpVersion() } : {}),
  }
}

type SigstorePorts = Pick<
  AttestPorts,
  'identity' | 'guardTransparency' | 'session' | 'imageKey' | 'verifier' | 'legacyVerifier' | 'sigstoreTrust'
> & {
  /** For a key, which needs no identity. */
  readonly signerServices: () => Promise<SignerServices>
}

function sigstoreOf({ env, inputs, context, request, log, http, folder, requireClaims }: AttestWorld): SigstorePorts {
  const cacheFolder = join(folder, 'tuf')
  const file = async (path: string | undefined) =>
    path === undefined ? undefined : readFileBounded(inWorkspace(context, path), LIMITS.serviceAnswerBytes)
  const services = once(async () => {
    trust().catch(() => {}) // one exchange for both where TUF is asked; who needs the root is told what failed
    const signingConfigFile = await file(inputs.signingConfig)
    const given = signingConfigFile === undefined ? {} : { signingConfigFile }
    return loadServices({ now: new Date(), cacheFolder, promised: inputs.legacySignatures, ...given })
  })
  const trust = once(async () => {
    const trustedRootFile = await file(inputs.trustedRoot)
    return loadTrust(trustedRootFile === undefined ? { tuf: 'public-good', cacheFolder } : { trustedRootFile })
  })
  const tokens = once(async () => {
    const { oidcIssuers } = await services()
    return new IdTokens(
      { env, http, mask: secret => log.mask(secret), now: () => Date.now() },
      context.event,
      oidcIssuers,
    )
  })
  const logged = inputs.transparencyLog !== 'none'
  const identity = once(async () => {
    const { claims } = await (await tokens()).get()
    checkClaims(claims, context)
    requireClaims?.(claims)
    if (!maySign(claims)) throw mayNotSign(claims)
    return identityOf(claims)
  })
  const ifAvailable = async () => ((await tokens()).available ? identity() : undefined)
  const { keyed } = request
  const imageKey =
    keyed && once(() => openImageKey({ env, inputs, context, http, services, trust, identity: ifAvailable, ...keyed }))
  const judging = async () => {
    const root = await trust()
    const keys = imageKey === undefined ? {} : { keys: [{ publicKey: (await imageKey()).publicKey }] }
    return { root, need: { ...needUnder(root), ...(logged ? {} : { logs: 0 }), ...keys } }
  }
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
