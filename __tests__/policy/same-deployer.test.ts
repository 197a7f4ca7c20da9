import { isSameDeployer } from '../../src/policy/same-deployer.ts'
import { certificate } from './images.ts'

const OWN = certificate({ ci: { environment: 'production' } })
const KEY = { kind: 'key', fingerprint: 'ab' } as const

test.each([
  ['another run', { runInvocationUri: 'https://github.com/acme/app/actions/runs/9/attempts/1' }],
  ['another commit', { sourceRepositoryDigest: 'c'.repeat(40), buildSignerDigest: 'c'.repeat(40) }],
  ['an authority that writes no environment', { environment: undefined as never }],
])('13-adversary 24: %s of the same workflow is the same deployer', (_what, ci) => {
  expect(isSameDeployer({ ...OWN, ci: { ...OWN.ci, ...ci } }, OWN)).toBe(true)
})

test.each([
  ['environment', { environment: 'staging' }],
  ['repository id', { sourceRepositoryIdentifier: '1' }],
  ['owner', { sourceRepositoryOwnerIdentifier: '1' }],
  ['ref', { sourceRepositoryRef: 'refs/heads/other' }],
  ['runner', { runnerEnvironment: 'self-hosted' }],
  ['calling workflow', { buildConfigUri: 'https://github.com/acme/app/.github/workflows/x.yml@refs/heads/main' }],
])('13-adversary 24: another %s is another deployer', (_what, ci) => {
  expect(isSameDeployer({ ...OWN, ci: { ...OWN.ci, ...ci } }, OWN)).toBe(false)
})

test('13-adversary 24: another identity, issuer or key is another deployer', () => {
  expect(isSameDeployer(certificate({ san: 'mallory@example.com' }), OWN)).toBe(false)
  expect(isSameDeployer({ ...OWN, issuer: 'https://evil.example' }, OWN)).toBe(false)
  expect(isSameDeployer(KEY, OWN)).toBe(false)
  expect(isSameDeployer(OWN, KEY)).toBe(false)
  expect(isSameDeployer({ ...KEY, fingerprint: 'cd' }, KEY)).toBe(false)
  expect(isSameDeployer(KEY, KEY)).toBe(true)
})
