import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, type ClusterOptions, openCluster } from '../../src/cluster/api.ts'
import { asWaybillError } from '../../src/core/error.ts'
import { type ListedCluster, listCluster } from '../../src/subjects/cluster-listing.ts'
import { type ApiServer, startApiServer } from '../fakes/kubernetes/api-server.ts'
import { pod } from '../fakes/kubernetes/pods.ts'

const APP = 'ghcr.io/acme/app'
const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`
/** Waits for nobody, so that a server that fails again and again fails at once. */
const HASTY = { now: () => Date.now(), sleep: async () => {}, random: () => 0 }

let folder: string
let server: ApiServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-cluster-'))
  server = await startApiServer()
  server.pods = podsOf(3)
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

function podsOf(count: number) {
  return Array.from({ length: count }, (_, n) => {
    const containers = [{ image: `${APP}:${n % 7}`, imageID: `${APP}@${digest(n % 7)}` }]
    return pod({ name: `web-${n}`, namespace: n % 2 === 0 ? 'default' : 'shop', containers })
  })
}

function open(kubeconfig: string, more: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const file = join(folder, 'config')
  writeFileSync(file, kubeconfig)
  const env = { PATH: process.env.PATH, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret', AWS_PROFILE: 'shop' }
  return openCluster({ file, env, plugins: true, pass: [], workingFolder: folder, clock: HASTY, ...more })
}

async function list(namespace?: string, kubeconfig = server.kubeconfig()): Promise<ListedCluster> {
  const cluster = await open(kubeconfig)
  return listCluster(cluster, namespace).finally(() => cluster.close())
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing thrown',
    error => asWaybillError(error).code,
  )

describe('the list of pods', () => {
  test('is read page by page, of one namespace or of all', async () => {
    server.page = 2
    expect((await list()).pods).toBe(3)
    expect((await list('shop')).pods).toBe(1)
    expect(server.service.requests()).toEqual([
      'GET /api/v1/pods?limit=500 → 200',
      'GET /api/v1/pods?limit=500&continue=Mg → 200',
      'GET /api/v1/namespaces/shop/pods?limit=500 → 200',
    ])
  })

  test('of 5,000 pods is ten pages, and each image is told once', async () => {
    server.pods = podsOf(5_000)
    const { pods, images, incomplete } = await list()
    expect([pods, images.length, incomplete]).toEqual([5_000, 7, undefined])
    expect(images.reduce((sum, { places }) => sum + places.length, 0)).toBe(5_000)
    expect(server.service.log).toHaveLength(10)
  })

  test.each([
    [1, undefined],
    [2, undefined],
    [3, 'verify/cluster-incomplete'],
  ])('that the server has forgotten %i times is begun again, at most twice', async (times, code) => {
    server.page = 2
    server.expired = times
    const { incomplete, pods, images } = await list()
    expect([incomplete?.code, pods, images.length]).toEqual([
      code,
      code === undefined ? 3 : 2,
      code === undefined ? 3 : 2,
    ])
    expect(incomplete?.found).toEqual(
      code === undefined ? undefined : expect.stringMatching(/^2 pods; the list was begun 3 times/),
    )
  })

  test('that is forbidden tells the role to grant', async () => {
    server.allowed = ['shop']
    const { incomplete } = await list('default')
    expect([incomplete?.code, incomplete?.kind]).toEqual(['verify/cluster-forbidden', 'unknown'])
    expect(incomplete?.remedy).toContain('{ apiGroups: [""], resources: [pods], verbs: [get, list] }')
    expect(incomplete?.remedy).toContain('kind: Role\nmetadata: { name: waybill-verify, namespace: default }')
    expect((await list()).incomplete?.remedy).toContain('kind: ClusterRole\n')
  })

  test('with a token that nobody knows is unknown', async () => {
    const { incomplete } = await list('default', server.kubeconfig({ token: 'mallory' }))
    expect([incomplete?.code, incomplete?.found]).toEqual(['verify/cluster-forbidden', '401: Unauthorized'])
  })

  test.each(['cut', 'cut-body'] as const)('of which the second page is %s keeps the first', async fault => {
    server.page = 2
    server.service.faults.hook(({ query }) => (query.has('continue') ? fault : undefined))
    const { incomplete, images } = await list()
    expect([incomplete?.code, incomplete?.kind, images.length]).toEqual(['verify/cluster-incomplete', 'unknown', 2])
    expect(incomplete?.message).toMatch(/^Only the first 2 pods could be read: /)
  })

  test('that is cut once is asked for again', async () => {
    server.service.faults.add({ fault: 'cut-body' })
    expect((await list()).incomplete).toBeUndefined()
  })

  test.each<[string, string | object]>([
    ['truncated', '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metad'],
    ['of another kind', { kind: 'ServiceList', apiVersion: 'v1', metadata: {}, items: [] }],
    ['with a map of items', { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: {} }],
    ['with a number to go on', { kind: 'PodList', apiVersion: 'v1', metadata: { continue: 7 }, items: [] }],
    ['with pods left and no way to go on', { kind: 'PodList', apiVersion: 'v1', metadata: { remainingItemCount: 1 } }],
    ['with one key twice', '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[],"items":[]}'],
    ['that goes on to itself', { kind: 'PodList', apiVersion: 'v1', metadata: { continue: 'x' }, items: [] }],
    ['a page of a portal', '<html>log in</html>'],
  ])('13-adversary 43: an answer %s never passes for a list', async (_what, body) => {
    server.service.rewrite = answer => ({ ...answer, body })
    const { incomplete } = await list()
    expect([incomplete?.code, incomplete?.kind]).toEqual(['verify/cluster-incomplete', 'unknown'])
  })

  test('a redirect is not followed', async () => {
    server.service.rewrite = () => ({ status: 302, headers: { location: 'https://localhost/elsewhere' } })
    expect((await list()).incomplete?.code).toBe('verify/cluster-unreachable')
  })

  test('of a server whose certificate nobody vouches for is unknown', async () => {
    const { incomplete } = await list(
      undefined,
      server.kubeconfig(undefined, { cluster: { 'certificate-authority-data': undefined } }),
    )
    expect(incomplete?.code).toBe('verify/cluster-unreachable')
    expect(server.service.log).toEqual([])
  })
})

describe('the service account of a pod', () => {
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = process.env
  afterEach(() => {
    for (const [name, value] of Object.entries({ KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT }))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })

  test('is used where there is no kubeconfig', async () => {
    const mounted = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount')
    mkdirSync(mounted, { recursive: true })
    writeFileSync(join(mounted, 'ca.crt'), server.authority.pem)
    writeFileSync(join(mounted, 'token'), `${server.token}\n`)
    writeFileSync(join(mounted, 'namespace'), 'shop\n')
    const { port } = new URL(server.url)
    Object.assign(process.env, { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: port })
    const env = { HOME: folder, KUBERNETES_SERVICE_HOST: 'localhost' }
    const cluster = await openCluster({ env, podRoot: folder, plugins: false, pass: [], workingFolder: folder })
    const { pods, incomplete } = await listCluster(cluster, cluster.namespace).finally(() => cluster.close())
    expect([cluster.namespace, pods, incomplete]).toEqual(['shop', 1, undefined])
  })

  test('is not looked for outside of a cluster', async () => {
    const options = { env: { HOME: folder }, podRoot: folder, plugins: false, pass: [], workingFolder: folder }
    expect(await codeOf(openCluster(options))).toBe('verify/kubeconfig-unusable')
  })
})

describe('the kubeconfig', () => {
  test('says the namespace and another context', async () => {
    const cluster = await open(server.kubeconfig(undefined, { context: { namespace: 'shop' } }), { context: 'acme' })
    cluster.close()
    expect([cluster.namespace, cluster.server]).toEqual(['shop', server.url])
  })

  test.each<[string, () => string, Partial<ClusterOptions>]>([
    ['that is no YAML', () => ': {', {}],
    ['that is a list', () => '[]', {}],
    ['without a context', () => '{}', {}],
    ['without that context', () => server.kubeconfig(), { context: 'other' }],
    [
      'that checks no certificate',
      () => server.kubeconfig(undefined, { cluster: { 'insecure-skip-tls-verify': true } }),
      {},
    ],
    ['without TLS', () => server.kubeconfig(undefined, { cluster: { server: 'http://cluster.example:8080' } }), {}],
    ['with a file for a server', () => server.kubeconfig(undefined, { cluster: { server: 'file:///etc/passwd' } }), {}],
    ['with a number for a namespace', () => server.kubeconfig(undefined, { context: { namespace: 7 } }), {}],
    ['with a path for a namespace', () => server.kubeconfig(undefined, { context: { namespace: '../x' } }), {}],
    [
      'that logs in by a shell',
      () => server.kubeconfig({ 'auth-provider': { name: 'gcp', config: { 'cmd-path': 'touch' } } }),
      {},
    ],
    [
      'that logs in by a shell of Azure',
      () => server.kubeconfig({ 'auth-provider': { name: 'azure', config: { 'cmd-path': 'touch' } } }),
      {},
    ],
    ['with a program, where none may run', () => server.kubeconfig({ exec: { command: 'true' } }), { plugins: false }],
    ['with a malformed program', () => server.kubeconfig({ exec: { command: 1 } }), {}],
  ])('%s is refused', async (_what, text, options) => {
    expect(await codeOf(open(text(), options))).toBe('verify/kubeconfig-unusable')
  })
})

describe('a program that the kubeconfig logs in by', () => {
  const V1 = 'client.authentication.k8s.io/v1'

  function exec(script: string, more: object = {}): object {
    return { exec: { apiVersion: V1, command: '/bin/sh', args: ['-c', script], interactiveMode: 'Never', ...more } }
  }

  const credential = (status: object) => `echo '${JSON.stringify({ apiVersion: V1, kind: 'ExecCredential', status })}'`

  test('gives the token', async () => {
    const { pods, incomplete } = await list(undefined, server.kubeconfig(exec(credential({ token: server.token }))))
    expect([pods, incomplete]).toEqual([3, undefined])
  })

  test('13-adversary 16: sees no token of the runner, and of other variables those that are named', async () => {
    const seen = join(folder, 'seen')
    const script = `env > ${seen}; ${credential({ token: server.token })}`
    const kubeconfig = server.kubeconfig(exec(script, { env: [{ name: 'REGION', value: 'eu' }] }))
    const cluster = await open(kubeconfig, { pass: ['AWS_PROFILE'] })
    cluster.close()
    const names = readFileSync(seen, 'utf8')
    expect(names).toMatch(/^REGION=eu$/m)
    expect(names).toMatch(/^AWS_PROFILE=shop$/m)
    expect(names).toMatch(/^KUBERNETES_EXEC_INFO=\{.*"interactive":false/m)
    expect(names).not.toMatch(/secret|ACTIONS_|JEST/)
  })

  test.each<[string, string]>([
    ['that fails', 'echo secret >&2; exit 1'],
    ['that prints nothing', 'true'],
    ['that prints something else', 'echo hello'],
    ['that prints another version', credential({ token: 'x' }).replace('/v1', '/v1beta1')],
    ['without a credential', credential({})],
    ['with a certificate without a key', credential({ clientCertificateData: 'x' })],
    ['with a token that would begin a header', credential({ token: 'a\\r\\nX-Remote-User: admin' })],
  ])('%s gives nothing', async (_what, script) => {
    const error = asWaybillError(await open(server.kubeconfig(exec(script))).catch(error => error))
    expect([error.code, error.kind]).toEqual(['verify/credential-plugin-failed', 'unknown'])
    expect(`${error.message} ${error.found}`).not.toContain('secret')
  })
})
