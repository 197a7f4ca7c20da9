import { createHash, randomUUID } from 'node:crypto'
import { type Service, type ServiceAnswer, type ServiceRequest, startService } from './service.ts'

export interface StoredArtifact {
  readonly id: number
  readonly name: string
  /** Which attempt of the run wrote it. */
  readonly attempt: string
  readonly run: string
  readonly job: string
  bytes: Buffer
  /** What the service says of its size; default: the truth. */
  size?: number
  final: boolean
  readonly blocks: Map<string, Buffer>
}

export interface ArtifactServiceDouble extends Service {
  /** In the order in which they were made. */
  readonly artifacts: StoredArtifact[]
  /** What a runner gives a job of this run and attempt. */
  variables(run: string, attempt: string): Readonly<Record<string, string>>
  /** The newest one of a name that is whole. */
  newest(name: string): StoredArtifact | undefined
  /** One that somebody else put there. */
  plant(artifact: { name: string; run: string; attempt: string; bytes: Uint8Array; size?: number }): void
  /** Method names of the calls, in order. */
  calls(): readonly string[]
}

const TWIRP = '/twirp/github.actions.results.api.v1.ArtifactService/'

/**
 * The runner's artifact service: Twirp over JSON (`CreateArtifact`, `FinalizeArtifact`, `ListArtifacts`, `GetSignedArtifactURL`,
 * `DeleteArtifact`) and the blob store behind it (Put Blob, Put Block, Put Block List, Get Blob; Azure Storage REST 2020).
 *
 * Real: the token is asked for and names run and job in its scope, one name is taken once in an attempt (409) and again by the next,
 * addresses are signed and nothing else is served, size and digest of what is finalized are compared with what was put.
 * Does not have: retention, quotas (use `faults`), and it believes every token that it gave.
 */
export async function startArtifactService(): Promise<ArtifactServiceDouble> {
  const store = new Store()
  const service = await startService('artifacts', request => answer(store, request))
  store.url = service.url
  return Object.assign(service, {
    artifacts: store.artifacts,
    variables: (run: string, attempt: string) => ({
      ACTIONS_RESULTS_URL: `${service.url}/`,
      ACTIONS_RUNTIME_TOKEN: store.token(run, attempt),
    }),
    newest: (name: string) => store.artifacts.findLast(artifact => artifact.name === name && artifact.final),
    plant: ({ bytes, ...about }: Parameters<ArtifactServiceDouble['plant']>[0]) => {
      store.add({ ...about, job: randomUUID() }, Buffer.from(bytes)).final = true
    },
    calls: () => service.log.map(({ path }) => (path.startsWith(TWIRP) ? path.slice(TWIRP.length) : 'blob')),
  })
}

class Store {
  readonly artifacts: StoredArtifact[] = []
  readonly jobs = new Map<string, { readonly run: string; readonly job: string; readonly attempt: string }>()
  url = ''

  token(run: string, attempt: string): string {
    const job = randomUUID()
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = [
      part({ alg: 'RS256', typ: 'JWT' }),
      part({ scp: `Actions.Example Actions.Results:run-${run}:${job}`, exp: 4_000_000_000 }),
      Buffer.from(randomUUID()).toString('base64url'),
    ].join('.')
    this.jobs.set(token, { run: `run-${run}`, job, attempt })
    return token
  }

  add(about: Omit<StoredArtifact, 'id' | 'bytes' | 'final' | 'blocks'>, bytes = Buffer.alloc(0)): StoredArtifact {
    const run = about.run.startsWith('run-') ? about.run : `run-${about.run}`
    const artifact = { ...about, run, id: this.artifacts.length + 1, bytes, final: false, blocks: new Map() }
    this.artifacts.push(artifact)
    return artifact
  }
}

function answer(store: Store, request: ServiceRequest): ServiceAnswer {
  if (request.path.startsWith('/blob/')) return blob(store, request)
  if (request.method !== 'POST' || !request.path.startsWith(TWIRP)) return refused(404, 'bad_route')
  const job = store.jobs.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
  if (job === undefined) return refused(401, 'unauthenticated')
  const body = JSON.parse(request.body.toString()) as Record<string, unknown>
  if (body.workflow_run_backend_id !== job.run) return refused(403, 'the token is for another run')
  const call = CALLS[request.path.slice(TWIRP.length)]
  return call === undefined ? refused(404, 'bad_route') : call(store, body, job)
}

type Call = (
  store: Store,
  body: Record<string, unknown>,
  job: { run: string; job: string; attempt: string },
) => ServiceAnswer

const CALLS: Readonly<Record<string, Call>> = {
  CreateArtifact: (store, { name, version }, job) => {
    if (version !== 7 && version !== 4) return refused(400, 'this version is not known')
    const taken = store.artifacts.some(one => one.run === job.run && one.attempt === job.attempt && one.name === name)
    if (taken) return refused(409, 'an artifact with this name already exists on the workflow run')
    const artifact = store.add({ ...job, name: String(name) })
    return { status: 200, body: { ok: true, signed_upload_url: signed(store, artifact) } }
  },
  FinalizeArtifact: (store, { name, size, hash }, job) => {
    const artifact = store.artifacts.find(one => one.job === job.job && one.name === name)
    if (artifact === undefined) return refused(404, 'there is no such artifact')
    if (String(size) !== String(artifact.bytes.byteLength)) return refused(400, 'the size is another')
    if (hash !== undefined && hash !== digestOf(artifact)) return refused(400, 'the digest is another')
    artifact.final = true
    return { status: 200, body: { ok: true, artifact_id: String(artifact.id) } }
  },
  ListArtifacts: (store, { name_filter: name, id_filter: id }, job) => {
    const found = store.artifacts.filter(
      one =>
        one.final &&
        one.run === job.run &&
        (name === undefined || one.name === name) &&
        (id === undefined || String(one.id) === String(id)),
    )
    return { status: 200, body: { artifacts: found.map(listed) } }
  },
  GetSignedArtifactURL: (store, { name, workflow_job_run_backend_id: id }) => {
    const artifact = store.artifacts.find(one => one.job === id && one.name === name && one.final)
    return artifact === undefined
      ? refused(404, 'there is no such artifact')
      : { status: 200, body: { name, signed_url: signed(store, artifact) } }
  },
  DeleteArtifact: (store, { name, workflow_job_run_backend_id: id }) => {
    const at = store.artifacts.findIndex(one => one.job === id && one.name === name)
    if (at < 0) return refused(404, 'there is no such artifact')
    const [gone] = store.artifacts.splice(at, 1)
    return { status: 200, body: { ok: true, artifact_id: String(gone?.id) } }
  },
}

function listed(artifact: StoredArtifact): object {
  return {
    workflow_run_backend_id: artifact.run,
    workflow_job_run_backend_id: artifact.job,
    database_id: String(artifact.id),
    name: artifact.name,
    size: String(artifact.size ?? artifact.bytes.byteLength),
    created_at: '2026-01-01T00:00:00Z',
    digest: digestOf(artifact),
  }
}

function blob(store: Store, { method, path, query, body }: ServiceRequest): ServiceAnswer {
  const artifact = store.artifacts.find(one => path === `/blob/${one.id}.zip`)
  if (artifact === undefined) return { status: 404 }
  if (query.get('sig') !== signatureOf(artifact))
    return { status: 403, headers: { 'x-ms-error-code': 'AuthorizationFailure' } }
  if (method === 'GET') return { status: 200, headers: { 'content-type': 'application/zip' }, body: artifact.bytes }
  if (method !== 'PUT') return { status: 405 }
  const id = query.get('blockid')
  if (query.get('comp') === 'block' && id !== null) artifact.blocks.set(id, body)
  else if (query.get('comp') === 'blocklist')
    artifact.bytes = Buffer.concat(
      [...body.toString().matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(
        ([, one = '']) => artifact.blocks.get(one) ?? Buffer.alloc(0),
      ),
    )
  else artifact.bytes = body
  const now = new Date().toUTCString()
  return {
    status: 201,
    headers: { etag: '"1"', 'last-modified': now, 'x-ms-version': '2020-10-02', 'x-ms-request-id': randomUUID() },
  }
}

function signed(store: Store, artifact: StoredArtifact): string {
  return `${store.url}/blob/${artifact.id}.zip?sv=2020-10-02&sig=${signatureOf(artifact)}`
}

function signatureOf({ job, name }: StoredArtifact): string {
  return createHash('sha256').update(`${job} ${name}`).digest('hex')
}

function digestOf({ bytes }: StoredArtifact): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function refused(status: number, msg: string): ServiceAnswer {
  return { status, body: { code: 'error', msg } }
}
