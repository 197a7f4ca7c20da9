import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Digest } from '../../src/core/digest.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { loadSigningKey } from '../../src/sigstore/sign/key.ts'
import { openKeySession } from '../../src/sigstore/sign/key-session.ts'
import type { Deployment } from '../../src/statements/deployment.ts'
import { deploymentStatement } from '../../src/statements/deployment-document.ts'
import { SERVE_ANNOTATION } from '../../src/subjects/annotations.ts'
import { type ApiServer, startApiServer } from '../fakes/kubernetes/api-server.ts'
import { type FakePod, pod } from '../fakes/kubernetes/pods.ts'
import { execute } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type GateBench, openGateBench, RESULT_SCHEMA, ruleOf } from './gate-support.ts'

export const CLI = join(import.meta.dirname, '../../dist/cli.js')
export const NAMESPACE = 'shop'

/** A key pair as files, and whoever holds it. */
export interface ServerKey {
  readonly privateFile: string
  readonly publicFile: string
  /** A document signed with it, for whatever host and time. */
  sign(document: Deployment): Promise<Uint8Array>
}

/** `waybill serve` as a process of its own. */
export interface Served {
  readonly host: string
  readonly url: string
  readonly log: () => string
  readonly child: ChildProcess
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>
  stop(): Promise<number | null>
}

export interface ServeBench {
  readonly gate: GateBench
  readonly api: ApiServer
  readonly folder: string
  readonly key: ServerKey
  readonly stranger: ServerKey
  /** Digest of the published image. */
  readonly digest: Digest
  /** A pod of the namespace that runs this digest of the project's image. */
  pod(name: string, digest?: string, more?: Parameters<typeof pod>[0]): FakePod
  /** Starts `waybill serve` and waits until it listens. @param flags default: the key. */
  serve(flags?: readonly string[]): Promise<Served>
  /** A document of this host about the published image. */
  document(audience: string, more?: Partial<Deployment>): Deployment
  /** `waybill verify url … --json` with the policy, parsed and compared with its schema. */
  verify(url: string, flags?: readonly string[]): Promise<{ code: number; receipt: Receipt; codes: readonly string[] }>
  close(): Promise<void>
}

export async function openServeBench(): Promise<ServeBench> {
  const [gate, api] = await Promise.all([openGateBench(), startApiServer()])
  const { stack, image } = gate.scenario
  const folder = join(stack.folder, 'serving')
  mkdirSync(join(folder, 'trust'), { recursive: true })
  writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(stack.trustedRoot))
  writeFileSync(join(folder, 'waybill.yml'), gate.policy(allow(gate, 'private: true')))
  writeFileSync(join(folder, 'kube.json'), api.kubeconfig())
  const [key, stranger] = [serverKey(folder, 'server'), serverKey(folder, 'stranger')]
  const digest = gate.reference.slice(gate.reference.indexOf('@') + 1) as Digest
  const running: Served[] = []
  api.namespaces = { [NAMESPACE]: { [SERVE_ANNOTATION]: 'true' } }
  const document = (audience: string, more: Partial<Deployment> = {}): Deployment => ({
    schemaVersion: 1,
    issuedAt: new Date().toISOString(),
    audience,
    images: [{ name: image, digest }],
    ...more,
  })
  const serve = async (flags = ['--key', key.privateFile]): Promise<Served> => {
    const served = await startServe(folder, flags)
    running.push(served)
    return served
  }
  return {
    gate,
    api,
    folder,
    key,
    stranger,
    digest,
    pod: (name, of = digest, more = {}) => {
      const containers = [{ name: 'app', image: `${image}:v1`, imageID: `${image}@${of}` }]
      return pod({ namespace: NAMESPACE, name, containers, ...more })
    },
    serve,
    document,
    verify: (url, flags = ['--server-key', key.publicFile]) => verify(folder, url, flags),
    close: async () => {
      for (const served of running) served.child.kill('SIGKILL')
      await Promise.all(running.map(({ ended }) => ended))
      await Promise.all([gate.close(), api.close()])
    },
  }
}

/** The rule for the project's images, with one line more. */
export function allow({ scenario }: GateBench, more: string): string {
  return `deploy:\n  - match: ["${scenario.stack.registry.host}/acme/**"]\n${ruleOf(scenario)}    ${more}\n`
}

function serverKey(folder: string, name: string): ServerKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [privateFile, publicFile] = [join(folder, `${name}.pem`), join(folder, `${name}.pub`)]
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileSync(privateFile, pem)
  writeFileSync(publicFile, publicKey.export({ type: 'spki', format: 'pem' }))
  return {
    privateFile,
    publicFile,
    sign: async document => {
      const session = openKeySession({ key: await loadSigningKey(new TextEncoder().encode(pem)) })
      return (await session.sign(deploymentStatement(document))).bundle
    },
  }
}

async function startServe(folder: string, flags: readonly string[]): Promise<Served> {
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const place = ['--listen', host, '--audience', host, '--namespace', NAMESPACE, '--kubeconfig', 'kube.json']
  const env = { PATH: '', HOME: folder }
  const child = spawn(process.execPath, [CLI, 'serve', ...place, ...flags], { cwd: folder, env })
  let log = ''
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  await new Promise<void>((resolve, reject) => {
    const heard = (chunk: Buffer): void => {
      log += chunk.toString()
      if (log.includes('Serving the namespace')) resolve()
    }
    child.stdout.on('data', heard)
    child.stderr.on('data', heard)
    child.on('error', reject)
    ended.then(code => reject(new Error(`serve ended with ${code}: ${log}`)))
  })
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return ended
  }
  return { host, url: `http://${host}`, log: () => log, child, ended, stop }
}

/** A port that nobody has at this moment. */
function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function verify(folder: string, url: string, flags: readonly string[]) {
  const policy =
    flags.includes('--policy') || flags.includes('--certificate-identity') ? [] : ['--policy', 'waybill.yml']
  const own = flags.includes('--public') ? [] : ['--allow-private-address']
  const rest = flags.filter(flag => flag !== '--public')
  const args = [CLI, 'verify', 'url', url, ...policy, ...own, ...rest, '--json']
  const { code, stdout } = await execute(args, { PATH: '', HOME: folder }, folder)
  const receipt = JSON.parse(stdout) as Receipt
  expect(breaks(RESULT_SCHEMA, receipt)).toEqual([])
  const against = receipt.subjects.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'reject'))
  const codes = [...(receipt.error === undefined ? [] : [receipt.error.code]), ...against.map(item => item.code)]
  return { code, receipt, codes: [...new Set(codes)] }
}
