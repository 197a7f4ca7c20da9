/** The small world behind the double of GitHub's API. Tests write into it; the double only reads. */
export interface ModelUser {
  readonly id: number
  readonly login: string
  readonly type: 'User' | 'Bot' | 'Mannequin' | 'Organization'
  /** Public e-mail. */
  email?: string
  readonly gpgKeys: ModelGpgKey[]
  /** Lines of authorized_keys. */
  readonly sshSigningKeys: string[]
}

export interface ModelGpgKey {
  readonly keyId: string
  /** As uploaded; null for keys of before GitHub kept that. */
  readonly armor: string | null
  readonly emails?: readonly { readonly email: string; readonly verified: boolean }[]
  readonly revoked?: boolean
}

/** Logins name users of the model; a login that it does not have is an account that is gone. */
export interface ModelCommit {
  readonly oid: string
  author?: string
  committer?: string
  signature?: { isValid: boolean; state: string; wasSignedByGitHub: boolean; signer?: string }
}

export interface ModelReview {
  readonly author: string
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED' | 'COMMENTED' | 'PENDING'
  readonly commit?: string
  readonly submittedAt?: string
  /** Default true. */
  readonly mayWrite?: boolean
}

export interface ModelComment {
  readonly author: string
  body: string
  /** Given by the double when it is first shown. */
  id?: number
}

export interface ModelPull {
  readonly number: number
  readonly author: string
  readonly base?: string
  readonly headRef: string
  readonly headOid: string
  /** `owner/name` of the head's repository; null: deleted. Default: the repository itself. */
  readonly headRepository?: string | null
  readonly commits: readonly ModelCommit[]
  readonly reviews?: readonly ModelReview[]
  /** Oldest first. */
  comments?: ModelComment[]
  /** Paths that it changes. */
  readonly files?: readonly string[]
  /** Only who may write to the repository as a person may comment. */
  locked?: boolean
  /** Without having been merged. */
  readonly closed?: boolean
  readonly mergedAt?: string
  readonly mergedBy?: string
  readonly mergeCommit?: string
  readonly baseChanges?: readonly {
    readonly kind: 'BaseRefChangedEvent' | 'AutomaticBaseChangeSucceededEvent' | 'BaseRefForcePushedEvent'
    readonly at: string
  }[]
  readonly reviewDecision?: 'APPROVED' | 'CHANGES_REQUESTED' | 'REVIEW_REQUIRED'
  /** Further commits that GitHub associates with it, beside its own and its merge commit. */
  readonly associated?: readonly string[]
}

export interface ModelActivity {
  readonly actor: string
  readonly ref: string
  readonly after: string
  readonly at: string
  readonly before?: string
  readonly type?: 'push' | 'force_push' | 'branch_deletion' | 'branch_creation' | 'pr_merge' | 'merge_queue_merge'
}

export interface ModelRuleset {
  readonly id: number
  readonly name: string
  readonly target: 'branch' | 'tag'
  readonly enforcement?: 'active' | 'evaluate' | 'disabled'
  readonly include: readonly string[]
  readonly exclude?: readonly string[]
  readonly rules: readonly { readonly type: string; readonly parameters?: object }[]
  /** `hidden`: as for a token without the right to write rulesets. */
  readonly bypass?: readonly { readonly actor_type: string; readonly actor_id: number }[] | 'hidden'
  readonly updatedAt?: string
}

/** An entry of the attestation store: the bundle itself, as until July 2026, or where it is kept. */
export interface ModelAttestation {
  readonly bundle?: object
  readonly bundleUrl?: string
}

/** What a run of a workflow kept. */
export interface ModelArtifact {
  readonly id: number
  readonly name: string
  /** Said in the list. */
  readonly expired?: boolean
  /** 410 at the download, whatever the list says. */
  readonly gone?: boolean
  /** Where the zip lies, with a query that lets everybody in. */
  readonly url?: string
  /** `sha256:…` of the zip; null as before upload-artifact v4. */
  readonly digest?: string | null
}

/** One run of a workflow; whatever is not said is as for a successful push to `main`. */
export interface ModelRun {
  readonly id: number
  /** File name, `build.yml`. */
  readonly workflow: string
  readonly branch?: string
  readonly event?: string
  readonly status?: string
  readonly conclusion?: string
  readonly created?: string
  /** As the API says it; default `.github/workflows/<workflow>`. */
  readonly path?: string
  readonly headRepository?: { readonly id: number; readonly full_name: string }
  /** Commit that it is for; default one that nobody has. */
  readonly head?: string
  readonly attempt?: number
  readonly artifacts: readonly ModelArtifact[]
  /** Answered although the question excludes it. */
  readonly smuggled?: boolean
}

export interface ModelRepository {
  readonly id: number
  readonly name: string
  readonly defaultBranch: string
  /** What is not here is known without author and signature, as any pushed commit is; see `absent`. */
  readonly commits: Map<string, ModelCommit>
  /** Commits of which the API knows nothing. */
  readonly absent: Set<string>
  readonly pulls: ModelPull[]
  /** Newest first, as the API lists it. */
  readonly activity: ModelActivity[]
  readonly rulesets: ModelRuleset[]
  /** Branch → settings of its classic protection. */
  readonly protection: Map<string, object>
  /** `sha256:…` of a subject → what is stored about it. */
  readonly attestations: Map<string, ModelAttestation[]>
  /** What the store answers instead of taking anything, as of a repository whose plan has none. */
  refuses?: { readonly status: number; readonly message: string }
  /** Newest first, as the API lists them. */
  readonly runs: ModelRun[]
}

/** What a token may do. `administration` also shows who may bypass rulesets. */
export type Permission =
  | 'contents'
  | 'pull-requests'
  | 'pull-requests-write'
  | 'metadata'
  | 'administration'
  | 'members'
  | 'attestations'
  | 'attestations-write'
  | 'actions'

/** GitHub shows no more commits of a pull request than these. */
export const SHOWN_COMMITS = 250

export class Model {
  readonly users = new Map<string, ModelUser>()
  readonly repositories = new Map<string, ModelRepository>()
  /** `acme` → logins of its members, `acme/team` → of the team's. */
  readonly members = new Map<string, string[]>()
  /** Whom the token is of; its user is made when it first writes or is asked who it is. */
  viewer = { login: 'github-actions[bot]', id: 41898282 }
  /** Called before a comment is written, changed or removed: what other runs do meanwhile. */
  meanwhile: (() => void) | undefined
  #comments = 0
  readonly permissions = new Set<Permission>([
    'contents',
    'pull-requests',
    'pull-requests-write',
    'metadata',
    'members',
    'attestations',
    'attestations-write',
    'actions',
  ])

  user(login: string, id: number, more: Partial<Pick<ModelUser, 'type' | 'email'>> = {}): ModelUser {
    const user: ModelUser = { id, login, type: 'User', gpgKeys: [], sshSigningKeys: [], ...more }
    this.users.set(login, user)
    return user
  }

  /** Who the token writes as. */
  writer(): ModelUser {
    const { login, id } = this.viewer
    return this.users.get(login) ?? this.user(login, id, login.endsWith('[bot]') ? { type: 'Bot' } : {})
  }

  /** Numbers grow over all repositories. */
  numbered(comment: ModelComment): number {
    comment.id ??= ++this.#comments
    return comment.id
  }

  repository(name: string, id = 1, defaultBranch = 'main'): ModelRepository {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const repository: ModelRepository = {
      id,
      name,
      defaultBranch,
      commits: new Map(),
      absent: new Set(),
      pulls: [],
      activity: [],
      rulesets: [],
      protection: new Map(),
      attestations: new Map(),
      runs: [],
    }
    this.repositories.set(name, repository)
    return repository
  }

  /** A merged pull request and the pushes of its head and of the merge, as they happen on GitHub. */
  merge(
    repository: ModelRepository,
    pull: ModelPull & { readonly mergeCommit: string; readonly mergedAt: string },
  ): void {
    repository.pulls.push(pull)
    if (pull.headRepository === undefined)
      repository.activity.unshift({
        actor: pull.author,
        ref: `refs/heads/${pull.headRef}`,
        after: pull.headOid,
        at: new Date(Date.parse(pull.mergedAt) - 3_600_000).toISOString(),
        type: 'branch_creation',
      })
    repository.activity.unshift({
      actor: pull.mergedBy ?? pull.author,
      ref: `refs/heads/${pull.base ?? repository.defaultBranch}`,
      after: pull.mergeCommit,
      at: pull.mergedAt,
      type: 'pr_merge',
    })
  }
}
