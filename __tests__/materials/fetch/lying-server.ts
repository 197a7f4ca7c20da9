import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** A server that answers as each test likes, down to the byte. */
export interface LyingServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  readonly asked: IncomingMessage[]
  /** By path without query; what is not here is 404. */
  readonly paths: Map<string, Answer>
  close(): Promise<void>
}

export async function startLyingServer(): Promise<LyingServer> {
  const asked: IncomingMessage[] = []
  const paths = new Map<string, Answer>()
  const server = createServer((request, response) => {
    asked.push(request)
    response.on('error', () => {})
    const [path = '/'] = (request.url ?? '/').split('?')
    const answer = paths.get(path)
    if (answer === undefined) response.writeHead(404).end('Not Found')
    else answer(request, response, asked.filter(({ url }) => url === request.url).length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    paths,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** As an honest server: whole, or the part that is asked for. */
export function honest(bytes: Uint8Array, etag = '"one"'): Answer {
  return (request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
    const condition = request.headers['if-range']
    const headers = { etag, 'accept-ranges': 'bytes' }
    if (from === undefined || (condition !== undefined && condition !== etag))
      return void response.writeHead(200, { ...headers, 'content-length': bytes.byteLength }).end(bytes)
    const rest = bytes.subarray(Number(from))
    const range = `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`
    response.writeHead(206, { ...headers, 'content-length': rest.byteLength, 'content-range': range }).end(rest)
  }
}

/** Says the whole length, gives `until` bytes and hangs up. */
export function breaksOff(
  bytes: Uint8Array,
  until: number,
  headers: Record<string, string> = { etag: '"one"' },
): Answer {
  return (request, response) => {
    response.writeHead(200, { ...headers, 'content-length': bytes.byteLength })
    // A client that is told of the end before it began to read drops what has arrived.
    response.write(bytes.subarray(0, until), () => setTimeout(() => request.socket.destroy(), 250))
  }
}

export function redirect(to: string, status = 302): Answer {
  return (_request, response) => void response.writeHead(status, { location: to }).end()
}
