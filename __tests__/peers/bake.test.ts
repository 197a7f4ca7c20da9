import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { evaluateBake } from '../../src/build/bake.ts'
import type { WaybillError } from '../../src/core/error.ts'
import { keptBundles } from '../e2e/aftermath.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { newBase, setBuild, setRules } from './materials-world.ts'
import { attest, openWorld, repositoryIn, type World } from './world.ts'

/** Bake files as buildx really evaluates them, and builds of their targets. */
jest.setTimeout(240_000)

const HCL = `
variable "WAYBILL_EPOCH" { default = "none" }
variable "WAYBILL_COMMIT" { default = "none" }
variable "PATH" { default = "no path" }
variable "HOME" { default = "no home" }
variable "GITHUB_TOKEN" { default = "no token" }
variable "TAG" { default = "latest" }

function "shout" {
  params = [text]
  result = upper(text)
}

group "default" { targets = ["app"] }
group "both" { targets = ["app", "web"] }

target "base" {
  args = { GREETING = "hello", UNSET = null }
  labels = { "org.example.team" = "platform" }
}
target "app" {
  inherits = ["base"]
  context = "app"
  dockerfile = "docker/Dockerfile"
  target = "final"
  args = {
    LOUD = shout("hello")
    EPOCH = WAYBILL_EPOCH
    COMMIT = WAYBILL_COMMIT
    SEEN = "\${PATH}, \${HOME}, \${GITHUB_TOKEN}"
    DOLLAR = "$\${x}"
  }
  contexts = { lib = "lib" }
  annotations = ["org.example.note=yes"]
  tags = ["ghcr.io/mallory/app:\${TAG}"]
  output = ["type=registry"]
  cache-to = ["type=registry,ref=ghcr.io/mallory/app:cache"]
}
target "web" { dockerfile-inline = "FROM scratch" }
target "linked" { contexts = { base = "target:app" } }
target "remote" { context = "https://github.com/acme/app.git" }
target "absolute" { context = "/etc" }
target "parent" { context = "../other" }
target "agent" { ssh = ["default"] }
target "rooted" { entitlements = ["security.insecure"] }
target "hosted" { network = "host" }
target "wanting" {
  inherits = ["app"]
  secret = ["id=token,env=GITHUB_TOKEN"]
}
target "many" {
  matrix = { item = ["1", "2"] }
  name = "many-\${item}"
}
`
const JSON_FILE = JSON.stringify({
  target: { app: { context: 'app', dockerfile: 'docker/Dockerfile', target: 'final', contexts: { lib: 'lib' } } },
})

let world: World
beforeAll(async () => {
  world = await openWorld()
  world.repository.commit({
    message: 'Describe the build in a bake file',
    signer: world.alice,
    files: {
      'deploy/docker-bake.hcl': HCL,
      'docker-bake.json': JSON_FILE,
      'docker-bake.override.hcl': 'target "app" { args = { LOUD = "overridden" } }\n',
      'docker-compose.yml': 'services: { app: { build: . } }\n',
      'lib/lib.txt': 'a library\n',
      'app/docker/Dockerfile':
        'FROM scratch AS final\nARG LOUD=none\nLABEL loud=$LOUD\nCOPY --from=lib lib.txt /lib.txt\nCOPY hello.txt /\n',
      'app/hello.txt': 'hello\n',
    },
  })
  await world.publish()
})
afterAll(() => world?.close())

function evaluate(target: string, env: Readonly<Record<string, string>> = {}) {
  const folder = join(world.stack.folder, 'evaluations')
  mkdirSync(folder, { recursive: true })
  const { dockerConfig } = world.stack.buildkit
  return evaluateBake(
    {
      file: 'docker-bake.hcl',
      bytes: Buffer.from(HCL),
      target,
      variables: { WAYBILL_EPOCH: '7', WAYBILL_COMMIT: 'c' },
    },
    { PATH: process.env.PATH, HOME: world.stack.folder, DOCKER_CONFIG: dockerConfig, ...env },
    folder,
  ).finally(() => expect(readdirSync(folder)).toEqual([]))
}

function build(inputs: Inputs): Promise<StepResult> {
  const images = repositoryIn(world, 'distribution', 'baked')
  return attest(world, { builder: 'buildx', images, tags: 'v1', ...inputs })
}

function inputsIn(step: StepResult): Readonly<Record<string, unknown>> {
  const statements = (keptBundles(step) as { dsseEnvelope: { payload: string } }[]).map(({ dsseEnvelope }) =>
    JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()),
  )
  const found = statements.find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1')
  return found.predicate.buildDefinition.internalParameters.waybill.inputs
}

test('a target is what buildx makes of it, with the documented variables and no other', async () => {
  const env = { TAG: 'of-the-job', GITHUB_TOKEN: 'ghs_0123456789', LOUD: 'x' }
  expect(await evaluate('app', env)).toEqual({
    context: 'app',
    file: 'app/docker/Dockerfile',
    target: 'final',
    platforms: [],
    buildArgs: {
      GREETING: 'hello',
      LOUD: 'HELLO',
      EPOCH: '7',
      COMMIT: 'c',
      SEEN: 'no path, no home, no token',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the value
      DOLLAR: '${x}',
    },
    labels: { 'org.example.team': 'platform' },
    annotations: { 'org.example.note': 'yes' },
    network: 'default',
    noCache: false,
    contexts: new Map([['lib', 'lib']]),
    secrets: [],
    unused: ['tags', 'output', 'cache-to'],
  })
  expect(await evaluate('default')).toEqual(await evaluate('app'))
  expect((await evaluate('many-1')).buildArgs).toEqual({})
  expect((await evaluate('wanting')).secrets).toEqual(['token'])
})

test.each([
  ['both', 'build/bake-unusable'],
  ['many', 'build/bake-unusable'],
  ['nobody', 'build/bake-unusable'],
  ['web', 'build/bake-refused'],
  ['linked', 'build/bake-refused'],
  ['remote', 'build/bake-refused'],
  ['absolute', 'build/bake-refused'],
  ['parent', 'build/bake-refused'],
  ['agent', 'build/bake-refused'],
  ['rooted', 'build/bake-refused'],
  ['hosted', 'build/bake-refused'],
])('the target %s is refused: %s', async (target, code) => {
  const error = await evaluate(target).then(
    () => undefined,
    (thrown: WaybillError) => thrown,
  )
  expect([error?.code, (error?.remedy ?? '') !== '']).toEqual([code, true])
})

test('a file that is no bake file says what buildx says', async () => {
  const bytes = Buffer.from('services: { app: { build: . } }')
  const folder = join(world.stack.folder, 'evaluations')
  const env = { PATH: process.env.PATH, DOCKER_CONFIG: world.stack.buildkit.dockerConfig }
  for (const file of ['docker-bake.hcl', 'docker-bake.json'])
    await expect(evaluateBake({ file, bytes, target: 'app', variables: {} }, env, folder)).rejects.toMatchObject({
      code: 'build/bake-unusable',
    })
})

test.each(['deploy/docker-bake.hcl app', 'docker-bake.json app'])(
  'bake: %s is built, pushed where the step says, and recorded',
  async bake => {
    const step = await build({ bake, labels: 'org.example.by=input' })
    expect(`${step.code} ${step.code === 0 ? '' : step.log}`).toBe('0 ')
    const [file, target] = bake.split(' ')
    expect(inputsIn(step)).toMatchObject({
      bake: { file, target },
      context: 'app',
      file: 'app/docker/Dockerfile',
      target: 'final',
      buildContexts: [{ name: 'lib', from: 'commit' }],
      labels: expect.arrayContaining(['org.example.by']),
    })
    const config = JSON.parse(
      execFileSync(world.stack.peers.go.crane, ['config', '--insecure', step.outputs.image ?? ''], {
        env: { ...process.env, DOCKER_CONFIG: world.stack.buildkit.dockerConfig },
      }).toString(),
    )
    expect(config.config.Labels).toMatchObject({
      loud: bake.includes('hcl') ? 'HELLO' : 'none',
      'org.example.by': 'input',
    })
    if (bake.includes('hcl')) expect(step.summary).toContain('tags, output, cache-to')
  },
)

test('what a target asks for and the workflow does not give ends the run before anything is built', async () => {
  const step = await build({ bake: 'deploy/docker-bake.hcl wanting' })
  expect([step.code, step.result.error?.code]).toEqual([1, 'build/bake-refused'])
  expect(step.outputs.digest).toBe('')
  const missing = await build({ bake: 'none.hcl app' })
  expect([missing.code, missing.result.error?.code]).toEqual([3, 'build/bake-unusable'])
})

test('4-materials 2: under rules for base images the bases of the target’s own Dockerfile and arguments are judged before the build', async () => {
  const [ruled, other] = [await newBase(world, 'distribution', 'ruled'), await newBase(world, 'distribution', 'other')]
  await setRules(world, `base-images:\n  - { match: "${ruled.repository}", digest-lock: true, private: true }\n`)
  const target = (name: string, fields: string) => `target "${name}" {\n  ${fields}\n}\n`
  const based = (base: string) => `inherits = ["base"]\n  args = { BASE = "${base}" }`
  await setBuild(world, {
    // What stands where nobody asks is no base of the target.
    Dockerfile: `FROM ${other.name}\n`,
    'app/docker/Based': `ARG BASE=${other.name}\nFROM $BASE\nRUN cat /version && echo "built upon it"\n`,
    'bases.hcl': [
      target('base', 'context = "app"\n  dockerfile = "docker/Based"'),
      target('declared', based(`${ruled.name}@${ruled.digest}`)),
      target('undeclared', based(`${other.name}@${other.digest}`)),
    ].join(''),
  })
  const declared = await build({ bake: 'bases.hcl declared' })
  expect(`${declared.code} ${declared.code === 0 ? '' : declared.log}`).toBe('0 ')
  expect(declared.result.materials?.items).toMatchObject([{ digest: ruled.digest, verdict: 'passed' }])
  expect(declared.result.materials?.closed).toMatchObject({ by: 'builder' })
  expect(declared.log).toContain('built upon it')
  for (const name of ['undeclared', 'base']) {
    const step = await build({ bake: `bases.hcl ${name}` })
    expect([name, step.code, step.result.error?.code]).toEqual([name, 1, 'policy/no-rule'])
    expect(step.result.error?.message).toContain(other.repository)
    expect(step.result.stages.find(stage => stage.name === 'build')?.state).not.toBe('passed')
    expect([step.outputs.digest, step.log.includes('built upon it')]).toEqual(['', false])
  }
})
