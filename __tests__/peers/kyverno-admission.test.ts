import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import type { Digest } from '../../src/core/digest.ts'
import { deployLevel, deployResource } from '../../src/statements/deploy-vsa.ts'
import { VERIFICATION_SUMMARY_PREDICATE } from '../../src/statements/statement.ts'
import { type OwnKubernetes, openKubernetes } from '../../tools/peers/kubernetes.ts'
import { type KubernetesObject, podOf } from '../../tools/peers/kubernetes-client.ts'
import { startKyvernoAdmission } from '../../tools/peers/kyverno-admission.ts'
import { type Admitted, admittedIn, BUILDER, DEPLOYER, type Evidence, pushWith } from './admission.ts'
import { PROVENANCE } from './attested.ts'
import { Matrix } from './matrix.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'
import { openWorld, pinned, type World } from './world.ts'

/** Pods are created at a real API server, which asks Kyverno's real admission controller about each. */
jest.setTimeout(240_000)

const RIGHT: Evidence = { provenance: BUILDER, summaries: [{ claims: DEPLOYER }] }

const matrix = new Matrix('kyverno-admission')
let world: World
let root: TufMirror
let kubernetes: OwnKubernetes
let admitted: Admitted
let quarantined: Digest
beforeAll(async () => {
  world = await openWorld()
  root = await startTufMirror('trusted_root.json', readFileSync(world.stack.trustedRootFile))
  kubernetes = await openKubernetes()
  const kyverno = await startKyvernoAdmission(kubernetes.workshop, kubernetes)
  await kubernetes.client.createNamespace('shop')
  quarantined = (await pushWith(world, admittedIn(world, 'kyverno'), RIGHT)).digest
  admitted = admittedIn(world, 'kyverno', [quarantined])
  await kyverno.apply(kyvernoPolicyFor(admitted))
  await settled(pinned(admitted.repository, quarantined))
})
afterAll(async () => {
  matrix.write()
  await kubernetes?.close()
  await root?.close()
  await world?.close()
})

/** One policy: each image is named once in it, and each check stands in one expression with its conditions. */
function kyvernoPolicyFor({ repository, issuer, builder, deployer, quarantined }: Admitted): KubernetesObject {
  const attestor = (name: string, subject: string) => ({
    name,
    cosign: {
      keyless: { identities: [{ subject, issuer }] },
      tuf: { mirror: root.url, root: { data: root.root.toString('base64') } },
    },
  })
  const text = JSON.stringify
  const { environment, policyUri, identity } = deployer
  const signed = (by: string, what: string, conditions: readonly string[]) =>
    `images.containers.all(image, verifyAttestationSignatures(image, attestations.${what}, [attestors.${by}]) > 0 &&
cel.bind(said, extractPayload(image, attestations.${what}).predicate, ${conditions.join(' && ')}))`
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'ImageValidatingPolicy',
    metadata: { name: 'waybill' },
    spec: {
      validationActions: ['Deny'],
      failurePolicy: 'Fail',
      webhookConfiguration: { timeoutSeconds: 30 },
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
      matchImageReferences: [{ glob: `${repository}@*` }],
      attestors: [attestor('builder', builder.identity), attestor('deployer', identity)],
      attestations: [
        { name: 'provenance', intoto: { type: PROVENANCE } },
        { name: 'summary', intoto: { type: VERIFICATION_SUMMARY_PREDICATE } },
      ],
      validations: [
        {
          expression: `images.containers.all(image, !(parseImageReference(image).digest() in ${text(quarantined)}))`,
          message: 'quarantined',
        },
        {
          expression: signed('builder', 'provenance', [
            `said.buildDefinition.externalParameters.workflow.repository == ${text(builder.source)}`,
          ]),
          message: 'not built as it must be',
        },
        {
          expression: signed('deployer', 'summary', [
            'said.verificationResult == "PASSED"',
            `said.resourceUri == ${text(deployResource(repository, environment))}`,
            `said.policy.uri == ${text(policyUri)}`,
            `said.verifier.id == ${text(identity)}`,
            `said.verifiedLevels.exists(level, level == ${text(deployLevel(environment))})`,
          ]),
          message: 'not let in as it must be',
        },
      ],
    },
  }
}

/** The server reads a registration a moment after it was written. @throws when this image is never refused. */
async function settled(image: string): Promise<void> {
  let said = ''
  for (let tries = 0; tries < 60; tries++) {
    said = (await kubernetes.client.create(podOf('shop', 'settling', image), { dryRun: true })).message
    if (said.includes('quarantined')) return
    await sleep(500)
  }
  throw new Error(`The policy never came into force: ${said}`)
}

let pods = 0
async function created(row: string, image: string): Promise<string> {
  pods += 1
  const { status, message } = await kubernetes.client.create(podOf('shop', `pod-${pods}`, image))
  matrix.record(`${row}${message === '' ? '' : ` (${message.replace(/.*denied the request: /, '')})`}`, {
    kyverno: status,
  })
  return `${status} ${message}`
}

const DENIED =
  '400 admission webhook "ivpol.validate.kyverno.svc-fail-finegrained-waybill" denied the request: Policy waybill failed: '
const OTHER_REPOSITORY = {
  ...BUILDER,
  repository: 'acme/other',
  repository_id: '4711',
  workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
}
const [build, deploy] = ['not built as it must be', 'not let in as it must be']

test.each([
  ['right image', RIGHT, undefined],
  ['unsigned', {}, build],
  [
    'another workflow',
    { ...RIGHT, provenance: { job_workflow_ref: 'acme/shared/.github/workflows/other.yml@refs/heads/main' } },
    build,
  ],
  ['another repository behind the same signer', { ...RIGHT, provenance: OTHER_REPOSITORY }, build],
  ['provenance only', { provenance: BUILDER }, deploy],
  ['deploy summary only', { summaries: [{ claims: DEPLOYER }] }, build],
  ['provenance by the deployer', { ...RIGHT, provenance: DEPLOYER }, build],
  ['deploy summary by the builder', { ...RIGHT, summaries: [{ claims: BUILDER }] }, deploy],
  ["each by the other's identity", { provenance: DEPLOYER, summaries: [{ claims: BUILDER }] }, build],
  ['another environment', { ...RIGHT, summaries: [{ claims: DEPLOYER, environment: 'staging' }] }, deploy],
] satisfies [string, Evidence, string | undefined][])('%s', async (row, evidence, refused) => {
  const { image } = await pushWith(world, admitted, evidence)
  const said = await created(row, image)
  expect(said).toBe(refused === undefined ? '201 ' : `${DENIED}${refused}`)
})

test('a quarantined digest, whatever it has', async () => {
  expect(await created('quarantined', pinned(admitted.repository, quarantined))).toBe(`${DENIED}quarantined`)
})
