import { request } from 'node:http'
import { jest } from '@jest/globals'
import { parseBundle, partsOf } from '../../src/sigstore/bundle.ts'
import { readDeploymentStatement } from '../../src/statements/deployment-document.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { SERVE_ANNOTATION } from '../../src/subjects/annotations.ts'
import { execute } from '../fakes/scenario.ts'
import { CLI, NAMESPACE, openServeBench, type ServeBench } from './serve-support.ts'

jest.setTimeout(120_000)

const DOCUMENT = '/.well-known/waybill.json'

let bench: ServeBench

beforeAll(async () => {
  bench = await openServeBench()
})

afterAll(() => bench.close())

beforeEach(() => {
  bench.api.pods = [bench.pod('web-1')]
  bench.api.namespaces = { [NAMESPACE]: { [SERVE_ANNOTATION]: 'true' } }
  bench.api.allowed = undefined
  bench.api.service.log.length = 0
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

interface Ask {
  readonly method?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

function ask(url: string, path: string, { method = 'GET', host, headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = { ...headers, ...(host === undefined ? {} : { host }) }
    const outgoing = request(`${url}${path}`, { method, headers: sent, agent: false }, incoming => {
      const parts: Buffer[] = []
      incoming.on('data', part => parts.push(part))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(parts) }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const lists = (): number => bench.api.service.log.filter(({ path }) => path.includes('/pods')).length

test('the document: what runs, for this host, just now, and nothing else', async () => {
  const done = bench.pod('done', `sha256:${'c'.repeat(64)}`)
  const over = { ...done, status: { ...(done.status as object), phase: 'Succeeded' } }
  bench.api.pods = [bench.pod('web-1'), over as typeof done]
  const served = await bench.serve()
  const { status, headers, body } = await ask(served.url, DOCUMENT)
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'application/vnd.dev.sigstore.bundle.v0.3+json',
    'no-store',
  ])
  const { content } = partsOf(parseBundle(body))
  if (content.form !== 'dsse') throw new Error(content.form)
  const { issuedAt, ...document } = readDeploymentStatement(parseStatement(content.payload))
  expect(Math.abs(Date.now() - new Date(issuedAt).getTime())).toBeLessThan(60_000)
  expect(document).toEqual({
    schemaVersion: 1,
    audience: served.host,
    images: [{ name: bench.gate.scenario.image, digest: bench.digest, places: [`${NAMESPACE}/web-1 containers[app]`] }],
  })
  expect((await ask(served.url, DOCUMENT, { method: 'HEAD' })).body.byteLength).toBe(0)
  expect(await served.stop()).toBe(0)
})

test('13-adversary 32: however often it is asked, the cluster is read once and one document signed', async () => {
  const served = await bench.serve()
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(served.url, DOCUMENT)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1)
  expect(lists()).toBe(1)
  await served.stop()
})

test('requests without end are refused, and the process lives', async () => {
  const served = await bench.serve()
  const statuses = (await Promise.all(Array.from({ length: 190 }, () => ask(served.url, '/healthz')))).map(
    ({ status }) => status,
  )
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  expect(await served.stop()).toBe(0)
})

test('13-adversary 32: only for hosts that were named when it began, whatever a request says', async () => {
  const served = await bench.serve()
  for (const host of ['evil.example.com', `${served.host}.evil.example.com`, '169.254.169.254']) {
    const { status, body } = await ask(served.url, DOCUMENT, { host })
    expect(status).toBe(421)
    expect(body.toString()).not.toContain('evil')
  }
  expect(lists()).toBe(0)
  await served.stop()
})

test('nothing but two methods, three paths and no bodies', async () => {
  const served = await bench.serve()
  const statuses = async (...asks: readonly (readonly [string, Ask?])[]) =>
    Promise.all(asks.map(async ([path, how]) => (await ask(served.url, path, how)).status))
  expect(await statuses([DOCUMENT, { method: 'POST' }], [DOCUMENT, { method: 'DELETE' }])).toEqual([405, 405])
  expect(await statuses(['/'], ['/.well-known/waybill.json/'], ['/.well-known/%77aybill.json'])).toEqual([
    404, 404, 404,
  ])
  expect(await statuses([DOCUMENT, { body: 'x', headers: { 'content-length': '1' } }])).toEqual([413])
  expect(await statuses(['/healthz?probe=1', { host: '10.0.0.7:8080' }], ['/readyz', { host: 'pod' }])).toEqual([
    200, 200,
  ])
  const large = await ask(served.url, '/healthz', { headers: { cookie: 'x'.repeat(9_000) } }).catch(() => undefined)
  expect(large).toBeUndefined()
  expect((await ask(served.url, '/healthz')).status).toBe(200)
  await served.stop()
})

test('a namespace that has not opted in: nothing is listed, nothing is told', async () => {
  for (const annotations of [{}, { [SERVE_ANNOTATION]: 'false' }, { [SERVE_ANNOTATION]: 'True' }]) {
    bench.api.namespaces = { [NAMESPACE]: annotations }
    const served = await bench.serve()
    expect([(await ask(served.url, DOCUMENT)).status, lists()]).toEqual([404, 0])
    expect(served.log()).toContain('serve/not-opted-in')
    await served.stop()
  }
})

describe('13-adversary 32: half a list is never signed', () => {
  const broken: readonly (readonly [string, () => void])[] = [
    ['the namespace is not shown', () => Object.assign(bench.api, { namespaces: {} })],
    ['pods are forbidden', () => Object.assign(bench.api, { allowed: [] })],
    [
      'the second page is forgotten again and again',
      () => Object.assign(bench.api, { page: 1, expired: 9, pods: [bench.pod('web-1'), bench.pod('web-2')] }),
    ],
    ['nothing runs', () => Object.assign(bench.api, { pods: [] })],
  ]
  afterEach(() => Object.assign(bench.api, { page: 500, expired: 0 }))

  test.each(broken)('13-adversary 32: %s', async (_, breakIt) => {
    breakIt()
    const served = await bench.serve()
    for (const path of [DOCUMENT, '/readyz']) {
      const { status, body } = await ask(served.url, path)
      expect([status, body.toString()]).toEqual([503, 'not available\n'])
    }
    expect((await ask(served.url, '/healthz')).status).toBe(200)
    expect(served.log()).toMatch(/serve\/|verify\/cluster-/)
    await served.stop()
  })

  test('13-adversary 32: a list that has to be begun again is read to its end', async () => {
    Object.assign(bench.api, { page: 1, expired: 1, pods: [bench.pod('web-1'), bench.pod('web-2')] })
    const served = await bench.serve()
    expect((await ask(served.url, DOCUMENT)).status).toBe(200)
    await served.stop()
  })
})

test('what is wrong with key, address or audience is found before anybody is answered', async () => {
  const run = (...flags: readonly string[]) =>
    execute([CLI, 'serve', '--kubeconfig', 'kube.json', ...flags], { PATH: '', HOME: bench.folder }, bench.folder)
  const key = ['--key', bench.key.privateFile]
  const taken = await bench.serve()
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[...key, '--namespace', NAMESPACE], 'Nothing says for which host'],
    [['--audience', 'app.example.com', '--namespace', NAMESPACE], 'A document has one signer'],
    [[...key, '--audience', 'https://app.example.com'], 'That is not the host of a URL'],
    [[...key, '--audience', 'app.example.com', '--namespace', 'a/b'], 'That is not the name of a namespace'],
    [[...key, '--audience', 'app.example.com'], 'serve/no-namespace'],
    [['--key', 'nowhere.pem', '--audience', 'app.example.com', '-n', NAMESPACE], 'core/file-unreadable'],
    [
      ['--key', bench.key.publicFile, '--audience', 'app.example.com', '-n', NAMESPACE],
      'sigstore/signing-key-unusable',
    ],
    [[...key, '--audience', 'a.example.com', '-n', NAMESPACE, '--listen', taken.host], 'serve/not-listening'],
  ]
  for (const [flags, words] of cases) {
    const { code, log } = await run(...flags)
    expect([flags.join(' '), code, log]).toEqual([flags.join(' '), 3, expect.stringContaining(words)])
  }
  await taken.stop()
})

test('ends on SIGTERM when requests under way are answered', async () => {
  let arrived: () => void = () => {}
  const first = new Promise<void>(resolve => {
    arrived = resolve
  })
  const served = await bench.serve()
  bench.api.service.rewrite = answer => {
    arrived()
    return answer
  }
  const answer = ask(served.url, DOCUMENT)
  await first
  served.child.kill('SIGTERM')
  expect((await answer).status).toBe(200)
  expect(await served.ended).toBe(0)
  bench.api.service.rewrite = undefined
})
