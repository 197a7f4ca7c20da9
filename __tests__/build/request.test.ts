import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type BuildRequest, checkRequest, checkValues } from '../../src/build/request.ts'
import { checkSecretId } from '../../src/build/secrets.ts'
import { WaybillError } from '../../src/core/error.ts'
import { errorOf, request, tree } from './support.ts'

test('checkRequest() returns absolute paths inside the tree', async () => {
  const folder = tree({ 'app/Dockerfile': 'FROM scratch', 'app/src/x': '', 'docker/Prod.dockerfile': 'FROM scratch' })
  const checked = await checkRequest(request({ commitFolder: folder, context: './app/' }), [])
  expect(checked.contextPath).toBe(join(folder, 'app'))
  expect(checked.filePath).toBe(join(folder, 'app/Dockerfile'))
  const other = await checkRequest(
    request({ commitFolder: folder, context: 'app', file: 'docker/Prod.dockerfile' }),
    [],
  )
  expect(other.filePath).toBe(join(folder, 'docker/Prod.dockerfile'))
})

const good: Partial<BuildRequest>[] = [
  { platforms: ['linux/amd64', 'linux/arm/v7', 'linux/arm64/v8', 'windows/amd64'] },
  { buildArgs: { CFLAGS: '-O2', _x: '', VERSION: '1 2' } },
  { labels: { 'org.opencontainers.image.source': 'https://example.com/a' } },
  { target: 'release-1.2' },
  { images: ['localhost:5000/a/b', '[::1]:5000/x', 'docker.io/library/x__y'] },
  { images: [], push: false },
]
test.each(good)('checkValues() accepts %j', over => {
  expect(() => checkValues(request(over), [])).not.toThrow()
})

const bad: Partial<BuildRequest>[] = [
  { platforms: ['linux'] },
  { platforms: ['--output=type=local'] },
  { platforms: ['linux/amd64,linux/arm64'] },
  { platforms: ['Linux/amd64'] },
  { platforms: ['linux/amd64', 'linux/amd64'] },
  { platforms: ['linux/arm64', 'linux/arm64/v8'] },
  { platforms: ['linux/amd64/v1', 'linux/arm64', 'linux/amd64'] },
  { platforms: ['linux/arm', 'linux/arm/v7'] },
  { platforms: ['linux/aarch64', 'linux/arm64'] },
  { target: '--output=x' },
  { target: 'a b' },
  { buildArgs: { '1A': 'x' } },
  // What is stated of the times in the image would not be so.
  { buildArgs: { SOURCE_DATE_EPOCH: '0' } },
  { buildArgs: { '--secret': 'x' } },
  { buildArgs: { 'A=B': 'x' } },
  { buildArgs: { A: 'two\nlines' } },
  { buildArgs: { A: 'nul\0' } },
  { labels: { '-x': 'y' } },
  { labels: { 'a b': 'y' } },
  { annotations: { 'index:a': 'y' } },
  { images: ['ghcr.io/acme/app:v1'] },
  { images: ['ghcr.io/Acme/app'] },
  { images: ['ghcr.io/acme/app,evil.example/x'] },
  { images: ['ghcr.io'] },
  { images: ['-x/y'] },
  { images: ['a.example/x', 'a.example/x'] },
  { images: [], push: true },
  { sourceDateEpoch: -1 },
  { sourceDateEpoch: 1.5 },
]
test.each(bad)('checkValues() refuses %j', async over => {
  expect((await errorOf(() => checkValues(request(over), []))).code).toBe('build/request-malformed')
})

test.each(['buildArgs', 'labels', 'annotations'] as const)(
  '%s that hold a secret fail with the advice, not the value',
  async place => {
    const token = ['gh', 'p_', 'aB3dE5fG7hJ9kL1mN0pQ2rS4tU6vW8xYaB3d'].join('')
    for (const [value, secrets] of [
      [token, []],
      ['correct horse battery', ['correct horse battery']],
    ] as const) {
      const error = await errorOf(() => checkValues(request({ [place]: { TOKEN: value } }), secrets))
      expect(error.code).toBe('build/argument-secret')
      expect(error.remedy).toContain('replace it')
      expect(JSON.stringify({ ...error, message: error.message })).not.toContain(value)
    }
  },
)

test.each(['../x', '/etc', 'a/../../x', 'a/..', '-x', 'a\\b', 'x\0y', 'a\u202eb'])(
  'checkRequest() refuses the context %j',
  async context => {
    expect((await errorOf(checkRequest(request({ context }), []))).code).toBe('build/path-escapes')
    expect((await errorOf(checkRequest(request({ file: context }), []))).code).toBe('build/path-escapes')
  },
)

test('13-adversary 14: a symbolic link in the commit cannot make the workspace the context', async () => {
  const outside = tree({ Dockerfile: 'FROM scratch', 'secret/x': 'y' })
  const folder = tree({ Dockerfile: 'FROM scratch' })
  symlinkSync(outside, join(folder, 'context'))
  symlinkSync(join(outside, 'Dockerfile'), join(folder, 'Other'))
  symlinkSync('..', join(folder, 'up'))
  for (const over of [{ context: 'context' }, { file: 'Other' }, { context: 'up' }, { context: 'context/secret' }])
    expect((await errorOf(checkRequest(request({ commitFolder: folder, ...over }), []))).code).toBe(
      'build/path-escapes',
    )
})

test('a symbolic link that stays inside the commit is followed', async () => {
  const folder = tree({ 'docker/Dockerfile': 'FROM scratch' })
  symlinkSync('docker/Dockerfile', join(folder, 'Dockerfile'))
  expect((await checkRequest(request({ commitFolder: folder }), [])).filePath).toBe(join(folder, 'docker/Dockerfile'))
})

test('a missing Dockerfile names the Containerfile that is there', async () => {
  const folder = tree({ Containerfile: 'FROM scratch', 'folder/x': '' })
  const error = await errorOf(checkRequest(request({ commitFolder: folder }), []))
  expect(error.code).toBe('build/dockerfile-missing')
  expect(error.remedy).toContain('Containerfile')
  expect((await errorOf(checkRequest(request({ commitFolder: folder, file: 'folder' }), []))).code).toBe(
    'build/dockerfile-missing',
  )
})

test.each(['none', 'Containerfile'])('the context %s that is no folder is missing', async context => {
  const folder = tree({ Containerfile: 'FROM scratch', Dockerfile: '' })
  const error = await errorOf(checkRequest(request({ commitFolder: folder, context, file: 'Dockerfile' }), []))
  expect(error.code).toBe('build/context-missing')
})

test.each(['GIT_AUTH_TOKEN', 'GIT_AUTH_TOKEN.github.com', 'GIT_AUTH_HEADER', 'git_auth_header.x'])(
  '13-adversary 17: the secret id %s is refused',
  async id => {
    expect((await errorOf(() => checkSecretId(id))).code).toBe('build/secret-id-refused')
  },
)

test('another secret id is accepted', () => {
  expect(() => checkSecretId('NPM_TOKEN')).not.toThrow()
})

test('checkRequest() returns paths inside the tree or a typed error for any text', async () => {
  const folder = tree({ Dockerfile: 'FROM scratch', 'a/Dockerfile': '' })
  const part = fc.oneof(fc.constantFrom('a', '..', '.', '', 'Dockerfile', '-', '\0'), fc.string())
  await fc.assert(
    fc.asyncProperty(
      fc.array(part).map(parts => parts.join('/')),
      async context => {
        try {
          const checked = await checkRequest(request({ commitFolder: folder, context }), [])
          expect(checked.contextPath === folder || checked.contextPath.startsWith(`${folder}/`)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      },
    ),
  )
})
