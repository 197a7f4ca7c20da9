import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { exactHostOnly, loadCredentials, parseLoginFile } from '../../src/registry/credentials.ts'
import { codeOf } from './support.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'credentials-'))
})
afterEach(() => rm(home, { recursive: true }))

const basic = (pair: string): object => ({ auth: Buffer.from(pair).toString('base64') })
const login = (username: string, password: string): object => ({ kind: 'password', username, password })

async function file(name: string, content: unknown): Promise<string> {
  const path = join(home, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

async function helper(name: string, script: string): Promise<void> {
  const path = await file(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

test('without any file nobody is known', async () => {
  const source = await loadCredentials({}, home)
  expect(await source.find('ghcr.io', 'acme/app')).toBeUndefined()
})

test.each([
  ['ghcr.io', 'ghcr.io', 'acme/app', true],
  ['https://ghcr.io', 'ghcr.io', 'acme/app', true],
  ['https://ghcr.io/v2/', 'ghcr.io', 'acme/app', true],
  ['https://index.docker.io/v1/', 'docker.io', 'library/alpine', true],
  ['docker.io', 'docker.io', 'library/alpine', true],
  ['GHCR.io:443', 'ghcr.io', 'acme/app', true],
  ['quay.io/acme', 'quay.io', 'acme/app', true],
  ['quay.io/acme', 'quay.io', 'acmeevil/app', false],
  ['quay.io/acme/app', 'quay.io', 'acme', false],
  ['ghcr.io', 'evil-ghcr.io', 'acme/app', false],
  ['example.com', 'registry.example.com', 'acme/app', false],
  ['registry.example.com', 'example.com', 'acme/app', false],
  ['localhost:5000', 'localhost:5001', 'acme/app', false],
])('the key %s answers for %s/%s: %s', async (key, host, repository, known) => {
  await file('.docker/config.json', { auths: { [key]: basic('alice:pa:ss') } })
  const source = await loadCredentials({}, home)
  expect(await source.find(host, repository)).toEqual(known ? login('alice', 'pa:ss') : undefined)
})

test('the longest key wins', async () => {
  const auths = { 'quay.io': basic('host:1'), 'quay.io/acme': basic('org:2'), 'quay.io/acme/app': basic('repo:3') }
  await file('.docker/config.json', { auths })
  const source = await loadCredentials({}, home)
  expect(await source.find('quay.io', 'acme/app')).toEqual(login('repo', '3'))
  expect(await source.find('quay.io', 'acme/other')).toEqual(login('org', '2'))
  expect(await source.find('quay.io', 'bob/app')).toEqual(login('host', '1'))
})

test('what docker keeps for its website beside a login is not the login', async () => {
  const auths = {
    'https://index.docker.io/v1/': basic('alice:pat'),
    'https://index.docker.io/v1/access-token': basic('alice:access'),
    'https://index.docker.io/v1/refresh-token': basic('alice:refresh'),
  }
  await file('.docker/config.json', { auths })
  expect(await (await loadCredentials({}, home)).find('docker.io', 'library/x')).toEqual(login('alice', 'pat'))
  await file('.docker/config.json', { auths: Object.fromEntries(Object.entries(auths).slice(1)) })
  expect(await (await loadCredentials({}, home)).find('docker.io', 'library/x')).toBeUndefined()
})

test.each([
  ['plain first', ['quay.io', 'https://quay.io']],
  ['plain last', ['https://quay.io', 'quay.io']],
])('of two spellings of one host the plain one counts (%s)', async (_what, keys) => {
  const auths = Object.fromEntries(keys.map(key => [key, basic(key === 'quay.io' ? 'plain:1' : 'url:2')]))
  await file('.docker/config.json', { auths })
  expect(await (await loadCredentials({}, home)).find('quay.io', 'acme/app')).toEqual(login('plain', '1'))
})

test('containers’ auth.json: paths, the longest match, and a helper for one host', async () => {
  await helper('own', 'echo "{\\"Username\\":\\"kept\\",\\"Secret\\":\\"s\\"}"')
  await file('run/containers/auth.json', {
    auths: {
      'docker.io/acme': basic('hub-org:1'),
      'docker.io/acme/app': basic('hub-repository:2'),
      'registry.example:5000/team': basic('team:3'),
    },
    credHelpers: { 'helped.example': 'own' },
  })
  const env = { XDG_RUNTIME_DIR: join(home, 'run'), PATH: `${join(home, 'bin')}:/usr/bin:/bin` }
  const source = await loadCredentials(env, home)
  expect(await source.find('docker.io', 'acme/app')).toEqual(login('hub-repository', '2'))
  expect(await source.find('docker.io', 'acme/app2')).toEqual(login('hub-org', '1'))
  expect(await source.find('docker.io', 'acme2/app')).toBeUndefined()
  expect(await source.find('registry.example:5000', 'team/app')).toEqual(login('team', '3'))
  expect(await source.find('registry.example', 'team/app')).toBeUndefined()
  expect(await source.find('helped.example', 'x')).toEqual(login('kept', 's'))
})

test('explicit logins win over REGISTRY_AUTH_FILE, that over docker, that over containers', async () => {
  await file('.config/containers/auth.json', { auths: { 'd.example': basic('containers-home:1') } })
  await file('run/containers/auth.json', { auths: { 'c.example': basic('containers:1'), 'b.example': basic('x:1') } })
  await file('docker/config.json', { auths: { 'b.example': basic('docker:1'), 'a.example': basic('x:1') } })
  const named = await file('named.json', { auths: { 'a.example': basic('named:1'), 'ghcr.io': basic('x:1') } })
  const env = { REGISTRY_AUTH_FILE: named, DOCKER_CONFIG: join(home, 'docker'), XDG_RUNTIME_DIR: join(home, 'run') }
  const source = await loadCredentials(env, home, { logins: { 'GHCR.io': { username: 'explicit', password: '1' } } })
  const names = await Promise.all(
    ['ghcr.io', 'a.example', 'b.example', 'c.example', 'd.example'].map(host => source.find(host, 'x')),
  )
  expect(names).toEqual(['explicit', 'named', 'docker', 'containers', 'containers-home'].map(name => login(name, '1')))
})

test('identity and registry tokens are told apart from passwords', async () => {
  const auths = {
    'a.example': { ...basic('<token>:'), identitytoken: 'refresh' },
    'b.example': { registrytoken: 'jwt' },
    'c.example': {},
  }
  await file('.docker/config.json', { auths })
  const source = await loadCredentials({}, home)
  expect(await source.find('a.example', 'x')).toEqual({ kind: 'refresh', refreshToken: 'refresh' })
  expect(await source.find('b.example', 'x')).toEqual({ kind: 'bearer', token: 'jwt' })
  expect(await source.find('c.example', 'x')).toBeUndefined()
})

test('a helper is asked with the server on stdin and an environment without the job’s tokens', async () => {
  await helper(
    'kept',
    `read server || true; env > ${home}/env; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"for $server\\"}"`,
  )
  await file('.docker/config.json', { credsStore: 'kept', auths: { 'ghcr.io': {} } })
  const env = { PATH: `${home}/bin:/usr/bin:/bin`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret', AWS_REGION: 'x' }
  const source = await loadCredentials(env, home)
  expect(await source.find('ghcr.io', 'acme/app')).toEqual(login('get', 'for ghcr.io'))
  expect(await source.find('docker.io', 'library/a')).toEqual(login('get', 'for https://index.docker.io/v1/'))
  const { readFile } = await import('node:fs/promises')
  const seen = await readFile(join(home, 'env'), 'utf8')
  expect(seen).not.toContain('secret')
  expect(seen).toContain('AWS_REGION=x')
})

test('credHelpers win over entries of the same key, and <token> means an identity token', async () => {
  await helper('own', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"r\\"}"')
  await file('.docker/config.json', { credHelpers: { 'ghcr.io': 'own' }, auths: { 'ghcr.io': basic('a:b') } })
  const source = await loadCredentials({ PATH: `${home}/bin:/usr/bin:/bin` }, home)
  expect(await source.find('ghcr.io', 'x')).toEqual({ kind: 'refresh', refreshToken: 'r' })
})

test('a helper without the login lets the next source answer', async () => {
  await helper('empty', 'echo "credentials not found in native keychain"; exit 1')
  await file('.docker/config.json', { credsStore: 'empty' })
  await file('run/containers/auth.json', { auths: { 'ghcr.io': basic('a:b') } })
  const env = { PATH: `${home}/bin:/usr/bin:/bin`, XDG_RUNTIME_DIR: join(home, 'run') }
  expect(await (await loadCredentials(env, home)).find('ghcr.io', 'x')).toEqual(login('a', 'b'))
})

test.each([
  ['../evil', 'exit 0'],
  ['a/b', 'exit 0'],
  ['missing', undefined],
  ['fails', 'echo secret-text; exit 3'],
  ['talks', 'echo no json'],
  ['half', 'echo "{\\"Username\\":\\"a\\"}"'],
])('13-adversary 16: helper %j gives a typed error that shows no output', async (name, script) => {
  if (script !== undefined && /^\w+$/.test(name)) await helper(name, script)
  await file('.docker/config.json', { credHelpers: { 'ghcr.io': name } })
  const source = await loadCredentials({ PATH: `${home}/bin:/usr/bin:/bin` }, home)
  const error = await source.find('ghcr.io', 'x').catch((caught: WaybillError) => caught)
  expect(error).toMatchObject({ code: 'registry/credential-helper-failed', kind: 'unknown' })
  expect(JSON.stringify(error)).not.toContain('secret-text')
})

test('13-adversary 39: for hosts that judged content names, only exact entries count, never credsStore', async () => {
  await helper('all', 'echo "{\\"Username\\":\\"a\\",\\"Secret\\":\\"b\\"}"')
  await file('.docker/config.json', { credsStore: 'all', auths: { 'ghcr.io': basic('x:y') } })
  const source = await loadCredentials({ PATH: `${home}/bin:/usr/bin:/bin` }, home, { exactEntriesOnly: true })
  expect(await source.find('attacker.example', 'x')).toBeUndefined()
  expect(await source.find('ghcr.io', 'x')).toEqual(login('x', 'y'))
})

test('13-adversary 39: exactHostOnly() of the ordinary logins drops what only a credsStore knows', async () => {
  await helper('all', 'echo "{\\"Username\\":\\"a\\",\\"Secret\\":\\"b\\"}"')
  await file('.docker/config.json', {
    credsStore: 'all',
    credHelpers: { 'named.example': 'all' },
    auths: { 'ghcr.io': basic('x:y'), 'quay.io/acme': basic('q:r') },
  })
  const typed = await loadCredentials({ PATH: `${home}/bin:/usr/bin:/bin` }, home)
  const judged = exactHostOnly(typed)
  expect(await typed.find('attacker.example', 'x')).toEqual(login('a', 'b'))
  expect(await judged.find('attacker.example', 'x')).toBeUndefined()
  expect(await judged.find('ghcr.io', 'x')).toEqual(login('x', 'y'))
  expect(await judged.find('evil-ghcr.io', 'x')).toBeUndefined()
  expect(await judged.find('quay.io', 'acme/app')).toEqual(login('q', 'r'))
  expect(await judged.find('quay.io', 'other/app')).toBeUndefined()
  expect(await judged.find('named.example', 'x')).toEqual(login('a', 'b'))
})

test('13-adversary 39: a source that cannot tell exact entries from others gives none', async () => {
  const source = { find: () => Promise.resolve({ kind: 'bearer', token: 'secret' } as const) }
  expect(await exactHostOnly(source).find('ghcr.io', 'x')).toBeUndefined()
})

test.each([
  ['not JSON', '{'],
  ['auths of the wrong kind', { auths: { 'ghcr.io': 'secret-text' } }],
  ['a duplicate key', '{"auths":{},"auths":{}}'],
])('a login file with %s is a configuration error that shows no content', async (_what, content) => {
  await file('.docker/config.json', content)
  const error = await loadCredentials({}, home).catch((caught: WaybillError) => caught)
  expect(error).toMatchObject({ code: 'registry/credentials-unreadable', kind: 'configuration' })
  expect(`${JSON.stringify(error)} ${(error as WaybillError).message}`).not.toContain('secret-text')
})

test('REGISTRY_AUTH_FILE that does not exist is a configuration error', async () => {
  expect(await codeOf(loadCredentials({ REGISTRY_AUTH_FILE: join(home, 'none') }, home))).toBe(
    'registry/credentials-unreadable',
  )
})

test('parseLoginFile() given any JSON returns logins or a typed error', () => {
  const entry = fc.oneof(fc.jsonValue(), fc.record({ auth: fc.oneof(fc.base64String(), fc.string()) }))
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { auths: fc.dictionary(fc.string(), entry), credHelpers: fc.jsonValue(), credsStore: fc.jsonValue() },
      { requiredKeys: [] },
    ),
  )
  fc.assert(
    fc.property(value, given => {
      try {
        expect(parseLoginFile(Buffer.from(JSON.stringify(given))).auths).toBeInstanceOf(Map)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
    { numRuns: 1000 },
  )
})
