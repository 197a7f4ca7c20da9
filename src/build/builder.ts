import type { Digest } from '../core/digest.ts'
import type { Outcome } from '../core/verdict.ts'
import type { Environment } from '../io/environment.ts'
import type { Enforcement, ObservedMaterial } from './allowed.ts'
import type { BuildRequest } from './request.ts'

/** What drove the build; the last three did not build the commit, as far as anybody knows, and claim nothing about it (13-adversary 15). */
export type BuilderName = 'buildx' | 'buildah' | 'layout' | 'none' | 'command'

export interface Builder {
  readonly name: BuilderName
  /**
   * Does what needs everything but the tree, which is written meanwhile: the builder proves that it keeps out what is not allowed.
   * The build of the same request then goes on from there.
   * @throws `build/request-malformed`, `build/argument-secret`, `materials/policy-not-enforced`, `materials/second-policy`
   */
  prepare?(request: Omit<BuildRequest, 'commitFolder'>): Promise<void>
  /**
   * Makes (or finds) one image. After it returns, `digest` is what the builder says; the pipeline still compares it with what
   * the registry serves. No tag is set anywhere.
   * @throws `build/…`
   */
  build(request: BuildRequest): Promise<BuildResult>
}

export interface BuildResult {
  readonly digest: Digest
  readonly mediaType?: string
  readonly builder: BuilderName
  readonly tools: readonly ToolRecord[]
  /** Repositories that hold the digest now, as `host/path`; empty when nothing was pushed. */
  readonly pushedTo: readonly string[]
  /** OCI layout on disk (folder or tar); valid as long as the run's folder is. */
  readonly layout?: string
  /** Under which conditions it was made; absent when Waybill did not build. 13-adversary 19. */
  readonly conditions?: BuildConditions
  /** How everything undeclared was kept out; absent: it was not. */
  readonly enforcement?: Enforcement
  /** What RUN steps were given to fetch with, named: a build with it is stated as closed by nobody (13-adversary 19). */
  readonly opened?: readonly string[]
  /** What the builder's own provenance says went in; absent: it says nothing. */
  readonly observed?: readonly ObservedMaterial[]
  /** Platform → label of the runner that built it, where other jobs made the parts (13-adversary 40). */
  readonly buildRunners?: Readonly<Record<string, string>>
  /** What the jobs that made the parts found when they built once more, one for each platform; absent: this one made it all. */
  readonly rebuilt?: readonly RebuiltPlatform[]
  /** `none`: the user's command ran where a keyless token could be had (13-adversary 16). */
  readonly commandIsolation?: 'none'
  /** Path of the file in which the user's command named the image. */
  readonly imageRefs?: string
  /** Sentences for the summary: what a reader should know about this build. */
  readonly notes: readonly string[]
}

/** One platform of which another job says whether a second build gave it again. */
export interface RebuiltPlatform {
  /** `linux/amd64` */
  readonly platform: string
  /** `passed`: both builds gave this manifest. */
  readonly state: Outcome
  readonly manifest: Digest
  /** In words, where it is `unknown`. */
  readonly why?: string
}

/** A program as it was found on this machine. */
export interface ToolRecord {
  readonly name: string
  /** As the program prints it, printable. */
  readonly version: string
  /** Of the executable file; absent for a service whose file is elsewhere (BuildKit). */
  readonly digest?: Digest
}

export interface BuildConditions {
  /** `fresh`: storage made for this run alone. */
  readonly builder: 'fresh' | 'shared'
  readonly cache: 'none' | 'shared'
  readonly network: 'default' | 'none'
  /** `processes`: RUN steps see only their own processes; `none`: they see those of the job. 13-adversary 16. */
  readonly isolation: 'processes' | 'none' | 'unknown'
}

/** Where a child's output goes; whoever implements it keeps lines from being read as workflow commands. */
export interface OutputSink {
  write(chunk: Uint8Array): void
}

/** An image as a layout or registry describes it. */
export interface ImageDescriptor {
  readonly digest: Digest
  readonly mediaType: string
}

/** The two things the builders ask about OCI layouts (folder or tar); implemented by the registry room. */
export interface LayoutPort {
  /** The one image of `index.json`, its manifest hashed. */
  read(layout: string): Promise<ImageDescriptor>
  /** Pushes by digest, no tag, every blob hashed. `repository` is `host/path`. */
  push(repository: string, layout: string): Promise<ImageDescriptor>
}

/** A registry login that no configuration file holds yet, e.g. the job's token for ghcr.io. */
export interface Login {
  readonly host: string
  readonly username: string
  readonly password: string
}

/** All that a builder may ask of the world. */
export interface BuildWorld {
  readonly env: Environment
  /** The run's private folder; everything a builder writes lies below it. */
  readonly folder: string
  readonly output: OutputSink
  readonly layouts: LayoutPort
  readonly logins: readonly Login[]
  /** `host[:port]` of registries without TLS, loopback included when wanted. */
  readonly insecureRegistries: readonly string[]
}
