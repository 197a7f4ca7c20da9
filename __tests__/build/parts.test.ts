import fc from 'fast-check'
import { type Part, partText, readPart } from '../../src/build/part.ts'
import { PartsBuilder } from '../../src/build/parts.ts'
import { type BuildPlan, outputOf, PLANNED_PLATFORMS, planText, readPlan } from '../../src/build/plan.ts'
import { checkServed } from '../../src/build/platforms.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { parseCommitId, sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, keep, pushImage, pushIndex, type TestImage } from '../registry/support.ts'
import { request } from './support.ts'

afterEach(closeAll)

const COMMIT = parseCommitId('4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0')
const BASE = 'a'.repeat(64)

function planOf(images: readonly [string, ...string[]]): BuildPlan {
  return {
    commit: COMMIT,
    ref: 'refs/heads/main',
    run: '4711',
    images,
    push: true,
    sign: true,
    selfHosted: false,
    runners: { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'ubuntu-24.04-arm' },
    source: 'passed',
    materials: 'passed',
    pins: [{ uri: 'docker-image://docker.io/library/alpine:3', digests: [`sha256:${BASE}`] }],
  }
}

function partOf(platform: string, { descriptor }: TestImage, more: Partial<Part> = {}): Part {
  return {
    commit: COMMIT,
    run: '4711',
    platform,
    digest: descriptor.digest,
    builder: 'buildx',
    runner: 'github-hosted',
    tools: [{ name: 'buildx', version: '0.29.1' }],
    ...more,
  }
}

/** What BuildKit pushes for one platform: an index over the image and its attestation manifest. */
async function setUp() {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const { client, repository } = connection
  const image = `${registry.host}/acme/app`
  const attested = async (platform: string, subject?: string, base = BASE) => {
    const [os = '', architecture = '', variant] = platform.split('/')
    const part = await pushImage(connection, platform, platform)
    const statement = utf8(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        subject: [{ name: 'x', digest: { sha256: subject ?? part.descriptor.digest.slice(7) } }],
        predicateType: 'https://slsa.dev/provenance/v0.2',
        predicate: { materials: [{ uri: 'pkg:docker/alpine@3', digest: { sha256: base } }] },
      }),
    )
    const config = utf8('{}')
    await client.putBlob(repository, statement)
    await client.putBlob(repository, config)
    const manifest = utf8(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: 2 },
        layers: [
          {
            mediaType: 'application/vnd.in-toto+json',
            digest: sha256(statement),
            size: statement.byteLength,
            annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' },
          },
        ],
        annotations: { of: platform },
      }),
    )
    await client.putManifest(repository, sha256(manifest), OCI_MANIFEST, manifest)
    const attestation = {
      mediaType: OCI_MANIFEST,
      digest: sha256(manifest),
      size: manifest.byteLength,
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': part.descriptor.digest,
      },
      platform: { os: 'unknown', architecture: 'unknown' },
    }
    const entry = { ...part.descriptor, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } }
    return { part, entry, attestation, index: await pushIndex(connection, [entry, attestation]) }
  }
  const build = (parts: readonly Part[], plan = planOf([image]), more: Partial<BuildRequest> = {}) =>
    new PartsBuilder(plan, parts, client).build(request({ images: plan.images, commitFolder: '/', ...more }))
  return { registry, connection, client, repository, image, attested, build }
}

test('an index is made of the parts of other jobs, with BuildKit’s attestation manifests and what they say went in', async () => {
  const { attested, build, client, repository } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const parts = [partOf('linux/arm64', arm.index), partOf('linux/amd64', amd.index)]
  const result = await build(parts)
  const { bytes } = await client.getManifest(repository, result.digest)
  expect(JSON.parse(Buffer.from(bytes).toString()).manifests).toEqual([
    amd.entry,
    arm.entry,
    amd.attestation,
    arm.attestation,
  ])
  expect(result.observed).toEqual([{ uri: 'pkg:docker/alpine@3', digest: { sha256: BASE } }])
  expect(result.buildRunners).toEqual({ 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'ubuntu-24.04-arm' })
  expect([result.builder, result.tools]).toEqual(['buildx', [{ name: 'buildx', version: '0.29.1' }]])
  expect((await build([...parts].reverse())).digest).toBe(result.digest)
})

test('plain manifests are parts, too, and every repository gets the same index', async () => {
  const { registry, connection, build, image } = await setUp()
  const other = connect(registry.host, {}, 'acme/other')
  const [amd, arm] = [await pushImage(connection, 'a'), await pushImage(connection, 'b', 'linux/arm64')]
  for (const [seed, platform] of [
    ['a', 'linux/amd64'],
    ['b', 'linux/arm64'],
  ] as const)
    await pushImage(other, seed, platform)
  const plan = planOf([image, `${registry.host}/acme/other`])
  const result = await build([partOf('linux/amd64', amd), partOf('linux/arm64', arm)], plan)
  expect(result.observed).toBeUndefined()
  for (const { client, repository } of [connection, other])
    expect((await client.getManifest(repository, result.digest)).manifest.kind).toBe('index')
})

test('13-adversary 21: provenance beside a part must be about that part', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64', 'b'.repeat(64))]
  const parts = [partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)]
  expect(await codeOf(build(parts))).toBe('build/part-differs')
})

test('what is not one image for the planned platform is refused', async () => {
  const { connection, attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const good = partOf('linux/amd64', amd.index)
  const refused = async (index: TestImage) => codeOf(build([good, partOf('linux/arm64', index)]))
  // An attestation of another image, two images, none, an index in an index.
  expect(await refused(await pushIndex(connection, [arm.entry, amd.attestation]))).toBe('build/part-differs')
  expect(await refused(await pushIndex(connection, [arm.entry, amd.entry]))).toBe('build/part-differs')
  expect(await refused(await pushIndex(connection, []))).toBe('build/part-differs')
  expect(await refused(await pushIndex(connection, [arm.index.descriptor]))).toBe('build/part-differs')
  // The index says one platform, the configuration another; or both say another than was planned.
  const platform = { os: 'linux', architecture: 'arm64' }
  expect(await refused(await pushIndex(connection, [{ ...amd.entry, platform }]))).toBe('build/part-differs')
  expect(await refused(await pushImage(connection, 'plain', 'linux/s390x'))).toBe('build/part-differs')
  // One image for two platforms.
  expect(await refused(amd.index)).toBe('build/part-differs')
})

test('13-adversary 40: a runner that calls itself self-hosted is recorded as one, whatever its label', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const parts = [partOf('linux/amd64', amd.index, { runner: 'self-hosted' }), partOf('linux/arm64', arm.index)]
  expect((await build(parts)).buildRunners).toEqual({
    'linux/amd64': 'self-hosted:ubuntu-24.04',
    'linux/arm64': 'ubuntu-24.04-arm',
  })
})

test('13-adversary 19: the whole is as closed as its weakest part', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const fresh = { builder: 'fresh', cache: 'none', network: 'none', isolation: 'processes' } as const
  const whole = (one: Partial<Part>, other: Partial<Part>) =>
    build([partOf('linux/amd64', amd.index, one), partOf('linux/arm64', arm.index, other)])
  const closed = { conditions: fresh, enforced: 'builder' } as const
  expect(await whole(closed, closed)).toMatchObject({ conditions: fresh, enforcement: { by: 'builder' } })
  const shared = { conditions: { ...fresh, builder: 'shared', network: 'default' }, enforced: 'parser' } as const
  expect(await whole(closed, shared)).toMatchObject({ conditions: shared.conditions, enforcement: { by: 'parser' } })
  const open = await whole(closed, {})
  expect([open.conditions, open.enforcement]).toEqual([undefined, undefined])
})

test('platforms with a variant are put together as they were planned, and served so', async () => {
  const { attested, build, client, repository, image } = await setUp()
  const [amd, v7, v6] = [await attested('linux/amd64'), await attested('linux/arm/v7'), await attested('linux/arm/v6')]
  const runners = { 'linux/arm/v7': 'a', 'linux/amd64': 'b', 'linux/arm/v6': 'c' }
  const plan = { ...planOf([image]), selfHosted: true, runners }
  const parts = [partOf('linux/amd64', amd.index), partOf('linux/arm/v6', v6.index), partOf('linux/arm/v7', v7.index)]
  const { digest } = await build(parts, plan)
  const { platforms } = await inspectImage(client, repository, digest)
  const served = platforms.map(({ platform }) => platform)
  expect(served).toEqual(['linux/arm/v7', 'linux/amd64', 'linux/arm/v6'])
  checkServed(served, Object.keys(runners))
  expect(await codeOf(() => checkServed(served, ['linux/arm/v7', 'linux/amd64']))).toBe('build/platforms-differ')
  // v6 where v7 was planned.
  const swapped = [partOf('linux/amd64', amd.index), partOf('linux/arm/v6', v7.index), partOf('linux/arm/v7', v6.index)]
  expect(await codeOf(build(swapped, plan))).toBe('build/part-differs')
})

test('a part whose index names a child that is not there is refused', async () => {
  const { registry, attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const { manifests } = registry.storage.open('acme/app')
  for (const { digest } of [arm.entry, arm.attestation]) {
    const kept = manifests.get(digest)
    if (kept === undefined) throw new Error('no child')
    manifests.delete(digest)
    expect(await codeOf(build([partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)]))).toBe(
      'registry/not-found',
    )
    manifests.set(digest, kept)
  }
})

test('13-adversary 19: secrets that the jobs were given are told, and the build is not stated as closed', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const parts = [partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)]
  const result = await build(parts, undefined, { secrets: [{ id: 'npm', file: '' }] })
  expect(result.opened).toEqual(['secret npm'])
  expect(result.notes.join(' ')).toContain('RUN steps were given: secret npm')
  expect((await build(parts)).opened).toBeUndefined()
})

test('two parts for one platform, or one of another run, are refused before the registry is asked', async () => {
  const { registry, attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const [one, other] = [partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)]
  registry.log.length = 0
  expect(await codeOf(() => build([one, one, other]))).toBe('build/part-differs')
  expect(await codeOf(() => build([one, { ...other, run: '4712' }]))).toBe('build/part-differs')
  expect(await codeOf(() => build([one]))).toBe('build/part-missing')
  expect(registry.log).toEqual([])
})

test('an image of which buildah made a part is none of buildx', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const other = partOf('linux/arm64', arm.index, { builder: 'buildah' })
  expect((await build([partOf('linux/amd64', amd.index), other])).builder).toBe('buildah')
})

test('a base image that moved between two jobs is told', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64', undefined, 'b'.repeat(64))]
  const { notes } = await build([partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)])
  expect(notes.join(' ')).toContain(
    `different bytes under one name: pkg:docker/alpine@3 (linux/amd64 sha256:${BASE.slice(0, 12)}…, linux/arm64 sha256:${'b'.repeat(12)}…)`,
  )
})

describe('whether the parts can be built again', () => {
  const conditions = { builder: 'fresh', cache: 'none', network: 'default', isolation: 'processes' } as const

  test('is what each job says of the manifest that the registry serves', async () => {
    const { attested, build } = await setUp()
    const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
    const said = async (...more: readonly [Partial<Part>, Partial<Part>]) =>
      (await build([partOf('linux/amd64', amd.index, more[0]), partOf('linux/arm64', arm.index, more[1])])).rebuilt
    const [one, other] = [amd.part.descriptor.digest, arm.part.descriptor.digest]
    const good = (manifest: Part['digest']) => ({ conditions, rebuilt: { state: 'passed', manifest } }) as const
    expect(await said(good(one), good(other))).toEqual([
      { platform: 'linux/amd64', manifest: one, state: 'passed' },
      { platform: 'linux/arm64', manifest: other, state: 'passed' },
    ])
    expect(await said({}, {})).toBeUndefined()
    const states = async (...more: Parameters<typeof said>) => (await said(...more))?.map(({ state }) => state)
    expect(await states(good(one), {})).toEqual(['passed', 'unknown'])
    expect(await states(good(one), { rebuilt: { state: 'rejected' } })).toEqual(['passed', 'rejected'])
    expect(await states(good(one), { rebuilt: { state: 'unknown' } })).toEqual(['passed', 'unknown'])
    expect(await codeOf(said(good(one), good(one)))).toBe('build/part-differs')
  })

  test('13-adversary 16: is not known where RUN steps could see the processes of the job', async () => {
    const { attested, build } = await setUp()
    const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
    const visible = { ...conditions, isolation: 'none' } as const
    const rebuilt = { state: 'passed', manifest: amd.part.descriptor.digest } as const
    const result = await build([
      partOf('linux/amd64', amd.index, { conditions: visible, rebuilt }),
      partOf('linux/arm64', arm.index),
    ])
    expect(result.rebuilt?.[0]).toMatchObject({ state: 'unknown', why: expect.stringContaining('processes') })
  })
})

test('plan and part are read as they were written', () => {
  const plan = planOf(['ghcr.io/acme/app'])
  expect(readPlan(planText(plan))).toEqual(plan)
  const part = partOf('linux/arm/v7', { descriptor: { digest: sha256('x') } } as TestImage)
  expect(readPart(partText(part), outputOf(part.platform))).toEqual(part)
  const more = { secrets: ['npm', 'NETRC'], rebuilt: { state: 'passed', manifest: sha256('y') } } as const
  expect(readPart(partText({ ...part, ...more }), outputOf(part.platform))).toEqual({ ...part, ...more })
})

test.each([
  { secrets: [] },
  { secrets: ['a', 'a'] },
  { secrets: ['a b'] },
  { secrets: [`${'a'.repeat(129)}`] },
  { secrets: Array.from({ length: 101 }, (_, at) => `id${at}`) },
  { secrets: { npm: 's3cret' } },
  { rebuilt: 'passed' },
  { rebuilt: { state: 'passed' } },
  { rebuilt: { state: 'passed', manifest: 'latest' } },
  { rebuilt: { state: 'rejected', manifest: `sha256:${'a'.repeat(64)}` } },
  { rebuilt: { state: 'fine' } },
  { rebuilt: { state: 'unknown', why: 'because' } },
  { tools: Array.from({ length: 11 }, () => ({ name: 'x', version: '1' })) },
  { runner: 'x'.repeat(130_000) },
])('a part with %j is refused', async change => {
  const part = { ...partOf('linux/arm64', { descriptor: { digest: sha256('x') } } as TestImage), ...change }
  expect(await codeOf(() => readPart(JSON.stringify(part), 'linux-arm64'))).toBe('build/part-unusable')
})

test('a plan or part with anything more, less or other is refused', () => {
  const plan = JSON.parse(planText(planOf(['ghcr.io/acme/app']))) as Record<string, unknown>
  const refused = (change: object) => codeOf(() => readPlan(JSON.stringify({ ...plan, ...change })))
  return Promise.all(
    [
      { more: 1 },
      { version: 2 },
      { commit: 'HEAD' },
      { run: '0' },
      { images: [] },
      { images: ['ghcr.io/acme/app:v1@'] },
      { push: 'true' },
      { runners: {} },
      { runners: { 'windows/amd64': 'x' } },
      { runners: { 'linux/amd64': 'x\n::set-output' } },
      { source: 'fine' },
      { pins: [{ uri: 'x', digests: ['md5'] }] },
      { pins: Array.from({ length: 5_001 }, () => ({ uri: 'x', digests: [] })) },
    ].map(async change => expect(await refused(change)).toBe('build/plan-unusable')),
  )
})

test('whatever text comes in place of a plan or a part ends in a typed error', () => {
  const known = (read: () => unknown) => {
    try {
      read()
    } catch (error) {
      if (!(error instanceof WaybillError)) throw error
      expect(error.code).toMatch(/^build\/(plan|part)-unusable$/)
    }
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      known(() => readPlan(text))
      known(() => readPart(text, 'linux-amd64'))
    }),
  )
})

test('every platform has one output name of its own', () => {
  expect(new Set(PLANNED_PLATFORMS.map(outputOf)).size).toBe(PLANNED_PLATFORMS.length)
  for (const platform of PLANNED_PLATFORMS) expect(outputOf(platform)).toMatch(/^[a-z0-9-]+$/)
})
