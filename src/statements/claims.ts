import { fail } from '../core/error.ts'
import type { JsonObject } from '../core/json.ts'
import type { ProvenanceFacts } from './provenance.ts'

/**
 * The claims of GitHub's verified identity token that a provenance states. Names as in the token; every value a string.
 * docs.github.com, "OpenID Connect reference", § OIDC token claims.
 */
export interface RunClaims {
  readonly repository: string
  readonly repository_id: string
  readonly repository_owner_id: string
  readonly ref: string
  readonly sha: string
  /** The workflow file that runs the job: of a reusable workflow, the called one. */
  readonly job_workflow_ref: string
  /** The workflow file that the event started. */
  readonly workflow_ref: string
  readonly event_name: string
  readonly runner_environment: string
  readonly run_id: string
  readonly run_attempt: string
}

/** The URIs and the workflow object that a provenance derives from claims, spelled as `@actions/attest` spells them. */
export interface RunUris {
  readonly workflow: JsonObject
  readonly builderId: string
  readonly invocationId: string
}

/** @throws `statements/facts-unusable` when `workflow_ref` has not the form `owner/repo/.github/workflows/file.yml@ref`. */
export function runUris({ claims, serverUrl }: Pick<ProvenanceFacts, 'claims' | 'serverUrl'>): RunUris {
  // owner/repo/.github/workflows/x.yml@refs/heads/main. File and ref are chosen by whoever may push: a workflow file has no
  // "/" in its name and a ref begins with "refs/", so neither an "@" in a file name nor one in a ref can move the cut.
  const parts = /^([^/]+\/[^/]+)\/(\.github\/workflows\/[^/]+\.ya?ml)@(refs\/.+|[0-9a-f]{40})$/.exec(
    claims.workflow_ref,
  )
  const [, repository, path, ref] = parts ?? []
  if (repository === undefined || path === undefined || ref === undefined)
    throw unusable(
      'workflow_ref names no workflow file at a ref',
      'owner/repo/.github/workflows/file.yml@ref',
      claims.workflow_ref,
    )
  const invocation = `actions/runs/${claims.run_id}/attempts/${claims.run_attempt}`
  return {
    workflow: { ref, repository: `${serverUrl}/${repository}`, path },
    builderId: `${serverUrl}/${claims.job_workflow_ref}`,
    invocationId: `${serverUrl}/${claims.repository}/${invocation}`,
  }
}

/** What must not be signed whatever the caller thinks: an empty claim, time running backwards, a URL that is none. */
export function refuseInconsistent(facts: ProvenanceFacts): void {
  for (const [name, value] of Object.entries(facts.claims))
    if (value === '') throw unusable(`the claim ${name} is empty`, 'a value', 'an empty string')
  if (!/^https?:\/\/[^/]+$/.test(facts.serverUrl))
    throw unusable('the server is not an origin', 'https://host', facts.serverUrl)
  if (!(facts.startedOn.getTime() <= facts.finishedOn.getTime()))
    throw unusable('the build ends before it starts', 'startedOn ≤ finishedOn', String(facts.finishedOn))
  runUris(facts)
}

function unusable(what: string, expected: string, found: string): Error {
  return fail('statements/facts-unusable', `No provenance can be stated: ${what}`, { expected, found })
}
