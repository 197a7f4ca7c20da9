import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import {
  DOCKER_LIST,
  formatPlatform,
  mediaTypeOf,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
} from '../../src/registry/manifest.ts'
import { codeOf } from './support.ts'

const DIGEST = `sha256:${'b'.repeat(64)}`
const descriptor = { mediaType: 'application/x', digest: DIGEST, size: 3 }
const image = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor] }
const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor] }
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))

test('parseManifest() reads an image with subject, artifact type and annotations', () => {
  const full = { ...image, artifactType: 'application/y', subject: descriptor, annotations: { a: 'b' } }
  expect(parseManifest(json(full), `${OCI_MANIFEST}; charset=utf-8`)).toEqual({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    artifactType: 'application/y',
    subject: descriptor,
    annotations: { a: 'b' },
    config: descriptor,
    layers: [descriptor],
  })
})

test('parseManifest() reads annotations in whatever letters', () => {
  const annotations = { Digest: 'a', digest: 'b' }
  expect(parseManifest(json({ ...image, annotations }), OCI_MANIFEST)).toMatchObject({ annotations })
})

test('parseManifest() reads an index with platforms', () => {
  const entry = { ...descriptor, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }
  const parsed = parseManifest(json({ ...index, manifests: [entry] }), OCI_INDEX)
  expect(parsed).toMatchObject({ kind: 'index', manifests: [entry] })
  expect(formatPlatform(entry.platform)).toBe('linux/arm/v7')
})

test.each([
  ['no media type', { ...image, mediaType: undefined }, OCI_MANIFEST],
  ['another media type than announced', image, OCI_INDEX],
  ['an unknown media type', { ...image, mediaType: 'application/json' }, 'application/json'],
  ['an index announced as an image', { ...index, mediaType: OCI_MANIFEST }, OCI_MANIFEST],
  ['both manifests and layers', { ...image, manifests: [descriptor] }, OCI_MANIFEST],
  ['an index with a config', { ...index, config: descriptor }, OCI_INDEX],
  ['a Docker list with layers', { ...index, mediaType: DOCKER_LIST, layers: [] }, DOCKER_LIST],
  ['schema 1', { schemaVersion: 1, mediaType: OCI_MANIFEST, fsLayers: [] }, OCI_MANIFEST],
  ['no schema version', { ...image, schemaVersion: undefined }, OCI_MANIFEST],
  ['no config', { ...image, config: undefined }, OCI_MANIFEST],
  ['layers that are not a list', { ...image, layers: {} }, OCI_MANIFEST],
  ['a negative size', { ...image, config: { ...descriptor, size: -1 } }, OCI_MANIFEST],
  ['a size with a fraction', { ...image, config: { ...descriptor, size: 1.5 } }, OCI_MANIFEST],
  ['an upper-case digest', { ...image, config: { ...descriptor, digest: DIGEST.toUpperCase() } }, OCI_MANIFEST],
  ['an empty layer type', { ...image, layers: [{ ...descriptor, mediaType: '' }] }, OCI_MANIFEST],
  ['annotations that are not text', { ...image, annotations: { a: 1 } }, OCI_MANIFEST],
  ['a platform without architecture', { ...index, manifests: [{ ...descriptor, platform: { os: 'x' } }] }, OCI_INDEX],
  ['a list', [image], OCI_MANIFEST],
  ['a second list in other letters', { ...index, Manifests: [descriptor] }, OCI_INDEX],
  [
    'a second platform in other letters',
    {
      ...index,
      manifests: [
        {
          ...descriptor,
          platform: { os: 'linux', architecture: 's390x' },
          Platform: { os: 'linux', architecture: 'amd64' },
        },
      ],
    },
    OCI_INDEX,
  ],
  [
    'a variant in letters that only Go folds',
    { ...index, manifests: [{ ...descriptor, platform: { os: 'linux', 'o\u017f': 'x', architecture: 'arm' } }] },
    OCI_INDEX,
  ],
])('13-adversary 21: parseManifest() refuses %s', async (_what, value, type) => {
  expect(await codeOf(() => parseManifest(json(value), type))).toBe('registry/manifest-malformed')
})

test.each([
  ['a duplicate key', `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[],"manifests":[]}`],
  [
    'a duplicate key spelled with an escape',
    `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[],"\\u006danifests":[]}`,
  ],
  ['a byte order mark', `\ufeff${JSON.stringify(index)}`],
  ['trailing bytes', `${JSON.stringify(index)}{}`],
  ['nothing', ''],
  ['deep nesting', `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":${'['.repeat(100)}${']'.repeat(100)}}`],
])('13-adversary 21: parseManifest() refuses %s', async (_what, text) => {
  expect(await codeOf(() => parseManifest(utf8(text), OCI_INDEX))).toBe('registry/manifest-malformed')
})

test('parseManifest() refuses more bytes than a manifest may have', async () => {
  const huge = utf8(`${JSON.stringify(index)}${' '.repeat(LIMITS.manifestBytes)}`)
  expect(await codeOf(() => parseManifest(huge, OCI_INDEX))).toBe('registry/manifest-malformed')
})

test('parseManifest() given any JSON or bytes returns a manifest or a typed error', () => {
  const typed = fc.record(
    {
      schemaVersion: fc.constantFrom(1, 2, '2'),
      mediaType: fc.constantFrom(OCI_MANIFEST, OCI_INDEX, DOCKER_LIST, null),
      config: fc.oneof(fc.constant(descriptor), fc.jsonValue()),
      layers: fc.oneof(fc.array(fc.constant(descriptor)), fc.jsonValue()),
      manifests: fc.oneof(fc.array(fc.constant(descriptor)), fc.jsonValue()),
      annotations: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const bytes = fc.oneof(typed.map(json), fc.jsonValue().map(json), fc.uint8Array())
  fc.assert(
    fc.property(bytes, fc.constantFrom(OCI_MANIFEST, OCI_INDEX, ''), (given, type) => {
      try {
        expect(['image', 'index']).toContain(parseManifest(given, type).kind)
      } catch (error) {
        expect((error as WaybillError).code).toBe('registry/manifest-malformed')
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
    { numRuns: 1500 },
  )
})

test('mediaTypeOf() drops parameters and case', () => {
  expect(mediaTypeOf(' Application/JSON ; charset=x')).toBe('application/json')
})
