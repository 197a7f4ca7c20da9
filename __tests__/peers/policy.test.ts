import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import type { RunOptions } from '../fakes/runner.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { Matrix } from './matrix.ts'
import { policyTester, startTrustRoot } from './policy.ts'
import type { TufMirror } from './tuf.ts'
import {
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
  type World,
} from './world.ts'

/** What Waybill signs with real Sigstore services, judged by policy-controller's `tester`, as a cluster would at admission. */
jest.setTimeout(180_000)

const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'

const matrix = new Matrix('policy')
let world: World
let root: TufMirror
beforeAll(async () => {
  world = await openWorld()
  root = await startTrustRoot(world.stack.trustedRootFile)
})
afterAll(async () => {
  matrix.write()
  await root?.close()
  await world?.close()
})

async function attested(registry: RegistryName, name: string, run: RunOptions = {}, more: Inputs = {}) {
  const repository = repositoryIn(world, registry, `policy-${name}`)
  const layout = layoutOf(world, `policy-${registry}-${name}`)
  const result: StepResult = await attest(
    world,
    { images: repository, builder: 'layout', layout, tags: 'v1', ...more },
    run,
  )
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  return { repository, result, image: pinned(repository, result.outputs.digest) }
}

/** With the repository as provenance names it, with its server. */
function ours(): Expected {
  return { ...expectedOf(world), repository: `${world.stack.git.url}/acme/app` }
}

/** A refusal says why: a program that cannot even start or read its files ends with the same code. */
async function judged(row: string, image: string, wanted: Expected, trusted = root): Promise<string> {
  const { code, log } = await policyTester(world, image, wanted, trusted)
  matrix.record(row, { 'policy-tester': code })
  return `${code} ${log}`
}

describe.each(REGISTRIES)('registry %s', registry => {
  test('what the action published is admitted', async () => {
    const { image } = await attested(registry, 'admitted')
    expect(await judged(registry, image, ours())).toMatch(/^0 /)
  })

  test('another identity, issuer or digest, an unsigned image and a moved tag are refused', async () => {
    const { repository, image, result } = await attested(registry, 'refused')
    const identity = ours().identity.replace('/main', '/dev')
    expect(await judged(`${registry}, another identity`, image, { ...ours(), identity })).toMatch(
      /^1 .*expected SAN value .*refs\/heads\/dev/,
    )
    const issuer = world.stack.otherOidc.issuer
    expect(await judged(`${registry}, another issuer`, image, { ...ours(), issuer })).toMatch(
      /^1 .*expected issuer value /,
    )
    const stranger = await pushStranger(world, registry, repository)
    const strange = pinned(repository, stranger)
    expect(await judged(`${registry}, unsigned`, strange, ours())).toMatch(/^1 .*no valid bundles exist in registry/)
    await attachForeign(registry, repository, stranger, result)
    const foreign = /^1 .*artifact digest does not match any digest in statement/
    expect(await judged(`${registry}, another digest`, strange, ours())).toMatch(foreign)
    expect(await judged(`${registry}, by tag`, `${repository}:v1`, ours())).toMatch(/^0 /)
    await moveTag(registry, repository, 'v1', stranger)
    expect(await judged(`${registry}, a moved tag`, `${repository}:v1`, ours())).toMatch(foreign)
  })

  test('another repository behind the same signing workflow is refused by a condition on the provenance alone', async () => {
    await world.stack.git.publish(world.repository.folder, 'acme/other')
    const claims = {
      repository: 'acme/other',
      repository_id: '4711',
      workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
      job_workflow_ref: SHARED,
    }
    const { image } = await attested(registry, 'other', { claims })
    const { git, oidc } = world.stack
    const signer = { identity: `${git.url}/${SHARED}`, issuer: oidc.issuer }
    const of = (repository: string) => ({ ...signer, repository: `${git.url}/${repository}` })
    expect(await judged(`${registry}, shared workflow, no condition`, image, signer)).toMatch(/^0 /)
    expect(await judged(`${registry}, shared workflow, its own repository`, image, of('acme/other'))).toMatch(/^0 /)
    expect(await judged(`${registry}, shared workflow, another repository`, image, of('acme/app'))).toMatch(
      /^1 .*workflow\.repository: conflicting values/,
    )
  })
})

type Root = Record<'tlogs' | 'ctlogs' | 'certificateAuthorities', unknown[]>

test.each([
  ['no transparency log', { tlogs: [] }, /^1 .*not enough verified log entries/],
  ['no certificate log', { ctlogs: [] }, /^1 .*only able to verify 0 SCT entries/],
  ['no certificate authority', { certificateAuthorities: [] }, /^1 .*certificate/],
] satisfies [string, Partial<Root>, RegExp][])(
  'with %s in the trust root it is refused',
  async (name, without, reason) => {
    const { image } = await attested('referrers', name.replaceAll(' ', '-'))
    expect(await judged(`all in the trust root, for ${name}`, image, ours())).toMatch(/^0 /)
    const file = join(world.stack.folder, 'without.json')
    const trusted = JSON.parse(readFileSync(world.stack.trustedRootFile, 'utf8')) as Root
    writeFileSync(file, JSON.stringify({ ...trusted, ...without }))
    const poorer = await startTrustRoot(file)
    try {
      expect(await judged(`${name} in the trust root`, image, ours(), poorer)).toMatch(reason)
    } finally {
      await poorer.close()
    }
  },
)

/** Refused, not admitted by mistake; when a newer version reads them, this is to become an admission. */
test('bundles with an entry of Rekor v2 are none to this version of policy-controller', async () => {
  const config = await world.stack.signingConfig('policy-v2.json', {
    rekor: { url: world.stack.rekorV2.url, version: 2 },
  })
  const { image } = await attested('referrers', 'rekor-v2', {}, { 'signing-config': config })
  expect(await judged('Rekor v2', image, ours())).toMatch(/^1 .*no valid bundles exist in registry/)
})
