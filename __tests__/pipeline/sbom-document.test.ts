import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { readSbom } from '../../src/pipeline/sbom-document.ts'
import { codeOf } from '../registry/support.ts'

const [A, B, C] = ['a', 'b', 'c'].map(digit => digit.repeat(64))
const CREATED = { created: '2026-01-01T00:00:00Z', creators: ['Tool: example'] }
const SPDX = { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', creationInfo: CREATED }
const CYCLONEDX = { bomFormat: 'CycloneDX', specVersion: '1.6' }

const read = (document: unknown) => readSbom(utf8(JSON.stringify(document)))
const namesOf = (document: unknown) => [...read(document).names].map(digest => digest.slice(7, 8)).sort()

test.each([
  [SPDX, 'https://spdx.dev/Document'],
  [{ ...SPDX, spdxVersion: 'SPDX-2.2' }, 'https://spdx.dev/Document'],
  [CYCLONEDX, 'https://cyclonedx.org/bom'],
  [{ ...CYCLONEDX, specVersion: '1.4' }, 'https://cyclonedx.org/bom'],
])('%j is of the type %s and stays as it is', (document, type) => {
  expect(read(document)).toMatchObject({ predicateType: type, predicate: document })
  expect(namesOf(document)).toEqual([])
})

test.each([
  {},
  { name: 'app' },
  { ...SPDX, ...CYCLONEDX },
  { ...SPDX, spdxVersion: 'SPDX-3.0' },
  { ...SPDX, spdxVersion: 2.3 },
  { ...SPDX, SPDXID: 'SPDXRef-app' },
  { ...SPDX, creationInfo: 'yesterday' },
  { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': [] },
  { bomFormat: 'CycloneDX' },
  { bomFormat: 'CycloneDX', specVersion: '2.0' },
  { bomFormat: 'cyclonedx', specVersion: '1.6' },
])('%j is refused', async document => {
  expect(await codeOf(() => read(document))).toBe('pipeline/sbom-unusable')
})

test.each([
  ['XML', '<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>'],
  ['a list', '[]'],
  ['nothing', ''],
  ['a key twice', '{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.6"}'],
  ['nesting without end', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`],
  ['too much', `{"a":"${'x'.repeat(LIMITS.predicateBytes)}"}`],
])('%s is refused', async (_, text) => {
  expect(await codeOf(() => readSbom(utf8(text)))).toBe('pipeline/sbom-unusable')
})

const component = (fields: object) => ({ ...CYCLONEDX, metadata: { component: fields } })
const spdxOf = (fields: object, more: object = { documentDescribes: ['SPDXRef-image'] }) => ({
  ...SPDX,
  ...more,
  packages: [
    { SPDXID: 'SPDXRef-image', name: 'app', ...fields },
    { SPDXID: 'SPDXRef-other', name: `busybox@sha256:${C}`, primaryPackagePurpose: 'CONTAINER' },
  ],
})

test.each([
  ['a version', component({ type: 'container', version: `sha256:${A}` }), ['a']],
  ['a reference', component({ type: 'container', name: `ghcr.io/acme/app@sha256:${A}` }), ['a']],
  ['a package URL', component({ type: 'container', purl: `pkg:oci/app@sha256%3A${A}?arch=amd64` }), ['a']],
  [
    'properties of the tool',
    component({
      type: 'container',
      properties: [{ name: 'RepoDigest', value: `app@sha256:${A}` }, { value: `sha256:${B}` }],
    }),
    ['a', 'b'],
  ],
  ['hashes of an image', component({ type: 'container', hashes: [{ alg: 'SHA-256', content: A }] }), ['a']],
  [
    'hashes of a file',
    component({ type: 'file', hashes: [{ alg: 'SHA-256', content: A }], version: `sha256:${B}` }),
    [],
  ],
  ['a reference of an application', component({ type: 'application', name: `app@sha256:${A}` }), ['a']],
  ['something of another type', component({ type: 'container', version: 7, properties: 'x', hashes: [null] }), []],
  ['the version of an SPDX package', spdxOf({ versionInfo: `sha256:${A}`, primaryPackagePurpose: 'CONTAINER' }), ['a']],
  ['the version of something that is no image', spdxOf({ versionInfo: `sha256:${A}` }), []],
  [
    'checksums',
    spdxOf({ checksums: [{ algorithm: 'SHA256', checksumValue: A }], primaryPackagePurpose: 'CONTAINER' }),
    ['a'],
  ],
  ['an external reference', spdxOf({ externalRefs: [{ referenceLocator: `pkg:oci/app@sha256:${A}` }] }), ['a']],
  [
    'a package that a relationship describes',
    spdxOf(
      { versionInfo: `sha256:${A}`, primaryPackagePurpose: 'CONTAINER' },
      {
        relationships: [
          { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-image' },
          { spdxElementId: 'SPDXRef-image', relationshipType: 'CONTAINS', relatedSpdxElement: 'SPDXRef-other' },
        ],
      },
    ),
    ['a'],
  ],
  ['what it only contains', spdxOf({}), []],
] as const)('the image is named by %s', (_, document, names) => {
  expect(namesOf(document)).toEqual(names)
})

test('whatever the JSON is, the answer is a document or the one code', () => {
  const fields = fc.dictionary(
    fc.constantFrom(
      'spdxVersion',
      'SPDXID',
      'creationInfo',
      'packages',
      'relationships',
      'documentDescribes',
      'metadata',
    ),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(fields, fc.boolean(), (random, spdx) => {
      const document = { ...(spdx ? SPDX : CYCLONEDX), ...random }
      try {
        expect(read(document).predicate).toBeDefined()
      } catch (error) {
        expect((error as { code?: string }).code).toBe('pipeline/sbom-unusable')
      }
    }),
  )
})
