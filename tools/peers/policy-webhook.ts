import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { lastLines, peersFolder } from './install.ts'
import type { Kubernetes, KubernetesUser } from './kubernetes.ts'
import type { KubernetesClient, KubernetesObject } from './kubernetes-client.ts'
import { withLock } from './lock.ts'
import { accepts, onFreePorts, type Peer } from './process.ts'
import type { Workshop } from './transparency.ts'

/** Where policy-controller lives in a cluster; its own manifests say so. */
const NAMESPACE = 'cosign-system'

/** Who it is to the API server: the account that its own roles are bound to, and no more than they allow. */
export const POLICY_WEBHOOK_USER: KubernetesUser = {
  name: `system:serviceaccount:${NAMESPACE}:webhook`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`],
}

/** The label of namespaces in which it judges anything at all. */
export const INCLUDED = { 'policy.sigstore.dev/include': 'true' } as const

export interface PolicyWebhook {
  readonly peer: Peer
  /** Creates or replaces policies and trust roots, and waits until the controller has taken each of them in. */
  apply(...objects: readonly KubernetesObject[]): Promise<void>
  /** Ends it. Pods of its namespaces are refused from then on, as its registration wants it. */
  close(): Promise<void>
}

/** Its port cannot be chosen: the flag for it is read after the port was. */
const PORT = 8443
const CONFIGURATIONS = ['logging', 'observability', 'leader-election', 'image-policies', 'sigstore-keys']

/**
 * Starts policy-controller's admission webhook as a process beside an API server that was started with `POLICY_WEBHOOK_USER`,
 * and registers it there with its own manifests. Where they say `Service`, that is an external name for loopback: the controller
 * keeps the registration and writes its certificate into it, but only of a service. One at a time on a machine, others wait.
 * @param noMatch what happens to images that no policy is about, `no-match-policy` of its configuration.
 */
export async function startPolicyWebhook(
  { peers, supervisor }: Workshop,
  kubernetes: Kubernetes,
  noMatch: 'deny' | 'warn' | 'allow' = 'deny',
): Promise<PolicyWebhook> {
  const { client } = kubernetes
  const release = await holdPort()
  try {
    await install(client, peers.folders['policy-webhook'], noMatch)
    const kubeconfig = await kubernetes.kubeconfig(POLICY_WEBHOOK_USER.name)
    const peer = await onFreePorts(2, ([profiling = 0, metrics = 0]) =>
      supervisor.start({
        name: 'policy-webhook',
        command: peers.go['policy-webhook'],
        // The public instance's repository is not to be asked.
        args: ['--disable-tuf'],
        env: {
          // Its flag of this name is made only after the flags were read.
          KUBECONFIG: kubeconfig,
          SYSTEM_NAMESPACE: NAMESPACE,
          CONFIG_LOGGING_NAME: 'config-logging',
          METRICS_DOMAIN: 'sigstore.dev/policy',
          METRICS_PROMETHEUS_PORT: String(metrics),
          PROFILING_PORT: String(profiling),
          WEBHOOK_NAME: 'webhook',
          KUBERNETES_MIN_VERSION: '1.21.0',
        },
        readyMs: 120_000,
        ready: async () => (await accepts(PORT)()) && (await isRegistered(client)),
      }),
    )
    return {
      peer,
      apply: async (...objects) => {
        for (const object of objects) await applied(client, object, peer.logFile)
      },
      close: async () => {
        await peer.kill()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** Waits for the machine's turn at the port. @returns what gives it back. */
async function holdPort(): Promise<() => Promise<void>> {
  const free = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const whole = withLock(join(peersFolder(), `port-${PORT}.lock`), async () => {
    taken.resolve()
    await free.promise
  })
  await Promise.race([taken.promise, whole])
  return () => {
    free.resolve()
    return whole
  }
}

async function install(client: KubernetesClient, folder: string, noMatch: string): Promise<void> {
  const manifests = async (...names: readonly string[]) =>
    (await Promise.all(names.map(name => manifestsIn(join(folder, `${name}.yaml`))))).flat()
  await client.createNamespace(NAMESPACE, { 'policy.sigstore.dev/include': 'false' })
  const metadata = (name: string) => ({ name, namespace: NAMESPACE })
  const service = { type: 'ExternalName', externalName: 'localhost' }
  await client.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata('webhook') })
  await client.apply({ apiVersion: 'v1', kind: 'Service', metadata: metadata('webhook'), spec: service })
  for (const name of CONFIGURATIONS)
    await client.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(`config-${name}`), data: {} })
  await client.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata('config-policy-controller'),
    data: { 'no-match-policy': noMatch },
  })
  for (const role of await manifests('cluster-role', 'role', 'cluster-role-binding', 'role-binding'))
    await client.apply(role)
  for (const definition of await manifests('image-policies', 'trust-roots'))
    await client.applyDefinition(withPort(definition))
  for (const webhook of await manifests('webhooks', 'policy-webhooks')) await client.apply(withPort(webhook))
}

async function manifestsIn(path: string): Promise<readonly KubernetesObject[]> {
  const documents = parseAllDocuments(await readFile(path, 'utf8'))
  return documents.map(document => document.toJSON() as KubernetesObject | null).filter(object => object !== null)
}

/** The object with the webhook's port wherever it names the webhook's service. */
function withPort(object: KubernetesObject): KubernetesObject {
  return JSON.parse(JSON.stringify(object), (key, value) =>
    key === 'service' && value?.namespace === NAMESPACE ? { ...value, port: PORT } : value,
  )
}

const REGISTRATIONS = [
  ['ValidatingWebhookConfiguration', 'policy.sigstore.dev'],
  ['MutatingWebhookConfiguration', 'policy.sigstore.dev'],
  ['ValidatingWebhookConfiguration', 'validating.clusterimagepolicy.sigstore.dev'],
  ['MutatingWebhookConfiguration', 'defaulting.clusterimagepolicy.sigstore.dev'],
] as const

/** Whether the controller has written rules and certificate into every registration: without rules it is asked about nothing. */
async function isRegistered(client: KubernetesClient): Promise<boolean> {
  for (const [kind, name] of REGISTRATIONS) {
    const { webhooks = [] } = (await client.read({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind,
      metadata: { name },
    })) as { webhooks?: readonly { rules?: readonly unknown[]; clientConfig: { caBundle?: string } }[] }
    if (!webhooks.every(({ rules, clientConfig }) => rules !== undefined && clientConfig.caBundle)) return false
  }
  const { spec } = (await client.read({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'clusterimagepolicies.policy.sigstore.dev' },
  })) as { spec: { conversion: { webhook: { clientConfig: { caBundle?: string } } } } }
  return spec.conversion.webhook.clientConfig.caBundle !== undefined
}

interface Reported {
  readonly metadata: { readonly generation: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}

/** How long the controller may take over one of them: a trust root that it cannot read it just tries again and again. */
const TAKEN_IN_MS = 60_000

/** Applies one and waits for the controller's word on it. @throws when that is a no, or when there is none. */
async function applied(client: KubernetesClient, object: KubernetesObject, logFile: string): Promise<void> {
  await client.apply(object)
  const deadline = Date.now() + TAKEN_IN_MS
  for (;;) {
    const { metadata, status } = (await client.read(object)) as Reported
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')
    if (status?.observedGeneration === metadata.generation && ready?.status === 'True') return
    if (ready?.status === 'False' || Date.now() > deadline) {
      const said = `${ready?.message ?? ''}\n${lastLines(await readFile(logFile, 'utf8'))}`
      throw new Error(`${object.kind} ${object.metadata.name} is not ready: ${said}`)
    }
    await sleep(50)
  }
}
