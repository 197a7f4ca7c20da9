import type { CommitId } from '../../src/core/digest.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import { GithubApi } from '../../src/github/api.ts'
import { githubEvidence } from '../../src/github/evidence.ts'
import type { PendingPull } from '../../src/github/pending.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { PlatformPort } from '../../src/pipeline/attest-request.ts'
import type { Answer } from '../../src/policy/evidence.ts'
import { type Github, startGithub } from '../fakes/github.ts'
import { addGithubApi, type GithubApiDouble } from '../fakes/github-api.ts'
import type { Model, ModelPull, ModelRepository } from '../fakes/github-model.ts'

/** A commit id made of one digit. */
export const id = (digit: string): CommitId => parseCommitId(digit.repeat(40).slice(0, 40))

/** Id of the n-th commit of a long list. */
export const numbered = (n: number): CommitId => parseCommitId(n.toString(16).padStart(40, '0'))

export const NAME = 'acme/app'
export const NUMBER = 4711

/** A GitHub with one repository and three people, and a client of it whose pauses pass at once. */
export class GithubWorld {
  readonly github: Github
  readonly double: GithubApiDouble
  readonly http = new HttpClient()
  /** Milliseconds that the client waited, each pause. */
  readonly pauses: number[] = []
  /** Set by tests of limits; the client's clock. */
  now = Date.parse('2026-05-01T12:00:00Z')

  private constructor(github: Github) {
    this.github = github
    this.double = addGithubApi(github)
  }

  static async start(): Promise<GithubWorld> {
    const facts = { id: NUMBER, ownerId: 1, visibility: 'public', defaultBranch: 'main' } as const
    const world = new GithubWorld(await startGithub({ token: 'secret', repositories: new Map([[NAME, facts]]) }))
    world.model.user('alice', 101)
    world.model.user('bob', 102)
    world.model.user('carol', 103)
    world.model.user('renovate[bot]', 104, { type: 'Bot' })
    return world
  }

  get model(): Model {
    return this.double.model
  }

  get repository(): ModelRepository {
    return this.model.repository(NAME)
  }

  api(over: { token?: string | undefined; budgetMs?: number } = {}): GithubApi {
    const { token = 'secret' } = over
    const url = this.github.url
    return new GithubApi({
      http: this.http,
      apiUrl: url,
      graphqlUrl: `${url}/graphql`,
      ...('token' in over && over.token === undefined ? {} : { token }),
      ...(over.budgetMs === undefined ? {} : { budgetMs: over.budgetMs }),
      clock: {
        now: () => this.now,
        sleep: ms => {
          this.pauses.push(ms)
          this.now += ms
          return Promise.resolve()
        },
        random: () => 0,
      },
    })
  }

  platform(
    over: { repositoryId?: string; serverUrl?: string; budgetMs?: number; pending?: PendingPull } = {},
  ): PlatformPort {
    const { repositoryId = String(NUMBER), serverUrl = this.github.url } = over
    const about = over.pending === undefined ? {} : { pending: over.pending }
    return githubEvidence({ api: this.api(over), http: this.http, repository: NAME, repositoryId, serverUrl, ...about })
  }

  /** How often the API was asked, by path. */
  asked(path: RegExp): number {
    return this.github.log.filter(record => path.test(record.path)).length
  }

  async close(): Promise<void> {
    this.http.close()
    await this.github.close()
  }
}

/** A merged pull request of alice, from a branch of the repository itself. */
export function pull(
  over: Partial<ModelPull> = {},
): ModelPull & { readonly mergeCommit: string; readonly mergedAt: string } {
  return {
    number: 7,
    author: 'alice',
    headRef: 'feature',
    headOid: id('a'),
    commits: [{ oid: id('a'), author: 'alice', committer: 'alice' }],
    mergedBy: 'bob',
    ...over,
    mergeCommit: over.mergeCommit ?? id('f'),
    mergedAt: over.mergedAt ?? '2026-05-01T10:00:00Z',
  }
}

export function known<T>(answer: Answer<T> | undefined): T {
  if (answer?.kind === 'known') return answer.value
  throw answer?.cause ?? new Error('no answer')
}

/** Code of an answer that is not known, `known` otherwise. */
export function codeOf(answer: Answer<unknown> | undefined): string {
  return answer?.kind === 'unavailable' ? answer.cause.code : 'known'
}
