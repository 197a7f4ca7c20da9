import type { Digest } from '../core/digest.ts'
import type { ObservedSigner } from '../core/signer.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { Expectation } from '../policy/gate.ts'
import type { Proof } from '../policy/gate-case.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { Repository } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import type { SignedBundle } from '../sigstore/sign/session.ts'
import type { DeployRun } from '../statements/deploy-vsa.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Origin, Verifier } from './verify-request.ts'

/** What inputs and policy decided before anything was asked of a server. */
export interface DeployRequest {
  /** As the result names it. */
  readonly command: string
  readonly waybillVersion: string
  readonly environment: string
  /** The policy that judges; both stand in every summary. */
  readonly policy: NonNullable<Receipt['policy']> & { readonly digest: Digest }
  readonly promote: readonly Promotion[]
}

/** A tag that shall point to what was deployed; without a repository one of each image. */
export interface Promotion {
  readonly repository?: Repository
  readonly tag: string
}

/** One image or file under one name, which the gate let through. */
export interface DeployUnit {
  /** `ghcr.io/acme/app`, `file:dist/app.tgz`: as summaries name it. */
  readonly resource: string
  readonly digest: Digest
  /** At the stage `run`; without a deployer nothing is signed about it. */
  readonly expectation: Expectation
  readonly proofs: readonly Proof[]
  /** Everything about it that verified, with its bytes. */
  readonly known: readonly KnownBundle[]
  readonly image?: UnitImage
  readonly file?: { readonly path: string; readonly store?: UnitPlace }
}

export interface UnitPlace {
  readonly registry: RegistryClient
  readonly repository: Repository
}

export interface UnitImage extends UnitPlace {
  readonly origin: Origin
  /** Where it is now, when it has yet to be copied to its repository. */
  readonly from?: UnitPlace
}

export interface KnownBundle {
  readonly bytes: Uint8Array
  readonly signed: Verified<SignedStatement>
}

/** Who signs summaries, as known before anybody is asked for a certificate. */
export interface DeploySigner {
  /** Absent where only the certificate will tell. */
  readonly observed?: ObservedSigner
  /** The workflow run and its number; a key or a person has none. */
  readonly run?: DeployRun & { readonly id: string }
  /** Asked only when something has to be signed: a certificate is public for ever. @throws `sigstore/…` */
  hand(): Promise<DeployHand>
}

export interface DeployHand {
  readonly signer: ObservedSigner
  sign(statement: Uint8Array): Promise<SignedBundle>
}

/** What one run of the gate came to. */
export interface DeployJudged {
  readonly receipt: Receipt
  readonly units: readonly DeployUnit[]
}

/** What stands where it runs, by the gate's own code. */
export interface ReadBack {
  readonly resource: string
  readonly digest: Digest
  readonly verdict: 'passed' | 'rejected' | 'unknown'
  readonly findings: readonly Finding[]
  /** SHA-256 of every bundle that verified. */
  readonly bundles: ReadonlySet<Digest>
}

/** All that a deploy may ask of the world. */
export interface DeployPorts {
  /** Proves that the run can end: who signs and for which environment, what may be public, write access. Nothing is signed. */
  preflight(): Promise<DeploySigner>
  /** The gate at the stage `deploy` over everything that was named. */
  judge(): Promise<DeployJudged>
  /** The gate over what would be copied, under its new name; read where it is now. */
  judgeCopy(unit: DeployUnit, to: Repository): Promise<DeployJudged>
  /** Makes everything that is written at the end, so that what cannot be made is known before anything is signed. */
  prepare(judged: DeployJudged, deployer: ObservedSigner): Promise<void>
  /** The gate at the stage `run`, from the registries' own bytes. */
  readBack(units: readonly DeployUnit[], bundles: readonly string[]): Promise<readonly ReadBack[]>
  /** The gate's own check under the root that a rule names. */
  verifier(expectation: Expectation): Promise<Verifier>
  /** Bundles that an earlier attempt left in the output folder; unverified. Never throws. */
  state(): Promise<readonly Uint8Array[]>
  /** Keeps a document below the output folder and returns its path. */
  keep(name: string, bytes: Uint8Array): Promise<string>
  now(): Date
  /** Milliseconds, monotonic. */
  clock(): number
  progress(line: string): void
}
