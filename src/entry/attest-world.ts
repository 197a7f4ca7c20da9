import { join } from 'node:path'
import { evaluateBake } from '../build/bake.ts'
import type { Builder, Login } from '../build/builder.ts'
import { checkRecordedValue, DISPATCH_INPUT } from '../build/recorded-value.ts'
import { ask } from '../build/tools.ts'
import { printable } from '../core/text.ts'
import { GithubApi } from '../github/api.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { TokenClaims } from '../github/claims.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { RunContext } from '../github/context.ts'
import { githubEvidence } from '../github/evidence.ts'
import { pendingOf } from '../github/pending.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { remove, writeFileAtomic } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import type { AttestPorts, AttestRequest } from '../pipeline/attest-request.ts'
import { findEarlier } from '../pipeline/earlier.ts'
import { GITHUB_ISSUER } from '../policy/expected.ts'
import { RegistryClient } from '../registry/client.ts'
import { openpgpVersion } from '../source/engines.ts'
import type { RunClaims } from '../statements/claims.ts'
import { type SigstorePorts, sigstoreOf } from './attest-sigstore.ts'
import { builderOf } from './builder-world.ts'
import { gitPorts } from './git-ports.ts'
import { knownSecrets } from './known-secrets.ts'
import { lfsContent, materialsPorts } from './materials-world.ts'
import { logProgress } from './progress.ts'
import { registryCredentials } from './registry-login.ts'
import { statePorts } from './run-artifacts.ts'
import { sinkPorts } from './sinks-world.ts'
import { requireGit } from './workspace.ts'
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
    ...sigstore,
    ...sinkPorts(world),
    ...earlierPort(world, registry, sigstore),
    engines: openpgp => engineVersions(world, openpgp),
    ...placesIn(folder),
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

function placesIn(folder: string): Pick<AttestPorts, 'folder' | 'keep'> {
  return {
    folder: async name => {
      const path = join(folder, name)
      await remove(path)
      return path
    },
    keep: async (name, bytes) => {
      const path = join(folder, name)
      await writeFileAtomic(path, bytes)
      return path
    },
  }
}
