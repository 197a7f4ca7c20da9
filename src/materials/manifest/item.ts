/** One thing that a build may take in, as the manifest declares it (4-materials § 5). */
export interface MaterialItem {
  readonly name: string
  readonly uri: MaterialUri
  /** Canonical; other places with the same bytes. */
  readonly mirrors: readonly string[]
  /** Empty only under `github` and `sigstore`, where `lock` records it. */
  readonly digest: ReadonlyMap<DigestName, string>
  /** Bytes at most. */
  readonly size?: number
  readonly verify?: Verify
  readonly use: Use
  /** `line:column` in the manifest. */
  readonly at: string
}

export type DigestName = 'sha256' | 'sha512' | 'gitCommit'

export type MaterialUri =
  | { readonly kind: 'url'; readonly canonical: string }
  /** `canonical` is `docker-image://host/repository:tag`, `reference` without the scheme. */
  | { readonly kind: 'image'; readonly canonical: string; readonly reference: string }
  | { readonly kind: 'git'; readonly canonical: string; readonly remote: string; readonly ref: string }
  | {
      readonly kind: 'artifact'
      readonly canonical: string
      readonly repository: string
      readonly workflow: string
      readonly file: string
    }

/** A key that the policy names decides; one that the judged commit brings along is only its author's word. */
export type KeySource =
  | { readonly from: 'policy'; readonly name: string }
  | { readonly from: 'commit'; readonly file: string }

/** Who signed, and where that stands. URLs are canonical, `{uri}` is put in. */
export type Verify =
  | { readonly kind: 'openpgp' | 'minisign'; readonly signature: string; readonly key: KeySource }
  | { readonly kind: 'ssh'; readonly signature: string; readonly key: KeySource; readonly namespace: string }
  | { readonly kind: 'sigstore'; readonly bundle: string; readonly identity: string; readonly issuer: string }
  | ({ readonly kind: 'github' } & GithubProof)
  | { readonly kind: 'checksums'; readonly file: string; readonly entry: string; readonly verify: Verify }
  | { readonly kind: 'git'; readonly key: KeySource }

export interface GithubProof {
  readonly repository: string
  readonly repositoryId: number
  /** `owner/repo/path@ref` */
  readonly signer: string
  readonly sourceRef: readonly string[]
  readonly trigger: readonly string[]
}

export type Use =
  | { readonly kind: 'dockerfile-add' }
  | { readonly kind: 'base-image' }
  /** The image of the builder itself: BuildKit, made from this digest for one run (13-adversary 19). */
  | { readonly kind: 'builder' }
  /** The image by which BuildKit lists what is in an image. */
  | { readonly kind: 'sbom-generator' }
  | { readonly kind: 'build-context'; readonly context: string }
  /** The commit's own submodule at this path from the root of the repository, also inside another submodule. */
  | { readonly kind: 'submodule'; readonly path: string }
  | { readonly kind: 'path'; readonly path: string; readonly unpack?: 'tar' | 'zip' }
