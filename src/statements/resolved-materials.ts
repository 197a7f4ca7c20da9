import { type CommitId, type Digest, hexOf } from '../core/digest.ts'
import type { Json, JsonObject } from '../core/json.ts'

/**
 * The resolved manifest: everything a build was allowed to take in, by digest, with what was proved of it. It is no
 * attestation by itself; the SCAI statement of the same image names it by digest.
 * schemas/resolved-materials.json, docs/materials.md
 */
export const RESOLVED_MATERIALS_TYPE = 'application/vnd.waybill.materials.v1+json'
/** On disk, and as the name of the evidence. */
export const RESOLVED_MATERIALS_NAME = 'waybill-materials.json'

export interface ResolvedMaterials {
  readonly repository: string
  readonly commit: CommitId
  readonly dockerfile: { readonly path: string; readonly digest: Digest }
  readonly manifest?: { readonly path: string; readonly digest: Digest }
  readonly policy?: { readonly uri: string; readonly digest: Digest }
  readonly mode: 'enforce' | 'audit'
  readonly verdict: 'passed' | 'rejected' | 'unknown'
  readonly materials: readonly ResolvedMaterial[]
}

export interface ResolvedMaterial {
  readonly name: string
  readonly kind: 'image' | 'url' | 'git' | 'artifact'
  readonly uri: string
  /** Algorithm → lower-case hex; empty only where the verdict is not passed. */
  readonly digest: Readonly<Record<string, string>>
  /** `Dockerfile:3` */
  readonly places: readonly string[]
  readonly verdict: 'passed' | 'rejected' | 'unknown'
  readonly proof: 'signed' | 'declared' | 'pinned' | 'none'
  readonly by?: string
  /** Of the bundle, signature file or tag object that was verified. */
  readonly evidence?: Digest
  /** Why not. */
  readonly codes: readonly string[]
  /** Which address answered. */
  readonly from?: string
  /** Every host that answered, redirects too. */
  readonly hosts?: readonly string[]
  /** Bytes. */
  readonly size?: number
}

/** One order of fields, so that equal facts are equal bytes; names every field by hand, because the document is published. */
export function resolvedMaterials(facts: ResolvedMaterials): JsonObject {
  const { repository, commit, dockerfile, manifest, policy, mode, verdict, materials } = facts
  return compact({
    schemaVersion: 1,
    repository,
    commit,
    dockerfile: { path: dockerfile.path, digest: digestSet(dockerfile.digest) },
    manifest: manifest && { path: manifest.path, digest: digestSet(manifest.digest) },
    policy: policy && { uri: policy.uri, digest: digestSet(policy.digest) },
    mode,
    verdict,
    materials: materials.map(materialObject),
  })
}

function materialObject(material: ResolvedMaterial): JsonObject {
  const { name, kind, uri, digest, places, verdict, proof, by, evidence, codes, from, hosts, size } = material
  return compact({
    name,
    kind,
    uri,
    digest: { ...digest },
    places,
    verdict,
    proof,
    by,
    evidence: evidence && digestSet(evidence),
    codes: codes.length === 0 ? undefined : codes,
    from,
    hosts,
    size,
  })
}

function digestSet(digest: Digest): JsonObject {
  return { sha256: hexOf(digest) }
}

function compact(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const present = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return Object.fromEntries(present)
}
