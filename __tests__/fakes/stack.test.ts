import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { parseRunnerFile } from './runner.ts'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

async function askForToken(environment: Record<string, string>, bearer?: string): Promise<Response> {
  const authorization = `bearer ${bearer ?? environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`
  return fetch(`${environment.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=sigstore`, { headers: { authorization } })
}

describe('Stack.run()', () => {
  test('environment, event and token tell one story', async () => {
    const { environment } = stack.run({ claims: { ref: 'refs/tags/v1.2.3', repository: 'acme/lib', run_attempt: '2' } })
    expect(environment).toMatchObject({
      GITHUB_REF: 'refs/tags/v1.2.3',
      GITHUB_REF_NAME: 'v1.2.3',
      GITHUB_REF_TYPE: 'tag',
      GITHUB_REPOSITORY: 'acme/lib',
      GITHUB_RUN_ATTEMPT: '2',
      GITHUB_WORKFLOW_REF: 'acme/lib/.github/workflows/release.yml@refs/tags/v1.2.3',
      GITHUB_SERVER_URL: stack.git.url,
      GITHUB_API_URL: stack.github.url,
    })
    const event = JSON.parse(readFileSync(environment.GITHUB_EVENT_PATH ?? '', 'utf8'))
    expect([event.ref, event.after, event.repository.full_name]).toEqual([
      'refs/tags/v1.2.3',
      environment.GITHUB_SHA,
      'acme/lib',
    ])
    const { value } = (await (await askForToken(environment)).json()) as { value: string }
    const keys = createLocalJWKSet((await (await fetch(`${stack.oidc.url}/.well-known/jwks`)).json()) as JSONWebKeySet)
    const { payload } = await jwtVerify(value, keys, { issuer: stack.oidc.url, audience: 'sigstore' })
    expect(payload).toMatchObject({
      sub: 'repo:acme/lib:ref:refs/tags/v1.2.3',
      sha: environment.GITHUB_SHA,
      run_attempt: '2',
      job_workflow_ref: environment.GITHUB_WORKFLOW_REF,
      ref_type: 'tag',
    })
  })

  test('a token can contradict the environment, or lack a claim', async () => {
    const { environment } = stack.run({ tokenClaims: { sha: 'c'.repeat(40), repository_visibility: null } })
    const claims = decodeJwt(((await (await askForToken(environment)).json()) as { value: string }).value)
    expect(claims.sha).toBe('c'.repeat(40))
    expect(environment.GITHUB_SHA).not.toBe(claims.sha)
    expect(claims).not.toHaveProperty('repository_visibility')
  })

  test('a job gets its token only with its own request token', async () => {
    const [one, other] = [stack.environment(), stack.environment()]
    expect((await askForToken(one, other.ACTIONS_ID_TOKEN_REQUEST_TOKEN)).status).toBe(401)
    expect((await askForToken(one)).status).toBe(200)
    expect(stack.run({ idToken: false }).environment).not.toHaveProperty('ACTIONS_ID_TOKEN_REQUEST_URL')
  })

  test('outputs and summary are read back as the runner reads them', () => {
    const run = stack.run()
    writeFileSync(run.environment.GITHUB_OUTPUT ?? '', 'digest=sha256:1\ntext<<END_1\none\n\ntwo=2\nEND_1\nempty=\n')
    writeFileSync(run.environment.GITHUB_STEP_SUMMARY ?? '', '# Title\n')
    expect(run.outputs()).toEqual({ digest: 'sha256:1', text: 'one\n\ntwo=2', empty: '' })
    expect(run.summary()).toBe('# Title\n')
    expect(() => parseRunnerFile('nonsense\n')).toThrow('Invalid line')
    expect(() => parseRunnerFile('a<<END\nb\n')).toThrow('No line END')
  })

  test('overrides have the last word', () => {
    expect(stack.environment({ GITHUB_REF: 'refs/heads/x', HOME: undefined })).toMatchObject({
      GITHUB_REF: 'refs/heads/x',
    })
    expect(stack.environment({ HOME: undefined })).not.toHaveProperty('HOME')
  })
})

describe('startStack()', () => {
  test('names the chosen log in the signing config, and removes its folder at the end', async () => {
    const both = await startStack({ rekor: 'both' })
    const config = JSON.parse(readFileSync(both.signingConfigFile, 'utf8'))
    expect(
      config.rekorTlogUrls.map((one: { url: string; majorApiVersion: number }) => [one.url, one.majorApiVersion]),
    ).toEqual([
      [both.rekorV2.url, 2],
      [both.rekorV1.url, 1],
    ])
    await both.close()
    expect(existsSync(both.folder)).toBe(false)
  })

  test('a start that fails leaves no server behind', async () => {
    const servers = () => process.getActiveResourcesInfo().filter(kind => kind === 'TCPServerWrap').length
    const before = servers()
    const folder = join(stack.folder, 'unusable')
    mkdirSync(join(folder, 'trusted_root.json'), { recursive: true })
    await expect(startStack({ folder })).rejects.toThrow(/EISDIR/)
    await new Promise(resolve => setTimeout(resolve, 20)) // closed handles are counted until the next turn
    expect(servers()).toBe(before)
  })

  test('tools/stack.ts prints an environment and ends at SIGTERM', async () => {
    const child = spawn(process.execPath, ['tools/stack.ts'], {
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const text = await new Promise<string>(resolve => {
      let seen = ''
      child.stdout.on('data', chunk => {
        seen += chunk
        if (seen.includes('STACK_TRUSTED_ROOT')) resolve(seen)
      })
    })
    const lines = text.trimEnd().split('\n')
    expect(lines.every(line => /^export [A-Z0-9_]+='/.test(line))).toBe(true)
    const ended = new Promise(resolve => child.on('exit', resolve))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
