import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import { exists, readFileBounded } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import type { EvidenceSource, EvidenceSubject, Origin, Resolved, VerifyPorts } from '../pipeline/verify-request.ts'
import { type FetchedBundle, type FetchedBundles, fetchBundles } from '../registry/bundles.ts'
import { RegistryClient } from '../registry/client.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import { inspectImage } from '../registry/image.ts'
import { formatReference, type Reference } from '../registry/reference.ts'

/** Where the gate may look for evidence. */
export interface EvidenceOptions {
  readonly http: HttpClient
  readonly credentials: CredentialSource
  /** For references that judged content names: only entries that name exactly their host (13-adversary 39). */
  readonly exactCredentials: CredentialSource
  readonly insecureRegistries: readonly string[]
  /** Bundles on disk that the caller names: evidence for every subject. */
  readonly bundleFiles: readonly string[]
  /** Nothing is asked of any server. */
  readonly offline: boolean
}

/** How many of the caller's own bundles are read. */
const MAX_BUNDLE_FILES = 10_000

/** The gate's view of registries and files. @throws `core/file-unreadable` for a bundle that is not there */
export async function evidencePorts(options: EvidenceOptions): Promise<Pick<VerifyPorts, 'resolve' | 'evidence'>> {
  const { http, insecureRegistries: plainHttpHosts, offline } = options
  const given = await givenBundles(options.bundleFiles)
  const clients = {
    typed: new RegistryClient({ http, credentials: options.credentials, plainHttpHosts }),
    judged: new RegistryClient({ http, credentials: options.exactCredentials, plainHttpHosts }),
  } as const satisfies Record<Origin, RegistryClient>
  const resolve = (reference: Reference, origin: Origin): Promise<Resolved> =>
    offline ? resolveOffline(reference) : resolveIn(clients[origin], reference)
  const evidence = (subject: EvidenceSubject): readonly [EvidenceSource, ...EvidenceSource[]] => {
    const local = async () => joinedLocal(given, subject.kind === 'file' ? await besideFile(subject.path) : [])
    if (offline || subject.kind === 'file') return [local]
    const { reference, digest } = subject
    const client = clients[subject.origin]
    return [async () => together(await local(), () => fetchBundles(client, reference, digest))]
  }
  return { resolve, evidence }
}

/** One request, and those for the platforms of an index only if they are asked for. */
async function resolveIn(client: RegistryClient, reference: Reference): Promise<Resolved> {
  const { descriptor, manifest } = await client.resolve(reference)
  const { digest } = descriptor
  const platforms = async () => (await inspectImage(client, reference, digest)).platforms.map(item => item.digest)
  return { digest, platforms: manifest.kind === 'index' ? platforms : async () => [] }
}

async function resolveOffline(reference: Reference): Promise<Resolved> {
  if (reference.digest !== undefined) return { digest: reference.digest, platforms: async () => [] }
  throw fail('core/offline', `What the tag of ${formatReference(reference)} means only its registry knows`, {
    expected: `${reference.canonical}@sha256:<64 hex>`,
    found: 'a tag with --offline',
  })
}

async function givenBundles(files: readonly string[]): Promise<readonly FetchedBundle[]> {
  if (files.length > MAX_BUNDLE_FILES)
    throw fail('entry/usage', 'More bundles are named than are read', { expected: `at most ${MAX_BUNDLE_FILES}` })
  return Promise.all(files.map(readBundleFile))
}

async function readBundleFile(path: string): Promise<FetchedBundle> {
  const bytes = await readFileBounded(path, LIMITS.bundleBytes)
  return { bytes, manifest: sha256(bytes) }
}

/** `<file>.sigstore.json`, where Waybill and cosign put it. 6-sign-and-publish § 2 */
async function besideFile(path: string): Promise<readonly FetchedBundle[]> {
  const beside = `${path}.sigstore.json`
  return (await exists(beside)) ? [await readBundleFile(beside)] : []
}

function joinedLocal(given: readonly FetchedBundle[], beside: readonly FetchedBundle[]): FetchedBundles {
  const bundles = [...new Map([...given, ...beside].map(bundle => [bundle.manifest, bundle])).values()]
  return { bundles, complete: true, skipped: [] }
}

/** What lies on disk counts also when a server does not answer; without it, its failure is the answer. */
async function together(local: FetchedBundles, fetch: () => Promise<FetchedBundles>): Promise<FetchedBundles> {
  try {
    const fetched = await fetch()
    return { ...fetched, bundles: [...local.bundles, ...fetched.bundles] }
  } catch (error) {
    if (local.bundles.length === 0) throw error
    const problem: Finding = findingOf(asWaybillError(error), 'registry', 'note')
    return { bundles: local.bundles, complete: false, skipped: [problem] }
  }
}
