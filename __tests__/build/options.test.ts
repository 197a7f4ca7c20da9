import fc from 'fast-check'
import { refuseCaches } from '../../src/build/buildah.ts'
import { buildxArguments, buildxFiles } from '../../src/build/buildx-arguments.ts'
import { hostsOf } from '../../src/build/buildx-closed.ts'
import { checkCaches, formatCache, parseCache, usesGha } from '../../src/build/caches.ts'
import { cacheVariables, openedBy, optionNotes } from '../../src/build/openings.ts'
import { type CheckedRequest, checkRequest, checkValues } from '../../src/build/request.ts'
import { buildahSecretFlags, checkSecrets } from '../../src/build/secrets.ts'
import { checkSsh, parseSsh, sshFlags } from '../../src/build/ssh.ts'
import { errorOf, request, tree } from './support.ts'

const TOKEN = ['gh', 'p_', 'aB3dE5fG7hJ9kL1mN0pQ2rS4tU6vW8xYaB3d'].join('')

async function checked(over: Parameters<typeof request>[0] = {}): Promise<CheckedRequest> {
  return { ...(await checkRequest(request(over), [])), contextPath: '/tree', filePath: '/tree/Dockerfile' }
}

test('buildx gets secrets, agents and caches as one argument each, and no value of a secret', async () => {
  const args = buildxArguments(
    await checked({
      secrets: [
        { id: 'npm', file: '/run/secrets/0' },
        { id: 'key.pem', file: '/run/a,b "c"/1' },
      ],
      ssh: [{ id: 'default', paths: ['/tmp/agent'] }],
      cacheFrom: ['type=registry,ref=ghcr.io/acme/cache:main'],
      cacheTo: ['type=gha,scope=main,mode=max'],
      noCache: true,
      attestations: false,
      outputLayout: true,
      sbom: true,
    }),
    buildxFiles('/run'),
  )
  expect(args.slice(3, -3)).toEqual([
    '--provenance=false',
    '--sbom=false',
    '--metadata-file=/run/buildx/metadata.json',
    '--output=type=oci,dest=/run/buildx/layout.tar',
    '--no-cache',
    '--secret=type=file,id=npm,src=/run/secrets/0',
    '--secret=type=file,id=key.pem,"src=/run/a,b ""c""/1"',
    '--ssh=default=/tmp/agent',
    '--cache-from=type=registry,ref=ghcr.io/acme/cache:main',
    '--cache-to=type=gha,scope=main,mode=max',
  ])
})

test('buildah is told that a secret is a file: it would take a variable that has the name of the id', async () => {
  expect(buildahSecretFlags([{ id: 'PATH', file: '/run/0' }])).toEqual(['--secret=type=file,id=PATH,src=/run/0'])
  expect((await errorOf(() => buildahSecretFlags([{ id: 'a', file: '/run/a,b/0' }]))).code).toBe('build/unsupported')
  expect(sshFlags([{ id: 'two', paths: ['/a', '/b'] }])).toEqual(['--ssh=two=/a,/b'])
})

test('buildah is given no cache', async () => {
  expect(() => refuseCaches({})).not.toThrow()
  const error = await errorOf(() => refuseCaches({ cacheTo: ['type=inline'] }))
  expect([error.code, error.remedy]).toEqual(['build/unsupported', expect.stringContaining('builder: buildx')])
})

test.each([
  ['GIT_AUTH_TOKEN', 'build/secret-id-refused'],
  ['git_auth_header.github.com', 'build/secret-id-refused'],
  ['a,src=/etc/shadow', 'build/secret-malformed'],
  ['-x', 'build/secret-malformed'],
  ['', 'build/secret-malformed'],
  ['a b', 'build/secret-malformed'],
])('13-adversary 17: the secret id %j is refused', async (id, code) => {
  const error = await errorOf(() => checkSecrets([{ id, file: '/run/0' }]))
  expect(error.code).toBe(code)
  if (code === 'build/secret-malformed' && id !== '') expect(JSON.stringify({ ...error })).not.toContain(id)
})

test('a secret has one id, and lies at an absolute path', async () => {
  const twice = [
    { id: 'a', file: '/0' },
    { id: 'a', file: '/1' },
  ]
  expect((await errorOf(() => checkSecrets(twice))).code).toBe('build/secret-malformed')
  expect((await errorOf(() => checkSecrets([{ id: 'a', file: '0' }]))).code).toBe('build/secret-malformed')
  const many = Array.from({ length: 101 }, (_, at) => ({ id: `s${at}`, file: `/${at}` }))
  expect((await errorOf(() => checkSecrets(many))).expected).toBe('at most 100')
})

test('an agent is the one of the job, a socket, or keys', async () => {
  const place = (path: string) => `/work/${path}`
  expect(parseSsh('default', '/tmp/agent', place)).toEqual({ id: 'default', paths: ['/tmp/agent'] })
  expect(parseSsh('deploy=key,other', undefined, place)).toEqual({ id: 'deploy', paths: ['/work/key', '/work/other'] })
  const none = await errorOf(() => parseSsh('default', undefined, place))
  expect([none.code, none.remedy]).toEqual(['build/ssh-malformed', expect.stringContaining('ssh-agent')])
  expect((await errorOf(() => parseSsh('default=', '/tmp/agent', place))).code).toBe('build/ssh-malformed')
  for (const bad of [
    [{ id: '-x', paths: ['/a'] }],
    [{ id: 'a', paths: [] }],
    [{ id: 'a', paths: ['a'] }],
    [{ id: 'a', paths: ['/a,b'] }],
    [
      { id: 'a', paths: ['/a'] },
      { id: 'a', paths: ['/b'] },
    ],
  ])
    expect((await errorOf(() => checkSsh(bad))).code).toBe('build/ssh-malformed')
})

test.each([
  ['acme/app:cache', 'from', 'type=registry,ref=docker.io/acme/app:cache'],
  ['type=registry,ref=GHCR.io:443/acme/cache', 'from', 'type=registry,ref=ghcr.io/acme/cache:latest'],
  ['ref=ghcr.io/acme/cache:1,type=registry,mode=max', 'to', 'type=registry,ref=ghcr.io/acme/cache:1,mode=max'],
  ['type=gha', 'from', 'type=gha'],
  ['type=gha,scope=refs/heads/main,timeout=10m', 'from', 'type=gha,scope=refs/heads/main,timeout=10m'],
  ['type=inline', 'to', 'type=inline'],
] as const)('the cache %j of cache-%s is %s', (text, use, canonical) => {
  expect(formatCache(parseCache(text, use))).toBe(canonical)
  expect(() => checkCaches([canonical], use, [])).not.toThrow()
})

test.each([
  ['type=local,src=/tmp/cache', 'from', 'build/cache-type'],
  ['type=s3,region=x,bucket=y', 'from', 'build/cache-type'],
  ['type=azblob,account_url=x', 'to', 'build/cache-type'],
  ['type=inline', 'from', 'build/cache-type'],
  ['scope=main', 'from', 'build/cache-type'],
  ['type=gha,token=abc', 'from', 'build/cache-credentials'],
  ['type=gha,ghtoken=abc', 'to', 'build/cache-credentials'],
  ['type=gha,url=https://evil.example/', 'from', 'build/cache-credentials'],
  ['type=gha,url_v2=https://evil.example/', 'to', 'build/cache-credentials'],
  ['type=registry,ref=a.example/x,registry.insecure=true', 'from', 'build/cache-credentials'],
  ['type=registry', 'from', 'build/cache-malformed'],
  ['type=registry,ref=https://a.example/x', 'from', 'build/cache-malformed'],
  ['type=registry,ref=a.example/X', 'from', 'build/cache-malformed'],
  ['type=registry,ref=a.example/x,ref=b.example/y', 'from', 'build/cache-malformed'],
  ['type=registry,"ref=a.example/x"', 'from', 'build/cache-malformed'],
  ['type=registry,ref=a.example/x,mode=max', 'from', 'build/cache-malformed'],
  ['type=registry,ref=a.example/x,mode=most', 'to', 'build/cache-malformed'],
  ['type=gha,scope=a b', 'from', 'build/cache-malformed'],
  ['type=registry,ref=a.example/x\n--output=x', 'from', 'build/cache-malformed'],
  ['--output=/etc', 'from', 'build/cache-malformed'],
  ['type=registry,constructor=x,ref=a.example/x', 'from', 'build/cache-malformed'],
  [`type=gha,scope=${TOKEN}`, 'from', 'build/argument-secret'],
  ['type=registry,ref=https://me:hunter22@a.example/x', 'from', 'build/argument-secret'],
] as const)('the cache %j of cache-%s is refused: %s', async (text, use, code) => {
  const error = await errorOf(() => parseCache(text, use))
  expect(error.code).toBe(code)
  expect(error.remedy).toBeTruthy()
  for (const value of ['abc', TOKEN, 'hunter22', 'evil.example'])
    if (text.includes(value)) expect(JSON.stringify({ ...error, message: error.message })).not.toContain(value)
})

test('a cache entry that holds a secret of the run is refused at the builder’s door, too', async () => {
  const asked = () => checkValues(request({ cacheTo: ['type=gha,scope=hunter2-hunter2'] }), ['hunter2-hunter2'])
  expect((await errorOf(asked)).code).toBe('build/argument-secret')
  const spelled = () => checkValues(request({ cacheFrom: ['acme/app:cache'] }), [])
  expect((await errorOf(spelled)).code).toBe('build/cache-malformed')
})

test('no text makes the cache parser fail otherwise than with its codes, and what passes is canonical', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('from' as const, 'to' as const), (text, use) => {
      try {
        const canonical = formatCache(parseCache(text, use))
        expect(formatCache(parseCache(canonical, use))).toBe(canonical)
      } catch (error) {
        expect(String((error as { code?: string }).code)).toMatch(/^build\//)
      }
    }),
  )
})

test('5-build 1: the runner’s way to its cache goes to a builder only for type=gha', () => {
  const env = {
    ACTIONS_RUNTIME_TOKEN: 't',
    ACTIONS_RESULTS_URL: 'r',
    ACTIONS_CACHE_URL: '',
    ACTIONS_CACHE_SERVICE_V2: 'true',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'never',
  }
  expect(cacheVariables(env, { cacheFrom: ['type=registry,ref=a.example/x:1'] })).toEqual({})
  expect(cacheVariables(env, { cacheTo: ['type=gha'] })).toEqual({
    ACTIONS_RUNTIME_TOKEN: 't',
    ACTIONS_RESULTS_URL: 'r',
    ACTIONS_CACHE_SERVICE_V2: 'true',
  })
  expect(usesGha(['type=gharegistry'])).toBe(false)
})

test('the summary says what was let in, by name', () => {
  const asked = {
    secrets: [{ id: 'npm', file: '/run/0' }],
    ssh: [{ id: 'default', paths: ['/tmp/agent'] }],
    cacheFrom: ['type=registry,ref=a.example/x:1', 'type=gha'],
    cacheTo: ['type=gha'],
  }
  expect(openedBy(asked)).toEqual({ opened: ['secret npm', 'ssh agent default'] })
  const notes = optionNotes(asked).join('\n')
  expect(notes).toContain('secret npm, ssh agent default')
  expect(notes).toContain('Layers can come from type=registry,ref=a.example/x:1: whoever may write there')
  expect(notes.match(/other branches may/g)).toHaveLength(2)
  expect(notes).not.toContain('/run/0')
  expect([openedBy({}), optionNotes({})]).toEqual([{}, []])
})

test('a builder made for the run is told where its caches lie', async () => {
  const asked = await checked({
    cacheFrom: ['type=registry,ref=127.0.0.1:5000/acme/cache:1'],
    cacheTo: ['type=inline'],
  })
  expect(hostsOf(asked)).toEqual(['ghcr.io', '127.0.0.1:5000'])
})

test('a named context of the commit is its real folder, in the request and in what is allowed', async () => {
  const commitFolder = tree({ Dockerfile: 'FROM scratch\n', 'lib/a': 'a' })
  const contexts = new Map([['lib', 'commit:lib']])
  const allowed = { images: [], urls: [], repositories: [], contexts, pulls: [] }
  const { contexts: placed, allowed: closed } = await checkRequest(request({ commitFolder, contexts, allowed }), [])
  expect(placed?.get('lib')).toMatch(/^\/.*\/lib$/)
  expect(closed?.contexts.get('lib')).toBe(placed?.get('lib'))
  const missing = request({ commitFolder, contexts: new Map([['lib', 'commit:none']]) })
  expect((await errorOf(checkRequest(missing, []))).code).toBe('build/context-missing')
  const file = request({ commitFolder, contexts: new Map([['lib', 'commit:lib/a']]) })
  expect((await errorOf(checkRequest(file, []))).code).toBe('build/context-missing')
})
