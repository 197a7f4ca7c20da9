import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { storeAttestations } from '../../src/github/attestation-post.ts'
import { storedAttestations } from '../../src/github/attestation-store.ts'
import { errorOf } from '../registry/support.ts'
import { GithubWorld, NAME } from './world.ts'

const SUBJECT = sha256('an image')
const OTHER = sha256('a platform of it')

let world: GithubWorld
beforeEach(async () => {
  world = await GithubWorld.start()
})
afterEach(() => world.close())

function bundle(signature: string): Uint8Array {
  const subject = [SUBJECT, OTHER].map(digest => ({ digest: { sha256: digest.slice(7) } }))
  const payload = Buffer.from(JSON.stringify({ subject })).toString('base64')
  return utf8(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { tlogEntries: [] },
      dsseEnvelope: { payload, payloadType: 'application/vnd.in-toto+json', signatures: [{ sig: signature }] },
    }),
  )
}

const place = () => ({ api: world.api(), http: world.http, repository: NAME })
const store = (...signatures: readonly string[]) => storeAttestations(place(), SUBJECT, signatures.map(bundle))
const posts = () => world.github.log.filter(({ method }) => method === 'POST').length

test('what is stored is found by the gate’s own question, under each of its subjects', async () => {
  expect(await store('b25l', 'dHdv')).toBe(2)
  for (const subject of [SUBJECT, OTHER]) {
    const { bundles, complete } = await storedAttestations({ ...place(), subject })
    expect([bundles.map(({ bytes }) => Buffer.from(bytes).toString()), complete]).toEqual([
      ['b25l', 'dHdv'].map(one => Buffer.from(bundle(one)).toString()),
      true,
    ])
  }
  world.github.expectNothingUnexpected()
})

test('what is there is not stored again, by its signature and whatever else changed', async () => {
  await store('b25l')
  const [stored] = world.repository.attestations.get(SUBJECT) ?? []
  world.repository.attestations.set(SUBJECT, [{ bundle: { ...stored?.bundle, added: 'later' } }])
  expect(await store('b25l', 'dHdv')).toBe(1)
  expect(posts()).toBe(2)
})

test('a store that cannot be read is filled all the same', async () => {
  world.model.permissions.delete('attestations')
  expect(await store('b25l')).toBe(1)
})

test.each([
  [403, 'Resource not accessible by integration', 'github/api-permission', 'attestations: write'],
  [404, 'Not Found', 'github/api-permission', 'attestations: write'],
  [401, 'Bad credentials', 'github/api-permission', 'permission'],
  [413, 'Payload too large', 'github/attestation-refused', 'github-attestations'],
  [422, 'Validation Failed', 'github/attestation-refused', 'github-attestations'],
  [403, 'You have exceeded a secondary rate limit.', 'github/api-rate-limited', 'Run again after'],
  [429, 'Too many requests', 'github/api-rate-limited', 'Run again after'],
  [
    403,
    'Feature not available for user-owned private repositories. To enable this feature, please make this repository public.',
    'github/attestations-unavailable',
    'Leave out',
  ],
  [
    422,
    'Feature not available for the acme organization. To enable this feature, please upgrade the billing plan.',
    'github/attestations-unavailable',
    'Leave out',
  ],
  [500, 'Server Error', 'github/api-refused', ''],
] as const)('%i %s is %s, asked once', async (status, message, code, remedy) => {
  world.repository.refuses = { status, message }
  const error = await errorOf(store('b25l', 'dHdv'))
  expect(error).toMatchObject({ code, kind: 'unknown' })
  expect(error.remedy).toContain(remedy)
  expect(posts()).toBe(1)
})

test('an answer that is no JSON, and one that is cut, are told', async () => {
  world.github.on('POST', `/repos/${NAME}/attestations`, { status: 201, body: 'created' })
  expect((await errorOf(store('b25l'))).code).toBe('github/api-malformed')
  world.github.faults.add({ method: 'POST', fault: 'cut' })
  expect((await errorOf(store('b25l'))).code).toBe('core/unreachable')
})
