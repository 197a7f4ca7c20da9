import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { execute } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type DeployBench, ENVIRONMENT, openDeployBench, POLICY } from './deploy-support.ts'
import { RESULT_SCHEMA } from './gate-support.ts'

jest.setTimeout(120_000)

const CLI = join(import.meta.dirname, '../../dist/cli.js')
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PRIVATE = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const PUBLIC = publicKey.export({ format: 'pem', type: 'spki' }).toString()

let bench: DeployBench
let folder: string

beforeAll(async () => {
  bench = await openDeployBench()
  folder = join(bench.scenario.stack.folder, 'desk')
  mkdirSync(join(folder, '.github/trust'), { recursive: true })
  mkdirSync(join(folder, '.github/keys'), { recursive: true })
  writeFileSync(join(folder, '.github/trust/root.json'), readFileSync(bench.scenario.stack.trustedRootFile))
  writeFileSync(join(folder, '.github/keys/deploy.pub'), PUBLIC)
})

afterAll(() => bench.close())

/** A policy on disk whose deployer is this. */
function policy(deployer: string): void {
  const rule = bench.deployRule().replace(/ {4}deployer: .*\n/, `    deployer: ${deployer}\n`)
  writeFileSync(join(folder, POLICY), bench.policy(`deploy:\n${rule}`))
}

async function waybill(...args: readonly string[]): Promise<{ code: number; receipt: Receipt }> {
  const env = { PATH: '', HOME: folder, DEPLOY_KEY: PRIVATE, GITHUB_SERVER_URL: bench.scenario.stack.git.url }
  const { code, stdout, log } = await execute([CLI, ...args, '--json'], env, folder)
  expect(log).toBe(stdout)
  const receipt = JSON.parse(stdout) as Receipt
  expect(breaks(RESULT_SCHEMA, receipt)).toEqual([])
  expect(stdout).not.toContain('PRIVATE KEY')
  return { code, receipt }
}

function deploy(images: string, signer: readonly string[], ...more: readonly string[]) {
  const { signingConfigFile } = bench.scenario.stack
  const common = ['--policy', POLICY, '--environment', ENVIRONMENT, '--signing-config', signingConfigFile]
  return waybill('deploy', images, ...common, ...signer, ...more)
}

async function verifiedAtRun(reference: string): Promise<number> {
  return (await waybill('verify', 'image', reference, '--policy', POLICY, '--stage', 'run')).code
}

test('a key deploys for the environment of its rule, once', async () => {
  policy(`{ key: keys/deploy.pub, environment: ${ENVIRONMENT} }`)
  const images = await bench.fresh('keyed')
  expect(await verifiedAtRun(images)).toBe(1)
  const first = await deploy(images, ['--key', 'env:DEPLOY_KEY'], '--promote', 'keyed')
  expect([first.code, first.receipt.error]).toEqual([0, undefined])
  expect(await verifiedAtRun(images)).toBe(0)
  expect(images).toContain(bench.tag('keyed') ?? 'no tag')
  const again = await deploy(images, ['--key', 'env:DEPLOY_KEY'])
  expect([again.code, again.receipt.notices.join()]).toEqual([0, expect.stringContaining('were there')])
})

test('another key, and a key for another environment, sign nothing', async () => {
  const images = await bench.fresh('other-key')
  const { privateKey: other } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'other.pem'), other.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  policy(`{ key: keys/deploy.pub, environment: ${ENVIRONMENT} }`)
  const wrong = await deploy(images, ['--key', 'other.pem'])
  expect([wrong.code, wrong.receipt.error?.code]).toEqual([3, 'deploy/not-the-deployer'])
  policy('{ key: keys/deploy.pub, environment: staging }')
  const elsewhere = await deploy(images, ['--key', 'env:DEPLOY_KEY'])
  expect([elsewhere.code, elsewhere.receipt.error?.code]).toEqual([3, 'deploy/other-environment'])
  expect(elsewhere.receipt.attestations).toEqual([])
})

test('a token of a workflow must be for the environment; nothing of the token is told', async () => {
  const { stack } = bench.scenario
  policy(
    `{ sigstore: { identity: "${stack.git.url}/acme/app/.github/workflows/deploy.yml@refs/heads/main", issuer: "${stack.oidc.issuer}" }, environment: ${ENVIRONMENT} }`,
  )
  const images = await bench.fresh('token')
  const token = async (change: Record<string, string | number | null>): Promise<readonly string[]> => {
    writeFileSync(join(folder, 'token'), await stack.oidc.mint(bench.claims(change)))
    return ['--identity-token-file', 'token']
  }
  const none = await deploy(images, await token({ environment: null }))
  expect([none.code, none.receipt.error?.code]).toEqual([3, 'deploy/environment-missing'])
  const staging = await deploy(images, await token({ environment: 'staging' }))
  expect([staging.code, staging.receipt.error?.code]).toEqual([3, 'deploy/environment-mismatch'])
  const right = await deploy(images, await token({}))
  expect([right.code, right.receipt.error]).toEqual([0, undefined])
  expect(await verifiedAtRun(images)).toBe(0)
  const { log } = await execute([CLI, 'deploy', images], { PATH: '', HOME: folder }, folder)
  expect(log).toContain('--policy FILE')
})

test('a file is deployed by its digest; its summary lies in the output folder', async () => {
  const { stack } = bench.scenario
  writeFileSync(join(folder, 'app.tgz'), 'the archive')
  writeFileSync(join(folder, 'sign.pem'), PRIVATE, { mode: 0o600 })
  const services = ['--signing-config', stack.signingConfigFile, '--trusted-root', stack.trustedRootFile]
  await execute(
    [CLI, 'attest', 'file', 'app.tgz', '--key', 'sign.pem', ...services],
    { PATH: '', HOME: folder },
    folder,
  )
  const rule = `deploy:
  - match: ["file:**"]
    build: { key: keys/deploy.pub }
    trust: { file: trust/root.json }
    require: [signature]
    deployer: { key: keys/deploy.pub, environment: ${ENVIRONMENT} }
    admit: [deploy-verified]
`
  writeFileSync(join(folder, POLICY), bench.policy(rule))
  const common = ['--policy', POLICY, '--environment', ENVIRONMENT, '--signing-config', stack.signingConfigFile]
  const done = await waybill('deploy', '--file', 'app.tgz', ...common, '--key', 'sign.pem')
  expect([done.code, done.receipt.error]).toEqual([0, undefined])
  const [summary] = done.receipt.attestations
  const flags = ['--policy', POLICY, '--stage', 'run', '--bundle', summary?.bundle ?? '']
  expect((await waybill('verify', 'file', 'app.tgz', ...flags)).code).toBe(0)
})
