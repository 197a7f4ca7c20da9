import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines } from './install.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { KubernetesClient, KubernetesObject } from './kubernetes-client.ts'
import { accepts, onFreePorts, type Peer } from './process.ts'
import type { Workshop } from './transparency.ts'

const NAMESPACE = 'kyverno'

export interface KyvernoAdmission {
  readonly peer: Peer
  /** Creates or replaces a policy and waits until pods are judged by it. @throws when that is refused or never happens. */
  apply(policy: KubernetesObject): Promise<void>
}

/**
 * Starts Kyverno's admission controller as a process beside an API server, as its developers do: it registers itself there
 * by address. It is an administrator, for its own role is put together by a controller that is not there.
 */
export async function startKyvernoAdmission(
  { peers, supervisor }: Workshop,
  { client, kubeconfigFile }: Kubernetes,
): Promise<KyvernoAdmission> {
  await install(client, await readFile(join(peers.folders['kyverno-admission'], 'install.yaml'), 'utf8'))
  const peer = await onFreePorts(1, ([port = 0]) =>
    supervisor.start({
      name: 'kyverno-admission',
      command: peers.go['kyverno-admission'],
      args: [
        `--kubeconfig=${kubeconfigFile}`,
        `--serverIP=127.0.0.1:${port}`,
        '--webhookServerHost=127.0.0.1',
        `--webhookServerPort=${port}`,
        '--caSecretName=kyverno-ca',
        '--tlsSecretName=kyverno-tls',
        '--backgroundServiceAccountName=system:serviceaccount:kyverno:background',
        '--reportsServiceAccountName=system:serviceaccount:kyverno:reports',
        '--admissionReports=false',
        // What was verified once would be admitted for an hour, whatever is attached or replaced meanwhile.
        '--imageVerifyCacheEnabled=false',
        '--allowInsecureRegistry',
        '--disableMetrics',
        '--controllerRuntimeMetricsAddress=0',
        '--disableLogColor',
      ],
      env: {
        KYVERNO_NAMESPACE: NAMESPACE,
        KYVERNO_POD_NAME: 'kyverno-0',
        KYVERNO_SERVICEACCOUNT_NAME: 'kyverno-admission-controller',
        KYVERNO_ROLE_NAME: 'kyverno:admission-controller',
        KYVERNO_DEPLOYMENT: 'kyverno-admission-controller',
        KYVERNO_SVC: 'kyverno-svc',
        INIT_CONFIG: 'kyverno',
        METRICS_CONFIG: 'kyverno-metrics',
      },
      readyMs: 120_000,
      ready: accepts(port),
    }),
  )
  return { peer, apply: policy => applied(client, policy, peer.logFile) }
}

async function install(client: KubernetesClient, manifests: string): Promise<void> {
  await client.createNamespace(NAMESPACE)
  const metadata = (name: string) => ({ name, namespace: NAMESPACE })
  for (const name of ['kyverno', 'kyverno-metrics'])
    await client.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name), data: {} })
  const definitions = manifests.split(/^---$/m).filter(text => /^kind: CustomResourceDefinition$/m.test(text))
  await Promise.all(
    definitions.map(text => client.applyDefinitionText(/^ {2}name: (\S+)$/m.exec(text)?.[1] ?? '', text)),
  )
}

/** How long it may take until its certificate is made, the policy compiled, and the registration written. */
const IN_FORCE_MS = 90_000

async function applied(client: KubernetesClient, policy: KubernetesObject, logFile: string): Promise<void> {
  const deadline = Date.now() + IN_FORCE_MS
  const path = await client.pathOf(policy)
  for (let said = ''; Date.now() < deadline; await sleep(250)) {
    const { status, message } = await client.request(
      'PATCH',
      `${path}?fieldManager=test&force=true`,
      policy,
      'application/apply-patch+yaml',
    )
    said = message
    // Its webhook answers before it has a certificate to answer with.
    if (status === 500 && said.includes('failed calling webhook')) continue
    if (status >= 300) throw new Error(`${policy.kind} ${policy.metadata.name}: ${said}`)
    if (await isRegistered(client, policy.metadata.name)) return
  }
  throw new Error(`${policy.metadata.name} never came into force:\n${lastLines(await readFile(logFile, 'utf8'))}`)
}

/** Whether the API server is told to ask about what the policy matches. Its status is not waited for: it was not ready when pods were judged already. */
async function isRegistered(client: KubernetesClient, name: string): Promise<boolean> {
  const list = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
  const { items } = (await client.must('GET', list)) as {
    items: readonly { webhooks?: readonly { clientConfig: { url?: string } }[] }[]
  }
  return items.some(({ webhooks = [] }) =>
    webhooks.some(({ clientConfig }) => clientConfig.url?.endsWith(`/ivpol/validate/${name}`)),
  )
}
