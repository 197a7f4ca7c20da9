import { decodeUtf8 } from '../core/bytes.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJson } from '../core/json.ts'
import { printable } from '../core/text.ts'
import type { HttpAnswer } from '../io/http.ts'
import { retryAfterMs } from '../io/retry.ts'
import type { Question } from './api.ts'

/** Asked for when a secondary limit names no time. docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const SECONDARY_PAUSE_MS = 60_000

/**
 * How long GitHub wants to be left alone. Its limits come in five spellings: 429 or 403 with `retry-after`, with
 * `x-ratelimit-remaining: 0` and the second of the reset, or with words alone, and in GraphQL 200 with an error of type
 * `RATE_LIMITED`.
 * @returns milliseconds; undefined: this is no rate limit.
 */
export function limitPause(answer: HttpAnswer, now: number): number | undefined {
  const { status, headers } = answer
  if (status === 200 && !isLimitedGraphql(answer)) return undefined
  if (status !== 200 && status !== 403 && status !== 429) return undefined
  const after = retryAfterMs(headers['retry-after'], now)
  if (after !== undefined) return after
  const reset = headers['x-ratelimit-reset'] ?? ''
  if (headers['x-ratelimit-remaining'] === '0' && /^\d{1,12}$/.test(reset))
    return Math.max(0, Number(reset) * 1000 - now) + 1000
  const said = status === 403 && /\b(secondary )?rate limit\b/i.test(messageOf(answer))
  return status === 403 && !said ? undefined : SECONDARY_PAUSE_MS
}

function isLimitedGraphql({ headers, body }: HttpAnswer): boolean {
  if (headers['x-ratelimit-remaining'] !== '0') return false
  const document = documentOf(body)
  const errors = isObject(document) && Array.isArray(document.errors) ? document.errors : []
  return errors.some(error => isObject(error) && error.type === 'RATE_LIMITED')
}

/** The error behind a status that is no answer. */
export function failureOf(answer: HttpAnswer, question: Question, now: number): WaybillError {
  const { status } = answer
  const message = messageOf(answer)
  const found = `${status}${message === '' ? '' : ` ${message}`}`
  if (status === 429) return rateLimited(answer, question, now)
  if (status === 401)
    return fail('github/api-permission', `The API does not accept the token for ${question.of}`, {
      expected: `a token that is valid and has ${question.permission}`,
      found,
    })
  if (status === 403 || status === 404) return notPermitted(question, found)
  return fail('github/api-refused', `The API did not tell ${question.of}`, { expected: '200', found })
}

function rateLimited({ headers }: HttpAnswer, question: Question, now: number): WaybillError {
  const pause = retryAfterMs(headers['retry-after'], now) ?? SECONDARY_PAUSE_MS
  const at = new Date(now + pause).toISOString()
  return fail('github/api-rate-limited', `The API's rate limit was reached before ${question.of} could be read`, {
    found: `nothing more until ${at}`,
    remedy: `Run again after ${at}.`,
  })
}

/** GitHub answers 404 for what the token may not see, so the two cannot be told apart (13-adversary 5). */
function notPermitted(question: Question, found: string): WaybillError {
  return fail('github/api-permission', `The API does not show ${question.of}`, {
    expected: question.permission,
    found,
    remedy: `Give the job (or the token) the permission ${question.permission}.`,
  })
}

/** One entry of a GraphQL answer's `errors`. */
export function graphqlRefusal(error: JsonObject, question: Question): WaybillError {
  const type = typeof error.type === 'string' ? error.type : ''
  const message = typeof error.message === 'string' ? printable(error.message) : ''
  const found = [type, message].filter(part => part !== '').join(': ')
  const permission = ['FORBIDDEN', 'INSUFFICIENT_SCOPES', 'NOT_FOUND'].includes(type)
  if (permission || /resource not accessible/i.test(message)) return notPermitted(question, found)
  if (type === 'RATE_LIMITED')
    return fail('github/api-rate-limited', `The API's rate limit was reached before ${question.of} could be read`, {
      found,
    })
  return fail('github/api-refused', `The API did not tell ${question.of}`, { expected: 'an answer', found })
}

/** `message` of GitHub's error documents, printable; empty when there is none. */
export function messageOf({ body }: HttpAnswer): string {
  const document = documentOf(body)
  return isObject(document) && typeof document.message === 'string' ? printable(document.message) : ''
}

function documentOf(body: Uint8Array): Json | undefined {
  const text = decodeUtf8(body)
  if (text === undefined || !text.startsWith('{')) return undefined
  try {
    return parseJson(text, 'answer of the API')
  } catch (error) {
    if (asWaybillError(error).code === 'core/json-malformed') return undefined
    throw error
  }
}
