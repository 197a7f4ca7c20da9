import type { BaseConfig } from './triggers.ts'

/** One thing that a build fetches because the Dockerfile, or the caller's options, say so (4-materials § 2). */
export interface Pull {
  readonly how: 'from' | 'copy-from' | 'mount-from' | 'syntax' | 'add-url' | 'add-git' | 'context'
  /** First line of the instruction, from 1; 0 for an option of the caller. */
  readonly line: number
  readonly written: string
  /** Image reference, URL or git URL with every variable resolved; absent: see `unresolved`. */
  readonly source?: string
  /** Why nobody can say before the build what this is. The builder's own policy then has the last word. */
  readonly unresolved?: string
  /** `os/arch` that `--platform` asks for, resolved. */
  readonly platform?: string
  /** `sha256:…` of `ADD --checksum`. */
  readonly checksum?: string
  /** False: only stages that the target does not need pull it. */
  readonly needed: boolean
  /** The base image's own ONBUILD says so; `line` is that of the FROM. */
  readonly trigger?: true
  /** It stands behind ONBUILD: this build does not pull it, builds on the result do. */
  readonly later?: true
}

/** What the caller of the build says besides the Dockerfile. */
export interface PullOptions {
  readonly buildArgs: ReadonlyMap<string, string>
  /** Stage to build, by name or number; absent: the last. */
  readonly target?: string
  /** Named contexts: name, or `name::platform`, in any spelling that the builder takes → `docker-image://…`, `oci-layout://…`, a URL, or a folder. */
  readonly contexts: ReadonlyMap<string, string>
  /** `os/arch[/variant]` of the machine that builds, and that is built for. */
  readonly buildPlatform: string
  readonly targetPlatform: string
  /**
   * Configs of base images, as far as they are known already. Ask without, look up what `from` and `context` pulls name, and ask
   * again: their ONBUILD may name more, also other base images' stages.
   */
  readonly bases?: (from: Pick<Pull, 'source' | 'platform'>) => BaseConfig | undefined
}
