import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { BUNDLE_TYPE } from '../../src/registry/bundles.ts'
import { fetchBundlesFromLayout, openLayout, resolveInLayout } from '../../src/registry/layout-evidence.ts'
import { EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { parentsOf } from '../../src/registry/parents.ts'
import { writeLayout } from '../fakes/layout.ts'
import { ENVELOPE_TYPE, indexOf, SIMPLE_SIGNING_TYPE, textsOf } from './evidence-world.ts'
import { codeOf } from './support.ts'

let folder = ''
let entries: object[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-'))
  entries = []
})
afterEach(() => rm(folder, { recursive: true }))

async function blob(content: string): Promise<{ digest: Digest; size: number }> {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  await writeFile(join(folder, 'blobs/sha256', hexOf(sha256(content))), content)
  return { digest: sha256(content), size: Buffer.byteLength(content) }
}

async function manifest(document: object, entry?: object): Promise<Digest> {
  const { mediaType = OCI_MANIFEST } = document as { mediaType?: string }
  const written = await blob(JSON.stringify(document))
  if (entry !== undefined) entries.push({ mediaType, ...written, ...entry })
  return written.digest
}

const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } })
const kind = (name: string) => ({ annotations: { kind: `dev.cosignproject.cosign/${name}` } })

async function bundle(subject: string, text: string, entry?: object): Promise<Digest> {
  const layers = [{ mediaType: BUNDLE_TYPE, ...(await blob(text)) }]
  await blob('{}')
  const about = { mediaType: OCI_MANIFEST, digest: subject, size: 1 }
  return manifest(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: BUNDLE_TYPE,
      config: EMPTY_CONFIG,
      layers,
      subject: about,
    },
    entry,
  )
}

async function legacy(mediaType: string, text: string, entry: object): Promise<Digest> {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await blob('{}')) }
  const layers = [{ mediaType, ...(await blob(text)), annotations: { note: text } }]
  return manifest({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }, entry)
}

/** An image, with further entries in `index.json`. */
async function image(options: { platforms?: string[]; entry?: object } = {}) {
  const written = writeLayout(folder, options)
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  index.manifests[0] = { ...index.manifests[0], ...options.entry }
  return {
    digest: written.digest as Digest,
    children: written.children as Digest[],
    finish: async () => {
      await writeFile(
        join(folder, 'index.json'),
        JSON.stringify({ ...index, manifests: [...index.manifests, ...entries] }),
      )
      return openLayout(folder)
    },
  }
}

test.each([
  ['an entry of index.json (oras)', (subject: string) => bundle(subject, 'one', {})],
  ['a manifest that no entry names (cosign save)', (subject: string) => bundle(subject, 'one')],
])('a bundle is found as %s', async (_what, write) => {
  const { digest, finish } = await image()
  const attached = await write(digest)
  await bundle(sha256('another image'), 'foreign', {})
  const fetched = await fetchBundlesFromLayout(await finish(), digest)
  expect(textsOf(fetched.bundles)).toEqual(['one'])
  expect(fetched.bundles[0]?.manifest).toBe(attached)
  expect(fetched).toMatchObject({ complete: true, skipped: [] })
})

test.each([
  ['bare tags (skopeo)', ''],
  ['whole references (crane)', 'registry.example:5000/acme/app:'],
])('a fallback index and legacy tags are found under %s', async (_what, prefix) => {
  const { digest, finish } = await image({ entry: named(`${prefix}v1`) })
  const attached = await bundle(digest, 'one')
  const tag = `${prefix}sha256-${hexOf(digest)}`
  await manifest(indexOf([{ mediaType: OCI_MANIFEST, digest: attached, size: 1 }]), named(tag))
  await legacy(SIMPLE_SIGNING_TYPE, 'payload', named(`${tag}.sig`))
  await legacy(ENVELOPE_TYPE, 'envelope', named(`${tag}.att`))
  const layout = await finish()
  const fetched = await fetchBundlesFromLayout(layout, digest)
  expect(textsOf(fetched.bundles)).toEqual(['one'])
  expect(fetched.legacy?.map(({ form, annotations }) => [form, annotations])).toEqual([
    ['signature', { note: 'payload' }],
    ['attestation', { note: 'envelope' }],
  ])
  expect(fetched.complete).toBe(true)
  expect((await resolveInLayout(layout)).descriptor.digest).toBe(digest)
})

test('legacy signatures that cosign save marks by kind belong to the one image, and to no other', async () => {
  const { digest, children, finish } = await image({
    platforms: ['linux/amd64', 'linux/arm64'],
    entry: kind('imageIndex'),
  })
  await legacy(SIMPLE_SIGNING_TYPE, 'payload', kind('sigs'))
  await legacy(ENVELOPE_TYPE, 'envelope', kind('atts'))
  const layout = await finish()
  expect((await fetchBundlesFromLayout(layout, digest)).legacy).toHaveLength(2)
  expect((await fetchBundlesFromLayout(layout, children[0] as Digest)).legacy).toBeUndefined()
  expect((await resolveInLayout(layout)).descriptor.digest).toBe(digest)
})

test('kinds beside two images belong to neither', async () => {
  const { digest, finish } = await image({ entry: kind('image') })
  await manifest({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }, kind('imageIndex'))
  await legacy(SIMPLE_SIGNING_TYPE, 'payload', kind('sigs'))
  expect((await fetchBundlesFromLayout(await finish(), digest)).legacy).toBeUndefined()
})

test('resolveInLayout() gives the platforms, also when every part is an entry of its own', async () => {
  const { digest, children, finish } = await image({ platforms: ['linux/amd64', 'linux/arm64'] })
  const size = (await readFile(join(folder, 'blobs/sha256', hexOf(children[0] as Digest)))).byteLength
  entries.push({ mediaType: OCI_MANIFEST, digest: children[0], size })
  await bundle(digest, 'one', {})
  const layout = await finish()
  const resolved = await resolveInLayout(layout)
  expect(resolved.descriptor.digest).toBe(digest)
  expect(resolved.platforms.map(({ platform, digest: child }) => [platform, child])).toEqual([
    ['linux/amd64', children[0]],
    ['linux/arm64', children[1]],
  ])
  const child = await resolveInLayout(layout, { digest: children[1] as Digest })
  expect(child.platforms.map(({ platform }) => platform)).toEqual(['linux/arm64'])
  const hints = { indexes: [digest] }
  expect((await parentsOf(layout, { host: 'h', repository: 'r' }, children[1] as Digest, hints)).parents).toEqual([
    digest,
  ])
})

test('of several images one is meant by its name or its tag, and none without', async () => {
  const { digest, finish } = await image({ entry: named('registry.example/acme/app:v1') })
  const other = await manifest({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }, named('v2'))
  const layout = await finish()
  expect((await resolveInLayout(layout, { name: 'registry.example/acme/app:v1' })).descriptor.digest).toBe(digest)
  expect((await resolveInLayout(layout, { name: 'v1' })).descriptor.digest).toBe(digest)
  expect((await resolveInLayout(layout, { name: 'v2' })).descriptor.digest).toBe(other)
  for (const choice of [{}, { name: 'v3' }])
    expect(await codeOf(resolveInLayout(layout, choice))).toBe('registry/layout-ambiguous')
  expect(await codeOf(resolveInLayout(layout, { digest: sha256('none') }))).toBe('registry/not-found')
})

test('a layout as a tar answers the same', async () => {
  const { digest, finish } = await image()
  await bundle(digest, 'one', {})
  await bundle(digest, 'two')
  await finish()
  const tar = join(tmpdir(), `${hexOf(digest)}.tar`)
  execFileSync('tar', ['-C', folder, '-cf', tar, '.'])
  const layout = await openLayout(tar)
  expect(textsOf((await fetchBundlesFromLayout(layout, digest)).bundles).sort()).toEqual(['one', 'two'])
  await rm(tar)
})

test('13-adversary 26: entries that are gone, damaged or wrong make it incomplete and spare the others', async () => {
  const { digest, finish } = await image()
  await bundle(digest, 'good', {})
  const damaged = await bundle(digest, 'damaged', {})
  await writeFile(join(folder, 'blobs/sha256', hexOf(damaged)), '{}')
  entries.push({ mediaType: OCI_MANIFEST, digest: sha256('gone'), size: 500 })
  const fetched = await fetchBundlesFromLayout(await finish(), digest)
  expect(textsOf(fetched.bundles)).toEqual(['good'])
  expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'registry/referrers-incomplete' }] })
})

test('13-adversary 26: a bundle whose bytes are others than named is no evidence', async () => {
  const { digest, finish } = await image()
  await bundle(digest, 'good', {})
  await writeFile(join(folder, 'blobs/sha256', hexOf(sha256('good'))), 'evil')
  const fetched = await fetchBundlesFromLayout(await finish(), digest)
  expect(fetched).toMatchObject({ bundles: [], complete: false, skipped: [{ code: 'registry/digest-mismatch' }] })
})

test('13-adversary 43: a blob that is a link to something large, or is large itself, is not read', async () => {
  const { digest, finish } = await image()
  const attached = await bundle(digest, 'x', {})
  const file = join(folder, 'blobs/sha256', hexOf(attached))
  await rm(file)
  await symlink('/dev/zero', file)
  const fetched = await fetchBundlesFromLayout(await finish(), digest)
  expect(fetched).toMatchObject({ bundles: [], complete: false })
})

test('13-adversary 43: 1,500 planted manifests end as incomplete', async () => {
  const { digest, finish } = await image()
  for (let i = 0; i < 1_500; i++) await bundle(digest, `planted ${i}`, {})
  expect((await readdir(join(folder, 'blobs/sha256'))).length).toBeGreaterThan(3_000)
  const fetched = await fetchBundlesFromLayout(await finish(), digest)
  expect(fetched.bundles).toHaveLength(200)
  expect(fetched.complete).toBe(false)
})

test('what is no layout is a configuration error', async () => {
  expect(await codeOf(openLayout(join(folder, 'nothing')))).toBe('registry/layout-malformed')
})
