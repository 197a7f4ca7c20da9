import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import type { AllowedImage, AllowedMaterials } from '../../src/build/allowed.ts'
import type { BuildResult, BuildWorld } from '../../src/build/builder.ts'
import { type Digest, parseDigest } from '../../src/core/digest.ts'
import { findTool } from '../../src/io/process.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { MaterialsCases } from '../build/materials-cases.ts'
import { errorOf, temporaryFolder, tree } from '../build/support.ts'
import { type BuildahStage, buildahStage, busyboxTree, sh } from './buildah-support.ts'

// Real builds on a busy machine.
jest.setTimeout(240_000)

const cases = new MaterialsCases('buildah')
let stage: BuildahStage
/** `host/acme/…` of base images, by what they hold. */
let base: AllowedImage
let tools: AllowedImage
let evil: AllowedImage

beforeAll(async () => {
  stage = await buildahStage()
  base = await publish('base', ['ENV KIND=base'])
  tools = await publish('tools', ['ENV KIND=tools'])
  evil = await publish('evil', ['ENV KIND=evil'])
})

afterAll(async () => {
  await stage.close()
})

/** An image with busybox in it, under the tag 1; for several platforms an index. */
async function publish(
  name: string,
  lines: readonly string[],
  platforms: readonly string[] = [],
): Promise<AllowedImage> {
  const image = `${stage.registry.host}/acme/${name}`
  const { digest } = await stage.build(
    { commitFolder: busyboxTree(lines), images: [image], platforms },
    stage.bench().world,
  )
  await tag(name, '1', digest)
  return allowed(name, digest)
}

async function tag(name: string, to: string, digest: Digest): Promise<void> {
  const repository = { host: stage.registry.host, repository: `acme/${name}` }
  const { bytes, manifest } = await stage.client.getManifest(repository, digest)
  const put = await fetch(`${stage.registry.url}/v2/acme/${name}/manifests/${to}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: Buffer.from(bytes),
  })
  expect(put.status).toBe(201)
}

function allowed(name: string, digest: string): AllowedImage {
  const text = `${stage.registry.host}/acme/${name}:1`
  return {
    reference: parseReference(text),
    digest: parseDigest(digest),
    names: [text],
    use: 'base',
    private: true,
  }
}

function only(images: readonly AllowedImage[], over: Partial<AllowedMaterials> = {}): AllowedMaterials {
  return { images, urls: [], repositories: [], contexts: new Map(), pulls: [], ...over }
}

const nameOf = (image: AllowedImage): string => image.names[0] ?? ''

interface Tried {
  readonly world?: Partial<BuildWorld>
  readonly platforms?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly push?: boolean
}

async function build(lines: readonly string[], materials: AllowedMaterials, over: Tried = {}): Promise<BuildResult> {
  const { world, platforms = [], files = {}, buildArgs = {}, push = false } = over
  const commitFolder = tree({ ...files, Dockerfile: `${lines.join('\n')}\n` })
  return stage.build({ commitFolder, allowed: materials, platforms, buildArgs, push }, stage.bench(world).world)
}

async function codeOf(lines: readonly string[], materials: AllowedMaterials, over: Tried = {}): Promise<string> {
  const { code, found = '' } = await errorOf(build(lines, materials, over))
  return code === 'build/failed' ? `${code}: ${found}` : code
}

describe('13-adversary 18: every way of a Dockerfile to an image', () => {
  const ways: readonly (readonly [string, (image: string) => readonly string[]])[] = [
    ['FROM', image => [`FROM ${image}`, sh('true')]],
    ['FROM with arguments', image => [`ARG IMAGE=${image}`, 'FROM $IMAGE', sh('true')]],
    ['FROM with a default', image => ['ARG NONE=""', `FROM \${NONE:-${image}}`, sh('true')]],
    ['FROM of a needed stage', image => [`FROM ${image} AS one`, 'FROM scratch', 'COPY --from=one /bin/busybox /b']],
    ['FROM with a stage of the same name before it', image => [`FROM ${image} AS base`, 'FROM base', sh('true')]],
    ['COPY --from', image => ['FROM scratch', `COPY --from=${image} /bin/busybox /b`]],
    [
      'RUN --mount=from',
      image => [
        `FROM ${nameOf(tools)}`,
        `RUN --mount=type=bind,from=${image},target=/m ["/bin/busybox", "ls", "/m/bin"]`,
      ],
    ],
  ]

  test.each(ways)('%s takes a declared image, and no other', async (way, lines) => {
    const result = await build(lines(nameOf(base)), only([base, tools]))
    cases.record(way, 'declared', 'built')
    expect(result.enforcement).toEqual({ by: 'parser' })
    expect(result.conditions).toMatchObject({ builder: 'fresh', cache: 'none', network: 'default' })
    expect(result.observed).toContainEqual({
      uri: `pkg:docker/${stage.registry.host.replace(':', '%3A')}/acme/base@1`,
      digest: { sha256: base.digest.slice('sha256:'.length) },
    })
    const code = await codeOf(lines(nameOf(evil)), only([base, tools]))
    expect(code).toBe('materials/undeclared')
    cases.record(way, 'undeclared', code)
  })

  test('by digest, with and without a tag', async () => {
    const [name] = nameOf(base).split(':1')
    const forms = [
      ['FROM with a digest alone', name],
      ['FROM with tag and digest', nameOf(base)],
    ]
    for (const [kind = '', written] of forms) {
      expect((await build([`FROM ${written}@${base.digest}`, sh('true')], only([base]))).observed).toHaveLength(1)
      cases.record(kind, 'declared', 'built')
      const code = await codeOf([`FROM ${written}@${evil.digest}`], only([base]))
      expect(code).toBe('materials/undeclared')
      cases.record(kind, 'undeclared', code)
    }
  })

  test('a named context', async () => {
    const folder = tree({ 'file.txt': 'of a context' })
    const image = `docker-image://${nameOf(base).replace(/:1$/, '')}@${base.digest}`
    const lines = ['FROM other', 'COPY --from=files file.txt /file.txt', sh('test "$KIND" = base && test -f /file.txt')]
    const contexts = new Map([
      ['other', image],
      ['files', folder],
    ])
    const result = await build(lines, only([base], { contexts }))
    expect(result.observed).toHaveLength(1)
    expect(await codeOf(lines, only([tools], { contexts }))).toBe('materials/undeclared')
    cases.record('a named context', 'declared', 'built')
    cases.record('a named context', 'undeclared', 'materials/undeclared')
    for (const source of ['https://example.org/x.tar', 'oci-layout:///x', join(folder, 'file.txt')])
      expect(await codeOf(lines, only([base], { contexts: new Map([['files', source]]) }))).toBe(
        'materials/not-with-buildah',
      )
  })

  test('ONBUILD of a base image', async () => {
    const trigger = await publish('trigger', ['ENV KIND=trigger'])
    const onbuild = await withTriggers(trigger, [`COPY --from=${nameOf(base)} /bin/busybox /from-trigger`])
    const lines = [`FROM ${nameOf(onbuild)}`, sh('test -f /from-trigger')]
    expect((await build(lines, only([onbuild, base]))).observed).toHaveLength(2)
    expect(await codeOf(lines, only([onbuild]))).toBe('materials/undeclared')
    cases.record('ONBUILD in a base image', 'declared', 'built')
    cases.record('ONBUILD in a base image', 'undeclared', 'materials/undeclared')
    const remote = await withTriggers(trigger, ['ADD http://127.0.0.1/x /x'])
    expect(await codeOf([`FROM ${nameOf(remote)}`], only([remote]))).toBe('materials/not-with-buildah')
    const odd = await withTriggers(trigger, ['RUN ["/bin/busybox", "true"] \\', 'ADD http://127.0.0.1/x /x'])
    expect(await codeOf([`FROM ${nameOf(odd)}`], only([odd]))).toBe('materials/read-differently')
  })
})

/** The same image with ONBUILD in its config, which buildah itself writes in Docker's format only. */
async function withTriggers(image: AllowedImage, triggers: readonly string[]): Promise<AllowedImage> {
  const { registry, client } = stage
  const repository = { host: registry.host, repository: image.reference.repository }
  const index = JSON.parse(Buffer.from((await client.getManifest(repository, image.digest)).bytes).toString())
  const child = await client.getManifest(repository, parseDigest(index.manifests[0].digest))
  const manifest = JSON.parse(Buffer.from(child.bytes).toString())
  const blob = await fetch(`${registry.url}/v2/${repository.repository}/blobs/${manifest.config.digest}`)
  const config = JSON.parse(await blob.text())
  const bytes = Buffer.from(JSON.stringify({ ...config, config: { ...config.config, OnBuild: triggers } }))
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const begun = await fetch(`${registry.url}/v2/${repository.repository}/blobs/uploads/`, { method: 'POST' })
  const place = new URL(begun.headers.get('location') ?? '', registry.url)
  place.searchParams.set('digest', digest)
  expect((await fetch(place, { method: 'PUT', body: bytes })).status).toBe(201)
  const body = JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: bytes.length } })
  const put = await fetch(`${registry.url}/v2/${repository.repository}/manifests/1`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body,
  })
  expect(put.status).toBe(201)
  return { ...image, digest: parseDigest(`sha256:${createHash('sha256').update(body).digest('hex')}`) }
}

test('13-adversary 18: no transport of the machine is an image', async () => {
  const { layout } = await stage.build({ commitFolder: busyboxTree([]), push: false }, stage.bench().world)
  for (const name of [
    `oci:${layout}`,
    `docker-archive:${layout}`,
    'containers-storage:x',
    'docker-daemon:x:y',
    'dir:/etc',
  ])
    for (const lines of [[`FROM ${name}`], ['FROM scratch', `COPY --from=${name} / /`], [`ARG X=${name}`, 'FROM $X']])
      expect(await codeOf(lines, only([base]))).toBe('build/image-refused')
  for (const when of ['undeclared', 'declared'] as const)
    cases.record('a transport of the machine', when, 'build/image-refused')
})

describe('13-adversary 18: what buildah fetches by itself is refused, declared or not', () => {
  const URL = 'http://127.0.0.1:9/tool'
  const REMOTE = 'http://127.0.0.1:9/acme/library.git'
  const frontend = (image: AllowedImage): AllowedImage => ({ ...image, use: 'frontend' })
  const declared = () =>
    only([base, frontend(tools)], {
      urls: [{ url: URL, sha256: 'a'.repeat(64) }],
      repositories: [{ remote: REMOTE, ref: 'v1', commit: 'b'.repeat(40) }],
    })
  const kinds: readonly (readonly [string, () => readonly string[]])[] = [
    ['# syntax=', () => [`# syntax=${nameOf(tools)}`, `FROM ${nameOf(base)}`]],
    ['BUILDKIT_SYNTAX', () => [`FROM ${nameOf(base)}`]],
    ['what a frontend is asked for', () => [`# syntax=${nameOf(tools)}`, `FROM ${nameOf(evil)}`]],
    ['ADD of a URL', () => [`FROM ${nameOf(base)}`, `ADD ${URL} /tool`]],
    ['ADD of a repository', () => [`FROM ${nameOf(base)}`, `ADD ${REMOTE}#v1 /library`]],
    ['a submodule, declared as what it is', () => [`FROM ${nameOf(base)}`, `ADD ${REMOTE}#v1:module /module`]],
  ]

  test.each(kinds)('%s', async (kind, lines) => {
    const more = kind === 'BUILDKIT_SYNTAX' ? { buildArgs: { BUILDKIT_SYNTAX: nameOf(tools) } } : {}
    for (const when of ['undeclared', 'declared'] as const) {
      const code = await codeOf(lines(), when === 'declared' ? declared() : only([base]), more)
      expect(code).toBe('materials/not-with-buildah')
      cases.record(kind, when, code)
    }
  })
})

test('13-adversary 18: a tag that moved after it was verified means the verified digest', async () => {
  const moved = await publish('moved', ['ENV KIND=before'])
  const after = await publish('moved', ['ENV KIND=after'])
  expect(after.digest).not.toBe(moved.digest)
  const result = await build([`FROM ${nameOf(moved)}`, sh('test "$KIND" = before')], only([moved]))
  expect(result.observed?.[0]?.digest.sha256).toBe(moved.digest.slice('sha256:'.length))
})

test("13-adversary 18: an image of that name in the machine's own storage is not used", async () => {
  const folder = temporaryFolder()
  const [graph, run, conf] = ['graph', 'run', 'storage.conf'].map(name => join(folder, name))
  writeFileSync(
    conf ?? '',
    `[storage]\ndriver = "vfs"\ngraphroot = ${JSON.stringify(graph)}\nrunroot = ${JSON.stringify(run)}\n`,
  )
  const home = temporaryFolder()
  mkdirSync(join(home, '.config', 'containers'), { recursive: true })
  const env = { PATH: process.env.PATH, HOME: home, CONTAINERS_STORAGE_CONF: conf, STORAGE_DRIVER: 'vfs' }
  const buildah = findTool('buildah', process.env.PATH ?? '') ?? ''
  const options = { env: { ...env, PATH: process.env.PATH ?? '', CONTAINERS_STORAGE_CONF: conf ?? '' } }
  await promisify(execFile)(buildah, ['pull', '--tls-verify=false', nameOf(evil)], options)
  await promisify(execFile)(buildah, ['tag', nameOf(evil), nameOf(base), 'localhost/left:1'], options)
  const over = { world: { env } }
  await build([`FROM ${nameOf(base)}`, sh('test "$KIND" = base')], only([base]), over)
  expect(await codeOf(['FROM localhost/left:1'], only([base]), over)).toBe('materials/undeclared')
})

test('13-adversary 18: a stage that shadows an image is the stage, and nothing is pulled for it', async () => {
  const lines = ['FROM scratch AS alpine', 'COPY x /x', 'FROM alpine', 'COPY --from=alpine /x /y']
  const result = await build(lines, only([base]), { files: { x: '1' } })
  expect(result.observed).toEqual([])
})

test('13-adversary 18: each platform gets its own image of an index', async () => {
  const both = ['linux/amd64', 'linux/arm64'] as const
  const many = await publish('many', ['ARG TARGETARCH', 'ENV KIND=$TARGETARCH'], both)
  const lines = [
    `FROM --platform=$BUILDPLATFORM ${nameOf(base)} AS check`,
    'ARG TARGETPLATFORM',
    sh('echo "$TARGETPLATFORM" > /platform'),
    `FROM --platform=$TARGETPLATFORM ${nameOf(many)}`,
    'COPY --from=check /platform /platform',
  ]
  const result = await build(lines, only([many, base]), { platforms: both, push: true })
  const repository = { host: stage.registry.host, repository: 'acme/app' }
  const { platforms } = await inspectImage(stage.client, repository, result.digest)
  const kinds = await Promise.all(platforms.map(async ({ digest }) => environmentOf(digest)))
  expect(kinds.map(text => /KIND=(\w+)/.exec(text)?.[1]).sort()).toEqual(['amd64', 'arm64'])
  expect(result.observed).toHaveLength(2)
})

test('13-adversary 18: one image for two platforms of one build is named by its digest', async () => {
  const many = await publish('twice', ['ARG TARGETARCH', 'ENV KIND=$TARGETARCH'], ['linux/amd64', 'linux/arm64'])
  const lines = (name: string) => [
    `FROM --platform=$BUILDPLATFORM ${name} AS check`,
    sh('echo "$KIND" > /kind'),
    `FROM --platform=$TARGETPLATFORM ${name}`,
    'COPY --from=check /kind /kind',
  ]
  const target = process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64'
  const over = { platforms: [target], push: true }
  expect(await codeOf(lines(nameOf(many)), only([many]), over)).toBe('materials/not-with-buildah')
  const { digest } = await build(lines(`${nameOf(many)}@${many.digest}`), only([many]), over)
  const repository = { host: stage.registry.host, repository: 'acme/app' }
  const [child] = (await inspectImage(stage.client, repository, digest)).platforms
  expect(await environmentOf(child?.digest ?? '')).toContain(`KIND=${target.slice('linux/'.length)}"`)
})

async function environmentOf(digest: string): Promise<string> {
  const repository = { host: stage.registry.host, repository: 'acme/app' }
  const { bytes } = await stage.client.getManifest(repository, parseDigest(digest))
  const { config } = JSON.parse(Buffer.from(bytes).toString())
  return (await fetch(`${stage.registry.url}/v2/acme/app/blobs/${config.digest}`)).text()
}

test('13-adversary 18: an image that slipped into the storage stops the build before anything is pushed', async () => {
  const real = findTool('buildah', process.env.PATH ?? '') ?? ''
  const bin = temporaryFolder()
  // After the build, and with the storage that it was given, it pulls what nobody asked for.
  const script = `#!/bin/sh
"${real}" "$@" || exit $?
case " $* " in *" build "*)
  flags=
  for argument; do case "$argument" in --root=*|--runroot=*|--storage-driver=*) flags="$flags $argument";; esac; done
  "${real}" $flags pull -q --tls-verify=false ${nameOf(evil)} >/dev/null;;
esac
`
  writeFileSync(join(bin, 'buildah'), script)
  chmodSync(join(bin, 'buildah'), 0o755)
  const world = { env: { PATH: `${bin}:${process.env.PATH}`, HOME: temporaryFolder() } }
  const before = stage.registry.log.length
  expect(await codeOf([`FROM ${nameOf(base)}`, sh('true')], only([base]), { world, push: true })).toBe(
    'materials/undeclared',
  )
  expect(stage.registry.log.slice(before).filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
})

test('an image of another registry on this machine comes without TLS, as it was verified', async () => {
  const result = await build([`FROM ${nameOf(base)}`, sh('true')], only([base]), { world: { insecureRegistries: [] } })
  expect(result.observed).toHaveLength(1)
})

test("13-adversary 18: folders of the machine's own configuration stay out of RUN steps", async () => {
  const folder = tree({ secret: 's' })
  const conf = join(folder, 'containers.conf')
  writeFileSync(conf, `[containers]\nvolumes = [${JSON.stringify(`${folder}:/from-the-machine`)}]\n`)
  const home = temporaryFolder()
  mkdirSync(join(home, '.config', 'containers'), { recursive: true })
  writeFileSync(
    join(home, '.config', 'containers', 'containers.conf'),
    `[containers]\nvolumes = [${JSON.stringify(`${folder}:/from-the-machine`)}]\n`,
  )
  const world = { env: { PATH: process.env.PATH, HOME: home, CONTAINERS_CONF: conf } }
  await build([`FROM ${nameOf(base)}`, sh('test ! -e /from-the-machine')], only([base]), { world })
})

test('the same closed build twice is the same digest, and an open one says nothing of materials', async () => {
  const lines = [`FROM ${nameOf(base)}`, 'COPY x /x', sh('echo y > /y')]
  const files = { x: '1' }
  const first = await build(lines, only([base]), { files })
  expect((await build(lines, only([base, tools]), { files })).digest).toBe(first.digest)
  const commitFolder = tree({ ...files, Dockerfile: `${lines.join('\n')}\n` })
  const open = await stage.build({ commitFolder, push: false }, stage.bench().world)
  expect(open.enforcement).toBeUndefined()
  expect(open.observed).toBeUndefined()
})

test('docs/materials-cases.md says of buildah what came', () => {
  const { page, expected } = cases.compare()
  expect(page).toBe(expected)
  expect(page).not.toContain('did not run')
})
