import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { type OwnKubernetes, openKubernetes } from '../../tools/peers/kubernetes.ts'
import { type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import { type GateBench, openGateBench, ruleOf } from '../e2e/gate-support.ts'
import { execute } from '../fakes/scenario.ts'

/** `waybill verify cluster` asks a real API server; the statuses of pods are written as a kubelet would write them. */
jest.setTimeout(180_000)

const USER = { name: 'alice' }

let bench: GateBench
let kubernetes: OwnKubernetes
let folder: string
let app: string
let index: string
let unsigned: string

beforeAll(async () => {
  ;[bench, kubernetes] = await Promise.all([openGateBench(), openKubernetes([USER])])
  const { scenario } = bench
  folder = join(scenario.stack.folder, 'cluster')
  mkdirSync(join(folder, 'trust'), { recursive: true })
  writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(scenario.stack.trustedRoot))
  const rule = `deploy:\n  - match: ["${scenario.stack.registry.host}/acme/**"]\n${ruleOf(scenario)}    private: true\n`
  writeFileSync(join(folder, 'waybill.yml'), bench.policy(rule))
  ;[app, index] = [scenario.image, bench.published.outputs.digest ?? '']
  unsigned = await bench.image('nobody-signed-this')
  for (const namespace of ['good', 'bad', 'many', 'empty']) await kubernetes.client.createNamespace(namespace)
})

afterAll(async () => {
  await kubernetes?.close()
  await bench?.close()
})

async function run(pod: KubernetesObject, ...digests: readonly string[]): Promise<void> {
  const { namespace = '', name } = pod.metadata
  await kubernetes.client.must('POST', `/api/v1/namespaces/${namespace}/pods`, pod)
  const containerStatuses = digests.map((digest, at) => {
    return { name: `c${at}`, image: `${app}:v1`, imageID: `${app}@${digest}` }
  })
  await kubernetes.client.patchPodStatus(namespace, name, { phase: 'Running', containerStatuses })
}

async function judged(namespace: string, kubeconfig = kubernetes.kubeconfigFile) {
  const cli = join(import.meta.dirname, '../../dist/cli.js')
  const env = { PATH: process.env.PATH ?? '', HOME: bench.scenario.stack.folder }
  const args = ['--kubeconfig', kubeconfig, '--namespace', namespace, '--policy', 'waybill.yml', '--json']
  const { code, stdout } = await execute([cli, 'verify', 'cluster', ...args], env, folder)
  const receipt = JSON.parse(stdout) as Receipt
  const against = receipt.subjects.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'reject'))
  return { code, receipt, codes: [...new Set(against.map(({ code }) => code))], remedy: against[0]?.remedy ?? '' }
}

test('a real API server: what runs and is signed passes, also in volumes and static pods', async () => {
  const pod = podOf('good', 'web-1', `${app}:v1`)
  const mirror = podOf('good', 'static-node-1', `${app}:v1`)
  const volumes = [{ name: 'data', image: { reference: `${app}@${index}` } }]
  await run({ ...pod, spec: { ...(pod.spec as object), volumes } }, index)
  await run(
    {
      ...mirror,
      metadata: { ...mirror.metadata, annotations: { 'kubernetes.io/config.mirror': 'a1b2' } },
      spec: { ...(mirror.spec as object), nodeName: 'node-1' },
    },
    index,
  )
  const { code, receipt } = await judged('good')
  expect([code, receipt.verdict]).toEqual([0, 'passed'])
  expect(
    receipt.subjects.flatMap(({ places = [] }) => places.map(({ file, path }) => `${file} ${path}`)).sort(),
  ).toEqual(['good/static-node-1 containers[c0]', 'good/web-1 containers[c0]', 'good/web-1 volumes[data]'])
})

test('a real API server: drift, an unsigned image and an ephemeral container are rejected', async () => {
  await run(podOf('bad', 'drifted', `${app}@${unsigned}`), index)
  await run(podOf('bad', 'moved', `${app}:v1`), unsigned)
  await run(podOf('bad', 'debugged', `${app}:v1`), index)
  const added = await kubernetes.client.addEphemeralContainer('bad', 'debugged', 'debug', 'registry.invalid/debug:1')
  expect(added.status).toBe(200)
  const { code, receipt, codes } = await judged('bad')
  expect([code, [...codes].sort()]).toEqual([1, ['policy/no-rule', 'verify/drift', 'verify/no-attestation']])
  expect(receipt.subjects.filter(({ verdict }) => verdict === 'passed')).toHaveLength(1)
})

test('a real API server: more pods than one page holds are all judged', async () => {
  const names = Array.from({ length: 620 }, (_, n) => `web-${n}`)
  while (names.length > 0)
    await Promise.all(names.splice(0, 20).map(name => run(podOf('many', name, `${app}:v1`), index)))
  const { code, receipt } = await judged('many')
  expect([code, receipt.subjects.length, receipt.subjects[0]?.places?.length]).toEqual([0, 1, 620])
})

test('a real API server: who may not list pods is told the role, and with it may', async () => {
  const kubeconfig = await kubernetes.kubeconfig(USER.name)
  const refused = await judged('good', kubeconfig)
  expect([refused.code, refused.codes]).toEqual([2, ['verify/cluster-forbidden']])
  expect(refused.remedy).toContain('metadata: { name: waybill-verify, namespace: good }')
  const [apiVersion, namespace, roleRef] = ['rbac.authorization.k8s.io/v1', 'good', 'waybill-verify']
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]
  const api = 'rbac.authorization.k8s.io'
  await kubernetes.client.apply({ apiVersion, kind: 'Role', metadata: { name: roleRef, namespace }, rules })
  await kubernetes.client.apply({
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: roleRef, namespace },
    subjects: [{ kind: 'User', name: USER.name, apiGroup: api }],
    roleRef: { kind: 'Role', name: roleRef, apiGroup: api },
  })
  let { code } = refused
  // The authorizer learns of a role a moment later.
  for (let tries = 0; tries < 20 && code === 2; tries++) code = (await judged('good', kubeconfig)).code
  expect(code).toBe(0)
})

test('a real API server: a namespace without pods is not passed', async () => {
  const { code, receipt } = await judged('empty')
  expect([code, receipt.error?.code]).toEqual([2, 'verify/no-subjects'])
})
