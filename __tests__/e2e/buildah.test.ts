import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { BuildWorld } from '../../src/build/builder.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { errorOf, temporaryFolder, tree } from '../build/support.ts'
import type { EmbeddedRegistry } from '../fakes/registry/registry.ts'
import { type BuildahStage, buildahStage, busyboxTree, sh } from './buildah-support.ts'

// Real builds on a busy machine; buildah itself waits between three tries to reach a registry.
jest.setTimeout(120_000)

let stage: BuildahStage
let registry: EmbeddedRegistry
let client: RegistryClient

beforeAll(async () => {
  stage = await buildahStage()
  ;({ registry, client } = stage)
})

afterAll(async () => {
  await stage.close()
})

const bench = (over: Partial<BuildWorld> = {}) => stage.bench(over)
const build = (over: Partial<BuildRequest>, world: BuildWorld, secrets: readonly string[] = []) =>
  stage.build(over, world, secrets)

test('buildah builds the exported tree, and the registry serves exactly the digest it said, without any tag', async () => {
  const { world } = bench()
  const before = registry.log.length
  const commitFolder = tree({ 'app/Dockerfile': 'FROM scratch\nCOPY hello.txt /\nLABEL a=b', 'app/hello.txt': 'hello' })
  const result = await build({ commitFolder, context: 'app', labels: { 'org.example.x': 'y' } }, world)
  expect(result).toMatchObject({
    builder: 'buildah',
    mediaType: 'application/vnd.oci.image.index.v1+json',
    pushedTo: [`${registry.host}/acme/app`],
    conditions: { builder: 'fresh', cache: 'none', network: 'default' },
  })
  const served = await client.getManifest({ host: registry.host, repository: 'acme/app' }, result.digest)
  expect(sha256(served.bytes)).toBe(result.digest)
  const image = await inspectImage(client, { host: registry.host, repository: 'acme/app' }, result.digest)
  expect(image.platforms).toHaveLength(1)
  const puts = registry.log.slice(before).filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))
  expect(puts.length).toBeGreaterThan(0)
  expect(puts.filter(({ path }) => !path.includes('/manifests/sha256:'))).toEqual([])
})

test('the same commit built twice is the same digest', async () => {
  const commitFolder = busyboxTree([sh('echo x > /y; /bin/busybox mkdir /d'), 'COPY a.txt /a.txt'], { 'a.txt': 'a' })
  const first = await build({ commitFolder, push: false }, bench().world)
  const copy = busyboxTree([sh('echo x > /y; /bin/busybox mkdir /d'), 'COPY a.txt /a.txt'], { 'a.txt': 'a' })
  const second = await build({ commitFolder: copy, push: false }, bench().world)
  expect(second.digest).toBe(first.digest)
})

test('without push the image lies in an OCI layout and no registry is asked', async () => {
  const before = registry.log.length
  const result = await build(
    { commitFolder: tree({ Dockerfile: 'FROM scratch\nCOPY x /', x: '1' }), push: false, images: [] },
    bench().world,
  )
  expect(registry.log.length).toBe(before)
  expect(result.pushedTo).toEqual([])
  const blob = readFileSync(join(result.layout ?? '', 'blobs', 'sha256', hexOf(result.digest)))
  expect(sha256(blob)).toBe(result.digest)
})

test('several platforms and repositories are one index, pushed everywhere', async () => {
  const images = [`${registry.host}/acme/one`, `${registry.host}/acme/two`]
  const commitFolder = tree({ Dockerfile: 'FROM scratch\nCOPY x /', x: '1' })
  const result = await build({ commitFolder, images, platforms: ['linux/amd64', 'linux/arm64'] }, bench().world)
  for (const repository of ['acme/one', 'acme/two']) {
    const image = await inspectImage(client, { host: registry.host, repository }, result.digest)
    expect(image.platforms.map(({ platform }) => platform).sort()).toEqual(['linux/amd64', 'linux/arm64'])
  }
})

test('build arguments, target, annotations and context files arrive; nothing outside the context does', async () => {
  const commitFolder = busyboxTree(
    [
      'ARG GREETING=none',
      sh('test "$GREETING" = "hi  there; $(id)"'),
      'COPY --chown=1:1 data /data',
      'FROM scratch AS small',
      'COPY data /data',
      'FROM scratch AS last',
      'COPY missing /x',
    ],
    { 'data/x': '1' },
  )
  const result = await build(
    { commitFolder, target: 'small', buildArgs: { GREETING: 'hi  there; $(id)' }, annotations: { 'a.b': 'c d' } },
    bench().world,
  )
  const image = await inspectImage(client, { host: registry.host, repository: 'acme/app' }, result.digest)
  expect(image.platforms).toHaveLength(1)
  const outside = tree({ 'app/Dockerfile': 'FROM scratch\nCOPY ../secret /', secret: 's' })
  expect((await errorOf(build({ commitFolder: outside, context: 'app' }, bench().world))).code).toBe('build/failed')
})

test('13-adversary 16: a RUN step sees neither the tokens nor the processes of the job', async () => {
  const secret = 'token-of-the-job'
  const env = {
    PATH: process.env.PATH,
    HOME: temporaryFolder(),
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
    GITHUB_TOKEN: secret,
    'INPUT_GITHUB-TOKEN': secret,
  }
  const { world, log } = bench({ env })
  const result = await build(
    { commitFolder: busyboxTree([sh('/bin/busybox env; echo processes: $(/bin/busybox ps | /bin/busybox wc -l)')]) },
    world,
  )
  expect(log()).not.toContain(secret)
  // Where the machine can make containers the step is alone; where it cannot, the result says so.
  const processes = Number(/processes: (\d+)/.exec(log())?.[1])
  expect(result.conditions?.isolation).toBe(processes < 10 ? 'processes' : 'none')
  expect(result.notes.length).toBe(result.conditions?.isolation === 'none' ? 1 : 0)
})

test('a Dockerfile that prints workflow commands commands nothing', async () => {
  const { world, log } = bench()
  const printed = '::add-mask::x\\n  ::set-output name=digest::evil\\n::stop-token::\\n##[add-path]/evil\\n'
  await build({ commitFolder: busyboxTree([sh(`/bin/busybox printf '${printed}'`)]) }, world)
  const lines = log().split(/[\r\n]/)
  const commands = lines.filter(line => /^\s*::/.test(line) || line.includes('##['))
  expect(commands).toEqual(['::stop-commands::stop-token-of-this-test', '::stop-token-of-this-test::'])
  expect(log()).toContain('set-output name=digest::evil')
})

test('network: none leaves a RUN step with the loopback interface alone', async () => {
  const { world, log } = bench()
  const over = {
    commitFolder: busyboxTree([sh('echo interfaces: $(/bin/busybox ls /sys/class/net)')]),
    network: 'none',
  } as const
  const outcome = await build(over, world).then(
    result => result.conditions?.network,
    error => error.code,
  )
  // A machine that can only chroot refuses instead of building with an open network.
  if (outcome === 'none') expect(log()).toMatch(/interfaces: lo\s/)
  else expect(outcome).toBe('build/unsupported')
})

test('a base image comes from a loopback registry without TLS, and from no other one without it', async () => {
  const base = await build({ commitFolder: busyboxTree([]), images: [`${registry.host}/acme/base`] }, bench().world)
  const commitFolder = tree({
    Dockerfile: `FROM ${registry.host}/acme/base@${base.digest}\nRUN ["/bin/busybox", "true"]`,
  })
  const result = await build({ commitFolder }, bench().world)
  expect(result.digest).not.toBe(base.digest)
  const strict = bench({ insecureRegistries: [] })
  const error = await errorOf(build({ commitFolder }, { ...strict.world, insecureRegistries: [] }))
  expect(error.code).toBe('build/failed')
})

test('13-adversary 18: a layout on the machine is no base image', async () => {
  const { layout } = await build({ commitFolder: busyboxTree([]), push: false }, bench().world)
  const commitFolder = tree({ Dockerfile: `ARG B=oci:${layout}\nFROM $B\n` })
  expect((await errorOf(build({ commitFolder }, bench().world))).code).toBe('build/image-refused')
})

test('13-adversary 18: an image position that only buildah sees is closed by buildah', async () => {
  const made = await build({ commitFolder: busyboxTree([]), push: false }, bench().world)
  // buildah makes a name of the path, which holds no upper case.
  const layout = join(tmpdir(), `waybill-layout-${process.pid}`)
  renameSync(made.layout ?? '', layout)
  // Text to BuildKit, an instruction to buildah.
  const commitFolder = tree({ Dockerfile: `FROM scratch\nCOPY <<EOF /x\nFROM oci:${layout}\nEOF\n` })
  const error = await errorOf(build({ commitFolder }, bench().world))
  expect(error.code).toBe('build/failed')
  expect(error.found).toContain('rejected by policy')
})

test('13-adversary 19: a cache mount holds nothing of another build', async () => {
  const poison = `RUN --mount=type=cache,target=/cache-of-waybill ["/bin/busybox", "sh", "-c", "test ! -e /cache-of-waybill/x && echo > /cache-of-waybill/x"]`
  for (const text of ['1', '2']) {
    const { conditions } = await build({ commitFolder: busyboxTree([poison], { text }), push: false }, bench().world)
    expect(conditions?.cache).toBe('none')
  }
})

test('13-adversary 19: an image that another build of the machine left is not seen', async () => {
  await build({ commitFolder: busyboxTree([]), push: false }, bench().world)
  const commitFolder = tree({ Dockerfile: 'FROM localhost/waybill:build\n' })
  expect((await errorOf(build({ commitFolder }, bench().world))).code).toBe('build/failed')
})

test('a failing step is a failed build with its last words', async () => {
  const error = await errorOf(build({ commitFolder: busyboxTree([sh('echo last words; exit 3')]) }, bench().world))
  expect(error).toMatchObject({ code: 'build/failed', kind: 'unknown' })
  expect(error.found).toContain('last words')
})

test('a failed or ended build leaves nothing in the run folder', async () => {
  for (const over of [
    { commitFolder: busyboxTree([sh('exit 3')]) },
    { commitFolder: busyboxTree([sh('/bin/busybox sleep 60')]), timeoutMs: 3_000 },
  ]) {
    const { world } = bench()
    expect((await errorOf(build(over, world))).code).toBe('build/failed')
    expect(readdirSync(world.folder)).toEqual([])
  }
})

test("the run's storage is gone afterwards, the layout stays", async () => {
  const { world } = bench()
  const { layout } = await build({ commitFolder: busyboxTree([sh('true')]), push: false }, world)
  expect(readdirSync(world.folder).map(name => join(world.folder, name))).toEqual([layout])
})

test('a secret in a build argument stops the build before buildah starts', async () => {
  const { world, log } = bench()
  const over = { commitFolder: busyboxTree([]), buildArgs: { PASSWORD: 'pass-of-alice' } }
  expect((await errorOf(build(over, world, ['pass-of-alice']))).code).toBe('build/argument-secret')
  expect(log()).toBe('')
})
