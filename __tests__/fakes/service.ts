import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FaultHook, Faults } from './registry/faults.ts'

/** What a fake sees of one request; the body has arrived completely. */
export interface ServiceRequest {
  readonly method: string
  /** As sent, without the query: nothing is decoded. */
  readonly path: string
  /** As sent, without the question mark. */
  readonly queryText: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | object
}

/** One line a request, in order of arrival. */
export interface ServiceRecord {
  readonly method: string
  /** Path with query, as sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** `cut` when a fault ended the connection; `pending` until the answer begins. */
  status: number | 'cut' | 'pending'
}

export interface Service {
  readonly name: string
  /** `http://127.0.0.1:<port>`, no trailing slash. */
  readonly url: string
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly port: number
  readonly log: ServiceRecord[]
  /** `faults.add({method: 'POST', fault: {status: 503}})`, as the registry's. */
  readonly faults: Faults
  /** Changes what is answered, as a service that lies would: every answer passes through it. */
  rewrite: Rewrite | undefined
  /** Log lines as `METHOD path → status`. */
  requests(): string[]
  close(): Promise<void>
}

export type Rewrite = (answer: ServiceAnswer, request: ServiceRequest) => ServiceAnswer

/** Answers one request. A throw becomes a 500 with its text. */
export type Handler = (request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer>

export interface ServiceOptions {
  readonly faults?: FaultHook
}

/** A real HTTP server on loopback, port chosen by the system, with a request log and faults. */
export async function startService(name: string, handle: Handler, options: ServiceOptions = {}): Promise<Service> {
  const log: ServiceRecord[] = []
  const faults = new Faults()
  if (options.faults !== undefined) faults.hook(options.faults)
  const server = createServer((incoming, response) => {
    const record: ServiceRecord = {
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: incoming.headers,
      status: 'pending',
    }
    log.push(record)
    const lying: Handler = async request => {
      const answer = await handle(request)
      return service.rewrite?.(answer, request) ?? answer
    }
    serve(faults, lying, record, incoming, response).catch(error => {
      if (response.headersSent) incoming.socket.destroy()
      else send(record, response, { status: 500, body: `${name}: ${String(error)}` })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = `127.0.0.1:${port}`
  const service: Service = {
    name,
    url: `http://${host}`,
    host,
    port,
    log,
    faults,
    rewrite: undefined,
    requests: () => log.map(record => `${record.method} ${record.path} → ${record.status}`),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return service
}

async function serve(
  faults: Faults,
  handle: Handler,
  record: ServiceRecord,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '/', queryText = ''] = splitOnce(record.path, '?')
  const body = await readAll(incoming)
  const query = new URLSearchParams(queryText)
  const request: ServiceRequest = { method: record.method, path, queryText, query, headers: incoming.headers, body }
  const fault = faults.next(request)
  if (fault === 'cut') return cut(record, incoming)
  if (typeof fault === 'object' && 'status' in fault) return send(record, response, fault)
  if (typeof fault === 'object') await new Promise(resolve => setTimeout(resolve, fault.delayMs))
  const answer = await handle(request)
  if (fault === 'cut-body') await sendHalf(response, answer)
  if (fault === 'cut-body' || fault === 'cut-after') return cut(record, incoming)
  send(record, response, answer)
}

function cut(record: ServiceRecord, incoming: IncomingMessage): void {
  record.status = 'cut'
  incoming.socket.destroy()
}

function send(record: ServiceRecord, response: ServerResponse, answer: ServiceAnswer): void {
  const body = bytesOf(answer)
  record.status = answer.status
  response.writeHead(answer.status, { ...contentType(answer), 'content-length': body.byteLength, ...answer.headers })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

async function sendHalf(response: ServerResponse, answer: ServiceAnswer): Promise<void> {
  const body = bytesOf(answer)
  response.writeHead(answer.status, { ...contentType(answer), 'content-length': body.byteLength, ...answer.headers })
  await new Promise<void>(resolve => response.write(body.subarray(0, body.byteLength >> 1), () => resolve()))
}

function bytesOf({ body }: ServiceAnswer): Buffer {
  if (body === undefined || typeof body === 'string') return Buffer.from(body ?? '')
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
}

function contentType({ body }: ServiceAnswer): { 'content-type': string } {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array)
  return { 'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8' }
}

function splitOnce(text: string, at: string): [string, string] {
  const place = text.indexOf(at)
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)]
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
