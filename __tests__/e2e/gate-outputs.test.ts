import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { writeLayout } from '../fakes/layout.ts'
import { execute } from '../fakes/scenario.ts'
import { breaks, type Schema } from '../report/schema.ts'
import { type GateBench, openGateBench } from './gate-support.ts'

jest.setTimeout(60_000)

const ROOT = join(import.meta.dirname, '../..')
const EVENT_SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/event.json'), 'utf8')) as Schema

let bench: GateBench

beforeAll(async () => {
  bench = await openGateBench()
})

afterAll(() => bench.close())

const pod = (image: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: ${image}}]}\n`

test('one bad image: no file is pinned, SARIF has its line, events has its line, and the result says the same', async () => {
  const { scenario } = bench
  const workspace = join(scenario.stack.folder, 'outputs')
  mkdirSync(join(workspace, 'deploy'), { recursive: true })
  const files = {
    'deploy/good.yaml': pod(`${scenario.image}:v1`),
    'deploy/bad.yaml': pod(`${scenario.image}@${await bench.image('unsigned one')}`),
  }
  for (const [path, text] of Object.entries(files)) writeFileSync(join(workspace, path), text)
  const inputs = {
    manifests: 'deploy/*.yaml',
    pin: 'true',
    sarif: 'waybill.sarif',
    events: 'events.jsonl',
    'certificate-identity': scenario.expected[1],
    'certificate-oidc-issuer': scenario.expected[3],
    'insecure-registries': scenario.stack.registry.host,
  }
  const { code, outputs, result, run } = await scenario.verify(inputs, { env: { GITHUB_WORKSPACE: workspace } })
  expect([code, outputs.verdict, outputs.pinned]).toEqual([1, 'rejected', ''])
  for (const [path, text] of Object.entries(files)) expect(readFileSync(join(workspace, path), 'utf8')).toBe(text)
  const [bad] = result.subjects.filter(({ verdict }) => verdict === 'rejected')
  const sarif = JSON.parse(readFileSync(join(workspace, 'waybill.sarif'), 'utf8'))
  expect(sarif.runs[0].results[0]).toMatchObject({
    ruleId: 'verify/no-attestation',
    level: 'error',
    locations: [{ physicalLocation: { artifactLocation: { uri: 'deploy/bad.yaml' }, region: { startLine: 4 } } }],
  })
  const events = readFileSync(join(workspace, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(events.map(event => [event.event, event.subject, event.digest])).toEqual([
    ['waybill.rejected', bad?.name, bad?.digest],
  ])
  for (const event of events) expect(breaks(EVENT_SCHEMA, event)).toEqual([])
  const { GITHUB_SERVER_URL: server, GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt } = run.environment
  const link = `${server}/acme/app/actions/runs/${id}/attempts/${attempt}`
  expect([result.run, ...events.map(event => event.run)]).toEqual([link, link])
})

test('a layout, a bundle and a trust root are enough to pass, without a socket', async () => {
  const { scenario, here } = bench
  const folder = join(scenario.stack.folder, 'without-a-network')
  mkdirSync(folder)
  const layout = writeLayout(join(folder, 'layout'), { content: 'layout', platforms: ['linux/amd64', 'linux/arm64'] })
  for (const [at, child] of layout.children.entries())
    writeFileSync(join(folder, `child-${at}.json`), await here.signature(child))
  const preload = join(folder, 'no-sockets.cjs')
  writeFileSync(preload, "require('node:net').Socket.prototype.connect = () => { throw new Error('a socket') }\n")
  const args = ['verify', 'image', `ghcr.io/acme/app@${layout.digest}`, '--offline', '--bundle', 'layout']
  const run = (...more: readonly string[]) =>
    execute(
      ['--require', preload, join(ROOT, 'dist/cli.js'), ...args, ...more, ...scenario.expected],
      { PATH: '', HOME: folder },
      folder,
    )
  const passed = await run('--bundle', 'child-0.json', '--bundle', 'child-1.json')
  expect([passed.code, passed.stdout.split('\n')[0]]).toEqual([0, 'verify image: passed'])
  const half = await run('--bundle', 'child-0.json')
  expect([half.code, half.stdout.split('\n')[0]]).toEqual([1, 'verify image: rejected'])
})
