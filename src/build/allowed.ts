import type { Digest } from '../core/digest.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import type { Reference } from '../registry/reference.ts'

/**
 * All that may enter a build besides its context: everything was verified or pinned, everything else is refused by the
 * builder itself (4-materials § 4). A request without it is a build that nobody closed.
 */
export interface AllowedMaterials {
  readonly images: readonly AllowedImage[]
  readonly urls: readonly AllowedUrl[]
  readonly repositories: readonly AllowedRepository[]
  /** Named contexts for the builder: name → `docker-image://…@sha256:…` or an absolute folder that this run wrote. */
  readonly contexts: ReadonlyMap<string, string>
  /** What the Dockerfile pulls, for builders where only the parser can enforce (13-adversary 18). */
  readonly pulls: readonly Pull[]
}

export interface AllowedImage {
  /** Canonical; its tag, if it has one, is what the Dockerfile says. Two tags of one digest are two of these. */
  readonly reference: Reference
  /** What the tag meant when it was resolved, once: an index, or a manifest. */
  readonly digest: Digest
  /** Every way in which Dockerfile, options or manifest spell it: `node:24`, `docker.io/library/node:24`. */
  readonly names: readonly string[]
  readonly use: 'base' | 'frontend' | 'builder' | 'sbom-generator'
  /** The registry has no public address, or no TLS: the rule or an input says so. */
  readonly private: boolean
}

export interface AllowedUrl {
  /** As the Dockerfile says it, variables resolved. */
  readonly url: string
  /** Lower-case hex. */
  readonly sha256: string
}

export interface AllowedRepository {
  /** As in the Dockerfile: `https://host/owner/repository.git`, and the ref behind `#`. */
  readonly remote: string
  readonly ref: string
  readonly commit: string
}

/** What a builder did to keep everything else out; absent in a result: nothing was enforced. */
export interface Enforcement {
  /** `builder`: its own policy refused what is not allowed, and a canary proved it. `parser`: only what the parser sees. */
  readonly by: 'builder' | 'parser'
  /** Source policy as it was handed over. */
  readonly policy?: { readonly bytes: Uint8Array; readonly digest: Digest }
}

/** One thing that the builder itself says went in, from its own provenance. */
export interface ObservedMaterial {
  readonly uri: string
  /** Algorithm → lower-case hex; empty when the builder names none. */
  readonly digest: Readonly<Record<string, string>>
}
