import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, parseAllDocuments } from 'yaml'
import type { Receipt } from '../../src/report/receipt.ts'
import { SERVE_ANNOTATION } from '../../src/subjects/annotations.ts'
import { type OwnKubernetes, openKubernetes } from '../../tools/peers/kubernetes.ts'
import { type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import {
  INCLUDED,
  POLICY_WEBHOOK_USER,
  type PolicyWebhook,
  startPolicyWebhook,
} from '../../tools/peers/policy-webhook.ts'
import { type Service, startService } from '../fakes/service.ts'
import { type KyvernoVerdict, kyvernoApply, podOf as podNaming } from './kyverno.ts'
import type { RelayWorld } from './relay-world.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'

export const NAMESPACE = 'shop'
const ROOT = join(import.meta.dirname, '..', '..')
const SERVER = { name: `system:serviceaccount:${NAMESPACE}:waybill-serve` } as const

/** What a stranger has: his own policy, and the key of whoever runs the application. */
export interface Told {
  readonly code: number
  readonly receipt: Receipt
}

/** Where it runs: an API server that asks policy-controller, and `waybill serve` beside it, with the role of its own manifests. */
export class RelayCluster {
  readonly #on: RelayWorld
  readonly kubernetes: OwnKubernetes
  readonly webhook: PolicyWebhook
  readonly #tuf: TufMirror
  readonly #folder: string
  readonly #servers: ChildProcess[] = []
  readonly #mirrors: Service[] = []

  static async open(on: RelayWorld): Promise<RelayCluster> {
    const kubernetes = await openKubernetes([POLICY_WEBHOOK_USER, SERVER])
    try {
      const webhook = await startPolicyWebhook(kubernetes.workshop, kubernetes)
      const root = readFileSync(on.world.stack.trustedRootFile)
      const cluster = new RelayCluster(on, kubernetes, webhook, await startTufMirror('trusted_root.json', root))
      await cluster.#prepare()
      return cluster
    } catch (error) {
      await kubernetes.close()
      throw error
    }
  }

  private constructor(on: RelayWorld, kubernetes: OwnKubernetes, webhook: PolicyWebhook, tuf: TufMirror) {
    this.#on = on
    this.kubernetes = kubernetes
    this.webhook = webhook
    this.#tuf = tuf
    this.#folder = join(on.world.stack.folder, 'stranger')
  }

  async #prepare(): Promise<void> {
    const { client } = this.kubernetes
    await client.createNamespace(NAMESPACE)
    const annotations = { [SERVE_ANNOTATION]: 'true' }
    await client.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE, labels: INCLUDED, annotations },
    })
    for (const object of documents(readFileSync(join(ROOT, 'deploy/serve/waybill-serve.yaml'), 'utf8')))
      if (['ServiceAccount', 'Role', 'RoleBinding'].includes(object.kind)) await client.apply(object)
    mkdirSync(join(this.#folder, 'trust'), { recursive: true })
    mkdirSync(join(this.#folder, 'keys'))
    writeFileSync(join(this.#folder, 'trust/root.json'), readFileSync(this.#on.world.stack.trustedRootFile))
  }

  /** Applies policies for policy-controller, as `kubectl apply -f FOLDER` would. */
  async admitBy(files: readonly string[]): Promise<void> {
    const objects = files.flatMap(file => documents(readFileSync(file, 'utf8')))
    const order = ['TrustRoot', 'ClusterImagePolicy']
    const [config, policies] = [
      objects.filter(one => !order.includes(one.kind)),
      objects.filter(one => order.includes(one.kind)),
    ]
    for (const object of config) await this.kubernetes.client.apply(object)
    await this.webhook.apply(...policies.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)))
  }

  /** Waits until the controller has told its webhook of a policy. */
  async settled(image: string, item: string): Promise<void> {
    for (let tries = 0; tries < 60; tries++) {
      if ((await this.refusal(image)).by.includes(item)) return
      await sleep(500)
    }
    throw new Error(`${item} never refused ${image}: ${(await this.refusal(image)).message}`)
  }

  /** Asks admission of a pod, and creates none. */
  async refusal(image: string): Promise<{ readonly by: readonly string[]; readonly message: string }> {
    const { message } = await this.kubernetes.client.create(podOf(NAMESPACE, 'dry', image), { dryRun: true })
    return { by: itemsIn(message), message }
  }

  /** Creates a pod as the controller of a workload would, and reports what runs in it as a kubelet would. */
  async run(workload: KubernetesObject, name: string, running: string): Promise<string> {
    const { template } = workload.spec as {
      template: { metadata: object; spec: { containers: { name: string; image: string }[] } }
    }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      ...template,
      metadata: { ...template.metadata, name, namespace: NAMESPACE },
    }
    const answer = await this.kubernetes.client.create(pod)
    if (answer.status !== 201) return answer.message
    const containerStatuses = template.spec.containers.map(container => ({ ...container, imageID: running }))
    await this.kubernetes.client.patchPodStatus(NAMESPACE, name, { phase: 'Running', containerStatuses })
    return ''
  }

  /** What Kyverno's engine says of a pod, with a TUF repository on loopback in place of the public one, as the documents say. */
  async kyverno(files: readonly string[], image: string): Promise<KyvernoVerdict> {
    const policies = files.map(file => {
      const policy = parse(readFileSync(file, 'utf8'))
      const tuf = { mirror: this.#tuf.url, root: { data: this.#tuf.root.toString('base64') } }
      for (const { cosign } of policy.spec.attestors) cosign.tuf = tuf
      return { name: 'policy.yaml', text: JSON.stringify(policy) }
    })
    return kyvernoApply(this.#on.world, policies, podNaming({ containers: [image] }))
  }

  /** `waybill serve` as a process, reading this API server. @returns the address at which it answers, and the key of its signature. */
  async serve(name: string): Promise<{ readonly url: string; readonly key: string }> {
    const key = this.#newKey(name)
    const host = `127.0.0.1:${await freePort()}`
    const place = ['--listen', host, '--audience', host, '--namespace', NAMESPACE, '--key', `${key}.pem`]
    const kubeconfig = await this.kubernetes.kubeconfig(SERVER.name)
    const args = [join(ROOT, 'dist/cli.js'), 'serve', ...place, '--kubeconfig', kubeconfig]
    const child = spawn(process.execPath, args, { cwd: this.#folder, env: { PATH: '', HOME: this.#folder } })
    this.#servers.push(child)
    await new Promise<void>((resolve, reject) => {
      let log = ''
      const heard = (chunk: Buffer): void => {
        log += chunk.toString()
        if (log.includes('Serving the namespace')) resolve()
      }
      child.stdout.on('data', heard)
      child.stderr.on('data', heard)
      child.on('close', code => reject(new Error(`serve ended with ${code}: ${log}`)))
    })
    return { url: `http://${host}`, key: `${key}.pub` }
  }

  /** Another host that shows the document of this one. @returns its address. */
  async replay(url: string): Promise<string> {
    const path = '/.well-known/waybill.json'
    const body = Buffer.from(await (await fetch(`${url}${path}`)).arrayBuffer())
    const mirror = await startService('mirror', asked =>
      asked.path === path ? { status: 200, body } : { status: 404 },
    )
    this.#mirrors.push(mirror)
    return mirror.url
  }

  /** @returns its path without `.pem` or `.pub`. */
  #newKey(name: string): string {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const path = join(this.#folder, 'keys', name)
    writeFileSync(`${path}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(`${path}.pub`, publicKey.export({ type: 'spki', format: 'pem' }))
    return path
  }

  /** `waybill verify …` by somebody who has nothing but his own policy. @param more keys of it. */
  async #verify(more: string, ...args: readonly string[]): Promise<Told> {
    const rule = this.#on.deployRule(`, policy: "${this.#on.policyUri}"`)
    writeFileSync(
      join(this.#folder, 'waybill.yml'),
      `version: 1
${more}deploy:
${rule}`,
    )
    const { code, stdout, log } = await this.#on.cli(
      ['verify', ...args, '--policy', 'waybill.yml', '--json'],
      this.#folder,
    )
    if (!stdout.startsWith('{')) throw new Error(log)
    return { code, receipt: JSON.parse(stdout) as Receipt }
  }

  /** `waybill policy generate` in a clone, for policy-controller. @returns paths of the files. */
  async generate(clone: string): Promise<readonly string[]> {
    const out = join(this.#folder, 'admission')
    const { code, log } = await this.#on.cli(
      ['policy', 'generate', '--out', out, '--policy-uri', this.#on.policyUri],
      clone,
    )
    if (code !== 0) throw new Error(log)
    return readdirSync(out).map(name => join(out, name))
  }

  verifyUrl(url: string, key: string): Promise<Told> {
    return this.#verify('', 'url', url, '--server-key', key, '--allow-private-address')
  }

  verifyCluster(more = ''): Promise<Told> {
    return this.#verify(more, 'cluster', '--kubeconfig', this.kubernetes.kubeconfigFile, '--namespace', NAMESPACE)
  }

  async close(): Promise<void> {
    for (const child of this.#servers) child.removeAllListeners('close').kill('SIGKILL')
    for (const mirror of this.#mirrors) await mirror.close()
    await this.webhook.close()
    await this.kubernetes.close()
    await this.#tuf.close()
  }
}

/** Items of the policies that a refusal is by: the end of their names. */
function itemsIn(message: string): readonly string[] {
  const names = [...message.matchAll(/failed policy: ([\w-]+)/g)].map(([, name = '']) => name)
  return names
    .map(name => /(?:provenance|deploy-verified|materials-verified|quarantined)$/.exec(name)?.[0] ?? name)
    .sort()
}

export function documents(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text)
    .map(document => document.toJSON() as KubernetesObject | null)
    .filter(object => object !== null)
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
