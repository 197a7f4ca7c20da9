import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { jest } from '@jest/globals'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { Matrix } from './matrix.ts'
import { attest, expectedOf, openWorld, pinned, repositoryIn, type World, waybill } from './world.ts'

/** Each commit built twice, by a real BuildKit and by buildah; what was claimed is judged by a gate that asks for it. */
jest.setTimeout(300_000)

const matrix = new Matrix('reproducible')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const BASE = ['FROM scratch', 'COPY busybox.sh /bin/busybox']
const step = (words: string) => `RUN ["/bin/busybox", "sh", "-c", "${words}"]`
const SAME = [...BASE, step('/bin/busybox mkdir -p /app; echo always > /app/made.txt'), 'COPY data /data']
const RANDOM = [...BASE, step('/bin/busybox mkdir -p /app; /bin/busybox head -c 8 /dev/urandom > /app/made.txt')]

async function commit(dockerfile: readonly string[]): Promise<void> {
  world.repository.commit({
    message: 'Change what is built',
    signer: world.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { Dockerfile: [...dockerfile, ''].join('\n'), 'busybox.sh': readFileSync('/bin/busybox'), data: 'data\n' },
  })
  await world.publish()
}

async function built(name: string, dockerfile: readonly string[], inputs: Inputs): Promise<StepResult> {
  await commit(dockerfile)
  const images = repositoryIn(world, 'referrers', name)
  return attest(world, { reproducible: 'check', tags: 'v1', images, ...inputs })
}

/** Exit code and what was found, by a policy that asks for a build that can be made again. */
async function gate(name: string, { outputs }: StepResult): Promise<readonly string[]> {
  const { identity, issuer } = expectedOf(world)
  const path = join(world.stack.folder, `${randomUUID()}.yml`)
  writeFileSync(
    path,
    `version: 1
deploy:
  - match: "127.0.0.1:*/**"
    trust: { file: ${basename(world.stack.trustedRootFile)} }
    build: { sigstore: { identity: "${identity}", issuer: "${issuer}" } }
    require: [signature, provenance, reproducible]
`,
  )
  const image = pinned(repositoryIn(world, 'referrers', name), outputs.digest)
  const { code, stdout } = await waybill(world, ['verify', 'image', image, '--policy', path, '--json'])
  const result = JSON.parse(stdout) as { subjects: { findings: { code: string }[] }[] }
  matrix.record(name, { gate: code })
  return [String(code), ...result.subjects.flatMap(({ findings }) => findings.map(finding => finding.code))]
}

test.each(['buildx', 'buildah'])('%s: the same bytes twice are claimed, and the gate lets them pass', async builder => {
  const name = `same-${builder}`
  const made = await built(name, SAME, { builder })
  expect([made.code, made.code === 0 ? '' : made.log]).toEqual([0, ''])
  expect(made.result.reproducible).toMatchObject({ state: 'passed', findings: [] })
  expect(made.outputs.verdict).toBe('passed')
  expect(await gate(name, made)).toEqual(['0'])
})

test.each(['buildx', 'buildah'])(
  '%s: other bytes are told by the file, not claimed, and refused there',
  async builder => {
    const name = `other-${builder}`
    const made = await built(name, RANDOM, { builder })
    expect([made.code, made.code === 0 ? '' : made.log]).toEqual([0, ''])
    expect(made.result.reproducible?.platforms[0]?.differences).toEqual([
      expect.objectContaining({ kind: 'file', layer: 2, path: 'app/made.txt', what: 'content' }),
    ])
    expect(made.outputs.verdict).toBe('rejected')
    expect(await gate(name, made)).toEqual(['1', 'verify/no-scai'])
  },
)

test.each(['buildx', 'buildah'])('%s: of two platforms each is compared', async builder => {
  const name = `platforms-${builder}`
  const made = await built(name, ['FROM scratch', 'COPY data /data'], {
    builder,
    platforms: 'linux/amd64\nlinux/arm64',
  })
  expect([made.code, made.code === 0 ? '' : made.log]).toEqual([0, ''])
  expect(made.result.reproducible?.platforms.map(({ platform }) => platform).toSorted()).toEqual([
    'linux/amd64',
    'linux/arm64',
  ])
  expect(await gate(name, made)).toEqual(['0'])
})

test('buildx: a proposal without a push is compared on disk, and nothing is signed', async () => {
  const made = await built('proposal', SAME, { builder: 'buildx', push: 'false', tags: undefined })
  expect([made.code, made.code === 0 ? '' : made.log]).toEqual([0, ''])
  expect(made.result.reproducible).toMatchObject({ state: 'passed' })
  expect(made.result.attestations).toEqual([])
})

test('buildx: the second build finds a cache mount empty, whatever the first left in it', async () => {
  const mount = '--mount=type=cache,target=/kept'
  const words = 'test -e /kept/x && echo again > /made.txt || echo first > /made.txt; echo > /kept/x'
  const line = `RUN ${mount} ["/bin/busybox", "sh", "-c", "${words}"]`
  const made = await built('mount', [...BASE, line], { builder: 'buildx' })
  expect([made.code, made.code === 0 ? '' : made.log]).toEqual([0, ''])
  expect(made.result.reproducible).toMatchObject({ state: 'passed', findings: [] })
})
