import { join } from 'node:path'
import { objectAt } from '../../src/core/shape.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { type ProvenanceFacts, provenanceStatement } from '../../src/statements/provenance.ts'
import { readProvenance } from '../../src/statements/read-provenance.ts'
import { PROVENANCE_PREDICATE } from '../../src/statements/statement.ts'
import { GITHUB_BUILD_TYPE, OWN_URI_BASE, RECORDED_BUILD_TYPE, WORKFLOW_BUILD_TYPE } from '../../src/statements/uris.ts'
import { expectGolden } from '../report/golden.ts'
import { CLAIMS, commitOf, FACTS } from './facts.ts'

const golden = (name: string) => join(import.meta.dirname, 'golden', name)

function predicateOf(facts: ProvenanceFacts) {
  return parseStatement(provenanceStatement(facts)).predicate
}

function pretty(facts: ProvenanceFacts): string {
  return `${JSON.stringify(JSON.parse(new TextDecoder().decode(provenanceStatement(facts))), null, 2)}\n`
}

/** `layout` and `none` exported nothing, so they have no context. */
function recorded(builder: 'layout' | 'none'): ProvenanceFacts {
  const { context: _, ...facts } = FACTS
  return { ...facts, builder }
}

test('provenanceStatement() of a build on push is the golden file', () => {
  expectGolden(golden('provenance-push.json.txt'), pretty(FACTS))
})

test('provenanceStatement() of a recorded digest is the golden file', () => {
  expectGolden(golden('provenance-recorded.json.txt'), pretty(recorded('none')))
})

test.each([
  ...['push', 'create', 'release', 'workflow_dispatch'].map(event => ({ event, buildType: GITHUB_BUILD_TYPE })),
  ...['schedule', 'repository_dispatch', 'toString'].map(event => ({ event, buildType: WORKFLOW_BUILD_TYPE })),
])('provenanceStatement() on $event has the build type $buildType', ({ event, buildType }) => {
  const claims = readProvenance(predicateOf({ ...FACTS, claims: { ...CLAIMS, event_name: event } }))
  expect(claims.buildType).toBe(buildType)
})

test.each(['layout', 'none'] as const)(
  '13-adversary 15: a digest recorded by %s claims no commit as a dependency, only as claimedSource',
  builder => {
    const claims = readProvenance(predicateOf(recorded(builder)))
    expect(claims.buildType).toBe(RECORDED_BUILD_TYPE)
    expect(claims.resolvedDependencies).toEqual([])
    expect(claims.claimedSource?.digest).toEqual({ gitCommit: 'a'.repeat(40) })
  },
)

test('13-adversary 14: the statement records the git tree and the SHA-256 of the export that was built', () => {
  const internal = objectAt(objectAt(predicateOf(FACTS).buildDefinition, 'd').internalParameters, 'i')
  expect(objectAt(internal.waybill, 'w').context).toEqual({ gitTree: 'b'.repeat(40), sha256: 'c'.repeat(64) })
})

test('13-adversary 7: a built commit other than the run’s own is stated first and the run’s own beside it', () => {
  const claims = readProvenance(predicateOf({ ...FACTS, commit: { id: commitOf('d') } }))
  expect(claims.resolvedDependencies.slice(0, 2)).toEqual([
    { uri: 'git+https://github.com/acme/app', digest: { gitCommit: 'd'.repeat(40) } },
    { uri: 'git+https://github.com/acme/app@refs/heads/main', digest: { gitCommit: 'a'.repeat(40) } },
  ])
})

test('13-adversary 40: the runner environment of the token is stated, whatever it is', () => {
  const claims = { ...CLAIMS, runner_environment: 'self-hosted' }
  expect(readProvenance(predicateOf({ ...FACTS, claims })).github?.runner_environment).toBe('self-hosted')
})

test('13-adversary 41: mode and verdict of source and materials stand in every provenance', () => {
  const facts: ProvenanceFacts = { ...FACTS, source: { mode: 'audit', verdict: 'rejected' } }
  expect(readProvenance(predicateOf(facts)).waybill).toEqual({
    builder: 'buildx',
    source: { mode: 'audit', verdict: 'rejected' },
    materials: { mode: 'off', verdict: 'not-asked' },
  })
})

test('13-adversary 44: every own URI begins with the one constant, on a name nobody can own', () => {
  for (const uri of [RECORDED_BUILD_TYPE, WORKFLOW_BUILD_TYPE]) expect(uri.startsWith(`${OWN_URI_BASE}/`)).toBe(true)
  expect(new URL(OWN_URI_BASE).hostname).toBe('example.invalid')
})

test('13-adversary 42: a build argument is stated by name, its value only when it is given as recordable', () => {
  const text = pretty(FACTS)
  expect(text).toContain('"name": "MIRROR"\n')
  expect(text).toContain('"value": "1.2.3"')
})

test('provenanceStatement() writes no field that is not named by hand', () => {
  const inputs = { ...FACTS.inputs, secret: 'hunter2' }
  expect(pretty({ ...FACTS, inputs })).not.toContain('hunter2')
})

/** The fields of in-toto's ResourceDescriptor v1; strict decoders refuse any other. */
const DESCRIPTOR_FIELDS = ['name', 'uri', 'digest', 'content', 'downloadLocation', 'mediaType', 'annotations']
/** Field names of slsa.dev/spec/v1.1/provenance. */
const DEFINITION_FIELDS = ['buildType', 'externalParameters', 'internalParameters', 'resolvedDependencies']
const DETAIL_FIELDS = ['builder', 'metadata', 'byproducts']

test.each([
  { given: 'a build', facts: FACTS },
  { given: 'a recorded digest', facts: recorded('layout') },
])('provenanceStatement() of $given uses only the field names of SLSA and in-toto', ({ facts }) => {
  const definition = objectAt(predicateOf(facts).buildDefinition, 'buildDefinition')
  const details = objectAt(predicateOf(facts).runDetails, 'runDetails')
  expect(DEFINITION_FIELDS).toEqual(expect.arrayContaining(Object.keys(definition)))
  expect(DETAIL_FIELDS).toEqual(expect.arrayContaining(Object.keys(details)))
  const builder = objectAt(details.builder, 'builder')
  expect(['id', 'version', 'builderDependencies']).toEqual(expect.arrayContaining(Object.keys(builder)))
  const lists = [definition.resolvedDependencies, builder.builderDependencies, details.byproducts]
  for (const item of lists.flatMap(list => (Array.isArray(list) ? list : [])))
    expect(DESCRIPTOR_FIELDS).toEqual(expect.arrayContaining(Object.keys(item)))
})

test('provenanceStatement() has the predicate type and exactly the subjects given', () => {
  const statement = parseStatement(provenanceStatement(FACTS))
  expect(statement.predicateType).toBe(PROVENANCE_PREDICATE)
  expect(statement.subject).toEqual(FACTS.subjects)
})

test('a reusable workflow is the builder and the calling one the workflow', () => {
  const job_workflow_ref = 'acme/shared/.github/workflows/build.yml@refs/tags/v1'
  const claims = readProvenance(predicateOf({ ...FACTS, claims: { ...CLAIMS, job_workflow_ref } }))
  expect(claims.builderId).toBe(`https://github.com/${job_workflow_ref}`)
  expect(claims.workflow?.path).toBe('.github/workflows/release.yml')
})

test.each([
  {
    ref: 'acme/app/.github/workflows/a@b.yml@refs/heads/main',
    path: '.github/workflows/a@b.yml',
    at: 'refs/heads/main',
  },
  {
    ref: 'acme/app/.github/workflows/a.yml@refs/heads/x@refs/heads/main',
    path: '.github/workflows/a.yml',
    at: 'refs/heads/x@refs/heads/main',
  },
  {
    ref: 'acme/app/.github/workflows/a.yml@refs/heads/b/.github/workflows/c.yml@refs/d',
    path: '.github/workflows/a.yml',
    at: 'refs/heads/b/.github/workflows/c.yml@refs/d',
  },
])('an "@" in a file name or a branch name does not move the cut: $ref', ({ ref, path, at }) => {
  const { workflow } = readProvenance(predicateOf({ ...FACTS, claims: { ...CLAIMS, workflow_ref: ref } }))
  expect(workflow).toEqual({ ref: at, repository: 'https://github.com/acme/app', path })
})

test.each([
  {
    given: 'a workflow_ref without a ref',
    change: { claims: { ...CLAIMS, workflow_ref: 'acme/app/.github/workflows/a.yml' } },
  },
  {
    given: 'a workflow_ref outside .github/workflows',
    change: { claims: { ...CLAIMS, workflow_ref: 'acme/app/a.yml@refs/heads/main' } },
  },
  { given: 'an empty claim', change: { claims: { ...CLAIMS, run_id: '' } } },
  { given: 'a server with a path', change: { serverUrl: 'https://github.com/x' } },
  { given: 'an end before the start', change: { finishedOn: new Date(0) } },
  { given: 'a date that is none', change: { startedOn: new Date(Number.NaN) } },
])('provenanceStatement() states nothing given $given', ({ change }) => {
  expect(() => provenanceStatement({ ...FACTS, ...change })).toThrow(
    expect.objectContaining({ code: 'statements/facts-unusable' }),
  )
})
