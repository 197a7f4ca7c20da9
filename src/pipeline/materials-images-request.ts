import type { AllowedImage } from '../build/allowed.ts'
import type { Digest } from '../core/digest.ts'
import type { ReadDockerfile } from '../materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import type { Policy, Revocation } from '../policy/policy.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import type { JudgedMaterial } from './materials-outcome.ts'
import type { VerifyPorts } from './verify-request.ts'

/** The images of one build, and what they are judged by. */
export interface ImagesRequest {
  /** The accepted law; without `base-images` every image is refused. */
  readonly policy: Policy
  /** How results name it. */
  readonly policyName?: { readonly uri: string; readonly digest?: Digest }
  /** Revocations besides those of the policy. */
  readonly revoked?: readonly Revocation[]
  readonly dockerfile: ReadDockerfile
  /** Of the Dockerfile, as findings name it: `Dockerfile`, `images/app/Dockerfile`. */
  readonly path: string
  /** One for each platform that is built, without `bases`. At least one. */
  readonly builds: readonly PullOptions[]
  /** What the materials manifest says: `host/repository:tag` in canonical form (`declaredKey`) → digest. */
  readonly declared: ReadonlyMap<string, Digest>
  /** Path of the materials manifest, for remedies. Default: `.github/waybill.materials.yml`. */
  readonly manifest?: string
  /** False for builders that run no frontend image, whatever `# syntax=` says: buildah. Default: true. */
  readonly frontends?: boolean
  /** Images that no Dockerfile names. `canonical`: a reference with its tag or digest. */
  readonly more: readonly MoreImage[]
}

export interface MoreImage {
  readonly canonical: string
  readonly use: AllowedImage['use']
  readonly place: string
  /** `os/arch` it runs on. Default: the machine that builds. */
  readonly platform?: string
}

/** All that the judgement of images may ask of the world. Safe to call concurrently. */
export interface ImagesPorts {
  /** The gate's own evidence and cryptography. */
  readonly gate: Pick<VerifyPorts, 'evidence' | 'verifier' | 'now' | 'clock'>
  /**
   * Reads by the client of judged references: public addresses only unless `private`, logins for exactly the host
   * (13-adversary 39).
   */
  registry(terms: { readonly private: boolean }): ContentReader
  /** Resolves when the time of the stage is over; what is not judged by then is unknown. */
  readonly expired?: Promise<void>
}

export interface JudgedImage {
  readonly judged: JudgedMaterial
  /** Present exactly when the verdict is passed. */
  readonly allowed?: AllowedImage
}

export interface JudgedImages {
  /** In the order in which they were first named; one for each reference and use. */
  readonly images: readonly JudgedImage[]
  /** Of all platforms, each once, with what the base images' own ONBUILD adds. */
  readonly pulls: readonly Pull[]
}
