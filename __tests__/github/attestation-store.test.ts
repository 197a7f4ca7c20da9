import { type Digest, sha256 } from '../../src/core/digest.ts'
import { type StoreQuestion, storedAttestations } from '../../src/github/attestation-store.ts'
import { addressGuard } from '../../src/io/address.ts'
import { HttpClient } from '../../src/io/http.ts'
import { EvidenceBudget } from '../../src/registry/evidence-budget.ts'
import { type Github, startGithub } from '../fakes/github.ts'
import type { ModelAttestation } from '../fakes/github-model.ts'
import { encodeSnappy } from '../fakes/snappy.ts'
import { GithubWorld, NAME } from './world.ts'

const SUBJECT = sha256('an image')
const PATH = `/repos/${NAME}/attestations/${SUBJECT}`

let world: GithubWorld
let storage: Github
beforeEach(async () => {
  world = await GithubWorld.start()
  storage = await startGithub()
})
afterEach(async () => {
  await world.close()
  await storage.close()
})

const bundle = (name: string) => ({
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  verificationMaterial: { name },
})

function store(...attestations: ModelAttestation[]): void {
  world.repository.attestations.set(SUBJECT, attestations)
}

/** Keeps a bundle in a storage of its own, as GitHub does. */
function kept(name: string, content = JSON.stringify(bundle(name))): ModelAttestation {
  const headers = { 'content-type': 'application/x-snappy' }
  storage.on('GET', `/${name}.json.sn`, { status: 200, headers, body: encodeSnappy(Buffer.from(content)) })
  return { bundleUrl: `${storage.url}/${name}.json.sn?sig=secret` }
}

function ask(more: Partial<StoreQuestion> = {}, token?: { token: string | undefined }) {
  return storedAttestations({ api: world.api(token), http: world.http, repository: NAME, subject: SUBJECT, ...more })
}

const namesOf = ({ bundles }: Awaited<ReturnType<typeof ask>>) =>
  bundles.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()).verificationMaterial.name)

test('bundles in the answer and bundles behind a URL are both read', async () => {
  store({ bundle: bundle('inline') }, kept('by-url'))
  const found = await ask()
  expect(namesOf(found)).toEqual(['inline', 'by-url'])
  expect(found).toMatchObject({ complete: true, skipped: [] })
  expect(found.bundles[0]?.manifest).toBe(sha256(JSON.stringify(bundle('inline'))))
  expect(storage.log[0]?.path).toBe('/by-url.json.sn?sig=secret')
  world.github.expectNothingUnexpected()
})

test('13-adversary 17: the token goes to the API and never to the storage', async () => {
  store(kept('one'))
  await ask()
  expect(world.github.log[0]?.headers.authorization).toBe('Bearer secret')
  expect(storage.log[0]?.headers).not.toHaveProperty('authorization')
})

test('an answer that spells the missing bundle as null is read by its URL', async () => {
  const { bundleUrl } = kept('one')
  world.github.on('GET', PATH, {
    status: 200,
    body: { attestations: [{ bundle: null, bundle_url: bundleUrl, repository_id: 1, initiator: 'user' }] },
  })
  expect(namesOf(await ask())).toEqual(['one'])
})

test('a storage that serves plain JSON is understood', async () => {
  storage.on('GET', '/plain', { status: 200, body: bundle('plain') })
  store({ bundleUrl: `${storage.url}/plain` })
  expect(namesOf(await ask())).toEqual(['plain'])
})

test('every page is read', async () => {
  store(...Array.from({ length: 150 }, (_, i) => ({ bundle: bundle(String(i)) })))
  const found = await ask()
  expect(found.bundles).toHaveLength(150)
  expect(found.complete).toBe(true)
  expect(world.asked(/attestations/)).toBe(2)
  world.github.expectNothingUnexpected()
})

test('13-adversary 43: of 5,000 attestations 200 are examined, and the answer is incomplete', async () => {
  store(...Array.from({ length: 5_000 }, (_, i) => ({ bundle: bundle(String(i)) })))
  const found = await ask()
  expect(found.bundles).toHaveLength(200)
  expect(found).toMatchObject({
    complete: false,
    skipped: [{ code: 'github/attestations-incomplete', severity: 'note' }],
  })
  expect(world.asked(/attestations/)).toBeLessThan(5)
})

test('13-adversary 43: the store takes from the subject’s budget', async () => {
  store({ bundle: bundle('a') }, { bundle: bundle('b') }, kept('c'))
  const found = await ask({ budget: new EvidenceBudget({ bundles: 2 }) })
  expect(found.bundles).toHaveLength(2)
  expect(found).toMatchObject({
    complete: false,
    skipped: [{ code: 'github/attestations-incomplete', found: '1 more' }],
  })
})

test('a digest without attestations in a repository that is shown has none', async () => {
  expect(await ask()).toEqual({ bundles: [], complete: true, skipped: [] })
  expect(world.github.requests().map(line => line.replace(/\?.*→/, ' →'))).toEqual([
    `GET ${PATH} → 404`,
    `GET /repos/${NAME} → 200`,
  ])
})

test('13-adversary 5: absent is not unreadable: of a repository that is not shown nothing is known', async () => {
  const found = await ask({ repository: 'acme/hidden' })
  expect(found).toMatchObject({ bundles: [], complete: false, skipped: [{ code: 'github/api-permission' }] })
})

test('13-adversary 5: a token without the permission is told which one is missing', async () => {
  world.model.permissions.delete('attestations')
  const found = await ask()
  expect(found).toMatchObject({ bundles: [], complete: false, skipped: [{ code: 'github/api-permission' }] })
  expect(found.skipped[0]?.remedy).toContain('attestations: read')
})

test('public attestations need no token', async () => {
  store({ bundle: bundle('one') })
  expect(namesOf(await ask({}, { token: undefined }))).toEqual(['one'])
})

test.each([
  ['a server error', { status: 500 }],
  ['a cut connection', 'cut'],
  ['a rate limit', { status: 429, headers: { 'retry-after': '9999' } }],
  ['an answer cut in the middle', 'cut-body'],
] as const)('13-adversary 26: %s makes it incomplete, never a refusal', async (_what, fault) => {
  store({ bundle: bundle('one') })
  world.github.faults.add({ path: /attestations/, times: Infinity, fault })
  const found = await ask()
  expect(found).toMatchObject({ bundles: [], complete: false })
  expect(found.skipped).toHaveLength(1)
})

test('13-adversary 26: a second page that fails keeps the first', async () => {
  store(...Array.from({ length: 120 }, (_, i) => ({ bundle: bundle(String(i)) })))
  world.github.faults.add({ path: /attestations/, after: 1, times: Infinity, fault: { status: 502 } })
  const found = await ask()
  expect(found.bundles).toHaveLength(100)
  expect(found).toMatchObject({ complete: false, skipped: [{ code: 'github/api-refused' }] })
})

test.each([
  ['no list', { attestations: {} }],
  ['a list itself', []],
  ['an entry that is text', { attestations: ['x'] }],
  ['an entry without a bundle', { attestations: [{ repository_id: 1 }] }],
  ['a place that is no text', { attestations: [{ bundle_url: 7 }] }],
  ['a place that is no URL', { attestations: [{ bundle_url: 'bundle.json' }] }],
  ['a place on this machine’s disk', { attestations: [{ bundle_url: 'file:///etc/passwd' }] }],
  ['a place with a login', { attestations: [{ bundle_url: 'https://user:pw@storage.example/x' }] }],
  ['a place without TLS', { attestations: [{ bundle_url: 'http://storage.example/x' }] }],
])('13-adversary 26: an answer with %s is incomplete, and nobody else is asked', async (_what, body) => {
  world.github.on('GET', PATH, { status: 200, body })
  expect(await ask()).toMatchObject({ bundles: [], complete: false, skipped: [{ code: 'github/api-malformed' }] })
  expect(storage.log).toEqual([])
})

test.each([
  ['the metadata address', 'https://169.254.169.254/latest', 'core/address-refused'],
  ['a name that leads inside', 'https://inside.example/x', 'core/address-refused'],
])('13-adversary 32: a bundle at %s is not fetched', async (_what, bundleUrl, code) => {
  store({ bundle: bundle('good') }, { bundleUrl })
  const guard = addressGuard({ private: true, pin: true }, () =>
    Promise.resolve([{ address: '169.254.169.254', family: 4 as const }]),
  )
  const found = await ask({ guard })
  expect(namesOf(found)).toEqual(['good'])
  expect(found).toMatchObject({ complete: false, skipped: [{ code }] })
})

test.each([
  ['nothing', { status: 404 }, 'github/api-refused'],
  ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }, 'github/api-refused'],
  ['no Snappy', { status: 200, body: 'not compressed' }, 'github/api-malformed'],
  ['a gigabyte announced', { status: 200, body: Buffer.from([0xff, 0xff, 0xff, 0xff, 0x03]) }, 'github/api-malformed'],
  ['eleven megabytes', { status: 200, body: Buffer.alloc(11 * 1024 ** 2) }, 'core/answer-too-large'],
])('13-adversary 26: a storage that answers %s spares the others', async (_what, answer, code) => {
  storage.on('GET', '/bad', answer)
  store({ bundleUrl: `${storage.url}/bad` }, kept('good'))
  const found = await ask()
  expect(namesOf(found)).toEqual(['good'])
  expect(found).toMatchObject({ complete: false, skipped: [{ code }] })
  expect(JSON.stringify(found.skipped)).not.toContain('sig=secret')
})

test('a storage that fails for a moment is asked again', async () => {
  store(kept('one'))
  storage.faults.add({ times: 2, fault: { status: 503 } })
  expect(namesOf(await ask())).toEqual(['one'])
})

test('the client’s own connection pool is used', async () => {
  const http = new HttpClient()
  store(kept('one'), kept('two'))
  expect((await ask({ http })).bundles).toHaveLength(2)
  expect(http.records.map(({ status }) => status)).toEqual([200, 200])
  http.close()
})

test('two digests are told apart', async () => {
  store({ bundle: bundle('one') })
  const other: Digest = sha256('another image')
  expect(namesOf(await ask({ subject: other }))).toEqual([])
})
