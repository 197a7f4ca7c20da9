import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import type { KubernetesObject } from '../../tools/peers/kubernetes-client.ts'
import { PROVENANCE } from './attested.ts'
import { documents, RelayCluster } from './relay-cluster.ts'
import { type Forged, RelayForger } from './relay-forger.ts'
import { RelayPage } from './relay-page.ts'
import { DEPLOY, DEPLOYING, POLICY, RelayWorld, SHARED, writtenFiles } from './relay-world.ts'
import { moveTag, pinned, pushStranger } from './world.ts'

/**
 * Everything from a developer's key to an application's URL, with the real programs of everybody: git, gpg, ssh-keygen, BuildKit,
 * cosign, Sigstore's services, a registry, an API server, policy-controller and Kyverno. Then each link broken alone.
 */
jest.setTimeout(240_000)

const page = new RelayPage()
let on: RelayWorld
let cluster: RelayCluster
let forger: RelayForger
let image: string
let workload: KubernetesObject
let policies: readonly string[]
let kyverno: readonly string[]
let server: { readonly url: string; readonly key: string }

beforeAll(async () => {
  on = await RelayWorld.open()
  cluster = await RelayCluster.open(on)
})
afterAll(async () => {
  page.write()
  await cluster?.close()
  await on?.close()
})

const build = () => ({ Dockerfile: `FROM ${on.base.name}\nCOPY hello.txt /\n` })
const MANIFEST = 'k8s/app.yml'
const manifest = () => `apiVersion: apps/v1
kind: Deployment
metadata: { name: app, namespace: shop }
spec:
  selector: { matchLabels: { app: app } }
  template:
    metadata: { labels: { app: app } }
    spec: { containers: [{ name: app, image: "${on.image}:v1" }] }
`

interface Step {
  readonly code: number
  readonly log: string
  readonly result?: Receipt | undefined
}

/** Exit code and what is held against what was judged. */
function ended({ code, log, result }: Step): readonly [number, string, string] {
  if (result === undefined) return [code, '', log]
  const findings = result.subjects.flatMap(subject => subject.findings.filter(({ severity }) => severity === 'reject'))
  const [first] = result.error === undefined ? findings : [result.error]
  if (first === undefined) return [code, '', '']
  const { expected, found } = first
  // What a whole rule asks for is longer than what was wrong.
  const both =
    expected === undefined || expected.length > 200 ? '' : ` (expected ${expected}, found ${found ?? 'nothing'})`
  return [code, first.code, `${first.message}${both}`]
}

const told = ({ code, receipt }: { code: number; receipt: Receipt }) => ended({ code, log: '', result: receipt })

test('the relay: from a developer’s key to what a stranger asks of a URL', async () => {
  const head = on.change('feature', build(), on.bob)
  await on.review('feature')
  const attested = await on.attest(head, { tags: 'v1' })
  expect(ended(attested)).toEqual([0, '', ''])
  on.main = head
  image = attested.outputs.image ?? ''
  forger = new RelayForger(on, attested)

  const inputs = { manifests: MANIFEST, annotate: 'true', promote: 'production' }
  const deployed = await on.deploy({ ...inputs, policies: 'policy-controller' }, {}, { [MANIFEST]: manifest() })
  expect(ended(deployed)).toEqual([0, '', ''])
  const [summary] = JSON.parse(deployed.outputs.vsa ?? '[]') as { bundle: string; reused: boolean }[]
  forger.deployed = summary?.bundle ?? ''
  policies = writtenFiles(deployed.outputs.policies)
  const again = await on.deploy({ ...inputs, policies: 'kyverno' }, {}, { [MANIFEST]: manifest() })
  expect([...ended(again), again.outputs.vsa]).toEqual([0, '', '', expect.stringContaining('"reused":true')])
  kyverno = writtenFiles(again.outputs.policies)

  await cluster.admitBy(policies)
  const unsigned = pinned(on.image, await pushStranger(on.world, 'referrers', on.image, 'unsigned'))
  await cluster.settled(unsigned, 'provenance')
  await cluster.settled(unsigned, 'deploy-verified')
  await cluster.settled(unsigned, 'materials-verified')
  ;[workload] = documents(readFileSync(writtenFiles(deployed.outputs.manifests)[0] ?? '', 'utf8')) as [KubernetesObject]
  expect(JSON.stringify(workload)).toContain(image.slice(image.indexOf('@')))
  expect((await cluster.kubernetes.client.create(workload)).message).toBe('')
  expect(await cluster.run(workload, 'app-1', image)).toBe('')
  expect((await cluster.kyverno(kyverno, image)).counts).toMatchObject({ pass: 1, fail: 0, error: 0, skip: 0 })

  server = await cluster.serve('server')
  const seen = await cluster.verifyUrl(server.url, server.key)
  expect([...told(seen), seen.receipt.verdict]).toEqual([0, '', '', 'passed'])
  expect(JSON.stringify(seen.receipt)).toContain('shop/app-1 containers[app]')
  expect(told(await cluster.verifyCluster())).toEqual([0, '', ''])
})

describe('at the source, the pipeline stops before it builds', () => {
  test.each([
    ['an unsigned commit', () => on.unsignedBob, true, 'source/unsigned'],
    ['a commit by a key that nobody knows', () => on.mallory, true, 'source/signer-unknown'],
    ['a commit that nobody reviewed', () => on.bob, false, 'source/unreviewed'],
  ] as const)('%s', async (link, by, reviewed, code) => {
    const name = link.replaceAll(' ', '-')
    const head = on.change(name, { 'hello.txt': `${name}\n` }, by())
    if (reviewed) await on.review(name)
    const step = await on.attest(head)
    await on.land(on.main)
    const [exit, found, message] = ended(step)
    page.caught(link, 'pipeline, before the build', found, message)
    expect([exit, found, step.outputs.digest ?? '']).toEqual([1, code, ''])
  })

  test('a base image that nobody signed', async () => {
    const head = on.change('base', { Dockerfile: `FROM ${on.unsigned.name}\nCOPY hello.txt /\n` }, on.bob)
    await on.review('base')
    const step = await on.attest(head)
    await on.land(on.main)
    const [exit, found, message] = ended(step)
    page.caught('a base image that nobody signed', 'pipeline, before the build', found, message)
    expect([exit, found, step.outputs.digest ?? '']).toEqual([1, 'verify/no-attestation', ''])
  })
})

const OTHER_WORKFLOW = 'acme/shared/.github/workflows/other.yml@refs/heads/main'
const OTHER = {
  repository: 'acme/other',
  repository_id: '4711',
  workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
}

describe('what was built otherwise, the deployer’s gate rejects, and a cluster that is handed it refuses it too', () => {
  test.each<[link: string, Forged, code: string, item: string]>([
    ['provenance missing', { without: [PROVENANCE] }, 'verify/no-attestation', 'provenance'],
    [
      'provenance by another workflow',
      { claims: { job_workflow_ref: OTHER_WORKFLOW }, built: { [SHARED]: OTHER_WORKFLOW } },
      'verify/workflow-mismatch',
      'provenance',
    ],
    [
      'another repository behind the same signer',
      { claims: OTHER, built: { '/acme/app"': '/acme/other"', '792829709': '4711' } },
      'verify/repository-mismatch',
      'provenance',
    ],
  ])('%s', async (link, forged, code, item) => {
    const { image: wrong } = await forger.image(link, { ...forged, deployer: DEPLOYING })
    const step = await on.deploy({ images: wrong })
    const [exit, found, message] = ended(step)
    const refused = await cluster.refusal(wrong)
    const second = await cluster.kyverno(kyverno, wrong)
    page.caught(link, 'gate of the deploy', found, message, [
      `policy-controller: ${refused.by.join(', ')}`,
      `Kyverno: ${second.message}`,
    ])
    expect([exit, found, step.outputs.vsa]).toEqual([1, code, '[]'])
    expect(refused.by).toContain(item)
    expect([second.counts.pass, second.counts.fail]).toEqual([0, 1])
  })

  test('an image that took the place of the attested one behind its tag', async () => {
    const other = await pushStranger(on.world, 'referrers', on.image, 'tampered')
    await moveTag('referrers', on.image, 'v1', other)
    const step = await on.deploy({ images: `${on.image}:v1` })
    const refused = await cluster.refusal(`${on.image}:v1`)
    await moveTag('referrers', on.image, 'v1', image.slice(image.indexOf('@') + 1) as typeof other)
    const [exit, found, message] = ended(step)
    page.caught('the tag moved to another image after attestation', 'gate of the deploy', found, message, [
      `policy-controller: ${refused.by.join(', ')}`,
    ])
    expect([exit, found, step.outputs.vsa]).toEqual([1, 'verify/no-attestation', '[]'])
    expect(refused.by).toEqual(['deploy-verified', 'materials-verified', 'provenance'])
  })
})

describe('what was deployed otherwise', () => {
  test('a deploy from another environment signs nothing', async () => {
    const step = await on.deploy({ images: image }, { environment: 'staging' })
    const [exit, found, message] = ended(step)
    page.caught('a deploy by another environment', 'deploy, before it signs', found, message)
    expect([exit, found, step.outputs.vsa]).toEqual([3, 'deploy/environment-mismatch', '[]'])
  })

  test.each<[link: string, Forged]>([
    ['the deploy summary missing', {}],
    [
      'a deploy summary of another environment',
      {
        deployer: { ...DEPLOYING, environment: 'staging' },
        deployed: {
          'environment=production': 'environment=staging',
          '"production"': '"staging"',
          PRODUCTION: 'STAGING',
        },
      },
    ],
    [
      'a deploy summary by another workflow',
      { deployer: { ...DEPLOYING, job_workflow_ref: DEPLOY.replace('deploy', 'other') } },
    ],
  ])('%s', async (link, forged) => {
    const { image: wrong } = await forger.image(link, forged)
    const refused = await cluster.refusal(wrong)
    const second = await cluster.kyverno(kyverno, wrong)
    page.caught(link, 'admission', refused.by.join(', '), refused.message, [`Kyverno: ${second.message}`])
    expect(refused.by).toEqual(['deploy-verified'])
    expect([second.counts.pass, second.counts.fail, second.message]).toEqual([
      0,
      1,
      expect.stringContaining('deploy-verified'),
    ])
  })
})

describe('where it runs', () => {
  test('a pod that runs another digest than was admitted', async () => {
    const other = await pushStranger(on.world, 'referrers', on.image, 'drifted')
    expect(await cluster.run(workload, 'app-2', `${on.image}@${other}`)).toBe('')
    const cases = await cluster.verifyCluster()
    const { url, key } = await cluster.serve('drifting')
    const seen = await cluster.verifyUrl(url, key)
    await cluster.kubernetes.client.remove({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'app-2', namespace: 'shop' },
    })
    const [exit, found, message] = told(cases)
    page.caught('a pod that runs another digest than was admitted', 'verify cluster', found, message, [
      `verify url: ${told(seen)[1]}`,
    ])
    expect([exit, found]).toEqual([1, 'verify/drift'])
    expect(told(seen).slice(0, 2)).toEqual([1, 'verify/no-attestation'])
  })

  test('a document signed by a stranger’s key', async () => {
    const stranger = await cluster.serve('stranger')
    const [exit, found, message] = told(await cluster.verifyUrl(stranger.url, server.key))
    page.caught('a served document signed by a stranger’s key', 'verify url', found, message)
    expect([exit, found]).toEqual([1, 'sigstore/key-unknown'])
  })

  test('the good document of another host', async () => {
    const mirror = await cluster.replay(server.url)
    const [exit, found, message] = told(await cluster.verifyUrl(mirror, server.key))
    page.caught('a served document of another host', 'verify url', found, message)
    expect([exit, found]).toEqual([1, 'verify/document-audience'])
  })
})

test('a digest in quarantine: no deploy lets it in again, no cluster starts it, and what runs is found', async () => {
  const digest = image.slice(image.indexOf('@') + 1)
  const more = `quarantined: [{ digest: "${digest}", reason: an exercise, since: 2026-05-02 }]\n`
  const head = on.change('held', { [POLICY]: on.policy(more) }, on.alice)
  const generated = await cluster.generate(on.world.repository.folder)
  await on.land(head)
  const step = await on.deploy({ images: image }, {}, {}, head)
  await on.land(on.main)
  await cluster.admitBy(generated)
  await cluster.settled(image, 'quarantined')
  const runs = await cluster.verifyCluster(more)
  const [exit, found, message] = ended(step)
  page.caught('a digest in quarantine', 'gate of the deploy', found, message, [
    'policy-controller: quarantined',
    `verify cluster: ${told(runs)[1]}`,
  ])
  expect([exit, found, step.outputs.vsa]).toEqual([1, 'verify/quarantined', '[]'])
  expect(told(runs).slice(0, 2)).toEqual([1, 'verify/quarantined'])
  expect((await cluster.refusal(image)).by).toEqual(['quarantined'])
})

test('docs/relay.md says what was caught', () => {
  page.compare()
})
