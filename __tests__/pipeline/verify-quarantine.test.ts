import { type Digest, sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { verify } from '../../src/pipeline/verify.ts'
import type { Resolved } from '../../src/pipeline/verify-request.ts'
import type { Expectation } from '../../src/policy/gate.ts'
import { GUARD, quarantine } from '../policy/gate-world.ts'
import { ISSUER } from '../policy/images.ts'
import { NOW } from '../policy/world.ts'
import { EXPECTED, holding, image, request, signature, VerifyWorld } from './verify-world.ts'

const [INDEX, ONE, TWO] = [sha256('index'), sha256('one'), sha256('two')]
const text = (digest: Digest) => `ghcr.io/acme/app@${digest}`

const listing = (...digests: readonly Digest[]): Expectation => ({
  ...EXPECTED,
  quarantined: digests.map(digest => ({ digest, reason: 'known bad', since: NOW })),
})
const believing: Expectation = {
  ...EXPECTED,
  quarantineBy: { kind: 'sigstore', identity: { exact: GUARD.san.value }, issuer: ISSUER },
}

/** A world with an index of two platforms that is signed itself. */
function indexWorld(): VerifyWorld {
  const world = new VerifyWorld()
  world.evidence.set(INDEX, [async () => holding(world.bundle(signature(INDEX)))])
  world.children.set(INDEX, [ONE, TWO])
  return world
}

async function outcome(world: VerifyWorld, expectation: Expectation, of = INDEX, change = {}) {
  const { subjects } = await verify(request([image(text(of))], { expectation: () => expectation }), world.ports(change))
  return [subjects[0]?.verdict, subjects[0]?.findings[0]?.code]
}

describe('13-adversary 31: quarantine of', () => {
  test('a platform in the list refuses its index, although that is signed itself', async () => {
    expect(await outcome(indexWorld(), listing(TWO))).toEqual(['rejected', 'verify/quarantined'])
    expect(await outcome(indexWorld(), listing(sha256('another')))).toEqual(['passed', undefined])
  })

  test('a platform by a record refuses its index, although that is signed itself', async () => {
    const world = indexWorld()
    expect(await outcome(world, believing)).toEqual(['passed', undefined])
    const record = world.bundle(quarantine({ digest: TWO }, { digest: TWO }))
    world.evidence.set(TWO, [async () => holding(record)])
    expect(await outcome(world, believing)).toEqual(['rejected', 'verify/quarantined'])
  })

  test('an image by a record in the last place that is asked', async () => {
    const world = indexWorld()
    const record = world.bundle(quarantine({ digest: INDEX }, { digest: INDEX }))
    world.evidence.set(INDEX, [...(world.evidence.get(INDEX) ?? []), async () => holding(record)])
    expect(await outcome(world, believing)).toEqual(['rejected', 'verify/quarantined'])
    expect(await outcome(world, EXPECTED)).toEqual(['passed', undefined])
  })

  test('an index by a record: it vouches for none of its platforms', async () => {
    const world = indexWorld()
    world.children.clear()
    world.parents.set(ONE, [INDEX])
    expect(await outcome(world, believing, ONE)).toEqual(['passed', undefined])
    const record = world.bundle(quarantine({ digest: INDEX }, { digest: INDEX }))
    world.evidence.set(INDEX, [async () => holding(world.bundle(signature(INDEX)), record)])
    expect(await outcome(world, believing, ONE)).toEqual(['rejected', 'verify/no-attestation'])
  })

  test('platforms that cannot be read is unknown, never passed', async () => {
    const broken = () => Promise.reject(fail('registry/child-missing', 'A platform is not there'))
    const resolve = async (): Promise<Resolved> => ({ digest: INDEX, relatives: broken })
    expect(await outcome(indexWorld(), listing(TWO), INDEX, { resolve })).toEqual(['unknown', 'verify/incomplete'])
    expect(await outcome(indexWorld(), believing, INDEX, { resolve })).toEqual(['unknown', 'verify/incomplete'])
  })

  test('a place that holds no records is not asked for any', async () => {
    const world = indexWorld()
    const silent = Object.assign(() => Promise.reject(fail('registry/forbidden', 'No')), {
      holdsRecords: false,
    } as const)
    world.evidence.set(INDEX, [...(world.evidence.get(INDEX) ?? []), silent])
    expect(await outcome(world, believing)).toEqual(['passed', undefined])
  })
})
