import type { Verified } from '../../src/core/verified.ts'
import { isOwnRecord } from '../../src/pipeline/last-attested.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../../src/statements/statement.ts'

const OWN = { serverUrl: 'https://github.com', repositoryId: '4711', ref: 'refs/heads/main' }
const CI = {
  sourceRepositoryUri: 'https://github.com/acme/app',
  sourceRepositoryIdentifier: '4711',
  sourceRepositoryRef: 'refs/heads/main',
}
const signedBy = (signer: object, predicateType: string = PROVENANCE_PREDICATE) =>
  ({ statement: { predicateType }, signer }) as unknown as Verified<SignedStatement>
const run = (ci: Partial<Record<keyof typeof CI, string | undefined>> = {}) =>
  signedBy({ kind: 'certificate', ci: { ...CI, ...ci } })

test('13-adversary 24: an image is compared with what this very repository stated of this branch, and nobody else', () => {
  expect(isOwnRecord(run(), OWN)).toBe(true)
  expect(isOwnRecord(run({ sourceRepositoryUri: 'https://github.com/renamed/app' }), OWN)).toBe(true)
  expect(isOwnRecord(run({ sourceRepositoryIdentifier: '4712' }), OWN)).toBe(false)
  expect(isOwnRecord(run({ sourceRepositoryRef: 'refs/heads/dev' }), OWN)).toBe(false)
  expect(isOwnRecord(signedBy({ kind: 'key' }), OWN)).toBe(false)
})

test('13-adversary 24: a number that another platform gave to another repository is not ours', () => {
  for (const uri of ['https://gitlab.com/mallory/app', 'https://github.com.evil.example/acme/app', undefined])
    expect(isOwnRecord(run({ sourceRepositoryUri: uri }), OWN)).toBe(false)
})
