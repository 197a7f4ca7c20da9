import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { type GateBench, openGateBench, ruleOf } from './gate-support.ts'

jest.setTimeout(60_000)

let bench: GateBench
let folder: string

beforeAll(async () => {
  bench = await openGateBench()
  folder = join(bench.scenario.stack.folder, 'manifests')
  mkdirSync(join(folder, 'trust'), { recursive: true })
  writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(bench.scenario.stack.trustedRoot))
  writeFileSync(join(folder, 'waybill.yml'), bench.policy(allow('private: true')))
})

afterAll(() => bench.close())

/** A deploy rule for the project's images, with one line more. */
function allow(more = ''): string {
  const { scenario } = bench
  return `deploy:\n  - match: ["${scenario.stack.registry.host}/acme/**"]\n${ruleOf(scenario)}${more === '' ? '' : `    ${more}\n`}`
}

function deployment(...images: readonly string[]): string {
  const containers = images.map((image, n) => `        - name: c${n}\n          image: ${image} # keep\n`)
  return `# deployed by hand
apiVersion: apps/v1
kind: Deployment
metadata: { name: app }
spec:
  template:
    spec:
      containers:
${containers.join('')}`
}

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `waybill …` in the folder, with a text on standard input. */
function waybill(args: readonly string[], stdin = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cli = join(import.meta.dirname, '../../dist/cli.js')
    const env = { PATH: process.env.PATH ?? '', HOME: bench.scenario.stack.folder }
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, stdout, stderr }))
    child.stdin.end(stdin)
  })
}

const POLICY = ['--policy', 'waybill.yml']

async function judged(args: readonly string[], stdin = ''): Promise<{ code: number; receipt: Receipt }> {
  const { code, stdout } = await waybill([...args, '--json'], stdin)
  return { code, receipt: JSON.parse(stdout) as Receipt }
}

describe('waybill verify manifest', () => {
  test('judges what is piped in, each image once, with the places where it stands', async () => {
    const text = deployment(bench.reference, bench.reference)
    const { code, receipt } = await judged(['verify', 'manifest', '-', ...POLICY], text)
    expect([code, receipt.command, receipt.verdict, receipt.subjects.length]).toEqual([
      0,
      'verify manifest',
      'passed',
      1,
    ])
    expect(receipt.subjects[0]?.places?.map(({ file, line }) => `${file}:${line}`)).toEqual(['-:10', '-:12'])
  })

  test('writes the digest and nothing else into files whose images all passed', async () => {
    const path = join(folder, 'app.yaml')
    const tagged = `${bench.scenario.image}:v1`
    writeFileSync(path, deployment(tagged))
    const { code } = await waybill(['verify', 'manifest', '*.yaml', ...POLICY, '--pin'])
    expect(code).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(deployment(`${tagged}@${bench.published.outputs.digest}`))
  })

  test('is a filter with - and --pin: the manifest on standard output, the verdict beside it', async () => {
    const tagged = `${bench.scenario.image}:v1`
    const { code, stdout, stderr } = await waybill(['verify', 'manifest', '-', ...POLICY, '--pin'], deployment(tagged))
    expect([code, stdout]).toEqual([0, deployment(`${tagged}@${bench.published.outputs.digest}`)])
    expect(stderr).toMatch(/^verify manifest: passed\n/)
  })

  test('prints no manifest when one image did not pass', async () => {
    const unsigned = `${bench.scenario.image}@${await bench.image('piped')}`
    const text = deployment(`${bench.scenario.image}:v1`, unsigned)
    const { code, stdout, stderr } = await waybill(['verify', 'manifest', '-', ...POLICY, '--pin'], text)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^verify manifest: rejected \(2 subjects: 1 rejected, 1 passed\)\n/)
  })

  test('a template that was not filled in is unknown', async () => {
    const { code, receipt } = await judged(['verify', 'manifest', '-', ...POLICY], deployment('"{{ .Values.image }}"'))
    expect([code, receipt.verdict]).toEqual([2, 'unknown'])
    expect(receipt.subjects.flatMap(({ findings }) => findings.map(({ code }) => code))).toContain(
      'verify/unexamined-image',
    )
  })

  test('13-adversary 39: a host that no rule names is not connected to', async () => {
    const { registry } = bench.scenario.stack
    const before = registry.log.length
    const other = `localhost:${registry.host.split(':')[1]}/evil/app:v1`
    const { code, receipt } = await judged(['verify', 'manifest', '-', ...POLICY], deployment(other))
    expect([code, receipt.subjects[0]?.findings[0]?.code]).toEqual([1, 'policy/no-rule'])
    expect(registry.log.length).toBe(before)
  })

  test('13-adversary 39: an address inside is not connected to unless the rule says so', async () => {
    const { registry } = bench.scenario.stack
    writeFileSync(join(folder, 'public.yml'), bench.policy(allow()))
    const before = registry.log.length
    const text = deployment(bench.reference)
    const { code, receipt } = await judged(['verify', 'manifest', '-', '--policy', 'public.yml'], text)
    expect([code, receipt.subjects[0]?.findings[0]?.code]).toEqual([2, 'core/address-refused'])
    expect(registry.log.length).toBe(before)
  })

  test('13-adversary 31: a platform that the policy has in quarantine refuses its index, although that is signed', async () => {
    const [child = ''] = bench.children
    const list = `quarantined: [{ digest: "${child}", reason: known bad, since: 2026-05-02 }]\n`
    writeFileSync(join(folder, 'quarantined.yml'), bench.policy(`${list}${allow('private: true')}`))
    const text = deployment(bench.reference)
    const { code, receipt } = await judged(['verify', 'manifest', '-', '--policy', 'quarantined.yml'], text)
    expect([code, receipt.subjects[0]?.findings[0]?.code]).toEqual([1, 'verify/quarantined'])
  })

  test('a pattern that matches nothing is exit 3', async () => {
    const { code, stderr } = await waybill(['verify', 'manifest', 'none/*.yaml', ...POLICY])
    expect([code, stderr]).toEqual([3, expect.stringContaining('verify/no-files')])
  })
})

describe('waybill verify compose', () => {
  test('judges every service and pins them', async () => {
    const path = join(folder, 'compose.yaml')
    const text = (image: string) => `services:\n  app:\n    image: "${image}"\n  worker: { image: '${image}' }\n`
    writeFileSync(path, text(`${bench.scenario.image}:v1`))
    const { code, receipt } = await judged(['verify', 'compose', 'compose.yaml', ...POLICY, '--pin'])
    expect([code, receipt.verdict, receipt.subjects.length]).toEqual([0, 'passed', 1])
    expect(readFileSync(path, 'utf8')).toBe(text(`${bench.scenario.image}:v1@${bench.published.outputs.digest}`))
  })

  test('13-adversary 33: a file is laid over the one named before it: what it names is judged, and what it names is pinned', async () => {
    const text = (image: string) => `services: { app: { image: "${image}" } }\n`
    const unsigned = `${bench.scenario.image}@${await bench.image('laid over')}`
    mkdirSync(join(folder, 'over'), { recursive: true })
    writeFileSync(join(folder, 'z-base.yaml'), text(bench.reference))
    writeFileSync(join(folder, 'over/a.yaml'), text(unsigned))
    expect((await judged(['verify', 'compose', 'z-base.yaml', 'over/a.yaml', ...POLICY])).code).toBe(1)
    writeFileSync(join(folder, 'over/a.yaml'), text(`${bench.scenario.image}:v1`))
    writeFileSync(join(folder, 'z-base.yaml'), text(unsigned))
    const passed = await judged(['verify', 'compose', 'z-base.yaml', 'over/a.yaml', ...POLICY, '--pin'])
    expect([passed.code, readFileSync(join(folder, 'over/a.yaml'), 'utf8')]).toEqual([
      0,
      text(`${bench.scenario.image}:v1@${bench.published.outputs.digest}`),
    ])
    expect(readFileSync(join(folder, 'z-base.yaml'), 'utf8')).toBe(text(unsigned))
  })

  test('a service that is built where it runs is unknown', async () => {
    writeFileSync(join(folder, 'built.yaml'), 'services:\n  app:\n    build: .\n')
    const { code, receipt } = await judged(['verify', 'compose', 'built.yaml', ...POLICY])
    expect([code, receipt.verdict]).toEqual([2, 'unknown'])
  })
})

test('the action judges manifests, writes SARIF and events, and says what it pinned', async () => {
  const { scenario } = bench
  const inputs = {
    manifests: 'deploy/*.yaml',
    pin: 'true',
    sarif: 'waybill.sarif',
    events: 'events.jsonl',
    'certificate-identity': scenario.expected[1],
    'certificate-oidc-issuer': scenario.expected[3],
    'insecure-registries': scenario.stack.registry.host,
  }
  const workspace = join(folder, 'workspace')
  mkdirSync(join(workspace, 'deploy'), { recursive: true })
  writeFileSync(join(workspace, 'deploy/app.yaml'), deployment(`${scenario.image}:v1`))
  const { code, outputs, log } = await scenario.verify(inputs, { env: { GITHUB_WORKSPACE: workspace } })
  expect([code, outputs.verdict, log]).toEqual([0, 'passed', expect.any(String)])
  expect(outputs.pinned).toBe(join(workspace, 'deploy/app.yaml'))
  expect(JSON.parse(readFileSync(join(workspace, 'waybill.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' })
  expect(readFileSync(join(workspace, 'events.jsonl'), 'utf8')).toBe('')
})
