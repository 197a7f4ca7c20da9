import { sha256 } from '../../src/core/digest.ts'
import { EvidenceBudget } from '../../src/registry/evidence-budget.ts'
import { fetchLegacy, type LegacySignature, legacyTag } from '../../src/registry/legacy.ts'
import { OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { ENVELOPE_TYPE, evidenceWorld, indexOf, putLegacy, putManifest } from './evidence-world.ts'
import { closeAll } from './support.ts'

afterEach(closeAll)

const shown = (items: readonly LegacySignature[]) =>
  items.map(({ form, payload, annotations }) => [form, Buffer.from(payload).toString(), annotations])

test('fetchLegacy() reads every layer of both tags, with annotations, smallest first', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const sig = putLegacy(store, subject.digest, 'sig', [
    { text: '{"critical":1}', annotations: { 'dev.cosignproject.cosign/signature': 'MEQ=' } },
    // Two signatures over one payload differ in their annotations alone.
    { text: '{"critical":1}', annotations: { 'dev.cosignproject.cosign/signature': 'MEU=' } },
  ])
  const att = putLegacy(store, subject.digest, 'att', [{ text: '{"payloadType":"x","payload":""}' }])
  const fetched = await fetchLegacy(client, repository, subject.digest)
  expect(shown(fetched.legacy)).toEqual([
    ['signature', '{"critical":1}', { 'dev.cosignproject.cosign/signature': 'MEQ=' }],
    ['signature', '{"critical":1}', { 'dev.cosignproject.cosign/signature': 'MEU=' }],
    ['attestation', '{"payloadType":"x","payload":""}', {}],
  ])
  expect(fetched.legacy.map(({ manifest }) => manifest)).toEqual([sig, sig, att])
  expect(fetched).toMatchObject({ complete: true, skipped: [] })
  expect(registry.log).toHaveLength(4)
})

test('an image without legacy tags costs two requests and holds nothing', async () => {
  const { client, repository, subject, registry } = await evidenceWorld()
  expect(await fetchLegacy(client, repository, subject.digest)).toEqual({ legacy: [], complete: true, skipped: [] })
  expect(registry.requests()).toEqual(
    ['signature', 'attestation'].map(
      form => `GET /v2/acme/app/manifests/${legacyTag(subject.digest, form as 'signature')} → 404`,
    ),
  )
})

test.each([
  ['a server error', { status: 500 }],
  ['no permission', { status: 403 }],
  ['a cut connection', 'cut'],
  ['an answer cut in the middle', 'cut-body'],
] as const)('13-adversary 26: %s under one tag makes it incomplete and spares the other', async (_what, fault) => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  putLegacy(store, subject.digest, 'sig', [{ text: 'one' }])
  putLegacy(store, subject.digest, 'att', [{ text: 'two' }])
  registry.faults.add({ path: /\.sig$/, times: Infinity, fault })
  const fetched = await fetchLegacy(client, repository, subject.digest)
  expect(shown(fetched.legacy)).toEqual([['attestation', 'two', {}]])
  expect(fetched.complete).toBe(false)
  expect(fetched.skipped).toHaveLength(1)
})

test.each([
  ['an index', indexOf([])],
  ['schema 1', { schemaVersion: 1, mediaType: OCI_MANIFEST }],
  ['an annotation that is no text', undefined],
])('13-adversary 26: %s under the tag is named and no evidence', async (_what, document) => {
  const { client, repository, store, subject } = await evidenceWorld()
  if (document === undefined) putLegacy(store, subject.digest, 'sig', [{ text: 'x', annotations: { a: 1 } }])
  else putManifest(store, document, legacyTag(subject.digest, 'signature'))
  const fetched = await fetchLegacy(client, repository, subject.digest)
  expect(fetched.legacy).toEqual([])
  expect(fetched.skipped).toHaveLength(1)
  expect(fetched.skipped[0]?.severity).toBe('note')
})

test('13-adversary 26: layers of other types, too large or of another size are named and left out', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  putLegacy(store, subject.digest, 'sig', [
    { text: 'good' },
    { text: 'envelope', mediaType: ENVELOPE_TYPE },
    { text: 'huge', size: 1024 ** 3 },
    { text: 'longer than it says', size: 25 },
  ])
  const fetched = await fetchLegacy(client, repository, subject.digest)
  expect(shown(fetched.legacy)).toEqual([['signature', 'good', {}]])
  expect(fetched.skipped.map(({ code }) => code)).toEqual(Array(3).fill('registry/bundle-skipped'))
})

test('13-adversary 26: a payload that is not served as named makes it incomplete', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  putLegacy(store, subject.digest, 'sig', [{ text: 'good' }, { text: 'replaced' }])
  registry.faults.lie(sha256('replaced'), 'evil')
  const fetched = await fetchLegacy(client, repository, subject.digest)
  expect(shown(fetched.legacy)).toEqual([['signature', 'good', {}]])
  expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'registry/digest-mismatch' }] })
})

test('13-adversary 43: of a flood of layers 200 are read, within the subject’s budget', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  putLegacy(
    store,
    subject.digest,
    'sig',
    Array.from({ length: 5_000 }, (_, i) => ({ text: 'x', annotations: { number: String(i) } })),
  )
  const all = await fetchLegacy(client, repository, subject.digest)
  expect(all.legacy).toHaveLength(200)
  expect(all).toMatchObject({ complete: false, skipped: [{ code: 'registry/referrers-incomplete' }] })
  const few = await fetchLegacy(client, repository, subject.digest, { budget: new EvidenceBudget({ bundles: 3 }) })
  expect(few.legacy).toHaveLength(3)
  expect(few.complete).toBe(false)
  const bytes = await fetchLegacy(client, repository, subject.digest, { budget: new EvidenceBudget({ bytes: 2 }) })
  expect(bytes.legacy).toHaveLength(2)
})
