import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import { plannedTags, promoteTags } from '../../src/pipeline/deploy-promote.ts'
import type { DeployPorts, DeploySigner, DeployUnit } from '../../src/pipeline/deploy-request.ts'
import { attachBundles } from '../../src/registry/bundles.ts'
import { formatReference, parseReference, repositoryOf } from '../../src/registry/reference.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { deploySummary } from '../policy/gate-world.ts'
import { certificate } from '../policy/images.ts'
import { errorOf } from '../policy/world.ts'
import { closeAll, connect, keep, pushImage } from '../registry/support.ts'

/** As much of a unit as the plan looks at. */
function unit(name: string, content = name, deployer = true): DeployUnit {
  const repository = repositoryOf(parseReference(name))
  const expectation = deployer ? { deployer: {} } : {}
  return { resource: name, digest: sha256(content), expectation, image: { repository } } as unknown as DeployUnit
}

const APP = unit('ghcr.io/acme/app')
const WEB = unit('ghcr.io/acme/web')
const PAUSE = unit('registry.k8s.io/pause', 'pause', false)
const into = (name: string, tag = 'production') => ({ repository: repositoryOf(parseReference(name)), tag })
const planned = (...args: Parameters<typeof plannedTags>) =>
  plannedTags(...args).map(
    ({ unit: of, repository, tag }) => `${formatReference({ ...repository, tag })} ${of.resource}`,
  )

test('a tag alone is one of every image that somebody deploys here', () => {
  expect(planned([{ tag: 'live' }], [APP, WEB, PAUSE])).toEqual([
    'ghcr.io/acme/app:live ghcr.io/acme/app',
    'ghcr.io/acme/web:live ghcr.io/acme/web',
  ])
})

test('with a repository it is for the image of that name, of that path elsewhere, or the only one', () => {
  expect(planned([into('ghcr.io/acme/web')], [APP, WEB])).toEqual(['ghcr.io/acme/web:production ghcr.io/acme/web'])
  expect(planned([into('quay.io/acme/app')], [APP, WEB])).toEqual(['quay.io/acme/app:production ghcr.io/acme/app'])
  expect(planned([into('quay.io/other/name')], [APP])).toEqual(['quay.io/other/name:production ghcr.io/acme/app'])
})

test.each([
  ['a name that fits two images', [into('quay.io/other/name')], [APP, WEB]],
  ['two digests of one repository', [{ tag: 'live' }], [APP, unit('ghcr.io/acme/app', 'another')]],
  ['nothing of ours', [{ tag: 'live' }], [PAUSE]],
  ['one tag for two images', [into('quay.io/acme/app'), into('quay.io/acme/app')], []],
])('13-adversary 25: %s is refused rather than guessed', (_what, promote, units) => {
  expect(errorOf(() => plannedTags(promote, units)).code).toBe('deploy/promotion-unclear')
})

describe('promotion', () => {
  afterEach(closeAll)

  async function served() {
    const registry = keep(await startRegistry())
    const connection = connect(registry.host)
    const { client, repository } = connection
    const [present, wanted] = [await pushImage(connection, 'present'), await pushImage(connection, 'wanted')]
    await client.putManifest(repository, 'live', present.descriptor.mediaType, present.bytes)
    const item = { subject: present.descriptor, bundle: utf8('{}'), predicateType: 'https://x', created: new Date(0) }
    await attachBundles(client, repository, [item])
    const resource = formatReference(repository)
    const deployer = { signer: { kind: 'key', file: 'deploy.pem', fingerprint: 'ab' }, environment: 'production' }
    const one = { resource, digest: wanted.descriptor.digest, expectation: { deployer }, image: { registry: client } }
    const tag = { unit: one as unknown as DeployUnit, repository, tag: 'live' }
    const tags = registry.storage.open(repository.repository).tags
    return { registry, tag, tags, resource, present: present.descriptor.digest, wanted: wanted.descriptor.digest }
  }

  /** What the tag points to was deployed by run 200. */
  const said = (resource: string, environment: string) => {
    const ci = { runInvocationUri: 'https://github.com/acme/app/actions/runs/200/attempts/1' }
    const found = { ...deploySummary({ resource, environment }), signer: certificate({ san: 'https://x', ci }) }
    return { verifier: async () => ({ bundle: async () => found }) } as unknown as Pick<DeployPorts, 'verifier'>
  }
  const anybody = {
    kind: 'sigstore',
    identity: { exact: 'https://x' },
    issuer: certificate({ san: 'https://x' }).issuer,
  }
  const run = { run: { id: '150' } } as unknown as DeploySigner

  test.each([
    ['the same', 'production', 'registry/tag-newer'],
    ['another', 'staging', 'moved'],
  ])('13-adversary 25: a later run that deployed what is there to %s environment', async (_what, to, expected) => {
    const { tag, tags, resource, wanted, present } = await served()
    const { unit } = tag
    const deployer = { ...unit.expectation.deployer, signer: anybody }
    const named = { ...tag, unit: { ...unit, expectation: { ...unit.expectation, deployer } } as unknown as DeployUnit }
    const done = promoteTags([named], run, said(resource, to), () => {}).then(() => 'moved')
    expect(await done.catch(error => asWaybillError(error).code)).toBe(expected)
    expect(tags.get('live')).toBe(expected === 'moved' ? wanted : present)
  })

  test('13-adversary 25: whoever is written over by another deploy is told', async () => {
    const { registry, tag, tags, present } = await served()
    let written = false
    registry.faults.hook(({ method, path }) => {
      if (!path.endsWith('/manifests/live')) return undefined
      if (method === 'PUT') written = true
      else if (written) tags.set('live', present)
      return undefined
    })
    const told: string[] = []
    const nobody = { hand: () => Promise.reject(new Error('nobody signs')) }
    const promoted = promoteTags([tag], nobody, said('x', 'production'), sentence => told.push(sentence))
    expect(await promoted.then(() => 'told nothing').catch(error => asWaybillError(error).code)).toBe(
      'registry/tag-changed',
    )
    expect(told.length).toBe(1)
  })
})
