import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import type { Deployment } from '../../src/statements/deployment.ts'
import {
  deploymentStatement,
  parseDeployment,
  readDeploymentStatement,
  renderDeployment,
} from '../../src/statements/deployment-document.ts'
import { readDeployment } from '../../src/statements/deployment-reader.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { errorOf } from '../policy/world.ts'
import { breaks, type Schema } from '../report/schema.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/deployment.json'), 'utf8')) as Schema
const PAGE = readFileSync(join(ROOT, 'docs/predicates/deployment.md'), 'utf8')
const [, EXAMPLE = ''] = /```json\n([\s\S]*?)```/.exec(PAGE) ?? []
const DEPLOYED = parseDeployment(EXAMPLE)
const SERVED: Deployment = { ...DEPLOYED, audience: 'status.example.com' }

test('the example of docs/predicates/deployment.md is what is written, and meets the schema', () => {
  expect(renderDeployment(DEPLOYED)).toBe(EXAMPLE)
  expect(breaks(SCHEMA, JSON.parse(EXAMPLE))).toEqual([])
  expect(breaks(SCHEMA, JSON.parse(JSON.stringify(SERVED)))).toEqual([])
})

test('readDeploymentStatement() reads what deploymentStatement() writes', () => {
  expect(readDeploymentStatement(parseStatement(deploymentStatement(SERVED)))).toEqual(SERVED)
})

test('one digest under two names is one subject', () => {
  const [image] = DEPLOYED.images
  if (image === undefined) throw new Error('the example has an image')
  const twice = { ...SERVED, images: [image, { ...image, name: 'quay.io/acme/app' }] }
  const statement = parseStatement(deploymentStatement(twice))
  expect(statement.subject).toHaveLength(1)
  expect(readDeploymentStatement(statement)).toEqual(twice)
})

const image = { name: 'ghcr.io/acme/app', digest: `sha256:${'1'.repeat(64)}` }
const withImage = (change: JsonObject): JsonObject => ({ images: [{ ...image, ...change }] })

test.each<[string, JsonObject]>([
  ['another version', { schemaVersion: 2 }],
  ['a field nobody knows', { hidden: true }],
  ['no images', { images: null }],
  ['a local time', { issuedAt: '2026-05-02T10:00:00+02:00' }],
  ['a month that does not exist', { issuedAt: '2026-13-02T10:00:00Z' }],
  ['a URL as audience', { audience: 'https://status.example.com/' }],
  ['an audience in capital letters', { audience: 'Status.example.com' }],
  ['a policy without a name', { policy: {} }],
  ['an environment that reads otherwise', { environment: 'prod\u202etnemnorivne' }],
  ['a name with a tag', withImage({ name: 'ghcr.io/acme/app:v1' })],
  ['a name without a host', withImage({ name: 'acme/app' })],
  ['a name in capital letters', withImage({ name: 'GHCR.io/acme/app' })],
  ['a digest of another algorithm', withImage({ digest: `sha512:${'1'.repeat(128)}` })],
  ['a tag that is none', withImage({ tags: ['a b'] })],
  ['an identity without issuer', withImage({ expected: { build: { identity: 'https://x' } } })],
  ['an identity and a key', withImage({ expected: { build: { identity: 'a', issuer: 'b', key: '1'.repeat(64) } } })],
  ['a key that is no fingerprint', withImage({ expected: { deployer: { key: 'k' } } })],
  ['an attestation without a manifest', withImage({ attestations: [{ predicateType: 'x' }] })],
  ['a command of two lines', withImage({ commands: ['waybill verify\nrm -rf .'] })],
  ['the same image twice', { images: [image, image] }],
])('13-adversary 32: readDeployment() refuses %s', (_what, change) => {
  const document = { ...(JSON.parse(EXAMPLE) as JsonObject), ...change }
  expect(errorOf(() => readDeployment(document)).code).toBe('statements/deployment-malformed')
})

test('13-adversary 32: a served document has an audience, an image, and its images as subjects', () => {
  const statement = parseStatement(deploymentStatement(SERVED))
  const { audience: _none, ...rest } = statement.predicate
  const other = { digest: { sha256: '9'.repeat(64) } }
  const bad = [
    () => deploymentStatement(DEPLOYED),
    () => deploymentStatement({ ...SERVED, images: [] }),
    () => readDeploymentStatement({ ...statement, predicate: rest }),
    () => readDeploymentStatement({ ...statement, subject: [...statement.subject, other] }),
    () => readDeploymentStatement({ ...statement, subject: [other] }),
    () => readDeploymentStatement({ ...statement, predicateType: 'https://slsa.dev/provenance/v1' }),
  ]
  for (const act of bad) expect(errorOf(act).code).toBe('statements/deployment-malformed')
})

test('readDeployment() gives a document or its one error for any value', () => {
  const document = JSON.parse(EXAMPLE) as JsonObject
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(document), 'audience', ''), fc.jsonValue(), (key, value) => {
      try {
        readDeployment(key === '' ? (value as Json) : { ...document, [key]: value as Json })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).toBe('statements/deployment-malformed')
      }
    }),
  )
})

test('what the schema refuses the reader refuses, and the other way round, of names', () => {
  const names = fc.string({ unit: fc.constantFrom('a', '.', ':', '/', '1', '-', 'A', '_', '['), maxLength: 9 })
  fc.assert(
    fc.property(names, name => {
      const document = { schemaVersion: 1, issuedAt: '2026-05-02T10:00:00Z', images: [{ ...image, name }] }
      let read = true
      try {
        readDeployment(document)
      } catch {
        read = false
      }
      expect(breaks(SCHEMA, document).length === 0).toBe(read)
    }),
  )
})
