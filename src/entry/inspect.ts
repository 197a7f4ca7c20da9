import { resolve } from 'node:path'
import { asWaybillError } from '../core/error.ts'
import { maybe } from '../core/maybe.ts'
import { HttpClient } from '../io/http.ts'
import { OfflineHttpClient } from '../io/offline-http.ts'
import { inspect } from '../pipeline/inspect.ts'
import { imageFacts, NO_IMAGE } from '../pipeline/inspect-image.ts'
import type { InspectPorts, InspectRequest } from '../pipeline/inspect-request.ts'
import { failedReceipt } from '../pipeline/subject-receipt.ts'
import { type Expectation, expectationFor } from '../policy/gate.ts'
import { loadCredentials } from '../registry/credentials.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { Inspection } from '../report/inspection.ts'
import type { Desk } from './commands/command.ts'
import { expectationOfFlags } from './gate.ts'
import { clientsOf, evidencePorts } from './gate-evidence.ts'
import { verifiers } from './gate-trust.ts'
import { platformApi } from './platform-api.ts'
import { type PolicyOnDisk, policyFile } from './policy-file.ts'
import { tufCacheOf } from './tuf-cache.ts'
import type { VerifyWish } from './verify-options.ts'

export type InspectWish = Pick<
  VerifyWish,
  'policy' | 'flags' | 'key' | 'trustedRoot' | 'stage' | 'bundles' | 'offline' | 'insecureRegistries'
>

/** Nobody is expected: where to look, and by which root, is all that is known. */
const PUBLIC = { private: false, trust: 'public-good' } as const

/** Describes each image, one after the other, through the gate's own ports. */
export async function inspectImages(
  images: readonly string[],
  wish: InspectWish,
  desk: Desk,
): Promise<readonly Inspection[]> {
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const references = images.map(parseReference)
    const policy = wish.policy === undefined ? undefined : await policyFile(wish.policy, desk.world.workingFolder)
    const ports = await portsOf(wish, policy, { desk, http })
    const found: Inspection[] = []
    for (const reference of references) found.push(await inspect(await requestOf(reference, wish, policy, desk), ports))
    return found
  } finally {
    http.close()
  }
}

async function portsOf(
  wish: InspectWish,
  policy: PolicyOnDisk | undefined,
  { desk, http }: { readonly desk: Desk; readonly http: HttpClient },
): Promise<InspectPorts> {
  const { env, world } = desk
  const { offline, insecureRegistries } = wish
  const client = offline ? new OfflineHttpClient() : http
  const credentials = await loadCredentials(env, env.HOME)
  const { api } = platformApi(env, client)
  const where = { http: client, credentials, insecureRegistries }
  const evidence = await evidencePorts({
    ...where,
    bundleFiles: wish.bundles.map(path => resolve(world.workingFolder, path)),
    offline,
    ...(api.hasToken ? { store: api } : {}),
  })
  const verifier = await verifiers({
    ...maybe('policy', policy),
    ...filesOf(wish, desk),
    cacheFolder: tufCacheOf(env, world.workingFolder),
    offline,
  })
  const registry = clientsOf(where)('typed', PUBLIC)
  return {
    ...evidence,
    verifier,
    image: async (reference, digest) => (offline ? NO_IMAGE : imageFacts(registry, reference, digest)),
    hashFile: () => {
      throw new TypeError('hashFile() of an image')
    },
    now: new Date(),
    clock: () => performance.now(),
  }
}

function filesOf({ key, trustedRoot }: InspectWish, { world }: Desk) {
  return {
    ...(key === undefined ? {} : { keyFile: resolve(world.workingFolder, key) }),
    ...(trustedRoot === undefined ? {} : { trustedRootFile: resolve(world.workingFolder, trustedRoot) }),
  }
}

/** With a rule or flags the gate is asked, too. An image that no rule matches is described like one of which nobody says anything. */
async function requestOf(
  reference: Reference,
  wish: InspectWish,
  policy: PolicyOnDisk | undefined,
  desk: Desk,
): Promise<InspectRequest> {
  const trust = wish.trustedRoot === undefined ? 'the public Sigstore instance' : 'the given trust root'
  if (policy === undefined) {
    if (!expectsSomebody(wish)) return { reference, reach: PUBLIC, trust }
    const expectation = await expectationOfFlags({ ...wish, ...filesOf(wish, desk) })
    return { reference, reach: expectation, expectation, trust }
  }
  const { uri, digest } = policy.receipt
  const named = { policy: policy.receipt }
  const how = { stage: wish.stage, policy: { uri, ...(digest === undefined ? {} : { digest }) } }
  try {
    const expectation = expectationFor(policy.law.policy, reference.canonical, how)
    return { reference, reach: expectation, expectation, ...named, trust: trustText(expectation) }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code !== 'policy/no-rule' && known.code !== 'policy/denied') throw error
    const unruled = failedReceipt(formatReference(reference), known)
    return { reference, reach: PUBLIC, unruled, ...named, trust: 'the public Sigstore instance' }
  }
}

/** A requirement alone names nobody; then the flags say what is missing. */
function expectsSomebody({ flags, key }: InspectWish): boolean {
  const { require = [], ...who } = flags
  return key !== undefined || require.length > 0 || Object.keys(who).length > 0
}

function trustText({ trust }: Expectation): string {
  if (typeof trust === 'string') return `the trust root ${trust}`
  return `the policy’s trust root ${trust.file}`
}
