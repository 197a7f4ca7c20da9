import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { execute } from '../fakes/scenario.ts'
import { type GateBench, openGateBench, ruleOf, WORKFLOW } from './gate-support.ts'

jest.setTimeout(120_000)

const CLI = join(import.meta.dirname, '../../dist/cli.js')
const SCOPE = 'git+https://github.com/acme/deploy#.github/waybill.yml'

let bench: GateBench
let count = 0

beforeAll(async () => {
  bench = await openGateBench()
})

afterAll(() => bench.close())

/** A machine of its own: a home and a folder with nothing but the policy and the trust root it names. */
function machine(policy: string) {
  const folder = join(bench.scenario.stack.folder, `machine-${count++}`)
  mkdirSync(join(folder, '.github/trust'), { recursive: true })
  writeFileSync(join(folder, '.github/trust/root.json'), JSON.stringify(bench.scenario.stack.trustedRoot))
  writeFileSync(join(folder, '.github/waybill.yml'), policy)
  const run = (...args: readonly string[]) =>
    execute([CLI, ...args], { PATH: process.env.PATH ?? '', HOME: folder }, folder)
  const verify = async (reference: string) => {
    const { code, stdout } = await run('verify', 'image', reference, '--policy', '.github/waybill.yml', '--json')
    const receipt = JSON.parse(stdout) as Receipt
    const codes = receipt.subjects.flatMap(({ findings }) => findings.filter(item => item.severity === 'reject'))
    if (receipt.error !== undefined) throw new Error(JSON.stringify(receipt.error))
    return { code, codes: codes.map(item => item.code), quarantine: receipt.subjects[0]?.quarantine }
  }
  return { folder, run, verify, policy: () => readFileSync(join(folder, '.github/waybill.yml'), 'utf8') }
}

/** Rules that accept the project's images, and believe quarantine records of its own workflow. */
function rules(): string {
  const { stack } = bench.scenario
  const signer = `sigstore: { identity: "${stack.git.url}/${WORKFLOW}", issuer: "${stack.oidc.issuer}" }`
  const signed = ruleOf(bench.scenario)
    .replace(/ +builders: .*\n/, '')
    .replace('[signature, provenance]', '[signature]')
  return `deploy:\n  - match: ["${stack.registry.host}/acme/**"]\n${signed}    quarantine-by: { ${signer} }\n`
}

async function signer(folder: string): Promise<readonly string[]> {
  const { stack } = bench.scenario
  writeFileSync(join(folder, 'token'), await stack.oidc.mint())
  return [
    ...['--identity-token-file', 'token', '--signing-config', stack.signingConfigFile],
    ...['--trusted-root', stack.trustedRootFile],
  ]
}

test('13-adversary 31: what the policy holds back is refused on every machine that has it, until it is taken out', async () => {
  const first = machine(bench.policy(rules()))
  const { reference } = bench
  expect((await first.verify(reference)).code).toBe(0)
  expect((await first.run('quarantine', 'add', reference, '--reason', 'an exercise')).code).toBe(0)
  const second = machine(first.policy())
  expect(await second.verify(reference)).toMatchObject({ code: 1, codes: ['verify/quarantined'] })
  const digest = reference.slice(reference.indexOf('@') + 1)
  expect((await second.run('quarantine', 'release', digest, '--reason', 'it is over')).code).toBe(0)
  expect((await machine(second.policy()).verify(reference)).code).toBe(0)
})

test('13-adversary 31: a signed record warns another machine that has only registry and policy; a signed release ends it', async () => {
  const { scenario, here } = bench
  const digest = await bench.image('recorded')
  await here.attach(digest, await here.signature(digest))
  const reference = `${scenario.image}@${digest}`
  const policy = bench.policy(rules())
  const first = machine(policy)
  const added = await first.run(
    ...['quarantine', 'add', reference, '--reason', 'an exercise', '--attest', '--scope-policy', SCOPE],
    ...(await signer(first.folder)),
  )
  expect([added.code, added.log]).toEqual([0, expect.any(String)])
  const second = machine(policy)
  const held = await second.verify(reference)
  expect([held.code, held.codes]).toEqual([1, ['verify/quarantined']])
  const released = await second.run(
    ...['quarantine', 'release', reference, '--reason', 'it is over'],
    ...(await signer(second.folder)),
  )
  expect([released.code, released.log]).toEqual([0, expect.any(String)])
  expect((await machine(policy).verify(reference)).code).toBe(0)
})
