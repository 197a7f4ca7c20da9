import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { type ApiServer, startApiServer } from '../fakes/kubernetes/api-server.ts'
import { type PodOptions, pod } from '../fakes/kubernetes/pods.ts'
import { execute } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type GateBench, openGateBench, RESULT_SCHEMA, ruleOf } from './gate-support.ts'

jest.setTimeout(120_000)

let bench: GateBench
let server: ApiServer
let folder: string
/** `host/acme/app`, the index that was published and signed, its platforms, and an image that nobody signed. */
let app: string
let index: string
let children: readonly string[]
let unsigned: string

beforeAll(async () => {
  ;[bench, server] = await Promise.all([openGateBench(), startApiServer()])
  const { scenario } = bench
  folder = join(scenario.stack.folder, 'cluster')
  mkdirSync(join(folder, 'trust'), { recursive: true })
  writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(scenario.stack.trustedRoot))
  const rule = `deploy:\n  - match: ["${scenario.stack.registry.host}/acme/**"]\n${ruleOf(scenario)}    private: true\n`
  writeFileSync(join(folder, 'waybill.yml'), bench.policy(rule))
  const deployer = `{ sigstore: { identity: deployer@example.com, issuer: "${scenario.stack.oidc.issuer}" }, environment: production }`
  const admit = `${rule}    deployer: ${deployer}
    admit: [deploy-verified]
`
  writeFileSync(join(folder, 'admit.yml'), bench.policy(admit))
  writeFileSync(join(folder, 'kubeconfig'), server.kubeconfig())
  ;[app, index, children] = [scenario.image, bench.published.outputs.digest ?? '', bench.children]
  unsigned = await bench.image('nobody-signed-this')
})

beforeEach(() => {
  Object.assign(server, { page: 500, allowed: undefined, expired: 0 })
  server.service.rewrite = undefined
})

afterAll(async () => {
  await server.close()
  await bench.close()
})

interface Answer {
  readonly code: number
  readonly receipt: Receipt
  readonly codes: readonly string[]
}

const POLICY = ['--policy', 'waybill.yml']

function waybill(...args: readonly string[]) {
  const cli = join(import.meta.dirname, '../../dist/cli.js')
  const env = { PATH: process.env.PATH ?? '', HOME: bench.scenario.stack.folder }
  return execute([cli, 'verify', 'cluster', '--kubeconfig', 'kubeconfig', ...args], env, folder)
}

async function judged(pods: readonly PodOptions[], args: readonly string[] = POLICY): Promise<Answer> {
  server.pods = pods.map(pod)
  const { code, stdout, log } = await waybill(...args, '--json')
  expect(log).toBe(stdout)
  const receipt = JSON.parse(stdout) as Receipt
  expect(breaks(RESULT_SCHEMA, receipt)).toEqual([])
  const against = receipt.subjects.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'reject'))
  return { code, receipt, codes: [...new Set(against.map(({ code }) => code))] }
}

const running = (image: string, digest: string) => ({ image, imageID: `${app}@${digest}` })

describe('waybill verify cluster', () => {
  test('passes what runs and is signed, once, with every place', async () => {
    const containers = [running(`${app}:v1`, index)]
    const init = [running(`${app}@${index}`, index)]
    const { code, receipt } = await judged([
      { containers, init },
      { name: 'web-2', containers, mirror: true },
    ])
    expect([code, receipt.command, receipt.verdict, receipt.subjects.map(({ name }) => name)]).toEqual([
      0,
      'verify cluster',
      'passed',
      [`${app}@${index}`, `${app}:v1@${index}`],
    ])
    expect(receipt.subjects[1]?.places?.map(({ file, path, pod }) => [file, path, pod])).toEqual([
      ['default/web-1', 'containers[c0]', true],
      ['default/web-2', 'containers[c0]', true],
    ])
  })

  test('a platform of the signed index passes, whichever of the two the node tells', async () => {
    const [child = ''] = children
    const { code, codes } = await judged([
      { containers: [running(`${app}@${index}`, child)] },
      { name: 'web-2', containers: [running(`${app}:v1`, child)] },
    ])
    expect([code, codes]).toEqual([0, []])
  })

  test('a bare configuration is found through the registry, and another one is drift', async () => {
    const [child = ''] = children
    const manifest = await fetch(`http://${app.replace('/', '/v2/')}/manifests/${child}`)
    const { config } = (await manifest.json()) as { config: { digest: string } }
    const found = await judged([{ containers: [{ image: `${app}:v1`, imageID: config.digest }] }])
    expect([found.code, found.receipt.subjects[0]?.digest]).toEqual([0, child])
    const other = await judged([{ containers: [{ image: `${app}@${unsigned}`, imageID: config.digest }] }])
    expect([other.code, other.codes]).toEqual([1, ['verify/drift']])
    const moved = `sha256:${'0'.repeat(64)}`
    const unclear = await judged([{ containers: [{ image: `${app}:v1`, imageID: moved }] }])
    expect([unclear.code, unclear.codes]).toEqual([2, ['verify/image-id-unclear']])
  })

  test.each<[string, () => PodOptions]>([
    ['container behind a signed tag', () => ({ containers: [running(`${app}:v1`, unsigned)] })],
    ['init container', () => ({ containers: [], init: [running(`${app}:v1`, unsigned)] })],
    ['ephemeral container', () => ({ containers: [], ephemeral: [running(`${app}:v1`, unsigned)] })],
    ['static pod', () => ({ mirror: true, containers: [running(`${app}:v1`, unsigned)] })],
    [
      'image volume',
      () => ({
        containers: [running(`${app}:v1`, index)],
        volumes: [{ name: 'data', reference: `${app}:v1`, imageRef: `${app}@${unsigned}` }],
      }),
    ],
  ])('13-adversary 33: an unsigned image as %s is rejected', async (_what, options) => {
    const { code, receipt, codes } = await judged([options()])
    expect([code, receipt.verdict, codes]).toEqual([1, 'rejected', ['verify/no-attestation']])
  })

  test('13-adversary 33: another digest than specified is rejected, signed or not', async () => {
    const { code, receipt, codes } = await judged([{ containers: [running(`${app}@${unsigned}`, index)] }])
    expect([code, codes]).toEqual([1, ['verify/drift']])
    const [finding] = receipt.subjects[0]?.findings ?? []
    expect([finding?.expected, finding?.found]).toEqual([unsigned, index])
    const both = await judged([
      { containers: [running(`${app}@${unsigned}`, index)] },
      { name: 'web-2', containers: [running(`${app}@${index}`, index)] },
    ])
    expect(both.receipt.subjects.map(({ verdict }) => verdict).sort()).toEqual(['passed', 'rejected'])
  })

  test('a pod that has not started is judged by its specification, and that is said', async () => {
    const { code, receipt } = await judged([{ containers: [{ image: `${app}:v1` }] }])
    const notes = receipt.subjects.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'note'))
    expect([code, notes.map(({ code }) => code)]).toEqual([0, ['verify/not-started']])
    expect(notes[0]?.message).toContain('default/web-1 containers[c0]')
  })

  test('13-adversary 39: a registry that no rule names is not asked', async () => {
    const image = 'registry.invalid/other/app:1'
    const { code, codes } = await judged([{ containers: [{ image, imageID: `sha256:${'1'.repeat(64)}` }] }])
    expect([code, codes]).toEqual([1, ['policy/no-rule']])
  })

  test('of 5,000 pods in pages, each image is judged once', async () => {
    const containers = [running(`${app}:v1`, index)]
    server.page = 250
    const begun = server.service.log.length
    const { code, receipt } = await judged(
      Array.from({ length: 5_000 }, (_, n) => ({ name: `web-${n}`, namespace: `shop-${n % 50}`, containers })),
      [...POLICY, '--all-namespaces'],
    )
    expect([code, receipt.subjects.length, receipt.subjects[0]?.places?.length]).toEqual([0, 1, 5_000])
    expect(server.service.log.length - begun).toBe(20)
  })

  test('a list that breaks off is never passed, and what was read is judged all the same', async () => {
    server.page = 1
    server.expired = 9
    const good = { containers: [running(`${app}:v1`, index)] }
    const cut = await judged([good, { ...good, name: 'web-2' }])
    expect([cut.code, cut.receipt.verdict, cut.codes]).toEqual([2, 'unknown', ['verify/cluster-incomplete']])
    expect(cut.receipt.subjects.map(({ verdict }) => verdict).sort()).toEqual(['passed', 'unknown'])
    const bad = await judged([{ containers: [running(`${app}:v1`, unsigned)] }, good])
    expect([bad.code, bad.receipt.verdict]).toEqual([1, 'rejected'])
  })

  test('a server that forbids the list tells the role, and an empty namespace is not passed', async () => {
    server.allowed = ['shop']
    const forbidden = await judged([{ containers: [running(`${app}:v1`, index)] }])
    expect([forbidden.code, forbidden.codes]).toEqual([2, ['verify/cluster-forbidden']])
    expect(forbidden.receipt.subjects[0]?.findings[0]?.remedy).toContain('resources: [pods], verbs: [get, list]')
    const empty = await judged([], [...POLICY, '--namespace', 'shop'])
    expect([empty.code, empty.receipt.error?.code]).toEqual([2, 'verify/no-subjects'])
  })

  test('with a policy what must hold where it runs is asked for, with flags and --stage deploy it is not', async () => {
    const pods = [{ containers: [running(`${app}:v1`, index)] }]
    const admit = await judged(pods, ['--policy', 'admit.yml'])
    expect([admit.code, admit.receipt.verdict]).toEqual([1, 'rejected'])
    expect((await judged(pods, ['--policy', 'admit.yml', '--stage', 'deploy'])).code).toBe(0)
  })

  test('says on a terminal where each image runs', async () => {
    server.pods = [pod({ containers: [running(`${app}:v1`, unsigned)] })]
    const { code, stdout } = await waybill(...POLICY)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^verify cluster: rejected\n/)
    expect(stdout).toContain('  at default/web-1 containers[c0]\n')
  })

  test.each([
    [['--offline']],
    [['--pin']],
    [['--namespace', 'a', '--all-namespaces']],
    [['--namespace', '../x']],
    [['--exec-env', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']],
    [['more']],
  ])('%j is a mistake of the command line', async args => {
    const { code, stdout } = await waybill(...POLICY, ...args, '--json')
    expect([code, (JSON.parse(stdout) as Receipt).error?.code]).toEqual([3, 'entry/usage'])
  })
})
