import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import {
  type DeploySummaryFacts,
  deployLevel,
  deployResource,
  deploySummaryStatement,
  deployVerifierId,
  isDeploySummary,
  readDeploySummary,
} from '../../src/statements/deploy-vsa.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { isSourceSummary, sourceSummaryStatement } from '../../src/statements/source-vsa.ts'
import type { Statement } from '../../src/statements/statement.ts'
import { certificate } from '../policy/images.ts'
import { errorOf } from '../policy/world.ts'
import { DEPLOY } from './chain-facts.ts'
import { SUMMARY } from './source-facts.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/predicates/deploy-vsa.md'), 'utf8')
const written = (change: Partial<DeploySummaryFacts> = {}): Statement =>
  parseStatement(deploySummaryStatement({ ...DEPLOY, ...change }))

test('readDeploySummary() reads what deploySummaryStatement() writes', () => {
  const { digests, verifierId, policy, inputs, verifiedAt, run } = DEPLOY
  expect(readDeploySummary(written())).toEqual({
    digests,
    verifierId,
    policy,
    inputs,
    verifiedAt,
    run,
    resourceUri: 'oci://ghcr.io/acme/app?environment=production',
    result: 'PASSED',
    levels: [
      'SLSA_BUILD_LEVEL_UNEVALUATED',
      'ORG_DEPLOY_PRODUCTION',
      'ORG_SOURCE_COMMITS_SIGNED',
      'ORG_SOURCE_REVIEWED',
    ],
  })
})

test('the example of docs/predicates/deploy-vsa.md is what is written', () => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(PAGE) ?? []
  expect(JSON.parse(example)).toEqual(JSON.parse(new TextDecoder().decode(deploySummaryStatement(DEPLOY))))
})

test('a summary about a commit is none of a deploy, and the other way round', () => {
  const source = parseStatement(sourceSummaryStatement(SUMMARY))
  expect([isDeploySummary(source), isSourceSummary(source)]).toEqual([false, true])
  expect([isDeploySummary(written()), isSourceSummary(written())]).toEqual([true, false])
  const [image] = written().subject
  const both = { ...written(), subject: [image, ...source.subject] } as const
  expect([isDeploySummary(both), isSourceSummary(both)]).toEqual([false, true])
})

test.each([
  ['production', 'ORG_DEPLOY_PRODUCTION', 'oci://ghcr.io/acme/app?environment=production'],
  ['prod-eu', 'ORG_DEPLOY_PROD_EU', 'oci://ghcr.io/acme/app?environment=prod-eu'],
  ['prod_eu', 'ORG_DEPLOY_PROD_EU', 'oci://ghcr.io/acme/app?environment=prod_eu'],
  ['a b&environment=c', 'ORG_DEPLOY_A_B_ENVIRONMENT_C', 'oci://ghcr.io/acme/app?environment=a%20b%26environment%3Dc'],
])('the environment %j has the level %s and stands whole in the resource', (environment, level, resource) => {
  expect(deployLevel(environment)).toBe(level)
  expect(deployResource('ghcr.io/acme/app', environment)).toBe(resource)
})

test('deployResource() of a file cannot be made to look like another one', () => {
  expect(deployResource('file:dist/app.tgz', 'production')).toBe('file:dist/app.tgz?environment=production')
  const names = fc.string({ unit: fc.constantFrom('a', '?', '#', '%', '/', '&', '='), maxLength: 8 })
  fc.assert(
    fc.property(names, names, names, names, (a, b, c, d) => {
      const equal = deployResource(`file:${a}`, b) === deployResource(`file:${c}`, d)
      expect(equal).toBe(a === c && b === d)
    }),
  )
})

test('deployVerifierId() is what a signer is known by', () => {
  const person = certificate({ san: 'alice@example.com' })
  expect(deployVerifierId(certificate())).toBe(certificate().san.value)
  expect(deployVerifierId(person)).toBe('mailto:alice@example.com')
  expect(deployVerifierId({ kind: 'key', fingerprint: 'ab' })).toBe('sha256:ab')
})

const HEX = 'a'.repeat(64)
const RUN = written().predicate.waybill_run as JsonObject

test.each<[string, Partial<Record<string, Json>>]>([
  ['no verifier', { verifier: undefined } as never],
  ['no resource', { resourceUri: null }],
  ['no policy', { policy: {} }],
  ['a policy without a digest', { policy: { uri: 'git+https://x#y' } }],
  ['another result', { verificationResult: 'OK' }],
  ['no levels', { verifiedLevels: null }],
  ['no environment', { verifiedLevels: ['SLSA_BUILD_LEVEL_UNEVALUATED'] }],
  ['two environments', { verifiedLevels: ['ORG_DEPLOY_A', 'ORG_DEPLOY_B'] }],
  ['a level twice', { verifiedLevels: ['ORG_DEPLOY_A', 'ORG_SOURCE_REVIEWED', 'ORG_SOURCE_REVIEWED'] }],
  ['a level nobody knows', { verifiedLevels: ['ORG_DEPLOY_A', 'SLSA_BUILD_LEVEL_4'] }],
  ['an environment in small letters', { verifiedLevels: ['ORG_DEPLOY_prod'] }],
  ['nothing it rests on', { inputAttestations: [] }],
  ['an input without a digest', { inputAttestations: [{ uri: 'x' }] }],
  ['an input without a type', { inputAttestations: [{ digest: { sha256: HEX } }] }],
  ['a short digest', { inputAttestations: [{ uri: 'x', digest: { sha256: 'ab' } }] }],
  [
    'a thousand and one inputs',
    { inputAttestations: Array.from({ length: 1001 }, () => ({ uri: 'x', digest: { sha256: HEX } })) },
  ],
  ['a run without a repository', { waybill_run: { repository_id: '1' } }],
  ['a run that is a text', { waybill_run: 'acme/app' }],
  ['a field of the run that nobody compares', { waybill_run: { ...RUN, actor: 'mallory' } }],
  ['no time', { timeVerified: 'yesterday' }],
])('13-adversary 27: readDeploySummary() refuses %s', (_what, change) => {
  const statement = { ...written(), predicate: { ...written().predicate, ...change } as JsonObject }
  expect(errorOf(() => readDeploySummary(statement)).code).toBe('statements/deploy-malformed')
})

test('a subject without a sha256, and a builder without a subject, are refused', () => {
  const sha512 = { ...written(), subject: [{ digest: { sha512: 'a'.repeat(128) } }] } as const
  expect(errorOf(() => readDeploySummary(sha512)).code).toBe('statements/deploy-malformed')
  expect(errorOf(() => written({ inputs: [] })).code).toBe('statements/deploy-malformed')
  expect(errorOf(() => written({ digests: [] as never })).code).toBe('statements/deploy-malformed')
})

test('of a failure no level counts', () => {
  const predicate = { ...written().predicate, verificationResult: 'FAILED', verifiedLevels: ['FAILED'] }
  expect(readDeploySummary({ ...written(), predicate })).toMatchObject({ result: 'FAILED', levels: [] })
})

test('readDeploySummary() gives a summary or its one error for any predicate', () => {
  const keys = Object.keys(written().predicate)
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
      try {
        readDeploySummary({ ...written(), predicate: { ...written().predicate, [key]: value as Json } })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).toBe('statements/deploy-malformed')
      }
    }),
  )
})
