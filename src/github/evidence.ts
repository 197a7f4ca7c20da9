import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json, type JsonObject, jsonText } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import type { HttpClient } from '../io/http.ts'
import { withRetry } from '../io/retry.ts'
import type { PlatformPort } from '../pipeline/attest-request.ts'
import type { Account, Answer, PlatformCommit } from '../policy/evidence.ts'
import { type GithubApi, type GraphqlAnswer, type Question, shaped } from './api.ts'
import { type Page, pageAt, wholeList } from './connection.ts'
import { COMMIT_PULLS_QUERY, COMMITS_AT_ONCE, commitsQuery } from './evidence-queries.ts'
import { LastPushers } from './last-pushers.ts'
import { type PendingPull, readPending } from './pending.ts'
import { answered, type PullFacts, personAt, readPulls } from './pulls.ts'
import { firstPush } from './pushes.ts'
import { booleanAt, idAt, nullable } from './wire.ts'

export interface EvidenceOptions {
  readonly api: GithubApi
  readonly http: HttpClient
  /** `owner/name` */
  readonly repository: string
  /** Its number: names can be given to another repository. */
  readonly repositoryId: string
  /** `https://github.com`, where the platform publishes its keys. */
  readonly serverUrl: string
  /** The pull request that the run is about, for a proposal. */
  readonly pending?: PendingPull
}

/** What GitHub says about commits, pull requests, reviews and pushes (3-source §§ 5–6). Facts; nothing here is believed. */
export function githubEvidence(options: EvidenceOptions): PlatformPort {
  const reader = new EvidenceReader(options)
  let keys: Promise<Answer<Uint8Array>> | undefined
  return {
    commits: ids => reader.commits(ids),
    signingKeys: () => {
      keys ??= answered(() => webFlowKeys(options))
      return keys
    },
  }
}

/** A commit as the first query tells it; `pulls` are node ids. */
interface CommitAnswer extends Pick<PlatformCommit, 'id' | 'author' | 'verification'> {
  readonly pulls: readonly string[]
}

class EvidenceReader {
  readonly #options: EvidenceOptions
  readonly #question: Question
  readonly #pushers: LastPushers
  readonly #pulls = new Map<string, Promise<Answer<PullFacts | undefined>>>()
  #pending: Promise<Answer<PullFacts | undefined>> | undefined

  constructor(options: EvidenceOptions) {
    this.#options = options
    this.#question = { of: `the commits of ${options.repository}`, permission: 'contents: read, pull-requests: read' }
    this.#pushers = new LastPushers(options.api, options.repository, Number(options.repositoryId))
  }

  async commits(ids: readonly CommitId[]): Promise<readonly Answer<PlatformCommit>[]> {
    const answers: Answer<CommitAnswer>[] = []
    for (let at = 0; at < ids.length; at += COMMITS_AT_ONCE)
      answers.push(...(await this.#batch(ids.slice(at, at + COMMITS_AT_ONCE))))
    await this.#readPulls(answers)
    const facts = await Promise.all(answers.map(answer => this.#withPulls(answer)))
    // One look for everything: heads and the commits themselves stand in the same record.
    await this.#pushers.prepare(facts.flatMap(fact => (fact.kind === 'known' ? [fact.value] : [])))
    return Promise.all(facts.map(fact => this.#complete(fact)))
  }

  async #batch(ids: readonly CommitId[]): Promise<readonly Answer<CommitAnswer>[]> {
    try {
      const answer = await this.#options.api.graphql(commitsQuery(ids), this.#names(), this.#question)
      const repository = this.#repositoryOf(answer)
      return await Promise.all(
        ids.map((id, at) => {
          const error = answer.errors.find(({ path }) => path[0] !== 'repository' || path[1] === `c${at}`)
          return answered(() => this.#commit(repository[`c${at}`], id, error?.cause))
        }),
      )
    } catch (error) {
      const cause = asWaybillError(error)
      return ids.map(() => ({ kind: 'unavailable', cause }))
    }
  }

  #names(): { readonly owner: string; readonly name: string } {
    const [owner = '', name = ''] = this.#options.repository.split('/')
    return { owner, name }
  }

  #repositoryOf({ data, errors }: GraphqlAnswer): JsonObject {
    if (!isObject(data.repository)) throw errors[0]?.cause ?? this.#malformed('no repository')
    const { repository } = data
    const id = shaped(this.#question, () => idAt(repository.databaseId, 'repository.databaseId'))
    if (String(id) === this.#options.repositoryId) return repository
    throw fail(
      'github/api-other-repository',
      `${this.#options.repository} is not the repository of this run any more`,
      {
        expected: `id ${this.#options.repositoryId}`,
        found: `id ${id}`,
      },
    )
  }

  async #commit(value: Json | undefined, id: CommitId, error: WaybillError | undefined): Promise<CommitAnswer> {
    if (error !== undefined) throw error
    if (value === null)
      throw fail('github/api-commit-unknown', `${this.#options.repository} has no commit ${id} for the API`)
    const { scalars, pulls } = shaped(this.#question, () => commitAt(value, id))
    const { items, complete } = await wholeList(pulls, {
      api: this.#options.api,
      query: COMMIT_PULLS_QUERY,
      variables: { ...this.#names(), oid: id },
      question: this.#question,
      pageOf: data =>
        isObject(data.repository) && isObject(data.repository.object) ? data.repository.object.page : undefined,
      read: pullRefAt,
    })
    // A pull request that is not listed could be the one that counts.
    if (!complete) throw this.#malformed(`not all pull requests of ${id}`)
    return { ...scalars, pulls: items.filter(pull => pull.merged).map(pull => pull.id) }
  }

  /** Each pull request once, however many commits are behind it and however often they are asked about. */
  async #readPulls(answers: readonly Answer<CommitAnswer>[]): Promise<void> {
    const ids = new Set(answers.flatMap(answer => (answer.kind === 'known' ? answer.value.pulls : [])))
    const fresh = [...ids].filter(id => !this.#pulls.has(id))
    const reading = readPulls(this.#options.api, fresh, this.#options.repository)
    for (const id of fresh)
      this.#pulls.set(
        id,
        reading.then(pulls => pulls.get(id) ?? { kind: 'unavailable', cause: this.#malformed(`not ${id}`) }),
      )
    await reading
  }

  async #withPulls(answer: Answer<CommitAnswer>): Promise<Answer<CommitFacts>> {
    if (answer.kind === 'unavailable') return answer
    const pulls: PullFacts[] = []
    for (const id of answer.value.pulls) {
      const pull = await this.#pulls.get(id)
      if (pull?.kind === 'unavailable') return pull
      if (pull?.value !== undefined) pulls.push(pull.value)
    }
    const pending = await this.#readPending()
    // Without any other pull request this could be the one that counts.
    if (pending?.kind === 'unavailable') return pulls.length > 0 ? known(answer.value, pulls) : pending
    const own = pending?.value
    const about =
      own !== undefined && isAbout(own, answer.value.id) && pulls.every(({ number }) => number !== own.number)
    return known(answer.value, about ? [...pulls, own] : pulls)
  }

  async #readPending(): Promise<Answer<PullFacts | undefined> | undefined> {
    const { pending, api, repository } = this.#options
    if (pending === undefined) return undefined
    this.#pending ??= readPending(pending, api, repository, this.#question)
    return this.#pending
  }

  async #complete(answer: Answer<CommitFacts>): Promise<Answer<PlatformCommit>> {
    if (answer.kind === 'unavailable') return answer
    const pulls = await Promise.all(answer.value.pulls.map(pull => this.#pushers.complete(pull)))
    const pushedAt = firstPush(this.#pushers.pushesTo(answer.value.id))
    return { kind: 'known', value: { ...answer.value, pulls, ...(pushedAt === undefined ? {} : { pushedAt }) } }
  }

  #malformed(found: string): WaybillError {
    return fail('github/api-malformed', `The API's answer about ${this.#question.of} is incomplete`, { found })
  }
}

function known(commit: CommitAnswer, pulls: readonly PullFacts[]): Answer<CommitFacts> {
  return { kind: 'known', value: { ...commit, pulls } }
}

function isAbout({ mergeCommit, commits }: PullFacts, id: CommitId): boolean {
  return mergeCommit === id || commits.some(commit => commit.id === id)
}

/** A commit with its pull requests, before anybody asked who pushed. */
export interface CommitFacts extends Omit<CommitAnswer, 'pulls'> {
  readonly pulls: readonly PullFacts[]
}

interface PullRef {
  readonly id: string
  readonly merged: boolean
}

function commitAt(
  value: Json | undefined,
  id: CommitId,
): { readonly scalars: Omit<CommitAnswer, 'pulls'>; readonly pulls: Page<PullRef> } {
  const commit = objectAt(value, 'commit')
  if (commit.__typename !== 'Commit' || commit.oid !== id)
    throw fail('core/shape', 'object is not the commit that was asked for', {
      expected: id,
      found: jsonText(commit.oid),
    })
  const author: Account | undefined = personAt(commit.author, 'author')
  const verification = nullable(commit.signature, verificationAt, 'signature')
  const pulls = nullable(commit.associatedPullRequests, pullRefsAt, 'associatedPullRequests')
  return {
    scalars: {
      id,
      ...(author === undefined ? {} : { author }),
      ...(verification === undefined ? {} : { verification }),
    },
    pulls: pulls ?? { items: [], missing: 1 },
  }
}

const pullRefsAt = (value: Json, path: string): Page<PullRef> => pageAt(value, path, pullRefAt)

function pullRefAt(value: Json, path: string): PullRef {
  const pull = objectAt(value, path)
  return { id: stringAt(pull.id, `${path}.id`), merged: booleanAt(pull.merged, `${path}.merged`) }
}

function verificationAt(value: Json, path: string): NonNullable<PlatformCommit['verification']> {
  const signature = objectAt(value, path)
  const signer = nullable(signature.signer, (user, at) => stringAt(objectAt(user, at).login, at), `${path}.signer`)
  return {
    verified: booleanAt(signature.isValid, `${path}.isValid`),
    state: stringAt(signature.state, `${path}.state`),
    ...(signer === undefined ? {} : { signer }),
  }
}

/** Asked for without the token: the keys are for everybody. Which of them count is pinned by fingerprint elsewhere. */
async function webFlowKeys({ http, serverUrl, api }: EvidenceOptions): Promise<Uint8Array> {
  const url = `${serverUrl}/web-flow.gpg`
  const { clock } = api
  const answer = await withRetry(() => http.send({ method: 'GET', url, maxBytes: LIMITS.policyFileBytes }), { clock })
  const begin = new TextDecoder('latin1').decode(answer.body.subarray(0, 64)).trimStart()
  if (answer.status === 200 && begin.startsWith('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return answer.body
  throw fail('github/api-refused', 'The platform does not publish its own signing keys', {
    expected: `OpenPGP keys at ${url}`,
    found: answer.status === 200 ? 'something else' : String(answer.status),
    remedy: 'Put the key into the policy: platform-keys.',
  })
}
