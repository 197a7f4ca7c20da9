import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import type { Digest } from '../../src/core/digest.ts'
import { type OwnKubernetes, openKubernetes } from '../../tools/peers/kubernetes.ts'
import { type KubernetesAnswer, type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import {
  INCLUDED,
  POLICY_WEBHOOK_USER,
  type PolicyWebhook,
  startPolicyWebhook,
} from '../../tools/peers/policy-webhook.ts'
import {
  type Admitted,
  admittedIn,
  BUILDER,
  DEPLOYER,
  type Evidence,
  LINKS,
  policiesFor,
  pushWith,
  startTrustRoot,
  summarize,
} from './admission.ts'
import { Matrix } from './matrix.ts'
import type { TufMirror } from './tuf.ts'
import { attest, layoutOf, openWorld, pinned, type World } from './world.ts'

/** Pods are created at a real API server, which asks policy-controller's real webhook about each. */
jest.setTimeout(120_000)

const matrix = new Matrix('admission')
let world: World
let kubernetes: OwnKubernetes
let webhook: PolicyWebhook
let root: TufMirror
let admitted: Admitted
let quarantined: Digest
beforeAll(async () => {
  world = await openWorld()
  root = await startTrustRoot(world)
  kubernetes = await openKubernetes([POLICY_WEBHOOK_USER])
  webhook = await startPolicyWebhook(kubernetes.workshop, kubernetes)
  await kubernetes.client.createNamespace('shop', INCLUDED)
  const bad = await pushWith(world, admittedIn(world, 'guarded'), RIGHT)
  quarantined = bad.digest
  admitted = admittedIn(world, 'guarded', [quarantined])
  await webhook.apply(...policiesFor(admitted, root))
  await settled(bad.image)
})
afterAll(async () => {
  matrix.write()
  await webhook?.close()
  await kubernetes?.close()
  await root?.close()
  await world?.close()
})

const RIGHT: Evidence = { provenance: BUILDER, summaries: [{ claims: DEPLOYER }] }

/** The controller has taken the policies in; its webhook reads them a moment later. This image is refused by the last of them. */
async function settled(image: string): Promise<void> {
  let said = ''
  for (let tries = 0; tries < 60; tries++) {
    said = (await kubernetes.client.create(podOf('shop', 'settling', image), { dryRun: true })).message
    if (refusedBy(said).includes(LINKS.quarantine)) return
    await sleep(500)
  }
  throw new Error(`The policies never came into force: ${said}`)
}

function refusedBy(message: string): readonly string[] {
  return [...message.matchAll(/failed policy: ([\w-]+)/g)].map(([, name = '']) => name).sort()
}

let pods = 0
/** Creates a pod. @returns the answer's status and the policies that refused it. */
async function created(row: string, pod: KubernetesObject | string): Promise<KubernetesAnswer> {
  pods += 1
  const answer = await kubernetes.client.create(typeof pod === 'string' ? podOf('shop', `pod-${pods}`, pod) : pod)
  matrix.record(row, { 'policy-webhook': answer.status })
  return answer
}

const OTHER_WORKFLOW = 'acme/shared/.github/workflows/other.yml@refs/heads/main'
const OTHER_REPOSITORY = {
  ...BUILDER,
  repository: 'acme/other',
  repository_id: '4711',
  workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
}
const { build, deploy, quarantine } = LINKS

describe('the matrix', () => {
  test.each([
    ['right image', RIGHT, []],
    ['unsigned', {}, [build, deploy]],
    ['another workflow', { ...RIGHT, provenance: { job_workflow_ref: OTHER_WORKFLOW } }, [build]],
    ['another repository behind the same signer', { ...RIGHT, provenance: OTHER_REPOSITORY }, [build]],
    ['provenance only', { provenance: BUILDER }, [deploy]],
    ['deploy summary only', { summaries: [{ claims: DEPLOYER }] }, [build]],
    ['provenance by the deployer', { ...RIGHT, provenance: DEPLOYER }, [build]],
    ['deploy summary by the builder', { ...RIGHT, summaries: [{ claims: BUILDER }] }, [deploy]],
    ["each by the other's identity", { provenance: DEPLOYER, summaries: [{ claims: BUILDER }] }, [build, deploy]],
    ['another environment', summary({ environment: 'staging' }), [deploy]],
    ["another image's deploy summary", summary({ resource: 'ghcr.io/acme/other' }), [deploy]],
    ['a deploy summary that failed', summary({ other: { verificationResult: 'FAILED' } }), [deploy]],
    ['a deploy summary without a level', summary({ other: { verifiedLevels: [] } }), [deploy]],
    ['a deploy summary without a resource', summary({ other: { resourceUri: undefined } }), [deploy]],
    ['a deploy summary under another policy', summary({ other: { policy: { uri: 'git+https://x' } } }), [deploy]],
    ['a deploy summary of another verifier', summary({ other: { verifier: { id: 'https://x' } } }), [deploy]],
    [
      'deploy summaries for this and another environment',
      { ...RIGHT, summaries: [{ claims: DEPLOYER, environment: 'staging' }, { claims: DEPLOYER }] },
      [],
    ],
  ] satisfies [string, Evidence, readonly string[]][])('%s', async (row, evidence, refused) => {
    const { image } = await pushWith(world, admitted, evidence)
    const { status, message } = await created(row, image)
    expect([status, refusedBy(message)]).toEqual([refused.length === 0 ? 201 : 400, refused])
    if (refused.length > 0) expect(message).toMatch(/^admission webhook "policy\.sigstore\.dev" denied the request: /)
  })

  test('a quarantined digest, whatever it has', async () => {
    const { status, message } = await created('quarantined', pinned(admitted.repository, quarantined))
    expect([status, refusedBy(message)]).toEqual([400, [quarantine]])
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

function summary(different: Partial<NonNullable<Evidence['summaries']>[number]>): Evidence {
  return { provenance: BUILDER, summaries: [{ claims: DEPLOYER, ...different }] }
}
