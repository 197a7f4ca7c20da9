import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import type { GithubApi } from '../github/api.ts'
import { storedAttestations } from '../github/attestation-store.ts'
import type { HttpClient } from '../io/http.ts'
import type {
  EvidenceSource,
  EvidenceSubject,
  Origin,
  Reach,
  Relatives,
  Resolved,
  VerifyPorts,
} from '../pipeline/verify-request.ts'
import type { Expectation } from '../policy/gate.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import { RegistryClient } from '../registry/client.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import { registryEvidence } from '../registry/evidence.ts'
import type { FetchedBundles } from '../registry/fetched.ts'
import { fetchFileBundles } from '../registry/file-bundles-read.ts'
import { inspectImage } from '../registry/image.ts'
import { judgedClient } from '../registry/judged-client.ts'
import { parentsOf } from '../registry/parents.ts'
import { formatReference, type Reference, type Repository, repositoryIn } from '../registry/reference.ts'
import { type RunningAs, runningManifest } from '../registry/running.ts'
import { type LocalEvidence, openLocalEvidence, withLocal } from './gate-local.ts'
import type { GateRecording } from './gate-recording.ts'
import { type Replay, replayPorts } from './gate-replay.ts'

/** Where the gate may look for evidence. */
export interface EvidenceOptions {
  readonly http: HttpClient
  readonly credentials: CredentialSource
  readonly insecureRegistries: readonly string[]
  /** Bundles on disk that the caller names, and image layouts: evidence for every subject. */
  readonly bundleFiles: readonly string[]
  /** Registry repository with the bundles of files. */
  readonly filesRepository?: string
  /** Nothing is asked of any server. */
  readonly offline: boolean
  /** Asked last, for bundles that GitHub keeps; absent: there is no token, so it is not asked. */
  readonly store?: GithubApi
  readonly recording?: GateRecording
  readonly replay?: Replay
  /** Canonical names of images that are not there yet, and where they will be copied from: image and evidence are read there. */
  readonly copied?: ReadonlyMap<string, Repository>
}

/** The gate's view of registries and files. @throws `core/file-unreadable` for a bundle that is not there */
export async function evidencePorts(options: EvidenceOptions): Promise<Pick<VerifyPorts, 'resolve' | 'evidence'>> {
  if (options.replay !== undefined) return replayPorts(options.replay)
  const local = await openLocalEvidence(options.bundleFiles)
  const ports = options.offline ? offlinePorts(local, options.bundleFiles.length > 0) : onlinePorts(local, options)
  return options.recording === undefined ? ports : options.recording.ports(ports)
}

export type ClientFor = (origin: Origin, expectation: Pick<Expectation, 'private'>) => RegistryClient

/** All share one pool of connections. What others name is asked by a client that goes to no address inside (13-adversary 39). */
export function clientsOf({
  http,
  credentials,
  insecureRegistries,
}: Pick<EvidenceOptions, 'http' | 'credentials' | 'insecureRegistries'>): ClientFor {
  const common = { http, credentials, plainHttpHosts: insecureRegistries }
  const typed = new RegistryClient(common)
  const judged = judgedClient(common, { private: false, named: insecureRegistries })
  const within = judgedClient(common, { private: true, named: insecureRegistries })
  return (origin, expectation) => (origin === 'typed' ? typed : expectation.private ? within : judged)
}

function onlinePorts(local: LocalEvidence, options: EvidenceOptions): Pick<VerifyPorts, 'resolve' | 'evidence'> {
  const { filesRepository, recording } = options
  const clientFor = clientsOf(options)
  const repository = filesRepository === undefined ? undefined : repositoryIn(filesRepository)
  const heldAt = (reference: Reference): Reference => ({ ...reference, ...options.copied?.get(reference.canonical) })
  return {
    resolve: (reference, origin, expectation, running) => {
      const client = clientFor(origin, expectation)
      if (running === undefined) return resolveIn(client, heldAt(reference), recording)
      return resolveRunning(recording?.reader(client) ?? client, reference, running)
    },
    evidence: (subject, expectation) => {
      const own = () => local.of(subject)
      if (subject.kind === 'file') {
        if (repository === undefined) return [own, ...stored(options, subject.digest, expectation)]
        const client = clientFor('typed', expectation)
        const kept = () => fetchFileBundles(client, repository, subject.digest)
        return [own, kept, ...stored(options, subject.digest, expectation)]
      }
      const { attached, older } = registryEvidence(
        clientFor(subject.origin, expectation),
        heldAt(subject.reference),
        subject.digest,
      )
      return [() => withLocal(own, attached), older, ...stored(options, subject.digest, expectation)]
    },
  }
}

/** GitHub keeps attestations by repository, so it can be asked only where one is expected. */
function stored({ store, http }: EvidenceOptions, subject: Digest, { build }: Reach): readonly EvidenceSource[] {
  if (store === undefined || build?.kind !== 'github') return []
  const ask = () => storedAttestations({ api: store, http, repository: build.repository, subject })
  return [Object.assign(ask, { holdsRecords: false } as const)]
}

/** One request, and those for an image's relatives only if they are asked for. */
async function resolveIn(
  client: RegistryClient,
  reference: Reference,
  recording: GateRecording | undefined,
): Promise<Resolved> {
  const reader = recording?.reader(client) ?? client
  const { descriptor, manifest } = await client.resolve(reference)
  const { digest } = descriptor
  const relatives = async (): Promise<Relatives> => {
    if (manifest.kind === 'index') {
      const { platforms } = await inspectImage(reader, reference, digest)
      return { ...NO_RELATIVES, platforms: platforms.map(item => item.digest) }
    }
    const { tag, digest: typed } = reference
    if (tag === undefined || typed === undefined) return NO_RELATIVES
    return { platforms: [], ...(await parentsOf(reader, reference, digest, { tag })) }
  }
  return { digest, relatives }
}

/** The manifest that a node runs; the index through which it was chosen may prove it. */
async function resolveRunning(reader: ContentReader, reference: Reference, running: RunningAs): Promise<Resolved> {
  const { digest, parents } = await runningManifest(reader, reference, running)
  return { digest, relatives: async () => ({ ...NO_RELATIVES, parents }) }
}

const NO_RELATIVES: Relatives = { platforms: [], parents: [], complete: true, skipped: [] }

/** @param given whether the caller named evidence; then that must suffice. */
function offlinePorts(local: LocalEvidence, given: boolean): Pick<VerifyPorts, 'resolve' | 'evidence'> {
  return {
    resolve: async reference => {
      const digest = reference.digest ?? (await local.digestOf(reference))
      if (digest === undefined) throw tagOffline(reference)
      return { digest, relatives: async () => ({ ...NO_RELATIVES, platforms: await local.platformsOf(digest) }) }
    },
    evidence: (subject: EvidenceSubject): readonly [EvidenceSource] => [
      async (): Promise<FetchedBundles> => {
        const found = await local.of(subject)
        return given || found.bundles.length > 0 ? found : nothingOffline(subject)
      },
    ],
  }
}

/** Where nobody looked, nothing is known to be missing: unknown, not rejected (13-adversary 26). */
function nothingOffline(subject: EvidenceSubject): FetchedBundles {
  const name = subject.kind === 'file' ? subject.name : `${subject.reference.canonical}@${subject.digest}`
  const unasked = fail('core/offline', `No bundle of ${name} lies on this disk, and no server was asked`, {
    expected: '--bundle with a bundle or an image layout',
    found: 'nothing, with --offline',
  })
  return { bundles: [], complete: false, skipped: [findingOf(unasked, name, 'note')] }
}

function tagOffline(reference: Reference): Error {
  return fail('core/offline', `What the tag of ${formatReference(reference)} means only its registry knows`, {
    expected: `${reference.canonical}@sha256:<64 hex>`,
    found: 'a tag with --offline',
  })
}
