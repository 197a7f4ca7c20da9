import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import { hashFile } from '../../src/io/files.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { LayoutWriter, SHAPES, writeShape } from '../fakes/shaped-layout.ts'
import { attestedOf, confirmed, crane } from './builders-confirm.ts'
import { BuildPage } from './builders-page.ts'
import { Matrix } from './matrix.ts'
import { attest, openWorld, repositoryIn, type World } from './world.ts'

/** Images of every shape, made by real programs where they make them, attested and confirmed by crane and cosign. */
jest.setTimeout(240_000)

const REGISTRY = 'referrers'
/** What BuildKit compressed before lies in its cache: without force another format would be kept. */
const GZIP = 'compression=gzip,force-compression=true'
const page = new BuildPage('formats', ['image', 'made by', 'what was signed', 'media types', 'crane and cosign'])
const run = promisify(execFile)
const matrix = new Matrix('formats')

let world: World
beforeAll(async () => {
  world = await openWorld()
  const folder = join(world.stack.folder, 'small')
  mkdirSync(folder)
  for (const name of ['amd64', 'arm64']) writeFileSync(join(folder, `said-${name}`), `for ${name}\n`.repeat(100))
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nCOPY said-$TARGETARCH /said\n')
  writeFileSync(join(folder, 'Labelled'), 'FROM scratch\nLABEL a=b\n')
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const slug = (text: string) => text.replaceAll(/[^A-Za-z]+/g, '-').toLowerCase()

async function confirmShape(name: string, by: string, inputs: Inputs): Promise<StepResult> {
  const repository = repositoryIn(world, REGISTRY, slug(name))
  const step = await attest(world, { images: repository, tags: 'v1', ...inputs })
  expect([step.code, step.result.error, step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  const found = await confirmed(world, step, repository)
  expect(found).toBe(`${attestedOf(step).length} confirmed`)
  const { platforms = [], mediaType = '' } = step.result.image ?? {}
  const top = mediaType.includes('index') || mediaType.includes('list') ? 'the index' : 'the image'
  const signed = [top, ...platforms.map(({ platform }) => platform)].join(', ')
  page.row([name, by, signed, await typesIn(repository, step), found])
  return step
}

/** Media types of the manifest and of all layers. */
async function typesIn(repository: string, step: StepResult): Promise<string> {
  const types = new Set<string>()
  for (const digest of attestedOf(step)) {
    const manifest = JSON.parse(String(await crane(world, ['manifest', `${repository}@${digest}`])))
    types.add(manifest.mediaType)
    for (const layer of manifest.layers ?? []) types.add(layer.mediaType)
  }
  return [...types].map(type => `\`${type.replace('application/', '')}\``).join(' ')
}

/** A layout as a tar, of the small Dockerfile. */
async function byBuildx(output: string, ...args: readonly string[]): Promise<string> {
  const { peers, buildkit, folder } = world.stack
  const env = { PATH: process.env.PATH ?? '', HOME: folder, DOCKER_CONFIG: buildkit.dockerConfig }
  const layout = join(folder, `${randomUUID()}.tar`)
  const options = ['--builder=waybill', '--provenance=false', `--output=type=oci,dest=${layout},${output}`]
  await run(peers.debian.docker, ['buildx', 'build', ...options, ...args, join(folder, 'small')], { env })
  return layout
}

test.each([
  ['zstd layers', 'compression=zstd,force-compression=true,oci-mediatypes=true', [], 1],
  ['eStargz layers', 'compression=estargz,force-compression=true,oci-mediatypes=true', [], 1],
  ['uncompressed layers', 'compression=uncompressed,force-compression=true', [], 1],
  ['one platform without an index', `${GZIP},oci-mediatypes=true`, [], 1],
  ['Docker media types', `${GZIP},oci-mediatypes=false`, [], 1],
  ['a Docker manifest list', `${GZIP},oci-mediatypes=false`, ['--platform=linux/amd64,linux/arm64'], 3],
  ['no files at all', 'oci-mediatypes=true', ['--file=Labelled'], 1],
] as const)('buildx: %s', async (name, output, args, subjects) => {
  const more = args.map(arg => arg.replace('--file=', `--file=${join(world.stack.folder, 'small')}/`))
  const step = await confirmShape(name, 'buildx', { layout: await byBuildx(output, ...more) })
  expect(attestedOf(step)).toHaveLength(subjects)
})

test('buildx: eStargz keeps its table of contents, by which others check what they fetch lazily', async () => {
  const layout = await byBuildx('compression=estargz,force-compression=true,oci-mediatypes=true')
  const images = repositoryIn(world, REGISTRY, 'lazily')
  const step = await attest(world, { images, layout })
  const { layers } = JSON.parse(String(await crane(world, ['manifest', `${images}@${step.outputs.digest}`])))
  expect(layers[0].annotations['containerd.io/snapshot/stargz/toc.digest']).toMatch(/^sha256:[0-9a-f]{64}$/)
})

test('skopeo: a layout that it wrote, and an image as it converted it to Docker’s types', async () => {
  const { peers, folder } = world.stack
  const tar = await byBuildx(`${GZIP},oci-mediatypes=true`)
  const layout = join(folder, 'by-skopeo')
  await run(peers.debian.skopeo, ['copy', '--insecure-policy', `oci-archive:${tar}`, `oci:${layout}`])
  await confirmShape('a layout without a media type of its own', 'skopeo', { layout })
  const target = repositoryIn(world, REGISTRY, 'converted-to-the-types-of-docker')
  const options = ['--insecure-policy', '--dest-tls-verify=false', '--format=v2s2']
  await run(peers.debian.skopeo, ['copy', ...options, `oci:${layout}`, `docker://${target}:there`])
  const digest = String(await crane(world, ['digest', `${target}:there`])).trim()
  await confirmShape('converted to the types of Docker', 'skopeo', { digest })
})

test('crane: an appended layer, a changed config, an index inside an index', async () => {
  const file = join(world.stack.folder, 'small.tar')
  await run('tar', ['-C', join(world.stack.folder, 'small'), '-cf', file, '.'])
  const target = repositoryIn(world, REGISTRY, 'appended-and-changed')
  await crane(world, ['append', '--oci-empty-base', `--new_layer=${file}`, `--new_tag=${target}:a`])
  await crane(world, ['mutate', `${target}:a`, '--label=a=b', '--set-platform=linux/arm64', `--tag=${target}:b`])
  const digest = String(await crane(world, ['digest', `${target}:b`])).trim()
  await confirmShape('appended and changed', 'crane', { digest })
  const nested = repositoryIn(world, REGISTRY, 'an-index-inside-an-index')
  await crane(world, ['copy', `${target}:b`, `${nested}:b`])
  await crane(world, ['index', 'append', '-m', `${nested}:b`, '-t', `${nested}:inner`])
  await crane(world, ['index', 'append', '--flatten=false', '-m', `${nested}:inner`, '-t', `${nested}:outer`])
  const outer = String(await crane(world, ['digest', `${nested}:outer`])).trim()
  const step = await confirmShape('an index inside an index', 'crane', { digest: outer })
  expect(attestedOf(step)).toHaveLength(2)
})

const BY_HAND = Object.keys(SHAPES).filter(name => !/zstd|eStargz|Docker|null|inside an index/.test(name))

test.each(BY_HAND)('by hand: %s', async name => {
  const { folder } = writeShape(join(world.stack.folder, `shape-${slug(name)}`), name)
  await confirmShape(`${name} `.trim(), 'by hand', { layout: folder })
})

/** MiB of the one layer; 4096 was measured once. */
const LARGE = Number(process.env.WAYBILL_LARGE_LAYER ?? 512)
const HEAP = LARGE > 512 ? 256 : 64

test(`a layer of ${LARGE} MiB passes through a heap of ${HEAP} MiB, and not through memory beside it`, async () => {
  const { folder } = world.stack
  const writer = new LayoutWriter(join(folder, 'large'))
  const path = join(folder, 'zeros')
  closeSync(openSync(path, 'w'))
  truncateSync(path, LARGE * 1024 * 1024)
  const { digest, size } = await hashFile(path)
  await run('mv', [path, join(folder, 'large', 'blobs', 'sha256', digest.slice('sha256:'.length))])
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }
  const { folder: layout } = writer.finish(writer.image('linux/amd64', [layer]))
  const told = join(folder, 'memory')
  const teller = join(folder, 'memory.mjs')
  writeFileSync(
    teller,
    `import { writeFileSync } from 'node:fs'
process.on('exit', () => writeFileSync(${JSON.stringify(told)}, String(process.resourceUsage().maxRSS / 1024)))\n`,
  )
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP} --import=${pathToFileURL(teller)}` }
  // On disk: a registry that keeps blobs in memory would need as much itself.
  const images = repositoryIn(world, 'distribution', 'large')
  const begun = Date.now()
  const step = await attest(world, { images, layout, tags: 'v1' }, { env })
  expect([step.code, step.result.error, step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  const peak = Math.round(Number(readFileSync(told, 'utf8')))
  matrix.record(`${LARGE} MiB through a heap of ${HEAP} MiB`, { 'MiB of memory at most': peak, ms: Date.now() - begun })
  expect(peak).toBeLessThan(HEAP + 256)
  expect(await confirmed(world, step, images)).toBe('1 confirmed')
})

test('the page says the same', () => page.check())
