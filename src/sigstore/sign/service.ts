import { decodeUtf8 } from '../../core/bytes.ts'
import { type ErrorCode, fail, WaybillError } from '../../core/error.ts'
import { parseJsonObject } from '../../core/json.ts'
import { printable } from '../../core/text.ts'
import type { HttpAnswer, HttpClient, HttpRequest } from '../../io/http.ts'
import { withRetry } from '../../io/retry.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import type { Waiting } from './quorum.ts'
import { RetryBudget } from './retry-budget.ts'

/** How the services are talked to; the same for all of them. */
export interface Transport {
  readonly http: HttpClient
  /** Milliseconds for one request; default `LIMITS.requestMs`. */
  readonly requestMs?: number
  /** What is left for retries, of all requests together. */
  readonly budget?: RetryBudget
  /** Milliseconds that the retries of one request may take of it; default: all that is left. */
  readonly retriesMs?: number
}

/** As long as a service is waited for while another one could take its place: an answer that was lost is fetched all the same. */
export function waitingFor(transport: Transport, waiting: Waiting): Transport {
  return waiting === 'patient' ? transport : { ...transport, retriesMs: SIGSTORE_LIMITS.briefRetriesMs }
}

/** The codes of one kind of service. */
export interface ServiceCodes {
  readonly name: string
  readonly unavailable: ErrorCode
  readonly malformed: ErrorCode
}

/**
 * Sends with retries and returns the answer whatever its status.
 * @throws `codes.unavailable` when nobody answered in time, `codes.malformed` when the answer is larger than any can be.
 */
export async function ask(transport: Transport, codes: ServiceCodes, request: HttpRequest): Promise<HttpAnswer> {
  const { http, budget = new RetryBudget(), requestMs, retriesMs = Number.POSITIVE_INFINITY } = transport
  const timed = requestMs === undefined ? request : { ...request, timeoutMs: requestMs }
  try {
    const { leftMs, clock } = budget
    const budgetMs = Math.min(leftMs, retriesMs)
    return await withRetry(() => budget.attempt(() => http.send(timed)), { budgetMs, clock })
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    if (error.code === 'core/unreachable') throw noAnswer(codes.unavailable, 'did not answer', codes, request, error)
    if (error.code === 'core/answer-too-large')
      throw noAnswer(codes.malformed, 'answered too much', codes, request, error)
    throw error
  }
}

function noAnswer(
  code: ErrorCode,
  what: string,
  codes: ServiceCodes,
  request: HttpRequest,
  cause: WaybillError,
): Error {
  return fail(code, `The ${codes.name} at ${originOf(request.url)} ${what}`, {
    found: cause.found ?? cause.message,
    cause,
  })
}

/** The error for a status nobody can work with; the service's own sentence is shown, without secrets. */
export function refusal(
  code: ErrorCode,
  codes: ServiceCodes,
  url: string,
  answer: HttpAnswer,
  secret = '',
): WaybillError {
  return fail(code, `The ${codes.name} at ${originOf(url)} answered ${answer.status}`, {
    found: scrub(sentenceOf(answer), secret),
  })
}

/** The error for an answer that is not what this kind of service says. */
export function nonsense(codes: ServiceCodes, url: string, why: string, cause?: unknown): WaybillError {
  return fail(codes.malformed, `The ${codes.name} at ${originOf(url)} gave an unusable answer`, { found: why, cause })
}

/** Runs a reader of the service's answer; whatever it throws means that the answer is nonsense. */
export function reading<T>(codes: ServiceCodes, url: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof WaybillError && error.code.startsWith('sigstore/')) throw error
    throw nonsense(codes, url, error instanceof Error ? error.message : 'it cannot be read', error)
  }
}

/** A service may quote the token it was sent; neither it nor one of its parts may reach a log. */
function scrub(text: string, secret: string): string {
  const pieces = [secret, ...secret.split('.')].filter(piece => piece.length >= 8)
  return pieces.reduce((clean, piece) => clean.replaceAll(piece, '***'), text)
}

function sentenceOf(answer: HttpAnswer): string {
  try {
    const { message } = parseJsonObject(answer.body, 'answer')
    if (typeof message === 'string') return `${answer.status} ${printable(message, 2000)}`
  } catch {
    // Not JSON: the text itself is shown.
  }
  return `${answer.status} ${printable(decodeUtf8(answer.body.subarray(0, 2000)) ?? '', 2000)}`.trim()
}

export function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : printable(url, 200)
}
