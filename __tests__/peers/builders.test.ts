import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import type { Dockerd } from '../../tools/peers/dockerd.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import { statementsOf } from '../e2e/materials-support.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { attestedOf, confirmed, crane } from './builders-confirm.ts'
import { BuildPage } from './builders-page.ts'
import { type OwnMachine, pushBuildKit, startMachine } from './own-machine.ts'
import { attest, layoutOf, openWorld, repositoryIn, type World } from './world.ts'

/** Every builder × one and two platforms × every registry: crane and cosign confirm the digests that the run said. */
jest.setTimeout(300_000)

const HEADS: Readonly<Record<RegistryName, string>> = {
  distribution: 'distribution 3.1',
  debian: 'docker-registry 2.8, login',
  crane: 'crane, no referrers API',
  referrers: 'crane, referrers API',
}
const ORDER = ['distribution', 'debian', 'crane', 'referrers'] as const
const ONE = 'linux/amd64'
const TWO = 'linux/amd64\nlinux/arm64'
const page = new BuildPage('builders', ['builder', 'platforms', 'subjects', ...ORDER.map(name => HEADS[name])])

let world: World
let machine: Machine
beforeAll(async () => {
  world = await openWorld()
  machine = await machineOf(world)
  world.repository.commit({
    message: 'Build for two platforms',
    signer: world.alice,
    files: {
      'app/busybox': readFileSync(world.stack.peers.debian.busybox),
      'app/said-amd64': 'for amd64\n',
      'app/said-arm64': 'for arm64\n',
      // Only the machine's own platform runs anything.
      'app/Dockerfile': `FROM --platform=$BUILDPLATFORM scratch AS made
COPY --chmod=755 busybox /bin/busybox
COPY said-* /said/
RUN ["/bin/busybox", "sh", "-c", "test -f /said/said-amd64"]
FROM scratch
ARG TARGETARCH
COPY --from=made /said/said-\${TARGETARCH} /said
`,
    },
  })
  await world.publish()
})
afterAll(async () => {
  await machine?.close()
  await world?.close()
})

interface Machine extends OwnMachine {
  /** For a step that builds in a BuildKit that runs in a container of the daemon. */
  readonly container: Readonly<Record<string, string>>
}

const machineOf = ({ stack }: World): Promise<Machine> =>
  startMachine(stack, async (dockerd, folder) => ({ container: await containerBuilder(stack, dockerd, folder) }))

/** As docker/setup-buildx-action makes it, from an image of the same BuildKit. */
async function containerBuilder(stack: World['stack'], { address }: Dockerd, folder: string) {
  const { peers, registry, registries, buildkit } = stack
  const digest = await pushBuildKit(stack)
  const config = join(folder, 'buildkitd.toml')
  writeFileSync(config, REGISTRIES.map(name => `[registry."${registries[name].host}"]\n  http = true\n`).join('\n'))
  const env = { PATH: process.env.PATH ?? '', DOCKER_HOST: address, DOCKER_CONFIG: buildkit.dockerConfig }
  const image = `image=${registry.host}/tools/buildkit@${digest}`
  const create = ['--name=contained', '--driver=docker-container', `--driver-opt=${image}`, '--driver-opt=network=host']
  await promisify(execFile)(
    peers.debian.docker,
    ['buildx', 'create', ...create, `--buildkitd-config=${config}`, '--bootstrap'],
    { env },
  )
  return { DOCKER_HOST: address, BUILDX_BUILDER: 'contained' }
}

interface Predicate {
  readonly runDetails: { readonly byproducts?: readonly { readonly name: string }[] }
}

interface Row {
  readonly builder: string
  readonly platforms: string
  readonly inputs: Inputs
  readonly env?: () => Readonly<Record<string, string>>
}

const rows: readonly Row[] = [ONE, TWO].flatMap(platforms => [
  {
    builder: 'buildx, remote BuildKit 0.26.3',
    platforms,
    inputs: { builder: 'buildx' },
    env: () => ({ BUILDX_BUILDER: 'waybill' }),
  },
  {
    builder: 'buildx, BuildKit 0.26.3 in a container of dockerd',
    platforms,
    inputs: { builder: 'buildx' },
    env: () => machine.container,
  },
  { builder: 'buildah', platforms, inputs: { builder: 'buildah' } },
])

const shown = (platforms: string) => platforms.replace('\n', ', ')
const slug = (row: Row) => `${row.builder.replaceAll(/[^a-z]+/g, '-')}-${row.platforms === ONE ? 'one' : 'two'}`
const repositories = (name: string) => ORDER.map(registry => repositoryIn(world, registry, name))

/** What the statement of the build is about, names without the registry, and that these are what was attested. */
function subjectsOf(step: StepResult, name: string): string {
  const { subject = [] } = statementsOf(step).provenance ?? {}
  const platforms = subject.flatMap(one => (one.name.includes('#') ? [one.name.split('#')[1] ?? ''] : []))
  expect(new Set(subject.map(one => one.name)).size).toBe(subject.length)
  expect(new Set(subject.map(one => `sha256:${one.digest.sha256}`))).toEqual(new Set(attestedOf(step)))
  expect(subject.filter(one => one.name.endsWith(`/acme/${name}`))).toHaveLength(ORDER.length)
  return platforms.length === 0 ? 'the image' : `the index, ${platforms.join(', ')}`
}

async function confirmRow(builder: string, platforms: string, step: StepResult, name: string): Promise<void> {
  expect([step.code, step.result.error, step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  const cells = await Promise.all(repositories(name).map(repository => confirmed(world, step, repository)))
  const count = attestedOf(step).length
  expect(cells).toEqual(ORDER.map(() => `${count} confirmed`))
  page.row([builder, platforms, subjectsOf(step, name), ...cells])
}

test.each(rows.map(row => [row.builder, shown(row.platforms), row] as const))(
  '%s for %s: every registry serves what was signed',
  async (builder, platforms, row) => {
    const name = slug(row)
    const inputs = { images: repositories(name).join('\n'), context: 'app', platforms: row.platforms, tags: 'v1' }
    const step = await attest(world, { ...inputs, ...row.inputs }, row.env === undefined ? {} : { env: row.env() })
    await confirmRow(builder, platforms, step, name)
    // BuildKit's own statements are bound by digest, and are nobody's platform.
    const predicate = statementsOf(step).provenance?.predicate as unknown as Predicate
    const own = (predicate.runDetails.byproducts ?? []).filter(one => one.name === 'buildkit-attestation-manifest')
    expect(own).toHaveLength(row.inputs.builder === 'buildx' ? row.platforms.split('\n').length : 0)
  },
)

test.each([ONE, TWO])('a layout, and then the same image by its digest, for %j', async wanted => {
  const name = `layout-${wanted === ONE ? 'one' : 'two'}`
  const images = repositories(name).join('\n')
  const layout = layoutOf(world, name, wanted.split('\n'))
  const pushed = await attest(world, { images, layout, tags: 'v1' })
  await confirmRow('layout', shown(wanted), pushed, name)
  // What is signed already is signed again by nobody: another run's image lies in repositories of its own.
  const other = `none-${wanted === ONE ? 'one' : 'two'}`
  const elsewhere = repositories(other).join('\n')
  const unsigned = await attest(world, { images: elsewhere, layout, sign: 'false', 'signing-config': undefined })
  expect(unsigned.code).toBe(0)
  const named = await attest(world, { images: elsewhere, digest: unsigned.outputs.digest, tags: 'v1' })
  await confirmRow('none', shown(wanted), named, other)
})

test('the docker driver of a daemon cannot say which digest a registry will serve, and nothing is signed', async () => {
  const repository = repositoryIn(world, 'distribution', 'driver')
  const inputs = { images: repository, context: 'app', builder: 'buildx', tags: 'v1' }
  const step = await attest(world, inputs, { env: { DOCKER_HOST: machine.dockerd.address } })
  expect([step.code, step.result.error?.remedy]).toEqual([2, expect.stringContaining('docker/setup-buildx-action')])
  expect(step.outputs.digest ?? '').toBe('')
  const code = step.result.error?.code ?? ''
  page.row(['buildx, `docker` driver of dockerd', shown(ONE), 'none', ...ORDER.map(() => `refused: \`${code}\``)])
})

test.each(['buildx', 'buildah'])('%s: a name that is not UTF-8 goes into the image byte for byte', async builder => {
  const { repository, alice } = world
  const folder = join(repository.folder, 'names')
  mkdirSync(folder, { recursive: true })
  writeFileSync(Buffer.from(`${folder}/odd-\xff.txt`, 'latin1'), 'odd words\n')
  const files = { 'names/Dockerfile': 'FROM scratch\nCOPY . /\n', 'names/ä.txt': 'usual words\n' }
  repository.commit({ message: `Name a file oddly for ${builder}`, signer: alice, files })
  await world.publish()
  const images = repositoryIn(world, 'distribution', `names-${builder}`)
  const inputs = { images, context: 'names', builder, tags: 'v1' }
  const step = await attest(world, inputs, { env: { BUILDX_BUILDER: 'waybill' } })
  expect([step.code, step.result.error, step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  const [platform] = step.result.image?.platforms ?? []
  const manifest = JSON.parse(String(await crane(world, ['manifest', `${images}@${platform?.digest}`])))
  const layers = await Promise.all(
    manifest.layers.map(({ digest }: { digest: string }) => crane(world, ['blob', `${images}@${digest}`])),
  )
  const text = layers.map(layer => gunzipSync(layer).toString('latin1')).join('')
  expect(text.match(/odd-[^\0\n]*?\.txt/g)).toContain('odd-\xff.txt')
  expect(text).toContain('odd words\n')
  expect(text).toContain(Buffer.from('ä.txt').toString('latin1'))
})

test('the page says the same', () => page.check())
