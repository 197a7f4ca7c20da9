import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Pin } from './address.ts'

/** The part of a connection's options by which one can stand for another: everything else is the same for all of ours. */
interface Target {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  /** Set by a request with a pin: its connection leads to that pin's addresses and serves no request without it. */
  readonly pinnedTo?: string
}

/** Names a pin in the pool's keys. */
export function pinName({ addresses }: Pin): string {
  return addresses.map(({ address }) => address).join('+')
}

/** Connections that were opened before there was anything to ask, at most one use each. */
class Waiting {
  readonly #sockets = new Map<string, Socket[]>()

  add(target: Target, socket: Socket): void {
    // Nobody is told when one that waits breaks: it is passed over.
    socket.on('error', () => {})
    const waiting = this.#sockets.get(keyOf(target)) ?? []
    this.#sockets.set(keyOf(target), [...waiting, socket])
  }

  take(target: Target): Socket | undefined {
    // What waits was opened without a pin, to wherever the name led then.
    if (target.pinnedTo !== undefined) return undefined
    const waiting = this.#sockets.get(keyOf(target)) ?? []
    const usable = waiting.filter(socket => !socket.destroyed && !socket.readableEnded)
    const [socket, ...others] = usable
    this.#sockets.set(keyOf(target), others)
    return socket
  }

  count(target: Target): number {
    return this.#sockets.get(keyOf(target))?.length ?? 0
  }

  destroy(): void {
    for (const socket of [...this.#sockets.values()].flat()) socket.destroy()
    this.#sockets.clear()
  }
}

/** The pool's key of a connection, told apart by its pin: a reused connection must not lead elsewhere than the pin says. */
function poolKey(name: string, options: object | undefined): string {
  const { pinnedTo } = (options ?? {}) as Target
  return pinnedTo === undefined ? name : `${name}:pinned ${pinnedTo}`
}

function keyOf({ host, port }: Target): string {
  return `${host}:${port}`
}

/** An agent whose connections can be opened ahead of the first request: the handshake then costs no time. */
export class WarmHttpAgent extends HttpAgent {
  readonly #waiting = new Waiting()

  /** Sees to it that `count` connections are open or waiting. */
  warm(target: { readonly host: string; readonly port: number }, count: number): void {
    for (let open = openTo(this, target) + this.#waiting.count(target); open < count; open++)
      this.#waiting.add(target, super.createConnection(target) as Socket)
  }

  override getName(options?: Parameters<HttpAgent['getName']>[0]): string {
    return poolKey(super.getName(options), options)
  }

  override createConnection(...args: Parameters<HttpAgent['createConnection']>): Duplex | null | undefined {
    return this.#waiting.take(args[0]) ?? super.createConnection(...args)
  }

  override destroy(): void {
    this.#waiting.destroy()
    super.destroy()
  }
}

/** The same with TLS. */
export class WarmHttpsAgent extends HttpsAgent {
  readonly #waiting = new Waiting()

  warm(target: { readonly host: string; readonly port: number }, count: number): void {
    const options = { ...target, servername: target.host }
    for (let open = openTo(this, target) + this.#waiting.count(target); open < count; open++)
      this.#waiting.add(target, super.createConnection(options) as Socket)
  }

  override getName(options?: Parameters<HttpsAgent['getName']>[0]): string {
    return poolKey(super.getName(options), options)
  }

  override createConnection(...args: Parameters<HttpsAgent['createConnection']>): Duplex | null | undefined {
    return this.#waiting.take(args[0]) ?? super.createConnection(...args)
  }

  override destroy(): void {
    this.#waiting.destroy()
    super.destroy()
  }
}

/** Connections of the pool that lead there already, busy or idle. */
function openTo(agent: HttpAgent, target: Target): number {
  const mine = (name: string) => name.startsWith(`${keyOf(target)}:`)
  const count = (pool: NodeJS.ReadOnlyDict<readonly unknown[]>) =>
    Object.entries(pool).reduce((sum, [name, list]) => sum + (mine(name) ? (list?.length ?? 0) : 0), 0)
  return count(agent.sockets) + count(agent.freeSockets)
}
