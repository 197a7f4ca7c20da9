import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WaybillError } from '../../src/core/error.ts'
import { artifactService, askArtifacts } from '../../src/github/artifacts.ts'

const URL = 'https://results.example.com/'
const TOKEN = 'eyJ.token.word'
const env = { ACTIONS_RESULTS_URL: URL, ACTIONS_RUNTIME_TOKEN: TOKEN }

test.each(['https://github.com', 'https://acme.ghe.com', 'http://127.0.0.1:4000'])('%s has artifacts', server => {
  expect(artifactService(env, server)).toEqual({ url: URL, token: TOKEN })
})

test.each<[string, object, string]>([
  ['no variables', { ACTIONS_RESULTS_URL: undefined }, 'no address and token'],
  ['an empty token', { ACTIONS_RUNTIME_TOKEN: '' }, 'no address and token'],
  ['an address that is none', { ACTIONS_RESULTS_URL: 'results' }, 'is no URL'],
  ['an address without TLS', { ACTIONS_RESULTS_URL: 'http://results.example.com' }, 'no TLS'],
  ['an address of another kind', { ACTIONS_RESULTS_URL: 'file:///etc/passwd' }, 'no TLS'],
])('there is none with %s', (_what, more, why) => {
  expect(artifactService({ ...env, ...more }, 'https://github.com')).toContain(why)
})

test.each(['https://github.example.com', 'https://notgithub.com', 'https://github.com.example.com'])(
  'there is none for %s',
  server => expect(artifactService(env, server)).toContain('another protocol'),
)

/** A thread that does what this text says. */
function script(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'waybill-thread-')), 'thread.mjs')
  writeFileSync(file, `import { parentPort, workerData } from 'node:worker_threads'\n${text}\n`)
  return file
}

const task = { kind: 'upload', name: 'waybill-a', folder: '/work', files: ['/work/a'], replace: false } as const
const world = (text: string, deadlineMs?: number) => ({
  env: { ...env, HOME: '/home', PATH: '/bin', INPUT_KEY: 'secret', GITHUB_TOKEN: 'secret' },
  service: { url: URL, token: TOKEN },
  script: script(text),
  ...(deadlineMs === undefined ? {} : { deadlineMs }),
})
const refusal = (text: string, deadlineMs?: number) =>
  askArtifacts(world(text, deadlineMs), task).then(
    () => undefined,
    (error: WaybillError) => error,
  )

test('the thread is given the task, and of this process’ secrets only the token of the service', async () => {
  const told = script(
    `parentPort.postMessage({ state: 'done', id: 1, bytes: 1, env: process.env, data: workerData.data })`,
  )
  const answer = await askArtifacts({ ...world(''), script: told }, task)
  const { env: seen, data } = answer as unknown as { env: Record<string, string>; data: unknown }
  expect(data).toEqual(task)
  expect(seen).toMatchObject({ ...env, GITHUB_WORKSPACE: '/work' })
  expect(JSON.stringify(seen)).not.toContain('secret')
})

test.each<[string, string, string]>([
  ['throws', `throw new Error('broken')`, 'broken'],
  ['throws where nobody catches', `setTimeout(() => { throw new Error('late') }, 1)`, 'late'],
  ['ends without an answer', `process.exit(3)`, 'it ended with 3'],
])('a thread that %s is an error of the exchange alone', async (_what, text, found) => {
  expect(await refusal(text)).toMatchObject({ code: 'github/artifact-failed', found: expect.stringContaining(found) })
})

test('a thread that never answers is ended', async () => {
  expect(await refusal('setInterval(() => {}, 1000)', 200)).toMatchObject({ found: 'no answer in 0.2 s' })
})

test('what a server said stands on one line, without what signs its addresses and without the token', async () => {
  const why = `no: https://store/blob?sig=abc&x=1 with ${TOKEN}\n::set-env name=A::b`
  const error = await refusal(`parentPort.postMessage({ state: 'failed', why: ${JSON.stringify(why)} })`)
  expect(error?.found).toBe('no: https://store/blob?… with …')
})

test('a name that is taken is told with what to do', async () => {
  const error = await refusal(`parentPort.postMessage({ state: 'failed', why: 'Failed request: (409) Conflict' })`)
  expect(error?.remedy).toContain('an input `name` of its own')
})
