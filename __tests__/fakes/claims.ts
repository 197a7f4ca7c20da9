/** The claims of a GitHub Actions token, all strings except the times. `null` in an override removes a claim. */
export type Claims = Readonly<Record<string, string | number>>
export type ClaimOverrides = Readonly<Record<string, string | number | null>>

export const DEFAULT_SHA = '4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0'

/**
 * What GitHub would claim for a run of `acme/app`. Overrides are applied twice: first as facts from which the rest
 * follows (`ref` changes `workflow_ref`, `sub` …), then literally, so that a test can also forge contradictions.
 * Without `aud`, `iss`, `iat`, `nbf`, `exp`, `jti`: the issuer adds those.
 */
export function githubClaims(overrides: ClaimOverrides = {}): Claims {
  const fact = (name: string, otherwise: string): string => String(overrides[name] ?? otherwise)
  const repository = fact('repository', 'acme/app')
  const ref = fact('ref', 'refs/heads/main')
  const sha = fact('sha', DEFAULT_SHA)
  const event = fact('event_name', 'push')
  const workflowRef = fact('workflow_ref', `${repository}/.github/workflows/release.yml@${ref}`)
  const workflowSha = fact('workflow_sha', sha)
  const claims: Record<string, string | number> = {
    sub: subject(repository, ref, event, overrides.environment),
    ref,
    sha,
    repository,
    repository_id: '792829709',
    repository_owner: repository.split('/')[0] ?? '',
    repository_owner_id: '39804210',
    repository_visibility: 'public',
    run_id: '11997537386',
    run_number: '17',
    run_attempt: '1',
    runner_environment: 'github-hosted',
    actor: 'alice',
    actor_id: '1001',
    workflow: 'release',
    head_ref: '',
    base_ref: '',
    event_name: event,
    ref_protected: 'true',
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    workflow_ref: workflowRef,
    workflow_sha: workflowSha,
    job_workflow_ref: workflowRef,
    job_workflow_sha: workflowSha,
  }
  for (const [name, value] of Object.entries(overrides)) {
    if (value === null) delete claims[name]
    else claims[name] = value
  }
  return claims
}

function subject(repository: string, ref: string, event: string, environment?: string | number | null): string {
  if (environment !== undefined && environment !== null) return `repo:${repository}:environment:${environment}`
  return event === 'pull_request' ? `repo:${repository}:pull_request` : `repo:${repository}:ref:${ref}`
}
