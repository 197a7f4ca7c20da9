import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { provenanceStatement } from '../../src/statements/provenance.ts'
import { readProvenance } from '../../src/statements/read-provenance.ts'
import { FACTS } from './facts.ts'

const OWN = parseStatement(provenanceStatement(FACTS)).predicate

/** The least that SLSA requires. */
const LEAST: JsonObject = {
  buildDefinition: { buildType: 'urn:x', externalParameters: {} },
  runDetails: { builder: { id: 'urn:b' } },
}

test('readProvenance() gives back what provenanceStatement() wrote', () => {
  expect(readProvenance(OWN)).toEqual({
    buildType: 'https://actions.github.io/buildtypes/workflow/v1',
    builderId: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    workflow: {
      ref: 'refs/heads/main',
      repository: 'https://github.com/acme/app',
      path: '.github/workflows/release.yml',
    },
    github: {
      event_name: 'push',
      repository_id: '4711',
      repository_owner_id: '42',
      runner_environment: 'github-hosted',
    },
    waybill: {
      builder: 'buildx',
      source: { mode: 'enforce', verdict: 'passed' },
      materials: { mode: 'off', verdict: 'not-asked' },
    },
    resolvedDependencies: [
      { uri: 'git+https://github.com/acme/app@refs/heads/main', digest: { gitCommit: 'a'.repeat(40) } },
      { uri: 'pkg:docker/library/alpine@3', digest: { sha256: '4'.repeat(64) } },
    ],
    invocationId: 'https://github.com/acme/app/actions/runs/1000/attempts/2',
    startedOn: '2026-05-01T10:00:00.000Z',
    finishedOn: '2026-05-01T10:01:30.000Z',
  })
})

test('readProvenance() of another builder has no workflow and no waybill part', () => {
  expect(readProvenance(LEAST)).toEqual({ buildType: 'urn:x', builderId: 'urn:b', resolvedDependencies: [] })
})

test.each([
  { given: 'nothing at all', predicate: {} },
  { given: 'no builder id', predicate: { ...LEAST, runDetails: { builder: {} } } },
  { given: 'no build type', predicate: { ...LEAST, buildDefinition: { externalParameters: {} } } },
  { given: 'no external parameters', predicate: { ...LEAST, buildDefinition: { buildType: 'urn:x' } } },
  {
    given: 'half a workflow',
    predicate: { ...LEAST, buildDefinition: { buildType: 'urn:x', externalParameters: { workflow: { ref: 'x' } } } },
  },
  {
    given: 'a repository id that is a number',
    predicate: {
      ...LEAST,
      buildDefinition: {
        buildType: 'urn:x',
        externalParameters: {},
        internalParameters: { github: { repository_id: 1 } },
      },
    },
  },
  {
    given: 'a stage without a verdict',
    predicate: {
      ...LEAST,
      buildDefinition: {
        buildType: 'urn:x',
        externalParameters: {},
        internalParameters: { waybill: { source: { mode: 'off' } } },
      },
    },
  },
  {
    given: 'dependencies that are no list',
    predicate: { ...LEAST, buildDefinition: { buildType: 'urn:x', externalParameters: {}, resolvedDependencies: {} } },
  },
  {
    given: 'a digest that is a number',
    predicate: {
      ...LEAST,
      buildDefinition: {
        buildType: 'urn:x',
        externalParameters: {},
        resolvedDependencies: [{ digest: { gitCommit: 1 } }],
      },
    },
  },
])('readProvenance() refuses $given', ({ predicate }) => {
  expect(() => readProvenance(predicate)).toThrow(expect.objectContaining({ code: 'statements/provenance-malformed' }))
})

test('readProvenance() reads or refuses with its own code whatever JSON stands in a predicate', () => {
  const paths = [
    ['buildDefinition'],
    ['runDetails'],
    ['buildDefinition', 'internalParameters'],
    ['buildDefinition', 'externalParameters'],
    ['buildDefinition', 'resolvedDependencies'],
    ['runDetails', 'metadata'],
    ['runDetails', 'builder'],
  ]
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const predicate = structuredClone(OWN) as Record<string, Record<string, unknown>>
      const [outer = '', inner] = path
      if (inner === undefined) predicate[outer] = value as Record<string, unknown>
      else predicate[outer] = { ...predicate[outer], [inner]: value }
      try {
        readProvenance(predicate as unknown as JsonObject)
      } catch (error) {
        expect(error instanceof WaybillError && error.code).toBe('statements/provenance-malformed')
      }
    }),
  )
})
