import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AllowedMaterials } from '../../src/build/allowed.ts'
import { BuildxBuilder, type BuildxHost } from '../../src/build/buildx.ts'
import { builderName } from '../../src/build/fresh-builder.ts'
import { sourcePolicy } from '../../src/build/source-policy.ts'
import { sha256 } from '../../src/core/digest.ts'
import { A, allowedImage, allowing, B } from './policy-model.ts'
import { DIGEST, errorOf, request, script, type TestWorld, temporaryFolder, world } from './support.ts'

const REFUSAL =
  'ERROR: failed to solve: source "http://waybill-canary.invalid/" denied by policy: source denied by policy\\n'
const MATERIAL = { uri: 'pkg:docker/alpine@3.22?platform=linux%2Famd64', digest: { sha256: 'a'.repeat(64) } }
const ALPINE = allowedImage('alpine:3.22', A)
const BUILDKIT = allowedImage('moby/buildkit:v0.26.3', B, { use: 'builder' })

interface Call {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

interface Docker {
  readonly host: BuildxHost
  /** Calls of `docker buildx <verb>`. */
  calls(verb: string): readonly Call[]
  /** All verbs in order, builds told apart. */
  verbs(): readonly string[]
}

/** A docker that refuses the canary if it was given a policy, and builds: a stand-in for buildx, not for BuildKit. */
function fakeDocker(
  over: {
    build?: string
    canary?: string
    provenance?: unknown
    history?: unknown
    verbs?: string
    nodes?: number
  } = {},
): Docker {
  const folder = temporaryFolder()
  const record = join(folder, 'calls')
  appendFileSync(record, '')
  const provenance = 'provenance' in over ? over.provenance : { materials: [MATERIAL] }
  const metadata = {
    'containerimage.digest': DIGEST,
    'buildx.build.ref': 'x/x0/abcdefgh12345678',
    ...(provenance === undefined ? {} : { 'buildx.build.provenance': provenance }),
  }
  const file = script(
    folder,
    'docker',
    `fs.appendFileSync(${JSON.stringify(record)}, JSON.stringify({ argv, env }) + '\\n')
const [, verb] = argv
const file = argv.find(a => a.startsWith('--metadata-file='))
if (verb === 'build' && file === undefined) {
  ${over.canary ?? `process.stderr.write('${REFUSAL}'); process.exitCode = env.EXPERIMENTAL_BUILDKIT_SOURCE_POLICY ? 1 : 0`}
} else if (verb === 'build') {
  ${over.build ?? `fs.writeFileSync(file.slice('--metadata-file='.length), ${JSON.stringify(JSON.stringify(metadata))})`}
} else if (verb === 'inspect') {
  process.stdout.write('Driver: docker-container\\nNodes:\\nEndpoint: x\\nBuildKit version: v0.26.3\\n')
} else if (verb === 'history') {
  const answer = ${JSON.stringify(over.history ?? null)}
  if (answer === null) process.exitCode = 1
  else process.stdout.write(JSON.stringify(answer))
}
${over.verbs ?? ''}`,
  )
  const calls = (): Call[] =>
    readFileSync(record, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Call)
  const isCanary = ({ argv }: Call) => argv[1] === 'build' && !argv.some(part => part.startsWith('--metadata-file='))
  const tools = [
    { name: 'buildx', version: 'v0.29.1', digest: DIGEST },
    { name: 'buildkit', version: 'v0.9.0' },
  ]
  return {
    host: { kind: 'buildx', docker: file, driver: 'remote', nodes: over.nodes ?? 1, tools },
    calls: verb => calls().filter(call => call.argv[1] === verb),
    verbs: () => calls().map(call => (isCanary(call) ? 'canary' : (call.argv[1] ?? ''))),
  }
}

function build(docker: Docker, allowed: AllowedMaterials, over: Parameters<typeof request>[0] = {}, outer = world()) {
  return new BuildxBuilder(docker.host, outer, []).build(request({ allowed, ...over }))
}

test('13-adversary 19: a closed build proves the policy first, builds with the same one, and says what it was', async () => {
  const docker = fakeDocker()
  const allowed = allowing({ images: [ALPINE] })
  const result = await build(docker, allowed)
  expect(docker.verbs()).toEqual(['canary', 'build'])
  const [canary, built] = docker.calls('build')
  // A policy beside the Dockerfile stays in force: nothing says otherwise.
  expect(built?.argv.filter(part => part.includes('policy'))).toEqual([])
  const path = built?.env.EXPERIMENTAL_BUILDKIT_SOURCE_POLICY ?? ''
  expect(canary?.env).toEqual(built?.env)
  expect(readFileSync(path)).toEqual(Buffer.from(sourcePolicy(allowed)))
  const bytes = sourcePolicy(allowed)
  expect(result.enforcement).toEqual({ by: 'builder', policy: { bytes, digest: sha256(bytes) } })
  expect(result.observed).toEqual([MATERIAL])
})

test('13-adversary 19: a builder of others is shared, however closed the build was', async () => {
  const result = await build(fakeDocker(), allowing({ images: [ALPINE] }), { network: 'none' })
  expect(result.conditions).toMatchObject({ builder: 'shared', cache: 'shared', network: 'none' })
  expect(result.notes.join()).toContain('shared')
})

test('13-adversary 19: where the policy does not arrive nothing is built', async () => {
  const deaf = fakeDocker({
    canary: "process.stderr.write('ERROR: lookup waybill-canary.invalid: no such host\\n'); process.exitCode = 1",
  })
  const error = await errorOf(build(deaf, allowing({ images: [ALPINE] })))
  expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'rejected' })
  expect(deaf.verbs()).toEqual(['canary'])
})

test('13-adversary 19: what was prepared is proved once, and the build of that very request has the environment of the proof', async () => {
  const docker = fakeDocker()
  const wanted = request({ allowed: allowing({ images: [ALPINE] }), sourceDateEpoch: 5 })
  const builder = new BuildxBuilder(docker.host, world(), [])
  await builder.prepare(wanted)
  expect(docker.verbs()).toEqual(['canary'])
  const result = await builder.build(wanted)
  expect(docker.verbs()).toEqual(['canary', 'build'])
  const [canary, built] = docker.calls('build')
  expect(canary?.env).toEqual(built?.env)
  expect(result.enforcement?.by).toBe('builder')
})

test.each([
  ['other materials', { allowed: allowing({ images: [ALPINE, allowedImage('busybox:1', B)] }) }],
  ['the same materials said anew', { allowed: allowing({ images: [ALPINE] }) }],
  ['another time', { sourceDateEpoch: 6 }],
  ['other platforms', { platforms: ['linux/arm64'] }],
])('13-adversary 19: a build of %s is proved anew, whatever was prepared', async (_what, over) => {
  const docker = fakeDocker()
  const wanted = request({ allowed: allowing({ images: [ALPINE] }) })
  const builder = new BuildxBuilder(docker.host, world(), [])
  await builder.prepare(wanted)
  await builder.build({ ...wanted, ...over })
  expect(docker.verbs()).toEqual(['canary', 'canary', 'build'])
  const [, canary, built] = docker.calls('build')
  expect(canary?.env).toEqual(built?.env)
})

test('13-adversary 19: an open build proves nothing to a closed one', async () => {
  const docker = fakeDocker()
  const { allowed: _none, ...open } = request()
  const builder = new BuildxBuilder(docker.host, world(), [])
  await builder.prepare(open)
  expect(docker.verbs()).toEqual([])
  await builder.build({ ...open, allowed: allowing({ images: [ALPINE] }) })
  expect(docker.verbs()).toEqual(['canary', 'build'])
})

test('13-adversary 19: preparing ends where the policy does not arrive, and checks values before it starts anything', async () => {
  const deaf = fakeDocker({ canary: 'process.exitCode = 0' })
  const closed = request({ allowed: allowing({ images: [ALPINE] }) })
  expect((await errorOf(new BuildxBuilder(deaf.host, world(), []).prepare(closed))).code).toBe(
    'materials/policy-not-enforced',
  )
  const docker = fakeDocker()
  const builder = new BuildxBuilder(docker.host, world(), ['a-secret-of-this-run'])
  const told = builder.prepare({ ...closed, buildArgs: { A: 'a-secret-of-this-run' } })
  expect((await errorOf(told)).code).toBe('build/argument-secret')
  expect(docker.verbs()).toEqual([])
})

test('a builder that is made for one build alone is made by that build', async () => {
  const docker = fakeDocker()
  const wanted = request({ allowed: allowing({ images: [ALPINE, BUILDKIT] }) })
  const builder = new BuildxBuilder(docker.host, world(), [])
  await builder.prepare(wanted)
  expect(docker.verbs()).toEqual([])
  await builder.build(wanted)
  expect(docker.verbs()).toEqual(['create', 'inspect', 'canary', 'build', 'rm'])
})

test('of several nodes each platform is proved', async () => {
  const docker = fakeDocker({ nodes: 2 })
  await build(docker, allowing({ images: [ALPINE] }), { platforms: ['linux/amd64', 'linux/arm64'] })
  expect(docker.verbs()).toEqual(['canary', 'canary', 'build'])
})

test('without a closed world nothing is claimed, and the job’s own policy goes on to the builder', async () => {
  const docker = fakeDocker()
  const env = { PATH: process.env.PATH, HOME: temporaryFolder(), EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: '/their.json' }
  const outer = world({ env })
  const result = await new BuildxBuilder(docker.host, outer, []).build(request())
  expect(result.enforcement).toBeUndefined()
  expect(docker.verbs()).toEqual(['build'])
  expect(docker.calls('build')[0]?.env.EXPERIMENTAL_BUILDKIT_SOURCE_POLICY).toBe('/their.json')
  const error = await errorOf(build(docker, allowing({ images: [ALPINE] }), {}, outer))
  expect(error).toMatchObject({ code: 'materials/second-policy', found: '/their.json' })
})

test('named contexts reach the builder as an image by digest or a folder of this run, and nothing else does', async () => {
  const docker = fakeDocker()
  const image = `docker-image://docker.io/library/alpine:3.22@${A}`
  const contexts = new Map([
    ['base', image],
    ['tools', '/run/tools'],
  ])
  await build(docker, allowing({ images: [ALPINE], contexts }))
  const argv = docker.calls('build')[1]?.argv ?? []
  expect(argv).toContain(`--build-context=base=${image}`)
  expect(argv).toContain('--build-context=tools=/run/tools')
  expect(docker.calls('build')[0]?.argv.join()).not.toContain('--build-context')
  for (const [name, source] of [
    ['base', 'docker-image://docker.io/library/alpine:3.22'],
    ['base', 'https://example.com/x.git'],
    ['base', 'folder'],
    ['base', 'oci-layout:///x'],
    ['a=b', '/run/tools'],
    ['--x', '/run/tools'],
  ] as const) {
    const error = await errorOf(build(docker, allowing({ contexts: new Map([[name, source]]) })))
    expect(error.code).toBe('build/request-malformed')
  }
})

test('what the builder refuses is told as undeclared', async () => {
  const output = `ERROR: failed to solve: source "docker-image://docker.io/library/node:24" denied by policy: source denied by policy\\n`
  const docker = fakeDocker({ build: `process.stderr.write('${output}'); process.exitCode = 1` })
  const pulls = [{ how: 'from', line: 2, written: 'node:24', source: 'node:24', needed: true }] as const
  const error = await errorOf(build(docker, allowing({ pulls })))
  expect(error).toMatchObject({ code: 'materials/undeclared', kind: 'rejected' })
  expect(error.message).toContain('line 2 of the Dockerfile')
})

test('what the builder says went in is compared with what was allowed', async () => {
  const other = { uri: 'pkg:docker/debian@12', digest: { sha256: 'a'.repeat(64) } }
  const docker = fakeDocker({ provenance: { materials: [MATERIAL, other] } })
  expect((await errorOf(build(docker, allowing({ images: [ALPINE] })))).code).toBe('materials/undeclared')
  const open = await new BuildxBuilder(docker.host, world(), []).build(request())
  expect(open.observed).toHaveLength(2)
})

test('provenance that cannot be read ends a closed build only', async () => {
  const docker = fakeDocker({ provenance: { materials: 'x' } })
  expect((await errorOf(build(docker, allowing()))).code).toBe('materials/provenance-malformed')
  expect((await new BuildxBuilder(docker.host, world(), []).build(request())).observed).toBeUndefined()
})

test('for several platforms the builder’s history is asked, since buildx writes no provenance then', async () => {
  const platforms = ['linux/amd64', 'linux/386']
  const docker = fakeDocker({ provenance: undefined, history: { materials: [MATERIAL] } })
  expect((await build(docker, allowing({ images: [ALPINE] }), { platforms })).observed).toEqual([MATERIAL])
  const asked = docker.calls('history').map(({ argv }) => argv.slice(2))
  expect(asked).toEqual(
    platforms.map(platform => [
      'inspect',
      'attachment',
      '--type=provenance',
      `--platform=${platform}`,
      'abcdefgh12345678',
    ]),
  )
  const silent = await build(fakeDocker({ provenance: undefined }), allowing(), { platforms })
  expect(silent.observed).toBeUndefined()
  expect(silent.notes.join()).toContain('no provenance')
})

test('13-adversary 19: a declared builder image becomes a builder of this run alone, by digest, used and removed', async () => {
  const docker = fakeDocker()
  const outer: TestWorld = world({
    env: {
      PATH: process.env.PATH,
      HOME: temporaryFolder(),
      GITHUB_RUN_ID: '77',
      GITHUB_RUN_ATTEMPT: '2',
      BUILDX_BUILDER: 'theirs',
    },
  })
  const result = await build(docker, allowing({ images: [ALPINE, BUILDKIT] }), {}, outer)
  expect(docker.verbs()).toEqual(['create', 'inspect', 'canary', 'build', 'rm'])
  const [create] = docker.calls('create')
  expect(create?.argv).toContain('--driver=docker-container')
  expect(create?.argv).toContain(`--driver-opt=image=docker.io/moby/buildkit@${B}`)
  expect(create?.argv.join()).not.toContain('network=host')
  const name = create?.argv.find(part => part.startsWith('--name='))?.slice('--name='.length) ?? ''
  expect(name).toMatch(/^waybill-run-77-2-[0-9a-f]{12}$/)
  expect(docker.calls('rm')[0]?.argv).toEqual(['buildx', 'rm', '--force', name])
  for (const { env } of [...docker.calls('build'), ...docker.calls('create'), ...docker.calls('rm')]) {
    expect(env.BUILDX_CONFIG).toBe(join(outer.folder, 'buildx', 'builders'))
    expect(env.BUILDX_BUILDER).toBe(name)
  }
  expect(result.conditions).toEqual({ builder: 'fresh', cache: 'none', network: 'default', isolation: 'processes' })
  expect(result.tools).toEqual([expect.objectContaining({ name: 'buildx' }), { name: 'buildkit', version: 'v0.26.3' }])
  expect(result.notes).toEqual([])
})

test.each([
  ['the canary passes', { canary: '' }, 'materials/policy-not-enforced', ['create', 'inspect', 'canary', 'rm']],
  [
    'the build fails',
    { build: 'process.exitCode = 1' },
    'build/failed',
    ['create', 'inspect', 'canary', 'build', 'rm'],
  ],
  [
    'it does not start',
    { verbs: "if (verb === 'inspect') process.exitCode = 1" },
    'build/builder-unavailable',
    ['create', 'inspect', 'rm'],
  ],
  [
    'it cannot be made',
    { verbs: "if (verb === 'create') process.exitCode = 1" },
    'build/builder-unavailable',
    ['create', 'rm'],
  ],
])('a builder of this run is removed also when %s', async (_what, over, code, verbs) => {
  const docker = fakeDocker(over)
  expect((await errorOf(build(docker, allowing({ images: [ALPINE, BUILDKIT] })))).code).toBe(code)
  expect(docker.verbs()).toEqual(verbs)
})

test('a builder that cannot be removed is named, with what to do', async () => {
  const docker = fakeDocker({ verbs: "if (verb === 'rm') process.exitCode = 1" })
  const outer = world()
  const result = await build(docker, allowing({ images: [ALPINE, BUILDKIT] }), {}, outer)
  expect(result.notes.join()).toMatch(
    /^The builder waybill-run-0-0-\w+ could not be removed: docker rm --force --volumes/,
  )
  expect(outer.printed()).toContain('could not be removed')
})

test('registries on loopback are reached from the machine’s network, and those without TLS are named to the builder', async () => {
  const outer = world({ insecureRegistries: ['registry.example:5000'] })
  const base = allowedImage('127.0.0.1:5000/base:1', A, { private: true })
  const docker = fakeDocker({ provenance: { materials: [] } })
  await build(docker, allowing({ images: [base, BUILDKIT] }), {}, outer)
  const argv = docker.calls('create')[0]?.argv ?? []
  expect(argv).toContain('--driver-opt=network=host')
  const config = argv.find(part => part.startsWith('--buildkitd-config='))?.slice('--buildkitd-config='.length) ?? ''
  expect(existsSync(config)).toBe(true)
  expect(readFileSync(config, 'utf8')).toBe(
    '[registry."127.0.0.1:5000"]\n  http = true\n\n[registry."registry.example:5000"]\n  http = true\n',
  )
})

test('13-adversary 39: what the Dockerfile alone chooses gives RUN steps no way into the machine’s network', async () => {
  const docker = fakeDocker({ provenance: { materials: [] } })
  const urls = [{ url: 'http://127.0.0.1:8080/x', sha256: 'c'.repeat(64) }]
  const repositories = [{ remote: 'http://localhost/a.git', ref: 'v1', commit: '0f3c'.repeat(10) }]
  await build(docker, allowing({ images: [allowedImage('127.0.0.1:5000/base:1', A), BUILDKIT], urls, repositories }))
  expect(docker.calls('create')[0]?.argv.join()).not.toContain('network=host')
})

test('two images for one builder are refused before anything is started', async () => {
  const docker = fakeDocker()
  const images = [BUILDKIT, allowedImage('moby/buildkit:v0.25.0', A, { use: 'builder' })]
  expect((await errorOf(build(docker, allowing({ images })))).code).toBe('build/request-malformed')
  expect(docker.verbs()).toEqual([])
})

test('builderName() takes nothing from the environment but numbers', () => {
  expect(builderName({ GITHUB_RUN_ID: '1; rm', GITHUB_RUN_ATTEMPT: '--x' }, 'abc')).toBe('waybill-run-0-0-abc')
  expect(builderName({ GITHUB_RUN_ID: '12', GITHUB_RUN_ATTEMPT: '3' }, 'abc')).toBe('waybill-run-12-3-abc')
})
