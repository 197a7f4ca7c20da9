import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import { type Digest, hexOf } from '../../src/core/digest.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { statementsOf } from '../e2e/materials-support.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { withKeyedWorld } from './keyed-world.ts'
import { type Base, codeOf, MANIFEST, newBase, setBuild, setRules, signBase } from './materials-world.ts'
import { type OwnMachine, pushBuildKit, startMachine } from './own-machine.ts'
import type { KeyFiles } from './signing.ts'
import { attest, expectedOf, pinned, repositoryIn, type World, waybill } from './world.ts'

/** A whole run in a builder of its own, made in a real Docker daemon from an image that the manifest names, and what a gate says of it. */
jest.setTimeout(300_000)

let world: World
let key: KeyFiles
const matrix = withKeyedWorld('closed-world', made => {
  ;({ world, key } = made)
})

const CLOSED = 'BUILD_SOURCES_CLOSED_WORLD'
let base: Base
let buildkit: { readonly name: string; readonly digest: Digest }
let machine: Machine

beforeAll(async () => {
  machine = await machineOf(world)
  base = await newBase(world, 'referrers', 'closed')
  await signBase(world, 'cosign3', base, key)
  buildkit = await builderImage(world)
  const identity = `${world.stack.git.url}/acme/images/.github/workflows/release.yml@refs/heads/main`
  const signer = `sigstore: { identity: "${identity}", issuer: "${world.stack.oidc.issuer}" }`
  await setRules(
    world,
    `base-images:
  - { match: "${base.repository}", private: true, signers: [{ ${signer} }], trust: { file: trust/root.json } }
  - { match: "${world.stack.registry.host}/tools/buildkit", private: true, digest-lock: true }
`,
  )
})
afterAll(async () => machine?.close())

interface Machine extends OwnMachine {
  /** Containers and volumes in it. */
  left(): Promise<string>
}

const machineOf = ({ stack }: World): Promise<Machine> =>
  startMachine(stack, async ({ address }) => {
    const env = { PATH: process.env.PATH, DOCKER_HOST: address }
    const docker = async (args: readonly string[]) =>
      (await promisify(execFile)(stack.peers.debian.docker, [...args], { env })).stdout
    const left = async () => `${await docker(['ps', '--all', '--quiet'])}${await docker(['volume', 'ls', '--quiet'])}`
    return { left }
  })

async function builderImage({ stack }: World) {
  return { name: `${stack.registry.host}/tools/buildkit:1`, digest: await pushBuildKit(stack) }
}

interface Case {
  readonly network: 'none' | 'default'
  readonly own: boolean
}

/** One build of the same Dockerfile. What was made for it is gone afterwards. */
async function built(name: string, { network, own }: Case): Promise<StepResult & { readonly image: string }> {
  const { name: uri, digest } = buildkit
  const item = `  - { name: buildkit, uri: "docker-image://${uri}", digest: { sha256: ${hexOf(digest)} }, use: { builder: true } }\n`
  await setBuild(world, {
    Dockerfile: `FROM ${base.name}\nRUN cat /version\n`,
    [MANIFEST]: own ? `version: 1\nmaterials:\n${item}` : null,
  })
  const images = repositoryIn(world, 'referrers', name)
  // The stack's shared builder, by name: buildx forgets which one is in use when it is called for another daemon.
  const env = own ? { DOCKER_HOST: machine.dockerd.address } : { BUILDX_BUILDER: 'waybill' }
  const step = await attest(world, { builder: 'buildx', tags: 'v1', images, network }, { env })
  expect([step.code, codeOf(step), step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  expect(step.log).toContain('this is closed')
  expect(await machine.left()).toBe('')
  return { ...step, image: pinned(images, step.outputs.digest) }
}

/** Exit code and what was found, by a policy that requires this. */
async function gate(row: string, image: string, required: readonly string[]): Promise<string> {
  const { identity, issuer } = expectedOf(world)
  const path = join(world.stack.folder, `${randomUUID()}.yml`)
  writeFileSync(
    path,
    `version: 1
deploy:
  - match: "127.0.0.1:*/**"
    trust: { file: ${basename(world.stack.trustedRootFile)} }
    build:
      builders: [buildx]
      sigstore: { identity: "${identity}", issuer: "${issuer}" }
    require: [${required.join(', ')}]
`,
  )
  const { code, stdout } = await waybill(world, ['verify', 'image', image, '--json', '--policy', path])
  matrix.record(`${row}, ${required.at(-1)}`, { waybill: code })
  const { subjects } = JSON.parse(stdout) as Receipt
  return [code, ...subjects.flatMap(({ findings }) => findings.map(finding => finding.code))].join(' ')
}

const PINNED = ['signature', 'provenance', 'materials-pinned']
const ALL = [...PINNED, 'closed-world']

test('13-adversary 19: a fresh builder without a network closes the world, and a gate that asks for it lets the image in', async () => {
  const step = await built('closed', { network: 'none', own: true })
  const { attributes, provenance } = statementsOf(step)
  const closed = attributes.filter(({ attribute }) => attribute === CLOSED)
  expect(closed).toMatchObject([{ conditions: { builder: 'fresh', cache: 'none', network: 'none' } }])
  expect(attributes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
        target: expect.objectContaining({ uri: `docker-image://${base.name}@${base.digest}` }),
      }),
      expect.objectContaining({
        attribute: 'BASE_IMAGE_DIGEST_PINNED',
        target: expect.objectContaining({ digest: { sha256: hexOf(buildkit.digest) } }),
      }),
    ]),
  )
  const named = provenance?.predicate.buildDefinition.resolvedDependencies ?? []
  for (const { digest } of [base, buildkit])
    expect(named).toContainEqual(expect.objectContaining({ digest: { sha256: hexOf(digest) } }))
  expect(step.result.materials?.closed).toEqual({ by: 'builder', builder: 'fresh', cache: 'none', network: 'none' })
  expect(await gate('closed', step.image, ALL)).toBe('0')
  // Its builder has a digest and no signer.
  const signed = ['signature', 'provenance', 'materials-verified']
  expect(await gate('closed', step.image, signed)).toBe('1 verify/material-unsigned')
})

test.each([
  ['with a network', { network: 'default', own: true }, { builder: 'fresh', cache: 'none', network: 'default' }],
  ['on a shared builder', { network: 'none', own: false }, { builder: 'shared', cache: 'shared', network: 'none' }],
] as const)(
  '13-adversary 19: %s nobody claims a closed world, and a gate that asks for it refuses',
  async (row, the, conditions) => {
    const step = await built(`open-${the.network}`, the)
    const { attributes } = statementsOf(step)
    expect(attributes.map(({ attribute }) => attribute)).toContain('BASE_IMAGES_DECLARED')
    expect(attributes.map(({ attribute }) => attribute)).not.toContain(CLOSED)
    expect(step.result.materials?.closed).toEqual({ by: 'builder', ...conditions })
    expect(await gate(row, step.image, PINNED)).toBe('0')
    expect(await gate(row, step.image, ALL)).toBe('1 verify/not-closed')
  },
)
