import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import { statementsOf } from '../e2e/materials-support.ts'
import { MANIFEST, setBuild, setRules } from './materials-world.ts'
import { Matrix } from './matrix.ts'
import { fileOf } from './signing.ts'
import {
  attest,
  type Cosign,
  cosign,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  repositoryIn,
  type World,
} from './world.ts'

/** Bills of materials: of a real BuildKit with a generator of its own, and of a file; judged by both cosigns and Waybill. */
jest.setTimeout(180_000)

const run = promisify(execFile)
const REGISTRY = 'referrers'
const TYPE = 'https://spdx.dev/Document'
const matrix = new Matrix('sbom')
let world: World
let generator: Awaited<ReturnType<typeof pushGenerator>>
beforeAll(async () => {
  world = await openWorld()
  generator = await pushGenerator()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const DOCUMENT = {
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  dataLicense: 'CC0-1.0',
  name: 'what the generator saw',
  documentNamespace: 'https://example.com/app',
  creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: example'] },
  packages: [],
}

/** BuildKit's protocol for generators: it says where the statement belongs, and adds the subject itself. */
const GENERATOR = `#!/bin/sh
cat > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<'END'
${JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', predicateType: TYPE, predicate: DOCUMENT })}
END
`

async function buildx(folder: string, ...args: readonly string[]): Promise<void> {
  const { peers, buildkit } = world.stack
  const env = { PATH: process.env.PATH ?? '', HOME: world.stack.folder, DOCKER_CONFIG: buildkit.dockerConfig }
  await run(peers.debian.docker, ['buildx', 'build', ...args, folder], { env })
}

/** @returns its name with the tag 1, its repository and its digest. */
async function pushGenerator() {
  const folder = join(world.stack.folder, 'generator')
  mkdirSync(folder, { recursive: true })
  cpSync('/bin/busybox', join(folder, 'busybox'))
  fileOf(world, 'generator/scan.sh', GENERATOR)
  const applets = [
    'COPY busybox /bin/busybox',
    'COPY busybox /bin/sh',
    'COPY busybox /bin/cat',
    'COPY scan.sh /scan.sh',
  ]
  fileOf(
    world,
    'generator/Dockerfile',
    ['FROM scratch', ...applets, 'ENTRYPOINT ["/bin/sh", "/scan.sh"]', ''].join('\n'),
  )
  const repository = repositoryIn(world, REGISTRY, 'generator')
  const metadata = join(world.stack.folder, 'generator.json')
  await buildx(folder, '--provenance=false', `--tag=${repository}:1`, '--push', `--metadata-file=${metadata}`)
  return { folder, repository, name: `${repository}:1`, digest: digestIn(metadata) }
}

const digestIn = (metadata: string): string => JSON.parse(readFileSync(metadata, 'utf8'))['containerimage.digest']

/** An image that a build elsewhere made, with what its builder left beside it. @returns its digest. */
async function builtElsewhere(repository: string): Promise<string> {
  const metadata = join(world.stack.folder, 'metadata.json')
  await buildx(
    generator.folder,
    `--attest=type=sbom,generator=${generator.name}`,
    `--metadata-file=${metadata}`,
    `--output=type=image,name=${repository},push-by-digest=true,name-canonical=true,push=true`,
  )
  return digestIn(metadata)
}

async function accepted(row: string, image: string, versions: readonly Cosign[]): Promise<readonly string[]> {
  const { identity, issuer } = expectedOf(world)
  const codes: string[] = []
  for (const version of versions) {
    const { code, log } = await cosign(world, version, [
      'verify-attestation',
      '--type=spdxjson',
      `--certificate-identity=${identity}`,
      `--certificate-oidc-issuer=${issuer}`,
      `--trusted-root=${world.stack.trustedRootFile}`,
      image,
    ])
    matrix.record(row, { [version]: code })
    codes.push(code === 0 ? `${version} 0` : `${version} ${log}`)
  }
  return codes
}

const gate = async (image: string): Promise<number> =>
  (await world.cli(['verify', 'image', image, ...world.expected, '--require', 'sbom'])).code

test('what a generator told BuildKit is stated again for the platform, and accepted by both cosigns and the gate', async () => {
  const repository = repositoryIn(world, REGISTRY, 'sbom-auto')
  const digest = await builtElsewhere(repository)
  const done = await attest(world, { images: repository, digest, sbom: 'auto', 'legacy-signatures': 'true' })
  expect([done.code, done.result.error]).toEqual([0, undefined])
  expect(done.result.notices.filter(notice => notice.includes('bill of materials'))).toEqual([])
  const [platform] = done.result.image?.platforms ?? []
  const image = pinned(repository, platform?.digest)
  expect(await accepted('of the builder', image, ['cosign3', 'cosign2'])).toEqual(['cosign3 0', 'cosign2 0'])
  expect([await gate(image), await gate(pinned(repository, digest))]).toEqual([0, 0])
})

test('a file is stated of the image, and accepted by both cosigns and the gate', async () => {
  const repository = repositoryIn(world, REGISTRY, 'sbom-file')
  const sbom = fileOf(world, 'sbom.json', JSON.stringify(DOCUMENT))
  const layout = layoutOf(world, 'sbom-file', ['linux/amd64', 'linux/arm64'])
  const done = await attest(world, { images: repository, layout, sbom, 'legacy-signatures': 'true' })
  expect([done.code, done.result.error]).toEqual([0, undefined])
  for (const digest of [done.outputs.digest, done.result.image?.platforms[1]?.digest]) {
    const image = pinned(repository, digest)
    expect(await accepted('of a file', image, ['cosign3', 'cosign2'])).toEqual(['cosign3 0', 'cosign2 0'])
    expect(await gate(image)).toBe(0)
  }
})

test('4-materials 2: in a closed build BuildKit lets the declared generator in and no other, and what it told is accepted', async () => {
  const { name, repository, digest } = generator
  await setRules(world, `base-images:\n  - { match: "${repository}", digest-lock: true, private: true }\n`)
  const item = `  - { name: generator, uri: "docker-image://${name}", digest: { sha256: ${digest.slice('sha256:'.length)} }, use: { sbom-generator: true } }\n`
  await setBuild(world, { [MANIFEST]: `version: 1\nmaterials:\n${item}` })
  const images = repositoryIn(world, REGISTRY, 'sbom-closed')
  const env = { BUILDX_BUILDER: 'waybill' }
  const inputs = { builder: 'buildx', tags: 'v1', sbom: 'auto' }
  const done = await attest(world, { ...inputs, images }, { env })
  expect([done.code, done.result.error, done.code === 0 ? '' : done.log]).toEqual([0, undefined, ''])
  expect(done.result.materials?.items).toMatchObject([{ digest, verdict: 'passed', proof: 'pinned' }])
  expect(done.result.materials?.closed).toMatchObject({ by: 'builder' })
  const { types, provenance } = statementsOf(done)
  expect(types).toContain(TYPE)
  const { resolvedDependencies = [] } = provenance?.predicate.buildDefinition ?? {}
  expect(resolvedDependencies.map(one => one.digest?.sha256)).toContain(digest.slice('sha256:'.length))
  const [platform] = done.result.image?.platforms ?? []
  const image = pinned(images, platform?.digest)
  expect(await accepted('in a closed build', image, ['cosign3'])).toEqual(['cosign3 0'])
  expect(await gate(image)).toBe(0)

  await setBuild(world, { [MANIFEST]: null })
  const without = await attest(world, { ...inputs, images: repositoryIn(world, REGISTRY, 'sbom-none') }, { env })
  expect([without.code, without.result.error]).toEqual([0, undefined])
  expect(statementsOf(without).types).not.toContain(TYPE)
  expect([...without.result.notices, ...without.result.notChecked].join()).toContain('sbom-generator: true')
})
