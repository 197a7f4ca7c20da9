import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { BuildxBuilder, type BuildxHost } from '../../src/build/buildx.ts'
import { buildxArguments, buildxFiles } from '../../src/build/buildx-arguments.ts'
import { readBuildxMetadata } from '../../src/build/buildx-metadata.ts'
import { type CheckedRequest, checkRequest } from '../../src/build/request.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { DIGEST, errorOf, OTHER, request, script, temporaryFolder, world } from './support.ts'

const FILES = buildxFiles('/run')

async function checked(over: Parameters<typeof request>[0] = {}): Promise<CheckedRequest> {
  return { ...(await checkRequest(request(over), [])), contextPath: '/tree', filePath: '/tree/Dockerfile' }
}

test('buildxArguments() of a plain build push by digest and name no tag', async () => {
  expect(buildxArguments(await checked(), FILES)).toEqual([
    'buildx',
    'build',
    '--progress=plain',
    '--provenance=mode=min',
    '--metadata-file=/run/buildx/metadata.json',
    '--output=type=image,name=ghcr.io/acme/app,push-by-digest=true,name-canonical=true,push=true',
    '--file=/tree/Dockerfile',
    '--',
    '/tree',
  ])
})

test('buildxArguments() carry every input as one argument each', async () => {
  const args = buildxArguments(
    await checked({
      images: ['ghcr.io/acme/app', 'docker.io/acme/app'],
      target: 'release',
      platforms: ['linux/amd64', 'linux/arm64'],
      buildArgs: { A: '-x y', B: '' },
      labels: { 'a.b': 'c' },
      annotations: { 'd.e': 'f,g' },
      network: 'none',
      sourceDateEpoch: 1_700_000_000,
    }),
    FILES,
  )
  expect(args.slice(5, -2)).toEqual([
    '--output=type=image,"name=ghcr.io/acme/app,docker.io/acme/app",push-by-digest=true,name-canonical=true,push=true,rewrite-timestamp=true',
    '--network=none',
    '--target=release',
    '--platform=linux/amd64,linux/arm64',
    '--build-arg=A=-x y',
    '--build-arg=B=',
    '--label=a.b=c',
    '--annotation=d.e=f,g',
    '--file=/tree/Dockerfile',
  ])
})

test('buildxArguments() write a layout when nothing is pushed, and quote a path with a comma', async () => {
  const args = buildxArguments(await checked({ push: false }), buildxFiles('/a,b'))
  expect(args).toContain('--output=type=oci,"dest=/a,b/buildx/layout.tar"')
  expect(args.join(' ')).not.toContain('push=true')
})

test('no value from outside begins an argument', async () => {
  const request = await checked()
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, label) => {
      const args = buildxArguments({ ...request, buildArgs: { A: value }, labels: { l: label } }, FILES)
      const known = /^(buildx|build|--$|\/tree$|--(progress|provenance|metadata-file|output|file|build-arg|label)=)/
      expect(args.filter(argument => !known.test(argument))).toEqual([])
      expect(args.at(-2)).toBe('--')
    }),
  )
})

/** A docker that records how it was called and answers as told by files beside it. */
function fakeDocker(
  metadata: unknown,
  after = '',
): { host: BuildxHost; calls: () => { argv: string[]; env: Record<string, string>; cwd: string } } {
  const folder = temporaryFolder()
  const record = join(folder, 'call.json')
  const docker = script(
    folder,
    'docker',
    `fs.writeFileSync(${JSON.stringify(record)}, JSON.stringify({ argv, env, cwd: process.cwd() }))
const file = argv.find(a => a.startsWith('--metadata-file=')).slice('--metadata-file='.length)
const metadata = ${JSON.stringify(typeof metadata === 'string' ? metadata : JSON.stringify(metadata))}
if (metadata !== '') fs.writeFileSync(file, metadata)
${after}`,
  )
  const tools = [{ name: 'buildx', version: 'v0.29.1', digest: DIGEST }]
  return {
    host: { kind: 'buildx', docker, driver: 'docker-container', tools },
    calls: () => JSON.parse(readFileSync(record, 'utf8')),
  }
}

const METADATA = {
  'buildx.build.ref': 'default/default/x',
  'containerimage.descriptor': { mediaType: 'application/vnd.oci.image.index.v1+json', digest: DIGEST, size: 856 },
  'containerimage.digest': DIGEST,
}

test('BuildxBuilder takes the digest from the metadata file and passes the output on', async () => {
  const docker = fakeDocker(METADATA, "process.stderr.write('#1 hello\\n')")
  const outer = world()
  const result = await new BuildxBuilder(docker.host, outer, []).build(request({ sourceDateEpoch: 5 }))
  expect(result).toMatchObject({
    digest: DIGEST,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    builder: 'buildx',
    pushedTo: ['ghcr.io/acme/app'],
    conditions: { builder: 'shared', cache: 'shared', network: 'default' },
  })
  expect(result.layout).toBeUndefined()
  expect(outer.printed()).toContain('#1 hello')
  expect(docker.calls().env.SOURCE_DATE_EPOCH).toBe('5')
  expect(docker.calls().cwd).toBe(join(outer.folder, 'buildx'))
})

test('13-adversary 16: the builder sees no token, no input and no cache credential', async () => {
  const docker = fakeDocker(METADATA)
  const secret = 'never-in-a-child'
  const env = {
    PATH: process.env.PATH,
    HOME: temporaryFolder(),
    DOCKER_HOST: 'unix:///x.sock',
    ACTIONS_ID_TOKEN_REQUEST_URL: secret,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
    ACTIONS_RUNTIME_TOKEN: secret,
    GITHUB_TOKEN: secret,
    GH_TOKEN: secret,
    'INPUT_GITHUB-TOKEN': secret,
    SIGSTORE_ID_TOKEN: secret,
    NODE_OPTIONS: '--no-warnings',
  }
  await new BuildxBuilder(docker.host, world({ env }), []).build(request())
  expect(JSON.stringify(docker.calls())).not.toContain(secret)
  expect(docker.calls().env.DOCKER_HOST).toBe('unix:///x.sock')
  expect(docker.calls().env.NODE_OPTIONS).toBeUndefined()
})

test('13-adversary 17: a login reaches docker in a file of mode 600 and never as an argument or variable', async () => {
  const docker = fakeDocker(METADATA)
  const home = temporaryFolder()
  const login = { host: 'ghcr.io', username: 'alice', password: 'pass-of-alice' }
  const outer = world({ env: { PATH: process.env.PATH, HOME: home }, logins: [login] })
  await new BuildxBuilder(docker.host, outer, []).build(request())
  const { argv, env } = docker.calls()
  expect(JSON.stringify({ argv, env })).not.toContain('pass-of-alice')
  const file = join(env.DOCKER_CONFIG ?? '', 'config.json')
  expect(file.startsWith(outer.folder)).toBe(true)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const config = JSON.parse(readFileSync(file, 'utf8'))
  expect(Buffer.from(config.auths['ghcr.io'].auth, 'base64').toString()).toBe('alice:pass-of-alice')
  expect(config.cliPluginsExtraDirs).toEqual([join(home, '.docker', 'cli-plugins')])
  expect(env.BUILDX_CONFIG).toBe(join(home, '.docker', 'buildx'))
})

test.each([
  ['a login of its own', { auths: { 'ghcr.io': { auth: 'eDp5' } } }],
  ['a helper for the host', { credHelpers: { 'ghcr.io': 'gh' } }],
  ['a credential store', { credsStore: 'desktop' }],
])("a person's docker configuration with %s is used as it is", async (_what, config) => {
  const docker = fakeDocker(METADATA)
  const home = temporaryFolder()
  mkdirSync(join(home, '.docker'))
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify(config))
  const login = { host: 'ghcr.io', username: 'alice', password: 'x' }
  await new BuildxBuilder(
    docker.host,
    world({ env: { PATH: process.env.PATH, HOME: home }, logins: [login] }),
    [],
  ).build(request())
  expect(docker.calls().env.DOCKER_CONFIG).toBeUndefined()
})

test('BuildxBuilder compares the layout it wrote with the metadata file', async () => {
  const docker = fakeDocker(METADATA)
  const good = world()
  const result = await new BuildxBuilder(docker.host, good, []).build(request({ push: false, images: [] }))
  expect(result.layout).toBe(join(good.folder, 'buildx', 'layout.tar'))
  expect(result.pushedTo).toEqual([])
  const lying = world()
  lying.layouts.readDigest = OTHER
  const error = await errorOf(new BuildxBuilder(docker.host, lying, []).build(request({ push: false })))
  expect(error).toMatchObject({ code: 'build/digest-mismatch', expected: DIGEST, found: OTHER })
})

test('a failing build tells exit code and last lines, and nothing else of the child', async () => {
  const docker = fakeDocker(
    '',
    "process.stderr.write('\\u001b[31mERROR: no such stage\\n'.repeat(50)); process.exitCode = 7",
  )
  const error = await errorOf(new BuildxBuilder(docker.host, world(), []).build(request()))
  expect(error.code).toBe('build/failed')
  expect(error.message).toBe('buildx ended with exit code 7')
  expect(error.found).toContain('ERROR: no such stage')
  expect(error.found).not.toContain('\u001b')
})

test.each([
  ['denied: permission_denied: write_package', 'docker-container', 'packages: write'],
  ['ERROR: Attestation is not supported for the docker driver', 'docker', 'setup-buildx-action'],
])('a build that fails with "%s" gets a remedy of its own', async (line, driver, remedy) => {
  const docker = fakeDocker('', `process.stderr.write(${JSON.stringify(line)}); process.exitCode = 1`)
  const error = await errorOf(new BuildxBuilder({ ...docker.host, driver }, world(), []).build(request()))
  expect(error.remedy).toContain(remedy)
})

test('a RUN step without permission for a file is not told about permissions of the job', async () => {
  const docker = fakeDocker('', `process.stderr.write('exec: "/bin/tool": permission denied'); process.exitCode = 1`)
  const error = await errorOf(new BuildxBuilder(docker.host, world(), []).build(request()))
  expect(error.remedy).not.toContain('packages: write')
})

test('a builder that is killed or does not end is a failed build, not a crash', async () => {
  const killed = fakeDocker('', "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 10000)")
  expect((await errorOf(new BuildxBuilder(killed.host, world(), []).build(request()))).code).toBe('build/failed')
  const slow = fakeDocker('', 'setTimeout(() => {}, 60000)')
  const error = await errorOf(new BuildxBuilder(slow.host, world(), []).build(request({ timeoutMs: 500 })))
  expect(error).toMatchObject({ code: 'build/failed', kind: 'unknown' })
  const gone = fakeDocker('')
  chmodSync(gone.host.docker, 0o644)
  expect((await errorOf(new BuildxBuilder(gone.host, world(), []).build(request()))).code).toBe('build/failed')
})

test('a builder that ends well without a metadata file has made nothing', async () => {
  const docker = fakeDocker('')
  expect((await errorOf(new BuildxBuilder(docker.host, world(), []).build(request()))).code).toBe(
    'build/digest-missing',
  )
})

test.each([
  ['no digest', {}, 'build/digest-missing'],
  ['a digest in another spelling', { 'containerimage.digest': DIGEST.toUpperCase() }, 'build/digest-missing'],
  [
    'the config digest, as the docker driver writes',
    { 'containerimage.digest': DIGEST, 'containerimage.config.digest': DIGEST },
    'build/digest-missing',
  ],
  [
    'two digests',
    { 'containerimage.digest': DIGEST, 'containerimage.descriptor': { digest: OTHER } },
    'build/digest-mismatch',
  ],
])('readBuildxMetadata() refuses %s', async (_what, metadata, code) => {
  expect((await errorOf(() => readBuildxMetadata(utf8(JSON.stringify(metadata))))).code).toBe(code)
})

test('readBuildxMetadata() reads or refuses any bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), bytes => {
      expect(() => readBuildxMetadata(bytes)).toThrow(WaybillError)
    }),
  )
})
