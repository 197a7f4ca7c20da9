import * as openpgp from 'openpgp'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { JudgedCommit } from '../../src/core/facts.ts'
import { SourceFacts } from '../../src/pipeline/source-facts.ts'
import { PlatformAnswers } from '../../src/pipeline/source-platform.ts'
import type { Law } from '../../src/policy/law.ts'
import { withSignature } from '../fakes/repository.ts'
import { EVERYTHING, EvidenceWorld, FakePlatform, lawWith } from './evidence-world.ts'

const world = new EvidenceWorld()
afterAll(() => world.close())

async function newKey(): Promise<openpgp.PrivateKey> {
  const userIDs = [{ name: 'Platform', email: 'noreply@example.com' }]
  return (await openpgp.generateKey({ userIDs, format: 'object', type: 'curve25519' })).privateKey
}

const fingerprintOf = (key: openpgp.PrivateKey): string => key.getFingerprint().toUpperCase()

/** A commit signed with the key; `tamper` changes what was signed afterwards. */
async function signed(key: openpgp.PrivateKey, tamper = (payload: string) => payload): Promise<CommitId> {
  const plain = world.repository.object({ message: 'by the platform' }, world.tree(world.anchor), [world.anchor])
  const payload = `${world.repository.git('cat-file', 'commit', plain)}\n`
  const message = await openpgp.createMessage({ binary: new Uint8Array(Buffer.from(payload)) })
  const armor = String(await openpgp.sign({ message, signingKeys: key, detached: true }))
  const object = withSignature(tamper(payload), armor.replaceAll('\r', '').trimEnd())
  const id = world.repository.gitInput(object, 'hash-object', '-t', 'commit', '-w', '--stdin')
  return parseCommitId(id)
}

async function check(
  commits: readonly CommitId[],
  law: Law,
  platform: FakePlatform,
  askPlatform = true,
): Promise<readonly JudgedCommit[]> {
  for (const id of commits) world.repository.git('update-ref', `refs/heads/c-${id}`, id)
  const history = await world.open()
  await history.ensure(commits)
  const answers = new PlatformAnswers(platform, () => history.remaining())
  return new SourceFacts(history, answers).of(commits, law, askPlatform)
}

function platformWith(...keys: readonly openpgp.PrivateKey[]): FakePlatform {
  const platform = new FakePlatform()
  const armor = keys.map(key => key.toPublic().armor()).join('\n')
  platform.keys = { kind: 'known', value: new Uint8Array(Buffer.from(armor)) }
  return platform
}

test('a signature that names a pinned key of the platform is checked with what the platform publishes, asked once', async () => {
  const [pinned, other] = [await newKey(), await newKey()]
  const law = lawWith(EVERYTHING, { platformKeys: [{ fingerprint: fingerprintOf(pinned), file: 'keys/gone.asc' }] })
  const platform = platformWith(pinned, other)
  const commits = [
    await signed(pinned),
    await signed(pinned, payload => payload.replace('by the', 'by another')),
    await signed(other),
    world.anchor,
  ]
  const facts = await check(commits, law, platform)
  expect(facts).toMatchObject([
    { signature: { kind: 'openpgp', primary: fingerprintOf(pinned) } },
    { signature: { kind: 'rejected', code: 'source/bad-signature' } },
    // The platform publishing it does not make it one of its pinned keys.
    { signature: { kind: 'rejected', code: 'source/key-unknown' } },
    { signature: { kind: 'ssh' } },
  ])
  expect(platform.keysAsked).toBe(1)
})

test('without the key the signature is unjudged, never bad', async () => {
  const key = await newKey()
  const law = lawWith(EVERYTHING, { platformKeys: [{ fingerprint: fingerprintOf(key), file: 'keys/gone.asc' }] })
  const id = await signed(key)
  const silent = new FakePlatform()
  silent.keys = { kind: 'unavailable', cause: fail('core/unreachable', 'No answer') }
  const nonsense = new FakePlatform()
  nonsense.keys = { kind: 'known', value: new Uint8Array(Buffer.from('<html>')) }
  for (const platform of [silent, nonsense, platformWith(await newKey())]) {
    const [fact] = await check([id], law, platform)
    expect(fact).toMatchObject({
      signature: { kind: 'unjudged', code: 'source/platform-key-missing', claimedKey: fingerprintOf(key) },
    })
  }
})

test('nobody is asked for keys where no rule accepts what the platform signs', async () => {
  const key = await newKey()
  const law = lawWith(EVERYTHING, { platformKeys: [{ fingerprint: fingerprintOf(key), file: 'keys/gone.asc' }] })
  const platform = platformWith(key)
  const [fact] = await check([await signed(key)], law, platform, false)
  expect(fact).toMatchObject({ signature: { kind: 'rejected', code: 'source/key-unknown' } })
  expect(platform.keysAsked).toBe(0)
})
