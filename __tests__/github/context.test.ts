import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { contextOf, defaultImage, readContext, runUrl } from '../../src/github/context.ts'
import { type Oidc, startOidc } from '../fakes/oidc.ts'
import { prepareRun, type RunOptions } from '../fakes/runner.ts'
import { errorOf } from './support.ts'

let oidc: Oidc
const folder = mkdtempSync(join(tmpdir(), 'waybill-context-'))

beforeAll(async () => {
  oidc = await startOidc()
})
afterAll(async () => {
  await oidc.close()
  rmSync(folder, { recursive: true })
})

const run = (options: RunOptions = {}) =>
  prepareRun({ folder, oidc, serverUrl: 'https://github.com', apiUrl: 'https://api.github.com' }, options)

test('readContext() reads a push as the runner describes it', async () => {
  const { environment } = run()
  const context = await readContext(environment)
  expect(context).toMatchObject({
    repository: 'acme/app',
    owner: 'acme',
    ref: 'refs/heads/main',
    eventName: 'push',
    event: { kind: 'push' },
    actor: 'alice',
    serverUrl: 'https://github.com',
    apiUrl: 'https://api.github.com',
    graphqlUrl: 'https://api.github.com/graphql',
    defaultBranch: 'main',
    workflowRef: 'acme/app/.github/workflows/release.yml@refs/heads/main',
    files: { output: environment.GITHUB_OUTPUT, summary: environment.GITHUB_STEP_SUMMARY },
  })
  expect(runUrl(context)).toBe('https://github.com/acme/app/actions/runs/11997537386/attempts/1')
})

test('readContext() takes both addresses of an own server’s API', async () => {
  const env = {
    GITHUB_API_URL: 'https://git.acme.example/api/v3/',
    GITHUB_GRAPHQL_URL: 'https://git.acme.example/api/graphql',
  }
  expect(await readContext(run({ env }).environment)).toMatchObject({
    apiUrl: 'https://git.acme.example/api/v3',
    graphqlUrl: 'https://git.acme.example/api/graphql',
  })
})

test('readContext() refuses a GraphQL address on another server, which the token would go to', async () => {
  const env = { GITHUB_GRAPHQL_URL: 'https://api.github.com.evil.example/graphql' }
  const error = await errorOf(readContext(run({ env }).environment))
  expect(error).toMatchObject({ code: 'github/context-malformed', found: 'https://api.github.com.evil.example' })
})

test('defaultImage() is lower case, as registries ask', () => {
  expect(defaultImage({ repository: 'Acme/App.Web' })).toBe('ghcr.io/acme/app.web')
})

test.each([
  ['GITHUB_REPOSITORY', undefined],
  ['GITHUB_REPOSITORY', 'acme'],
  ['GITHUB_REPOSITORY', 'acme/app/../x'],
  ['GITHUB_REPOSITORY', 'acme/$(id)'],
  ['GITHUB_REPOSITORY_ID', 'x'],
  ['GITHUB_REPOSITORY_OWNER_ID', ''],
  ['GITHUB_SHA', 'HEAD'],
  ['GITHUB_SHA', 'A'.repeat(40)],
  ['GITHUB_REF', 'main'],
  ['GITHUB_EVENT_NAME', 'Push!'],
  ['GITHUB_ACTOR', 'a\nb'],
  ['GITHUB_RUN_ID', '0'],
  ['GITHUB_RUN_ATTEMPT', '-1'],
  ['GITHUB_SERVER_URL', 'http://github.com'],
  ['GITHUB_SERVER_URL', 'file:///etc'],
  ['GITHUB_API_URL', 'https://alice:x@api.github.com'],
  ['GITHUB_EVENT_PATH', undefined],
  ['GITHUB_WORKSPACE', 'relative'],
  ['RUNNER_TEMP', undefined],
])('readContext() refuses %s = %j and names it', async (name, value) => {
  const error = await errorOf(readContext(run({ env: { [name]: value } }).environment))
  expect(error.code).toBe('github/context-malformed')
  expect(`${error.message} ${error.expected}`).toMatch(new RegExp(`${name}|refs/heads`))
})

test.each([
  ['is not there', () => '/nowhere/event.json'],
  ['is a folder', () => folder],
  ['is not JSON', () => write('{')],
  ['names a key twice', () => write('{"ref":"refs/heads/main","ref":"refs/heads/x"}')],
  ['is a list', () => write('[]')],
  ['is not UTF-8', () => write(Buffer.from([0x7b, 0xff, 0x7d]))],
  ['is nested a hundred deep', () => write(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`)],
  ['is about something else', () => write('{}')],
])('an event file that %s is github/event-malformed', async (_what, path) => {
  const error = await errorOf(readContext(run({ env: { GITHUB_EVENT_PATH: path() } }).environment))
  expect(error).toMatchObject({ code: 'github/event-malformed', kind: 'unknown' })
})

test('a loopback server without TLS is accepted, as tests of the action need it', () => {
  const { environment } = run({ env: { GITHUB_SERVER_URL: 'http://127.0.0.1:8080/' } })
  expect(contextOf(environment, { ref: 'refs/heads/main' }).serverUrl).toBe('http://127.0.0.1:8080')
})

test('contextOf() of any variables is a context or a typed error', () => {
  const { environment } = run()
  const names = Object.keys(environment).filter(name => /^(GITHUB|RUNNER)_/.test(name))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' })), over => {
      try {
        contextOf({ ...environment, ...over }, { ref: 'refs/heads/main' })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

function write(bytes: string | Uint8Array): string {
  const path = join(folder, 'odd-event.json')
  writeFileSync(path, bytes)
  return path
}
