import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { script } from '../build/support.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { LayoutWriter, type WrittenShape } from '../fakes/shaped-layout.ts'
import { cleanGround, codeOf, heldBy, logEntries } from './aftermath.ts'

/** Builders that lie, break, or end in the middle, through the whole action: nothing is signed, nothing is tagged. */
jest.setTimeout(60_000)

const INSPECT =
  'Name: b\nDriver: docker-container\n\nNodes:\nName: b0\nEndpoint: e\nStatus: running\nBuildKit version: v0.26.3\n'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const INDEX = 'application/vnd.oci.image.index.v1+json'

let scenario: Scenario
let count = 0
beforeAll(async () => {
  scenario = await startScenario()
  scenario.repository.commit({
    message: 'Build',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { Dockerfile: 'FROM scratch\nLABEL a=b\n' },
  })
  await scenario.publish()
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

/** A docker whose buildx answers, and whose build does what `body` says; `metadata` is the path it shall write. */
function builder(body: string): string {
  const folder = join(scenario.stack.folder, `builder-${++count}`)
  mkdirSync(folder)
  script(
    folder,
    'docker',
    `if (argv[1] === 'version') console.log('github.com/docker/buildx v0.29.1 x')
else if (argv[1] === 'inspect') console.log(${JSON.stringify(INSPECT)})
else {
  const metadata = argv.find(one => one.startsWith('--metadata-file=')).slice(16)
  const say = digest => fs.writeFileSync(metadata, JSON.stringify({ 'containerimage.digest': digest }))
  ${body}
}`,
  )
  return folder
}

async function attest(body: string, inputs: Inputs = {}): Promise<StepResult> {
  const env = { PATH: `${builder(body)}:${process.env.PATH}` }
  return scenario.attest({ builder: 'buildx', tags: 'v1', ...inputs }, { env })
}

function expectNothing(step: StepResult): void {
  // A certificate may have been asked for meanwhile; nothing was signed with it.
  expect(logEntries(scenario)).toBe(0)
  expect(heldBy(scenario)).toMatchObject({ tags: [], referrers: [] })
  expect([step.outputs.digest, step.outputs.tags]).toEqual(['', ''])
}

/** An image that lies in the repository already, as of an earlier build. */
async function lying(write: (to: LayoutWriter) => ReturnType<LayoutWriter['image']>): Promise<WrittenShape> {
  const writer = new LayoutWriter(join(scenario.stack.folder, `lying-${++count}`))
  const shape = writer.finish(write(writer))
  const pushed = await scenario.attest({ layout: shape.folder, sign: 'false', 'signing-config': undefined })
  expect([pushed.code, pushed.result.error]).toEqual([0, undefined])
  return shape
}

const image = (to: LayoutWriter, platform: string, content = platform) => to.image(platform, [to.blob(LAYER, content)])

test.each([
  ['writes no metadata', '', 2, 'build/digest-missing', 'metadata file'],
  [
    'writes a metadata file that is no JSON',
    "fs.writeFileSync(metadata, 'digest: sha256:aa')",
    2,
    'build/digest-missing',
    '',
  ],
  [
    'writes one of 17 MiB',
    "fs.closeSync(fs.openSync(metadata, 'w')); fs.truncateSync(metadata, 17 * 2 ** 20)",
    2,
    'build/digest-missing',
    'larger than',
  ],
  ['puts a folder in its place', 'fs.mkdirSync(metadata)', 2, 'build/digest-missing', 'regular file'],
  [
    'puts a pipe in its place',
    "require('node:child_process').execFileSync('mkfifo', [metadata])",
    2,
    'build/digest-missing',
    'regular file',
  ],
  [
    'puts a link to what will never end in its place',
    "fs.symlinkSync('/dev/zero', metadata)",
    2,
    'build/digest-missing',
    'regular file',
  ],
  ['names an image that the registry does not have', `say('sha256:${'a'.repeat(64)}')`, 2, 'registry/not-found', ''],
  [
    'is killed',
    "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 9999)",
    2,
    'build/failed',
    'did not end normally',
  ],
  [
    'has no room on the disk',
    "console.error('ERROR: failed to solve: write /x: no space left on device'); process.exitCode = 1",
    2,
    'build/failed',
    'buildx prune',
  ],
  [
    'is too old',
    "console.error('unknown flag: --metadata-file'); process.exitCode = 125",
    2,
    'build/failed',
    'too old',
  ],
])('a builder that %s', async (_what, body, exit, code, told) => {
  const step = await attest(body)
  expect([step.code, codeOf(step)]).toEqual([exit, code])
  expect(step.summary).toContain(told)
  expectNothing(step)
})

test('a builder whose word leads to another image of the repository: other platforms than were asked for', async () => {
  const other = await lying(to =>
    to.document(INDEX, { manifests: ['amd64', 's390x'].map(one => image(to, `linux/${one}`)) }),
  )
  const step = await attest(`say(${JSON.stringify(other.digest)})`, { platforms: 'linux/amd64\nlinux/arm64' })
  expect([step.code, codeOf(step)]).toEqual([1, 'build/platforms-differ'])
  expectNothing(step)
})

test('a builder that makes one platform twice where two were asked for', async () => {
  const twice = await lying(to =>
    to.document(INDEX, { manifests: ['a', 'b'].map(one => image(to, 'linux/amd64', one)) }),
  )
  const step = await attest(`say(${JSON.stringify(twice.digest)})`, { platforms: 'linux/amd64\nlinux/arm64' })
  expect([step.code, codeOf(step)]).toEqual([1, 'build/platforms-differ'])
  expectNothing(step)
})

test('the platforms that were asked for are accepted in any order and spelling', async () => {
  const made = await lying(to =>
    to.document(INDEX, { manifests: ['arm64', 'amd64'].map(one => image(to, `linux/${one}`)) }),
  )
  const step = await attest(`say(${JSON.stringify(made.digest)})`, { platforms: 'linux/amd64\nlinux/arm64/v8' })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
})

test('an index whose child or config the registry does not hold', async () => {
  const made = await lying(to =>
    to.document(INDEX, { manifests: [image(to, 'linux/amd64'), image(to, 'linux/arm64')] }),
  )
  const { manifests, blobs } = scenario.stack.registry.storage.open('acme/app')
  const { manifests: children } = JSON.parse(manifests.get(made.digest)?.bytes.toString() ?? '')
  const [first, second] = children.map((one: { digest: string }) => one.digest)
  blobs.delete(JSON.parse(manifests.get(second)?.bytes.toString() ?? '').config.digest)
  const configless = await attest(`say(${JSON.stringify(made.digest)})`)
  expect([configless.code, codeOf(configless)]).toEqual([1, 'registry/child-missing'])
  manifests.delete(first)
  const childless = await attest(`say(${JSON.stringify(made.digest)})`)
  expect([childless.code, codeOf(childless)]).toEqual([1, 'registry/child-missing'])
  for (const step of [configless, childless]) expectNothing(step)
})

test('a registry that serves other bytes for the digest that the builder named', async () => {
  const made = await lying(to => image(to, 'linux/amd64'))
  const bytes = scenario.stack.registry.storage.open('acme/app').manifests.get(made.digest)?.bytes ?? Buffer.alloc(0)
  const other = Buffer.from(bytes.toString().replace('"schemaVersion":2', '"schemaVersion":2 '))
  scenario.stack.registry.faults.add({
    method: 'GET',
    path: new RegExp(made.digest),
    times: Infinity,
    fault: {
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json', 'docker-content-digest': made.digest },
      body: other,
    },
  })
  const step = await attest(`say(${JSON.stringify(made.digest)})`)
  scenario.stack.registry.faults.clear()
  expect([step.code, codeOf(step)]).toEqual([1, 'registry/digest-mismatch'])
  expectNothing(step)
})

test('sbom: auto with buildah is refused before anything is built', async () => {
  const step = await scenario.attest({ builder: 'buildah', sbom: 'auto', tags: 'v1' })
  expect([step.code, codeOf(step)]).toEqual([3, 'build/unsupported'])
  expect(step.summary).toContain('builder: buildx')
  expectNothing(step)
})

test('buildah whose disk is full ends with what to do, and nothing is signed', async () => {
  const temporary = join(scenario.stack.folder, 'full')
  mkdirSync(temporary)
  const mounted = mount(temporary)
  const full = mounted ? temporary : undefined
  const step =
    full === undefined
      ? await attest("console.error('write /x: no space left on device'); process.exitCode = 1")
      : await scenario.attest({ builder: 'buildah', tags: 'v1' }, { env: { RUNNER_TEMP: full } })
  if (full !== undefined) execFileSync('umount', ['--lazy', full])
  expect(step.code).toBe(2)
  expectNothing(step)
  expect(existsSync(temporary)).toBe(true)
})

/** A disk of 128 KiB, where mounting is allowed. */
function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=131072', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
