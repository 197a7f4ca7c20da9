import { join } from 'node:path'
import { machinePlatform } from '../build/platforms.ts'
import { LIMITS } from '../core/limits.ts'
import { GithubApi } from '../github/api.ts'
import { storedAttestations } from '../github/attestation-store.ts'
import { workflowArtifacts } from '../github/workflow-artifacts.ts'
import { addressGuard } from '../io/address.ts'
import { after } from '../io/deadline.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import { FetchBudget } from '../materials/fetch/budget.ts'
import { FETCH_TIMING } from '../materials/fetch/timing.ts'
import { placeMaterials } from '../materials/unpack/place.ts'
import { LfsObjects } from '../pipeline/lfs-objects.ts'
import { fetchMaterials } from '../pipeline/materials-fetch.ts'
import type { FetchPorts } from '../pipeline/materials-fetch-request.ts'
import { judgeImages } from '../pipeline/materials-images.ts'
import type { ImagesPorts } from '../pipeline/materials-images-request.ts'
import type { MaterialsLaw } from '../pipeline/materials-plan.ts'
import type { MaterialsPorts } from '../pipeline/materials-ports.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { TufInstance } from '../sigstore/trust/tuf.ts'
import type { LfsContent } from '../source/export-large.ts'
import type { AttestWorld } from './attest-world.ts'
import { clientsOf, evidencePorts } from './gate-evidence.ts'
import { verifiers } from './gate-trust.ts'
import { requireGit } from './workspace.ts'

/** What of a door's world the ports need. */
export interface MaterialsHome {
  readonly http: HttpClient
  readonly env: Environment
  /** Private, of this run alone. */
  readonly folder: string
  readonly inputs: Pick<AttestWorld['inputs'], 'insecureRegistries' | 'githubToken'>
  readonly context: Pick<AttestWorld['context'], 'apiUrl' | 'graphqlUrl' | 'temporary' | 'serverUrl'>
}

/**
 * Real implementations behind the ports of the stage `materials`. What a Dockerfile or a manifest names is judged content: it is
 * asked for at public addresses alone unless the rule says otherwise, with logins for exactly that host (13-adversary 39).
 */
export function materialsPorts(world: MaterialsHome, credentials: CredentialSource): MaterialsPorts {
  return {
    machine: machinePlatform(),
    images: async (request, law) => {
      const deadline = after(LIMITS.gateMs)
      const ports = await imagesPorts(world, credentials, law)
      return judgeImages(request, { ...ports, expired: deadline.reached }).finally(deadline.forget)
    },
    bring: request => fetchMaterials(request, fetchPorts(world)),
    place: placeMaterials,
  }
}

async function imagesPorts(
  world: MaterialsHome,
  credentials: CredentialSource,
  { law }: MaterialsLaw,
): Promise<ImagesPorts> {
  const { http, inputs, folder } = world
  const store = storeOf(world)
  const options = { http, credentials, insecureRegistries: inputs.insecureRegistries }
  const clientFor = clientsOf(options)
  const { evidence } = await evidencePorts({
    ...options,
    bundleFiles: [],
    offline: false,
    ...(store === undefined ? {} : { store }),
  })
  const verifier = await verifiers({
    cacheFolder: join(folder, 'tuf'),
    offline: false,
    ...(law === undefined ? {} : { policy: { law } }),
  })
  return {
    gate: { evidence, verifier, now: new Date(), clock: () => performance.now() },
    registry: terms => clientFor('judged', terms),
  }
}

/** The store answers nobody without a token, so without one it is not asked. */
function storeOf({ http, inputs, context }: MaterialsHome): GithubApi | undefined {
  const { githubToken: token } = inputs
  if (token === undefined) return undefined
  return new GithubApi({ http, apiUrl: context.apiUrl, graphqlUrl: context.graphqlUrl, token })
}

function fetchPorts(world: MaterialsHome): FetchPorts {
  const { http, env, inputs, context, folder } = world
  const { githubToken: token } = inputs
  const api = storeOf(world)
  const roots = new Map<TufInstance, Promise<TrustRoot>>()
  return {
    http,
    guard: inside => addressGuard({ private: inside, pin: true }),
    git: { program: requireGit(env), env },
    server: { url: context.serverUrl, ...(token === undefined ? {} : { token }) },
    ...(api === undefined
      ? {}
      : {
          artifacts: workflowArtifacts(api),
          attestations: (repository, subject) => storedAttestations({ api, http, repository, subject }),
        }),
    trustRoot: instance => {
      const root = roots.get(instance) ?? loadTrust({ tuf: instance, cacheFolder: join(folder, 'tuf') })
      roots.set(instance, root)
      return root
    },
    cacheFolder: join(context.temporary, 'waybill', 'materials'),
    now: new Date(),
  }
}

/** Of the run's own repository; whoever runs this named its server, so that may be inside. */
export function lfsContent({ http, inputs, context }: AttestWorld, folder: string): LfsContent {
  const { githubToken: token } = inputs
  const remote = `${context.serverUrl}/${context.repository}`
  const guards = new Map([true, false].map(inside => [inside, addressGuard({ private: inside, pin: true })] as const))
  let parts = 0
  return new LfsObjects(
    { remote, inside: true, ...(token === undefined ? {} : { token }) },
    {
      http,
      guard: inside => guards.get(inside) ?? addressGuard({ private: inside, pin: true }),
      part: () => join(folder, String(parts++)),
      download: {
        http,
        timing: FETCH_TIMING,
        budget: new FetchBudget(),
        signal: AbortSignal.timeout(FETCH_TIMING.totalMs),
      },
    },
  )
}
