import fc from 'fast-check'
import { historyReference, observedInMetadata, observedInPredicate } from '../../src/build/buildkit-provenance.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { errorOf } from './support.ts'

const IMAGE = { uri: 'pkg:docker/alpine@3.22?platform=linux%2Famd64', digest: { sha256: 'a'.repeat(64) } }
const FILE = { uri: 'https://example.com/tool', digest: { sha256: 'b'.repeat(64) } }

test('materials of SLSA v0.2, as buildx writes them, and of v1 are read alike', () => {
  const old: JsonObject = {
    builder: { id: '' },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: [IMAGE, FILE],
  }
  const now: JsonObject = { buildDefinition: { resolvedDependencies: [IMAGE, FILE] } }
  for (const predicate of [old, now])
    expect(observedInMetadata({ 'buildx.build.provenance': predicate })).toEqual([FILE, IMAGE])
  expect(observedInPredicate(utf8(JSON.stringify(old)))).toEqual([FILE, IMAGE])
})

test('several platforms are brought together, each thing once', () => {
  const other = { ...IMAGE, uri: 'pkg:docker/alpine@3.22?platform=linux%2F386' }
  const metadata: JsonObject = {
    'buildx.build.provenance/linux/amd64': { materials: [IMAGE, FILE] },
    'buildx.build.provenance/linux/386': { materials: [other, FILE] },
  }
  expect(observedInMetadata(metadata)).toEqual([FILE, other, IMAGE])
})

test('no provenance is not an empty one', () => {
  expect(observedInMetadata({ 'containerimage.digest': 'x' })).toBeUndefined()
  expect(observedInMetadata({ 'buildx.build.provenance': { materials: null } })).toEqual([])
  expect(observedInMetadata({ 'buildx.build.provenance': {} })).toEqual([])
})

test.each<[string, JsonObject]>([
  ['text', { 'buildx.build.provenance': 'x' }],
  ['materials that are no list', { 'buildx.build.provenance': { materials: {} } }],
  ['a material that is text', { 'buildx.build.provenance': { materials: ['x'] } }],
  ['no uri', { 'buildx.build.provenance': { materials: [{ digest: {} }] } }],
  ['a uri with a control character', { 'buildx.build.provenance': { materials: [{ uri: 'a\u001bb' }] } }],
  ['a uri without end', { 'buildx.build.provenance': { materials: [{ uri: 'x'.repeat(10_000) }] } }],
  [
    'a digest in upper case',
    { 'buildx.build.provenance': { materials: [{ uri: 'x', digest: { sha256: 'A'.repeat(64) } }] } },
  ],
  ['a digest that is text', { 'buildx.build.provenance': { materials: [{ uri: 'x', digest: 'sha256:a' }] } }],
  ['one platform of two that is none', { 'buildx.build.provenance/a': {}, 'buildx.build.provenance/b': 1 }],
  [
    'more than a build can have',
    { 'buildx.build.provenance': { materials: Array.from({ length: LIMITS.observedMaterials + 1 }, () => IMAGE) } },
  ],
])('observedInMetadata() refuses %s', async (_what, metadata) => {
  expect((await errorOf(() => observedInMetadata(metadata))).code).toBe('materials/provenance-malformed')
})

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), bytes => {
      try {
        expect(Array.isArray(observedInPredicate(bytes))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test.each([
  ['builder/builder0/5s7b6twck6bodg50nwmxxqz7y', '5s7b6twck6bodg50nwmxxqz7y'],
  ['builder/builder0/--help', undefined],
  ['builder/builder0/', undefined],
  ['', undefined],
  [7, undefined],
])('historyReference() of %j', (value, reference) => {
  expect(historyReference({ 'buildx.build.ref': value })).toBe(reference)
})
