import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { p256 } from '../../__tests__/fakes/keys.ts'
import { findPeers } from './install.ts'
import { KubernetesClient } from './kubernetes-client.ts'
import { answers, onFreePorts, type Peer, Supervisor } from './process.ts'
import { type Workshop, writePem } from './transparency.ts'

/** Somebody whom the API server knows by a token. What they may do is for role bindings to say. */
export interface KubernetesUser {
  readonly name: string
  readonly groups?: readonly string[]
}

/** An API server with its store and nothing else: what is created stays as it was written, and no node runs it. */
export interface Kubernetes {
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  /** PEM of what its certificate is verified against. */
  readonly ca: string
  readonly caFile: string
  /** May do everything. */
  readonly client: KubernetesClient
  readonly adminToken: string
  /** For the administrator. */
  readonly kubeconfigFile: string
  readonly server: Peer
  readonly etcd: Peer
  /** @throws for a name that was not among the users it was started with. */
  tokenOf(user: string): string
  /** Writes a kubeconfig for one of the users. @returns its path. */
  kubeconfig(user: string): Promise<string>
}

export const ADMINISTRATOR: KubernetesUser = { name: 'admin', groups: ['system:masters'] }

/** Starts etcd and kube-apiserver among the peers of a workshop, which ends them. Ready in seconds. */
export async function startKubernetes(workshop: Workshop, users: readonly KubernetesUser[] = []): Promise<Kubernetes> {
  const folder = join(workshop.folder, 'kubernetes')
  await mkdir(folder)
  const tokens = new Map([ADMINISTRATOR, ...users].map(user => [user.name, randomBytes(16).toString('hex')]))
  const tokenFile = await writeTokens(folder, [ADMINISTRATOR, ...users], tokens)
  const etcd = await startEtcd(workshop, folder)
  const { url, server, caFile } = await startServer(workshop, { folder, etcd: etcd.url, tokenFile })
  const ca = await readFile(caFile, 'utf8')
  const tokenOf = (user: string): string => {
    const token = tokens.get(user)
    if (token === undefined) throw new Error(`The API server was started without the user ${user}`)
    return token
  }
  const kubeconfig = async (user: string): Promise<string> => {
    const path = join(folder, `${user.replace(/[^a-z0-9-]/g, '-')}.kubeconfig`)
    await writeFile(path, kubeconfigOf({ url, ca, token: tokenOf(user), user }), { mode: 0o600 })
    return path
  }
  const adminToken = tokenOf(ADMINISTRATOR.name)
  const client = new KubernetesClient({ url, ca, token: adminToken })
  const kubeconfigFile = await kubeconfig(ADMINISTRATOR.name)
  return { url, ca, caFile, client, adminToken, kubeconfigFile, server, etcd: etcd.peer, tokenOf, kubeconfig }
}

/** One for a test that needs no Sigstore: with a folder of its own. */
export interface OwnKubernetes extends Kubernetes {
  readonly workshop: Workshop
  /** Ends exactly its processes, and keeps their last logs in `.cache/kubernetes`. */
  close(): Promise<void>
}

export async function openKubernetes(users: readonly KubernetesUser[] = []): Promise<OwnKubernetes> {
  const peers = findPeers()
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'waybill-kubernetes-'))
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  const workshop = { folder, peers, supervisor }
  const close = async () => {
    await supervisor.stop()
    await keepLogs(folder)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const kubernetes = await startKubernetes(workshop, users)
    return {
      ...kubernetes,
      workshop,
      close: () => {
        kubernetes.client.close()
        return close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Copies the logs of a folder's peers to where they outlive it; those of the run before are replaced. */
export async function keepLogs(folder: string, names: RegExp = /\.log$/): Promise<void> {
  const kept = join(import.meta.dirname, '..', '..', '.cache', 'kubernetes')
  await mkdir(kept, { recursive: true })
  for (const name of await readdir(folder)) if (names.test(name)) await cp(join(folder, name), join(kept, name))
}

async function writeTokens(
  folder: string,
  users: readonly KubernetesUser[],
  tokens: ReadonlyMap<string, string>,
): Promise<string> {
  const path = join(folder, 'tokens.csv')
  const lines = users.map(({ name, groups = [] }) => `${tokens.get(name)},${name},${name},"${groups.join(',')}"\n`)
  await writeFile(path, lines.join(''), { mode: 0o600 })
  return path
}

async function startEtcd({ peers, supervisor }: Workshop, folder: string): Promise<{ url: string; peer: Peer }> {
  return onFreePorts(2, async ([port = 0, peerPort = 0]) => {
    const url = `http://127.0.0.1:${port}`
    const peer = await supervisor.start({
      name: 'etcd',
      command: peers.go.etcd,
      args: [
        `--data-dir=${join(folder, 'etcd')}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
        `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
        // Nothing here outlives the machine's power.
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      ready: answers(`${url}/health`),
    })
    return { url, peer }
  })
}

interface ServerOptions {
  readonly folder: string
  readonly etcd: string
  readonly tokenFile: string
}

async function startServer(
  { peers, supervisor }: Workshop,
  { folder, etcd, tokenFile }: ServerOptions,
): Promise<{ url: string; server: Peer; caFile: string }> {
  const { publicKey, privateKey } = await p256()
  const signingKeyFile = await writePem(folder, 'service-accounts.key', privateKey)
  const publicKeyFile = await writePem(folder, 'service-accounts.pub', publicKey)
  return onFreePorts(1, async ([port = 0]) => {
    const url = `https://127.0.0.1:${port}`
    // It makes itself a certificate there, with its authority's behind it.
    const certificates = join(folder, 'certificates')
    const caFile = join(certificates, 'apiserver.crt')
    const server = await supervisor.start({
      name: 'kube-apiserver',
      command: peers.go['kube-apiserver'],
      args: [
        `--etcd-servers=${etcd}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${certificates}`,
        `--token-auth-file=${tokenFile}`,
        '--authorization-mode=RBAC',
        `--service-account-issuer=${url}`,
        `--service-account-key-file=${publicKeyFile}`,
        `--service-account-signing-key-file=${signingKeyFile}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        // No controller makes the accounts' tokens that it would mount.
        '--disable-admission-plugins=ServiceAccount',
        // No address of loopback can be an endpoint of the service `kubernetes`.
        '--endpoint-reconciler-type=none',
      ],
      readyMs: 120_000,
      ready: () => isReady(url, caFile),
      prepare: () => rm(certificates, { recursive: true, force: true }),
    })
    return { url, server, caFile }
  })
}

async function isReady(url: string, caFile: string): Promise<boolean> {
  const client = new KubernetesClient({ url, ca: await readFile(caFile, 'utf8'), token: '' })
  try {
    return (await client.request('GET', '/readyz')).status === 200
  } finally {
    client.close()
  }
}

interface Login {
  readonly url: string
  readonly ca: string
  readonly token: string
  readonly user: string
}

function kubeconfigOf({ url, ca, token, user }: Login): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'peers', cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'peers', context: { cluster: 'peers', user } }],
    'current-context': 'peers',
  })
}
