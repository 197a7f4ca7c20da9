import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  type Authority,
  authorityKeyId,
  extendedUsage,
  extension,
  mintAuthority,
  mintCertificate,
  name,
  randomSerial,
  subjectKeyId,
  toPem,
  usageSignature,
} from './certificate.ts'
import { contextPrimitive, sequence } from './der.ts'
import { p256 } from './keys.ts'

const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1'
const DAY_MS = 86_400_000

/** An authority that no machine knows. `pem` is its own certificate. */
export interface PrivateAuthority {
  readonly authority: Authority
  readonly pem: string
}

export async function privateAuthority(): Promise<PrivateAuthority> {
  const keys = await p256()
  const [notBefore, notAfter] = [new Date(Date.now() - DAY_MS), new Date(Date.now() + DAY_MS)]
  const authority = mintAuthority({ name: name('Acme', 'Acme internal CA'), keys, notBefore, notAfter })
  return { authority, pem: toPem(authority.certificate) }
}

export interface Listener {
  readonly port: number
  /** `host:port` of every tunnel that was asked for; of a TLS front nothing. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** TLS in front of a plain server on loopback, with a certificate of the authority for these names. */
export async function tlsFront(
  { authority }: PrivateAuthority,
  names: readonly string[],
  target: number,
): Promise<Listener & { readonly certificate: string }> {
  const keys = await p256()
  const alternative = sequence(...names.map(text => contextPrimitive(2, Buffer.from(text))))
  const certificate = mintCertificate({
    issuer: { name: authority.name, key: authority.keys.privateKey },
    subject: name('Acme', names[0] ?? ''),
    publicKey: keys.publicKey,
    serial: randomSerial(),
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [
      usageSignature(),
      extendedUsage(SERVER_AUTHENTICATION),
      extension('2.5.29.17', alternative),
      subjectKeyId(keys.publicKey),
      authorityKeyId(authority.keys.publicKey),
    ],
  })
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const pem = toPem(certificate)
  const server = createTlsServer({ key, cert: pem }, socket => join(socket, connect(target, '127.0.0.1')))
  return { ...(await listening(server, [])), certificate: pem }
}

/** A forward proxy: CONNECT tunnels end at `route(host:port)`; plain requests are refused. */
export async function tunnelProxy(route: (target: string) => number | undefined): Promise<Listener> {
  const asked: string[] = []
  const server = createHttpServer((_request, response) => response.writeHead(501).end())
  server.on('connect', (request, socket: Socket) => {
    const target = request.url ?? ''
    asked.push(target)
    const port = route(target)
    if (port === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const onward = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    join(socket, onward)
  })
  return listening(server, asked)
}

/** Ends both when one ends, however it ends. */
function join(a: Socket, b: Socket): void {
  a.pipe(b).pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    one.on('error', () => other.destroy()).on('close', () => other.destroy())
}

async function listening(server: Server, asked: readonly string[]): Promise<Listener> {
  const open = new Set<Socket>()
  server.on('connection', socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    asked,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
