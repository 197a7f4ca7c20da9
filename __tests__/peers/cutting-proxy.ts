import { type AddressInfo, connect, createServer } from 'node:net'

export interface CuttingProxy {
  /** `127.0.0.1:<port>`; the Host header stays the client's, so that addresses in answers lead back here. */
  readonly host: string
  /** Breaks the connection of the next request of this method once so many bytes of it went on. */
  cut: { readonly method: string; readonly after: number; readonly skip?: number } | undefined
  /** Connections broken so far. */
  readonly cuts: number
  /** Bytes from the client that went on. */
  readonly sent: number
  /** Methods of the requests that came, in their order. */
  readonly methods: string[]
  close(): Promise<void>
}

const REQUEST = /^(GET|HEAD|POST|PUT|PATCH|DELETE) /

/** A network that breaks connections in the middle of what is sent over them: bytes go to and fro, and nothing is understood but where a request begins. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const [hostname = '', port = ''] = target.split(':')
  const state = { cut: undefined as CuttingProxy['cut'], cuts: 0, sent: 0, methods: [] as string[] }
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    let left: number | undefined
    client.on('data', chunk => {
      const method = REQUEST.exec(chunk.subarray(0, 8).toString('latin1'))?.[1]
      if (method !== undefined) {
        state.methods.push(method)
        left = undefined
        if (state.cut?.method === method) {
          const { skip = 0, ...cut } = state.cut
          if (skip > 0) state.cut = { ...cut, skip: skip - 1 }
          else left = cut.after
        }
      }
      if (left !== undefined && chunk.byteLength >= left) {
        state.cut = undefined
        state.cuts += 1
        state.sent += left
        upstream.write(chunk.subarray(0, left), () => {
          client.destroy()
          upstream.destroy()
        })
        left = undefined
        client.removeAllListeners('data')
        return
      }
      if (left !== undefined) left -= chunk.byteLength
      state.sent += chunk.byteLength
      if (!upstream.write(chunk)) client.pause()
    })
    upstream.on('drain', () => client.resume())
    upstream.on('data', chunk => client.write(chunk))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return Object.assign(state, {
    host: `127.0.0.1:${own}`,
    close: () => new Promise<void>(resolve => server.close(() => resolve())),
  })
}
