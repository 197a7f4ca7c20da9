import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql'
import type { Model, ModelCommit, ModelPull, ModelRepository, ModelReview, ModelUser } from './github-model.ts'
import { SHOWN_COMMITS } from './github-model.ts'

const SCHEMA_FILE = join(import.meta.dirname, '../../node_modules/@octokit/graphql-schema/schema.graphql')
let built: GraphQLSchema | undefined

/** GitHub's published schema, parsed when a test first asks. */
function schema(): GraphQLSchema {
  built ??= buildSchema(readFileSync(SCHEMA_FILE, 'utf8'), { assumeValid: true })
  return built
}

export interface GraphqlDocument {
  data?: Record<string, unknown> | null
  errors?: { type?: string; path?: readonly (string | number)[]; message: string }[]
}

/**
 * Runs the client's own query against GitHub's published schema, so that a query that GitHub would refuse is refused here;
 * lists without `first` or `last`, or with more than 100, are refused as GitHub does.
 */
export async function runGraphql(
  model: Model,
  query: string,
  variables: Record<string, unknown>,
): Promise<GraphqlDocument> {
  const document = parse(query)
  const invalid = validate(schema(), document)
  if (invalid.length > 0) return { errors: invalid.map(({ message }) => ({ message })) }
  const { data, errors } = await execute({
    schema: schema(),
    document,
    variableValues: variables,
    rootValue: new Root(model),
  })
  const plain = JSON.parse(JSON.stringify(data ?? null)) as GraphqlDocument['data']
  if (errors === undefined) return { data: plain ?? null }
  return {
    data: plain ?? null,
    errors: errors.map(({ message, path, extensions }) => ({
      ...(typeof extensions.type === 'string' ? { type: extensions.type } : {}),
      ...(path === undefined ? {} : { path }),
      message,
    })),
  }
}

interface Names {
  readonly owner: string
  readonly name: string
}

class Root {
  readonly #model: Model

  constructor(model: Model) {
    this.#model = model
  }

  repository({ owner, name }: Names): object {
    const repository = this.#model.repositories.get(`${owner}/${name}`)
    if (repository === undefined)
      throw refused('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`)
    return {
      databaseId: repository.id,
      nameWithOwner: repository.name,
      pullRequest: ({ number }: { number: number }) => {
        const pull = repository.pulls.find(item => item.number === number)
        if (pull !== undefined) return this.#pull(repository, pull)
        throw refused('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`)
      },
      object: ({ oid }: { oid: string }) => (repository.absent.has(oid) ? null : this.#topCommit(repository, oid)),
    }
  }

  viewer(): object {
    const { login, id } = this.#model.writer()
    return { login, databaseId: id }
  }

  node({ id }: { id: string }): object | null {
    const { repository, pull } = this.#find(id)
    if (repository === undefined || pull === undefined) throw refused('NOT_FOUND', `Could not resolve to a node: ${id}`)
    return this.#pull(repository, pull)
  }

  nodes({ ids }: { ids: readonly string[] }): readonly (object | null)[] {
    if (ids.length > 100) throw refused('ARGUMENT_LIMIT', 'You may not provide more than 100 node ids')
    return ids.map(id => this.node({ id }))
  }

  #find(id: string): { readonly repository: ModelRepository | undefined; readonly pull: ModelPull | undefined } {
    const [, owner, number] = /^PR_(\d+)_(\d+)$/.exec(id) ?? []
    const repository = [...this.#model.repositories.values()].find(({ id }) => id === Number(owner))
    return { repository, pull: repository?.pulls.find(pull => pull.number === Number(number)) }
  }

  #topCommit(repository: ModelRepository, oid: string): object {
    const { pulls } = repository
    return {
      ...this.#commit(repository.commits.get(oid) ?? { oid }),
      associatedPullRequests: (args: Paging) => {
        this.#need('pull-requests')
        const found = pulls.filter(
          ({ mergeCommit, commits, associated = [] }) =>
            mergeCommit === oid || associated.includes(oid) || commits.some(commit => commit.oid === oid),
        )
        return connection(found, pull => this.#pull(repository, pull), args)
      },
    }
  }

  #commit({ oid, author, committer, signature }: ModelCommit): object {
    return {
      __typename: 'Commit',
      oid,
      author: { name: 'as written', email: 'as@written.example', user: this.#user(author) },
      committer: { name: 'as written', email: 'as@written.example', user: this.#user(committer) },
      signature:
        signature === undefined
          ? null
          : { __typename: 'GpgSignature', ...signature, signer: this.#user(signature.signer) },
    }
  }

  #pull(repository: ModelRepository, pull: ModelPull): object {
    this.#need('pull-requests')
    const head = pull.headRepository === undefined ? repository.name : pull.headRepository
    const headId = head === null ? undefined : this.#model.repositories.get(head)?.id
    return {
      __typename: 'PullRequest',
      id: `PR_${repository.id}_${pull.number}`,
      number: pull.number,
      url: `https://github.com/${repository.name}/pull/${pull.number}`,
      merged: pull.mergedAt !== undefined,
      closed: pull.closed === true || pull.mergedAt !== undefined,
      mergedAt: pull.mergedAt ?? null,
      author: this.#actor(pull.author),
      mergedBy: this.#actor(pull.mergedBy),
      baseRepository: { databaseId: repository.id },
      baseRefName: pull.base ?? repository.defaultBranch,
      headRepository: headId === undefined ? null : { databaseId: headId, nameWithOwner: head },
      headRefName: pull.headRef,
      headRefOid: pull.headOid,
      mergeCommit: pull.mergeCommit === undefined ? null : { oid: pull.mergeCommit },
      reviewDecision: pull.reviewDecision ?? null,
      commits: (args: Paging) =>
        connection(pull.commits.slice(0, SHOWN_COMMITS), commit => ({ commit: this.#commit(commit) }), args),
      reviews: (args: Paging & { states?: readonly string[] }) =>
        connection(
          (pull.reviews ?? []).filter(({ state }) => args.states?.includes(state) ?? true),
          review => this.#review(review),
          args,
        ),
      comments: (args: Paging) =>
        connection(pull.comments ?? [], ({ author, body }) => ({ body, author: this.#actor(author) }), args),
      timelineItems: (args: Paging & { itemTypes?: readonly string[] }) =>
        connection(
          (pull.baseChanges ?? []).filter(({ kind }) => args.itemTypes?.includes(EVENT_TYPES[kind]) ?? true),
          ({ kind, at }) => ({ __typename: kind, createdAt: at }),
          args,
        ),
    }
  }

  #review({ author, state, commit, submittedAt, mayWrite = true }: ModelReview): object {
    return {
      state,
      submittedAt: submittedAt ?? null,
      authorCanPushToRepository: mayWrite,
      author: this.#actor(author),
      commit: commit === undefined ? null : { oid: commit },
    }
  }

  /** `GitActor.user` is a user by its type, also for an app, whose login then ends in `[bot]`. */
  #user(login: string | undefined): object | null {
    const user = this.#known(login)
    return user === undefined ? null : { __typename: 'User', databaseId: user.id, login: user.login }
  }

  /** An app as an actor has its login without `[bot]`. */
  #actor(login: string | undefined): object | null {
    const user = this.#known(login)
    if (user === undefined) return null
    return { __typename: user.type, databaseId: user.id, login: user.login.replace(/\[bot\]$/, '') }
  }

  #known(login: string | undefined): ModelUser | undefined {
    return login === undefined ? undefined : this.#model.users.get(login)
  }

  #need(permission: 'pull-requests'): void {
    if (!this.#model.permissions.has(permission)) throw refused('FORBIDDEN', 'Resource not accessible by integration')
  }
}

const EVENT_TYPES = {
  BaseRefChangedEvent: 'BASE_REF_CHANGED_EVENT',
  AutomaticBaseChangeSucceededEvent: 'AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT',
  BaseRefForcePushedEvent: 'BASE_REF_FORCE_PUSHED_EVENT',
} as const

interface Paging {
  readonly first?: number
  readonly last?: number
  readonly after?: string
}

/** One page; a cursor is the number of entries before it. */
function connection<T>(all: readonly T[], show: (item: T) => object, { first, last, after }: Paging): object {
  const count = first ?? last
  if (count === undefined) throw refused('MISSING_PAGINATION_BOUNDARIES', 'You must provide `first` or `last`')
  if (count < 1 || count > 100)
    throw refused('EXCESSIVE_PAGINATION', `Requesting ${count} records exceeds the limit of 100`)
  const begin = first === undefined ? Math.max(0, all.length - count) : Number(after ?? 0)
  const end = Math.min(all.length, begin + count)
  return {
    totalCount: all.length,
    pageInfo: {
      hasNextPage: end < all.length,
      hasPreviousPage: begin > 0,
      endCursor: end === begin ? null : String(end),
    },
    nodes: all.slice(begin, end).map(show),
  }
}

function refused(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } })
}
