import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines } from './install.ts'

export interface PeerOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Resolves to true when the peer answers; a throw is a no. */
  readonly ready: () => Promise<boolean>
  readonly readyMs?: number
  /** Before each start, the first included: removes what a killed predecessor left, such as a socket file. */
  readonly prepare?: () => Promise<void>
}

/** One foreign server that this process started. */
export interface Peer {
  readonly name: string
  readonly logFile: string
  readonly pid: number | undefined
  /** Ends it, by SIGKILL where nothing gentler is said. Resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again with the same arguments, ports and data. */
  start(): Promise<void>
}

const READY_MS = 60_000
/** How long a server may take to end before it is killed. */
const GRACE_MS = 5_000

/** Starts servers and ends exactly those, last started first. */
export class Supervisor {
  readonly #folder: string
  readonly #setpriv: string
  readonly #peers: Peer[] = []

  constructor(folder: string, setpriv: string) {
    this.#folder = folder
    this.#setpriv = setpriv
  }

  /** @throws with the last lines of its log when the peer ends or does not answer in time. */
  async start(options: PeerOptions): Promise<Peer> {
    const peer = new RunningPeer(options, join(this.#folder, `${options.name}.log`), this.#setpriv)
    this.#peers.push(peer)
    await peer.start()
    return peer
  }

  /** Their data goes with them, so none but those that may hold mounts and containers are given time. */
  async stop(): Promise<void> {
    for (const peer of this.#peers.reverse().splice(0))
      await peer.kill(peer.name === 'buildkitd' || peer.name === 'dockerd' ? 'SIGTERM' : 'SIGKILL')
  }
}

class RunningPeer implements Peer {
  readonly name: string
  readonly logFile: string
  readonly #options: PeerOptions
  readonly #setpriv: string
  #child: ChildProcess | undefined

  constructor(options: PeerOptions, logFile: string, setpriv: string) {
    this.name = options.name
    this.logFile = logFile
    this.#options = options
    this.#setpriv = setpriv
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    const { command, args, env, ready, readyMs = READY_MS } = this.#options
    await this.#options.prepare?.()
    const log = openSync(this.logFile, 'a')
    // The kernel ends the peer when this process dies, however it dies: nothing is left behind.
    const child = spawn(this.#setpriv, ['--pdeathsig', 'KILL', '--', command, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: this.#folderOfLog(), ...env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    let failure: Error | undefined
    child.on('error', error => {
      failure = error
    })
    const deadline = Date.now() + readyMs
    while (!(await ready().catch(() => false))) {
      const ended = failure !== undefined || !isRunning(child)
      if (ended || Date.now() > deadline) {
        await this.kill()
        throw new Error(`${this.name} ${ended ? 'ended' : 'does not answer'}:\n${this.#lastWords()}`, {
          cause: failure,
        })
      }
      await sleep(50)
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.pid === undefined || !isRunning(child)) return
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
    await gone
    clearTimeout(late)
  }

  #folderOfLog(): string {
    return join(this.logFile, '..')
  }

  #lastWords(): string {
    return lastLines(readFileSync(this.logFile, 'utf8'))
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** A port of loopback that is free now; the kernel does not hand out the same one again soon. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Ready when this address answers a GET with something else than a server error. */
export function answers(url: string): () => Promise<boolean> {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.status < 500
  }
}

/** Ready when something accepts connections. */
export function accepts(port: number): () => Promise<boolean> {
  return () => connects({ port, host: '127.0.0.1' })
}

export function answersOnSocket(path: string): () => Promise<boolean> {
  return () => connects({ path })
}

function connects(address: NetConnectOpts): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(address)
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** Tries again on another port when a peer found its own taken by a stranger in the meantime. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    try {
      return await start(ports)
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error
    }
  }
}
