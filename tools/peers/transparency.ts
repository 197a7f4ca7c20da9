import { execFile } from 'node:child_process'
import type { KeyObject } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ed25519, p256, spki } from '../../__tests__/fakes/keys.ts'
import type { Peers } from './install.ts'
import { accepts, answers, onFreePorts, type Peer, type Supervisor } from './process.ts'

const run = promisify(execFile)

/** What a log is for whoever writes a trust root: where it is, and its key as a PEM file. */
export interface Log {
  readonly url: string
  readonly publicKeyFile: string
  readonly peer: Peer
}

export interface Trillian {
  /** `127.0.0.1:<port>` of the log server. */
  readonly address: string
  readonly server: Peer
  /** Puts queued entries into the trees. */
  readonly signer: Peer
  readonly database: Peer
  createTree(): Promise<string>
}

export interface Workshop {
  readonly folder: string
  readonly peers: Peers
  readonly supervisor: Supervisor
}

/** MariaDB on a socket of its own with Trillian's schema, the log server and the signer that sequences. */
export async function startTrillian({ folder, peers, supervisor }: Workshop): Promise<Trillian> {
  const data = join(folder, 'mariadb')
  const socket = join(folder, 'mariadb.sock')
  const { mariadbd } = peers.debian
  await run('mariadb-install-db', [
    '--no-defaults',
    '--user=root',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ])
  const sql = (text: string, ...args: string[]) => query(socket, text, ...args)
  const database = await supervisor.start({
    name: 'mariadb',
    command: mariadbd,
    args: [
      '--no-defaults',
      '--user=root',
      '--skip-networking',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${join(folder, 'mariadb.pid')}`,
      '--innodb-flush-log-at-trx-commit=0',
    ],
    ready: async () => (await sql('SELECT 1')) !== '',
  })
  await sql('CREATE DATABASE trillian')
  await sql(await readFile(join(peers.folders.trillian_log_server, 'schema.sql'), 'utf8'), 'trillian')
  const common = ['--http_endpoint=', '--quota_system=noop', `--mysql_uri=root@unix(${socket})/trillian`]
  const [server, port] = await onFreePorts(1, async ([free = 0]) => [
    await supervisor.start({
      name: 'trillian_log_server',
      command: peers.go.trillian_log_server,
      args: [...common, `--rpc_endpoint=127.0.0.1:${free}`],
      ready: accepts(free),
    }),
    free,
  ])
  const signer = await onFreePorts(1, ([free = 0]) =>
    supervisor.start({
      name: 'trillian_log_signer',
      command: peers.go.trillian_log_signer,
      args: [
        ...common,
        `--rpc_endpoint=127.0.0.1:${free}`,
        '--force_master',
        '--sequencer_interval=100ms',
        '--batch_size=50',
      ],
      ready: accepts(free),
    }),
  )
  const address = `127.0.0.1:${port}`
  const createTree = async () => (await run(peers.go.createtree, [`--admin_server=${address}`])).stdout.trim()
  return { address, server, signer, database, createTree }
}

function query(socket: string, text: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = execFile('mariadb', ['--no-defaults', '--user=root', `--socket=${socket}`, ...args], (error, out) =>
      error ? reject(error) : resolve(out),
    )
    client.stdin?.on('error', () => {})
    client.stdin?.end(text)
  })
}

export async function startRekorV1({ folder, peers, supervisor }: Workshop, trillian: Trillian): Promise<Log> {
  const [key, tree] = await Promise.all([p256(), trillian.createTree()])
  const signer = await writePem(folder, 'rekor-v1.key', key.privateKey)
  const port = Number(trillian.address.split(':')[1])
  return onFreePorts(1, async ([free = 0]) => {
    const url = `http://127.0.0.1:${free}`
    const peer = await supervisor.start({
      name: 'rekor-server',
      command: peers.go['rekor-server'],
      args: [
        'serve',
        `--port=${free}`,
        '--rekor_server.address=127.0.0.1',
        '--rekor_server.hostname=127.0.0.1',
        `--rekor_server.signer=${signer}`,
        '--trillian_log_server.address=127.0.0.1',
        `--trillian_log_server.port=${port}`,
        `--trillian_log_server.tlog_id=${tree}`,
        '--enable_retrieve_api=false',
      ],
      ready: answers(`${url}/api/v1/log`),
    })
    return { url, publicKeyFile: await writePem(folder, 'rekor-v1.pub', key.publicKey), peer }
  })
}

/** The log in which Fulcio's certificates are; only those of this root. */
export async function startCtLog(
  { folder, peers, supervisor }: Workshop,
  trillian: Trillian,
  rootFile: string,
): Promise<Log> {
  const [key, tree] = await Promise.all([p256(), trillian.createTree()])
  const config = join(folder, 'ct.cfg')
  await writeFile(config, ctConfig(tree, rootFile, key))
  return onFreePorts(1, async ([free = 0]) => {
    const peer = await supervisor.start({
      name: 'ct_server',
      command: peers.go.ct_server,
      args: [
        `--http_endpoint=127.0.0.1:${free}`,
        `--log_config=${config}`,
        `--log_rpc_server=${trillian.address}`,
        '--logtostderr',
      ],
      ready: answers(`http://127.0.0.1:${free}/ct/ct/v1/get-sth`),
    })
    const publicKeyFile = await writePem(folder, 'ct.pub', key.publicKey)
    return { url: `http://127.0.0.1:${free}/ct`, publicKeyFile, peer }
  })
}

/** Protocol buffers' text form; keys are DER in `\x` escapes. */
function ctConfig(tree: string, rootFile: string, key: { publicKey: KeyObject; privateKey: KeyObject }): string {
  const escaped = (bytes: Uint8Array) => [...bytes].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  const secret = key.privateKey.export({ type: 'sec1', format: 'der' })
  return `config {
  log_id: ${tree}
  prefix: "ct"
  roots_pem_file: "${rootFile}"
  private_key: { [type.googleapis.com/keyspb.PrivateKey] { der: "${escaped(secret)}" } }
  public_key: { der: "${escaped(spki(key.publicKey))}" }
  max_merge_delay_sec: 86400
  expected_merge_delay_sec: 60
}
`
}

/** @param own tells several logs of one stack apart: their files and keys. */
export async function startRekorV2({ folder, peers, supervisor }: Workshop, own = 'rekor-v2'): Promise<Log> {
  const key = await ed25519()
  const signer = await writePem(folder, `${own}.key`, key.privateKey)
  const storage = join(folder, own)
  await mkdir(storage)
  return onFreePorts(3, async ([http = 0, grpc = 0, metrics = 0]) => {
    const url = `http://127.0.0.1:${http}`
    const peer = await supervisor.start({
      name: own === 'rekor-v2' ? 'rekor-tiles' : `rekor-tiles-${own}`,
      command: peers.go['rekor-tiles'],
      args: [
        'serve',
        `--http-port=${http}`,
        `--grpc-port=${grpc}`,
        `--http-metrics-port=${metrics}`,
        '--hostname=127.0.0.1',
        `--storage-dir=${storage}`,
        `--signer-filepath=${signer}`,
        '--checkpoint-interval=1s',
      ],
      ready: answers(`${url}/healthz`),
    })
    return { url, publicKeyFile: await writePem(folder, `${own}.pub`, key.publicKey), peer }
  })
}

/** @returns the path. */
export async function writePem(folder: string, name: string, key: KeyObject): Promise<string> {
  const path = join(folder, name)
  const pem = key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' })
  await writeFile(path, pem, { mode: 0o600 })
  return path
}
