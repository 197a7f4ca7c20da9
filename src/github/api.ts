import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJson } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt } from '../core/shape.ts'
import type { HttpAnswer, HttpClient, HttpRequest } from '../io/http.ts'
import { type RetryClock, realClock, retryAfterMs, withRetry } from '../io/retry.ts'
import { failureOf, graphqlRefusal, limitPause, messageOf } from './api-failure.ts'

/** Version of the REST API that the shapes here were read from. docs.github.com/rest/about-the-rest-api/api-versions */
const API_VERSION = '2022-11-28'
/** Entries of one page: the most that GitHub gives. */
const PAGE = 100
const PATIENCE = 3 // rate limits waited for, one after another, before something is written

export interface ApiOptions {
  readonly http: HttpClient
  /** `https://api.github.com`, or an own server's `…/api/v3`; without a slash at the end. */
  readonly apiUrl: string
  /** On the same origin as `apiUrl`, or it is refused: the token must not travel. */
  readonly graphqlUrl: string
  /** Sent to that origin alone. Without it only public things can be read, and no GraphQL. */
  readonly token?: string
  /** After this many milliseconds from the first question every further one fails; default the source stage's time. */
  readonly budgetMs?: number
  readonly clock?: RetryClock
}

/** What one question is about, for errors: what was to be read, and the permission it takes. */
export interface Question {
  /** `the pull requests of acme/app`: stands behind "could not read". */
  readonly of: string
  /** `pull-requests: read` */
  readonly permission: string
  /** The words of a 404 that is an answer ("there is none"), not a missing permission. */
  readonly absent?: string
  /** Of something that is written: what an answer means that is no success, before it is taken for what it means to readers. */
  readonly refused?: (answer: HttpAnswer) => WaybillError | undefined
  /** Of something that is written: a rate limit is waited for. It was refused before anything was written. */
  readonly waits?: true
}

/** `more`: the list goes on; `last`: no further page is read. */
export interface ListPage {
  readonly items: readonly Json[]
  readonly more: boolean
  readonly last: boolean
}

/** Answer of a GraphQL query: data may stand beside errors that concern parts of it. */
export interface GraphqlAnswer {
  readonly data: JsonObject
  readonly errors: readonly GraphqlError[]
}

export interface GraphqlError {
  /** Names and positions from the root of the data; empty: the whole query. */
  readonly path: readonly string[]
  readonly cause: WaybillError
}

/**
 * GitHub's REST and GraphQL APIs: bounded answers, retries of what passes by itself, one time budget, and a typed error
 * for everything else. Nothing here decides; every failure is one of kind `unknown`.
 */
export class GithubApi {
  readonly #options: ApiOptions
  readonly #clock: RetryClock
  #end: number | undefined

  /** @throws `github/context-malformed` when the two addresses are on different origins. */
  constructor(options: ApiOptions) {
    const [rest, graphql] = [originOf(options.apiUrl), originOf(options.graphqlUrl)]
    if (rest === undefined || rest !== graphql)
      throw fail('github/context-malformed', 'The addresses of the REST and the GraphQL API are on different servers', {
        expected: options.apiUrl,
        found: options.graphqlUrl,
      })
    this.#options = options
    this.#clock = options.clock ?? realClock
  }

  get hasToken(): boolean {
    return this.#options.token !== undefined
  }

  get apiUrl(): string {
    return this.#options.apiUrl
  }

  get clock(): RetryClock {
    return this.#clock
  }

  /**
   * Reads one resource. @param path begins with a slash; every part that is not literal is already encoded.
   * @returns undefined for the 404 of which `question.absent` says that it is an answer.
   * @throws `github/api-permission`, `github/api-rate-limited`, `github/api-refused`, `github/api-malformed`,
   *   `github/api-deadline`, `core/unreachable`, `core/answer-too-large`
   */
  async get(path: string, question: Question): Promise<Json | undefined> {
    const answer = await this.#send({ method: 'GET', url: `${this.#options.apiUrl}${path}` }, question)
    if (isAbsent(answer, question)) return undefined
    return this.#bodyOf(answer, question)
  }

  /**
   * Reads a whole list. @param path may have a query.
   * @throws as `get`; also for a list longer than `LIMITS.githubPages`: half a list must not be read as all of it
   */
  async list(path: string, question: Question): Promise<readonly Json[]> {
    const items: Json[] = []
    for await (const page of this.pages(path, question)) {
      items.push(...page.items)
      if (page.last && page.more) throw malformed(question, `more than ${items.length} entries`)
    }
    return items
  }

  /**
   * The pages of a list, as long as the caller wants them and the server names a next one; none for the 404 of which
   * `question.absent` says that it is an answer.
   * @param key where the list stands in the answer; without it the answer is the list.
   */
  async *pages(path: string, question: Question, key?: string): AsyncGenerator<ListPage> {
    let url: string | undefined = `${this.#options.apiUrl}${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE}`
    for (let count = 1; url !== undefined && count <= LIMITS.githubPages; count++) {
      const answer: HttpAnswer = await this.#send({ method: 'GET', url }, question)
      if (count === 1 && isAbsent(answer, question)) return
      const items = shaped(question, () => {
        const body = this.#bodyOf(answer, question)
        return arrayAt(key === undefined ? body : objectAt(body, 'answer')[key], key ?? 'list')
      })
      url = this.#nextPage(answer)
      yield { items, more: url !== undefined, last: url === undefined || count === LIMITS.githubPages }
    }
  }

  /**
   * Where something large is kept: the address in a redirect (302) to another server, which is not asked here and gets no token.
   * @returns undefined when it was kept once and is gone (410).
   * @throws as `get`
   */
  async place(path: string, question: Question): Promise<string | undefined> {
    const answer = await this.#send({ method: 'GET', url: `${this.#options.apiUrl}${path}` }, question, false)
    if (answer.status === 410) return undefined
    const to = redirectOf(answer, this.#options.apiUrl)
    if (answer.status !== 302 || to === undefined) throw failureOf(answer, question, this.#clock.now())
    return to
  }

  /**
   * Asks one GraphQL query; reading only. @param query never holds foreign text: that goes into `variables`.
   * @throws as `get`, and for errors that concern the whole query
   */
  async graphql(query: string, variables: JsonObject, question: Question): Promise<GraphqlAnswer> {
    const body = new TextEncoder().encode(JSON.stringify({ query, variables }))
    const headers = { 'content-type': 'application/json' }
    const answer = await this.#send({ method: 'POST', url: this.#options.graphqlUrl, headers, body }, question)
    const document = shaped(question, () => objectAt(this.#bodyOf(answer, question), 'answer'))
    const errors = shaped(question, () =>
      document.errors === undefined ? [] : arrayAt(document.errors, 'errors').map(error => errorOf(error, question)),
    )
    const whole = errors.find(({ path }) => path.length === 0)
    if (whole !== undefined) throw whole.cause
    if (isObject(document.data)) return { data: document.data, errors }
    throw errors[0]?.cause ?? malformed(question, 'neither data nor errors')
  }

  /**
   * Writes one thing. Asked once, but for rate limits: a second try could write it twice.
   * @throws as `get`
   */
  async post(path: string, body: JsonObject, question: Question): Promise<Json> {
    const headers = { 'content-type': 'application/json' }
    const sent = { headers, body: new TextEncoder().encode(JSON.stringify(body)) }
    const request = { method: 'POST', url: `${this.#options.apiUrl}${path}`, ...sent } as const
    let answer = await this.#once(request)
    for (let left = PATIENCE; question.waits === true && answer.status === 429 && left > 0; left--) {
      const pause = retryAfterMs(answer.headers['retry-after'], this.#clock.now()) ?? 0
      if (pause > this.#budget(question)) break
      await this.#clock.sleep(pause)
      answer = await this.#once(request)
    }
    if (answer.status !== 201) throw question.refused?.(answer) ?? failureOf(answer, question, this.#clock.now())
    return shaped(question, () => parseJson(answer.body, 'answer of the API'))
  }

  /**
   * Changes or removes one thing; twice is as good as once.
   * @returns undefined for what was removed (204), and as `get`. @throws as `get`
   */
  async change(
    method: 'PATCH' | 'DELETE',
    path: string,
    body: JsonObject | undefined,
    question: Question,
  ): Promise<Json | undefined> {
    const headers = { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { headers, body: new TextEncoder().encode(JSON.stringify(body)) }
    const answer = await this.#send({ method, url: `${this.#options.apiUrl}${path}`, ...sent }, question)
    if (isAbsent(answer, question) || (method === 'DELETE' && answer.status === 204)) return undefined
    if (answer.status !== 200) throw question.refused?.(answer) ?? failureOf(answer, question, this.#clock.now())
    return shaped(question, () => parseJson(answer.body, 'answer of the API'))
  }

  #bodyOf(answer: HttpAnswer, question: Question): Json {
    if (answer.status !== 200) throw failureOf(answer, question, this.#clock.now())
    return shaped(question, () => parseJson(answer.body, 'answer of the API'))
  }

  /**
   * Waits for what passes by itself; follows redirects, which renamed repositories have, on the API's own origin only.
   * @param elsewhere false: a 302 is an answer.
   */
  async #send(request: HttpRequest, question: Question, elsewhere = true): Promise<HttpAnswer> {
    let url = request.url
    for (let hops = 0; hops <= LIMITS.redirects; hops++) {
      const answer = await withRetry(() => this.#once({ ...request, url }), {
        clock: this.#clock,
        budgetMs: this.#budget(question),
      })
      const to = redirectOf(answer, url)
      if (to === undefined || request.method !== 'GET' || (!elsewhere && answer.status === 302)) return answer
      if (originOf(to) !== originOf(this.#options.apiUrl))
        throw fail('github/api-refused', `The API sends ${question.of} to another server`, {
          expected: originOf(this.#options.apiUrl) ?? '',
          found: originOf(to) ?? to,
        })
      url = to
    }
    throw fail('github/api-refused', `The API redirects without end for ${question.of}`)
  }

  /** A rate limit, however GitHub spells it, becomes the one form that `withRetry` waits for. */
  async #once(request: HttpRequest): Promise<HttpAnswer> {
    const { http, token } = this.#options
    const headers = {
      accept: 'application/vnd.github+json',
      'x-github-api-version': API_VERSION,
      ...request.headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const answer = await http.send({ ...request, headers, maxBytes: LIMITS.githubAnswerBytes })
    const pause = limitPause(answer, this.#clock.now())
    if (pause === undefined) return answer
    return { ...answer, status: 429, headers: { ...answer.headers, 'retry-after': String(Math.ceil(pause / 1000)) } }
  }

  #budget(question: Question): number {
    const now = this.#clock.now()
    this.#end ??= now + (this.#options.budgetMs ?? LIMITS.sourceStageMs)
    const left = this.#end - now
    if (left > 0) return Math.min(left, LIMITS.githubWaitMs)
    throw fail('github/api-deadline', `No time was left to read ${question.of}`)
  }

  /** RFC 8288; only its own server may say where the list goes on. */
  #nextPage({ headers }: HttpAnswer): string | undefined {
    const next = /<([^<>]{1,2000})>\s*;\s*rel="next"/.exec(headers.link ?? '')?.[1]
    return next !== undefined && originOf(next) === originOf(this.#options.apiUrl) ? next : undefined
  }
}

function isAbsent(answer: HttpAnswer, { absent }: Question): boolean {
  return answer.status === 404 && absent !== undefined && messageOf(answer) === absent
}

/** Reads foreign JSON; what the readers refuse is a malformed answer of the API, which proves nothing either way. */
export function shaped<T>(question: Question, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (!READING.has(error.code)) throw error
    throw malformed(question, error.message, error)
  }
}

const READING: ReadonlySet<string> = new Set(['core/shape', 'core/json-malformed', 'core/commit-malformed'])

function malformed(question: Question, found: string, cause?: unknown): WaybillError {
  return fail('github/api-malformed', `The API's answer about ${question.of} cannot be read`, { found, cause })
}

function errorOf(value: Json, question: Question): GraphqlError {
  const error = objectAt(value, 'errors[]')
  const path = Array.isArray(error.path) ? error.path.map(String) : []
  return { path, cause: graphqlRefusal(error, question) }
}

function redirectOf({ status, headers }: HttpAnswer, from: string): string | undefined {
  const isRedirect = status === 301 || status === 302 || status === 307 || status === 308
  return isRedirect && URL.canParse(headers.location ?? '', from)
    ? new URL(headers.location ?? '', from).href
    : undefined
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}
