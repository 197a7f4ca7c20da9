import type { ModelArtifact, ModelRepository, ModelRun } from './github-model.ts'
import type { ServiceAnswer } from './service.ts'

const LONG_AGO = '2020-01-01T00:00:00Z'

/** Runs of one workflow by its file name, filtered as the API filters them. */
export function listedRuns(repository: ModelRepository, workflow: string, query: URLSearchParams): readonly object[] {
  const asked = (name: string, value: string | undefined) => (query.get(name) ?? value) === value
  return repository.runs
    .filter(run => run.workflow === workflow)
    .filter(
      run =>
        run.smuggled === true ||
        (asked('branch', run.branch ?? 'main') &&
          asked('event', run.event ?? 'push') &&
          (asked('status', run.status ?? 'completed') || asked('status', run.conclusion ?? 'success'))),
    )
    .map(run => runBody(repository, run))
}

export function runBody(repository: ModelRepository, run: ModelRun): object {
  const own = { id: repository.id, full_name: repository.name }
  return {
    id: run.id,
    event: run.event ?? 'push',
    status: run.status ?? 'completed',
    conclusion: run.conclusion ?? 'success',
    head_branch: run.branch ?? 'main',
    head_sha: run.head ?? 'c'.repeat(40),
    path: run.path ?? `.github/workflows/${run.workflow}`,
    run_number: run.id,
    run_attempt: run.attempt ?? 1,
    html_url: `https://github.com/${repository.name}/actions/runs/${run.id}`,
    created_at: run.created ?? LONG_AGO,
    repository: own,
    head_repository: run.headRepository ?? own,
  }
}

export function listedArtifacts(repository: ModelRepository, id: number): readonly object[] | undefined {
  const run = repository.runs.find(item => item.id === id)
  return run?.artifacts.map(artifact => artifactBody(repository, artifact))
}

function artifactBody(repository: ModelRepository, { id, name, expired = false, digest }: ModelArtifact): object {
  const url = `https://api.github.com/repos/${repository.name}/actions/artifacts/${id}`
  return {
    id,
    node_id: `A_${id}`,
    name,
    size_in_bytes: 1,
    url,
    archive_download_url: `${url}/zip`,
    expired,
    created_at: LONG_AGO,
    expires_at: null,
    updated_at: LONG_AGO,
    ...(digest === undefined ? {} : { digest }),
  }
}

/** 302 to a storage of its own, and 410 once its time is over: the only statuses that the API's description names. */
export function artifactZip(
  repository: ModelRepository,
  values: Readonly<Record<string, string>>,
): ServiceAnswer | undefined {
  const artifacts = repository.runs.flatMap(run => run.artifacts)
  const artifact = artifacts.find(({ id }) => String(id) === values.artifact_id)
  if (artifact === undefined || values.archive_format !== 'zip') return undefined
  if (artifact.gone === true || artifact.url === undefined)
    return { status: 410, body: { message: 'Artifact has expired', documentation_url: '', status: '410' } }
  return { status: 302, headers: { location: artifact.url }, body: '' }
}
