import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { isLoopbackHost } from '../io/http.ts'
import type { ArtifactPlace, ArtifactSource } from '../pipeline/materials-fetch-request.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { booleanAt, idAt, nullable } from './wire.ts'

type ArtifactUri = Parameters<ArtifactSource['newest']>[0]
type Proof = Parameters<ArtifactSource['newest']>[1]

interface Run {
  readonly id: number
  readonly url: string
  readonly created: string
  /** Why it is not the one that is meant; absent: it may be. */
  readonly problem?: string
}

interface Artifact {
  readonly id: number
  readonly name: string
  readonly expired: boolean
  readonly digest?: Digest
}

/**
 * Artifacts of other workflows by the API (docs.github.com/rest/actions/workflow-runs, /artifacts). What it says only chooses
 * what is downloaded; that the right workflow made it, the file's own attestation has to prove (13-adversary 20).
 */
export function workflowArtifacts(api: GithubApi): ArtifactSource {
  return {
    newest: async (uri, proof) => {
      const run = await newestRun(api, uri, proof)
      const artifact = await artifactOf(api, uri, run)
      return placeOf(api, uri, run, artifact)
    },
  }
}

/** Every filter of the question is looked at again in the answer: a run for a pull request or of a fork holds foreign code. */
async function newestRun(api: GithubApi, uri: ArtifactUri, proof: Proof): Promise<Run> {
  const runs = (await Promise.all(proof.sourceRef.map(ref => runsAt(api, uri, proof, ref)))).flat()
  const [newest] = runs
    .filter(({ problem }) => problem === undefined)
    .sort((a, b) => (a.created === b.created ? b.id - a.id : a.created < b.created ? 1 : -1))
  if (newest !== undefined) return newest
  const problems = [...new Set(runs.flatMap(({ problem }) => problem ?? []))]
  throw unavailable(uri, `a successful run of ${uri.workflow} on ${proof.sourceRef.join(' or ')}`, {
    found: problems.join('; ') || 'no such run',
  })
}

async function runsAt(api: GithubApi, uri: ArtifactUri, proof: Proof, ref: string): Promise<readonly Run[]> {
  const query = new URLSearchParams({ branch: ref.replace(/^refs\/(?:heads|tags)\//, ''), status: 'success' })
  const [event, another] = proof.trigger
  if (event !== undefined && another === undefined) query.set('event', event)
  const path = `${base(uri)}/actions/workflows/${encodeURIComponent(uri.workflow)}/runs?${query}`
  const question = about(uri, `the runs of ${uri.workflow}`)
  const seen: Run[] = []
  for await (const page of api.pages(path, question, 'workflow_runs')) {
    const runs = page.items.map(item => shaped(question, () => runAt(item, uri, proof)))
    seen.push(...runs)
    // The newest come first.
    if (runs.some(({ problem }) => problem === undefined)) break
  }
  return seen
}

function runAt(value: Json, uri: ArtifactUri, proof: Proof): Run {
  const run = objectAt(value, 'workflow_runs[]')
  const text = (key: string) => nullable(run[key], stringAt, `workflow_runs[].${key}`) ?? ''
  const repositoryId = (key: string) => idAt(objectAt(run[key], key).id, `workflow_runs[].${key}.id`)
  const file = `.github/workflows/${uri.workflow}`
  const path = text('path')
  const checks: readonly (readonly [boolean, string])[] = [
    [path === file || path.startsWith(`${file}@`), `a run of ${path}`],
    [proof.trigger.includes(text('event')), `a run for ${text('event')}`],
    [text('status') === 'completed' && text('conclusion') === 'success', `a run that ended with ${text('conclusion')}`],
    [repositoryId('repository') === proof.repositoryId, 'a run of another repository of that name'],
    [repositoryId('head_repository') === proof.repositoryId, 'a run with the commits of a fork'],
    [
      proof.sourceRef.some(ref => ref.replace(/^refs\/(?:heads|tags)\//, '') === text('head_branch')),
      `a run on ${text('head_branch')}`,
    ],
  ]
  const problem = checks.find(([ok]) => !ok)?.[1]
  return {
    id: idAt(run.id, 'workflow_runs[].id'),
    url: text('html_url'),
    created: text('created_at'),
    ...(problem === undefined ? {} : { problem: printable(problem, 100) }),
  }
}

/** The only artifact, or the one that is called as the file, or as the file without its extension. */
async function artifactOf(api: GithubApi, uri: ArtifactUri, { id, url }: Run): Promise<Artifact> {
  const question = about(uri, `the artifacts of run ${id}`)
  const artifacts: Artifact[] = []
  for await (const page of api.pages(`${base(uri)}/actions/runs/${id}/artifacts`, question, 'artifacts')) {
    artifacts.push(...page.items.map(item => shaped(question, () => artifactAt(item))))
    if (page.last && page.more) throw ambiguous(uri, url, 'more artifacts than are read')
  }
  const stem = uri.file.replace(/\..*$/, '')
  const choices = [artifacts, ...[uri.file, stem].map(name => artifacts.filter(artifact => artifact.name === name))]
  const found = choices.find(({ length }) => length === 1)?.[0]
  if (found === undefined && artifacts.length === 0) throw unavailable(uri, 'an artifact', { found: `none in ${url}` })
  if (found === undefined)
    throw ambiguous(
      uri,
      url,
      artifacts
        .map(({ name }) => printable(name, 60))
        .slice(0, 20)
        .join(', '),
    )
  if (found.expired) throw expired(uri, found, url)
  return found
}

function artifactAt(value: Json): Artifact {
  const artifact = objectAt(value, 'artifacts[]')
  const { digest } = artifact
  return {
    id: idAt(artifact.id, 'artifacts[].id'),
    name: stringAt(artifact.name, 'artifacts[].name'),
    expired: booleanAt(artifact.expired, 'artifacts[].expired'),
    ...(isDigest(digest) ? { digest } : {}),
  }
}

async function placeOf(
  api: GithubApi,
  uri: ArtifactUri,
  { url: run }: Run,
  artifact: Artifact,
): Promise<ArtifactPlace> {
  const question = about(uri, `the artifact ${printable(artifact.name, 60)}`)
  const url = await api.place(`${base(uri)}/actions/artifacts/${artifact.id}/zip`, question)
  if (url === undefined) throw expired(uri, artifact, run)
  return {
    run,
    url,
    ...(isLoopbackHost(new URL(api.apiUrl).hostname) ? { inside: true } : {}),
    ...(artifact.digest === undefined ? {} : { digest: artifact.digest }),
  }
}

function base({ repository }: ArtifactUri): string {
  return `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
}

function about({ repository }: ArtifactUri, what: string): Question {
  return { of: `${what} in ${repository}`, permission: 'actions: read' }
}

function expired(uri: ArtifactUri, { name }: Artifact, run: string): Error {
  return unavailable(uri, 'an artifact that is still kept', {
    found: `${printable(name, 60)} of ${run}, deleted by its age`,
  })
}

function unavailable(
  { canonical, repository, workflow }: ArtifactUri,
  expected: string,
  { found }: { found: string },
): Error {
  return fail('materials/artifact-unavailable', `${canonical} cannot be had`, {
    expected,
    found,
    remedy: `Run the workflow again: gh workflow run '${workflow}' --repo '${repository}'`,
  })
}

function ambiguous({ canonical, file }: ArtifactUri, run: string, found: string): Error {
  return fail('materials/artifact-ambiguous', `${canonical} may be in several artifacts of ${run}`, {
    expected: `one artifact, or one that is called ${file}`,
    found,
  })
}
