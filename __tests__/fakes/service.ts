import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a fake sees of one request; the body has arrived completely. */
export interface ServiceRequest {
  readonly method: string
  /** Decoded nowhere: the path as sent, without the query. */
  readonly path: string
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

/**
 * A fault instead of, or before, the honest answer:
 * `undefined` none · an answer, sent instead · `cut` the connection ends before the request is processed ·
 * `cut-answer` it is processed, then the connection ends (the client cannot know) · `delayMs` the honest answer, late.
 */
export type Fault = undefined | 'cut' | 'cut-answer' | { readonly delayMs: number } | ServiceAnswer
export type FaultHook = (request: ServiceRequest) => Fault | Promise<Fault>

/** One line a request. `status` is 0 for a connection that was cut. */
export interface ServiceRecord {
  readonly method: string
  /** Path with query, as sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly bodyBytes: number
  status: number
}

export interface Service {
  readonly name: string
  /** `http://127.0.0.1:<port>`, no trailing slash. */
  readonly url: string
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly port: number
  /** Every request in order of arrival. */
  readonly log: ServiceRecord[]
  /** May be set and unset at any time; asked once a request. */
  faults: FaultHook | undefined
  close(): Promise<void>
}

/** Answers one request, or writes to `response` itself and returns `streamed`. A throw becomes a 500 with its text. */
export type Handler = (
  request: ServiceRequest,
  response: ServerResponse,
) => ServiceAnswer | 'streamed' | Promise<ServiceAnswer | 'streamed'>

export interface ServiceOptions {
  readonly faults?: FaultHook
}

/** A real HTTP server on loopback, port chosen by the system, with a request log and a fault hook. */
export async function startService(name: string, handle: Handler, options: ServiceOptions = {}): Promise<Service> {
  const log: ServiceRecord[] = []
  const server = createServer((incoming, response) => {
    serve(service, handle, incoming, response).catch(error => {
      if (!response.headersSent) send(response, { status: 500, body: `${name}: ${String(error)}` })
      else response.destroy()
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
    faults: options.faults,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return service
}

async function serve(
  service: Service,
  handle: Handler,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = incoming.url ?? '/'
  const mark = url.indexOf('?')
  const record: ServiceRecord = {
    method: incoming.method ?? 'GET',
    url,
    headers: incoming.headers,
    bodyBytes: 0,
    status: 0,
  }
  service.log.push(record)
  response.on('close', () => {
    if (response.headersSent) record.status = response.statusCode
  })
  const body = await readAll(incoming)
  Object.assign(record, { bodyBytes: body.byteLength })
  const request: ServiceRequest = {
    method: record.method,
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: incoming.headers,
    body,
  }
  const fault = await service.faults?.(request)
  if (fault === 'cut') return void incoming.destroy()
  if (fault !== undefined && fault !== 'cut-answer') {
    if ('status' in fault) {
      record.status = fault.status
      return send(response, fault)
    }
    await new Promise(resolve => setTimeout(resolve, fault.delayMs))
  }
  const answer = await handle(request, response)
  if (fault === 'cut-answer') return void incoming.destroy()
  if (answer === 'streamed') return
  record.status = answer.status
  send(response, answer)
}

function send(response: ServerResponse, answer: ServiceAnswer): void {
  const raw = answer.body === undefined || typeof answer.body === 'string' || answer.body instanceof Uint8Array
  const body = raw ? (answer.body as string | Uint8Array | undefined) : JSON.stringify(answer.body)
  const type = raw ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(answer.status, { 'content-type': type, ...answer.headers })
  response.end(body)
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
