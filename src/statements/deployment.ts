import type { Digest } from '../core/digest.ts'

/**
 * What was deployed, or what runs: `deployment.json` of a deploy, and the document that `waybill serve` answers with, there as
 * the predicate of a signed statement (`DEPLOYMENT_PREDICATE`) whose subjects are the digests. `schemas/deployment.json`.
 * Everything in it is a claim: whoever reads it verifies each image against the identity that he himself expects (13-adversary 32).
 */
export interface Deployment {
  readonly schemaVersion: 1
  /** RFC 3339, UTC. */
  readonly issuedAt: string
  /** `host` or `host:port` of the URL it was asked by; present exactly in a served document. */
  readonly audience?: string
  /** Of a deploy. */
  readonly environment?: string
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  readonly images: readonly DeployedImage[]
  /** Of a served document: what runs besides, and nobody could tell as what. */
  readonly unclear?: readonly { readonly place: string; readonly why: string }[]
}

export interface DeployedImage {
  /** Canonical `host/repository`. */
  readonly name: string
  readonly digest: Digest
  /** Of a served document: the digest that was specified or deployed, where another one runs. */
  readonly specified?: Digest
  /** Tags that a deploy promoted. */
  readonly tags?: readonly string[]
  /** Where it stands or runs: `production/web-7c9f/app`, a namespace, a pod and a container; or a manifest's path. */
  readonly places?: readonly string[]
  /** Who is expected to have built it and, where a deploy was signed, to have deployed it. */
  readonly expected?: { readonly build?: DeploymentIdentity; readonly deployer?: DeploymentIdentity }
  /** Where the evidence is: attestation manifests beside the image. */
  readonly attestations?: readonly { readonly predicateType: string; readonly manifest: Digest }[]
  /** Copyable commands that verify the image. */
  readonly commands?: readonly string[]
}

/** As a verifier wants it: exact certificate identity with issuer, or a key by the SHA-256 of its DER SubjectPublicKeyInfo. */
export type DeploymentIdentity = { readonly identity: string; readonly issuer: string } | { readonly key: string }
