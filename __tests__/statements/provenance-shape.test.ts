import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { objectAt } from '../../src/core/shape.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import {
  type BuilderName,
  isRecorded,
  type ProvenanceFacts,
  provenanceStatement,
} from '../../src/statements/provenance.ts'
import { readProvenance } from '../../src/statements/read-provenance.ts'
import { GITHUB_HOSTED_LABELS } from '../../src/statements/runners.ts'
import { CLAIMS, commitOf, digestOf, FACTS } from './facts.ts'
import { decodeStrictly } from './strict-provenance.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/provenance.json'), 'utf8')) as {
  readonly $defs: Readonly<Record<string, { readonly properties: Readonly<Record<string, Json>> }>>
}
const ajv = new Ajv.default({ allErrors: true, strict: false, formats: { uri: /^[a-z][a-z0-9+.-]*:\/\/[^\s]+$/ } })
const meets = ajv.compile(SCHEMA)

function predicateOf(facts: ProvenanceFacts) {
  const bytes = provenanceStatement(facts)
  decodeStrictly(bytes)
  const { predicate } = parseStatement(bytes)
  expect(meets(predicate) ? [] : meets.errors).toEqual([])
  return predicate
}

function factsOf(builder: BuilderName, event_name: string): ProvenanceFacts {
  const { context, resolvedMaterials: _, ...facts } = FACTS
  const claims = { ...CLAIMS, event_name }
  return isRecorded(builder)
    ? { ...facts, inputs: {}, builder, claims }
    : { ...FACTS, builder, claims, ...(context && { context }) }
}

/** Everything that can stand in one, at once. */
const EVERYTHING: ProvenanceFacts = {
  ...FACTS,
  claimsBy: 'runner',
  draft: 'a draft',
  commandIsolation: 'none',
  buildRunners: { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'own' },
  dispatchInputs: [{ name: 'version', value: '1.2.3' }, { name: 'password' }],
  inputs: {
    ...FACTS.inputs,
    target: 'release',
    annotations: ['org.opencontainers.image.source'],
    secrets: ['npm'],
    ssh: ['default'],
    buildContexts: [
      { name: 'docs', from: 'commit' },
      { name: 'base', from: 'image', verified: 'signed' },
    ],
    network: 'none',
    cacheFrom: ['type=registry,ref=ghcr.io/acme/app:buildcache'],
    cacheTo: ['type=gha,scope=main'],
    sbom: true,
    bake: { file: 'docker-bake.hcl', target: 'app' },
    reproducible: 'check',
    digest: digestOf('7'),
    layout: 'out/layout',
    imageRefs: 'out/refs',
  },
}

const BUILDERS = ['buildx', 'buildah', 'layout', 'none'] as const
const EVENTS = ['push', 'create', 'release', 'workflow_dispatch', 'schedule', 'repository_dispatch'] as const

describe.each(BUILDERS)('provenance by %s', builder => {
  test.each(EVENTS)('on %s meets schemas/provenance.json and a strict decoder', event => {
    expect(predicateOf(factsOf(builder, event))).toHaveProperty('buildDefinition')
  })
})

test('everything at once meets schemas/provenance.json and a strict decoder', () => {
  expect(predicateOf(EVERYTHING)).toHaveProperty('runDetails')
})

test('whatever is left out, the rest meets schemas/provenance.json and a strict decoder', () => {
  const keys = Object.keys(EVERYTHING.inputs) as (keyof ProvenanceFacts['inputs'])[]
  const optional = ['claimsBy', 'draft', 'commandIsolation', 'buildRunners', 'dispatchInputs', 'byproducts'] as const
  fc.assert(
    fc.property(
      fc.subarray(keys),
      fc.subarray([...optional]),
      fc.constantFrom(...BUILDERS),
      fc.constantFrom(...EVENTS),
      (inputs, fields, builder, event_name) => {
        const kept = Object.fromEntries(inputs.map(key => [key, EVERYTHING.inputs[key]]))
        const more = Object.fromEntries(fields.map(key => [key, EVERYTHING[key]]))
        predicateOf({ ...factsOf(builder, event_name), inputs: kept, ...more })
      },
    ),
    { numRuns: 200 },
  )
})

test.each<[string, (statement: Record<string, Record<string, Record<string, Json>>>) => void]>([
  ['an unknown field', ({ predicate }) => Object.assign(predicate?.buildDefinition ?? {}, { materials: [] })],
  ['a field of another version', ({ predicate }) => Object.assign(predicate?.runDetails ?? {}, { completeness: {} })],
  ['null', ({ predicate }) => Object.assign(predicate?.runDetails ?? {}, { byproducts: null })],
  [
    'null deep inside',
    ({ predicate }) => Object.assign(predicate?.buildDefinition ?? {}, { internalParameters: { a: null } }),
  ],
  ['a list for an object', ({ predicate }) => Object.assign(predicate?.runDetails ?? {}, { metadata: [] })],
  [
    'a version that is a number',
    ({ predicate }) => Object.assign(predicate?.runDetails?.builder ?? {}, { version: { waybill: 1 } }),
  ],
  ['no time', ({ predicate }) => Object.assign(predicate?.runDetails?.metadata ?? {}, { startedOn: 'yesterday' })],
  [
    'a dependency that is nothing',
    ({ predicate }) => Object.assign(predicate?.buildDefinition ?? {}, { resolvedDependencies: [{ name: 'x' }] }),
  ],
])('the strict decoder does not take %s', (_what, change) => {
  const statement = JSON.parse(new TextDecoder().decode(provenanceStatement(EVERYTHING)))
  change(statement)
  expect(() => decodeStrictly(new TextEncoder().encode(JSON.stringify(statement)))).toThrow(/^statement/)
})

test('docs/predicates name every own field of schemas/provenance.json, and no field that is not there', () => {
  const page = readFileSync(join(ROOT, 'docs/predicates/workflow-v1.md'), 'utf8')
  const named = (prefix: string) =>
    [...page.matchAll(/^\| `internalParameters\.waybill\.([a-zA-Z.]+)`/gm)]
      .flatMap(([, name = '']) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
      .filter(name => !name.includes('.'))
  expect(named('').sort()).toEqual(Object.keys(SCHEMA.$defs.waybill?.properties ?? {}).sort())
  expect(named('inputs.').sort()).toEqual(Object.keys(SCHEMA.$defs.inputs?.properties ?? {}).sort())
})

test('13-adversary 42: a dispatch input is recorded by name, and its value never without its source', () => {
  const internal = objectAt(objectAt(predicateOf(EVERYTHING).buildDefinition, 'd').internalParameters, 'i')
  expect(objectAt(internal.waybill, 'w').dispatchInputs).toEqual([
    { name: 'version', value: '1.2.3', source: 'event-file' },
    { name: 'password' },
  ])
  expect(objectAt(predicateOf(EVERYTHING).buildDefinition, 'd').externalParameters).toEqual({
    workflow: expect.anything(),
  })
})

test.each([
  ['only GitHub’s', { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'ubuntu-24.04-arm' }, false],
  ['one that is not', { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'own' }, true],
  ['a name that only begins like GitHub’s', { 'linux/amd64': 'ubuntu-24.04-big' }, true],
  ['a name in capitals', { 'linux/amd64': 'Ubuntu-Latest' }, true],
  ['self-hosted', { 'linux/amd64': 'self-hosted' }, true],
])('13-adversary 40: parts built on %s runners', (_what, buildRunners, marked) => {
  const { builderId, waybill } = readProvenance(predicateOf({ ...FACTS, buildRunners }))
  expect(builderId).toBe(`https://github.com/${CLAIMS.job_workflow_ref}${marked ? '#self-hosted' : ''}`)
  expect(waybill?.buildRunners).toEqual(marked ? buildRunners : undefined)
})

test('13-adversary 40: the list has no label that anybody may give to a machine of his own without GitHub’s leave', () => {
  for (const label of GITHUB_HOSTED_LABELS) expect(label).toMatch(/^(ubuntu|windows)-(latest|[0-9.]+)(-arm)?$/)
  expect(GITHUB_HOSTED_LABELS.has('self-hosted')).toBe(false)
})

test('a commit other than the run’s, and an unusual one, keep the shape', () => {
  expect(predicateOf({ ...FACTS, commit: { id: commitOf('d') } })).toHaveProperty('buildDefinition')
})
