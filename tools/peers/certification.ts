import { readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import {
  type Authority,
  authorityKeyId,
  extendedUsage,
  mintAuthority,
  mintCertificate,
  name,
  randomSerial,
  subjectKeyId,
  TIME_STAMPING,
  toPem,
  usageSignature,
} from '../../__tests__/fakes/certificate.ts'
import { p256, p384 } from '../../__tests__/fakes/keys.ts'
import { onFreePorts, type Peer } from './process.ts'
import type { Log, Workshop } from './transparency.ts'
import { writePem } from './transparency.ts'

/** A service whose certificates a trust root names. */
export interface CertifiedService {
  readonly url: string
  /** PEM, leaf first where there is a leaf. */
  readonly chainFile: string
  readonly peer: Peer
}

export interface FulcioRoot {
  readonly certificateFile: string
  readonly keyFile: string
}

export async function mintFulcioRoot(folder: string): Promise<FulcioRoot> {
  const keys = await p384()
  const root = mintAuthority({ name: name('waybill.test', 'fulcio root'), keys, pathLength: 0, ...validity() })
  const certificateFile = join(folder, 'fulcio.pem')
  await writeFile(certificateFile, toPem(root.certificate))
  return { certificateFile, keyFile: await writePem(folder, 'fulcio.key', keys.privateKey) }
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 30 * 86_400_000) }
}

export interface FulcioOptions {
  readonly name: string
  readonly root: FulcioRoot
  readonly ctLog: Log
  readonly issuers: readonly string[]
  /** The platform's address in certificates; absent: as Fulcio's own configuration says, `https://github.com`. */
  readonly platform?: string
}

/** Fulcio with the templates of its own published configuration; only issuers and platform are ours. */
export async function startFulcio(workshop: Workshop, options: FulcioOptions): Promise<CertifiedService> {
  const { folder, peers, supervisor } = workshop
  const published = await readFile(join(peers.folders.fulcio, 'config.yaml'), 'utf8')
  const config = join(folder, `${options.name}.yaml`)
  const socket = join(folder, `${options.name}.sock`)
  await writeFile(config, fulcioConfig(published, options))
  return onFreePorts(3, async ([http = 0, grpc = 0, metrics = 0]) => {
    const url = `http://127.0.0.1:${http}`
    const peer = await supervisor.start({
      name: options.name,
      command: peers.go.fulcio,
      args: [
        'serve',
        '--host=127.0.0.1',
        `--port=${http}`,
        '--grpc-host=127.0.0.1',
        `--grpc-port=${grpc}`,
        `--metrics-port=${metrics}`,
        // The default is one name for the whole machine.
        `--legacy-unix-domain-socket=${socket}`,
        `--config-path=${config}`,
        '--ca=fileca',
        `--fileca-cert=${options.root.certificateFile}`,
        `--fileca-key=${options.root.keyFile}`,
        '--fileca-key-passwd=unused',
        '--fileca-watch=false',
        `--ct-log-url=${options.ctLog.url}`,
        `--ct-log-public-key-path=${options.ctLog.publicKeyFile}`,
      ],
      ready: async () => (await fetch(`${url}/api/v2/trustBundle`)).ok,
      prepare: () => rm(socket, { force: true }),
    })
    return { url, chainFile: options.root.certificateFile, peer }
  })
}

const PROVIDER = 'github-workflow'

/** @throws when the published configuration no longer has the provider we stand in for. */
export function fulcioConfig(published: string, { issuers, platform }: FulcioOptions): string {
  // Go reads `*alias:` as an alias and a colon; YAML 1.2 wants a space between them.
  const text = published.replace(/^(\s*\*[\w-]+):/gm, '$1 :')
  const { 'ci-issuer-metadata': metadata } = parse(text, { logLevel: 'error' }) as {
    'ci-issuer-metadata': Record<string, { 'default-template-values': Record<string, string> }>
  }
  const provider = metadata[PROVIDER]
  if (provider === undefined) throw new Error(`Fulcio's configuration has no ${PROVIDER}`)
  if (platform !== undefined) provider['default-template-values'].url = platform
  const issuer = (url: string) => ({
    'issuer-url': url,
    'client-id': 'sigstore',
    type: 'ci-provider',
    'ci-provider': PROVIDER,
  })
  return stringify({
    'oidc-issuers': Object.fromEntries(issuers.map(url => [url, issuer(url)])),
    'ci-issuer-metadata': { [PROVIDER]: provider },
  })
}

/**
 * The timestamp authority insists on port 2112 for its metrics and ends when that is taken, so it gets a network of
 * its own, listens on a socket file, and a port of loopback leads there.
 */
export async function startTimestampAuthority({
  folder,
  peers,
  supervisor,
}: Workshop): Promise<CertifiedService & { close(): Promise<void> }> {
  const socket = join(folder, 'timestamp.sock')
  // Its signer in memory would be another one after each start.
  const { chainFile, keyFile } = await mintTimestampChain(folder)
  const door = await openDoor(socket)
  const url = `http://127.0.0.1:${door.port}/api/v1/timestamp`
  try {
    const peer = await supervisor.start({
      name: 'timestamp-server',
      command: peers.debian.unshare,
      args: [
        '--net',
        '--',
        peers.go['timestamp-server'],
        'serve',
        '--scheme=unix',
        `--socket-path=${socket}`,
        '--timestamp-signer=file',
        `--file-signer-key-path=${keyFile}`,
        `--certificate-chain-path=${chainFile}`,
        '--disable-ntp-monitoring',
      ],
      ready: async () => (await fetch(`${url}/certchain`)).ok,
      prepare: () => rm(socket, { force: true }),
    })
    return { url, chainFile, peer, close: door.close }
  } catch (error) {
    await door.close()
    throw error
  }
}

async function mintTimestampChain(folder: string): Promise<{ chainFile: string; keyFile: string }> {
  const [rootKeys, keys] = await Promise.all([p256(), p256()])
  const root: Authority = mintAuthority({ name: name('waybill.test', 'timestamp root'), keys: rootKeys, ...validity() })
  const leaf = mintCertificate({
    issuer: { name: root.name, key: rootKeys.privateKey },
    subject: name('waybill.test', 'timestamp'),
    publicKey: keys.publicKey,
    serial: randomSerial(),
    ...validity(),
    extensions: [
      usageSignature(),
      extendedUsage(TIME_STAMPING, true),
      subjectKeyId(keys.publicKey),
      authorityKeyId(rootKeys.publicKey),
    ],
  })
  const chainFile = join(folder, 'timestamp.pem')
  await writeFile(chainFile, toPem(leaf) + toPem(root.certificate))
  return { chainFile, keyFile: await writePem(folder, 'timestamp.key', keys.privateKey) }
}

async function openDoor(socket: string): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(incoming => {
    const outgoing = connect(socket)
    for (const end of [incoming, outgoing]) {
      end.on('error', () => {})
      end.on('close', () => {
        incoming.destroy()
        outgoing.destroy()
      })
    }
    incoming.pipe(outgoing).pipe(incoming)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { port, close: () => new Promise(resolve => server.close(() => resolve())) }
}
