import { join } from 'node:path'
import { readInspect } from '../../src/build/buildx-inspect.ts'
import { detectBuilder, openBuilder } from '../../src/build/detect.ts'
import { errorOf, script, temporaryFolder, world } from './support.ts'

const INSPECT = `Name:          builder-1
Driver:        docker-container
Last Activity: 2026-01-01 00:00:00 +0000 UTC

Nodes:
Name:                  builder-10
Endpoint:              unix:///var/run/docker.sock
Status:                running
BuildKit daemon flags: --allow-insecure-entitlement=network.host
BuildKit version:      v0.26.3
Platforms:             linux/amd64
`

function machine(tools: Readonly<Record<string, string>>): { PATH: string; HOME: string } {
  const folder = temporaryFolder()
  for (const [name, body] of Object.entries(tools)) script(folder, name, body)
  return { PATH: folder, HOME: folder }
}

const DOCKER = `
if (argv[1] === 'version') console.log('github.com/docker/buildx v0.29.1 a32761a')
else console.log(${JSON.stringify(INSPECT)})`
const DOCKER_ALONE = "console.error('docker: unknown command: docker buildx'); process.exitCode = 1"
const DOCKER_DOWN = `
if (argv[1] === 'version') console.log('v0.29.1')
else console.log('Name: default\\nDriver: docker\\n\\nNodes:\\nName: default\\nEndpoint: default\\nError: Cannot connect to the Docker daemon')`
const BUILDAH = "console.log('buildah version 1.28.2 (image-spec 1.1.0-rc2)')"

test.each([
  ['both', { docker: DOCKER, buildah: BUILDAH }, 'buildx'],
  ['buildx alone', { docker: DOCKER }, 'buildx'],
  ['docker without the plugin, and buildah', { docker: DOCKER_ALONE, buildah: BUILDAH }, 'buildah'],
  ['a docker whose daemon is down, and buildah', { docker: DOCKER_DOWN, buildah: BUILDAH }, 'buildah'],
  ['buildah alone', { buildah: BUILDAH }, 'buildah'],
])('detectBuilder(auto) on a machine with %s', async (_what, tools, expected) => {
  const env = machine(tools)
  const host = await detectBuilder('auto', env)
  expect(host.kind).toBe(expected)
  expect(host.tools[0]).toMatchObject({ name: expected, digest: expect.stringMatching(/^sha256:/) })
  expect(openBuilder(host, world(), []).name).toBe(expected)
})

test('detectBuilder() records versions, hash and absolute path', async () => {
  const env = machine({ docker: DOCKER })
  const host = await detectBuilder('buildx', env)
  expect(host).toMatchObject({ kind: 'buildx', docker: join(env.PATH, 'docker'), driver: 'docker-container' })
  expect(host.tools.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'buildx github.com/docker/buildx v0.29.1 a32761a',
    'buildkit v0.26.3',
  ])
})

test('detectBuilder(auto) names both when neither is there', async () => {
  const error = await errorOf(detectBuilder('auto', machine({ docker: DOCKER_ALONE })))
  expect(error.code).toBe('build/no-builder')
  expect(error.found).toBe('docker buildx: docker has no buildx plugin; buildah: no buildah on PATH')
})

test.each([
  ['buildx', { docker: DOCKER_DOWN, buildah: BUILDAH }, 'the selected buildx builder does not answer'],
  ['buildx', { buildah: BUILDAH }, 'no docker on PATH'],
  ['buildah', { docker: DOCKER }, 'no buildah on PATH'],
  ['buildah', { buildah: 'process.exitCode = 1' }, 'buildah --version ended with an error'],
] as const)('detectBuilder(%s) takes nothing else instead (%j)', async (wanted, tools, found) => {
  expect(await errorOf(detectBuilder(wanted, machine(tools)))).toMatchObject({
    code: 'build/builder-unavailable',
    found,
  })
})

test('a tool in a relative folder of PATH is not found: whoever owns the workspace could put it there', async () => {
  const env = machine({ docker: DOCKER })
  expect((await errorOf(detectBuilder('auto', { ...env, PATH: '.:bin' }))).code).toBe('build/no-builder')
})

test.each([
  ['a running node', INSPECT, { driver: 'docker-container', nodes: 1, answers: true, buildkit: ['v0.26.3'] }],
  [
    'an inactive node',
    'Driver: docker-container\nNodes:\nEndpoint: x\nStatus: inactive\n',
    { driver: 'docker-container', nodes: 1, answers: true, buildkit: [] },
  ],
  [
    'one broken node of two',
    'Driver: remote\nEndpoint: a\nError: x\nEndpoint: b\nStatus: running\n',
    { driver: 'remote', nodes: 2, answers: true, buildkit: [] },
  ],
  [
    'an older spelling',
    'Driver: docker\nEndpoint: x\nBuildkit: v0.11.6\n',
    { driver: 'docker', nodes: 1, answers: true, buildkit: ['v0.11.6'] },
  ],
  ['nothing', '', { driver: 'unknown', nodes: 0, answers: true, buildkit: [] }],
])('readInspect() reads %s', (_what, text, expected) => {
  expect(readInspect(text)).toEqual(expected)
})
