import { generateKeyPairSync } from 'node:crypto'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { legacyLayer } from '../../src/sigstore/legacy-layer.ts'
import { loadSigningKey } from '../../src/sigstore/sign/key.ts'
import { openKeySession } from '../../src/sigstore/sign/key-session.ts'
import { loadSigningConfig } from '../../src/sigstore/trust/services.ts'
import { verifyArtifact, verifyLegacy } from '../../src/sigstore/verify/verify.ts'
import { simpleSigningPayload } from '../../src/statements/simple-signing.ts'
import { signingConfig } from '../fakes/trusted-root.ts'
import { type Bench, codeOf, hasty, openBench, SAN, statement } from './support.ts'

const IMAGE = sha256('an image')
const NAME = 'ghcr.io/acme/app'

let bench: Bench
let second: Bench
beforeAll(async () => {
  ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
})
afterAll(() => Promise.all([bench.close(), second.close()]))

const configOf = (choice: 'v1' | 'v2' | 'both', { stack }: Bench = bench): Uint8Array =>
  Buffer.from(JSON.stringify(signingConfig({ issuer: stack.oidc.issuer, ...stack }, choice)))

async function signature(digest: Digest = IMAGE) {
  const { bundle } = await bench.session().signImage(NAME, digest)
  return { bundle, payload: simpleSigningPayload(NAME, digest) }
}

test('a signature of an image is one that the gate reads from a tag, with signer, digest and time', async () => {
  const { bundle, payload } = await signature()
  const { statement: stated, signer, form, timeSources } = verifyLegacy(legacyLayer(bundle, payload), bench.trust)
  expect(stated.subject).toEqual([{ digest: { sha256: IMAGE.slice(7) } }])
  expect([signer.kind === 'certificate' && signer.san.value, form, timeSources]).toEqual([
    SAN,
    'simple-signing',
    ['rekor-v1'],
  ])
})

test('its bundle on disk is a signature over the payload, which anybody can make again', async () => {
  const { bundle, payload } = await signature()
  const artifact = { digest: sha256(payload), content: payload }
  expect((await verifyArtifact(bundle, artifact, bench.trust)).form).toBe('message')
  const other = simpleSigningPayload('ghcr.io/acme/other', IMAGE)
  expect(await codeOf(() => verifyArtifact(bundle, { digest: sha256(other), content: other }, bench.trust))).toBe(
    'sigstore/artifact-mismatch',
  )
  expect(() => legacyLayer(bundle, other)).toThrow(TypeError)
})

test('an attached statement is the same statement in a tag', async () => {
  const { bundle } = await bench.session().sign(statement('a'))
  const layer = legacyLayer(bundle)
  expect(layer.form).toBe('attestation')
  expect(layer.annotations['dev.cosignproject.cosign/signature']).toBe('')
  expect(verifyLegacy(layer, bench.trust).statement.predicate).toEqual({ name: 'a' })
})

test.each([
  ['another payload', { payload: Buffer.from(simpleSigningPayload(NAME, sha256('another'))) }],
  ['another signature', { annotations: { 'dev.cosignproject.cosign/signature': 'MEUCIQ==' } }],
  ['no promise', { annotations: { 'dev.sigstore.cosign/bundle': undefined } }],
])('with %s it proves nothing', async (_, change) => {
  const { bundle, payload } = await signature()
  const layer = legacyLayer(bundle, payload)
  const annotations = Object.fromEntries(
    Object.entries({ ...layer.annotations, ...('annotations' in change ? change.annotations : {}) }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
  const changed = { ...layer, ...('payload' in change ? { payload: change.payload } : {}), annotations }
  expect(await codeOf(() => verifyLegacy(changed, bench.trust))).toMatch(/^sigstore\//)
})

test('an entry of Rekor v2 promises nothing: such a bundle has no form for a tag, and no signature for one is made', async () => {
  const { bundle } = await second.session().sign(statement('a'))
  expect(await codeOf(() => legacyLayer(bundle))).toBe('sigstore/log-without-promise')
  expect(await codeOf(() => second.session().signImage(NAME, IMAGE))).toBe('sigstore/log-without-promise')
})

test('without a log there is no signature for a tag', async () => {
  expect(await codeOf(() => bench.session({ log: false }).signImage(NAME, IMAGE))).toBe('sigstore/log-without-promise')
})

test('of an operator with logs of both kinds the one that promises is taken, where it is asked for', () => {
  const both = configOf('both')
  const versions = (promised: boolean) =>
    loadSigningConfig(both, new Date(), promised).rekor.map(({ majorApiVersion }) => majorApiVersion)
  expect(versions(true)).toEqual([1])
  expect(versions(false)).toContain(2)
})

test('services without such a log are refused, with what they have', async () => {
  expect(await codeOf(() => loadSigningConfig(configOf('v2'), new Date(), true))).toBe('sigstore/log-without-promise')
  const none = Buffer.from(JSON.stringify({ ...JSON.parse(configOf('v1').toString()), rekorTlogUrls: [] }))
  expect(await codeOf(() => loadSigningConfig(none, new Date(), true))).toBe('sigstore/log-without-promise')
})

test.each([
  ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const)('13-adversary 22: a key (%s) signs nothing but what is made here', async (kind, make) => {
  const { privateKey, publicKey } = make()
  const pem = Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const { services, http } = bench
  const witnesses = { services, http, now: () => Date.now() }
  const session = openKeySession({ key: await loadSigningKey(pem), witnesses, clock: hasty })
  // The double of the log knows hashes signed on P-256 alone; the real one is asked in the ring of peers.
  if (kind === 'RSA') return expect(await codeOf(() => session.signImage(NAME, IMAGE))).toBe('sigstore/log-unavailable')
  const { bundle } = await session.signImage(NAME, IMAGE)
  const layer = legacyLayer(bundle, simpleSigningPayload(NAME, IMAGE))
  const keys = [{ publicKey: publicKey.export({ format: 'pem', type: 'spki' }).toString() }]
  expect(verifyLegacy(layer, bench.trust, { keys }).signer.kind).toBe('key')
  expect(layer.annotations['dev.sigstore.cosign/certificate']).toBeUndefined()
})

test.each([
  ['an entry about another payload', (body: Record<string, unknown>) => ({ ...body, kind: 'dsse' })],
  ['nothing', () => ({})],
])('an answer of the log with %s is refused', async (_, change) => {
  const { stack } = bench
  await signature()
  const last = structuredClone(stack.rekorV1.last()) as Record<string, { body: string }>
  const [entry] = Object.values(last)
  if (entry === undefined) throw new Error('the log has an entry')
  entry.body = Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(entry.body, 'base64').toString())))).toString(
    'base64',
  )
  stack.rekorV1.faults.add({ method: 'POST', fault: { status: 201, body: JSON.stringify(last) } as never })
  expect(await codeOf(() => bench.session().signImage(NAME, IMAGE))).toMatch(/^sigstore\/log-/)
  stack.rekorV1.faults.clear()
})
