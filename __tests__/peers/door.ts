import { request } from 'node:http'
import { type Service, type ServiceAnswer, type ServiceRequest, startService } from '../fakes/service.ts'

export interface Door extends Service {
  /** Called before a request goes on; whatever it returns instead is the answer. */
  before: ((request: ServiceRequest) => Promise<ServiceAnswer | undefined> | undefined) | undefined
}

/**
 * A door in front of a peer, at which a test can shut out or kill at a chosen moment. Like a real load balancer it says
 * 502 when nobody is behind it. The Host header stays the client's, so that addresses in answers lead back here.
 */
export async function openDoor(name: string, target: string): Promise<Door> {
  const service = await startService(name, async asked => (await door.before?.(asked)) ?? forward(target, asked))
  const door: Door = Object.assign(service, { before: undefined })
  return door
}

function forward(target: string, asked: ServiceRequest): Promise<ServiceAnswer> {
  const query = asked.queryText === '' ? '' : `?${asked.queryText}`
  const { method, headers, body } = asked
  return new Promise(resolve => {
    const outgoing = request(`${target}${asked.path}${query}`, { method, headers, agent: false }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('error', () => resolve({ status: 502 }))
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 502,
          headers: plain(answer.headers),
          body: Buffer.concat(chunks),
        }),
      )
    })
    outgoing.on('error', () => resolve({ status: 502, body: 'nobody is behind this address' }))
    outgoing.end(body)
  })
}

/** Headers of this hop are the proxy's own business. */
function plain(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const dropped = ['connection', 'transfer-encoding', 'keep-alive', 'content-length']
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !dropped.includes(name))
      .map(([name, value]) => [name, String(value)]),
  )
}
