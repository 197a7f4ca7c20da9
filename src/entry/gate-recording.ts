import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import type { Kept, KeptFetch, KeptPolicy, KeptSubject } from '../pipeline/kept.ts'
import type { EvidenceSource, EvidenceSubject, VerifyPorts } from '../pipeline/verify-request.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import { type FetchedBundles, joinFetched } from '../registry/fetched.ts'
import { formatReference } from '../registry/reference.ts'

type Ports = Pick<VerifyPorts, 'resolve' | 'evidence'>

/** Writes down what a run was given, for `--out`: what names meant, what was fetched where, indexes and trust roots. */
export class GateRecording {
  readonly #subjects = new Map<string, KeptSubject>()
  readonly #fetched = new Map<string, KeptFetch>()
  readonly #indexes = new Map<Digest, Uint8Array>()
  readonly #roots = new Map<string, Uint8Array>()

  /** The same ports, overheard. */
  ports({ resolve, evidence }: Ports): Ports {
    return {
      resolve: async (reference, origin, expectation, running) => {
        const resolved = await resolve(reference, origin, expectation, running)
        const { digest } = resolved
        // Two nodes may run two images under one name; a replay asks for each by its digest.
        const name = formatReference(running === undefined ? reference : { ...reference, digest })
        this.#subjects.set(name, { name, kind: 'image', digest, platforms: [], parents: [] })
        const relatives = async () => {
          const found = await resolved.relatives()
          const { platforms, parents } = found
          this.#subjects.set(name, { name, kind: 'image', digest, platforms, parents })
          return found
        }
        return { digest, relatives }
      },
      evidence: (subject, expectation) => {
        if (subject.kind === 'file') this.#file(subject.name, subject.digest)
        const [first, ...more] = evidence(subject, expectation)
        return [this.#overheard(subject, first), ...more.map(source => this.#overheard(subject, source))]
      },
    }
  }

  /** The same reader; the bytes of what it reads prove later which platforms an index has. */
  reader(reader: ContentReader): ContentReader {
    return {
      getManifest: async (repository, digest) => {
        const fetched = await reader.getManifest(repository, digest)
        this.#indexes.set(fetched.descriptor.digest, fetched.bytes)
        return fetched
      },
      getRaw: async (repository, reference) => {
        const raw = await reader.getRaw(repository, reference)
        if (raw !== undefined) this.#indexes.set(raw.digest, raw.bytes)
        return raw
      },
      getBlob: (repository, digest, maxBytes) => reader.getBlob(repository, digest, maxBytes),
      blobExists: (repository, digest) => reader.blobExists(repository, digest),
    }
  }

  /** @param name by which rules ask for it: `public-good`, `github`, `flag`. */
  root(name: string, bytes: Uint8Array): void {
    this.#roots.set(name, bytes)
  }

  kept(time: Date, policy: KeptPolicy | undefined): Kept {
    return {
      time,
      subjects: [...this.#subjects.values()],
      fetched: [...this.#fetched.values()],
      indexes: this.#indexes,
      trustedRoots: [...this.#roots].map(([name, bytes]) => ({ name, bytes })),
      ...(policy === undefined ? {} : { policy }),
    }
  }

  #file(name: string, digest: Digest): void {
    this.#subjects.set(name, { name, kind: 'file', digest, platforms: [], parents: [] })
  }

  #overheard(subject: EvidenceSubject, source: EvidenceSource): EvidenceSource {
    const { holdsRecords } = source
    const overheard = async (): Promise<FetchedBundles> => {
      try {
        const fetched = await source()
        this.#add(subject, fetched)
        return fetched
      } catch (error) {
        const problem = findingOf(asWaybillError(error), subject.digest, 'note')
        this.#add(subject, { bundles: [], complete: false, skipped: [problem] })
        throw error
      }
    }
    return Object.assign(overheard, holdsRecords === undefined ? {} : { holdsRecords })
  }

  #add(subject: EvidenceSubject, fetched: FetchedBundles): void {
    const place = placeOf(subject)
    const key = `${place} ${subject.digest}`
    const before = this.#fetched.get(key)?.fetched ?? { bundles: [], complete: true, skipped: [] }
    const known = new Set(before.bundles.map(({ manifest }) => manifest))
    const bundles = fetched.bundles.filter(({ manifest }) => !known.has(manifest))
    this.#fetched.set(key, { place, digest: subject.digest, fetched: joinFetched(before, { ...fetched, bundles }) })
  }
}

/** Under which name evidence is kept: the repository of an image, nothing for a file. */
export function placeOf(subject: EvidenceSubject): string {
  return subject.kind === 'image' ? subject.reference.canonical : ''
}
