/**
 * Runs the cases of the public Sigstore conformance suite without its program: `node tools/conformance-cases.ts FOLDER [WORD…]`, FOLDER
 * being a clone's `test/assets/bundle-verify`. Every case twice, by path and by digest; a name that ends in `_fail` must not pass.
 * A case without a root of its own is judged by the public instance's: WAYBILL_PUBLIC_ROOT names it where there is no network.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const IDENTITY =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main'
const ISSUER = 'https://token.actions.githubusercontent.com'

const [folder = '', ...words] = process.argv.slice(2)
const cases = readdirSync(folder).filter(
  name => statSync(join(folder, name)).isDirectory() && (words.length === 0 || words.some(word => name.includes(word))),
)
let wrong = 0
for (const name of cases) {
  const expected = !name.endsWith('_fail')
  for (const how of ['path', 'digest'] as const) {
    const { passed, told } = run(join(folder, name), how)
    if (passed !== expected) wrong++
    console.log(
      `${passed === expected ? 'as expected' : 'WRONG      '}  ${passed ? 'passed ' : 'refused'}  ${how.padEnd(6)}  ${name}  ${told}`,
    )
  }
}
console.log(`${cases.length} cases, ${cases.length * 2} runs, ${wrong} wrong`)
process.exitCode = wrong === 0 ? 0 : 1

function run(path: string, how: 'path' | 'digest'): { readonly passed: boolean; readonly told: string } {
  const own = (file: string) => join(path, file)
  const text = (file: string, otherwise: string) =>
    existsSync(own(file)) ? readFileSync(own(file), 'utf8').trim() : otherwise
  const artifact = existsSync(own('artifact')) ? own('artifact') : join(folder, 'a.txt')
  const digest = `sha256:${createHash('sha256').update(readFileSync(artifact)).digest('hex')}`
  const signer = existsSync(own('key.pub'))
    ? ['--key', own('key.pub')]
    : ['--certificate-identity', text('identity', IDENTITY), '--certificate-oidc-issuer', text('issuer', ISSUER)]
  const root = existsSync(own('trusted_root.json')) ? own('trusted_root.json') : process.env.WAYBILL_PUBLIC_ROOT
  const trust = root === undefined ? [] : ['--trusted-root', root]
  const args = [
    'verify-bundle',
    '--bundle',
    own('bundle.sigstore.json'),
    ...signer,
    ...trust,
    how === 'path' ? artifact : digest,
  ]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'conformance.mjs'), ...args],
    { encoding: 'utf8' },
  )
  const code = /[a-z]+\/[a-z-]+: .*/.exec(`${stdout}${stderr}`.replace(/\s+/g, ' '))?.[0] ?? ''
  return { passed: status === 0, told: status === 0 ? '' : `exit ${status} ${code.slice(0, 110)}` }
}
