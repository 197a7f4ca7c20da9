import { SignJWT, UnsecuredJWT } from 'jose'
import { WaybillError } from '../../src/core/error.ts'
import { checkClaims, maySign, readClaims } from '../../src/github/claims.ts'
import type { RunEvent } from '../../src/github/event.ts'
import { IdTokens } from '../../src/github/token.ts'
import { verifyToken } from '../../src/github/verify.ts'
import { childEnvironment, type Environment } from '../../src/io/environment.ts'
import { HttpClient } from '../../src/io/http.ts'
import { githubClaims } from '../fakes/claims.ts'
import { type Oidc, startOidc } from '../fakes/oidc.ts'
import { errorOf } from './support.ts'

let oidc: Oidc
let http: HttpClient

beforeAll(async () => {
  oidc = await startOidc()
  http = new HttpClient()
})
afterEach(() => {
  oidc.setClaims({})
  oidc.clockOffsetMs = 0
  oidc.lifetimeSeconds = 300
})
afterAll(async () => {
  http.close()
  await oidc.close()
})

const quick = { now: () => Date.now(), sleep: () => Promise.resolve(), random: () => 0 }

function tokens(env: Environment, event?: RunEvent) {
  const masked: string[] = []
  let asked = 0
  const counting = new Proxy(http, {
    get: (target, name) => {
      if (name !== 'send') return Reflect.get(target, name)
      return (request: Parameters<HttpClient['send']>[0]) => {
        if (request.url.includes('idtoken')) asked++
        return target.send(request)
      }
    },
  })
  const world = {
    env,
    http: counting,
    mask: (secret: string) => masked.push(secret),
    now: () => Date.now(),
    clock: quick,
  }
  return { tokens: new IdTokens(world, event, [oidc.issuer]), masked, asked: () => asked }
}

function jobEnv(over: Parameters<Oidc['tokenRequest']>[0] = {}): Environment {
  const { url, token } = oidc.tokenRequest(over)
  return { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token }
}

const verify = (token: string, now = new Date()) =>
  verifyToken(token, { audience: 'sigstore', allowedIssuers: [oidc.issuer] }, http, now)

/** Every text an error carries, its causes included. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  const own = Object.getOwnPropertyNames(error).map(name => String(Reflect.get(error, name)))
  return [...own, JSON.stringify(error), error.cause === undefined ? '' : everything(error.cause)].join('\n')
}

test('IdTokens.get() masks the token and returns its verified claims', async () => {
  const { tokens: source, masked } = tokens(jobEnv())
  const { token, claims } = await source.get()
  expect(masked).toEqual([token])
  expect(claims).toMatchObject({
    issuer: oidc.issuer,
    repository: 'acme/app',
    repositoryId: '792829709',
    sha: oidc.claims().sha,
    ref: 'refs/heads/main',
    eventName: 'push',
    jobWorkflowRef: 'acme/app/.github/workflows/release.yml@refs/heads/main',
    repositoryVisibility: 'public',
    runnerEnvironment: 'github-hosted',
  })
  expect(source.available).toBe(true)
})

test('the token is masked before it is verified: a bad one is secret, too', async () => {
  const { tokens: source, masked } = tokens(jobEnv({ aud: 'somebody-else' }))
  expect((await errorOf(source.get())).code).toBe('github/token-invalid')
  expect(masked).toHaveLength(1)
})

test('callers at the same time share one request; a token that is about to end is fetched again', async () => {
  const { tokens: source, asked } = tokens(jobEnv())
  await Promise.all([source.get(), source.get(), source.get()])
  expect(asked()).toBe(1)
  oidc.lifetimeSeconds = 30
  const second = tokens(jobEnv())
  await second.tokens.get()
  await second.tokens.get()
  expect(second.asked()).toBe(2)
})

test('a failed request is not remembered', async () => {
  const env = jobEnv()
  oidc.setClaims({ aud: 'x' })
  const { tokens: source } = tokens(env)
  oidc.lifetimeSeconds = -600
  expect((await errorOf(source.get())).code).toBe('github/token-invalid')
  oidc.lifetimeSeconds = 300
  oidc.setClaims({})
  expect((await source.get()).claims.repository).toBe('acme/app')
})

test('a later token of another commit is refused: statements were made from the first', async () => {
  oidc.lifetimeSeconds = 30
  const { tokens: source } = tokens(jobEnv())
  await source.get()
  oidc.setClaims({ sha: '9'.repeat(40) })
  expect((await errorOf(source.get())).code).toBe('github/token-mismatch')
})

const PULL: RunEvent = {
  kind: 'pull_request',
  number: 1,
  head: '1'.repeat(40) as never,
  headRef: 'refs/heads/x',
  base: '2'.repeat(40) as never,
  baseRef: 'refs/heads/main',
  from: 'fork',
  dependabot: false,
}

test.each([
  ['a push', undefined, 'github/id-token-missing', 'id-token: write'],
  [
    'a pull request of the repository',
    { ...PULL, from: 'same-repository' },
    'github/id-token-missing',
    'id-token: write',
  ],
  ["a fork's pull request", PULL, 'github/fork-no-token', 'after the merge'],
  [
    "Dependabot's pull request",
    { ...PULL, from: 'same-repository', dependabot: true },
    'github/fork-no-token',
    'after the merge',
  ],
] as const)('without permission on %s the message fits', async (_what, event, code, remedy) => {
  const { tokens: source } = tokens({ ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x.example' }, event)
  expect(source.available).toBe(false)
  const error = await errorOf(source.get())
  expect(error.code).toBe(code)
  expect(error.remedy).toContain(remedy)
})

test('SIGSTORE_ID_TOKEN of the environment is never used', async () => {
  const { tokens: source } = tokens({ SIGSTORE_ID_TOKEN: await oidc.mint() })
  expect((await errorOf(source.get())).code).toBe('github/id-token-missing')
})

test.each([
  ['another path', (url: string) => url.replace(/jobs\/[^/]+/, 'jobs/none'), 'github/token-refused'],
  ['no URL', () => 'not a url', 'github/token-refused'],
  ['plain http to another host', () => 'http://192.0.2.1/idtoken', 'core/plain-http'],
  ['a closed port', () => 'http://127.0.0.1:9/idtoken', 'core/unreachable'],
  ['a page that is no token', (url: string) => `${new URL(url).origin}/.well-known/jwks`, 'github/token-refused'],
])('a request URL with %s is a typed error without the request token', async (_what, change, code) => {
  const env = jobEnv()
  const { tokens: source } = tokens({
    ...env,
    ACTIONS_ID_TOKEN_REQUEST_URL: change(env.ACTIONS_ID_TOKEN_REQUEST_URL ?? ''),
  })
  const error = await errorOf(source.get())
  expect(error.code).toBe(code)
  expect(everything(error)).not.toContain(env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? 'x')
})

test('13-adversary 16: children inherit neither the request URL nor its token', () => {
  const child = childEnvironment({ ...jobEnv(), PATH: '/bin', GITHUB_TOKEN: 'x', SIGSTORE_ID_TOKEN: 'y' })
  expect(Object.keys(child).sort()).toEqual(['LC_ALL', 'PATH'])
})

test('verifyToken() accepts a token of the expected issuer only', async () => {
  const token = await oidc.mint()
  expect((await verify(token)).subject).toBe('repo:acme/app:ref:refs/heads/main')
  const strict = verifyToken(token, { audience: 'sigstore', allowedIssuers: [] }, http, new Date())
  expect(await errorOf(strict)).toMatchObject({ code: 'github/token-invalid', found: oidc.issuer })
})

test.each([
  ['another audience', { aud: 'https://github.com/acme' }],
  ['another issuer', { iss: 'https://token.actions.githubusercontent.com.evil.example' }],
  ['an issuer that is a prefix', { iss: 'http://127.0.0.1' }],
  ['no repository', { repository: null }],
  ['a repository with a path', { repository: 'acme/app/x' }],
  ['a number for an id', { repository_id: 5 }],
  ['a short commit', { sha: 'abc' }],
  ['an empty ref', { ref: '' }],
  ['control characters in the subject', { sub: 'repo:\u001b[2J' }],
  ['no workflow', { job_workflow_ref: null }],
  ['a workflow without ref', { job_workflow_ref: 'acme/app/.github/workflows/x.yml' }],
  ['no expiry', { exp: null }],
  ['an expiry beyond time', { exp: 1e18 }],
  ['a visibility that is no text', { repository_visibility: 1 }],
  ['a start in the future', { nbf: 4_000_000_000 }],
])('verifyToken() refuses a token with %s', async (_what, claims) => {
  const token = await oidc.mint(claims)
  const error = await errorOf(verify(token))
  expect(error.code).toBe('github/token-invalid')
  expect(everything(error)).not.toContain(token.split('.')[2] ?? 'x')
  expect(everything(error)).not.toContain(token.split('.')[1] ?? 'x')
})

test.each([
  ['an hour late', 3_600_000, false],
  ['half a minute late, which clocks differ by', 330_000, true],
  ['an hour early', -3_600_000, false],
] as const)('verifyToken() of a token that is looked at %s', async (_what, later, accepted) => {
  const work = verify(await oidc.mint(), new Date(Date.now() + later))
  if (accepted) expect((await work).repository).toBe('acme/app')
  else expect((await errorOf(work)).code).toBe('github/token-invalid')
})

test('verifyToken() refuses what the issuer did not sign', async () => {
  const token = await oidc.mint()
  const [head = '', body = '', signature = ''] = token.split('.')
  const forgedBody = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), repository: 'evil/x' }),
  )
  const secret = Buffer.from('a'.repeat(64))
  const claims = { ...githubClaims(), iss: oidc.issuer, aud: 'sigstore' }
  const forged = [
    [head, forgedBody.toString('base64url'), signature].join('.'),
    [head, body, `${signature.slice(0, -8)}AAAAAAAA`].join('.'),
    new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('5m').encode(),
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime('5m').sign(secret),
    'a.b.c',
    '',
    '..',
    'x'.repeat(10_000),
  ]
  for (const text of forged) expect((await errorOf(verify(text))).code).toBe('github/token-invalid')
})

test('every one-character change of a token is refused', async () => {
  const token = await oidc.mint()
  for (let at = 0; at < token.length; at += 7) {
    // The last characters of a part may hold unused bits, which canonical decoders refuse and lenient ones ignore.
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
    const error = await verify(changed).then(
      () => undefined,
      (problem: unknown) => problem,
    )
    expect(error).toBeInstanceOf(WaybillError)
  }
})

test('an issuer whose keys cannot be had is unknown, not rejected', async () => {
  const gone = await startOidc()
  const token = await gone.mint()
  const { issuer } = gone
  await gone.close()
  const work = verifyToken(token, { audience: 'sigstore', allowedIssuers: [issuer] }, http, new Date())
  expect(await errorOf(work)).toMatchObject({ code: 'github/keys-unreachable', kind: 'unknown' })
}, 90_000)

test.each([
  ['push', 'refs/heads/main', true],
  ['push', 'refs/tags/v1', true],
  ['release', 'refs/tags/v1', true],
  ['workflow_dispatch', 'refs/heads/main', true],
  ['schedule', 'refs/heads/main', true],
  ['repository_dispatch', 'refs/heads/main', true],
  ['pull_request', 'refs/pull/1/merge', false],
  ['pull_request_target', 'refs/heads/main', false],
  ['merge_group', 'refs/heads/gh-readonly-queue/main/x', false],
  ['workflow_run', 'refs/heads/main', false],
  ['push', 'refs/pull/1/merge', false],
  ['create', 'refs/heads/x', false],
] as const)('13-adversary 6: a token of %s on %s may sign: %s', (eventName, ref, expected) => {
  expect(maySign({ eventName, ref })).toBe(expected)
})

test('13-adversary 7: a token of another commit, repository or run than the variables is refused', async () => {
  const claims = readClaims({ ...githubClaims(), iss: 'https://i.example', exp: 2_000_000_000 })
  const run = {
    repository: claims.repository,
    repositoryId: claims.repositoryId,
    ownerId: claims.repositoryOwnerId,
    sha: claims.sha as string,
    ref: claims.ref,
    eventName: claims.eventName,
    runId: claims.runId,
    runAttempt: claims.runAttempt,
  }
  expect(() => checkClaims(claims, run)).not.toThrow()
  for (const name of Object.keys(run)) {
    const error = await errorOf(() => checkClaims(claims, { ...run, [name]: 'other' }))
    expect(error).toMatchObject({ code: 'github/token-mismatch', kind: 'rejected', expected: 'other' })
  }
})
