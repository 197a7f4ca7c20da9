import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { judgeCanary, proveEnforced } from '../../src/build/canary.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { errorOf, script, temporaryFolder } from './support.ts'

const SOURCE = 'http://waybill-canary.invalid/'
const REFUSED = `ERROR: failed to build: failed to solve: failed to load LLB: error evaluating the source policy: source "${SOURCE}" denied by policy: source denied by policy\n`

function ended(code: number, stderr: string) {
  return { code, stdout: utf8(''), stderr: utf8(stderr) }
}

test('13-adversary 19: only a refusal of the canary by the policy counts', () => {
  expect(judgeCanary(ended(1, REFUSED))).toBeUndefined()
})

test.each([
  ['a build that ends well', ended(0, ''), 'rejected'],
  ['a build that ends well and prints a refusal', ended(0, REFUSED), 'rejected'],
  [
    'a network error, so it was tried',
    ended(1, `ERROR: failed to solve: Get "${SOURCE}": dial tcp: lookup waybill-canary.invalid: no such host\n`),
    'rejected',
  ],
  ['a proxy that answers', ended(1, `ERROR: invalid response status 502 for ${SOURCE}\n`), 'rejected'],
  ['no builder', ended(1, 'ERROR: no valid drivers found: connection refused\n'), 'unknown'],
  ['nothing said', ended(1, ''), 'unknown'],
  ['a refusal of something else', ended(1, REFUSED.replace('waybill-canary', 'other')), 'unknown'],
] as const)('13-adversary 19: %s is no enforcement', async (_what, result, kind) => {
  expect(await errorOf(() => judgeCanary(result))).toMatchObject({ code: 'materials/policy-not-enforced', kind })
})

test('proveEnforced() asks once, or once for each platform, with the environment of the build', async () => {
  const folder = temporaryFolder()
  const calls = join(folder, 'calls')
  const docker = script(
    folder,
    'docker',
    `fs.appendFileSync(${JSON.stringify(calls)}, JSON.stringify({ argv, policy: env.POLICY }) + '\\n')
process.stderr.write(${JSON.stringify(REFUSED)}); process.exitCode = 1`,
  )
  const env = { PATH: process.env.PATH ?? '', POLICY: 'p' }
  await proveEnforced({ docker, env, folder, platforms: [] })
  await proveEnforced({ docker, env, folder, platforms: ['linux/amd64', 'linux/arm64'] })
  const made = readFileSync(calls, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const platforms = made.map(({ argv }) => argv.find((argument: string) => argument.startsWith('--platform=')))
  expect(platforms).toEqual([undefined, '--platform=linux/amd64', '--platform=linux/arm64'])
  for (const { argv, policy } of made) {
    expect(policy).toBe('p')
    expect(argv).toContain('--output=type=cacheonly')
    expect(argv.at(-2)).toBe('--')
  }
  expect(readFileSync(join(folder, 'canary', 'Dockerfile'), 'utf8')).toBe(`FROM scratch\nADD ${SOURCE} /canary\n`)
})

test('a builder that is gone, or is killed, is unknown', async () => {
  const folder = temporaryFolder()
  const gone = { docker: join(folder, 'none'), env: {}, folder, platforms: [] }
  expect(await errorOf(proveEnforced(gone))).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'unknown' })
  const killed = script(folder, 'docker', "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 10000)")
  const error = await errorOf(proveEnforced({ ...gone, docker: killed, env: { PATH: process.env.PATH ?? '' } }))
  expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'unknown' })
})
