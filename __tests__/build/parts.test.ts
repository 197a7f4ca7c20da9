import fc from 'fast-check'
import { PartsBuilder } from '../../src/build/parts.ts'
import {
  type BuildPlan,
  outputOf,
  type Part,
  PLANNED_PLATFORMS,
  partText,
  planText,
  readPart,
  readPlan,
} from '../../src/build/plan.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { parseCommitId, sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
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
  const attested = async (platform: string, subject?: string) => {
    const [os = '', architecture = ''] = platform.split('/')
    const part = await pushImage(connection, platform, platform)
    const statement = utf8(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        subject: [{ name: 'x', digest: { sha256: subject ?? part.descriptor.digest.slice(7) } }],
        predicateType: 'https://slsa.dev/provenance/v0.2',
        predicate: { materials: [{ uri: 'pkg:docker/alpine@3', digest: { sha256: BASE } }] },
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
    const entry = { ...part.descriptor, platform: { os, architecture } }
    return { part, entry, attestation, index: await pushIndex(connection, [entry, attestation]) }
  }
  const build = (parts: readonly Part[], plan = planOf([image])) =>
    new PartsBuilder(plan, parts, client).build(request({ images: plan.images, commitFolder: '/' }))
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

test('13-adversary 19: a secret that one part was built with is told of the whole, and no other words get in by it', async () => {
  const { attested, build } = await setUp()
  const [amd, arm] = [await attested('linux/amd64'), await attested('linux/arm64')]
  const given = partOf('linux/amd64', amd.index, { opened: ['secret npm', 'ssh agent default'] })
  const read = readPart(partText(given), 'linux-amd64')
  const result = await build([read, partOf('linux/arm64', arm.index, { opened: ['secret npm'] })])
  expect(result.opened).toEqual(['secret npm', 'ssh agent default'])
  expect(result.notes.join(' ')).toContain('the build is not stated as closed')
  const plain = await build([partOf('linux/amd64', amd.index), partOf('linux/arm64', arm.index)])
  expect(plain.opened).toBeUndefined()
  for (const opened of [['secret a b'], ['npm'], ['secret ::error::x'], 'secret npm'])
    expect(() => readPart(JSON.stringify({ ...given, opened }), 'linux-amd64')).toThrow(
      expect.objectContaining({ code: 'build/part-unusable' }),
    )
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

test('plan and part are read as they were written', () => {
  const plan = planOf(['ghcr.io/acme/app'])
  expect(readPlan(planText(plan))).toEqual(plan)
  const part = partOf('linux/arm/v7', { descriptor: { digest: sha256('x') } } as TestImage)
  expect(readPart(partText(part), outputOf(part.platform))).toEqual(part)
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
