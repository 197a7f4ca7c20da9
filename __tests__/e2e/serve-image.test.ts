import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { execute, type Scenario, startScenario } from '../fakes/scenario.ts'

jest.setTimeout(120_000)

const ROOT = join(import.meta.dirname, '../..')

let scenario: Scenario

beforeAll(async () => {
  scenario = await startScenario()
})

afterAll(() => scenario.close())

/** The published recipe, with the bundled program, as one commit. @returns the base image that stands in for one with Node.js. */
async function project(): Promise<string> {
  const { repository, bob, stack } = scenario
  const names = readdirSync(join(ROOT, 'dist')).map(name => `dist/${name}`)
  const files = ['deploy/serve/Dockerfile', ...names].map(name => [name, readFileSync(join(ROOT, name))] as const)
  const who = { signer: bob, name: 'Bob', email: 'bob@example.com' }
  repository.commit({ message: 'Package the server', ...who, files: Object.fromEntries(files) })
  await scenario.publish()
  const base = `${stack.registry.host}/acme/base`
  const { code, log, outputs } = await scenario.attest({ builder: 'buildah', images: base })
  if (code !== 0) throw new Error(log)
  return `${base}@${outputs.digest}`
}

function unpack(child: string): { readonly folder: string; readonly config: Record<string, unknown> } {
  const store = scenario.stack.registry.storage.open('acme/app')
  const manifest = JSON.parse(store.manifests.get(child)?.bytes.toString() ?? '{}')
  const { config } = JSON.parse(store.blobs.get(manifest.config.digest)?.toString() ?? '{}')
  const folder = join(scenario.stack.folder, 'unpacked')
  mkdirSync(folder)
  for (const { digest } of manifest.layers as { digest: string }[])
    execFileSync('tar', ['-xzf', '-', '-C', folder, '--no-same-owner'], { input: store.blobs.get(digest) })
  return { folder, config }
}

test('the image of the server is built and attested by Waybill itself, and what is in it runs', async () => {
  const base = await project()
  const inputs = { file: 'deploy/serve/Dockerfile', 'build-args': `BASE=${base}`, tags: 'v1' }
  const step = await scenario.attest({ builder: 'buildah', ...inputs })
  if (step.code !== 0) throw new Error(step.log)
  const { folder, config } = unpack(step.result.image?.platforms[0]?.digest ?? '')
  expect([config.User, config.Entrypoint]).toEqual(['65532:65532', ['node', '/waybill/cli.js', 'serve']])
  const help = await execute([join(folder, 'waybill/cli.js'), 'serve', '--help'], { PATH: '' }, folder)
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('waybill serve – tells whoever asks')])
  const verified = await scenario.cli([
    'verify',
    'image',
    `${scenario.image}:v1`,
    ...scenario.expected,
    '--require',
    'provenance',
  ])
  expect([verified.code, verified.log]).toEqual([0, expect.stringContaining('passed')])
})

test('nobody builds it on something that he has not chosen', () => {
  const lines = readFileSync(join(ROOT, 'deploy/serve/Dockerfile'), 'utf8').split('\n')
  expect(lines.filter(line => /^(ARG|FROM|USER)/.test(line))).toEqual([
    'ARG BASE',
    ['FROM $', '{BASE}'].join(''),
    'USER 65532:65532',
  ])
})
