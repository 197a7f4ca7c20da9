import { jest } from '@jest/globals'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { Matrix } from './matrix.ts'
import {
  ACCEPTED,
  attachForeign,
  attest,
  type Expected,
  expectedOf,
  layoutOf,
  moveTag,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  VERIFIERS,
  type Verifier,
  verdicts,
  verify,
  type World,
} from './world.ts'

/** What Waybill signs with real Sigstore services, real builders and in real registries, judged by whoever may read it. */
const BUILDERS = ['buildah', 'buildx', 'layout'] as const

jest.setTimeout(180_000)

const matrix = new Matrix('outwards')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

/** Runs the action; what fails says so with its log. */
async function attested(registry: RegistryName, name: string, inputs: Parameters<typeof attest>[1] = {}) {
  const repository = repositoryIn(world, registry, name)
  const layout = inputs.builder === undefined ? { builder: 'layout', layout: layoutOf(world, name) } : {}
  const result = await attest(world, { images: repository, tags: 'v1', ...layout, ...inputs })
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  return { repository, result, image: pinned(repository, result.outputs.digest) }
}

describe.each(REGISTRIES)('registry %s', registry => {
  test.each(BUILDERS)('what the action builds with %s is accepted by every verifier', async builder => {
    const layout = builder === 'layout' ? { layout: layoutOf(world, `${registry}-${builder}`) } : {}
    const { image, repository, result } = await attested(registry, builder, { builder, ...layout })
    expect(result.outputs).toMatchObject({ verdict: 'passed', tags: `${repository}:v1` })
    // Every registry keeps the index by which later runs find the source summary.
    expect(result.result.notices.filter(notice => notice.startsWith('Later runs'))).toEqual([])
    expect(
      matrix.record(`${registry} × ${builder}`, await verdicts(world, VERIFIERS, image, expectedOf(world))),
    ).toEqual(ACCEPTED)
  })

  test('what the action logs in Rekor v2 is accepted by every verifier', async () => {
    const config = await world.stack.signingConfig(`v2-${registry}.json`, {
      rekor: { url: world.stack.rekorV2.url, version: 2 },
    })
    const { image } = await attested(registry, 'rekor-v2', { 'signing-config': config })
    expect(matrix.record(`${registry} × Rekor v2`, await verdicts(world, VERIFIERS, image, expectedOf(world)))).toEqual(
      ACCEPTED,
    )
  })

  test('another identity, issuer or digest and a moved tag are refused by every verifier', async () => {
    const { repository, image, result } = await attested(registry, 'refused')
    const expected = expectedOf(world)
    const stranger = await pushStranger(world, registry, repository)
    await attachForeign(registry, repository, stranger, result)
    await moveTag(registry, repository, 'v1', stranger)
    const cases: Record<string, readonly [string, Expected]> = {
      'another identity': [image, { ...expected, identity: expected.identity.replace('/main', '/dev') }],
      'another issuer': [image, { ...expected, issuer: world.stack.otherOidc.issuer }],
      'another digest': [pinned(repository, stranger), expected],
      'a moved tag': [`${repository}:v1`, expected],
    }
    // The same image under its own expectations: what is refused below is refused for its reason.
    expect(await verdicts(world, VERIFIERS, image, expected)).toEqual(ACCEPTED)
    for (const [name, [reference, wanted]] of Object.entries(cases)) {
      const codes = matrix.record(`${registry}, ${name}`, await verdicts(world, VERIFIERS, reference, wanted))
      expect([name, Object.values(codes).filter(code => code === 0)]).toEqual([name, []])
      expect(codes).toMatchObject({ 'waybill signature': 1, 'waybill provenance': 1 })
    }
  })

  test('another repository behind the same signing workflow is refused by who asks for the repository', async () => {
    const signer = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
    const { image } = await attestedElsewhere(registry, signer)
    const expected = { ...expectedOf(world), identity: `${world.stack.git.url}/${signer}` }
    const cosigns = VERIFIERS.filter(verifier => verifier !== 'waybill')
    const codes = async (wanted: Expected, name: string) =>
      Object.values(matrix.record(`${registry}, ${name}`, await verdicts(world, cosigns, image, wanted)))
    // The identity alone lets it pass: it is the shared workflow's, whoever called it.
    expect(await codes(expected, 'shared workflow, no repository asked')).toEqual([0, 0, 0, 0])
    expect(await codes({ ...expected, repository: 'acme/other' }, 'shared workflow, its own repository')).toEqual([
      0, 0, 0, 0,
    ])
    const refused = await codes({ ...expected, repository: 'acme/app' }, 'shared workflow, another repository')
    expect(refused.filter(code => code === 0)).toEqual([])
  })
})

/** A run of another repository that calls the shared workflow. */
async function attestedElsewhere(registry: RegistryName, signer: string): Promise<{ image: string }> {
  await world.stack.git.publish(world.repository.folder, 'acme/other')
  const repository = repositoryIn(world, registry, 'other')
  const inputs = { images: repository, builder: 'layout', layout: layoutOf(world, `other-${registry}`) }
  const result: StepResult = await attest(world, inputs, {
    claims: {
      repository: 'acme/other',
      repository_id: '4711',
      workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
      job_workflow_ref: signer,
    },
  })
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  return { image: pinned(repository, result.outputs.digest) }
}

test.each(['cosign3', 'cosign2', 'waybill'] satisfies Verifier[])(
  'refusals of %s name their reason',
  async (verifier: Verifier) => {
    const { image } = await attested('referrers', `reason-${verifier}`)
    const expected = expectedOf(world)
    const identity = await verify(world, verifier, 'signature', image, { ...expected, identity: 'https://e.example/' })
    expect(identity.log).toContain('https://e.example/')
    const issuer = world.stack.otherOidc.issuer
    expect((await verify(world, verifier, 'signature', image, { ...expected, issuer })).log).toContain(issuer)
  },
)
