import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import { startKyvernoAdmission } from '../../tools/peers/kyverno-admission.ts'
import { type Admitted, admittedIn, type Evidence, pushWith } from './admission.ts'
import { build, CASES, deploy, quarantine, RIGHT } from './admission-cases.ts'
import { type GuardedCluster, openGuardedCluster, refusedBy } from './admission-cluster.ts'
import { controllerObjects, controllerPolicies, kyvernoPolicies, objectsIn } from './admission-generated.ts'
import { writeSection } from './admission-page.ts'
import { kyvernoApply, podOf as podNaming } from './kyverno.ts'
import { Matrix } from './matrix.ts'
import { admittedBy } from './said.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'

/**
 * The same images before every engine, each under the policies that Waybill generates for it: policy-controller's tester and its webhook,
 * Kyverno's command line and its admission controller. Both webhooks stand at one real API server, each for a namespace.
 */
jest.setTimeout(240_000)

/** Where Kyverno is asked, and policy-controller is not. */
const MARKET = 'market'
const matrix = new Matrix('admission-matrix')
const rows: string[] = []
let cluster: GuardedCluster
let tuf: TufMirror
let admitted: Admitted
let quarantined: string

beforeAll(async () => {
  cluster = await openGuardedCluster()
  const { world, kubernetes } = cluster
  tuf = await startTufMirror('trusted_root.json', readFileSync(world.stack.trustedRootFile))
  const kyverno = await startKyvernoAdmission(kubernetes.workshop, kubernetes)
  await kubernetes.client.createNamespace(MARKET)
  const held = await pushWith(world, admittedIn(world, 'matrix'), RIGHT)
  quarantined = held.image
  admitted = admittedIn(world, 'matrix', [held.digest])
  await cluster.webhook.apply(...controllerObjects(world, admitted))
  const [policy] = kyvernoPolicies(world, admitted, tuf, [MARKET]).flatMap(objectsIn)
  await kyverno.apply(policy as KubernetesObject)
  await cluster.settled(quarantined, quarantine)
  await refusing(quarantined)
})
afterAll(async () => {
  matrix.write()
  if (rows.length > 0) writeSection('matrix', SECTION.concat(rows))
  await tuf?.close()
  await cluster?.close()
})

/** The server reads a registration a moment after it was written. */
async function refusing(image: string): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    if ((await createdFor('kyverno', image)).message !== '') return
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  throw new Error('The policy never came into force')
}

let pods = 0
function createdFor(engine: 'policy-controller' | 'kyverno', image: string) {
  pods += 1
  const namespace = engine === 'kyverno' ? MARKET : 'shop'
  return cluster.kubernetes.client.create(podOf(namespace, `pod-${pods}`, image))
}

/** What refuses, by item; nothing: it is admitted. Of Kyverno the first one, which is all that it tells. */
interface Judged {
  readonly 'policy-tester': readonly string[]
  readonly webhook: readonly string[]
  readonly 'kyverno apply': string
  readonly 'kyverno admission': string
}

async function judged(image: string): Promise<Judged> {
  const tested = await admittedBy(cluster.world, controllerPolicies(cluster.world, admitted), image)
  const pod = await createdFor('policy-controller', image)
  const applied = await kyvernoApply(
    cluster.world,
    kyvernoPolicies(cluster.world, admitted, tuf),
    podNaming({ containers: [image] }),
  )
  const market = await createdFor('kyverno', image)
  expect([pod.status, market.status].every(status => status === 201 || status === 400)).toBe(true)
  expect(applied.counts).toMatchObject({ error: 0, warn: 0, skip: 0 })
  return {
    'policy-tester': Object.entries(tested)
      // It is shown one policy at a time; of an image that this one is not about it knows nothing.
      .filter(([, { code, log }]) => code !== 0 && !log.includes('is uncovered by policy'))
      .map(([item]) => item)
      .sort(),
    webhook: refusedBy(pod.message),
    'kyverno apply': applied.counts.pass === 1 ? '' : reasonIn(applied.message),
    'kyverno admission': market.status === 201 ? '' : reasonIn(market.message),
  }
}

/** The item in Kyverno's message, or the message. */
function reasonIn(message: string): string {
  if (message.includes('in quarantine')) return quarantine
  return /(provenance|deploy-verified) does not hold/.exec(message)?.[1] ?? message
}

function record(row: string, results: Judged): void {
  const cells = Object.values(results).map(value => {
    const items = [value].flat().filter(item => item !== '')
    return items.length === 0 ? 'admits' : `**refuses**: ${items.join(', ')}`
  })
  matrix.record(`${row}: ${cells.join(' | ')}`, {})
  rows.push(`| ${row} | ${cells.join(' | ')} |`)
}

function expected(refused: readonly string[]): Judged {
  const all = [...refused].sort()
  const [first = ''] = [build, deploy, quarantine].filter(item => refused.includes(item))
  return { 'policy-tester': all, webhook: all, 'kyverno apply': first, 'kyverno admission': first }
}

test.each([...CASES] as [string, Evidence, readonly string[]][])(
  '13-adversary 30: %s',
  async (row, evidence, refused) => {
    const { image } = await pushWith(cluster.world, admitted, evidence)
    const results = await judged(image)
    record(row, results)
    expect(results).toEqual(expected(refused))
  },
)

test('13-adversary 31: a quarantined digest, whatever it has', async () => {
  const results = await judged(quarantined)
  record('quarantined', results)
  expect(results).toEqual(expected([quarantine]))
})

const SECTION = [
  '## The same images before every engine',
  '',
  'By `__tests__/peers/admission-matrix.test.ts`: each under the policies that Waybill generates for it. Pods are created at a real',
  'API server (1.36) that asks policy-controller 0.13.1’s own webhook and Kyverno 1.19.1’s own admission controller; `policy-tester`',
  'and `kyverno apply` are those of their makers. Kyverno names the first item that does not hold, policy-controller all of them.',
  '',
  '| case | policy-tester | policy-controller, webhook | kyverno apply | Kyverno, admission controller |',
  '|---|---|---|---|---|',
]
