import { jest } from '@jest/globals'
import type { Digest } from '../../src/core/digest.ts'
import type { OwnKubernetes } from '../../tools/peers/kubernetes.ts'
import { type KubernetesAnswer, type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import {
  type Admitted,
  admittedIn,
  BUILDER,
  DEPLOYER,
  type Evidence,
  pushWith,
  REGISTRY,
  summarize,
} from './admission.ts'
import { build, CASES, deploy, quarantine, RIGHT } from './admission-cases.ts'
import { type GuardedCluster, openGuardedCluster, refusedBy } from './admission-cluster.ts'
import { controllerObjects } from './admission-generated.ts'
import { Matrix } from './matrix.ts'
import { attest, layoutOf, moveTag, pinned, type World } from './world.ts'

/** Pods are created at a real API server, which asks policy-controller's real webhook about each. */
jest.setTimeout(120_000)

const matrix = new Matrix('admission')
let cluster: GuardedCluster
let world: World
let kubernetes: OwnKubernetes
let admitted: Admitted
let quarantined: Digest
beforeAll(async () => {
  cluster = await openGuardedCluster()
  world = cluster.world
  kubernetes = cluster.kubernetes
  const bad = await pushWith(world, admittedIn(world, 'guarded'), RIGHT)
  quarantined = bad.digest
  admitted = admittedIn(world, 'guarded', [quarantined])
  await cluster.webhook.apply(...controllerObjects(world, admitted))
  await cluster.settled(bad.image, quarantine)
})
afterAll(async () => {
  matrix.write()
  await cluster?.close()
})

let pods = 0
/** Creates a pod. @returns the answer's status and the policies that refused it. */
async function created(row: string, pod: KubernetesObject | string): Promise<KubernetesAnswer> {
  pods += 1
  const answer = await kubernetes.client.create(typeof pod === 'string' ? podOf('shop', `pod-${pods}`, pod) : pod)
  matrix.record(row, { 'policy-webhook': answer.status })
  return answer
}

describe('generated policies', () => {
  test.each([...CASES.map(one => [...one] as const)].filter(([row]) => row === 'right image' || row === 'unsigned'))(
    '%s',
    async (row, evidence, refused) => {
      const { image } = await pushWith(world, admitted, evidence)
      const { status, message } = await created(row, image)
      expect([status, refusedBy(message)]).toEqual([refused.length === 0 ? 201 : 400, [...refused].sort()])
      if (refused.length > 0) expect(message).toMatch(/^admission webhook "policy\.sigstore\.dev" denied the request: /)
    },
  )

  test('a quarantined digest, whatever it has', async () => {
    const { status, message } = await created('quarantined', pinned(admitted.repository, quarantined))
    expect([status, refusedBy(message)]).toEqual([400, [quarantine]])
  })

  test('deploy summaries for this and another environment', async () => {
    const summaries = [
      { claims: { ...DEPLOYER, environment: 'staging' }, environment: 'staging' },
      { claims: DEPLOYER },
    ]
    const { image } = await pushWith(world, admitted, { ...RIGHT, summaries })
    expect((await created('deploy summaries for this and another environment', image)).message).toBe('')
  })

  test('what the action published is admitted once the deployer has let it in', async () => {
    const inputs = { images: admitted.repository, builder: 'layout', layout: layoutOf(world, 'admission'), tags: 'v1' }
    const { code, log, outputs } = await attest(world, inputs, { claims: BUILDER })
    expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
    const image = pinned(admitted.repository, outputs.digest)
    const before = await created('of the action, before the deployer', image)
    expect([before.status, refusedBy(before.message)]).toEqual([400, [deploy]])
    await summarize(world, admitted, outputs.digest as Digest, { claims: DEPLOYER })
    expect((await created('of the action, after the deployer', image)).message).toBe('')
  })
})

describe('what the webhook is asked about', () => {
  test('a namespace without the label: nothing is enforced', async () => {
    await kubernetes.client.createNamespace('unlabelled')
    const { image } = await pushWith(world, admitted, {})
    const { status } = await created('unsigned, in a namespace without the label', podOf('unlabelled', 'pod', image))
    expect(status).toBe(201)
  })

  test('13-adversary 30: an image that no policy is about is refused by the configuration beside them', async () => {
    const other = admittedIn(world, 'unguarded')
    const { image } = await pushWith(world, other, RIGHT)
    const { status, message } = await created('an image without a policy', image)
    expect([status, message]).toEqual([400, expect.stringMatching(/denied the request: .*no matching policies: /)])
  })

  test('a tag is admitted as the digest that it has then, and refused once it was moved', async () => {
    const { repository } = admitted
    const right = await pushWith(world, admitted, RIGHT)
    const wrong = await pushWith(world, admitted, {})
    await moveTag(REGISTRY, repository, 'v2', right.digest)
    const { status, body } = await created('by tag', `${repository}:v2`)
    const { spec } = body as { spec: { containers: readonly { image: string }[] } }
    expect([status, spec.containers.map(({ image }) => image)]).toEqual([201, [`${repository}:v2@${right.digest}`]])
    await moveTag(REGISTRY, repository, 'v2', wrong.digest)
    const { status: moved, message } = await created('by a tag that was moved', `${repository}:v2`)
    expect([moved, refusedBy(message)]).toEqual([400, [deploy, build]])
  })

  test('every container counts: a second one, one that runs before, and one that is added to a running pod', async () => {
    const right = (await pushWith(world, admitted, RIGHT)).image
    const wrong = (await pushWith(world, admitted, {})).image
    const second = await created('a second container', podOf('shop', 'second', right, wrong))
    expect([second.status, refusedBy(second.message)]).toEqual([400, [deploy, build]])
    const before = await created(
      'an init container',
      podWith('before', right, { initContainers: [{ name: 'i', image: wrong }] }),
    )
    expect([before.status, refusedBy(before.message)]).toEqual([400, [deploy, build]])
    expect((await created('the same without it', podOf('shop', 'running', right))).status).toBe(201)
    const running = [{ name: 'c0', image: right, imageID: right }]
    await kubernetes.client.patchPodStatus('shop', 'running', { phase: 'Running', containerStatuses: running })
    const debug = await kubernetes.client.addEphemeralContainer('shop', 'running', 'debug', wrong)
    matrix.record('an ephemeral container', { 'policy-webhook': debug.status })
    expect([debug.status, refusedBy(debug.message)]).toEqual([400, [deploy, build]])
    expect((await kubernetes.client.addEphemeralContainer('shop', 'running', 'more', right)).message).toBe('')
  })

  test.each([
    ['apps/v1', 'Deployment', (pod: object) => ({ selector: { matchLabels: { app: 'x' } }, template: pod })],
    ['apps/v1', 'DaemonSet', (pod: object) => ({ selector: { matchLabels: { app: 'x' } }, template: pod })],
    ['batch/v1', 'CronJob', (pod: object) => ({ schedule: '0 0 * * *', jobTemplate: { spec: { template: pod } } })],
  ] as const)('%s %s: what would make such pods is refused, too', async (apiVersion, kind, specOf) => {
    const image = async (evidence: Evidence) => (await pushWith(world, admitted, evidence)).image
    const workload = (name: string, image: string): KubernetesObject => {
      const spec = { containers: [{ name: 'c', image }], restartPolicy: kind === 'CronJob' ? 'Never' : 'Always' }
      const template = { metadata: { labels: { app: 'x' } }, spec }
      return { apiVersion, kind, metadata: { name, namespace: 'shop' }, spec: specOf(template) }
    }
    expect((await created(`${kind}, right image`, workload('right', await image(RIGHT)))).message).toBe('')
    const { status, message } = await created(`${kind}, unsigned`, workload('wrong', await image({})))
    expect([status, refusedBy(message)]).toEqual([400, [deploy, build]])
  })

  /** Pinned, so that it is seen when a newer version looks at them: until then a policy cannot be said to cover them. */
  test('13-adversary 33: image volumes are not looked at by this version', async () => {
    const right = (await pushWith(world, admitted, RIGHT)).image
    const wrong = (await pushWith(world, admitted, {})).image
    const volumes = [{ name: 'data', image: { reference: wrong, pullPolicy: 'IfNotPresent' } }]
    expect((await created('an image volume that is unsigned', podWith('volume', right, { volumes }))).status).toBe(201)
  })
})

test('with the webhook gone, pods of its namespaces are refused and others are not', async () => {
  const { image } = await pushWith(world, admitted, RIGHT)
  await cluster.webhook.close()
  const { status, message } = await created('right image, webhook gone', image)
  expect([status, message]).toEqual([500, expect.stringMatching(/failed calling webhook "policy\.sigstore\.dev"/)])
  expect((await created('webhook gone, another namespace', podOf('unlabelled', 'pod-2', image))).status).toBe(201)
})

function podWith(name: string, image: string, more: Readonly<Record<string, unknown>>): KubernetesObject {
  const pod = podOf('shop', name, image)
  return { ...pod, spec: { ...(pod.spec as object), ...more } }
}
