import { checkRecordedValue, DISPATCH_INPUT } from '../../src/build/recorded-value.ts'
import { knownSecrets } from '../../src/entry/known-secrets.ts'
import { WorkflowLog } from '../../src/github/commands.ts'
import type { Environment } from '../../src/io/environment.ts'
import { errorOf } from '../policy/world.ts'

function secretsOf(env: Environment, masked: readonly string[] = []): readonly string[] {
  const log = new WorkflowLog(
    () => undefined,
    () => 'word',
  )
  for (const secret of masked) log.mask(secret)
  return knownSecrets({ env, inputs: { githubToken: 'job-token-of-the-run' }, log }, [
    { host: 'ghcr.io', username: 'alice', password: 'login-password' },
  ])
}

test.each<[string, Environment, string]>([
  ['the job’s token', {}, 'job-token-of-the-run'],
  ['the login of a registry', {}, 'login-password'],
  ['what the log hides', {}, 'hidden-by-the-log'],
  ['what asks for identity tokens', { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token' }, 'request-token'],
  ['the runner’s own token', { ACTIONS_RUNTIME_TOKEN: 'runtime-token' }, 'runtime-token'],
  ['a variable that is called a token', { NPM_TOKEN: 'value-of-it' }, 'value-of-it'],
  ['a variable that is called a password', { db_password: 'value-of-it' }, 'value-of-it'],
  ['a variable that is called a key', { DEPLOY_API_KEY: 'value-of-it' }, 'value-of-it'],
  ['the password of a proxy', { HTTPS_PROXY: 'http://alice:proxy-password@proxy:3128' }, 'proxy-password'],
])('13-adversary 42: knownSecrets() has %s', (_what, env, secret) => {
  expect(secretsOf(env, ['hidden-by-the-log'])).toContain(secret)
})

test.each<[string, Environment]>([
  ['a path', { TOKEN_PLACE: '/run/secrets/token' }],
  ['a file’s name', { NPM_TOKEN_FILE: 'token-of-npm.txt' }],
  ['an address', { TOKEN_SERVICE: 'https://tokens.example.com' }],
  ['the id of a key', { AWS_ACCESS_KEY_ID: 'EXAMPLEKEYID' }],
  ['a word', { USE_TOKEN: 'true' }],
  ['an input', { INPUT_TOKEN: 'value-of-it' }],
  ['another variable', { GITHUB_SHA: 'a'.repeat(40) }],
])('knownSecrets() does not have %s', (_what, env) => {
  expect(secretsOf(env)).toEqual(['job-token-of-the-run', 'login-password'])
})

test('13-adversary 42: a dispatch input that equals a secret of the run is refused, its value not shown', () => {
  const check = () =>
    checkRecordedValue(DISPATCH_INPUT, 'version', 'x-value-of-it', secretsOf({ NPM_TOKEN: 'value-of-it' }))
  const error = errorOf(check)
  expect(error).toMatchObject({ code: 'build/argument-secret', found: 'a secret of this run' })
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain('value-of-it')
  expect(error.remedy).toContain('record-inputs')
})

test('a value on several lines is not recorded', () => {
  expect(errorOf(() => checkRecordedValue(DISPATCH_INPUT, 'version', 'a\nb', []))).toMatchObject({
    code: 'build/request-malformed',
  })
})
