import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../core/shape.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { booleanAt, nullable } from './wire.ts'

/** One page of a GraphQL connection. A null node is one that the token may not see: it counts as missing, never as none. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly missing: number
  /** Of the whole list, where it was asked for. */
  readonly total?: number
  /** Where the next page begins; absent: this was the last. */
  readonly after?: string
}

/** @throws `core/shape` */
export function pageAt<T>(value: Json | undefined, path: string, read: (value: Json, path: string) => T): Page<T> {
  const connection = objectAt(value, path)
  const info = objectAt(connection.pageInfo, `${path}.pageInfo`)
  const nodes = nullable(connection.nodes, arrayAt, `${path}.nodes`) ?? []
  const items = nodes.flatMap((node, at) => (node === null ? [] : [read(node, `${path}.nodes[${at}]`)]))
  const more = booleanAt(info.hasNextPage, `${path}.pageInfo.hasNextPage`)
  const total = connection.totalCount === undefined ? undefined : integerAt(connection.totalCount, `${path}.totalCount`)
  return {
    items,
    missing: nodes.length - items.length,
    ...(total === undefined ? {} : { total }),
    ...(more ? { after: stringAt(info.endCursor, `${path}.pageInfo.endCursor`) } : {}),
  }
}

/** Everything a connection holds, as far as it was shown. */
export interface Whole<T> {
  readonly items: readonly T[]
  readonly complete: boolean
}

/** How to ask for the pages behind the first. */
export interface Further<T> {
  readonly api: GithubApi
  readonly query: string
  readonly variables: JsonObject
  readonly question: Question
  /** Finds the connection, which the query calls `page`, in its answer. */
  readonly pageOf: (data: JsonObject) => Json | undefined
  readonly read: (value: Json, path: string) => T
}

/**
 * The first page and those behind it, at most `LIMITS.githubPages`. A server that repeats a cursor would be asked for
 * ever, so it ends the list as incomplete.
 * @throws what the API throws
 */
export async function wholeList<T>(first: Page<T>, further: Further<T>): Promise<Whole<T>> {
  const items = [...first.items]
  let missing = first.missing
  let { total } = first
  let after = first.after
  const seen = new Set<string>()
  for (let pages = 1; after !== undefined && pages < LIMITS.githubPages && !seen.has(after); pages++) {
    seen.add(after)
    const page: Page<T> = await nextPage(further, after)
    items.push(...page.items)
    missing += page.missing
    total = page.total ?? total
    after = page.after
  }
  const counted = total === undefined || total === items.length
  return { items, complete: after === undefined && missing === 0 && counted }
}

async function nextPage<T>(further: Further<T>, after: string): Promise<Page<T>> {
  const { api, query, variables, question } = further
  const { data, errors } = await api.graphql(query, { ...variables, after }, question)
  if (errors[0] !== undefined) throw errors[0].cause
  const connection = further.pageOf(data)
  if (connection === undefined || connection === null)
    throw fail('github/api-malformed', `The API's answer about ${question.of} cannot be read`, {
      found: 'no further page',
    })
  return shaped(question, () => pageAt(connection, 'page', further.read))
}
